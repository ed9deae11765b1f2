package journal

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// written is a log with these records, chained.
func written(t interface{ Fatal(...any) }, records ...*Record) *memLog {
	l := &memLog{}
	w, err := NewWriter(context.Background(), l, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if _, err := w.Append(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return l
}

func each(records []Stored) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for _, s := range records {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// TestTampering does to each record of a journal what one who wants to hide
// something may do. Verify names the record at which it shows.
func TestTampering(t *testing.T) {
	l := written(t, slices.Concat(samples(), samples())...)
	head, err := Verify(Head{}, each(l.records))
	if err != nil || head.Seq != uint64(len(l.records)) {
		t.Fatal(head, err)
	}
	last := len(l.records) - 1
	for i := range l.records {
		for name, c := range map[string]struct {
			change func([]Stored) []Stored
			at     int // the index at which it must show; last+1: only the head shows it
		}{
			"changed": {func(s []Stored) []Stored {
				s[i].Data = bytes.Replace(s[i].Data, []byte("-01-06T12:00:0"), []byte("-01-06T13:00:0"), 1)
				return s
			}, i + 1},
			"re-spaced": {func(s []Stored) []Stored {
				s[i].Data = append(slices.Clone(s[i].Data), ' ')
				return s
			}, i + 1},
			"dropped": {func(s []Stored) []Stored { return slices.Delete(s, i, i+1) }, i + 1},
			"dropped and renumbered": {func(s []Stored) []Stored {
				s = slices.Delete(s, i, i+1)
				for j := range s {
					s[j].Seq = uint64(j + 1)
				}
				return s
			}, i + 1},
			"twice": {func(s []Stored) []Stored { return slices.Insert(s, i, s[i]) }, i},
			"swapped": {func(s []Stored) []Stored {
				if i < last {
					s[i].Data, s[i+1].Data = s[i+1].Data, s[i].Data
				}
				return s
			}, i},
			"slipped in": {func(s []Stored) []Stored {
				return slices.Insert(s, i, Stored{s[i].Seq, encoded(t, numbered(99))})
			}, i},
			"not a record": {func(s []Stored) []Stored { s[i].Data = []byte("{}"); return s }, i},
		} {
			spoilt := c.change(slices.Clone(l.records))
			end, err := Verify(Head{}, each(spoilt))
			if err == nil && end != head && i >= last {
				continue // at the very end only one who knows the head can tell
			}
			if err == nil && name == "swapped" && i == last {
				continue // nothing was done
			}
			want := fmt.Sprintf("record %d", l.records[min(c.at, last)].Seq)
			if strings.HasPrefix(name, "dropped and") && c.at <= last {
				want = fmt.Sprintf("record %d", l.records[c.at].Seq-1)
			}
			if name == "slipped in" && i == 0 {
				want = "record 1" // it follows from nothing, so it shows in what comes behind
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("record %d %s: end %v, error %v, want it to name %s", i+1, name, end, err, want)
			}
		}
	}
}

func TestVerifyFromAHead(t *testing.T) {
	l := written(t, slices.Concat(samples(), samples())...)
	whole, err := Verify(Head{}, each(l.records))
	if err != nil {
		t.Fatal(err)
	}
	middle, err := Verify(Head{}, each(l.records[:7]))
	if err != nil || middle.Seq != 7 {
		t.Fatal(middle, err)
	}
	if end, err := Verify(middle, each(l.records[7:])); err != nil || end != whole {
		t.Errorf("from the middle: %v, %v", end, err)
	}
	if _, err := Verify(Head{}, each(l.records[7:])); federation.ReasonOf(err) != federation.BadSignature {
		t.Errorf("without its beginning: %v", err)
	}
	if _, err := Verify(middle, each(l.records[8:])); federation.ReasonOf(err) != federation.BadSignature {
		t.Errorf("with a hole: %v", err)
	}
	if _, err := Verify(Head{Seq: 7, Hash: digestOf("other")}, each(l.records[7:])); federation.ReasonOf(err) != federation.BadSignature {
		t.Errorf("from another's head: %v", err)
	}
	l.reads = []error{nil, errFault}
	if _, err := Verify(Head{}, Entries(t.Context(), l, 1)); err == nil {
		t.Error("a failing read passed as the end")
	}
}

func TestRecords(t *testing.T) {
	l := written(t, samples()...)
	var kinds []Kind
	for r, err := range Records(t.Context(), l, 3) {
		if err != nil || r.Seq != uint64(len(kinds)+3) {
			t.Fatal(r, err)
		}
		kinds = append(kinds, r.Kind())
	}
	if len(kinds) != len(l.records)-2 || kinds[0] != KindSent {
		t.Errorf("kinds %v", kinds)
	}
	l.records[4].Data = []byte("noise")
	n := 0
	for r, err := range Records(t.Context(), l, 1) {
		if n++; (err != nil) != (n == 5) || err == nil && r == nil {
			t.Fatal(n, r, err)
		}
	}
	if n != 5 {
		t.Errorf("%d steps, want an end at the record that cannot be read", n)
	}
}

// TestFind compares searching backwards, in any bounds, with picking by hand.
func TestFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []*Record
		for i := range rapid.IntRange(0, 700).Draw(t, "records") {
			s := samples()
			r := s[(i*i+i/3)%len(s)]
			r.At = at.Add(time.Duration(i/3) * time.Second)
			records = append(records, r)
		}
		l := written(t, records...)
		if cut := rapid.IntRange(0, 300).Draw(t, "cut off"); cut < len(l.records) {
			l.records = l.records[cut:]
		}
		q := Query{
			ObjectID: rapid.SampledFrom([]string{"", indicatorID, "indicator--00000001-58a7-4f5e-9c1c-0d8f2a6b7e11", "indicator--ffffffff-58a7-4f5e-9c1c-0d8f2a6b7e11"}).Draw(t, "object"),
			Digest:   rapid.SampledFrom([]Digest{{}, {}, digestOf("b"), digestOf("c")}).Draw(t, "digest"),
			Peer:     rapid.SampledFrom([]string{"", "pl-cert", "jp-carrier", "self", "nobody"}).Draw(t, "peer"),
			Kinds:    rapid.SampledFrom([][]Kind{nil, {KindSent}, {KindIntake, KindSettle}}).Draw(t, "kinds"),
			Limit:    rapid.SampledFrom([]int{0, 1, 7}).Draw(t, "limit"),
			Scan:     rapid.SampledFrom([]int{0, 1, 10, 256, 300}).Draw(t, "scan"),
		}
		if rapid.Bool().Draw(t, "from") {
			q.From = at.Add(20 * time.Second)
		}
		if rapid.Bool().Draw(t, "to") {
			q.To = at.Add(100 * time.Second)
		}
		want := pick(l, q)
		var got []uint64
		scanned := 0
		for q.Before = 0; ; {
			found, err := Find(context.Background(), l, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range found.Records {
				got = append(got, r.Seq)
			}
			if len(found.Records) > cmp.Or(q.Limit, 100) || found.Scanned > cmp.Or(q.Scan, 50_000) {
				t.Fatalf("%d found, %d scanned", len(found.Records), found.Scanned)
			}
			if scanned += found.Scanned; found.Next == 0 {
				break
			}
			q.Before = found.Next
		}
		if !slices.Equal(got, want) || scanned != len(l.records) {
			t.Fatalf("found %v, want %v; scanned %d of %d", got, want, scanned, len(l.records))
		}
	})
}

// pick finds by hand, newest first.
func pick(l *memLog, q Query) (want []uint64) {
	for _, s := range slices.Backward(l.records) {
		r, err := s.decode()
		if err != nil {
			panic(err)
		}
		text := string(s.Data)
		ok := strings.Contains(text, q.ObjectID) && (q.Digest == Digest{} || strings.Contains(text, digestString(q.Digest))) &&
			(len(q.Kinds) == 0 || slices.Contains(q.Kinds, r.Kind())) && (q.From.IsZero() || !r.At.Before(q.From)) && (q.To.IsZero() || r.At.Before(q.To))
		if q.Peer != "" {
			ok = ok && (strings.Contains(text, `"peer":"`+q.Peer+`"`) || strings.Contains(text, `"source":"`+q.Peer+`"`))
		}
		if ok && q.ObjectID != "" && q.Digest != (Digest{}) {
			// Both must be said of one object; in the samples only b has both.
			ok = q.ObjectID == indicatorID && q.Digest == digestOf("b")
		}
		if ok {
			want = append(want, s.Seq)
		}
	}
	return want
}

func digestString(d Digest) string {
	text, err := d.AppendText(nil)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestVerifyBehindACut accepts a journal without its beginning if a record in it
// says what was cut, and no other.
func TestVerifyBehindACut(t *testing.T) {
	l := written(t, samples()...)
	head, err := Verify(Head{}, each(l.records[:4]))
	if err != nil {
		t.Fatal(err)
	}
	cut := func(c Cut) []Stored {
		x := written(t, append(samples(), &Record{At: samples()[0].At, Cut: &c})...)
		return x.records[4:]
	}
	whole := cut(Cut{Seq: head.Seq, Hash: head.Hash})
	end, err := Verify(Head{}, each(whole))
	if err != nil || end.Seq != whole[len(whole)-1].Seq {
		t.Errorf("behind a cut: %v, %v", end, err)
	}
	for name, records := range map[string][]Stored{
		"one more is missing":    whole[1:],
		"the cut is missing":     whole[:len(whole)-1],
		"a hole behind it":       slices.Concat(whole[:2], whole[3:]),
		"another cut":            cut(Cut{Seq: head.Seq, Hash: digestOf("other")}),
		"a cut of what is there": cut(Cut{Seq: head.Seq + 1, Hash: head.Hash}),
	} {
		if _, err := Verify(Head{}, each(records)); federation.ReasonOf(err) != federation.BadSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}
