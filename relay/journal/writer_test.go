package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

func newWriter(t *testing.T, log Log, o Options) *Writer {
	t.Helper()
	w, err := NewWriter(t.Context(), log, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(context.Background()) }) // tests that care close it themselves
	return w
}

// numbered is a record that is unlike all others.
func numbered(n int) *Record {
	return &Record{At: at.Add(time.Duration(n)), Intake: &Intake{Source: "de-cert", Log: uint64(n)}}
}

func checkChain(t interface{ Fatal(...any) }, l *memLog, head Head) {
	end, err := Verify(Head{}, Entries(context.Background(), l, 1))
	if err != nil {
		t.Fatal(err)
	}
	if end != head {
		t.Fatal("the writer is at", head, "but the log ends at", end)
	}
}

// TestCallersShareASync: a sync takes 10 ms. A caller alone waits for one; a
// thousand at once need far fewer than a thousand.
func TestCallersShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{delay: 10 * time.Millisecond}
		w := newWriter(t, l, Options{MaxBatch: 300})
		began := time.Now()
		if seq, err := w.Append(t.Context(), numbered(0)); seq != 1 || err != nil {
			t.Fatal(seq, err)
		}
		if took := time.Since(began); took != l.delay {
			t.Errorf("alone it took %v, want %v", took, l.delay)
		}
		began = time.Now()
		var group sync.WaitGroup
		seqs := make([]uint64, 1000)
		for i := range seqs {
			group.Go(func() {
				var err error
				if seqs[i], err = w.Append(t.Context(), numbered(i+1)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		// At worst the first goes alone and the rest in batches of 300.
		if took := time.Since(began); took > 5*l.delay || l.appends > 6 {
			t.Errorf("1000 callers took %v and %d syncs", took, l.appends-1)
		}
		for i, seq := range seqs {
			r, err := l.records[seq-1].decode()
			if err != nil || r.Intake.Log != uint64(i+1) {
				t.Fatalf("record %d of caller %d holds %+v, %v", seq, i+1, r, err)
			}
		}
		checkChain(t, l, w.Head())
	})
}

// Few records that wait are stored one by one, those of one call together, many
// together; in each case in the order in which they came.
func TestFewAreStoredOneByOne(t *testing.T) {
	for name, c := range map[string]struct{ callers, each, appends int }{
		"few":            {callers: 5, each: 1, appends: 5},
		"as many":        {callers: 9, each: 1, appends: 9}, // the first goes alone
		"more":           {callers: 10, each: 1, appends: 2},
		"of one call":    {callers: 1, each: 3, appends: 1},
		"of a few calls": {callers: 3, each: 2, appends: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &memLog{delay: time.Millisecond}
				w := newWriter(t, l, Options{Few: 8})
				var group sync.WaitGroup
				for i := range c.callers {
					group.Go(func() {
						rs := make([]*Record, c.each)
						for k := range rs {
							rs[k] = numbered(i*c.each + k + 1)
						}
						if _, err := w.Append(t.Context(), rs...); err != nil {
							t.Error(err)
						}
					})
					if i == 0 {
						synctest.Wait() // it is being stored, the others queue up
					}
				}
				group.Wait()
				if l.appends != c.appends || len(l.records) != c.callers*c.each {
					t.Errorf("%d appends of %d records, want %d", l.appends, len(l.records), c.appends)
				}
				checkChain(t, l, w.Head())
			})
		})
	}
}

// TestBrokenWrites breaks writes in every way and order. However that goes, a
// caller that appends until it succeeds finds its record stored once, at the
// sequence it was told, in its order, and the chain unbroken.
func TestBrokenWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.SampledFrom([]fault{works, failsNotStored, failsButStored, failsStoredLate, hangs, hangsButStored}), 0, 20).Draw(rt, "faults")
		reads := rapid.SliceOfN(rapid.SampledFrom([]error{nil, nil, errFault}), 0, 10).Draw(rt, "reads")
		callers := rapid.IntRange(1, 5).Draw(rt, "callers")
		each := rapid.IntRange(1, 6).Draw(rt, "records each")
		patience := rapid.SampledFrom([]time.Duration{20 * time.Millisecond, 600 * time.Millisecond, time.Hour}).Draw(rt, "patience")
		batch := rapid.IntRange(1, 4).Draw(rt, "batch")
		together := rapid.IntRange(1, batch).Draw(rt, "records together")
		var failure string
		synctest.Test(t, func(t *testing.T) {
			failure = brokenWrites(t, &memLog{delay: 5 * time.Millisecond, faults: faults, reads: reads}, batch, callers, each, together, patience)
		})
		if failure != "" {
			rt.Fatal(failure)
		}
	})
}

// brokenWrites lets callers each append so many times so many records together.
// Record n is that of caller n/1000, and n%1000 in its order.
func brokenWrites(t *testing.T, l *memLog, batch, callers, each, together int, patience time.Duration) (failure string) {
	var mu sync.Mutex
	fail := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		failure += fmt.Sprintf(format, args...) + "\n"
	}
	var handed []*Record
	w, err := NewWriter(t.Context(), l, Options{MaxBatch: batch, OnStored: func(rs []*Record) { handed = append(handed, rs...) }})
	if err != nil {
		return err.Error()
	}
	seqs := make([][]uint64, callers)
	var group sync.WaitGroup
	for c := range callers {
		seqs[c] = make([]uint64, each)
		group.Go(func() {
			for i := range each {
				var rs []*Record
				for k := range together {
					rs = append(rs, numbered(c*1000+i*together+k))
				}
				seq, err := appendUntilStored(w, rs, patience)
				if err != nil {
					fail("caller %d, record %d: %v", c, i, err)
				}
				if i > 0 && seq <= seqs[c][i-1] {
					fail("caller %d: record %d is at %d, the one before at %d", c, i, seq, seqs[c][i-1])
				}
				seqs[c][i] = seq
			}
		})
	}
	group.Wait()
	<-time.After(time.Minute) // virtual: what is stored late has its chance
	if err := w.Close(context.Background()); err != nil {
		fail("close: %v", err)
	}
	if want := callers * each * together; len(l.records) != want || len(handed) != want {
		fail("%d records stored, %d handed on, want %d", len(l.records), len(handed), want)
		return failure
	}
	for i, s := range l.records {
		r, err := s.decode()
		if err != nil {
			return err.Error()
		}
		n := int(r.Intake.Log)
		behind := together - 1 - n%1000%together // records of the same call
		if told := seqs[n/1000][n%1000/together]; told != s.Seq+uint64(behind) {
			fail("record %d: the last of its call is %d behind it and was told to be at %d", s.Seq, behind, told)
		}
		if h := handed[i]; h.Seq != s.Seq || h.Intake.Log != r.Intake.Log || h.Prev != r.Prev {
			fail("record %d was handed on as %+v", s.Seq, h)
		}
	}
	l.reads = nil
	if head, err := Verify(Head{}, Entries(context.Background(), l, 1)); err != nil || head != w.Head() {
		fail("chain: %v, head %v, writer %v", err, head, w.Head())
	}
	return failure
}

func appendUntilStored(w *Writer, rs []*Record, patience time.Duration) (uint64, error) {
	for began := time.Now(); time.Since(began) < time.Hour; {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		// The same records in another piece of memory: they are known by what
		// they say.
		again := make([]*Record, len(rs))
		for i := range rs {
			r := *rs[i]
			again[i] = &r
		}
		seq, err := w.Append(ctx, again...)
		cancel()
		if err == nil {
			return seq, nil
		}
		if errors.Is(err, ErrForeign) || errors.Is(err, ErrClosed) {
			return 0, err
		}
		<-time.After(10 * time.Millisecond) // virtual
	}
	return 0, errors.New("not stored in an hour")
}

// TestCallersAreTold: while the log fails, callers do not wait for ever, and
// learn the difference between "maybe" and "no".
func TestCallersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{delay: time.Millisecond, faults: []fault{failsNotStored, failsNotStored, failsNotStored, failsNotStored}}
		w := newWriter(t, l, Options{MaxBatch: 1})
		errs := make(chan error, 2)
		go func() {
			_, err := w.Append(context.Background(), numbered(1))
			errs <- err
		}()
		synctest.Wait()
		go func() {
			_, err := w.Append(context.Background(), numbered(2))
			errs <- err
		}()
		var unknown, no int
		for range 2 {
			err := <-errs
			if !errors.Is(err, errFault) {
				t.Errorf("the cause is not in %v", err)
			}
			if errors.Is(err, ErrUnknown) {
				unknown++
			} else {
				no++
			}
		}
		if unknown != 1 || no != 1 {
			t.Errorf("%d callers do not know, %d know that it is not stored, want one each", unknown, no)
		}
		// The one that does not know asks again; the other record never came.
		if seq, err := w.Append(t.Context(), numbered(1)); seq != 1 || err != nil {
			t.Fatal(seq, err)
		}
		if len(l.records) != 1 {
			t.Errorf("%d records, want 1", len(l.records))
		}
	})
}

func TestImpatientCallerInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{delay: time.Second}
		w := newWriter(t, l, Options{})
		go func() { _, _ = w.Append(context.Background(), numbered(1)) }() // keeps the log busy
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := w.Append(ctx, numbered(2)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnknown) {
			t.Fatalf("error %v, want a certain no", err)
		}
		if _, err := w.Append(t.Context(), numbered(3)); err != nil {
			t.Fatal(err)
		}
		for _, s := range l.records {
			if r, err := s.decode(); err != nil || r.Intake.Log == 2 {
				t.Errorf("record %d: %+v, %v", s.Seq, r, err)
			}
		}
	})
}

// TestForeignWriter: a record of another, or a part of a batch, ends the writer
// rather than the chain.
func TestForeignWriter(t *testing.T) {
	for name, f := range map[string]func(l *memLog, records [][]byte) []Stored{
		"another's record":   func(*memLog, [][]byte) []Stored { return []Stored{{2, []byte("{}")}} },
		"as many of another": func(_ *memLog, r [][]byte) []Stored { return []Stored{{2, []byte("{}")}, {3, r[1]}} },
		"a part of a batch":  func(_ *memLog, r [][]byte) []Stored { return []Stored{{2, r[0]}} },
		"ours and more":      func(_ *memLog, r [][]byte) []Stored { return []Stored{{2, r[0]}, {3, r[1]}, {4, []byte("{}")}} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { foreignWriter(t, f) })
		})
	}
}

func foreignWriter(t *testing.T, f func(l *memLog, records [][]byte) []Stored) {
	l := &intruded{memLog: &memLog{delay: time.Second}, f: f}
	w := newWriter(t, l, Options{})
	var group sync.WaitGroup
	group.Go(func() { // keeps the log busy, so that the next two come in one batch
		if seq, err := w.Append(t.Context(), numbered(0)); seq != 1 || err != nil {
			t.Error(seq, err)
		}
	})
	synctest.Wait()
	for i := range 2 {
		group.Go(func() {
			if _, err := w.Append(t.Context(), numbered(i+1)); !errors.Is(err, ErrForeign) || !errors.Is(err, ErrUnknown) {
				t.Errorf("append: %v", err)
			}
		})
	}
	group.Wait()
	if _, err := w.Append(t.Context(), numbered(9)); !errors.Is(err, ErrForeign) {
		t.Errorf("append afterwards: %v", err)
	}
	if l.appends != 2 {
		t.Errorf("%d appends, want 2", l.appends)
	}
}

// intruded is a log in which, from the second batch on, something else is
// stored than was asked for.
type intruded struct {
	*memLog
	f func(l *memLog, records [][]byte) []Stored
}

func (l *intruded) Append(ctx context.Context, after uint64, records [][]byte) (uint64, error) {
	if after == 0 {
		return l.memLog.Append(ctx, after, records)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.appends++
	l.records = append(l.records, l.f(l.memLog, records)...)
	return 0, errFault
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{delay: time.Second}
		w := newWriter(t, l, Options{MaxBatch: 1})
		var group sync.WaitGroup
		for i := range 3 {
			group.Go(func() {
				if _, err := w.Append(context.Background(), numbered(i)); err != nil {
					t.Errorf("append before close: %v", err)
				}
			})
		}
		synctest.Wait()
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		group.Wait()
		if _, err := w.Append(t.Context(), numbered(9)); !errors.Is(err, ErrClosed) {
			t.Errorf("append after close: %v", err)
		}
		if err := w.Close(t.Context()); err != nil {
			t.Errorf("second close: %v", err)
		}
		checkChain(t, l, w.Head())
	})
}

// TestCloseCutShort: a log that hangs does not keep the node from stopping.
func TestCloseCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriter(t, &memLog{faults: []fault{hangs}}, Options{MaxBatch: 1})
		errs := make(chan error, 2)
		for i := range 2 {
			go func() {
				_, err := w.Append(context.Background(), numbered(i))
				errs <- err
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		a, b := <-errs, <-errs
		if !errors.Is(a, ErrClosed) || !errors.Is(b, ErrClosed) || errors.Is(a, ErrUnknown) == errors.Is(b, ErrUnknown) {
			t.Errorf("callers were told %v and %v", a, b)
		}
	})
}

func TestContinuesAJournal(t *testing.T) {
	l := &memLog{}
	for i := range 5 {
		w := newWriter(t, l, Options{})
		for j := range 3 {
			if seq, err := w.Append(t.Context(), numbered(i*3+j)); err != nil || seq != uint64(i*3+j+1) {
				t.Fatal(seq, err)
			}
		}
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkChain(t, l, w.Head())
	}
}

func TestDoesNotContinueWhatItCannotRead(t *testing.T) {
	for data, want := range map[string]federation.Reason{
		`{"ver":2,"prev":"` + zeroDigest + `","at":"2026-01-06T12:00:00Z","dream":{}}`:                 federation.Unsupported,
		`{"ver":2,"prev":"` + zeroDigest + `","at":"2026-01-06T12:00:00Z","reload":{"what":"policy"}}`: federation.Unsupported,
		`noise`: federation.Malformed,
	} {
		if _, err := NewWriter(t.Context(), &memLog{records: []Stored{{1, []byte(data)}}}, Options{}); federation.ReasonOf(err) != want {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
}

const zeroDigest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestTooLarge(t *testing.T) {
	l := &memLog{}
	w := newWriter(t, l, Options{})
	if _, err := w.Append(t.Context(), sampleSent(8000)); federation.ReasonOf(err) != federation.TooLarge {
		t.Fatalf("error %v", err)
	}
	if _, err := w.Append(t.Context(), sampleSent(2000)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), slices.Repeat([]*Record{numbered(1)}, 501)...); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("more records than a batch: %v", err)
	}
	if _, err := w.Append(t.Context(), slices.Repeat([]*Record{sampleSent(2000)}, 30)...); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("more bytes than a batch: %v", err)
	}
	if _, err := w.Append(t.Context()); federation.ReasonOf(err) != federation.Malformed {
		t.Errorf("no record: %v", err)
	}
	if last := l.last(); last != 1 {
		t.Errorf("%d records stored, want 1", last)
	}
}

// TestSettle: what a caller left without an answer is part of the end that
// Settle returns.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{delay: time.Second}
		w, err := NewWriter(t.Context(), l, Options{})
		if err != nil {
			t.Fatal(err)
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := w.Append(impatient, samples()[0]); !errors.Is(err, ErrUnknown) {
			t.Fatalf("left: %v", err)
		}
		if head, err := w.Settle(t.Context()); err != nil || head.Seq != 1 || head != w.Head() {
			t.Errorf("settled at %d: %v", head.Seq, err)
		}
		if _, err := w.Settle(impatient); err != nil {
			t.Errorf("with nothing in hand: %v", err)
		}
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
