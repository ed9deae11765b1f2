package integration

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// keptFor is indicator n, which its origin lets be kept for so many days.
func keptFor(n, days int) string {
	return strings.TrimSuffix(indicator(n, 1, tlpGreen), "}") +
		fmt.Sprintf(`,"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension","retain_days":%d}}}`, days)
}

// clocked are two linked regions with one clock.
func clocked(t *testing.T) (de, pl *region, c *clock) {
	t.Helper()
	c = &clock{}
	de = newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, now: c.now})
	pl = newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted, now: c.now})
	join(t, de, pl)
	return de, pl, c
}

// shows reports whether a region's block list has the host of indicator n.
func shows(t *testing.T, r *region, n int) bool {
	t.Helper()
	return slices.Contains(domains(t, r), fmt.Sprintf("host%d.example", n))
}

// wordIn reports whether a word stands in the log or the index of a region; the
// journal names ids, and stands apart.
func wordIn(t *testing.T, r *region, word string) string {
	t.Helper()
	found := ""
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(path, "JOURNAL") {
			return nil
		}
		if raw, err := os.ReadFile(path); err == nil && strings.Contains(string(raw), word) {
			found = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestRetentionTravels publishes, in one message, an object that may be kept for
// two days and one without a limit. When the two days are over the first is in
// no list and goes to nobody, at its origin and at the receiver alike, even
// before it is erased; then its content and its id are in no file of log and
// index, before and after the index is built anew, and it cannot come again.
func TestRetentionTravels(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes; runs without -short")
	}
	t.Parallel()
	c := &clock{}
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, now: c.now})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted, now: c.now})
	jp := newRegion(t, regionSpec{id: "jp-carrier", country: "JP", now: c.now})
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	join(t, de, pl)
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	publish(t, de, keptFor(1, 2), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	message, err := de.node.Message(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pieces := holding(t, string(message), "host1.example", "sample 1,")
	if !inFiles(t, pl, pieces) || wordIn(t, pl, indicatorNo(1)) == "" {
		t.Fatal("the search does not find what is there")
	}
	c.step(47 * time.Hour)
	for _, r := range []*region{de, pl} {
		if !shows(t, r, 1) || !shows(t, r, 2) {
			t.Fatalf("%s does not show what it may", r.id)
		}
	}
	c.step(49 * time.Hour)
	for _, r := range []*region{de, pl} {
		if shows(t, r, 1) || !shows(t, r, 2) {
			t.Errorf("%s shows what is over, or not what is not: %v", r.id, domains(t, r))
		}
	}
	jp.start()
	settled(t, pl.node, jp.id, time.Minute)
	if shows(t, jp, 1) || !shows(t, jp, 2) || inFiles(t, jp, pieces) {
		t.Errorf("a peer that comes when it is over, and not erased yet, gets %v", domains(t, jp))
	}
	if _, to := peerOf(t, pl.node, jp.id); to.Out.Withheld != 1 || to.Out.Sent != 1 {
		t.Errorf("to that peer went %+v", to.Out)
	}
	if !inFiles(t, pl, pieces) {
		t.Error("it was erased before anything was asked of it")
	}
	for _, r := range []*region{de, pl} { // a minute later it would do so by itself
		if err := r.node.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []*region{de, pl} {
		gone := func() string {
			if inFiles(t, r, pieces) {
				return r.id + " still has it in a file"
			}
			if path := wordIn(t, r, indicatorNo(1)); path != "" {
				return r.id + " still has its id in " + path
			}
			return ""
		}
		eventually(t, 20*time.Second, gone)
		addsUp(t, r)
		was := countsOf(t, r)
		dial := r.node.LeafAddr()
		r.stop()
		if err := os.Remove(filepath.Join(r.dir, "data", "index.db")); err != nil {
			t.Fatal(err)
		}
		r.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+dial+`"`)
		r.start()
		if is := countsOf(t, r); is != was {
			t.Errorf("built anew, %s counts\n%s\nbefore\n%s", r.id, is, was)
		}
		if shows(t, r, 1) || !shows(t, r, 2) || gone() != "" {
			t.Errorf("built anew, %s shows %v %s", r.id, domains(t, r), gone())
		}
		if n := erasedIn(t, r, federation.Expired); n != 1 {
			t.Errorf("the journal of %s tells of %d objects that were erased", r.id, n)
		}
	}
	p, err := de.node.Publish(t.Context(), "again", "", bundled(keptFor(1, 2)))
	if err != nil || p.Taken != 0 || p.Items[0].Reason != string(federation.Expired) {
		t.Errorf("it came again: %+v, %v", p, err)
	}
	publish(t, de, indicator(3, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	if shows(t, jp, 1) || !shows(t, jp, 2) || !shows(t, jp, 3) || inFiles(t, jp, pieces) {
		t.Errorf("at last the peer behind shows %v", domains(t, jp))
	}
}

// countsOf is what a node counts of what came in.
func countsOf(t *testing.T, r *region) string {
	t.Helper()
	st, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v %+v %+v", st.Objects, st.Peers[0].In, st.Peers[0].Out)
}

// erasedIn counts what a journal says was erased for a reason.
func erasedIn(t *testing.T, r *region, why federation.Reason) (n int) {
	t.Helper()
	for rec, err := range r.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Intake == nil {
			continue
		}
		for _, x := range rec.Intake.Erased {
			if x.Reason == why {
				n++
			}
		}
	}
	return n
}

// TestExpiryDiesAtEveryStep takes the data of a node away at each step of an
// erasure, as a power cut does, and starts a node on it: it erases the rest before
// it serves anything, and tells of it once.
func TestExpiryDiesAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node for each step; runs without -short")
	}
	t.Parallel()
	c := &clock{}
	r := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, now: c.now})
	saved := map[string]string{}
	base := t.TempDir()
	stepped := false
	r.fault = func(step string) {
		if stepped && saved[step] == "" { // the first time, of one goroutine
			saved[step] = filepath.Join(base, strings.ReplaceAll(step, "/", "-"))
			copyRunning(t, filepath.Join(r.dir, "data"), saved[step])
		}
	}
	r.start()
	publish(t, r, keptFor(1, 2), indicator(2, 1, tlpGreen))
	publish(t, r, keptFor(3, 2))
	message, err := r.node.Message(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pieces := holding(t, string(message), "host1.example", "sample 1,")
	r.stop()
	saved["backup"] = backup(t, r) // whole, from before
	c.step(49 * time.Hour)
	stepped = true
	r.start()
	r.stop()
	for step, dir := range saved {
		stepped = false
		putBack(t, dir, filepath.Join(r.dir, "data"))
		r.start() // what is over goes before Start returns
		if inFiles(t, r, pieces) || shows(t, r, 1) || shows(t, r, 3) || !shows(t, r, 2) {
			t.Errorf("after a death at %s: in files %v, shows %v", step, inFiles(t, r, pieces), domains(t, r))
		}
		eventually(t, 10*time.Second, func() string {
			if path := wordIn(t, r, indicatorNo(1)); path != "" {
				return step + ": its id is still in " + path
			}
			return ""
		})
		if n := erasedIn(t, r, federation.Expired); n != 2 {
			t.Errorf("after a death at %s the journal tells of %d objects that were erased, of 2", step, n)
		}
		if st, err := r.node.Status(t.Context()); err != nil || st.Objects.Taken != 3 {
			t.Errorf("after a death at %s: %+v, %v", step, st.Objects, err)
		}
		r.stop()
	}
	for _, step := range []string{"erase/before", "commit/before", "commit/after", "erase/anew", "follow/before-journal", "follow/after-journal", "follow/before-index", "follow/index-applied", "erase/done"} {
		if saved[step] == "" {
			t.Errorf("the node did not come to %s", step)
		}
	}
}
