package link

import (
	"context"
	"errors"
	"time"
)

// unreached marks the fault of a pull that ended without a word of the peer.
type unreached struct{ error }

func (u unreached) Unwrap() error { return u.error }

// Connected tells the puller that a new connection to its peer stands. If it
// rests because nothing answered, it tries at once, and its pauses begin anew:
// those of a long outage would else outlast it. When the peer itself said that
// it is to be asked later, that holds.
func (p *Puller) Connected() {
	select {
	case p.connection() <- struct{}{}:
	default:
	}
}

// connection holds that there was a new connection, until it is acted upon.
func (p *Puller) connection() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected == nil {
		p.connected = make(chan struct{}, 1)
	}
	return p.connected
}

// restOrConnect waits out the pause after a fault or, if the peer was not
// reached, until there is a new connection.
func (p *Puller) restOrConnect(ctx context.Context, pause time.Duration, fault error) error {
	if _, is := errors.AsType[unreached](fault); !is {
		return p.rest(ctx, pause)
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.connection():
		p.tries = 0
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
