package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/federation"
	"pgregory.net/rapid"
)

// all checks that the sink has exactly these messages, in order, each once.
func (r *rig) all(t *testing.T, want []string) {
	t.Helper()
	if got := r.sink.got(); !slices.Equal(got, want) {
		t.Errorf("stored %d messages, want %d:\n got %.300v\nwant %.300v", len(got), len(want), got, want)
	}
}

// has is true when n messages are stored.
func (r *rig) has(n int) func() bool { return func() bool { return len(r.sink.got()) >= n } }

func TestPullsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		want := r.fill(10)
		r.run(t, r.has(10))
		r.all(t, want)
		s := r.puller.Status()
		if s.Frames != 4 || s.Messages != 10 || s.LastSeq != 10 || s.Err != nil || s.Faults != 0 || s.LastGood.IsZero() {
			t.Errorf("status %+v", s)
		}
		// A new puller goes on where the sink stands.
		r.log.add("m11")
		r.puller = &Puller{Peer: "aa", Self: "bb", Transport: r.wire, Sink: r.sink}
		r.run(t, r.has(11))
		r.all(t, append(want, "m11"))
		if r.sink.twice != 0 {
			t.Errorf("%d messages came twice", r.sink.twice)
		}
	})
}

func TestNewsArriveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		started := time.Now()
		go func() {
			time.Sleep(7 * time.Second) // of the bubble's clock
			r.log.add("m1")
		}()
		r.run(t, func() bool {
			stored := r.has(1)()
			synctest.Wait() // until the next pull waits
			return stored
		})
		if took := time.Since(started); took != 7*time.Second {
			t.Errorf("stored after %v", took)
		}
		if r.wire.n != 2 {
			t.Errorf("%d requests were made, one should have waited and one follow", r.wire.n)
		}
	})
}

// Every way to lose or break one step, and no message is lost, stored twice or
// out of order.
func TestFaults(t *testing.T) {
	lose := func(at ...int) func(int) bool { return func(n int) bool { return slices.Contains(at, n) } }
	for name, c := range map[string]struct {
		arrange func(r *rig)
		twice   int // messages that may come again
	}{
		"lost request": {arrange: func(r *rig) {
			l := lose(1, 3)
			r.wire.before = func(n int, _ []byte) error {
				if l(n) {
					return errCut
				}
				return nil
			}
		}},
		"lost answer": {arrange: func(r *rig) {
			l := lose(1, 2, 4)
			r.wire.after = func(n int, b []byte) ([]byte, error) {
				if l(n) {
					return nil, errCut
				}
				return b, nil
			}
		}},
		"answer cut short": {arrange: func(r *rig) {
			r.wire.after = func(n int, b []byte) ([]byte, error) {
				if n == 2 {
					return b[:len(b)-1], nil
				}
				return b, nil
			}
		}},
		"answer of nothing": {arrange: func(r *rig) {
			r.wire.after = func(n int, b []byte) ([]byte, error) {
				if n == 2 {
					return nil, nil
				}
				return b, nil
			}
		}},
		"commit failed and not stored": {arrange: func(r *rig) {
			r.sink.fail = func(n int) fate { return map[bool]fate{true: notStored}[n == 2 || n == 3] }
		}},
		"commit failed but stored": {arrange: func(r *rig) {
			r.sink.fail = func(n int) fate { return map[bool]fate{true: storedAnyway}[n == 1 || n == 3] }
		}},
		"stored at last try": {arrange: func(r *rig) {
			r.sink.fail = func(n int) fate { return []fate{notStored, notStored, storedAnyway, works}[min(n-1, 3)] }
		}},
		"frame of the request before": {arrange: func(r *rig) {
			var last []byte
			r.wire.after = func(n int, b []byte) ([]byte, error) {
				old := last
				last = b
				if n == 3 {
					return old, nil
				}
				return b, nil
			}
		}},
		"peer refuses for a while": {arrange: func(r *rig) {
			r.wire.before = func(n int, _ []byte) error {
				r.log.mu.Lock()
				defer r.log.mu.Unlock()
				r.log.refuse = nil
				if n == 2 || n == 3 {
					r.log.refuse = federation.Refuse(federation.Quota, "x", "enough")
				}
				return nil
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				want := r.fill(9)
				c.arrange(r)
				r.run(t, r.has(9))
				r.all(t, want)
				if r.sink.twice != c.twice {
					t.Errorf("%d messages came again", r.sink.twice)
				}
				if s := r.puller.Status(); s.Faults == 0 {
					t.Errorf("no fault was met, so this shows nothing: %+v", s)
				}
			})
		})
	}
}

// Whatever fails at whatever step, in any number, the outcome is the same.
func TestRandomFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		requests := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 30).Draw(rt, "requests")
		commits := rapid.SliceOfN(rapid.IntRange(0, 2), 0, 30).Draw(rt, "commits")
		count := rapid.IntRange(1, 40).Draw(rt, "messages")
		perFrame := rapid.IntRange(1, 7).Draw(rt, "per frame")
		withheld := rapid.SliceOfN(rapid.IntRange(0, count-1), 0, 10).Draw(rt, "withheld")
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, perFrame)
			all := r.fill(count)
			for _, i := range withheld {
				r.log.withheld[i] = true
			}
			var want []string
			for i, m := range all {
				if !r.log.withheld[i] {
					want = append(want, m)
				}
			}
			kind := func(n int) int {
				if n > len(requests) {
					return 0
				}
				return requests[n-1]
			}
			r.wire.before = func(n int, _ []byte) error {
				if kind(n) == 1 {
					return errCut
				}
				return nil
			}
			r.wire.after = func(n int, b []byte) ([]byte, error) {
				switch kind(n) {
				case 2:
					return nil, errCut
				case 3:
					return b[:len(b)/2], nil
				}
				return b, nil
			}
			r.sink.fail = func(n int) fate {
				if n > len(commits) {
					return works
				}
				return fate(commits[n-1])
			}
			if len(want) > 0 {
				r.run(t, r.has(len(want)))
			}
			r.all(t, want)
			if r.sink.twice != 0 {
				t.Errorf("%d messages came twice", r.sink.twice)
			}
		})
	})
}

func TestHoleIsReportedAndNeverStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		want := r.fill(8)
		codec, err := NewCodec()
		if err != nil {
			t.Fatal(err)
		}
		// Three times the sender leaves out the first message of a frame, but
		// numbers honestly.
		bad := 0
		r.wire.after = func(n int, b []byte) ([]byte, error) {
			f, err := codec.DecodeFrame(b)
			if err != nil || f.FirstSeq != 5 || bad == 3 {
				return b, nil
			}
			bad++
			f.Messages, f.FirstSeq = f.Messages[1:], f.FirstSeq+1
			return codec.EncodeFrame(f)
		}
		r.run(t, r.has(8))
		r.all(t, want)
		if s := r.puller.Status(); s.Holes != 3 || s.Faults != 3 || s.Err != nil {
			t.Errorf("status %+v", s)
		}
	})
}

func TestStuckLinkTellsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.fill(2)
		codec, err := NewCodec()
		if err != nil {
			t.Fatal(err)
		}
		r.wire.after = func(_ int, b []byte) ([]byte, error) {
			f, err := codec.DecodeFrame(b)
			if err != nil {
				return b, nil
			}
			f.FirstSeq = 7
			return codec.EncodeFrame(f)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.puller.Run(ctx) }()
		time.Sleep(time.Hour) // of the bubble's clock
		synctest.Wait()
		s := r.puller.Status()
		if !errors.Is(s.Err, ErrHole) || federation.ReasonOf(s.Err) != federation.Malformed || s.Phase != BackingOff || !s.Retry.After(time.Now()) {
			t.Errorf("status %+v", s)
		}
		if !strings.Contains(s.Err.Error(), "begins at 7, 1 was due") {
			t.Errorf("the fault says %q", s.Err)
		}
		// An hour at up to a minute each: between 60 and 90 tries, not thousands.
		if s.Faults < 60 || s.Faults > 140 {
			t.Errorf("%d tries in an hour", s.Faults)
		}
		if len(r.sink.got()) != 0 {
			t.Errorf("stored %v", r.sink.got())
		}
		cancel()
		<-done
	})
}

// Messages without a cursor are no "nothing new": they are refused, told, and
// pulled again.
func TestMessagesWithoutCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		want := r.fill(4)
		codec, err := NewCodec()
		if err != nil {
			t.Fatal(err)
		}
		r.wire.after = func(n int, b []byte) ([]byte, error) {
			f, err := codec.DecodeFrame(b)
			if err != nil || n != 2 {
				return b, nil
			}
			f.Next = nil
			return codec.EncodeFrame(f)
		}
		r.run(t, r.has(4))
		r.all(t, want)
		if s := r.puller.Status(); s.Faults != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

// A cut of days costs a few requests an hour, and afterwards all is there.
func TestCutForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 50)
		want := r.fill(20)
		const cut = 5 * 24 * time.Hour
		back := time.Now().Add(cut)
		r.wire.before = func(n int, _ []byte) error {
			if n > 1 && time.Now().Before(back) {
				return errCut
			}
			return nil
		}
		go func() {
			for i := range 100 {
				time.Sleep(time.Hour) // of the bubble's clock
				r.log.add(fmt.Sprintf("m%d", 21+i))
			}
		}()
		for i := range 100 {
			want = append(want, fmt.Sprintf("m%d", 21+i))
		}
		r.run(t, r.has(120))
		r.all(t, want)
		if late := time.Since(back); late > DefaultMaxBackoff {
			t.Errorf("caught up %v after the link was back", late)
		}
		if perHour := float64(r.wire.n) / cut.Hours(); perHour > 100 {
			t.Errorf("%.0f requests an hour while cut", perHour)
		}
	})
}

// Requests that nobody answers end by their own time.
func TestSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		want := r.fill(2)
		silent := &silentTransport{next: r.wire, silent: 3}
		r.puller.Transport = silent
		started := time.Now()
		r.run(t, r.has(2))
		r.all(t, want)
		if took := time.Since(started); took < 3*(DefaultWait+answerMargin) || took > 4*(DefaultWait+answerMargin) {
			t.Errorf("took %v", took)
		}
	})
}

// silentTransport swallows its first requests.
type silentTransport struct {
	next   Transport
	silent int
}

func (s *silentTransport) Request(ctx context.Context, req []byte) ([]byte, error) {
	if s.silent > 0 {
		s.silent--
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.next.Request(ctx, req)
}

func TestNewIncarnation(t *testing.T) {
	for name, newKeys := range map[string]bool{"the log is new": false, "the log and the keys are new": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				want := r.fill(5)
				r.run(t, r.has(5))
				// The sender lost its log; some of what it has now is known.
				r.log = newFakeLog("inc-2", 2)
				r.log.add("m4", "m5", "m6")
				server := &Server{Source: r.log, Cursors: r.wire.server.Cursors, Incarnation: func() string { return "inc-2" }}
				if newKeys {
					key, err := NewCursorKey(slices.Repeat([]byte("z"), 32))
					if err != nil {
						t.Fatal(err)
					}
					server.Cursors = key
				}
				r.wire.server = server
				r.puller = &Puller{Peer: "aa", Self: "bb", Transport: r.wire, Sink: r.sink}
				r.run(t, r.has(6))
				r.all(t, append(want, "m6"))
				if r.sink.twice != 2 || r.sink.position.LastSeq != 3 || r.sink.position.Incarnation != "inc-2" {
					t.Errorf("%d dropped, position %+v", r.sink.twice, r.sink.position)
				}
				if s := r.puller.Status(); s.Resets != 1 {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}

func TestGapIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		want := r.fill(9)
		r.log.first = 4
		r.run(t, r.has(5))
		r.all(t, want[4:])
		if len(r.sink.gaps) != 1 || r.sink.gaps[0].Reason != federation.Expired || r.sink.gaps[0].Until.IsZero() {
			t.Errorf("gaps %+v", r.sink.gaps)
		}
		if s := r.puller.Status(); s.Gaps != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

// What is withheld moves the cursor and takes no number.
func TestWithheldLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		want := r.fill(10)
		for _, i := range []int{0, 3, 4, 5, 6, 9} {
			r.log.withheld[i] = true
		}
		r.run(t, r.has(4))
		r.all(t, []string{want[1], want[2], want[7], want[8]})
		if r.sink.position.LastSeq != 4 {
			t.Errorf("position %+v", r.sink.position)
		}
	})
}

// A peer that answers "nothing" at once, although asked to wait, does not make
// this node spin.
func TestImpatientPeerIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.puller.Transport = impatient{r.wire.server}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.puller.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if r.log.frames > int(time.Minute/DefaultMinBackoff)+1 {
			t.Errorf("%d requests in a minute", r.log.frames)
		}
	})
}

type impatient struct{ server *Server }

func (i impatient) Request(_ context.Context, req []byte) ([]byte, error) {
	p, err := DecodePull(req)
	if err != nil {
		return nil, err
	}
	p.Wait = 0
	if req, err = EncodePull(p); err != nil {
		return nil, err
	}
	return i.server.Serve(context.Background(), "bb", req), nil
}

// While one frame is being stored the next is on its way, but only one.
func TestNextFrameIsFetchedDuringCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		want := r.fill(10)
		const step = time.Second
		r.sink.slow = step
		r.puller.Transport = slowTransport{r.wire, step}
		started := time.Now()
		var took time.Duration
		r.run(t, func() bool { took = time.Since(started); return len(r.sink.got()) == 10 })
		r.all(t, want)
		if took != 11*step {
			t.Errorf("took %v: one after the other would be %v", took, 20*step)
		}
	})
}

// slowTransport takes its time.
type slowTransport struct {
	next Transport
	step time.Duration
}

func (s slowTransport) Request(ctx context.Context, req []byte) ([]byte, error) {
	time.Sleep(s.step) // of the bubble's clock
	return s.next.Request(ctx, req)
}

func TestPullerNeedsItsParts(t *testing.T) {
	if err := (&Puller{}).Run(t.Context()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPeersWishToBeLeftAloneIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.fill(2)
		r.wire.after = func(n int, b []byte) ([]byte, error) {
			if n == 1 {
				return (&Fault{Reason: federation.Quota, Detail: "later", RetryAfter: 10 * time.Minute}).encode(), nil
			}
			return b, nil
		}
		started := time.Now()
		r.run(t, r.has(2))
		if took := time.Since(started); took != 10*time.Minute {
			t.Errorf("came back after %v", took)
		}
	})
}

// A peer that says nothing is noted from the first pull on; any answer, be it
// that it refuses, ends it.
func TestUnanswered(t *testing.T) {
	for name, c := range map[string]struct {
		before func(r *rig) error
		silent bool
	}{
		"nothing comes":    {func(*rig) error { return errCut }, true},
		"the peer refuses": {func(r *rig) error { r.log.refuse = federation.Refuse(federation.Quota, "x", "enough"); return nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				r.fill(2)
				begun := time.Now()
				r.wire.before = func(int, []byte) error {
					r.log.mu.Lock()
					defer r.log.mu.Unlock()
					return c.before(r)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				if err := r.puller.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("the puller ended with %v", err)
				}
				s := r.puller.Status()
				if s.Faults < 5 {
					t.Errorf("only %d pulls failed", s.Faults)
				}
				if c.silent && !s.Unanswered.Equal(begun) {
					t.Errorf("unanswered since %v, the first pull was at %v", s.Unanswered, begun)
				}
				if !c.silent && !s.Unanswered.IsZero() {
					t.Errorf("unanswered since %v", s.Unanswered)
				}
			})
		})
	}
}
