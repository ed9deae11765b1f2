package link

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Version is the newest version of the encoding that this build writes and
// reads. A newer one is refused.
const Version = 1

// MaxWait is the longest that a sender holds a pull when it has nothing.
const MaxWait = time.Minute

// Pull is a receiver's request for the next frame.
type Pull struct {
	Ver int // [Version]
	// Cursor is what the sender gave as [Frame.Next], or empty to begin.
	Cursor []byte
	// MaxBytes is how many bytes of messages the receiver takes at most; one
	// message is always sent, whatever its size. 0 means [DefaultMaxBytes].
	MaxBytes int
	// Wait is how long the sender may hold the request when it has nothing,
	// to the millisecond and at most [MaxWait].
	Wait time.Duration
	// Receipt is a signed receipt of an earlier frame (compact JWS), or empty.
	Receipt []byte

	// At is Cursor as opened by [Server]; it does not travel. The zero value
	// means the start of the log.
	At Cursor
}

// Frame is the answer to a pull.
type Frame struct {
	Ver int // [Version]
	// Incarnation is the id of the sender's log.
	Incarnation string
	// FirstSeq is the link seq of Messages[0]; without messages, the seq that
	// the next one will have. It counts from 1.
	FirstSeq uint64
	// Messages are complete signed messages, in order of link seq.
	Messages [][]byte
	// Next is the cursor after this frame. Empty: nothing is new, and nothing
	// is to be committed.
	Next []byte
	// More says that another pull would be answered at once.
	More bool
	// Gap, if set, says what lies before this frame and can no longer be had.
	Gap *Gap
	// Root is the frame's hop root, as the messages' hops carry it.
	Root string

	// Then is what a [Source] sets instead of Next; [Server] seals it. The
	// zero value means that nothing is new.
	Then Cursor
	// Blocks and Tails are what a Source may set instead of Messages: the
	// beginnings of the messages, compressed for many peers, and for each message
	// the rest, which is this peer's own. Neither part of a message is empty.
	Blocks []*Block
	Tails  [][]byte
}

// Count returns how many messages the frame has, in whichever form.
func (f Frame) Count() int { return max(len(f.Messages), len(f.Tails)) }

// Gap tells of messages that the sender no longer keeps.
type Gap struct {
	// Since and Until bound when they were stored at the sender, to the
	// millisecond; a zero time means that this end is not known.
	Since, Until time.Time
	// Reason says why they are gone.
	Reason federation.Reason
}

// Position is where a receiver stands on one link. A [Sink] stores it in the
// same write as the last message of the frame that led there.
type Position struct {
	Incarnation string `json:"incarnation"`
	Cursor      []byte `json:"cursor"`
	// LastSeq is the link seq of the last message taken, 0 before the first.
	LastSeq uint64 `json:"last_seq"`
}

// After returns the position after f.
func (f Frame) After() Position {
	return Position{Incarnation: f.Incarnation, Cursor: f.Next, LastSeq: f.FirstSeq + uint64(len(f.Messages)) - 1}
}

// EncodePull returns the bytes of p as they travel.
func EncodePull(p Pull) ([]byte, error) {
	if len(p.Cursor) > maxCursor || len(p.Receipt) > MaxReceipt || p.MaxBytes < 0 || p.MaxBytes > MaxBody || p.Wait < 0 || p.Wait > MaxWait {
		return nil, federation.Refuse(federation.TooLarge, "pull", "a field is beyond its limit")
	}
	w := begin(kindPull)
	w.bytes(p.Cursor)
	w.uint(uint64(p.MaxBytes))
	w.uint(uint64(p.Wait / time.Millisecond))
	w.bytes(p.Receipt)
	return w, nil
}

// DecodePull reads what EncodePull made. Cursor and Receipt point into b.
func DecodePull(b []byte) (Pull, error) {
	if len(b) > MaxWire {
		return Pull{}, federation.Refuse(federation.TooLarge, "pull", fmt.Sprintf("%d bytes, the limit is %d", len(b), MaxWire))
	}
	if bytes.HasPrefix(b, []byte(sealedPrefix)) {
		r := federation.Refuse(federation.BadSeal, "pull", "it came sealed, and the terms here do not ask for that")
		r.Hint = "let both sides accept each other with the same --seal"
		return Pull{}, r
	}
	r := open("pull", kindPull, b)
	p := Pull{Ver: Version}
	p.Cursor = r.bytes(maxCursor)
	p.MaxBytes = int(r.uint(MaxBody))
	p.Wait = r.millis(MaxWait)
	p.Receipt = r.bytes(MaxReceipt)
	if err := r.end(); err != nil {
		return Pull{}, err
	}
	return p, nil
}

// Bits of a frame's flags.
const (
	flagMore = 1 << iota
	flagGap
	flagPacked
	flagParts
	flagsKnown = flagMore | flagGap | flagPacked | flagParts
)

// EncodeFrame returns the bytes of f as they travel.
func (c *Codec) EncodeFrame(f Frame) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	packed, size, kind, err := c.pieces(f)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, p := range packed {
		total += len(p)
	}
	w := make(writer, 0, total+1024)
	w = append(w, begin(kindFrame)...)
	w.uint(f.flags() | kind)
	w.text(f.Incarnation)
	w.uint(f.FirstSeq)
	w.text(f.Root)
	w.bytes(f.Next)
	if f.Gap != nil {
		w.time(f.Gap.Since)
		w.time(f.Gap.Until)
		w.text(string(f.Gap.Reason))
	}
	w.uint(uint64(f.Count()))
	w.uint(uint64(size))
	for _, p := range packed {
		w = append(w, p...)
	}
	if len(w) > MaxWire {
		return nil, federation.Refuse(federation.TooLarge, "frame", fmt.Sprintf("%d bytes encoded, the limit is %d", len(w), MaxWire))
	}
	return w, nil
}

// pieces returns the body as it travels, in pieces, what they give together, and
// how that is to be read.
func (c *Codec) pieces(f Frame) (packed [][]byte, size int, kind uint64, err error) {
	if len(f.Blocks) > 0 || len(f.Tails) > 0 {
		own, size, err := c.parts(f)
		packed = append(make([][]byte, 0, 1+len(f.Blocks)), own)
		for _, b := range f.Blocks {
			packed = append(packed, b.packed)
		}
		return packed, size, flagPacked | flagParts, err
	}
	body, err := f.body()
	if err != nil {
		return nil, 0, 0, err
	}
	whole, compressed := c.pack(body)
	if compressed {
		kind = flagPacked
	}
	return [][]byte{whole}, len(body), kind, nil
}

func (f Frame) flags() uint64 {
	var n uint64
	if f.More {
		n |= flagMore
	}
	if f.Gap != nil {
		n |= flagGap
	}
	return n
}

// check says what is beyond its limit, other than the messages.
func (f Frame) check() error {
	switch {
	case f.Count() > MaxMessages:
		return federation.Refuse(federation.TooLarge, "frame", fmt.Sprintf("%d messages, the limit is %d", f.Count(), MaxMessages))
	case f.Incarnation == "" || len(f.Incarnation) > maxIncarnation || len(f.Root) > maxRoot || len(f.Next) > maxCursor || f.FirstSeq == 0:
		return federation.Refuse(federation.Malformed, "frame", "a field is missing or beyond its limit")
	}
	return nil
}

// body is what is compressed: the lengths of the messages, then the messages.
func (f Frame) body() ([]byte, error) {
	size := 0
	for _, m := range f.Messages {
		size += len(m) + 4
	}
	if size > MaxBody {
		return nil, federation.Refuse(federation.TooLarge, "frame", fmt.Sprintf("%d bytes of messages, the limit is %d", size, MaxBody))
	}
	w := make(writer, 0, size)
	for _, m := range f.Messages {
		w.uint(uint64(len(m)))
	}
	for _, m := range f.Messages {
		w = append(w, m...)
	}
	return w, nil
}

// DecodeFrame reads what EncodeFrame made. An encoded fault comes back as the
// error *[Fault]. Next points into b, the messages may.
func (c *Codec) DecodeFrame(b []byte) (Frame, error) {
	if len(b) > MaxWire {
		return Frame{}, federation.Refuse(federation.TooLarge, "frame", fmt.Sprintf("%d bytes, the limit is %d", len(b), MaxWire))
	}
	if len(b) > 2 && b[2] == kindFault {
		return Frame{}, decodeFault(b)
	}
	r := open("frame", kindFrame, b)
	flags := r.uint(math.MaxUint64)
	if flags&^flagsKnown != 0 {
		r.fail(federation.Unsupported, "flags that this node does not know")
	}
	f := Frame{Ver: Version, More: flags&flagMore != 0}
	f.Incarnation = r.name(maxIncarnation)
	f.FirstSeq = r.uint(math.MaxUint64 - MaxMessages)
	f.Root = r.name(maxRoot)
	f.Next = r.bytes(maxCursor)
	if flags&flagGap != 0 {
		f.Gap = &Gap{Since: r.time(), Until: r.time(), Reason: federation.Reason(r.name(maxReason))}
		if !f.Gap.Reason.Valid() {
			f.Gap.Reason = federation.Unsupported // a newer peer has a word that we do not
		}
	}
	count := int(r.uint(MaxMessages))
	size := int(r.uint(MaxBody))
	if r.err == nil && (f.Incarnation == "" || f.FirstSeq == 0) {
		r.fail(federation.Malformed, "no incarnation or no sequence")
	}
	if r.err != nil {
		return Frame{}, r.err
	}
	body, err := c.unpack(r.b, flags&flagPacked != 0, size)
	if err != nil {
		return Frame{}, err
	}
	if flags&flagParts != 0 {
		f.Messages, err = join(body, count)
	} else {
		f.Messages, err = split(body, count)
	}
	return f, err
}

// split cuts a body into its messages.
func split(body []byte, count int) ([][]byte, error) {
	r := &reader{what: "messages of the frame", all: len(body), b: body}
	lengths := make([]int, count)
	for i := range lengths {
		lengths[i] = int(r.uint(MaxBody))
		if r.err == nil && lengths[i] == 0 {
			r.fail(federation.Malformed, "an empty message")
		}
	}
	var messages [][]byte
	if count > 0 {
		messages = make([][]byte, 0, count)
	}
	for _, n := range lengths {
		if n > len(r.b) {
			r.fail(federation.Malformed, fmt.Sprintf("message of %d bytes, %d left", n, len(r.b)))
			break
		}
		messages = append(messages, r.b[:n:n])
		r.b = r.b[n:]
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return messages, nil
}
