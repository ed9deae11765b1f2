package link

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/federation"
)

// examiner is a sink that looks at frames while others are being stored.
type examiner struct {
	*fakeSink
	// long is how long a frame takes that begins at a link seq.
	long func(first uint64) time.Duration

	mu       sync.Mutex
	examined []uint64 // first seqs, as they were done
	stored   []uint64 // as they were asked to be stored
	inHand   int      // examined, or being so, and neither stored nor given up
	most     int
}

func (x *examiner) Examine(_ context.Context, f Frame) func(context.Context) (Receipt, error) {
	x.mu.Lock()
	x.inHand++
	x.most = max(x.most, x.inHand)
	x.mu.Unlock()
	if x.long != nil {
		time.Sleep(x.long(f.FirstSeq)) // of the bubble's clock
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.examined = append(x.examined, f.FirstSeq)
	return func(ctx context.Context) (Receipt, error) {
		x.mu.Lock()
		x.stored = append(x.stored, f.FirstSeq)
		x.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return Receipt{}, err
		}
		defer func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.inHand--
		}()
		return x.Commit(ctx, f)
	}
}

func newExaminer(t *testing.T, messages int) (*rig, *examiner, []string) {
	t.Helper()
	r := newRig(t, 1)
	x := &examiner{fakeSink: r.sink}
	r.puller.Sink = x
	return r, x, r.fill(messages)
}

// A frame that is looked at for long holds up those behind it, which are done
// sooner: they are stored in their order.
func TestLaterFrameExaminedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, x, want := newExaminer(t, 6)
		x.long = func(first uint64) time.Duration {
			if first%2 == 1 {
				return time.Second
			}
			return time.Millisecond
		}
		r.run(t, r.has(6))
		r.all(t, want)
		if !slices.Equal(x.stored, []uint64{1, 2, 3, 4, 5, 6}) {
			t.Errorf("stored in the order %v", x.stored)
		}
		if slices.IsSorted(x.examined) {
			t.Errorf("examined in the order %v: this shows nothing", x.examined)
		}
	})
}

// While a frame is stored the next is examined, and the one after it waits at
// this node's end of the link; no more are taken.
func TestExaminedDuringCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, x, want := newExaminer(t, 20)
		const step = time.Second
		x.slow, x.long = step, func(uint64) time.Duration { return step }
		r.puller.Transport = slowTransport{r.wire, step}
		started := time.Now()
		var took time.Duration
		r.run(t, func() bool { took = time.Since(started); return r.has(20)() })
		r.all(t, want)
		if took != 22*step {
			t.Errorf("took %v: one after the other would be %v", took, 60*step)
		}
		if x.most != 2 {
			t.Errorf("%d frames were in hand", x.most)
		}
	})
}

// A sink that stands still takes two frames, and a third is on its way.
func TestSinkThatStandsStillTakesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, x, _ := newExaminer(t, 20)
		x.slow = time.Hour
		ctx, cancel := contextWithCancel(t)
		ended := make(chan error, 1)
		go func() { ended <- r.puller.Run(ctx) }()
		time.Sleep(time.Minute)
		x.mu.Lock()
		r.wire.mu.Lock()
		if x.inHand != 2 || r.wire.n != 3 {
			t.Errorf("%d frames in hand, %d pulls", x.inHand, r.wire.n)
		}
		r.wire.mu.Unlock()
		x.mu.Unlock()
		if s := r.puller.Status(); s.Phase != Committing || time.Since(s.Since) != time.Minute {
			t.Errorf("status %+v", s)
		}
		cancel()
		<-ended
	})
}

// What was examined behind a frame that could not be stored is not stored: the
// link is read again from where it stands.
func TestExaminedBehindAFailure(t *testing.T) {
	for name, broken := range map[string]fate{"not stored": notStored, "stored, and nobody knows": storedAnyway} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, x, want := newExaminer(t, 6)
				x.slow = time.Second
				x.fail = func(n int) (f fate) {
					if n == 2 {
						f = broken
					}
					return f
				}
				r.run(t, r.has(6))
				r.all(t, want)
				if r.sink.twice != 0 {
					t.Errorf("%d messages came twice", r.sink.twice)
				}
				// 3 was examined while 2 failed; it is stored only behind 2.
				if i := slices.Index(x.examined, 3); i < 0 || i > 2 {
					t.Errorf("examined %v: this shows nothing", x.examined)
				}
				if slices.Index(x.stored, 3) < slices.Index(x.stored, 2) || x.stored[2] == 3 && broken == notStored {
					t.Errorf("stored in the order %v", x.stored)
				}
			})
		})
	}
}

// A puller that ends gives up what it has examined, and begins nothing more.
func TestEndsBetweenFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, x, want := newExaminer(t, 6)
		x.slow = time.Second
		ctx, cancel := contextWithCancel(t)
		ended := make(chan error, 1)
		go func() { ended <- r.puller.Run(ctx) }()
		time.Sleep(1500 * time.Millisecond) // 1 is stored, 2 half, 3 examined
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := r.sink.got(); !slices.Equal(got, want[:2]) {
			t.Errorf("stored %v", got) // the fake stores what it has begun
		}
		if !slices.Equal(x.examined, []uint64{1, 2, 3}) || !slices.Equal(x.stored, []uint64{1, 2}) {
			t.Errorf("examined %v, stored %v", x.examined, x.stored)
		}
	})
}

// A link that fails behind frames that came does not lose them.
func TestFaultBehindFramesInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, x, want := newExaminer(t, 4)
		x.slow = time.Second
		r.wire.after = func(n int, b []byte) ([]byte, error) {
			if n == 3 {
				return nil, errCut
			}
			return b, nil
		}
		r.run(t, r.has(4))
		r.all(t, want)
		if s := r.puller.Status(); s.Faults != 1 || r.sink.twice != 0 {
			t.Errorf("status %+v, %d twice", s, r.sink.twice)
		}
		if !slices.Equal(x.stored, []uint64{1, 2, 3, 4}) {
			t.Errorf("stored in the order %v", x.stored)
		}
	})
}

// A peer of whose frame nothing is what it claims to be is not asked for more
// until that was minded; what was on its way already comes.
func TestForgedFramesAreNotFetchedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, x, _ := newExaminer(t, 50)
		f := &forging{examiner: x, wire: r.wire}
		r.puller.Sink = f
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.puller.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if !slices.Equal(f.pulls, []int{3, 3, 3, 4, 5, 6, 7, 8}) { // 0.1, 0.2, 0.4, ... seconds between
			t.Errorf("before the frames were stored so many pulls had been made: %v", f.pulls)
		}
	})
}

// forging says of every message that it does not verify.
type forging struct {
	*examiner
	wire  *wire
	pulls []int
}

func (f *forging) Examine(ctx context.Context, fr Frame) func(context.Context) (Receipt, error) {
	commit := f.examiner.Examine(ctx, fr)
	return func(ctx context.Context) (Receipt, error) {
		time.Sleep(time.Millisecond) // what can come meanwhile has come
		f.wire.mu.Lock()
		f.pulls = append(f.pulls, f.wire.n)
		f.wire.mu.Unlock()
		_, err := commit(ctx)
		return Receipt{Outcomes: []Outcome{{Seq: fr.FirstSeq, Refused: 1, Reason: federation.BadSignature}}}, err
	}
}
