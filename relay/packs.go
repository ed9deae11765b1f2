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
	// packBytes bounds what is kept compressed, with the texts it was made of.
	packBytes = 16 << 20
)

// packs keeps blocks of frames, the oldest first to go. They are known by the
// texts that they hold, which are never changed: whoever has the same texts, gets
// the same bytes whatever made them the same.
type packs struct {
	mu    sync.Mutex
	kept  map[packKey]*pack
	order []*pack
	bytes int
}

// packKey finds a block by its first text and how many it has.
type packKey struct {
	first *byte
	count int
}

type pack struct {
	key   packKey
	texts [][]byte
	block *link.Block
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
		texts := make([][]byte, 0, k-i)
		for _, s := range signed[i:k] {
			texts = append(texts, s.Head())
		}
		out, i = append(out, n.packs.pack(n.server.Codec, texts)), k
	}
	return out
}

// pack compresses texts, none of them empty, if nobody did so before.
func (p *packs) pack(c *link.Codec, texts [][]byte) *link.Block {
	key := packKey{&texts[0][0], len(texts)}
	p.mu.Lock()
	x := p.kept[key]
	p.mu.Unlock()
	if x != nil && slices.EqualFunc(x.texts, texts, sameText) {
		return x.block
	}
	x = &pack{key: key, texts: texts, block: c.Pack(texts)}
	x.bytes = x.block.Size()
	for _, t := range texts {
		x.bytes += len(t)
	}
	p.keep(x)
	return x.block
}

// sameText reports whether two texts are the same bytes in memory.
func sameText(a, b []byte) bool { return len(a) == len(b) && &a[0] == &b[0] }

func (p *packs) keep(x *pack) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
