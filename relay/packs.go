package relay

import (
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
)

// What all peers of an audience get of messages is compressed once. Which
// messages are compressed together hangs on where they stand in the log and not on
// where a frame begins: so peers that are not at the same place share it, too.

const (
	// packRun is how many log entries are compressed together at most, from one
	// that divides by it on; packAlone is the size from which a message is
	// compressed by itself, in bytes.
	packRun   = 64
	packAlone = 32 << 10
	// packBytes bounds what is kept compressed, in bytes of what it was made of.
	packBytes = 48 << 20
)

// packs keeps blocks of frames, the oldest first to go. They are known by the
// names of the texts that they hold: whoever has the same texts gets the same
// bytes, whatever made them the same.
type packs struct {
	mu    sync.Mutex
	kept  map[packKey]*pack
	order []*pack
	bytes int
}

// packKey finds a block by its first text and how many it has.
type packKey struct {
	first [32]byte
	count int
}

type pack struct {
	key   packKey
	texts [][32]byte
	block func() *link.Block // made by the first who asks
	bytes int
}

// blocks returns the beginnings of signed messages, which were made of these log
// entries, in blocks.
func (n *Node) blocks(signed []*envelope.Signed, seqs []uint64) []*link.Block {
	var out []*link.Block
	for i := 0; i < len(signed); {
		k := i + 1
		if len(signed[i].Head()) < packAlone {
			for k < len(signed) && seqs[k]/packRun == seqs[i]/packRun && len(signed[k].Head()) < packAlone {
				k++
			}
		}
		out, i = append(out, n.packs.pack(n.server.Codec, signed[i:k])), k
	}
	return out
}

// pack compresses the beginnings of messages, if nobody did or does so.
func (p *packs) pack(c *link.Codec, run []*envelope.Signed) *link.Block {
	names := make([][32]byte, len(run))
	for i, s := range run {
		names[i] = s.HeadID()
	}
	key := packKey{names[0], len(names)}
	p.mu.Lock()
	x := p.kept[key]
	if x == nil || !slices.Equal(x.texts, names) {
		x = &pack{key: key, texts: names, block: sync.OnceValue(func() *link.Block {
			heads := make([][]byte, len(run))
			for i, s := range run {
				heads[i] = s.Head()
			}
			return c.Pack(heads)
		})}
		for _, s := range run {
			x.bytes += 32 + len(s.Head()) // compressed it is less: known only afterwards
		}
		p.keep(x)
	}
	p.mu.Unlock()
	return x.block()
}

// keep adds a block, and drops the oldest where there are too many. The lock is
// held.
func (p *packs) keep(x *pack) {
	if p.kept == nil {
		p.kept = map[packKey]*pack{}
	}
	p.kept[x.key] = x
	p.order = append(p.order, x)
	for p.bytes += x.bytes; p.bytes > packBytes && len(p.order) > 1; p.order = p.order[1:] {
		old := p.order[0]
		p.bytes -= old.bytes
		if p.order[0] = nil; p.kept[old.key] == old {
			delete(p.kept, old.key)
		}
	}
}
