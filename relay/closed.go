package relay

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"path/filepath"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// Chain writes the journal from sequence from on as a copy: each record as it
// was hashed, one a line.
func (n *Node) Chain(ctx context.Context, from uint64, w io.Writer) error {
	return copyChain(journal.Entries(ctx, n.journalLog(), from), nil, w)
}

// Part writes those records that an export may be made of.
func (n *Node) Part(ctx context.Context, part journal.Selection, w io.Writer) error {
	return copyChain(journal.Entries(ctx, n.journalLog(), 1), part.May, w)
}

func copyChain(entries iter.Seq2[journal.Stored, error], wanted func(journal.Stored) bool, w io.Writer) error {
	var line []byte
	for s, err := range entries {
		if err != nil {
			return err
		}
		if wanted != nil && !wanted(s) {
			continue
		}
		line = journal.AppendLine(line[:0], s)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// ClosedJournal is the journal of a node that does not run.
type ClosedJournal struct {
	bus *bus.Bus
}

// OpenJournal opens the journal of a node that does not run, to read it. It
// opens no port and needs none of the node's keys, and it fails while the
// node runs.
func OpenJournal(ctx context.Context, cfg *configs.Node) (*ClosedJournal, error) {
	n := &Node{id: cfg.Node.ID, cfg: cfg, keys: &Keys{}, slog: slog.New(slog.DiscardHandler)}
	c := n.busConfig()
	c.ListenLeaf, c.ListenWebsocket, c.ListenClients, c.Client = "", "", "", ""
	// Nobody connects, so any identity will do.
	var err error
	if c.Seed, _, err = bus.NewNKey(); err != nil {
		return nil, err
	}
	if c.CertPEM, c.KeyPEM, err = bus.NewTLSIdentity(cfg.Node.ID, nil); err != nil {
		return nil, err
	}
	b, err := bus.Start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("the journal in %s: %w", filepath.Join(cfg.Data, "log"), err)
	}
	return &ClosedJournal{b}, nil
}

// Entries yields the records as they lie there.
func (c *ClosedJournal) Entries(ctx context.Context) iter.Seq2[journal.Stored, error] {
	return journal.Entries(ctx, journalLog{stream: c.bus.Journal()}, 1)
}

// Close closes it.
func (c *ClosedJournal) Close(ctx context.Context) error { return c.bus.Stop(ctx) }
