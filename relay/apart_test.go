package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/entente-relay/entente/relay/bus"
	"pgregory.net/rapid"
)

// countingLog remembers how many records each append had.
type countingLog struct {
	*fakeLog
	appends []int
}

func (l *countingLog) Append(ctx context.Context, rs []bus.Record) (uint64, error) {
	l.mu.Lock()
	l.appends = append(l.appends, len(rs))
	l.mu.Unlock()
	return l.fakeLog.Append(ctx, rs)
}

// takeSome builds an entry for each object that is not there yet.
func takeSome(source string, ds ...digest) func(v *view) ([]*entry, error) {
	return func(v *view) ([]*entry, error) {
		var out []*entry
		for _, d := range ds {
			if !v.seen("iss", d) {
				out = append(out, &entry{Kind: entryMarker, Source: source, Items: []entryItem{{Issuer: "iss", Digest: d, Outcome: taken}}})
			}
		}
		return out, nil
	}
}

func digests(from, n int) []digest {
	out := make([]digest, n)
	for i := range out {
		out[i] = digest{byte(from + i)}
	}
	return out
}

// What may stand apart is stored one by one while it is little, all else at once.
func TestStoredApart(t *testing.T) {
	for name, c := range map[string]struct {
		apart   bool
		entries int
		appends []int
	}{
		"one":           {true, 1, []int{1}},
		"few":           {true, 3, []int{1, 1, 1}},
		"many":          {true, bus.Few + 1, []int{bus.Few + 1}},
		"not to be cut": {false, 3, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			log := &countingLog{fakeLog: newFakeLog()}
			com := startCommitter(t, log)
			r, err := com.do(t.Context(), job{source: "a", apart: c.apart, done: make(chan result, 1), build: takeSome("a", digests(1, c.entries)...)})
			if err != nil {
				t.Fatal(err)
			}
			want := make([]uint64, c.entries)
			for i := range want {
				want[i] = uint64(i + 1)
			}
			if !slices.Equal(log.appends, c.appends) || !slices.Equal(r.seqs, want) {
				t.Errorf("appends of %v records, want %v; sequences %v", log.appends, c.appends, r.seqs)
			}
		})
	}
}

// When the second of three entries is not stored, the commit fails, although the
// log's last entry carries its batch: the first is found before the next commit,
// and not stored again.
func TestStoredInPart(t *testing.T) {
	log := newFakeLog(fine, notStored)
	c := startCommitter(t, log)
	do := func() (result, error) {
		return c.do(t.Context(), job{source: "a", apart: true, done: make(chan result, 1), build: takeSome("a", digests(1, 3)...)})
	}
	if r, err := do(); !errors.Is(err, errBroken) {
		t.Fatalf("one of three entries is stored: %+v, %v", r, err)
	}
	if len(log.records) != 1 {
		t.Fatalf("%d records", len(log.records))
	}
	r, err := do()
	if err != nil || !slices.Equal(r.seqs, []uint64{2, 3}) {
		t.Errorf("sequences %v, %v: the first entry is there already", r.seqs, err)
	}
}

// An answer that got lost between the entries of a commit loses nothing.
func TestStoredApartAnswerLost(t *testing.T) {
	log := newFakeLog(fine, butStored)
	c := startCommitter(t, log)
	r, err := c.do(t.Context(), job{source: "a", apart: true, done: make(chan result, 1), build: takeSome("a", digests(1, 3)...)})
	if err != nil || !slices.Equal(r.seqs, []uint64{1, 2, 3}) || len(log.records) != 3 {
		t.Errorf("sequences %v of %d records, %v", r.seqs, len(log.records), err)
	}
}

// Whatever fails, in whatever order and company: who tries until it succeeds has
// everything in the log once, in order, and what is not to be cut as one.
func TestStoredOnceWhateverFails(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.SampledFrom([]fault{fine, fine, notStored, butStored}), 0, 25).Draw(rt, "faults")
		jobs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) job {
			return job{source: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "source"), apart: rapid.Bool().Draw(t, "apart")}
		}), 1, 8).Draw(rt, "jobs")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5), len(jobs), len(jobs)).Draw(rt, "sizes")
		log := &countingLog{fakeLog: newFakeLog(faults...)}
		c := startCommitter(t, log)
		var wg sync.WaitGroup
		from := 1
		for i, j := range jobs {
			ds := digests(from, sizes[i])
			from += len(ds)
			wg.Go(func() {
				for tries := 0; tries < 100; tries++ {
					j.done, j.build = make(chan result, 1), takeSome(j.source, ds...)
					if _, err := c.do(t.Context(), j); err == nil {
						return
					}
				}
				rt.Error("it never succeeds")
			})
		}
		wg.Wait()
		at := map[digest]int{}
		for i, r := range log.records {
			e, err := decodeEntry(r.Data)
			if err != nil {
				rt.Fatal(err)
			}
			if at[e.Items[0].Digest] != 0 {
				rt.Fatalf("object %x stands in the log twice", e.Items[0].Digest[:1])
			}
			at[e.Items[0].Digest] = i + 1
		}
		from = 1
		for i, j := range jobs {
			for k, d := range digests(from, sizes[i]) {
				switch here, first := at[d], at[digest{byte(from)}]; {
				case here == 0:
					rt.Fatalf("object %x is not in the log", d[:1])
				case here < first+k || !j.apart && here != first+k:
					rt.Fatalf("entry %d of a commit from %d on stands at %d", k, first, here)
				}
			}
			from += sizes[i]
		}
	})
}

// lateLog stores, before its second append, what was given up as not stored.
type lateLog struct {
	*fakeLog
	late *entry
	n    int
}

func (l *lateLog) Append(ctx context.Context, rs []bus.Record) (uint64, error) {
	if l.n++; l.n == 2 {
		data, err := l.late.encode()
		if err != nil {
			return 0, err
		}
		if _, err := l.fakeLog.Append(ctx, []bus.Record{{Subject: l.late.Source, Data: data}}); err != nil {
			return 0, err
		}
	}
	return l.fakeLog.Append(ctx, rs)
}

// What comes late between the entries of a commit is told of in its place.
func TestStoredApartAroundWhatComesLate(t *testing.T) {
	log := &lateLog{fakeLog: newFakeLog(), late: &entry{Kind: entryMarker, Source: "z", Items: []entryItem{{Issuer: "iss", Digest: digest{9}, Outcome: taken}}}}
	c := startCommitter(t, log)
	var told []uint64
	inner := c.stored
	c.stored = func(seqs []uint64, es []*entry) { told = append(told, seqs...); inner(seqs, es) }
	do := func() error {
		_, err := c.do(t.Context(), job{source: "a", apart: true, done: make(chan result, 1), build: takeSome("a", digests(1, 3)...)})
		return err
	}
	if err := do(); err == nil {
		t.Fatal("the sequences of the commit have a hole, and nobody minds")
	}
	if err := do(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.commit(t.Context(), "z", takeSome("z", digest{9})); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []uint64{1, 2, 3, 4}) || len(log.records) != 4 {
		t.Errorf("told of %v, %d records", told, len(log.records))
	}
}

// gateLog holds its first append.
type gateLog struct {
	countingLog
	gate chan struct{}
	once sync.Once
}

func (l *gateLog) Append(ctx context.Context, rs []bus.Record) (uint64, error) {
	l.once.Do(func() { <-l.gate })
	return l.countingLog.Append(ctx, rs)
}

// Commits that wait together are stored one by one while they are few; when one
// fails, those behind it, which were made in view of it, fail with it.
func TestFewCommitsThatWait(t *testing.T) {
	for name, c := range map[string]struct {
		second  fault
		stored  int
		appends []int
	}{
		"stored":    {fine, 4, []int{1, 1, 1, 1}},
		"one fails": {notStored, 1, []int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &gateLog{countingLog: countingLog{fakeLog: newFakeLog(fine, c.second)}, gate: make(chan struct{})}
				com := startCommitter(t, log)
				var wg sync.WaitGroup
				failed := make(chan error, 4)
				for i := range 4 {
					wg.Go(func() {
						_, err := com.commit(t.Context(), "a", takeSome("a", digest{byte(i + 1)}))
						failed <- err
					})
					synctest.Wait() // the first is being stored, the others wait
				}
				close(log.gate)
				wg.Wait()
				close(failed)
				stored := 0
				for err := range failed {
					if err == nil {
						stored++
					}
				}
				if stored != c.stored || len(log.records) != c.stored || !slices.Equal(log.appends, c.appends) {
					t.Errorf("%d commits succeeded, %d records, appends of %v", stored, len(log.records), log.appends)
				}
			})
		})
	}
}
