package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/dashboard"
)

// sealedBundle is one indicator whose description only the reader may read.
func sealedBundle(text string) []byte {
	return fmt.Appendf(nil, `{"type":"bundle","id":"bundle--3f0e8c1e-9d0c-4c55-9d55-0f6a3c1f7b01","objects":[{
"type":"indicator","spec_version":"2.1","id":"indicator--8c1e9d0c-3f0e-4c55-9d55-0f6a3c1f7b77","created":"2026-11-01T08:00:00.000Z",
"modified":"2026-11-01T08:00:00.000Z","name":"EXERCISE sealed","description":%q,"pattern":"[domain-name:value = 'sealed.example']",
"pattern_type":"stix","valid_from":"2026-11-01T08:00:00Z","object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension","personal_data":false}}}]}`, text)
}

// sealedChain is de-cert, which seals descriptions for jp-carrier, pl-cert, and
// jp-carrier behind it.
func sealedChain(t *testing.T, via string) (de, pl, jp *region) {
	t.Helper()
	de = newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl = newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	jp = newRegion(t, regionSpec{id: "jp-carrier", country: "JP"})
	de.edit("profiles: []", fmt.Sprintf(`profiles: [{ name: sealing, default_marking: "TLP:GREEN", seal: [{ property: description, to: [jp-carrier], via: [%s] }] }]`, via))
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.know(jp)
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	pl.start()
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	jp.start()
	return de, pl, jp
}

// theSealed is the arrival of the indicator at a node.
func theSealed(t *testing.T, r *region) (dashboard.Arrival, bool) {
	t.Helper()
	for _, a := range arrivals(t, r.node) {
		if a.ID == "indicator--8c1e9d0c-3f0e-4c55-9d55-0f6a3c1f7b77" {
			return a, true
		}
	}
	return dashboard.Arrival{}, false
}

// holdsText reports whether a text is in any file under a folder.
func holdsText(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // a file that is gone meanwhile, or a socket
		}
		raw, err := os.ReadFile(path)
		if err == nil && bytes.Contains(raw, []byte(text)) {
			found = true
			t.Logf("in %s", path)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestSealedPropertyReachesItsReader seals a description at DE for JP, by way of
// PL: PL passes it on and cannot read it, JP reads it, nobody stores it open.
func TestSealedPropertyReachesItsReader(t *testing.T) {
	t.Parallel()
	const text = "the words that only one may read"
	de, pl, jp := sealedChain(t, "pl-cert")
	p, err := de.node.Publish(t.Context(), "sealed", "sealing", sealedBundle(text))
	if err != nil || p.Taken != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	settled(t, de.node, pl.id, 30*time.Second)
	settled(t, pl.node, jp.id, 30*time.Second)
	want, _ := json.Marshal(text)
	for r, read := range map[*region]bool{de: true, pl: false, jp: true} {
		a, ok := theSealed(t, r)
		if !ok || len(a.Opened) != 1 || a.Opened[0].Path != "description" {
			t.Errorf("%s has %+v", r.id, a)
			continue
		}
		o := a.Opened[0]
		switch {
		case bytes.Contains(a.Object, []byte(text)):
			t.Errorf("%s shows it open in the object", r.id)
		case read && (!bytes.Equal(o.Value, want) || len(o.Categories) == 0):
			t.Errorf("%s reads %+v", r.id, o)
		case !read && (o.Value != nil || o.Reason != string(federation.WrongRecipient)):
			t.Errorf("%s reads %+v", r.id, o)
		}
		if holdsText(t, r.dir, "words that only one") {
			t.Errorf("%s stores it open", r.id)
		}
		addsUp(t, r)
	}

	// What explain says is what happens.
	for to, removed := range map[string]int{"pl-cert": 0, "FR": 1} {
		ex, err := de.node.World().Explain(sealedBundle(text), "sealed", "sealing", to, time.Now())
		if err != nil || len(ex.Objects) != 1 || len(ex.Objects[0].Removed) != removed {
			t.Errorf("explained for %s: %+v, %v", to, ex, err)
		}
	}

	// The same file again is the same object; other words under the same version
	// are another content, sealed or not.
	if p, err = de.node.Publish(t.Context(), "sealed", "sealing", sealedBundle(text)); err != nil || p.Duplicate != 1 {
		t.Errorf("again: %+v, %v", p, err)
	}
	if p, err = de.node.Publish(t.Context(), "sealed", "sealing", sealedBundle("other words")); err != nil || p.Refused != 1 || p.Items[0].Reason != string(federation.Equivocation) {
		t.Errorf("other words: %+v, %v", p, err)
	}
}

// Where the origin does not name the relay, the relay does not get it, and says
// so to nobody: the origin's own hop lists it as taken out.
func TestSealedPropertyGoesOnlyToThoseNamed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several nodes run for it: not with -short")
	}
	de, pl, jp := sealedChain(t, "")
	if p, err := de.node.Publish(t.Context(), "sealed", "sealing", sealedBundle("secret words")); err != nil || p.Taken != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	settled(t, de.node, pl.id, 30*time.Second)
	settled(t, pl.node, jp.id, 30*time.Second)
	for _, r := range []*region{pl, jp} {
		a, ok := theSealed(t, r)
		if !ok || a.Removed != 1 || len(a.Opened) != 0 || strings.Contains(string(a.Object), "description") {
			t.Errorf("%s has %+v", r.id, a)
		}
		if _, sealed := stix.SealedValue(a.Object); sealed {
			t.Error("the whole object is sealed")
		}
	}
}
