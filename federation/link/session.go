package link

import (
	"context"
	"fmt"
	"time"
)

// Examiner is what a [Sink] may be besides: one that can do a part of the work
// on a frame while frames before it are still being stored.
//
// Examine does what does not depend on those, and returns what stores the frame
// as Commit does. That is called once all frames before it are stored, in their
// order, or never.
type Examiner interface {
	Examine(ctx context.Context, f Frame) (commit func(context.Context) (Receipt, error))
}

// maxInHand is how many frames of a peer may be here and not stored: one that is
// being stored, and one that is examined meanwhile. A third may be on its way.
const maxInHand = 2

// session is one run of pulls without a fault. All of it belongs to Run's
// goroutine; others only examine and store, and answer over channels.
type session struct {
	p    *Puller
	pos  Position      // behind the last frame that came
	next <-chan answer // of the pull that is on its way, nil if none is
	hand []*inHand     // frames that came, in order; the first is being stored
}

// inHand is a frame that came and is not stored.
type inHand struct {
	frame  Frame
	before Position
	took   time.Duration
	commit chan func(context.Context) (Receipt, error) // one, when it is examined
	stored chan outcome                                // one, when its turn came and is over
}

type outcome struct {
	receipt Receipt
	err     error
}

// session pulls from where the sink stands until something fails. While the sink
// stores one frame, the next is examined and the one after it on its way.
func (p *Puller) session(ctx context.Context) error {
	p.phase(Starting)
	pos, err := p.Sink.Position(ctx)
	if err != nil {
		return fmt.Errorf("position of the link with %s: %w", p.Peer, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &session{p: p, pos: pos}
	defer func() {
		cancel()
		s.end()
	}()
	for {
		s.ask(ctx)
		if err := s.step(ctx); err != nil {
			return err
		}
	}
}

// ask sends the next pull if it is time: when everything that came is stored or,
// where the peer said that there is more, before.
func (s *session) ask(ctx context.Context) {
	if s.next != nil {
		return
	}
	if n := len(s.hand); n > 0 {
		last := s.hand[n-1].frame
		if !last.More || len(last.Messages) == 0 || s.p.forged > 0 {
			return
		}
	} else {
		s.p.phase(Waiting)
	}
	s.next = s.p.ask(ctx, s.pos)
}

// step waits for an answer of the peer, if there is room for it, or of the sink.
func (s *session) step(ctx context.Context) error {
	next := s.next
	if len(s.hand) == maxInHand {
		next = nil
	}
	var stored <-chan outcome
	if len(s.hand) > 0 {
		stored = s.hand[0].stored
	}
	select {
	case a := <-next:
		s.next = nil
		s.p.returned(a)
		return s.arrived(ctx, a)
	case o := <-stored:
		return s.settle(ctx, o)
	}
}

// arrived takes an answer. What is not simply the next messages is looked at when
// all before it is stored.
func (s *session) arrived(ctx context.Context, a answer) error {
	p, err := s.p, a.err
	if err == nil {
		err = p.check(a.frame, s.pos)
	}
	if err != nil || len(a.frame.Messages) == 0 {
		for len(s.hand) > 0 {
			if err := s.settle(ctx, <-s.hand[0].stored); err != nil {
				return err
			}
		}
	}
	switch {
	case a.err != nil && p.startAgain(a.err, s.pos):
		s.pos = Position{}
		return nil
	case err != nil:
		return err
	}
	p.heard()
	if len(a.frame.Next) == 0 {
		p.good()
		return p.pace(ctx, a.took)
	}
	s.take(ctx, a)
	return nil
}

// take has a frame examined, and stored when its turn comes.
func (s *session) take(ctx context.Context, a answer) {
	h := &inHand{frame: a.frame, before: s.pos, took: a.took, commit: make(chan func(context.Context) (Receipt, error), 1)}
	s.pos = a.frame.After()
	s.hand = append(s.hand, h)
	go func() { h.commit <- s.p.examine(ctx, h.frame) }()
	if len(s.hand) == 1 {
		s.store(ctx)
	}
}

// examine has the sink do what it can do early.
func (p *Puller) examine(ctx context.Context, f Frame) func(context.Context) (Receipt, error) {
	if x, ok := p.Sink.(Examiner); ok {
		return x.Examine(ctx, f)
	}
	return func(ctx context.Context) (Receipt, error) { return p.Sink.Commit(ctx, f) }
}

// store begins to store the first frame in hand.
func (s *session) store(ctx context.Context) {
	s.p.phase(Committing)
	h := s.hand[0]
	h.stored = make(chan outcome, 1)
	go func() {
		rc, err := (<-h.commit)(ctx)
		h.stored <- outcome{rc, err}
	}()
}

// settle takes what came of the first frame in hand. Only if it is stored does
// the turn of the next come.
func (s *session) settle(ctx context.Context, o outcome) error {
	h := s.hand[0]
	s.hand = s.hand[1:]
	if err := s.p.stored(h.frame, h.before, o.receipt, o.err); err != nil {
		return err
	}
	if err := s.p.spare(ctx, h.frame, h.took); err != nil {
		return err
	}
	if len(s.hand) > 0 && ctx.Err() == nil {
		s.store(ctx)
	}
	return ctx.Err()
}

// end waits for all that was begun, after its context has ended.
func (s *session) end() {
	for _, h := range s.hand {
		if h.stored != nil {
			<-h.stored
		} else {
			<-h.commit
		}
	}
	if s.next != nil {
		s.p.returned(<-s.next)
	}
}
