package link

import (
	"context"
	"errors"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Phase is what a puller is doing.
type Phase string

// The phases of a puller.
const (
	Starting   Phase = "starting"    // reads its position
	Waiting    Phase = "waiting"     // its request is with the peer
	Committing Phase = "committing"  // the sink has the frame
	BackingOff Phase = "backing-off" // after a fault, until Retry
)

// Status is a puller's state at one moment. Counts are since it was made.
type Status struct {
	Phase Phase
	// Since is when Phase began, by the machine's clock.
	Since time.Time
	// LastGood is when the peer last answered with a frame, be it empty.
	LastGood time.Time
	// Unanswered is when the first of the pulls was sent to which the peer has
	// said nothing yet, not even that it refuses. Zero: it has answered.
	Unanswered time.Time
	// Pending is the same, for the connection that stands: a pull that a cut
	// ended does not count. Zero: nothing was asked over it, or it is answered.
	Pending time.Time
	// Err is the last fault, nil after a good answer. errors.Is with ErrHole
	// and federation.ReasonOf tell more.
	Err error
	// Retry is when a puller that is backing off tries again.
	Retry time.Time
	// LastSeq is the link seq up to which this puller has committed.
	LastSeq uint64
	// Frames and Messages count what was committed.
	Frames, Messages uint64
	// Faults counts failed attempts, Holes those with a break in the link's
	// sequence, Gaps what the peer no longer kept, Resets new incarnations of
	// its log, ReceiptsLost the receipts that were given up.
	Faults, Holes, Gaps, Resets, ReceiptsLost uint64
}

// Status returns the state now.
func (p *Puller) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *Puller) update(f func(*Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.status)
}

func (p *Puller) phase(ph Phase) {
	now := time.Now()
	p.update(func(s *Status) { s.Phase, s.Since = ph, now })
}

// heard notes an answer with a frame that follows.
func (p *Puller) heard() {
	now := p.Now()
	p.update(func(s *Status) { s.LastGood = now })
}

// asked notes that a pull is on its way; said, that the peer answered one; cut,
// that none will be answered over the connection it went over.
func (p *Puller) asked() {
	now := p.Now()
	p.update(func(s *Status) {
		if s.Unanswered.IsZero() {
			s.Unanswered = now
		}
		if s.Pending.IsZero() {
			s.Pending = now
		}
	})
}

func (p *Puller) said() {
	p.update(func(s *Status) { s.Unanswered, s.Pending = time.Time{}, time.Time{} })
}

func (p *Puller) cut() { p.update(func(s *Status) { s.Pending = time.Time{} }) }

// good notes that the link works in both halves: heard, and stored.
func (p *Puller) good() {
	if p.faults > 0 {
		p.Log.Info("the link works again", "peer", p.Peer, "faults", p.faults)
	}
	p.faults, p.tries, p.lastWord = 0, 0, ""
	p.update(func(s *Status) { s.Err = nil })
}

// committed counts a stored frame and tells what was odd about it.
func (p *Puller) committed(f Frame, before Position) {
	reset := before.Incarnation != "" && f.Incarnation != before.Incarnation
	p.update(func(s *Status) {
		s.Frames++
		s.Messages += uint64(len(f.Messages))
		s.LastSeq = f.After().LastSeq
		if reset {
			s.Resets++
		}
		if f.Gap != nil {
			s.Gaps++
		}
	})
	if reset {
		p.Log.Warn("the peer's log is a new one, read from the start", "peer", p.Peer, "last_seq", before.LastSeq)
	}
	if f.Gap != nil {
		p.Log.Warn("the peer no longer keeps some messages that were not fetched in time", "peer", p.Peer, "since", f.Gap.Since, "until", f.Gap.Until, "reason", f.Gap.Reason)
	}
}

// failed notes a fault and returns how long to rest.
func (p *Puller) failed(err error) time.Duration {
	pause := p.pause(p.tries)
	p.tries++
	p.faults++
	if f, ok := errors.AsType[*Fault](err); ok {
		pause = max(pause, f.RetryAfter)
	} else if p.Refused != nil && federation.ReasonOf(err) != "" {
		p.Refused(err)
	}
	retry := p.Now().Add(pause)
	p.update(func(s *Status) {
		s.Phase, s.Err, s.Retry = BackingOff, err, retry
		s.Faults++
	})
	// A link that is down for days says so once.
	if word := err.Error(); word != p.lastWord {
		p.lastWord = word
		p.Log.Warn("pull failed, trying again", "peer", p.Peer, "err", err, "in", pause.Round(time.Millisecond))
	}
	return pause
}

// pause is how long to rest after the fault that follows so many others.
func (p *Puller) pause(faults int) time.Duration {
	pause := p.MinBackoff
	for range min(faults, 30) {
		pause = min(2*pause, p.MaxBackoff)
	}
	return time.Duration(float64(pause) * (0.5 + p.Rand()/2))
}

// rest waits out a pause.
func (p *Puller) rest(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dropReceipt counts a receipt that the peer will not get.
func (p *Puller) dropReceipt(why string, err error) {
	p.update(func(s *Status) { s.ReceiptsLost++ })
	p.Log.Error("a receipt is lost", "peer", p.Peer, "why", why, "err", err)
}
