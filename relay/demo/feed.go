package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/entente-relay/entente/translate/language"
)

//go:embed feed/*.json
var feed embed.FS

// file is one file that DE publishes.
type file struct {
	name string
	data []byte
}

// inputs returns the files to publish: the sample feed, or the user's own.
func inputs(path string) ([]file, error) {
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return []file{{filepath.Base(path), data}}, nil
	}
	names, err := fs.Glob(feed, "feed/*.json")
	if err != nil {
		return nil, err
	}
	var out []file
	for _, name := range names {
		data, err := feed.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, file{filepath.Base(name), data})
	}
	return out, nil
}

// namesOf lists the names of objects in a file, by id, so that the story can
// call them by name. What is not a bundle has none.
func namesOf(data []byte) map[string]string {
	var b struct {
		Objects []struct {
			Type   string `json:"type"`
			ID     string `json:"id"`
			Name   string `json:"name"`
			Kind   string `json:"relationship_type"`
			Source string `json:"source_ref"`
			Target string `json:"target_ref"`
		} `json:"objects"`
	}
	out := map[string]string{}
	if json.Unmarshal(data, &b) != nil {
		return out
	}
	for _, o := range b.Objects {
		switch {
		case o.Name != "":
			out[o.ID] = language.Visible(o.Name)
		case o.Kind != "":
			out[o.ID] = fmt.Sprintf("relationship %q", language.Visible(o.Kind))
		default:
			out[o.ID] = language.Visible(o.Type)
		}
	}
	return out
}
