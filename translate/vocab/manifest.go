package vocab

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/goccy/go-yaml"

	"github.com/entente-relay/entente/translate"
)

// ManifestFile is the optional file of a vocabulary folder that states the
// order of precedence and what a file does not say of itself.
const ManifestFile = "vocabularies.yaml"

// ManifestVersion is the newest version of the manifest that is read.
const ManifestVersion = 1

// manifest is the content of ManifestFile.
type manifest struct {
	Ver   int            `yaml:"ver"`
	Files []manifestFile `yaml:"files"`
}

// manifestFile is what the manifest says of one file.
type manifestFile struct {
	// File is its name in the folder.
	File string `yaml:"file"`
	// Kind of its words, where the format or its type does not tell.
	Kind translate.Kind `yaml:"kind"`
	// Language of the labels of a machinetag file, which has no field for it;
	// English if absent.
	Language string `yaml:"language"`
	// Name and Licence are for people.
	Name    string `yaml:"name"`
	Licence string `yaml:"licence"`
}

// readManifest reads the manifest of a folder; a folder needs none.
func readManifest(fsys fs.FS) ([]manifestFile, error) {
	data, err := fs.ReadFile(fsys, ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	var m manifest
	if err := guarded(func() error { return yaml.UnmarshalWithOptions(data, &m, yaml.Strict()) }); err != nil {
		return nil, fmt.Errorf("%s: %s", ManifestFile, yaml.FormatError(err, false, true))
	}
	if m.Ver != ManifestVersion {
		return nil, &Error{
			File: ManifestFile, Line: 1, Detail: fmt.Sprintf("ver is %d, this build reads %d", m.Ver, ManifestVersion),
			Hint: "write ver: 1, or use a newer build",
		}
	}
	for i, f := range m.Files {
		for _, o := range m.Files[:i] {
			if o.File == f.File {
				return nil, &Error{File: ManifestFile, Detail: "names " + f.File + " twice", Hint: "remove one entry"}
			}
		}
		if f.Kind != "" {
			if _, err := translate.ParseKind(string(f.Kind)); err != nil {
				return nil, &Error{File: ManifestFile, Detail: f.File + ": " + err.Error()}
			}
		}
	}
	return m.Files, nil
}

// guarded calls into the YAML library, which panics on some input (a tag
// before what should be a list, for one). A panic is a refusal here.
func guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read as YAML (the reader failed: %v); write it without tags and anchors", p)
		}
	}()
	return call()
}
