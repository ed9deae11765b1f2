package integration

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	wire "github.com/entente-relay/entente/federation/link"
)

// cursorAttacks are pulls that are wrong as pulls, or whose cursor is not one
// that the victim gave to this peer.
func cursorAttacks() []attack {
	return []attack{
		{name: "a pull of version 2", stops: "newer than known is refused", run: func(h *hostile) { h.badPull("unsupported", []byte("eLP\x02\x00\x00\x00\x00")) }},
		{name: "a frame as a pull", stops: "the kind of a message", run: func(h *hostile) { h.badPull("malformed", h.frame(wire.Frame{FirstSeq: 1})) }},
		{name: "no bytes as a pull", stops: "the first bytes", run: func(h *hostile) { h.badPull("malformed", nil) }},
		{name: "bytes behind a pull", stops: "nothing may follow the end", run: func(h *hostile) { h.badPull("malformed", []byte("eLP\x01\x00\x00\x00\x00more")) }},
		{name: "a megabyte as a pull", stops: "the first bytes", run: func(h *hostile) { h.badPull("malformed", bytes.Repeat([]byte{0}, 1<<20-1)) }},
		{name: "a pull that waits for a year", stops: "a minute", run: func(h *hostile) { h.badPull("too-large", []byte("eLP\x01\x00\x00\xff\xff\xff\xff\x0f\x00")) }},
		{name: "a cursor of a megabyte in a pull", stops: "512 bytes", run: func(h *hostile) {
			h.badPull("too-large", append([]byte("eLP\x01\x80\x80\x3f"), bytes.Repeat([]byte("c"), 1<<20-64)...))
		}},
		{name: "a cursor of its own making", stops: "cursors are sealed", run: func(h *hostile) { h.badCursor([]byte("after 17, please, or from the beginning of the log")) }},
		{name: "a cursor of 512 bytes", stops: "cursors are sealed", run: func(h *hostile) { h.badCursor(bytes.Repeat([]byte("c"), 512)) }},
		{name: "a cursor that another node sealed for it", stops: "each node has a key", run: func(h *hostile) { h.badCursor(h.sealed(h.keys.Secret, h.id)) }},
		{name: "another peer's cursor", stops: "a cursor is sealed for one peer", run: func(h *hostile) { h.badCursor(h.sealed(h.victim.keys.Secret, h.other.id)) }},
		{name: "every bit of a good cursor flipped", stops: "cursors are sealed", run: func(h *hostile) {
			good := h.sealed(h.victim.keys.Secret, h.id)
			if _, err := h.ask(wire.Pull{Cursor: good}); err != nil {
				h.t.Fatalf("the good cursor is refused, so this shows nothing: %v", err)
			}
			for i := range len(good) * 8 {
				bad := slices.Clone(good)
				bad[i/8] ^= 1 << (i % 8)
				if _, err := h.ask(wire.Pull{Cursor: bad}); err == nil {
					h.t.Fatalf("bit %d flipped: taken", i)
				}
			}
		}},
		{name: "a good cursor of an older log", stops: "it counts as none: what it may have, from the start", run: func(h *hostile) {
			key, err := wire.NewCursorKey(h.victim.keys.Secret)
			if err != nil {
				h.t.Fatal(err)
			}
			old, err := key.Seal(h.id, wire.Cursor{Incarnation: "older", Pos: 1 << 60, Seq: 1 << 60})
			if err != nil {
				h.t.Fatal(err)
			}
			h.honest()
			if f, err := h.ask(wire.Pull{Cursor: old}); err != nil || f.FirstSeq != 1 || len(f.Messages) == 0 {
				h.t.Errorf("frame from %d with %d messages, %v", f.FirstSeq, len(f.Messages), err)
			}
		}},
		{name: "pulls from the start, over and over", stops: "the whole log again, twice and once a day: quota", run: func(h *hostile) { h.again() }},
	}
}

// badPull sends a request that must be answered with a fault and told.
func (h *hostile) badPull(reason string, req []byte) {
	h.t.Helper()
	h.violates(reason, func() {
		if f, err := h.askRaw(req); err == nil {
			h.t.Errorf("answered with a frame of %d messages", len(f.Messages))
		}
	})
}

// badCursor pulls with a cursor that must be refused.
func (h *hostile) badCursor(c []byte) {
	h.t.Helper()
	req, err := wire.EncodePull(wire.Pull{Cursor: c})
	if err != nil {
		h.t.Fatal(err)
	}
	h.badPull("malformed", req)
}

// sealed is a cursor behind the first log entry, sealed with a node's secret
// for a peer.
func (h *hostile) sealed(secret []byte, peer string) []byte {
	h.t.Helper()
	return h.sealedAt(secret, peer, 1)
}

// sealedAt is one behind any log entry.
func (h *hostile) sealedAt(secret []byte, peer string, pos uint64) []byte {
	h.t.Helper()
	f, err := h.ask(wire.Pull{})
	if err != nil {
		h.t.Fatal(err)
	}
	key, err := wire.NewCursorKey(secret)
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := key.Seal(peer, wire.Cursor{Incarnation: f.Incarnation, Pos: pos, Seq: 0})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// again pulls from the start until it is told to stop, and sees that the
// journal stops growing with it.
func (h *hostile) again() {
	h.t.Helper()
	h.violates("quota", func() {
		for range 20_000 {
			if _, err := h.ask(wire.Pull{}); err != nil {
				if federation.ReasonOf(err) != federation.Quota {
					h.t.Error(err)
				}
				return
			}
		}
		h.t.Error("it may go on for ever")
	})
}

// receiptAttacks are receipts that are not what they say.
func receiptAttacks() []attack {
	return []attack{
		{name: "a good receipt, so that the rest shows something", stops: "nothing: it is journalled", run: func(h *hostile) {
			h.acknowledges(true, func(*wire.Receipt) {}, h.keys.Message)
		}},
		{name: "a receipt that is no JWS", stops: "the strict gate", run: func(h *hostile) { h.badReceipt("malformed", []byte("received, thank you")) }},
		{name: "a receipt without a signature", stops: "alg none is none", run: func(h *hostile) {
			h.badReceipt("malformed", []byte(b64([]byte(`{"alg":"none","typ":"cti-receipt+jwt"}`))+"."+b64([]byte(`{"ver":1}`))+"."))
		}},
		{name: "a receipt by a stranger's key", stops: "the directory", run: func(h *hostile) { h.badReceipt("unknown-issuer", h.signReceipt(h.receiptFor(), h.stranger())) }},
		{name: "a receipt by the agreement key", stops: "a key signs what it is stated for", run: func(h *hostile) { h.badReceipt("bad-signature", h.signReceipt(h.receiptFor(), h.keys.Terms)) }},
		{name: "a receipt in another's name", stops: "the key's owner must be the one it names", run: func(h *hostile) {
			rc := h.receiptFor()
			rc.Link = h.other.id
			h.badReceipt("bad-signature", h.signReceipt(rc, h.keys.Message))
		}},
		{name: "another peer's own receipt", stops: "it must be of the peer on whose link it comes", run: func(h *hostile) {
			rc := h.receiptFor()
			rc.Link = h.other.id
			h.badReceipt("wrong-recipient", h.signReceipt(rc, h.other.keys.Message))
		}},
		{name: "a receipt made for another node", stops: "it names the sender", run: func(h *hostile) {
			rc := h.receiptFor()
			rc.Peer = h.other.id
			h.badReceipt("wrong-recipient", h.signReceipt(rc, h.keys.Message))
		}},
		{name: "a receipt from tomorrow", stops: "the clock", run: func(h *hostile) {
			rc := h.receiptFor()
			rc.At = time.Now().AddDate(0, 0, 1)
			h.badReceipt("not-yet-valid", h.signReceipt(rc, h.keys.Message))
		}},
		{name: "a receipt with a million outcomes", stops: "64 KiB", run: func(h *hostile) {
			h.violates("too-large", func() {
				raw := b64(bytes.Repeat([]byte("[1,0,0,0],"), 100_000))[:700<<10]
				req := []byte("eLP\x01\x00\x00\x00")
				req = append(append(req, 0x80, 0x80, 0x2b+0), raw...)
				if _, err := h.askRaw(req); err == nil {
					h.t.Error("answered with a frame")
				}
			})
		}},
		{name: "a receipt that counts more than was sent", stops: "held against what the journal says was sent", run: func(h *hostile) {
			h.lies(func(rc *wire.Receipt) { rc.Outcomes[0].Stored = 1000 })
		}},
		{name: "a receipt that counts less than was sent", stops: "held against what the journal says was sent", run: func(h *hostile) {
			h.lies(func(rc *wire.Receipt) { rc.Outcomes[0].Stored = 0 })
		}},
		{name: "a receipt for another root", stops: "held against what the journal says was sent", run: func(h *hostile) {
			h.lies(func(rc *wire.Receipt) { rc.Root = digestOf([]byte("another")) })
		}},
		{name: "a receipt for the numbers before", stops: "held against what the journal says was sent", run: func(h *hostile) {
			h.lies(func(rc *wire.Receipt) { shift(rc, ^uint64(0)) })
		}},
		{name: "a receipt for numbers never sent", stops: "held against what the journal says was sent", run: func(h *hostile) {
			h.lies(func(rc *wire.Receipt) { shift(rc, 1_000_000) })
		}},
		{name: "a receipt for more messages than were sent", stops: "held against what the journal says was sent", run: func(h *hostile) {
			h.lies(func(rc *wire.Receipt) {
				rc.LastSeq++
				rc.Outcomes = append(rc.Outcomes, wire.Outcome{Seq: rc.LastSeq, Stored: 1})
			})
		}},
		{name: "the same receipt five hundred times", stops: "the journal has it once", run: func(h *hostile) {
			raw := h.acknowledges(true, func(*wire.Receipt) {}, h.keys.Message)
			before := h.receipts()
			for range 500 {
				if _, err := h.ask(wire.Pull{Cursor: h.mine, Receipt: raw}); err != nil {
					h.t.Fatal(err)
				}
			}
			if got := h.receipts(); got != before {
				h.t.Errorf("the journal has %d receipts, before %d", got, before)
			}
		}},
	}
}

func shift(rc *wire.Receipt, by uint64) {
	rc.FirstSeq, rc.LastSeq = rc.FirstSeq+by, rc.LastSeq+by
	for i := range rc.Outcomes {
		rc.Outcomes[i].Seq += by
	}
}

// next publishes an object at the victim and pulls the frame with it.
func (h *hostile) next() wire.Frame {
	h.t.Helper()
	h.honest()
	for {
		f, err := h.ask(wire.Pull{Cursor: h.mine, Wait: time.Second})
		if err != nil {
			h.t.Fatal(err)
		}
		h.mine = f.Next
		if len(f.Messages) > 0 && !f.More {
			return f
		}
	}
}

// receiptFor pulls a frame and makes the honest receipt for it.
func (h *hostile) receiptFor() wire.Receipt {
	h.t.Helper()
	f := h.next()
	rc := wire.Receipt{Peer: h.victim.id, Link: h.id, FirstSeq: f.FirstSeq, LastSeq: f.After().LastSeq, Root: f.Root, At: time.Now()}
	for i := range f.Messages {
		rc.Outcomes = append(rc.Outcomes, wire.Outcome{Seq: f.FirstSeq + uint64(i), Stored: 1})
	}
	return rc
}

func (h *hostile) signReceipt(rc wire.Receipt, key directory.Signer) []byte {
	h.t.Helper()
	raw, err := wire.SignReceipt(rc, key)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

// badReceipt sends a receipt that must be answered with a fault.
func (h *hostile) badReceipt(reason string, raw []byte) {
	h.t.Helper()
	before := h.receipts()
	h.violates(reason, func() {
		if _, err := h.ask(wire.Pull{Cursor: h.mine, Receipt: raw}); err == nil {
			h.t.Error("answered with a frame")
		}
	})
	if got := h.receipts(); got != before {
		h.t.Errorf("the journal took it: %d receipts, before %d", got, before)
	}
}

// acknowledges sends a receipt changed by spoil and checks whether it counts.
func (h *hostile) acknowledges(want bool, spoil func(*wire.Receipt), key directory.Signer) []byte {
	h.t.Helper()
	rc := h.receiptFor()
	_, before := h.seen()
	spoil(&rc)
	raw := h.signReceipt(rc, key)
	if _, err := h.ask(wire.Pull{Cursor: h.mine, Receipt: raw}); err != nil {
		h.t.Fatal(err)
	}
	told := h.receipts()
	if !want {
		if _, p := h.seen(); p.Out.Acknowledged != before.Out.Acknowledged {
			h.t.Errorf("%d objects count as acknowledged, before %d", p.Out.Acknowledged, before.Out.Acknowledged)
		}
		return raw
	}
	eventually(h.t, 10*time.Second, func() string {
		if _, p := h.seen(); p.Out.Acknowledged <= before.Out.Acknowledged {
			return fmt.Sprintf("%d objects acknowledged, before %d; the journal has %d receipts", p.Out.Acknowledged, before.Out.Acknowledged, told)
		}
		return ""
	})
	return raw
}

// lies sends a receipt, well signed, that does not say what is so. The pull it
// comes with is answered, and the receipt counts for nothing.
func (h *hostile) lies(how func(*wire.Receipt)) {
	h.t.Helper()
	before := h.receipts()
	h.violates("malformed", func() { h.acknowledges(false, how, h.keys.Message) })
	if got := h.receipts(); got != before {
		h.t.Errorf("the journal took it: %d receipts, before %d", got, before)
	}
}

// receipts counts what the victim's journal has of the hostile peer's receipts.
func (h *hostile) receipts() int {
	h.t.Helper()
	n := 0
	for r, err := range h.victim.node.Records(h.t.Context(), 1) {
		if err != nil {
			h.t.Fatal(err)
		}
		if r.Receipt != nil && string(r.Receipt.Peer) == h.id {
			n++
		}
	}
	return n
}
