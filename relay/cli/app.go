package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// app is what all commands share: streams, clock, environment, and the two
// flags that every command has.
type app struct {
	in  io.Reader
	out *sink // results
	err io.Writer
	now func() time.Time

	getenv func(string) string

	config string // --config
	json   bool   // --json
	begun  bool   // a command runs: what fails now is not a fault of usage

	// colours says that results go to a terminal that shows them, and that
	// nobody asked for none (NO_COLOR, no-color.org).
	colours bool
}

// configEnv names the environment variable that holds the configuration's path.
const configEnv = "ENTENTE_CONFIG"

// configFile is the name of a node's configuration file.
const configFile = "entente.yaml"

// configPath is where the configuration is: --config, else $ENTENTE_CONFIG,
// else ./entente.yaml. named says that somebody asked for exactly this one.
func (a *app) configPath() (path string, named bool) {
	if a.config != "" {
		return a.config, true
	}
	if p := a.getenv(configEnv); p != "" {
		return p, true
	}
	return configFile, false
}

// load reads the configuration.
func (a *app) load() (*configs.Node, error) {
	path, _ := a.configPath()
	return configs.LoadNode(path)
}

// loadIfAny reads the configuration for a command that also works without
// one: nil if nobody named one and there is none here.
func (a *app) loadIfAny() (*configs.Node, error) {
	path, named := a.configPath()
	if _, err := os.Stat(path); !named && errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return configs.LoadNode(path)
}

// world reads the configuration and everything it names. A fault in any of it
// is a fault of configuration.
func (a *app) world(now time.Time) (*configs.Node, *relay.World, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	w, err := relay.LoadWorld(cfg, now)
	if err != nil {
		return nil, nil, usage(err)
	}
	return cfg, w, nil
}

// client returns the door to the node of this configuration.
func (a *app) client() (*configs.Node, *dashboard.Client, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	return cfg, dashboard.NewClient(relay.SocketPath(cfg)), nil
}

// say prints one line about what happens, for people, to stderr.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, "entente: "+format+"\n", cleaned(args)...)
}

// stdinName is how a command line says "standard input".
const stdinName = "-"

// read returns a file's content, or that of standard input for "-". What is
// larger than a node takes is refused before it is read.
func (a *app) read(name string) ([]byte, error) {
	if name == stdinName {
		data, err := io.ReadAll(io.LimitReader(a.in, dashboard.MaxUpload+1))
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return data, within("standard input", int64(len(data)))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a folder: name the files in it", name)
	}
	if err := within(name, info.Size()); err != nil {
		return nil, err
	}
	// A pipe or device has no size to check beforehand.
	data, err := io.ReadAll(io.LimitReader(f, dashboard.MaxUpload+1))
	if err != nil {
		return nil, err
	}
	return data, within(name, int64(len(data)))
}

// within refuses what is larger than a node takes.
func within(name string, size int64) error {
	if size <= dashboard.MaxUpload {
		return nil
	}
	return &federation.Refusal{Reason: federation.TooLarge, Where: name,
		Detail: fmt.Sprintf("more than %d bytes", dashboard.MaxUpload), Hint: "split it into several files"}
}

// displayName is what a file is called in results.
func displayName(name string) string {
	if name == stdinName {
		return "standard input"
	}
	return filepath.Base(name)
}

// moment reads a time given on the command line: a day (its beginning, UTC)
// or an RFC 3339 time. Empty means now.
func (a *app) moment(flag, text string) (time.Time, error) {
	if text == "" {
		return a.now(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage(fmt.Errorf("--%s: %q is not a time: write 2026-12-31 or 2026-12-31T08:00:00Z", flag, text))
}
