package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay"
)

// twin is a second face of a region: the same keys and terms, another log.
func (r *region) twin() *region {
	r.t.Helper()
	x := *r
	x.dir, x.node = filepath.Join(r.t.TempDir(), r.id), nil
	if err := os.CopyFS(x.dir, os.DirFS(r.dir)); err != nil {
		r.t.Fatal(err)
	}
	for _, of := range []string{"data/keys", "."} { // CopyFS leaves the modes to the umask
		files, err := os.ReadDir(filepath.Join(x.dir, of))
		if err != nil {
			r.t.Fatal(err)
		}
		for _, f := range files {
			if !f.IsDir() {
				if err := os.Chmod(filepath.Join(x.dir, of, f.Name()), 0o600); err != nil {
					r.t.Fatal(err)
				}
			}
		}
	}
	var err error
	if x.cfg, err = configs.LoadNode(filepath.Join(x.dir, filepath.Base(r.cfg.Path))); err != nil {
		r.t.Fatal(err)
	}
	return &x
}

// TestEquivocationIsProvedByTwoRoutes: an origin with two faces signs two
// contents for one version and sends one by B, the other by C. D keeps the
// first, refuses the second, tells C so, and holds a proof that anybody can
// check, whatever happens to it.
func TestEquivocationIsProvedByTwoRoutes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: five nodes")
	}
	x := &diamond{t: t}
	for i, r := range []**region{&x.a, &x.b, &x.c, &x.d} {
		country := []string{"DE", "PL", "FR", "EE"}[i]
		*r = newRegion(t, regionSpec{id: strings.ToLower(country) + "-cert", country: country})
	}
	face := x.a.twin()
	for _, way := range []struct{ from, to *region }{{x.a, x.b}, {face, x.c}} {
		way.from.accept(way.to, dataTerms(way.from, way.to), "")
		way.from.start()
		way.to.accept(x.a, dataTerms(way.to, x.a), "tls://"+way.from.node.LeafAddr())
		way.to.accept(x.d, dataTerms(way.to, x.d), "")
		way.to.start()
		x.d.know(way.to)
	}
	x.d.know(x.a)
	one := routed(routedID)
	two := bytes.Replace(one, []byte("c2.example"), []byte("update.microsoft.example"), 1)
	for r, content := range map[*region][]byte{x.a: one, face: two} {
		if res, err := r.node.Publish(t.Context(), "x", "", content); err != nil || res.Taken != 2 {
			t.Fatalf("publish: %+v, %v", res, err)
		}
	}
	settled(t, x.a.node, x.b.id, 30*time.Second)
	settled(t, face.node, x.c.id, 30*time.Second)
	x.join(x.b)
	x.join(x.c)
	x.oneProof(x.d, x.c)
	x.restart()
	x.oneProof(x.d, x.c)
	text, err := x.d.node.Proof(t.Context(), x.firstProof(x.d))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(decodeSegments(text), []byte(routedID)) {
		t.Error("the proof does not name the object")
	}
	for name, hidden := range map[string]string{"a removable property": "gold", "the other object": "EXERCISE"} {
		if bytes.Contains(decodeSegments(text), []byte(hidden)) {
			t.Errorf("the proof shows %s", name)
		}
	}
	// Offline, by the issuer's statement alone.
	raw, err := os.ReadFile(filepath.Join(x.a.dir, relay.StatementFile))
	if err != nil {
		t.Fatal(err)
	}
	st, err := directory.ParseStatement(raw, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := directory.New(st)
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.CheckEquivocation(text, keys, time.Now())
	if err != nil || e.Issuer != x.a.id || e.ID != routedID {
		t.Errorf("the proof says %+v, %v", e, err)
	}
	x.unprovable(face)
	if _, err := x.d.node.Proof(t.Context(), 1); federation.ReasonOf(err) != federation.UnresolvedReference {
		t.Errorf("a proof where there is none: %v", err)
	}
}

// firstProof is where a region's only proof lies.
func (x *diamond) firstProof(r *region) uint64 {
	x.t.Helper()
	ps, err := r.node.Proofs(x.t.Context())
	if err != nil || len(ps) != 1 {
		x.t.Fatalf("%s proves %+v, %v: want one", r.id, ps, err)
	}
	if p := ps[0]; p.Signer != x.a.id || p.Issuer != x.a.id || p.ID != routedID || p.Kept == p.Refused || p.At.IsZero() {
		x.t.Errorf("%s proves %+v", r.id, p)
	}
	return ps[0].Seq
}

// oneProof checks what D says after both ways.
func (x *diamond) oneProof(d, second *region) {
	x.t.Helper()
	x.firstProof(d)
	x.want(d, routedID, "")
	o := x.objects(d)
	if o.Refused != 1 || o.Reasons["equivocation"] != 1 || o.Variants != 0 {
		x.t.Errorf("D counts %+v: want one refused as equivocation", o)
	}
	st, _ := peerOf(x.t, d.node, second.id)
	if st.Equivocations.Proved != 1 || st.Equivocations.By[x.a.id] != 1 {
		x.t.Errorf("the status says %+v", st.Equivocations)
	}
}

// unprovable spills the second content: D, which refused it and keeps it in a
// proof alone, erases that, too.
func (x *diamond) unprovable(face *region) {
	x.t.Helper()
	seq := x.firstProof(x.d)
	if _, err := face.node.Withdraw(x.t.Context(), []string{routedID}, envelope.GoneSpill); err != nil {
		x.t.Fatal(err)
	}
	gone := func() string {
		ps, err := x.d.node.Proofs(x.t.Context())
		if err != nil || len(ps) != 0 {
			return fmt.Sprintf("D proves %+v, %v", ps, err)
		}
		if _, err := x.d.node.Proof(x.t.Context(), seq); federation.ReasonOf(err) != federation.UnresolvedReference {
			return fmt.Sprintf("the proof of a spill is still there: %v", err)
		}
		return ""
	}
	eventually(x.t, 30*time.Second, gone)
	x.restart()
	eventually(x.t, 30*time.Second, gone)
	x.want(x.d, routedID, "")
}
