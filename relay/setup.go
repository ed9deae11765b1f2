package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
)

// How long what `init` makes is good for. Rotation with overlap is a matter of
// its own; a year is what a small team can be asked to remember once.
const (
	keyLife       = 366 * 24 * time.Hour
	statementLife = 366 * 24 * time.Hour
)

// SetupOptions say what a new node is.
type SetupOptions struct {
	Dir    string // folder of the configuration; made if missing
	File   string // name of the configuration in it; "" is entente.yaml
	Values configs.TemplateValues
	URLs   []string // where peers reach it: tls://host:port
	Now    time.Time

	files files
}

// Setup writes a new node into a folder: commented configuration, keys and
// the node's own signed statement. It overwrites nothing, and when it fails
// it takes back what it wrote.
func Setup(o SetupOptions) (cfg *configs.Node, err error) {
	if o.File == "" {
		o.File = "entente.yaml"
	}
	path := filepath.Join(o.Dir, o.File)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s exists already: name another folder with --dir", path)
	}
	text, err := configs.Template(o.Values)
	if err != nil {
		return nil, err
	}
	made, err := configs.ParseNode([]byte(text), path)
	if err != nil {
		return nil, err
	}
	statement := filepath.Join(o.Dir, StatementFile)
	for _, there := range []string{KeysDir(made), statement} {
		if _, err := os.Stat(there); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s exists already and may be in use, so nothing was written: name another folder with --dir", there)
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(KeysDir(made)), removeIfThere(path), removeIfThere(statement))
		}
	}()
	keys, err := o.files.createKeys(made, o.Values.Hosts)
	if err != nil {
		return nil, err
	}
	if err := o.files.writeStatement(made, keys, o.URLs, 1, o.Now); err != nil {
		return nil, err
	}
	if err := o.files.put(fileConfig, path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return made, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// WriteStatement signs and writes the node's own statement beside its
// configuration. A higher version replaces a lower one at peers.
func WriteStatement(cfg *configs.Node, keys *Keys, urls []string, version uint64, now time.Time) error {
	return files{}.writeStatement(cfg, keys, urls, version, now)
}

func (f files) writeStatement(cfg *configs.Node, keys *Keys, urls []string, version uint64, now time.Time) error {
	from, until := now.Add(-time.Hour), now.Add(keyLife)
	s := directory.Statement{ID: cfg.Node.ID, Name: cfg.Node.Name, Country: cfg.Node.Country, Version: version,
		Keys: []directory.Key{
			keys.Message.Key(directory.PurposeMessage, from, until),
			keys.Terms.Key(directory.PurposeAgreement, from, until),
		},
		LinkNKey: keys.LinkPublic, LinkCert: string(keys.LinkCert), LinkURLs: urls,
		IssuedAt: now, Expires: now.Add(statementLife)}
	if keys.Enc != nil {
		s.Keys = append(s.Keys, keys.Enc.Key(from, until))
	}
	signed, err := directory.NewStatement(s, keys.Terms)
	if err != nil {
		return err
	}
	return f.put(fileStatement, filepath.Join(filepath.Dir(cfg.Path), StatementFile), append(signed, '\n'), 0o644)
}
