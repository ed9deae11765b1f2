package relay

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
)

func setupOptions(dir string) SetupOptions {
	return SetupOptions{Dir: dir, Now: time.Now(), Values: configs.TemplateValues{ID: "de-cert", Name: "Sample", Country: "DE", Data: "data", Hosts: []string{"localhost"}}}
}

func TestSetupMakesANodeThatLoads(t *testing.T) {
	cfg, err := Setup(setupOptions(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{messageKeyFile, termsKeyFile, encKeyFile, linkSeedFile, linkKeyFile, secretFile} {
		info, err := os.Stat(filepath.Join(KeysDir(cfg), f))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: others can read it", f, info.Mode())
		}
	}
}

// Whatever is there already stays as it was, byte for byte.
func TestSetupOverwritesNothing(t *testing.T) {
	for _, there := range []string{"entente.yaml", StatementFile, filepath.Join("data", "keys", "message.jwk")} {
		dir := t.TempDir()
		path := filepath.Join(dir, there)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Setup(setupOptions(dir)); err == nil {
			t.Errorf("with %s there, a node was set up", there)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
			t.Errorf("%s is %q, %v", there, got, err)
		}
	}
}

// A set-up that fails half-way leaves nothing that the next one stumbles on.
func TestSetupTakesBackWhatItWrote(t *testing.T) {
	dir := t.TempDir()
	o := setupOptions(dir)
	o.URLs = make([]string, 100) // more than a statement may name
	if _, err := Setup(o); err == nil {
		t.Fatal("a statement with 100 addresses was written")
	}
	o.URLs = nil
	if _, err := Setup(o); err != nil {
		t.Errorf("the second try: %v", err)
	}
}
