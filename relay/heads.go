package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// defaultHeadEvery is how often the end of the journal is signed.
const defaultHeadEvery = time.Hour

// lastHeadPatience bounds the signing at the end of a run: the signer may be
// another process that is gone already.
const lastHeadPatience = 3 * time.Second

// heads are the signed heads of the journal. One is made at a time, so that
// each names a later record than the one before.
type heads struct {
	mu     sync.Mutex
	seq    uint64          // of the record with the last one
	last   *journal.Record // that record
	unsure *journal.Record // given to the journal without an answer
}

// headEvery is how often this node signs.
func (n *Node) headEvery() time.Duration {
	if d := n.cfg.Journal.HeadEvery; d > 0 {
		return d
	}
	return defaultHeadEvery
}

// beginHeads signs the end of the journal from now on: at once, unless that was
// done not long ago and nothing came since, and then at intervals.
func (n *Node) beginHeads(ctx context.Context) error {
	last, ok, err := n.journalLog().Last(ctx)
	if err != nil {
		return err
	}
	stale := false
	if ok {
		r, err := journal.Decode(last.Data)
		if err != nil {
			return err
		}
		if r.Head != nil {
			n.heads.seq, n.heads.last = last.Seq, r
		}
		stale = n.now().Sub(r.At) >= n.headEvery()
	}
	n.signs = true
	n.wg.Go(func() { n.signHeads(n.ctx, stale) })
	return nil
}

// signHeads signs until ctx ends. The first of all is signed whether or not
// anything came, where the last one is stale.
func (n *Node) signHeads(ctx context.Context, stale bool) {
	tick := time.NewTicker(n.headEvery())
	defer tick.Stop()
	for again := stale; ; again = true {
		_, err := n.signHead(ctx, again)
		n.toldHead(err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// signAtEnd signs what this run leaves behind.
func (n *Node) signAtEnd(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastHeadPatience)
	defer cancel()
	_, err := n.journal.Settle(ctx)
	if err == nil {
		_, err = n.signHead(ctx, false)
	}
	n.toldHead(err)
}

// toldHead says in the node's log and status that a head is missing. What happened is in
// the chain all the same, and the next head covers it.
func (n *Node) toldHead(err error) {
	if errors.Is(err, context.Canceled) {
		return // stopping
	}
	if err != nil {
		n.slog.Error("the end of the journal was not signed", "error", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.unsigned = err
}

// signHead signs the end of the journal and writes the signed head to it. When
// nothing came since the last one, that is returned, unless again asks for
// another with the time of now. Of an empty journal there is none.
func (n *Node) signHead(ctx context.Context, again bool) (*journal.Record, error) {
	h := &n.heads
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unsure == nil {
		end := n.journal.Head()
		if end.Seq == 0 || end.Seq == h.seq && !again {
			return h.last, nil
		}
		now := n.now()
		signed, err := journal.SignHead(end, n.id, now, n.keys.Message)
		if err != nil {
			return nil, err
		}
		h.unsure = &journal.Record{At: now, Head: &journal.Attested{Signed: journal.Compact(signed)}}
	}
	// Given to the journal again exactly as it was, a record is stored once.
	seq, err := n.journal.Append(ctx, h.unsure)
	if errors.Is(err, journal.ErrUnknown) {
		return nil, err
	}
	r := h.unsure
	h.unsure = nil
	if err != nil {
		return nil, err
	}
	h.seq, h.last = seq, r
	return r, nil
}

// Head signs the end of the journal now, if anything came since that was done
// last, and returns the newest signed head.
func (n *Node) Head(ctx context.Context) (dashboard.Head, error) {
	if err := n.followed(ctx); err != nil {
		return dashboard.Head{}, err
	}
	r, err := n.signHead(ctx, false)
	if err != nil {
		return dashboard.Head{}, err
	}
	if r == nil {
		return dashboard.Head{}, errors.New("the journal is empty: there is nothing to sign")
	}
	signed, err := journal.OpenHead([]byte(r.Head.Signed), n.World().Directory)
	if err != nil {
		return dashboard.Head{}, err
	}
	return shownHead(signed), nil
}

func shownHead(h *journal.SignedHead) dashboard.Head {
	return dashboard.Head{Node: h.Node, Seq: h.Seq, Hash: digestText(h.Hash), At: h.At, Signed: string(h.Raw)}
}

// digestText is a digest as the journal writes it.
func digestText(d [32]byte) string {
	text, _ := journal.Digest(d).AppendText(nil) // never fails
	return string(text)
}
