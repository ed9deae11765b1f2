package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// A diamond: A sends to B and C, both send to D, D sends to E. What B and C may
// pass on differs, so the same object reaches D by two chains that show
// different parts of it.

const (
	routedID = "indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a01"
	statedID = "marking-definition--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a02"
)

// dataTerms are generous terms that cover some categories of data beside those
// that go under any.
func dataTerms(from, to *region, data ...string) string {
	return fmt.Sprintf(`version: 1
id: %[1]s/%[2]s/test
node: %[1]s
peer: %[2]s
country: %[3]s
kind: authority
sector: national-cert
from: 2026-01-01
until: 2028-12-31
tlp: {version: "2.0", ceiling: TLP:AMBER, community: true, clients: []}
purposes: [network-security]
data: [technical, context, free-text, personal%[4]s]
foi: exempt
certifications: []
storage: []
transit: []
contracts: []
contacts:
  - {role: duty officer, address: duty@peer.example}
`, from.id, to.id, to.cfg.Node.Country, strings.Join(append([]string{""}, data...), ", "))
}

// routed is an indicator with a part that only "target" covers and one that
// only "commercial" does, under a marking of its origin's own.
func routed(id string) []byte {
	return []byte(`{"type":"bundle","id":"bundle--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4aff","objects":[
		{"type":"marking-definition","spec_version":"2.1","id":"` + statedID + `","created":"2026-01-05T10:00:00.000Z","definition_type":"statement","definition":{"statement":"EXERCISE"}},
		{"type":"indicator","spec_version":"2.1","id":"` + id + `","created":"2026-01-05T10:00:00.000Z","modified":"2026-01-05T10:00:00.000Z",
		 "name":"Beispiel","pattern":"[domain-name:value = 'c2.example']","pattern_type":"stix","valid_from":"2026-01-05T10:00:00Z",
		 "object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb","` + statedID + `"],
		 "x_victim_sector":"utilities","x_contract_tier":"gold"}]}`)
}

// diamond is the five regions. Only A and D know each other by statement.
type diamond struct {
	t             *testing.T
	a, b, c, d, e *region
}

// newDiamond starts A, B and C; toD says which further data B and C may send.
func newDiamond(t *testing.T, viaB, viaC []string) *diamond {
	x := &diamond{t: t}
	for i, r := range []**region{&x.a, &x.b, &x.c, &x.d, &x.e} {
		country := []string{"DE", "PL", "FR", "EE", "CZ"}[i]
		*r = newRegion(t, regionSpec{id: strings.ToLower(country) + "-cert", country: country})
	}
	all := []string{"target", "commercial"}
	x.a.accept(x.b, dataTerms(x.a, x.b, all...), "")
	x.a.accept(x.c, dataTerms(x.a, x.c, all...), "")
	x.a.start()
	for _, r := range []*region{x.b, x.c} {
		r.accept(x.a, dataTerms(r, x.a), "tls://"+x.a.node.LeafAddr())
	}
	x.b.accept(x.d, dataTerms(x.b, x.d, viaB...), "")
	x.c.accept(x.d, dataTerms(x.c, x.d, viaC...), "")
	x.b.start()
	x.c.start()
	for _, r := range []*region{x.d, x.e} {
		for _, origin := range []*region{x.a, x.b, x.c} {
			r.know(origin)
		}
	}
	return x
}

// join lets D take from one of the two.
func (x *diamond) join(r *region) {
	x.t.Helper()
	x.d.accept(r, dataTerms(x.d, r, "target", "commercial"), "tls://"+r.node.LeafAddr())
	if x.d.node == nil {
		x.d.start()
	} else if err := x.d.node.Reload(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	settled(x.t, r.node, x.d.id, 30*time.Second)
}

// publish puts objects into A and waits until B and C have them.
func (x *diamond) publish(bundle []byte) {
	x.t.Helper()
	if res, err := x.a.node.Publish(x.t.Context(), "routed", "", bundle); err != nil || res.Taken == 0 {
		x.t.Fatalf("publish: %+v, %v", res, err)
	}
	settled(x.t, x.a.node, x.b.id, 30*time.Second)
	settled(x.t, x.a.node, x.c.id, 30*time.Second)
}

// forms lists, in order of arrival, which of the two parts each arrival of an
// object at a region has: t for target, c for commercial.
func (x *diamond) forms(r *region, id string) []string {
	x.t.Helper()
	var out []string
	for _, a := range arrivals(x.t, r.node) {
		if a.ID != id {
			continue
		}
		var o map[string]any
		if err := json.Unmarshal(a.Object, &o); err != nil {
			x.t.Fatal(err)
		}
		form := ""
		if o["x_victim_sector"] != nil {
			form += "t"
		}
		if o["x_contract_tier"] != nil {
			form += "c"
		}
		out = append(out, form)
	}
	return out
}

// objects returns the status of a region, whose counts add up.
func (x *diamond) objects(r *region) dashboard.Objects {
	x.t.Helper()
	st, err := r.node.Status(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	o := st.Objects
	if o.Seen != o.Taken+o.Duplicate+o.Held+o.Refused || o.Variants > o.Taken || len(st.Warnings) != 0 && strings.Contains(strings.Join(st.Warnings, " "), "add up") {
		x.t.Errorf("%s: the counts do not add up: %+v, %v", r.id, o, st.Warnings)
	}
	return o
}

// want compares the forms at a region.
func (x *diamond) want(r *region, id string, forms ...string) {
	x.t.Helper()
	if got := x.forms(r, id); !slices.Equal(got, forms) {
		x.t.Errorf("%s has %s as %q, want %q", r.id, id, got, forms)
	}
}

// TestVariantByAnotherRoute: B may not pass on one part and C not the other.
// Whichever comes first and whatever happens to D in between, it takes both
// chains, each verifies, the region behind it gets both, and one object counts
// as one.
func TestVariantByAnotherRoute(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: five regions, twice")
	}
	for name, swap := range map[string]bool{"in order": false, "swapped": true} {
		t.Run(name, func(t *testing.T) {
			x := newDiamond(t, []string{"commercial"}, []string{"target"})
			x.publish(routed(routedID))
			first, second, forms := x.b, x.c, []string{"c", "t"}
			if swap {
				first, second, forms = x.c, x.b, []string{"t", "c"}
			}
			x.join(first)
			x.want(x.d, routedID, forms[0])
			x.restart()
			x.join(second)
			x.want(x.d, routedID, forms...)
			if o := x.objects(x.d); o.Taken != 3 || o.Variants != 1 || o.Duplicate != 1 {
				t.Errorf("D counts %+v: want 2 objects, a variant of one, and the marking-definition twice", o)
			}
			x.follow("target", "commercial")
			x.want(x.e, routedID, forms...)
			x.proved(x.e)
			// Each of the two has all that the other's chain shows: it took out
			// the rest itself. D knows that, and sends neither variant back.
			settled(t, x.d.node, second.id, 30*time.Second)
			settled(t, x.d.node, first.id, 30*time.Second)
			if _, p := peerOf(t, x.d.node, first.id); p.Out.Sent != 0 || p.Out.Reasons["duplicate"] != 2 {
				t.Errorf("D sends back to %s, which had all of it: %+v", first.id, p.Out)
			}
			x.restart()
			x.want(x.d, routedID, forms...)
			if o := x.objects(x.d); o.Taken != 3 || o.Variants != 1 || o.Duplicate != 1 {
				t.Errorf("with the index built anew D counts %+v", o)
			}
		})
	}
}

// restart ends D, deletes its index and starts it again.
func (x *diamond) restart() {
	x.t.Helper()
	x.d.stop()
	if err := os.Remove(filepath.Join(x.d.cfg.Data, "index.db")); err != nil {
		x.t.Fatal(err)
	}
	x.d.start()
}

// follow links E behind D, on terms that cover further data.
func (x *diamond) follow(data ...string) {
	x.t.Helper()
	x.d.accept(x.e, dataTerms(x.d, x.e, data...), "")
	if err := x.d.node.Reload(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	x.e.accept(x.d, dataTerms(x.e, x.d), "tls://"+x.d.node.LeafAddr())
	x.e.start()
	settled(x.t, x.d.node, x.e.id, 30*time.Second)
}

// proved checks that every message a region holds is one whole chain from A to
// it, by the two ways.
func (x *diamond) proved(r *region) {
	x.t.Helper()
	paths := map[string]bool{}
	for _, a := range arrivals(x.t, r.node) {
		paths[strings.Join(a.Path, " ")] = true
	}
	for _, via := range []*region{x.b, x.c} {
		if way := strings.Join([]string{x.a.id, via.id, x.d.id, x.e.id}, " "); !paths[way] {
			x.t.Errorf("%s has nothing by %s, only %v", r.id, way, paths)
		}
	}
}

// TestVariantWithLess: what shows nothing new is a duplicate, and the whole
// after a part is taken once. What adds nothing for the next region does not
// go there.
func TestVariantWithLess(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: five regions, twice")
	}
	for name, c := range map[string]struct {
		viaB, viaC []string
		forms      []string
		objects    string // taken, variants, duplicate
		spared     uint64 // not sent to E
	}{
		"less after whole": {[]string{"target", "commercial"}, []string{"target"}, []string{"tc"}, "2 0 2", 0},
		"whole after less": {nil, []string{"target", "commercial"}, []string{"", "tc"}, "3 1 1", 2},
	} {
		t.Run(name, func(t *testing.T) {
			x := newDiamond(t, c.viaB, c.viaC)
			x.publish(routed(routedID))
			x.join(x.b)
			x.follow() // E may have neither part
			x.want(x.e, routedID, "")
			x.join(x.c)
			x.want(x.d, routedID, c.forms...)
			o := x.objects(x.d)
			if got := fmt.Sprint(o.Taken, o.Variants, o.Duplicate); got != c.objects {
				t.Errorf("D counts %s, want %s", got, c.objects)
			}
			settled(t, x.d.node, x.e.id, 30*time.Second)
			x.want(x.e, routedID, "")
			if _, p := peerOf(t, x.d.node, x.e.id); p.Out.Reasons["duplicate"] != c.spared || p.Out.Sent != 2 {
				t.Errorf("D sends E %+v: want %d spared", p.Out, c.spared)
			}
		})
	}
}

// TestVariantOfWhatIsNotHere: what waits or was refused here is judged anew by
// each way it comes, and is no variant of anything.
func TestVariantOfWhatIsNotHere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: four regions, twice")
	}
	t.Run("refused for residency", func(t *testing.T) {
		x := newDiamond(t, nil, []string{"target"})
		x.d.edit("storage: []", "storage: [US]")
		x.publish([]byte(strings.Replace(string(routed(routedID)), `"x_victim`, `"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension","residency":["EU"]}},"x_victim`, 1)))
		x.join(x.b)
		x.join(x.c)
		x.want(x.d, routedID)
		if o := x.objects(x.d); o.Refused != 2 || o.Variants != 0 || o.Reasons["residency"] != 2 {
			t.Errorf("D counts %+v", o)
		}
	})
	t.Run("pending", func(t *testing.T) {
		x := newDiamond(t, []string{"commercial"}, []string{"target"})
		if err := relay.ForgetParticipant(relay.StatementsDir(x.d.dir), x.a.id); err != nil {
			t.Fatal(err)
		}
		x.publish(routed(routedID))
		x.join(x.b)
		x.join(x.c)
		x.want(x.d, routedID)
		if o := x.objects(x.d); o.Held != 2 || o.Taken != 0 {
			t.Errorf("D does not know A, and counts %+v", o)
		}
		x.d.know(x.a)
		if err := x.d.node.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, 30*time.Second, func() string { // in whichever order they are judged again
			if got := slices.Sorted(slices.Values(x.forms(x.d, routedID))); !slices.Equal(got, []string{"c", "t"}) {
				return fmt.Sprintf("D has %q", got)
			}
			return ""
		})
		if o := x.objects(x.d); o.Held != 0 || o.Taken != 3 || o.Variants != 1 || o.Duplicate != 1 {
			t.Errorf("D knows A now, and counts %+v", o)
		}
	})
}
