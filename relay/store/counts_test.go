package store

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// TestCountsTellTheStory follows one node through a day, with the counts that
// its operator reads after each step.
// by divides a count by reason.
type by = map[federation.Reason]uint64

// counted is a store under test, with the counts checked at every look.
type counted struct {
	t *testing.T
	s *Store
}

// objects makes n sample objects from the given one on.
func objects(from, n int, change func(*Object)) (out []Object) {
	for i := range n {
		o := sampleObject("de-cert", from+i)
		if change != nil {
			change(&o)
		}
		out = append(out, o)
	}
	return out
}

func (c counted) counts() Counts {
	c.t.Helper()
	got, err := c.s.Counts(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	if err := got.Check(); err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c counted) out() Out {
	c.t.Helper()
	return c.counts().Out[0]
}

func (c counted) wantIn(want In) {
	c.t.Helper()
	for _, in := range c.counts().In {
		if in.Source != want.Source {
			continue
		}
		if !reflect.DeepEqual(in, want) {
			c.t.Errorf("counts in:\n got %+v\nwant %+v", in, want)
		}
		return
	}
	c.t.Fatalf("no counts of %s", want.Source)
}

func (c counted) wantOut(what string, want Out) {
	c.t.Helper()
	if got := c.out(); !reflect.DeepEqual(got, want) {
		c.t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func (c counted) apply(e Entry) {
	c.t.Helper()
	e.At = start
	if err := c.s.Apply(c.t.Context(), []Entry{e}); err != nil {
		c.t.Fatal(err)
	}
}

func (c counted) record(e Event) {
	c.t.Helper()
	e.At = start
	if err := c.s.Record(c.t.Context(), []Event{e}); err != nil {
		c.t.Fatal(err)
	}
}

func TestCountsTellTheStory(t *testing.T) {
	c := counted{t, openAt(t, filepath.Join(t.TempDir(), "index.db"), Options{})}
	hold := func(o *Object) { o.Outcome, o.Reason = Held, federation.UnknownMarking }
	refuse := func(o *Object) { o.Outcome, o.Reason = Refused, federation.Residency }

	// Twelve objects come from DE: eight are taken, two held, two refused.
	c.apply(Entry{Seq: 1, Source: "de-cert", Objects: append(append(objects(0, 8, nil), objects(8, 2, hold)...), objects(10, 2, refuse)...)})
	c.wantIn(In{Source: "de-cert", Received: 12, Taken: 8, Held: 2, Refused: 2, HeldFor: by{"unknown-marking": 2}, RefusedFor: by{"residency": 2}})

	// The same message by way of JP: all that was taken is a duplicate, also
	// where the committer did not say so.
	c.apply(Entry{Seq: 2, Source: "jp-carrier", Objects: objects(0, 8, nil)})
	c.wantIn(In{Source: "jp-carrier", Received: 8, Duplicate: 8, HeldFor: by{}, RefusedFor: by{}})

	// A person releases one of the held and rejects the other.
	released, rejected := sampleObject("de-cert", 8), sampleObject("de-cert", 9)
	released.Settles, rejected.Settles = 1, 1
	rejected.Outcome, rejected.Reason = Refused, federation.HeldForPerson
	c.apply(Entry{Seq: 3, Source: "de-cert", Objects: []Object{released, rejected}})
	c.wantIn(In{Source: "de-cert", Received: 12, Taken: 9, Refused: 3, HeldFor: by{}, RefusedFor: by{"residency": 2, "held-for-person": 1}})

	c.countsOut()
}

// countsOut goes on with what is judged for PL.
func (c counted) countsOut() {
	// A frame for PL: seven objects go, one of them redacted, one is withheld
	// and one waits.
	sent := func(from, n int) (out []SentObject) {
		for _, o := range objects(from, n, nil) {
			out = append(out, SentObject{o.Digest, federation.Share})
		}
		return out
	}
	first := sent(0, 4)
	first[2].Verdict = federation.Redact
	waits := HeldOut{LogSeq: 1, Issuer: "de-cert", Digest: sampleObject("de-cert", 7).Digest, Reason: federation.PersonalData, Rule: "eu-transfer"}
	frame := &Sent{Peer: "pl-cert", Root: "root-1", LogFrom: 0, LogTo: 3, Withheld: map[federation.Reason]int{federation.TLPAudience: 1}, Held: []HeldOut{waits},
		Messages: []SentMessage{{LogSeq: 1, LinkSeq: 1, Objects: first}, {LogSeq: 3, LinkSeq: 2, Objects: sent(4, 3)}}}
	c.record(Event{Seq: 1, Sent: frame})
	want := Out{Peer: "pl-cert", Judged: 9, Sent: 7, Redacted: 1, Withheld: 1, Held: 1, InFlight: 7,
		WithheldFor: by{"tlp-audience": 1}, HeldFor: by{"personal-data": 1}, LogSeq: 3, LinkSeq: 2}
	c.wantOut("sent", want)

	// The answer is lost and PL asks again: the first frame no longer counts.
	again := *frame
	again.Root = "root-2"
	c.record(Event{Seq: 2, Sent: &again})
	want.Replaced = 7
	c.wantOut("asked again", want)

	// PL acknowledges; of the second message it lies about the sum. A receipt
	// that comes twice counts once, one for another root not at all.
	receipt := &Receipt{Peer: "pl-cert", Root: "root-2", Outcomes: []ReceiptOutcome{
		{LinkSeq: 1, Stored: 1, Duplicate: 1, Held: 1, Refused: 1, Reason: federation.Residency}, {LinkSeq: 2, Stored: 4}}}
	c.record(Event{Seq: 3, Receipt: receipt})
	c.record(Event{Seq: 4, Receipt: receipt})
	c.record(Event{Seq: 5, Receipt: &Receipt{Peer: "pl-cert", Root: "root-9", Outcomes: receipt.Outcomes}})
	want.InFlight, want.Acknowledged, want.AckedSeq = 0, 7, 2
	want.Stored, want.Duplicate, want.HeldThere, want.Refused, want.Disputed = 1, 1, 1, 1, 3
	c.wantOut("acknowledged", want)

	// What waited for PL waits no more.
	c.record(Event{Seq: 6, Settled: []Settled{{"pl-cert", 1, waits.Digest}}})
	want.Judged, want.Held, want.HeldFor = 8, 0, by{}
	c.wantOut("settled", want)

	// PL lost its disk and asks from the beginning: what it acknowledged
	// stays counted, and what it gets now is judged on top.
	third := *frame
	third.Root = "root-3"
	c.record(Event{Seq: 7, Sent: &third})
	if got := c.out(); got.Sent != 14 || got.Acknowledged != 7 || got.InFlight != 7 || got.Judged != 17 {
		c.t.Errorf("asked from the beginning: %+v", got)
	}
}

func TestCheckFindsWhatDoesNotAddUp(t *testing.T) {
	good := Counts{
		In:  []In{{Source: "self", Received: 10, Taken: 4, Duplicate: 3, Held: 2, Refused: 1, Variants: 4}},
		Out: []Out{{Peer: "pl-cert", Judged: 9, Sent: 6, Redacted: 6, Withheld: 2, Held: 1, Acknowledged: 5, InFlight: 1, Stored: 1, Duplicate: 1, HeldThere: 1, Refused: 1, Disputed: 1}},
	}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	// Every number but the positions takes part in some equation.
	spoil := func(v reflect.Value, skip ...string) {
		for i := range v.NumField() {
			f := v.Field(i)
			name := v.Type().Field(i).Name
			if f.Kind() != reflect.Uint64 || strings.Contains(strings.Join(skip, " "), name) {
				continue
			}
			f.SetUint(f.Uint() + 1)
			if err := good.Check(); err == nil {
				t.Errorf("%s one too many is not found", name)
			}
			f.SetUint(f.Uint() - 1)
		}
	}
	spoil(reflect.ValueOf(&good.In[0]).Elem(), "Withdrawn")
	spoil(reflect.ValueOf(&good.Out[0].Withdrawals).Elem())
	spoil(reflect.ValueOf(&good.Out[0]).Elem(), "LogSeq", "LinkSeq", "AckedSeq", "Replaced")
}

// TestSeenWhileApplying asks without pause while the same objects are noted
// and applied: what was noted must never be unseen for a moment.
func TestSeenWhileApplying(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "index.db"), Options{})
	entries := sampleEntries(1, 60, 20)
	noted := make(chan int, len(entries))
	done := make(chan error, 1)
	go func() {
		for i := range entries {
			s.Note(entries[i : i+1])
			noted <- i
			if i%3 == 2 {
				if err := s.Apply(context.Background(), entries[i-2:i+1]); err != nil {
					done <- err
					return
				}
			}
		}
		done <- nil
	}()
	upTo := -1
	for checks := 0; ; checks++ {
		select {
		case i := <-noted:
			upTo = i
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if checks < 100 {
				t.Fatalf("only %d checks", checks)
			}
			s.memory.mu.RLock()
			defer s.memory.mu.RUnlock()
			if n := len(s.memory.notedObjects) + len(s.memory.notedVersions); n != 0 {
				t.Errorf("%d notes were kept of what was applied", n)
			}
			return
		default:
		}
		for i := max(0, upTo-3); i <= upTo; i++ {
			o := &entries[i].Objects[checks%20]
			if seen := s.Seen("de-cert", [][32]byte{o.Digest}); !seen[0] {
				t.Fatalf("entry %d of %d is not seen", i, upTo)
			}
			if v, d, ok, err := s.Version("de-cert", o.ID); err != nil || !ok || d != o.Digest || v != o.Version {
				t.Fatalf("entry %d of %d: version %q, %v, %v", i, upTo, v, ok, err)
			}
		}
	}
}

// TestNoteCost: the committer calls Note on the hot path.
func BenchmarkNote(b *testing.B) {
	m := newMemory()
	entries := sampleEntries(1, 1000, 64)
	i := 0
	for b.Loop() {
		m.note(entries[i%1000 : i%1000+1])
		if i++; i%1000 == 0 {
			m.forget(entries, 1000)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/object")
}

func TestVersionOrder(t *testing.T) {
	ordered := [][]string{{"", ""}, {"no time"}, {"2025-12-31T23:59:59.999999999Z"}, {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00+01:00"},
		{"2026-01-01T00:00:00.000000001Z"}, {"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z"}, {"9999-12-31T23:59:59Z"}}
	for i, a := range ordered {
		for j, b := range ordered {
			for _, x := range a {
				for _, y := range b {
					if got := newer(x, y); got != (i > j) {
						t.Errorf("newer(%q, %q) = %v", x, y, got)
					}
				}
			}
		}
	}
}

func TestMicrosecondsSurvive(t *testing.T) {
	for _, at := range []time.Time{{}, start, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)} {
		if got := fromMicros(micros(at)); !got.Equal(at) {
			t.Errorf("%v became %v", at, got)
		}
	}
}
