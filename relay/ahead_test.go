package relay

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/journal"
)

// drawEntry makes an entry as a commit stores it.
func drawEntry(t *rapid.T) *entry {
	at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
	e := &entry{Kind: rapid.SampledFrom([]entryKind{entryMessage, entryPending, entryObject, entryMarker, entryGone, entryResend}).Draw(t, "kind"),
		Source: "pl-cert", From: rapid.SampledFrom([]string{"", "pl-cert"}).Draw(t, "from"), At: at, Batch: "b", Message: "m",
		LinkSeq: rapid.Uint64Range(0, 9).Draw(t, "link"), Refer: rapid.Uint64Range(0, 5).Draw(t, "refer"),
		Body: []byte(rapid.SampledFrom([]string{"", "a.b.c~\nhop"}).Draw(t, "body"))}
	if rapid.Bool().Draw(t, "position") {
		e.Position = &link.Position{Cursor: []byte("cursor"), Incarnation: "i", LastSeq: 7}
	}
	flag := rapid.Bool()
	for i := range rapid.IntRange(0, 4).Draw(t, "items") {
		it := entryItem{Issuer: "de-cert", Digest: digest{byte(i)}, ID: fmt.Sprintf("indicator--%d", i), Version: "2026-01-06T12:00:00Z", Type: "indicator",
			Outcome: rapid.SampledFrom([]outcome{taken, duplicate, held, refused}).Draw(t, "outcome"), Reason: federation.Unmarked, Rule: "r", Basis: "b",
			Shown: half{1}, Parts: 3, Whole: flag.Draw(t, "whole"), Variant: flag.Draw(t, "variant"), Mark: half{2}, Settles: 3, Marking: "TLP:GREEN"}
		if flag.Draw(t, "keep") {
			it.Keep = at.Add(time.Hour)
		}
		if flag.Draw(t, "origin") {
			it.Origin = &origin{Issuer: "fr-cert", Digest: digest{9}, Less: true}
		}
		if flag.Draw(t, "for") {
			it.Erased, it.For = true, federation.Expired
		}
		e.Items = append(e.Items, it)
	}
	if flag.Draw(t, "gone") {
		e.Gone = append(e.Gone, goneItem{Issuer: "de-cert", Digest: digest{5}, For: "withdrawn", By: "de-cert"})
	}
	if flag.Draw(t, "erased") {
		e.Erased = append(e.Erased, erasedItem{Seq: 2, N: 1, Issuer: "de-cert", Digest: digest{5}, For: federation.Expired})
	}
	return e
}

// TestAheadIsTheLog: an entry that is indexed from memory gives the index and
// the journal exactly what it would give when it is read back.
func TestAheadIsTheLog(t *testing.T) {
	w := &World{retention: &retention{}}
	w.retention.Days = 30
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		data, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		// Times are compared as the index keeps them.
		if got, want := fmt.Sprintf("%+v", inUTC(e, 9, w)), fmt.Sprintf("%+v", inUTC(back, 9, w)); got != want {
			t.Errorf("in memory %s\nread back %s", got, want)
		}
	})
}

// inUTC is what becomes of an entry, as text.
func inUTC(e *entry, seq uint64, w *World) any {
	x, in := e.indexed(seq, w), e.intake(seq)
	x.At, in.At = x.At.UTC(), in.At.UTC()
	for i := range x.Due {
		x.Due[i].At = x.Due[i].At.UTC()
	}
	for i := range x.Objects {
		if o := &x.Objects[i]; o.MadeOf != nil {
			o.ID += fmt.Sprint(*o.MadeOf)
			o.MadeOf = nil
		}
	}
	return []any{x, in.At, *in.Intake}
}

func aheadOf(first uint64, n, body int) []followed {
	out := make([]followed, n)
	for i := range out {
		out[i] = followed{seq: first + uint64(i), entry: &entry{Kind: entryMessage, Body: make([]byte, body), Items: make([]entryItem, 64)}}
	}
	return out
}

// TestAheadIsBounded: an index that does not follow costs no more than the bound,
// and what was let go is read from the log.
func TestAheadIsBounded(t *testing.T) {
	var a ahead
	for i := range uint64(500) {
		a.put(aheadOf(1+i*4, 4, 40<<10))
		if a.bytes > aheadBytes {
			t.Fatalf("%d bytes wait, at most %d may", a.bytes, aheadBytes)
		}
	}
	if got := a.from(1, 10); got != nil || !a.unread.Load() {
		t.Errorf("what was let go is here: %d entries, unread %v", len(got), a.unread.Load())
	}
	first := a.queue[0].seq
	if got := a.from(first, 10); len(got) != 10 || got[0].seq != first || got[9].seq != first+9 {
		t.Errorf("the rest is not here: %d entries", len(got))
	}
	if got := a.from(2001, 10); got != nil || a.bytes != 0 {
		t.Errorf("all of it is indexed, and %d entries wait with %d bytes", len(got), a.bytes)
	}
}

// TestAheadHasNoGaps: what nobody was told of is read from the log.
func TestAheadHasNoGaps(t *testing.T) {
	var a ahead
	a.put(aheadOf(1, 3, 10))
	a.put(aheadOf(5, 2, 10))
	if got := a.from(1, 10); got != nil || !a.unread.Load() {
		t.Errorf("%d entries over a gap, unread %v", len(got), a.unread.Load())
	}
	a.put([]followed{{seq: 7, entry: &entry{Kind: entryErased}}})
	if got := a.from(5, 10); got != nil {
		t.Errorf("%d entries before something was erased: they may read otherwise by now", len(got))
	}
}

// TestWrittenIsBounded does the same for records of the journal.
func TestWrittenIsBounded(t *testing.T) {
	var w written
	r := &journal.Record{Intake: &journal.Intake{Objects: make([]journal.IntakeObject, 64)}}
	for range 4_000 {
		w.put([]*journal.Record{r})
		if w.bytes > aheadBytes {
			t.Fatalf("%d bytes wait, at most %d may", w.bytes, aheadBytes)
		}
	}
	records, spilled := w.take()
	if !spilled {
		t.Fatal("records were let go, and nobody is told to read the journal")
	}
	w.put(records[:1])
	w.back(records, spilled)
	if again, spilled := w.take(); !spilled || len(again) != len(records)+1 {
		t.Errorf("%d records came back of %d, spilled %v", len(again), len(records)+1, spilled)
	}
}
