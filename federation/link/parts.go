package link

import (
	"bytes"
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// Block is the beginning of one or more consecutive messages, which is the same
// for many peers, compressed once for all of them. It is immutable.
type Block struct {
	sizes  []int // of the beginnings, in bytes
	size   int   // of all of them
	packed []byte
}

// Pack compresses the beginnings of consecutive messages.
func (c *Codec) Pack(heads [][]byte) *Block {
	b := &Block{sizes: make([]int, len(heads))}
	for i, h := range heads {
		b.sizes[i] = len(h)
		b.size += len(h)
	}
	raw := make([]byte, 0, b.size)
	for _, h := range heads {
		raw = append(raw, h...)
	}
	b.packed = bytes.Clone(c.enc.EncodeAll(raw, nil)) // which leaves room
	return b
}

// parts is the body of a frame in parts, in two pieces: what is the peer's own,
// and the blocks. size is what they give together.
func (c *Codec) parts(f Frame) (own []byte, size int, err error) {
	w := make(writer, 0, 8*len(f.Tails))
	heads, i := 0, 0
	for _, b := range f.Blocks {
		for _, n := range b.sizes {
			if i == len(f.Tails) || n == 0 || len(f.Tails[i]) == 0 {
				return nil, 0, federation.Refuse(federation.Malformed, "frame", "the parts of its messages do not fit together")
			}
			w.uint(uint64(n))
			w.uint(uint64(len(f.Tails[i])))
			i++
		}
		heads += b.size
	}
	if i != len(f.Tails) || len(f.Messages) > 0 {
		return nil, 0, federation.Refuse(federation.Malformed, "frame", "the parts of its messages do not fit together")
	}
	for _, t := range f.Tails {
		w = append(w, t...)
	}
	size = len(w) + heads
	if size > MaxBody {
		return nil, 0, federation.Refuse(federation.TooLarge, "frame", fmt.Sprintf("%d bytes of messages, the limit is %d", size, MaxBody))
	}
	return c.enc.EncodeAll(w, make([]byte, 0, len(w))), size, nil
}

// join makes messages of a body in parts.
func join(body []byte, count int) ([][]byte, error) {
	r := &reader{what: "messages of the frame", all: len(body), b: body}
	type lengths struct{ head, tail int }
	all := make([]lengths, count)
	heads, tails := 0, 0
	for i := range all {
		all[i] = lengths{int(r.uint(MaxBody)), int(r.uint(MaxBody))}
		if r.err == nil && (all[i].head == 0 || all[i].tail == 0) {
			r.fail(federation.Malformed, "an empty part of a message")
		}
		heads, tails = heads+all[i].head, tails+all[i].tail
	}
	if r.err == nil && heads+tails != len(r.b) {
		r.fail(federation.Malformed, fmt.Sprintf("parts of %d bytes, %d left", heads+tails, len(r.b)))
	}
	if r.err != nil || count == 0 {
		return nil, r.end()
	}
	tail, head := r.b[:tails], r.b[tails:]
	whole := make([]byte, 0, heads+tails)
	messages := make([][]byte, count)
	for i, n := range all {
		start := len(whole)
		whole = append(append(whole, head[:n.head]...), tail[:n.tail]...)
		messages[i] = whole[start:len(whole):len(whole)]
		head, tail = head[n.head:], tail[n.tail:]
	}
	return messages, nil
}
