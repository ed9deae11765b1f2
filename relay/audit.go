package relay

import (
	"context"
	"fmt"
	"iter"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/journal"
)

// Records yields the journal from sequence from on to its end.
func (n *Node) Records(ctx context.Context, from uint64) iter.Seq2[*journal.Record, error] {
	return journal.Records(ctx, n.journalLog(), from)
}

// Message returns the signed message that the log holds at a sequence, as it
// was stored: with its hops, and without what this node may not keep.
func (n *Node) Message(ctx context.Context, seq uint64) ([]byte, error) {
	st, ok, err := n.stored(ctx, seq)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("log sequence %d", seq)
	if !ok {
		return nil, federation.Refuse(federation.UnresolvedReference, where, "the log holds nothing there")
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if e.Kind != entryMessage {
		return nil, federation.Refuse(federation.UnresolvedReference, where, "the entry there is a "+string(e.Kind)+", not a message")
	}
	return e.Body, nil
}
