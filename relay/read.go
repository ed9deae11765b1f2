package relay

import (
	"context"
	"fmt"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/bus"
)

// Bounds of one read of the log.
const (
	readEntries = 64
	readBytes   = 8 << 20
)

// logReader walks the log forward: from memory where it can, else in chunks
// from the stream. It is for one goroutine.
type logReader struct {
	node  *Node
	world *World
	ahead []bus.Stored
	own   *far // where what is read again is kept; nil for the node's
}

func (r *logReader) far() *far {
	if r.own != nil {
		return r.own
	}
	return &r.node.far
}

// at returns the first entry at or after seq, prepared, or nil at the end of
// the log. An entry with a higher sequence than asked for means that what was
// between is no longer kept.
func (r *logReader) at(ctx context.Context, seq uint64) (*prepared, error) {
	if p := r.node.recent.get(seq); p != nil {
		return p, nil
	}
	if p := r.far().get(r.world, seq); p != nil {
		return p, nil
	}
	for len(r.ahead) > 0 && r.ahead[0].Seq < seq {
		r.ahead = r.ahead[1:]
	}
	if len(r.ahead) > 0 && r.ahead[0].Seq > seq {
		r.ahead = nil // asked for something further back
	}
	if len(r.ahead) == 0 {
		var err error
		if r.ahead, err = r.node.log.Read(ctx, seq, readEntries, readBytes); err != nil {
			return nil, err
		}
		if len(r.ahead) == 0 {
			return nil, nil
		}
	}
	st := r.ahead[0]
	r.ahead = r.ahead[1:]
	p, err := r.prepare(st)
	if err == nil {
		r.far().put(r.world, p)
	}
	return p, err
}

// prepare reads a stored entry again. A message is verified again as of the
// moment it was stored: its keys may have lapsed since.
func (r *logReader) prepare(st bus.Stored) (*prepared, error) {
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("log sequence %d: %w", st.Seq, err)
	}
	p := &prepared{seq: st.Seq, at: e.At, kind: e.Kind, from: e.From, peer: e.Peer, refer: e.Refer, bytes: len(st.Data), check: e.check(), lost: e.Lost}
	if e.Kind != entryMessage && e.Kind != entryGone {
		return p, nil
	}
	v, err := envelope.Verify(e.Body, envelope.VerifyOptions{Keys: r.world.Directory, Now: e.At, Roots: r.node.roots, Dropped: e.dropped(), Secret: r.node.keys.Secret})
	if err != nil {
		// Its signer may have been removed from the directory since. What
		// cannot be verified is not forwarded.
		r.node.slog.Warn("a stored message no longer verifies and stays here", "log", st.Seq, "error", err)
		p.kind, p.unverified = entryMarker, true
		return p, nil
	}
	p.verified, p.gone = v, e.Gone
	if e.Kind == entryGone {
		return p, nil
	}
	p.subjects = subjectsOf(r.world.Reader, v, e.From)
	for i := range e.Items {
		if e.Items[i].Erased {
			p.erased++
		}
		if !e.Items[i].dropped() {
			p.items = append(p.items, e.Items[i])
		}
	}
	if len(p.items) != len(p.subjects) {
		return nil, fmt.Errorf("log sequence %d: %d outcomes for %d objects: the log was changed by something else", st.Seq, len(p.items), len(p.subjects))
	}
	return p, nil
}
