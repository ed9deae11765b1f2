package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/store"
)

// fakeLog is a log in memory whose next appends can be broken in both ways:
// failed and not stored, failed but stored.
type fakeLog struct {
	mu      sync.Mutex
	records []bus.Record
	last    map[string]uint64
	broken  []fault
	lost    bool // Last fails too
}

type fault int

const (
	fine fault = iota
	notStored
	butStored
)

var errBroken = errors.New("broken on purpose")

func newFakeLog(faults ...fault) *fakeLog { return &fakeLog{last: map[string]uint64{}, broken: faults} }

func (l *fakeLog) Append(_ context.Context, rs []bus.Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var f fault
	if len(l.broken) > 0 {
		f, l.broken = l.broken[0], l.broken[1:]
	}
	if f == notStored {
		return 0, errBroken
	}
	for _, r := range rs {
		if r.ExpectLastSubject != nil && *r.ExpectLastSubject != l.last[r.Subject] {
			return 0, bus.ErrConflict
		}
	}
	for _, r := range rs {
		l.records = append(l.records, r)
		l.last[r.Subject] = uint64(len(l.records))
	}
	if f == butStored {
		return 0, errBroken
	}
	return uint64(len(l.records)), nil
}

func (l *fakeLog) Last(_ context.Context, subject string) (bus.Stored, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return bus.Stored{}, false, errBroken
	}
	seq, ok := l.last[subject]
	if !ok {
		return bus.Stored{}, false, nil
	}
	return bus.Stored{Seq: seq, Subject: subject, Data: l.records[seq-1].Data}, true, nil
}

func (l *fakeLog) Read(_ context.Context, from uint64, _, _ int) ([]bus.Stored, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return nil, errBroken
	}
	var out []bus.Stored
	for seq := from; seq <= uint64(len(l.records)); seq++ {
		out = append(out, bus.Stored{Seq: seq, Subject: l.records[seq-1].Subject, Data: l.records[seq-1].Data})
	}
	return out, nil
}

// fakeIndex knows what was noted.
type fakeIndex struct {
	mu   sync.Mutex
	seen map[objectKey]bool
}

func (*fakeIndex) VersionAt(string, string, string) ([32]byte, bool, error) {
	return [32]byte{}, false, nil
}

func (*fakeIndex) ErasedFor(string, [32]byte) (federation.Reason, error) { return "", nil }

func (*fakeIndex) Whole(string, [32]byte) bool { return false }

func (*fakeIndex) ProofsOf(string) (int, error) { return 0, nil }

func (*fakeIndex) Proven(string, [32]byte, [32]byte) (bool, error) { return false, nil }

func (*fakeIndex) Named(context.Context, string, [32]byte) (string, string, bool, error) {
	return "", "", false, nil
}

func (x *fakeIndex) Routes(context.Context, string, [32]byte) ([]store.Route, error) { return nil, nil }

func (x *fakeIndex) Seen(issuer string, ds [][32]byte) []bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make([]bool, len(ds))
	for i, d := range ds {
		out[i] = x.seen[objectKey{issuer, d}]
	}
	return out
}

func (*fakeIndex) Withdrawn(_ string, ds [][32]byte) []bool { return make([]bool, len(ds)) }

func (*fakeIndex) Withdrawal(string, [32]byte) (store.Withdrawal, bool, error) {
	return store.Withdrawal{}, false, nil
}

func (*fakeIndex) MadeOf(store.Origin) ([32]byte, bool) { return [32]byte{}, false }

func (*fakeIndex) Owners([32]byte) []string { return nil }

func (*fakeIndex) Version(string, string) (string, [32]byte, bool, error) {
	return "", [32]byte{}, false, nil
}

// startCommitter runs a committer over a log; what it stores is noted.
func startCommitter(t *testing.T, log logStream) *committer {
	t.Helper()
	index := &fakeIndex{seen: map[objectKey]bool{}}
	c := newCommitter(log, index, slog.New(slog.DiscardHandler), func(_ []uint64, es []*entry) {
		index.mu.Lock()
		defer index.mu.Unlock()
		for _, e := range es {
			for _, it := range e.Items {
				index.seen[objectKey{it.Issuer, it.Digest}] = true
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { c.run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return c
}

// takeOnce builds one entry with an object, or none when it is there already.
func takeOnce(source string, d digest) func(v *view) ([]*entry, error) {
	return func(v *view) ([]*entry, error) {
		if v.seen("iss", d) {
			return nil, nil
		}
		return []*entry{{Kind: entryMarker, Source: source, Items: []entryItem{{Issuer: "iss", Digest: d, Outcome: taken}}}}, nil
	}
}

func TestCommitFailedAndNotStored(t *testing.T) {
	log := newFakeLog(notStored)
	c := startCommitter(t, log)
	if _, err := c.commit(t.Context(), "a", takeOnce("a", digest{1})); !errors.Is(err, errBroken) {
		t.Fatalf("want the fault, got %v", err)
	}
	if len(log.records) != 0 {
		t.Fatal("something was stored")
	}
	if _, err := c.commit(t.Context(), "a", takeOnce("a", digest{1})); err != nil {
		t.Fatalf("the next try must succeed: %v", err)
	}
	if len(log.records) != 1 {
		t.Errorf("want the object once, got %d records", len(log.records))
	}
}

func TestCommitFailedButStored(t *testing.T) {
	log := newFakeLog(butStored)
	c := startCommitter(t, log)
	r, err := c.commit(t.Context(), "a", takeOnce("a", digest{1}))
	if err != nil {
		t.Fatalf("the commit is in the log, so it succeeded: %v", err)
	}
	if len(r.seqs) != 1 || r.seqs[0] != 1 {
		t.Errorf("sequences %v, want [1]", r.seqs)
	}
	if _, err := c.commit(t.Context(), "a", takeOnce("a", digest{1})); err != nil {
		t.Fatal(err)
	}
	if len(log.records) != 1 {
		t.Errorf("stored %d times", len(log.records))
	}
}

// A commit whose fate cannot even be asked for is an error; what it may have
// stored is found again by the next one, through the expected last sequence.
func TestCommitUnknownIsNotDoubled(t *testing.T) {
	log := newFakeLog(fine, butStored)
	c := startCommitter(t, log)
	if _, err := c.commit(t.Context(), "a", takeOnce("a", digest{9})); err != nil {
		t.Fatal(err)
	}
	log.mu.Lock()
	log.lost = true
	log.mu.Unlock()
	if _, err := c.commit(t.Context(), "a", takeOnce("a", digest{1})); err == nil {
		t.Fatal("a commit of unknown fate was reported as done")
	}
	if len(c.last) != 0 {
		t.Errorf("positions %v are remembered after an unknown commit", c.last)
	}
	log.mu.Lock()
	log.lost = false
	log.mu.Unlock()
	if _, err := c.commit(t.Context(), "a", takeOnce("a", digest{1})); err != nil {
		t.Fatal(err)
	}
	if len(log.records) != 2 {
		t.Fatalf("%d records: the object of the unknown commit, sent again, was taken for new", len(log.records))
	}
	if _, err := c.commit(t.Context(), "b", takeOnce("b", digest{2})); err != nil {
		t.Fatal(err)
	}
	if len(log.records) != 3 {
		t.Errorf("%d records, want the first, the unknown one and the new one", len(log.records))
	}
	for _, source := range []string{"a", "b"} {
		if _, err := c.commit(t.Context(), source, takeOnce(source, digest{1})); err != nil {
			t.Fatal(err)
		}
	}
	if len(log.records) != 3 {
		t.Errorf("the object of the unknown commit stands in the log again: %d records", len(log.records))
	}
}

// A commit that was given up as not stored, and is stored then: before the
// next one, or between two of another source.
func TestCommitStoredLate(t *testing.T) {
	for _, between := range []bool{false, true} {
		log := newFakeLog(fine, notStored)
		c := startCommitter(t, log)
		for i := range byte(2) {
			_, err := c.commit(t.Context(), "a", takeOnce("a", digest{i}))
			if (err != nil) != (i == 1) {
				t.Fatal(err)
			}
		}
		if between {
			if _, err := c.commit(t.Context(), "b", takeOnce("b", digest{2})); err != nil {
				t.Fatal(err)
			}
		}
		late := &entry{Kind: entryMarker, Source: "a", Items: []entryItem{{Issuer: "iss", Digest: digest{1}, Outcome: taken}}}
		data, err := late.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), []bus.Record{{Subject: "a", Data: data}}); err != nil {
			t.Fatal(err)
		}
		want := len(log.records) + 1
		for range 3 { // the first of these may fail: it finds that another was first
			_, _ = c.commit(t.Context(), "b", takeOnce("b", digest{3}))
		}
		for range 3 {
			_, _ = c.commit(t.Context(), "a", takeOnce("a", digest{1}))
		}
		if len(log.records) != want {
			t.Errorf("between %v: %d records, want %d: what came late stands there once", between, len(log.records), want)
		}
	}
}

func TestTwoSourcesWithTheSameObjectStoreItOnce(t *testing.T) {
	log := newFakeLog()
	c := startCommitter(t, log)
	var wg sync.WaitGroup
	for range 50 {
		for _, source := range []string{"a", "b"} {
			wg.Go(func() {
				if _, err := c.commit(t.Context(), source, takeOnce(source, digest{7})); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if len(log.records) != 1 {
		t.Errorf("stored %d times", len(log.records))
	}
}

func TestCommitRefusesWhatDoesNotFit(t *testing.T) {
	c := startCommitter(t, newFakeLog())
	_, err := c.commit(t.Context(), "a", func(*view) ([]*entry, error) {
		es := make([]*entry, maxJobEntries+1)
		for i := range es {
			es[i] = &entry{Kind: entryMarker, Source: "a"}
		}
		return es, nil
	})
	if err == nil {
		t.Error("a job larger than a batch was taken")
	}
}

func TestNewerComparesStixTimestamps(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00Z", true},
		{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", false},
		{"2026-01-01T00:00:00.500Z", "2026-01-01T00:00:00.5Z", false},
		{"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z", false},
		{"2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z", false},
		{"2026-01-02T00:00:00Z", "2026-01-01T23:59:59.999999Z", true},
		{"2026-01-01T00:00:00Z", "", true},
	} {
		if got := newer(c.a, c.b); got != c.want {
			t.Errorf("newer(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestEntryOfANewerVersionIsRefused(t *testing.T) {
	if _, err := decodeEntry([]byte("{\"v\":2,\"kind\":\"message\"}\n")); err == nil {
		t.Error("an entry of a later version was read")
	}
	if _, err := decodeEntry([]byte("no line feed")); err == nil {
		t.Error("an entry without a head was read")
	}
}
