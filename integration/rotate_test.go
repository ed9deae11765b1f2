package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bus"
)

// write replaces a file of the region.
func (r *region) write(path string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// TestNewLinkCertificate puts a new certificate in force while links stand: it
// must match its key and the node's statement, the links stay, and a peer that
// accepted the new statement gets in anew.
func TestNewLinkCertificate(t *testing.T) {
	t.Parallel()
	de, pl, jp := star(t)
	since := func(r *region, peer string) time.Time { _, p := peerOf(t, r.node, peer); return p.Since }
	awaitTold(t, pl, de.id, "link up")
	awaitTold(t, pl, jp.id, "link up")
	before := since(jp, pl.id)

	cert, key, err := bus.NewTLSIdentity(pl.id, []string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	keys := relay.KeysDir(pl.cfg)
	pl.write(filepath.Join(keys, "link.crt"), cert)
	if err := pl.node.Reload(t.Context()); err == nil {
		t.Error("a certificate with another one's key is taken")
	}
	pl.write(filepath.Join(keys, "link.key"), key)
	if err := pl.node.Reload(t.Context()); err == nil {
		t.Error("a certificate that the statement does not name is taken")
	}
	next := *pl.node.World().Own
	next.Version, next.LinkCert = next.Version+1, string(cert)
	raw, err := directory.NewStatement(next, pl.keys.Terms)
	if err != nil {
		t.Fatal(err)
	}
	pl.write(filepath.Join(pl.dir, relay.StatementFile), raw)
	pl.reload()
	awaitTold(t, pl, de.id, "link up")
	awaitTold(t, pl, jp.id, "link up")

	// DE accepts the new statement, and its link is made anew with it.
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "tls://"+pl.node.LeafAddr())
	de.reload()
	publishSingly(t, de, 5)
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	if after := since(jp, pl.id); !after.Equal(before) {
		t.Errorf("the other link was made anew: since %v, before %v", after, before)
	}
	var rotated bool
	for rec, err := range pl.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		rotated = rotated || rec.Reload != nil && rec.Reload.What == "link-certificate" && rec.Reload.Before != rec.Reload.After
	}
	if !rotated {
		t.Error("the journal does not tell of the new certificate")
	}
}
