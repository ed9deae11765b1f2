package relay

import (
	"context"
	"fmt"
	"sync"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/journal"
)

// Pullers asks a node for frames in process, as its peers do over their links,
// and throws away what comes: what is left is what the sender takes.
type Pullers struct {
	node   *Node
	server *link.Server
	ends   sync.Map // peer -> link.Cursor

	unstored bool
}

// NewPullers returns pullers of a started node.
func NewPullers(n *Node) *Pullers {
	p := &Pullers{node: n}
	p.server = &link.Server{Codec: n.server.Codec, Source: p, Cursors: n.server.Cursors, Incarnation: n.server.Incarnation}
	return p
}

// Frame notes where each frame ends.
func (p *Pullers) Frame(ctx context.Context, peer string, pull link.Pull) (link.Frame, error) {
	f, err := p.node.server.Source.Frame(ctx, peer, pull)
	if err == nil && f.Then != (link.Cursor{}) {
		p.ends.Store(peer, f.Then)
	}
	return f, err
}

// Drain pulls as a peer until it has the log up to its end, and returns how many
// bytes came.
func (p *Pullers) Drain(ctx context.Context, peer string) (bytes int, err error) {
	for last := p.node.known(); ; {
		var pull link.Pull
		var at link.Cursor
		if end, ok := p.ends.Load(peer); ok {
			if at = end.(link.Cursor); at.Pos >= last {
				return bytes, nil
			}
			if pull.Cursor, err = p.server.Cursors.Seal(peer, at); err != nil {
				return bytes, err
			}
		}
		req, err := link.EncodePull(pull)
		if err != nil {
			return bytes, err
		}
		if p.unstored { // nor sent
			if _, err := p.Frame(ctx, peer, link.Pull{At: at}); err != nil {
				return bytes, err
			}
			continue
		}
		answer := p.server.Serve(ctx, peer, req)
		if len(answer) < 3 || answer[2] != 'F' {
			return bytes, fmt.Errorf("%s was not answered with a frame: %q", peer, answer)
		}
		bytes += len(answer)
	}
}

// StoreNothing lets the journal of a node keep nothing, and its index hear nothing
// of it: what is left is what a frame costs apart from the bytes that are stored.
// Call it before anything is published.
func (p *Pullers) StoreNothing(ctx context.Context) error {
	j, err := journal.NewWriter(ctx, &nowhere{}, journal.Options{})
	p.node.journal, p.unstored = j, true
	return err
}

// nowhere is a journal's log that keeps nothing.
type nowhere struct{ last uint64 }

func (l *nowhere) Append(_ context.Context, after uint64, records [][]byte) (uint64, error) {
	l.last = after + uint64(len(records))
	return l.last, nil
}
func (l *nowhere) Read(context.Context, uint64, int) ([]journal.Stored, error) { return nil, nil }
func (l *nowhere) Last(context.Context) (journal.Stored, bool, error) {
	return journal.Stored{}, false, nil
}

// Settle waits until the index knows all that log and journal hold.
func (p *Pullers) Settle(ctx context.Context) error {
	head, err := p.node.journal.Settle(ctx)
	if err != nil {
		return err
	}
	if p.unstored {
		head.Seq = 0
	}
	return p.node.awaitIndex(ctx, p.node.known(), head.Seq)
}
