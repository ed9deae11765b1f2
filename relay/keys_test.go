package relay

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
)

// clearBundle is material that a new node signs.
const clearBundle = `{"type": "bundle", "id": "bundle--a01e9d0c-3f0e-4c55-9d55-0f6a3c1f7b01", "objects": [
  {"type": "indicator", "spec_version": "2.1", "id": "indicator--a01e9d0c-3f0e-4c55-9d55-0f6a3c1f7b02",
   "created": "2026-01-05T08:00:00Z", "modified": "2026-01-05T08:00:00Z", "valid_from": "2026-01-05T08:00:00Z",
   "pattern_type": "stix", "pattern": "[domain-name:value = 'login.example']",
   "object_marking_refs": ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}]}`

// serve answers for a key on a socket until the returned function is called.
func serve(t *testing.T, socket string, k *directory.PrivateKey) (stop func()) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- directory.ServeSigner(l, k) }()
	stop = func() {
		if err := l.Close(); err == nil && !errors.Is(<-ended, net.ErrClosed) {
			t.Error("the signer ended by itself")
		}
	}
	t.Cleanup(stop)
	return stop
}

// nodeWithSigner sets a node up and takes its message key out of its folder.
func nodeWithSigner(t *testing.T) (*configs.Node, *directory.PrivateKey) {
	t.Helper()
	dir := t.TempDir()
	made, err := Setup(setupOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(made.Path)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.ParseNode([]byte(strings.Replace(string(text), `signer: ""`, `signer: "sign.sock"`, 1)), made.Path)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Keys.Signer != filepath.Join(dir, "sign.sock") {
		t.Fatalf("the signer is looked for at %q", cfg.Keys.Signer)
	}
	key, err := directory.LoadPrivateKey(filepath.Join(KeysDir(cfg), messageKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "is there too") {
		t.Errorf("with a signer and a key file: %v", err)
	}
	if err := os.Remove(filepath.Join(KeysDir(cfg), messageKeyFile)); err != nil {
		t.Fatal(err)
	}
	return cfg, key
}

// A node whose key a signer holds signs by it; when the signer is gone, what
// comes out is an error and no message.
func TestNodeSignsByASigner(t *testing.T) {
	cfg, key := nodeWithSigner(t)
	if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "keys.signer: signer "+cfg.Keys.Signer) {
		t.Errorf("without the signer: %v", err)
	}
	stop := serve(t, cfg.Keys.Signer, key)
	n, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	signed, _, err := n.World().Sign(n.keys, []byte(clearBundle), "clear.json", "", time.Now())
	if err != nil || len(signed) != 1 {
		t.Fatalf("%d messages signed: %v", len(signed), err)
	}
	stop()
	signed, _, err = n.World().Sign(n.keys, []byte(clearBundle), "clear.json", "", time.Now())
	if err == nil || len(signed) != 0 || !strings.Contains(err.Error(), "nothing is signed") {
		t.Errorf("%d messages signed by nobody: %v", len(signed), err)
	}
}

// A signer with a key that is not in the node's statement is refused at the start.
func TestNodeRefusesAnotherKey(t *testing.T) {
	cfg, _ := nodeWithSigner(t)
	other, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, cfg.Keys.Signer, other)
	if _, err := New(cfg, Options{}); !errors.Is(err, configs.ErrConfig) || !strings.Contains(err.Error(), "does not list the message key "+other.KeyID()) {
		t.Errorf("with another's key: %v", err)
	}
}
