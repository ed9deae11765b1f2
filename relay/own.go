package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation/directory"
)

// ownFiles lists the files under dir that hold what this node accepted and
// signed. A folder that is not there holds none.
func ownFiles(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var paths []string
	for _, f := range files {
		if !f.IsDir() && strings.HasSuffix(f.Name(), termsExt) {
			paths = append(paths, filepath.Join(dir, f.Name()))
		}
	}
	return paths, nil
}

// openOwn reads a file that this node signed itself, of no newer version than
// this build knows.
func openOwn(path, typ string, own directory.KeySource, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// The signature is this node's own, made when the content was accepted.
	j, err := directory.OpenJWS(bytes.TrimSpace(raw), typ, directory.PurposeAgreement, keepUsable{own}, time.Now())
	if err != nil {
		return fmt.Errorf("%s: not accepted by this node, or changed since: %w", path, err)
	}
	var head struct {
		Version int `json:"ver"`
	}
	if err := errors.Join(json.Unmarshal(j.Payload, &head), json.Unmarshal(j.Payload, into)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if head.Version > termsVersion {
		return fmt.Errorf("%s: version %d, this build reads up to %d: use a newer entente", path, head.Version, termsVersion)
	}
	return nil
}
