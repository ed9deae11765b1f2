package relay

import (
	"context"
	"iter"

	"github.com/entente-relay/entente/relay/journal"
)

// Records yields the journal from sequence from on to its end.
func (n *Node) Records(ctx context.Context, from uint64) iter.Seq2[*journal.Record, error] {
	return journal.Records(ctx, journalLog{n.bus.Journal()}, from)
}
