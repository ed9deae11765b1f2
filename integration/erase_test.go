package integration

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// look finds a value on a region.
func look(t *testing.T, r *region, value string) dashboard.Found {
	t.Helper()
	f, err := r.node.Find(t.Context(), dashboard.Ask{Value: value})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// erase orders what was found to be erased, as the command does.
func erase(t *testing.T, r *region, f dashboard.Found) {
	t.Helper()
	e, err := relay.NewErasure(f, "request 17", r.now())
	if err == nil {
		err = e.Save(relay.ErasuresDir(r.dir))
	}
	if err == nil {
		err = r.node.Reload(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFindAndErase finds values in every spelling at their origin and at a
// receiver, and erases them at either: from the receiver's data alone where they
// are another's, and everywhere where they are the origin's own. What was erased
// does not come again, by a peer or out of a backup.
func TestFindAndErase(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two nodes several times; runs without -short")
	}
	t.Parallel()
	de, pl := pair(t)
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+de.node.LeafAddr()+`"`)
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen), indicator(3, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	unmarked := strings.Replace(indicator(4, 1, tlpGreen), `,"object_marking_refs":["`+tlpGreen+`"]`, "", 1)
	if p, err := pl.node.Publish(t.Context(), "unmarked", "", bundled(unmarked)); err != nil || p.Held != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	for value, want := range map[string]string{"host1.example": indicatorNo(1), "HOST1[.]Example": indicatorNo(1), "host2(dot)example": indicatorNo(2), "host4.example": indicatorNo(4)} {
		f := look(t, pl, value)
		if len(f.Places) != 1 || f.Places[0].ID != want || len(f.Places[0].Paths) != 1 || f.Places[0].Paths[0] != "pattern" {
			t.Errorf("%s is found at %+v", value, f.Places)
		}
	}
	for _, value := range []string{"ost1.example", "host1.exampl", "host11.example"} {
		if f := look(t, pl, value); len(f.Places) != 0 {
			t.Errorf("%s is found at %+v", value, f.Places)
		}
	}
	if f := look(t, de, "host1.example"); len(f.Places) != 1 || len(f.Places[0].Recipients) != 1 || f.Places[0].Recipients[0] != pl.id {
		t.Errorf("the origin does not say who got it: %+v", f)
	}
	message, err := de.node.Message(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	first, second := holding(t, string(message), "host1.example", "sample 1,"), holding(t, string(message), "host2.example", "sample 2,")
	pl.stop()
	saved := backup(t, pl)
	pl.start()
	gone := func(r *region, pieces [][]byte, value string) {
		t.Helper()
		eventually(t, 20*time.Second, func() string {
			if inFiles(t, r, pieces) || len(look(t, r, value).Places) > 0 {
				return value + " is still at " + r.id
			}
			return ""
		})
	}
	erase(t, pl, look(t, pl, "host1.example")) // another's: here alone
	erase(t, pl, look(t, pl, "host4.example")) // what waits
	gone(pl, first, "host1.example")
	gone(pl, nil, "host4.example")
	if len(look(t, de, "host1.example").Places) != 1 {
		t.Error("what a peer erased is gone at its origin")
	}
	pl.stop()
	putBack(t, saved, filepath.Join(pl.dir, "data"))
	if !inFiles(t, pl, first) {
		t.Fatal("the backup does not hold what was there")
	}
	pl.start() // and it is erased before anything is served
	if inFiles(t, pl, first) || shows(t, pl, 1) || !shows(t, pl, 2) {
		t.Errorf("put back from a backup: %v", domains(t, pl))
	}
	erase(t, de, look(t, de, "host2.example")) // its own: everywhere
	gone(de, second, "host2.example")
	gone(pl, second, "host2.example")
	if !shows(t, pl, 3) || shows(t, pl, 2) {
		t.Errorf("the receiver shows %v", domains(t, pl))
	}
	if erasedIn(t, de, federation.Withdrawn) != 1 {
		t.Error("the journal does not tell of it")
	}
	p, err := de.node.Publish(t.Context(), "again", "", bundled(indicator(2, 1, tlpGreen)))
	if err != nil || p.Taken != 0 || p.Items[0].Reason != string(federation.Withdrawn) {
		t.Errorf("it came again: %+v, %v", p, err)
	}
	for _, r := range []*region{de, pl} {
		raw, err := os.ReadDir(relay.ErasuresDir(r.dir))
		if err != nil || len(raw) == 0 {
			t.Fatalf("%s keeps no order: %v", r.id, err)
		}
		for _, f := range raw {
			if text, err := os.ReadFile(filepath.Join(relay.ErasuresDir(r.dir), f.Name())); err != nil || strings.Contains(string(text), "example") {
				t.Errorf("an order to erase holds the value: %s, %v", text, err)
			}
		}
		addsUp(t, r)
	}
}

// TestLegalHold keeps what a hold names past its time and past an order to erase
// it, while it is in no list, until the hold is lifted.
func TestLegalHold(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node; runs without -short")
	}
	t.Parallel()
	c := &clock{}
	r := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, now: c.now})
	r.start()
	publish(t, r, keptFor(1, 2), indicator(2, 1, tlpGreen), keptFor(3, 2))
	message, err := r.node.Message(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pieces := func(n int) [][]byte {
		return holding(t, string(message), []string{"", "host1.example", "host2.example", "host3.example"}[n])
	}
	one, two, three := pieces(1), pieces(2), pieces(3)
	var holds []*relay.Hold
	for _, n := range []int{1, 2} {
		h := &relay.Hold{Object: indicatorNo(n), Because: "case 12/26", By: "legal counsel"}
		if err := relay.AddHold(relay.HoldsDir(r.dir), h, c.now()); err != nil {
			t.Fatal(err)
		}
		holds = append(holds, h)
	}
	c.step(49 * time.Hour)
	erase(t, r, look(t, r, "host2.example"))
	eventually(t, 20*time.Second, func() string {
		if inFiles(t, r, three) {
			return "what is not on hold stays"
		}
		return ""
	})
	r.stop()
	r.start() // what is over goes before Start returns
	if !inFiles(t, r, one) || !inFiles(t, r, two) || len(domains(t, r)) != 0 {
		t.Errorf("on hold: in files %v and %v, shown %v", inFiles(t, r, one), inFiles(t, r, two), domains(t, r))
	}
	for _, h := range holds {
		if _, err := relay.LiftHold(relay.HoldsDir(r.dir), h.ID, relay.Lift{Because: "case closed", By: "legal counsel"}, c.now()); err != nil {
			t.Fatal(err)
		}
	}
	r.reload()
	eventually(t, 20*time.Second, func() string {
		if inFiles(t, r, one) || inFiles(t, r, two) {
			return "what was on hold is still there"
		}
		return ""
	})
}

// TestReoriginatedEndsWithItsOriginal gives on under its own name what may be
// kept for five days: what is made of it has the days that are left, and on the
// last day nothing is made of it.
func TestReoriginatedEndsWithItsOriginal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two nodes; runs without -short")
	}
	t.Parallel()
	de, pl, c := clocked(t)
	pl.accept(de, permitting(t, `types: [indicator], ceiling: "TLP:GREEN"`), "tls://"+de.node.LeafAddr())
	pl.reload()
	publish(t, de, keptFor(1, 5), keptFor(2, 5))
	settled(t, de.node, pl.id, time.Minute)
	c.step(49 * time.Hour)
	made, err := pl.node.Reoriginate(t.Context(), []string{indicatorNo(1)})
	if err != nil {
		t.Fatal(err)
	}
	message, err := pl.node.Message(t.Context(), made[0].Seq)
	if err != nil {
		t.Fatal(err)
	}
	if len(holding(t, string(message), `"retain_days":2`)) != 1 {
		t.Error("what was made of it may be kept for longer than the original")
	}
	original, err := pl.node.Find(t.Context(), dashboard.Ask{ID: indicatorNo(1)})
	if err != nil || len(original.Places) != 1 || len(look(t, pl, "host1.example").Places) != 2 {
		t.Fatalf("%+v, %v", original, err)
	}
	erase(t, pl, original) // and with it goes what was made of it
	eventually(t, 20*time.Second, func() string {
		if f := look(t, pl, "host1.example"); len(f.Places) > 0 {
			return fmt.Sprintf("it is still at %+v", f.Places)
		}
		return ""
	})
	c.step(97 * time.Hour)
	if made, err := pl.node.Reoriginate(t.Context(), []string{indicatorNo(2)}); federation.ReasonOf(err) != federation.Expired {
		t.Errorf("on its last day: %+v, %v", made, err)
	}
}

// TestJournalIsCut removes what is older than the operator wants the journal kept,
// not behind a legal hold: what is left is a chain, and nothing is told twice,
// also when the index is built anew, and when the node died before it removed
// anything.
func TestJournalIsCut(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node several times; runs without -short")
	}
	t.Parallel()
	c := &clock{}
	r := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, now: c.now})
	r.edit("journal: 0", "journal: 30")
	h := &relay.Hold{Object: indicatorNo(1), Because: "case 12/26", By: "legal counsel"}
	if err := relay.AddHold(relay.HoldsDir(r.dir), h, c.now()); err != nil {
		t.Fatal(err)
	}
	first := func() uint64 {
		for rec, err := range r.node.Records(t.Context(), 1) {
			if err != nil {
				t.Fatal(err)
			}
			return rec.Seq
		}
		return 0
	}
	r.start()
	publish(t, r, indicator(1, 1, tlpGreen))
	publish(t, r, indicator(2, 1, tlpGreen))
	arrivals(t, r.node)
	c.step(31 * 24 * time.Hour)
	r.stop()
	saved := "" // as it was when the node died
	r.fault = func(step string) {
		if step == "erase/journal" && saved == "" {
			saved = filepath.Join(t.TempDir(), "saved")
			copyRunning(t, filepath.Join(r.dir, "data"), saved)
		}
	}
	r.start()
	publish(t, r, indicator(3, 1, tlpGreen))
	arrivals(t, r.node)
	r.reload()
	if first() != 1 {
		t.Error("the journal was cut behind a legal hold")
	}
	if _, err := relay.LiftHold(relay.HoldsDir(r.dir), h.ID, relay.Lift{Because: "case closed", By: "legal counsel"}, c.now()); err != nil {
		t.Fatal(err)
	}
	c.step(31*24*time.Hour + 2*time.Hour)
	r.reload()
	cut := func() string {
		if first() == 1 {
			return "the journal is as long as before"
		}
		return ""
	}
	eventually(t, 20*time.Second, cut)
	for _, data := range []string{"", saved} {
		r.stop()
		if data != "" {
			putBack(t, data, filepath.Join(r.dir, "data"))
		} else if err := chain(t, r); err != nil {
			t.Error(err)
		}
		startWithoutIndex(t, r)
		r.reload()
		eventually(t, 20*time.Second, cut)
		if told := toldOf(t, r); len(told) != 1 || told[3] != 1 {
			t.Errorf("the journal tells of %v", told)
		}
	}
	c.step(70 * 24 * time.Hour) // and nothing is left that tells of what came in
	r.reload()
	eventually(t, 20*time.Second, func() string {
		if told := toldOf(t, r); len(told) > 0 {
			return fmt.Sprint("the journal tells of ", told)
		}
		return ""
	})
	r.stop()
	startWithoutIndex(t, r)
	if told := toldOf(t, r); len(told) > 0 {
		t.Errorf("what was cut is told again: %v", told)
	}
	r.stop()
	if err := chain(t, r); err != nil {
		t.Error(err)
	}
}

// startWithoutIndex starts a node that has to build its index anew, and waits
// until it has.
func startWithoutIndex(t *testing.T, r *region) {
	t.Helper()
	if err := os.Remove(filepath.Join(r.dir, "data", "index.db")); err != nil {
		t.Fatal(err)
	}
	r.start()
	arrivals(t, r.node)
}

// toldOf counts the records of a journal by the log entry whose fate they tell.
func toldOf(t *testing.T, r *region) map[uint64]int {
	t.Helper()
	told := map[uint64]int{}
	for rec, err := range r.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Intake != nil {
			told[rec.Intake.Log]++
		}
	}
	return told
}

// copyRunning copies the files of a node that runs, between two of its steps.
func copyRunning(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, rel)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), raw, 0o600)
	})
	if err != nil {
		t.Error(err)
	}
}
