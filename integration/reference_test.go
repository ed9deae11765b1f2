package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// tlpMark is the published id of a label of TLP 2.0.
var tlpMark = map[string]string{
	"clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	"amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

// numbered is an id of a type: random by its form, or one that may be computed
// from values.
func numbered(typ string, n int) string {
	return fmt.Sprintf("%s--%08x-1111-4111-8111-%012x", typ, n, n)
}
func computed(typ string, n int) string {
	return fmt.Sprintf("%s--%08x-1111-5111-8111-%012x", typ, n, n)
}

// stixObject is an object with what every one needs; label "" leaves it
// unmarked.
func stixObject(id, label string, more map[string]any) map[string]any {
	typ, _, _ := strings.Cut(id, "--")
	at := workloadNow().Add(-24 * time.Hour).Format("2006-01-02T15:04:05.000Z")
	o := map[string]any{"type": typ, "spec_version": "2.1", "id": id, "created": at, "modified": at}
	switch typ {
	case "malware":
		o["name"], o["is_family"] = "loader", false
	case "indicator":
		o["pattern"], o["pattern_type"], o["valid_from"] = "[domain-name:value = 'a.example']", "stix", at
	case "identity":
		o["name"], o["identity_class"] = "Example team", "organization"
	case "report":
		o["name"], o["published"] = "weekly", at
	case "note":
		o["content"] = "seen again"
	case "sighting", "relationship", "language-content":
	case "ipv4-addr":
		delete(o, "created")
		delete(o, "modified")
		o["value"] = "198.51.100.7"
	}
	if label != "" {
		o["object_marking_refs"] = []string{tlpMark[label]}
	}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func joined(id, label, from, to string) map[string]any {
	return stixObject(id, label, map[string]any{"relationship_type": "related-to", "source_ref": from, "target_ref": to})
}

// publishObjects hands objects to a region as one bundle.
func publishObjects(t *testing.T, r *region, objects ...map[string]any) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"type": "bundle", "id": numbered("bundle", 1), "objects": objects})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.node.Publish(t.Context(), "references", "", raw); err != nil {
		t.Fatal(err)
	}
}

// kept is every byte that a stopped region has on disk, as it lies there and
// decoded.
func kept(t *testing.T, r *region) []byte {
	t.Helper()
	var out []byte
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		out = append(append(append(out, raw...), '\n'), decodeSegments(raw)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestReferencesAcrossMessages publishes objects that mention, in every way that
// STIX has and some that it has not, objects of other messages which the
// neighbour may not get: their ids do not arrive, and the rest does.
func TestReferencesAcrossMessages(t *testing.T) {
	t.Parallel()
	de, pl, jp := threeRegions(t, "jp-carrier")
	red, waits, second, fine := numbered("malware", 1), numbered("identity", 2), numbered("malware", 3), numbered("malware", 4)
	publishObjects(t, de, stixObject(red, "red", nil), stixObject(waits, "", nil), stixObject(second, "amber", nil), stixObject(fine, "clear", nil))
	settled(t, de.node, pl.id, 20*time.Second)
	settled(t, pl.node, jp.id, 20*time.Second)
	one := func(n int, more map[string]any) map[string]any {
		return stixObject(numbered("indicator", n), "green", more)
	}
	mention := func(n int, gone string) []map[string]any {
		return []map[string]any{
			one(n+1, map[string]any{"created_by_ref": gone}),
			one(n+2, map[string]any{"description": "dropped by " + strings.ToUpper(gone) + "."}),
			one(n+3, map[string]any{"external_references": []any{map[string]any{"source_name": "ours", "external_id": gone}}}),
			one(n+4, map[string]any{"x_own": map[string]any{gone: []string{"1"}}}),
			one(n+5, map[string]any{"extensions": map[string]any{numbered("extension-definition", n): map[string]any{"extension_type": "property-extension", "about_ref": gone}}}),
			stixObject(numbered("report", n+6), "green", map[string]any{"object_refs": []string{gone, fine}}),
			stixObject(numbered("sighting", n+7), "green", map[string]any{"sighting_of_ref": fine, "where_sighted_refs": []string{gone}}),
			joined(numbered("relationship", n+8), "green", fine, gone),
			joined(numbered("relationship", n+9), "green", numbered("relationship", n+8), fine),
			stixObject(numbered("report", n+10), "green", map[string]any{"object_refs": []string{gone}}),
			stixObject(numbered("sighting", n+11), "green", map[string]any{"sighting_of_ref": gone}),
			stixObject(numbered("language-content", n+12), "green", map[string]any{"object_ref": gone, "contents": map[string]any{"de": map[string]any{"name": "Lader"}}}),
			one(n+13, map[string]any{"labels": []string{"about-" + gone}}),
			joined(numbered("relationship", n+14), "green", fine, fine),
		}
	}
	for i, gone := range []string{red, waits, second} {
		publishObjects(t, de, mention(100*(i+1), gone)...)
		// Alone, and thus in a message of its own.
		publishObjects(t, de, joined(numbered("relationship", 100*(i+1)+15), "green", numbered("indicator", 100*(i+1)+1), numbered("relationship", 100*(i+1)+8)))
	}
	settled(t, de.node, pl.id, 20*time.Second)
	settled(t, pl.node, jp.id, 20*time.Second)
	at := func(r *region) map[string]bool {
		got := map[string]bool{}
		for _, a := range arrivals(t, r.node) {
			got[a.ID] = true
		}
		return got
	}
	for _, c := range []struct {
		r     *region
		bases []int
	}{{pl, []int{100, 200}}, {jp, []int{100, 200, 300}}} {
		got := at(c.r)
		for _, base := range c.bases {
			for _, id := range []string{numbered("indicator", base+1), numbered("indicator", base+2), numbered("indicator", base+3), numbered("indicator", base+4), numbered("indicator", base+5),
				numbered("report", base+6), numbered("sighting", base+7), numbered("relationship", base+14)} {
				if !got[id] {
					t.Errorf("%s has not got %s, which can go without what it mentions", c.r.id, id)
				}
			}
			for _, id := range []string{numbered("relationship", base+8), numbered("relationship", base+9), numbered("report", base+10), numbered("sighting", base+11),
				numbered("language-content", base+12), numbered("indicator", base+13), numbered("relationship", base+15)} {
				if got[id] {
					t.Errorf("%s has got %s, which cannot go without what it mentions", c.r.id, id)
				}
			}
		}
	}
	if got := at(pl); !got[second] || !got[numbered("relationship", 308)] || !got[numbered("language-content", 312)] {
		t.Error("what mentions an object that goes was kept back")
	}
	for _, r := range []*region{pl, jp} {
		r.stop()
	}
	for _, c := range []struct {
		r    *region
		gone []string
	}{{pl, []string{red, waits}}, {jp, []string{red, waits, second}}} {
		text := bytes.ToLower(kept(t, c.r))
		if !bytes.Contains(text, []byte(fine)) {
			t.Fatalf("%s: the test does not find what is there", c.r.id)
		}
		for _, id := range c.gone {
			if i := bytes.Index(text, []byte(id)); i >= 0 {
				t.Errorf("%s holds the id %s, in %q", c.r.id, id, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}

// TestReferenceBeforeItsTarget mentions objects that come later, by ids that
// may be computed from values: what cannot go without them waits, and goes by
// itself when they have come and may go.
func TestReferenceBeforeItsTarget(t *testing.T) {
	t.Parallel()
	de, pl, jp := threeRegions(t, "jp-carrier")
	fine, address, denied := numbered("indicator", 1), computed("ipv4-addr", 2), computed("ipv4-addr", 3)
	author := computed("identity", 4)
	first, never := numbered("relationship", 5), numbered("relationship", 6)
	publishObjects(t, de, stixObject(fine, "green", map[string]any{"created_by_ref": author}), joined(first, "green", fine, address), joined(never, "green", fine, denied))
	settled(t, de.node, pl.id, 20*time.Second)
	if got := heldOut(t, de, pl.id); !slices.Equal(got, []string{first, never}) {
		t.Fatalf("held for %s: %v", pl.id, got)
	}
	publishObjects(t, de, stixObject(denied, "red", nil), stixObject(address, "green", nil), stixObject(author, "green", nil))
	eventually(t, 30*time.Second, func() string {
		related, by := false, false
		for _, a := range arrivals(t, jp.node) {
			related = related || a.ID == first
			by = by || a.ID == fine && bytes.Contains(a.Object, []byte(author))
		}
		if !related || !by {
			return fmt.Sprintf("after what they refer to came, the relationship arrived: %t, the indicator's author: %t", related, by)
		}
		return ""
	})
	settled(t, de.node, pl.id, 20*time.Second)
	if got := heldOut(t, de, pl.id); len(got) != 0 {
		t.Errorf("still held for %s: %v", pl.id, got)
	}
	addsUp(t, de)
	addsUp(t, pl)
	pl.stop()
	text := kept(t, pl)
	for _, id := range []string{denied, never} {
		if bytes.Contains(text, []byte(id)) {
			t.Errorf("%s holds the id %s", pl.id, id)
		}
	}
}

// TestReferenceWithinOneFile publishes a file of many messages, in several
// commits, in which what is mentioned comes last, while the neighbour pulls: what
// goes to nobody is not named, and nothing waits for what goes.
func TestReferenceWithinOneFile(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: 3,300 objects")
	}
	de, pl, _ := regionsInARow(t, "jp-carrier")
	commits := 0
	de.fault = func(step string) {
		if step == "commit/before" {
			if commits++; commits == 2 {
				taken(t, pl, 5*time.Second)
			}
		}
	}
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.start()
	awaitLink(t, de, pl.id, "up")
	const n = 3300 // in more messages than one commit takes
	kept1, kept2 := numbered("identity", 1), numbered("malware", 2)
	limited := func(o map[string]any, key, country string) map[string]any {
		o["extensions"] = map[string]any{handlingExt: map[string]any{"extension_type": "property-extension", key: []string{country}}}
		return o
	}
	var objects, last []map[string]any
	for i := range n {
		objects = append(objects, stixObject(numbered("indicator", 10+i), "green", map[string]any{"created_by_ref": kept1, "description": "like " + kept2}))
		if i%100 == 0 {
			// In the restricted lane, which comes first.
			objects = append(objects, limited(joined(numbered("relationship", 10+i), "green", numbered("indicator", 10+i), computed("ipv4-addr", 10+i)), "releasable_to", "PL"))
			last = append(last, stixObject(computed("ipv4-addr", 10+i), "green", map[string]any{"value": fmt.Sprintf("198.51.100.%d", i/100)}))
		}
	}
	objects = append(append(objects, last...), stixObject(kept2, "", nil), limited(stixObject(kept1, "amber", nil), "residency", "DE"))
	publishObjects(t, de, objects...)
	settled(t, de.node, pl.id, time.Minute)
	if got, want := len(arrivals(t, pl.node)), n+n/50; got != want {
		t.Errorf("%d objects arrived, want %d", got, want)
	}
	for rec, err := range de.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Settle != nil && rec.Settle.Peer != "" {
			t.Errorf("%s waited for something in the same file", rec.Settle.ID)
		}
	}
	pl.stop()
	text := kept(t, pl)
	for _, id := range []string{kept1, kept2} {
		if bytes.Contains(text, []byte(id)) {
			t.Errorf("%s holds the id %s", pl.id, id)
		}
	}
}

// TestReferenceWithinOneCommit holds the moment in which a node's log has a
// frame and its index has not yet heard of it: nothing of it goes on until then.
func TestReferenceWithinOneCommit(t *testing.T) {
	t.Parallel()
	de, pl, jp := regionsInARow(t, "jp-carrier")
	fine, gone := numbered("indicator", 1), numbered("malware", 2)
	de.start()
	publishObjects(t, de, stixObject(fine, "green", map[string]any{"description": "like " + gone}))
	publishObjects(t, de, stixObject(gone, "amber", nil))
	stored, look := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() {
		close(stored)
		<-look
	})
	pl.fault = func(step string) {
		if step == "commit/after" {
			once()
		}
	}
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	pl.start()
	<-stored
	// The last node asks at this very moment, and gets nothing.
	jp.accept(pl, back(t, "jp-carrier", "pl-cert", "PL"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	jp.start()
	awaitLink(t, pl, jp.id, "up")
	taken(t, jp, time.Second)
	close(look)
	settled(t, pl.node, jp.id, 20*time.Second)
	jp.stop()
	text := kept(t, jp)
	if bytes.Contains(text, []byte(gone)) || !bytes.Contains(text, []byte(fine)) {
		t.Errorf("%s holds the id %s, or nothing", jp.id, gone)
	}
}

// taken waits until a region has taken something, or as long as that.
func taken(t *testing.T, r *region, within time.Duration) {
	t.Helper()
	tick, end := time.NewTicker(10*time.Millisecond), time.NewTimer(within)
	defer tick.Stop()
	defer end.Stop()
	for {
		st, err := r.node.Status(context.Background())
		if err != nil {
			t.Error(err)
		}
		if err != nil || st.Objects.Taken > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			return
		}
	}
}

// heldOut lists what a region holds for a peer, for want of what it refers to.
func heldOut(t *testing.T, r *region, peer string) []string {
	t.Helper()
	var out []string
	for rec, err := range r.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Settle != nil && string(rec.Settle.Peer) == peer {
			out = slices.DeleteFunc(out, func(id string) bool { return id == string(rec.Settle.ID) })
		}
		if rec.Sent == nil || string(rec.Sent.Peer) != peer {
			continue
		}
		for _, m := range rec.Sent.Messages {
			for _, o := range m.Objects {
				out = slices.DeleteFunc(out, func(id string) bool { return id == string(o.ID) })
				if o.Verdict == federation.Hold && o.Cited[0].Reason == federation.UnresolvedReference {
					out = append(out, string(o.ID))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
