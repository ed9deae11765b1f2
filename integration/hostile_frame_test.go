package integration

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	wire "github.com/entente-relay/entente/federation/link"
)

// frameAttacks are answers to the victim's pulls that are wrong as answers:
// nothing of them is stored, and the link goes on from where it stood.
func frameAttacks() []attack {
	return []attack{
		{name: "the frame before, once more", stops: "dense numbers", run: func(h *hostile) { h.badFrame("malformed", wire.Frame{FirstSeq: h.seq}) }},
		{name: "a frame from the first number on", stops: "dense numbers", run: func(h *hostile) { h.badFrame("malformed", wire.Frame{FirstSeq: 1}) }},
		{name: "a frame that leaves numbers out", stops: "dense numbers", run: func(h *hostile) { h.badFrame("malformed", wire.Frame{FirstSeq: h.seq + 6}) }},
		{name: "a frame at the largest number there is", stops: "no number that could wrap around", run: func(h *hostile) {
			h.badAnswer("too-large", rawFrame{first: math.MaxUint64, count: 1, body: "\x01x"}.encode())
		}},
		{name: "a frame whose last number wraps around", stops: "no number that could wrap around", run: func(h *hostile) {
			h.badAnswer("too-large", rawFrame{first: math.MaxUint64 - 511, count: 1, body: "\x01x"}.encode())
		}},
		{name: "another incarnation in the middle of the numbers", stops: "a new log counts from 1", run: func(h *hostile) {
			h.badFrame("malformed", wire.Frame{FirstSeq: h.seq + 1, Incarnation: "evil-other"})
		}},
		{name: "another incarnation with what was there before", stops: "what is here falls out; the journal tells", stores: 1, run: func(h *hostile) { h.reincarnate() }},
		{name: "messages without a cursor", stops: "a frame with messages moves the cursor", run: func(h *hostile) {
			out, root := h.dispatch(h.seq+1, []string{h.message()}, nil)
			h.badAnswer("malformed", h.frame(wire.Frame{FirstSeq: h.seq + 1, Messages: out, Root: root}))
		}},
		{name: "a frame of version 2", stops: "newer than known is refused", run: func(h *hostile) {
			b := h.frame(wire.Frame{FirstSeq: h.seq + 1})
			b[3] = 2
			h.badAnswer("unsupported", b)
		}},
		{name: "flags that nobody knows", stops: "unknown flags are refused", run: func(h *hostile) { h.badAnswer("unsupported", rawFrame{flags: 0x40, first: h.seq + 1}.encode()) }},
		{name: "a pull as the answer", stops: "the kind of a message", run: func(h *hostile) { h.badAnswer("malformed", []byte("eLP\x01\x00\x00\x00\x00")) }},
		{name: "a megabyte of anything", stops: "the first bytes", run: func(h *hostile) { h.badAnswer("malformed", bytes.Repeat([]byte("x"), 1<<20-1)) }},
		{name: "nothing as the answer", stops: "the first bytes", run: func(h *hostile) { h.badAnswer("malformed", []byte{'x'}) }},
		{name: "a frame cut off in the middle", stops: "announced sizes", run: func(h *hostile) {
			out, root := h.dispatch(h.seq+1, []string{h.message()}, nil)
			b := h.frame(wire.Frame{FirstSeq: h.seq + 1, Messages: out, Root: root, Next: cursor(h.seq + 1)})
			h.badAnswer("malformed", b[:len(b)/2])
		}},
		{name: "bytes after the end of a frame", stops: "announced sizes", run: func(h *hostile) {
			h.badAnswer("malformed", append(h.frame(wire.Frame{FirstSeq: h.seq + 1}), "more"...))
		}},
		{name: "a frame that says it has 100 MB", stops: "4 MiB, before memory is taken", run: func(h *hostile) {
			h.badAnswer("too-large", rawFrame{first: h.seq + 1, count: 1, size: 100 << 20}.encode())
		}},
		{name: "a frame of a thousand million messages", stops: "512, before memory is taken", run: func(h *hostile) {
			h.badAnswer("too-large", rawFrame{first: h.seq + 1, count: 1e9}.encode())
		}},
		{name: "five hundred empty messages", stops: "a message has bytes", run: func(h *hostile) {
			h.badAnswer("malformed", rawFrame{first: h.seq + 1, count: 500, body: strings.Repeat("\x00", 500)}.encode())
		}},
		{name: "a frame that decompresses to 10 GB", stops: "no more than announced, at most 4 MiB", run: func(h *hostile) { h.bomb(10 << 30) }},
		{name: "a bomb whose window is 2 GB", stops: "the window is bounded", run: func(h *hostile) {
			// The window descriptor of RFC 8878 §3.1.1.1.2: exponent 21, 2^31 bytes.
			h.badAnswer("too-large", rawFrame{flags: 4, first: h.seq + 1, count: 1, size: 4 << 20, body: "\x28\xb5\x2f\xfd\x00\xa8" + "\x03\x00\x20x"}.encode())
		}},
		{name: "a cursor of a megabyte", stops: "512 bytes", run: func(h *hostile) {
			h.badAnswer("too-large", rawFrame{first: h.seq + 1, next: strings.Repeat("c", 1<<20-100)}.encode())
		}},
		{name: "an answer of 5 MB", stops: "the server's max_payload; the link is made anew", run: func(h *hostile) {
			h.cutOff(bytes.Repeat([]byte("x"), 5<<20))
		}},
		{name: "a gap with a reason that is none", stops: "an unknown word is 'unsupported'", run: func(h *hostile) {
			h.give(h.frame(wire.Frame{FirstSeq: h.seq + 1, Next: cursor(h.seq), Gap: &wire.Gap{Reason: "x-evil"}}))
			h.awaitJournal("gap unsupported")
		}},
		{name: "a thousand gaps and no message", stops: "frames that bring nothing are paced", run: func(h *hostile) { h.emptyFrames() }},
		{name: "a fault with an hour to wait and a forged log line", stops: "its text is cleaned; it is this link's own hour", run: func(h *hostile) { h.faultWith("nothing\n2026 level=ERROR msg=forged\x1b[2J") }},
		{name: "a thousand answers to one pull", stops: "the first one counts", run: func(h *hostile) { h.manyAnswers() }},
		{name: "frame after frame of forgeries", stops: "a pause as after a fault, ever longer", run: func(h *hostile) { h.forgeries() }},
	}
}

// badFrame gives a frame with one good message in it that must not be stored.
func (h *hostile) badFrame(reason string, f wire.Frame) {
	h.t.Helper()
	f.Messages, f.Root = h.dispatch(f.FirstSeq, []string{h.message()}, nil)
	f.Next = cursor(h.seq + 1)
	h.badAnswer(reason, h.frame(f))
}

// badAnswer gives an answer that must be a violation, after which the victim
// asks again from where it stood.
func (h *hostile) badAnswer(reason string, answer []byte) {
	h.t.Helper()
	h.violates(reason, func() {
		if p := h.give(answer); !bytes.Equal(p.Cursor, h.at()) {
			h.t.Errorf("the victim goes on from %q, it stood at %q", p.Cursor, h.at())
		}
	})
}

// at is the victim's cursor, empty before the first frame.
func (h *hostile) at() []byte {
	if h.seq == 0 {
		return nil
	}
	return cursor(h.seq)
}

// rawFrame writes frames that the codec would not.
type rawFrame struct {
	flags, first, count, size uint64
	next, body                string
}

func (f rawFrame) encode() []byte {
	text := func(b []byte, s string) []byte { return append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b := binary.AppendUvarint([]byte("eLF\x01"), f.flags)
	b = binary.AppendUvarint(text(b, "evil-1"), f.first)
	b = text(text(b, "root"), f.next)
	b = binary.AppendUvarint(b, f.count)
	if f.size == 0 {
		f.size = uint64(len(f.body))
	}
	return append(binary.AppendUvarint(b, f.size), f.body...)
}

// bomb gives a frame that would decompress to so many bytes, and checks that
// the victim did not take the memory for it. Each block of RFC 8878 §3.1.1.2
// stands for 128 KiB of one byte and takes four.
func (h *hostile) bomb(size int) {
	h.t.Helper()
	const block = 128 << 10
	body := []byte("\x28\xb5\x2f\xfd\x00\x38") // magic, no flags, a window of 128 KiB
	for n := size / block; n > 0; n-- {
		head := uint32(block<<3 | 1<<1)
		if n == 1 {
			head |= 1
		}
		body = append(body, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.badAnswer("too-large", rawFrame{flags: 4, first: h.seq + 1, count: 1, size: 4 << 20, body: string(body)}.encode())
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 512<<20 {
		h.t.Errorf("%d MB were allocated for a bomb", grown>>20)
	}
}

// reincarnate pretends that the log is a new one, and sends what it had sent.
func (h *hostile) reincarnate() {
	h.t.Helper()
	m := h.message()
	h.taken(h.sendOne(m, nil))
	h.mu.Lock()
	h.incarnation, h.seq = h.incarnation+"+", 0
	h.mu.Unlock()
	if rc := h.sendOne(m, nil); rc.Outcomes[0].Duplicate != 1 {
		h.t.Errorf("the receipt says %+v", rc.Outcomes)
	}
	if !slices.Contains(told(h.t, h.victim, h.id), "link incarnation") {
		h.t.Errorf("the journal does not tell of it: %v", told(h.t, h.victim, h.id))
	}
}

// cutOff gives an answer for which the victim's server hangs up, and waits
// until the link stands and is used again.
func (h *hostile) cutOff(answer []byte) {
	h.t.Helper()
	h.give(answer)
	awaitLink(h.t, h.victim, h.id, "up")
}

// emptyFrames answers every pull at once with a frame that has only a gap.
func (h *hostile) emptyFrames() {
	h.t.Helper()
	before := len(told(h.t, h.victim, h.id))
	asked := 0
	for began := time.Now(); time.Since(began) < time.Second; asked++ {
		h.give(h.frame(wire.Frame{FirstSeq: h.seq + 1, Next: cursor(h.seq), More: true,
			Gap: &wire.Gap{Reason: "expired", Until: time.UnixMilli(int64(asked + 1))}}))
	}
	if grown := len(told(h.t, h.victim, h.id)) - before; asked > 15 || grown > 15 {
		h.t.Errorf("in a second the victim asked %d times and journalled %d gaps", asked, grown)
	}
}

// faultWith answers with a fault, by hand.
func (h *hostile) faultWith(detail string) {
	h.t.Helper()
	b := []byte("eLX\x01")
	for _, s := range []string{"bad-signature", detail, "evil-1"} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	h.give(binary.AppendUvarint(b, 200))
	_, p := peerOf(h.t, h.victim.node, h.id)
	if strings.ContainsAny(p.State, "\n\x1b") {
		h.t.Errorf("the status says %q", p.State)
	}
}

// manyAnswers answers one pull a thousand times.
func (h *hostile) manyAnswers() {
	h.t.Helper()
	b := h.frame(wire.Frame{FirstSeq: h.seq + 1})
	h.giveBy(func() []byte {
		for range 999 {
			if err := h.nc.Publish(h.reply, b); err != nil {
				h.t.Error(err)
			}
		}
		return b
	})
}

// forgeries sends frames of nothing but forgeries as fast as they are asked for.
func (h *hostile) forgeries() {
	h.t.Helper()
	m := issueAs(h.t, h.other.id, h.keys.Message, time.Now(), h.object())
	frames := 0
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond; frames++ {
		h.sendOne(m, nil)
	}
	if frames > 10 {
		h.t.Errorf("the victim took %d frames of forgeries in one and a half seconds", frames)
	}
}
