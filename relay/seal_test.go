package relay

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
)

// sealedNode is a node that has a sealed link with pl-cert.
func sealedNode(t *testing.T) *Node {
	t.Helper()
	cfg, err := Setup(setupOptions(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := n.World()
	w.Peers = []*Peer{{Agreement: &policy.Agreement{Peer: "pl-cert"}, Statement: w.Own, Seal: SealRequired}, {Agreement: &policy.Agreement{Peer: "fr-cert"}}}
	return n
}

func TestSealFollowsTheTerms(t *testing.T) {
	n := sealedNode(t)
	if s, err := n.sealOf("pl-cert"); err != nil || s == nil || s.Peer != "pl-cert" {
		t.Errorf("a sealed link: %+v, %v", s, err)
	}
	if s, err := n.sealOf("fr-cert"); err != nil || s != nil {
		t.Errorf("an open link: %+v, %v", s, err)
	}
	// One that was removed while its pull is on the way is not answered open.
	if s, err := n.sealOf("jp-carrier"); federation.ReasonOf(err) != federation.NoAgreement || s != nil {
		t.Errorf("no link: %+v, %v", s, err)
	}
}

// Where the terms ask for a seal that this node cannot make, it does not start.
func TestSealNeedsOwnKey(t *testing.T) {
	n := sealedNode(t)
	if err := n.keys.canSeal(n.World()); err != nil {
		t.Fatal(err)
	}
	other, err := directory.GenerateEncKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*directory.EncKey{"none": nil, "not in the statement": other} {
		k := *n.keys
		k.Enc = key
		if err := k.canSeal(n.World()); !errors.Is(err, configs.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A folder and a statement from before there were encryption keys work, with
// open links only.
func TestWithoutEncryptionKey(t *testing.T) {
	cfg, err := Setup(setupOptions(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(KeysDir(cfg), encKeyFile)); err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(KeysDir(cfg))
	if err != nil || keys.Enc != nil {
		t.Fatalf("%+v, %v", keys, err)
	}
	if err := WriteStatement(cfg, keys, nil, 2, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := n.World().Own.EncKey(time.Now()); ok {
		t.Error("the statement has an encryption key")
	}
	agreement := `version: 1
id: x
node: fr-cert
peer: de-cert
country: "DE"
kind: authority
sector: national-cert
from: 2020-01-01
until: 2099-12-31
tlp: { version: "2.0", ceiling: "TLP:AMBER", community: true, clients: [] }
purposes: [network-security]
data: [technical]
`
	for seal, taken := range map[string]bool{"": true, SealRequired: false, "half": false} {
		_, err := AcceptPeer(t.TempDir(), Terms{Agreement: agreement, Statement: string(n.World().Own.Raw), Seal: seal}, keys.Terms, time.Now())
		if (err == nil) != taken {
			t.Errorf("seal %q with a statement without a key: %v", seal, err)
		}
	}
}
