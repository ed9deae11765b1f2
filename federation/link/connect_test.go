package link

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/federation"
)

// A new connection ends the pause after a long outage; without one the pauses
// are as long as the outage made them, and a peer that said when to come again
// is not asked before.
func TestConnectedEndsThePause(t *testing.T) {
	const outage = time.Hour
	for name, c := range map[string]struct {
		fault     error // of the transport; nil: the peer refuses
		connected bool
		most      time.Duration // after the outage, until the messages are here
		least     time.Duration
	}{
		"a new connection": {fmt.Errorf("bus: %w", ErrCut), true, time.Second, 0},
		"none":             {errCut, false, time.Minute, time.Second},
		"the peer refused": {nil, true, time.Minute, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				want := r.fill(4)
				back := time.Now().Add(outage)
				r.wire.before = func(int, []byte) error {
					r.log.mu.Lock()
					defer r.log.mu.Unlock()
					r.log.refuse = nil
					if time.Now().After(back) {
						return nil
					}
					if c.fault == nil {
						r.log.refuse = federation.Refuse(federation.Quota, "pull", "not now")
					}
					return c.fault
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- r.puller.Run(ctx) }()
				time.Sleep(outage + 100*time.Millisecond) // of the bubble's clock, as all here
				if c.connected {
					r.puller.Connected()
				}
				begin := time.Now()
				for len(r.sink.got()) < len(want) {
					time.Sleep(10 * time.Millisecond)
				}
				if took := time.Since(begin); took > c.most || took < c.least {
					t.Errorf("%s after the outage, want %s to %s", took, c.least, c.most)
				}
				if s := r.puller.Status(); !s.Pending.IsZero() && s.Pending.Before(back) {
					t.Errorf("a pull from before the cut still counts: %+v", s)
				}
				cancel()
				<-done
			})
		})
	}
}
