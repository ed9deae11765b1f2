package link

import (
	"context"
	"time"
)

// Puller fetches from one peer for as long as it runs.
type Puller struct {
	// Peer is the node id of the sender, Self ours.
	Peer, Self string
	Transport  Transport
	Sink       Sink
}

// Run pulls until ctx is done, and returns ctx's error. Faults of the link, of
// the peer and of the sink are states (see [Puller.State]), retried with
// back-off, never a reason to end.
func (p *Puller) Run(ctx context.Context) error { return errNotBuilt }

// Phase is what a puller is doing.
type Phase string

// The phases of a puller.
const (
	Starting   Phase = "starting"   // reads its position
	Waiting    Phase = "waiting"    // its request is with the peer
	Committing Phase = "committing" // the sink has the frame
	BackingOff Phase = "backing-off"
)

// Status is a puller's state at one moment.
type Status struct {
	Phase    Phase
	LastGood time.Time // when the peer last answered with a frame
	Err      error     // the last fault, nil after a good pull
}

// Status returns the state now.
func (p *Puller) Status() Status { return Status{} }
