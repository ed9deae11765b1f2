package envelope

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// VerifyOptions are the facts that a message is checked against.
type VerifyOptions struct {
	// Self is the participant that received the message: the last hop must be
	// addressed to it. Empty checks a message wherever it was found: in one's
	// own log, or offline.
	Self string
	// From is the peer on whose link it came, which must have signed the last
	// hop; empty does not ask.
	From string
	// Keys is asked whose a key is.
	Keys directory.KeySource
	// Now is the moment of first acceptance: the time of arrival, or, for a
	// message out of one's own log, the time at which it was stored.
	Now time.Time
	// Roots remembers hop roots that were verified; nil verifies each anew.
	Roots *RootCache
	// Dropped accounts for objects that this node itself took out of the
	// stored text with [Drop].
	Dropped [][32]byte
	// Secret is this node's own (see [IssueOptions]): a message of its own that
	// it has not dispatched yet may hold decoys that no hop lists. Nil: none may.
	Secret []byte
}

// Verify checks a message as it came: text, limits, signatures, keys, hops and
// the accounting of every digest, in the order that WIRE.md gives. It keeps raw,
// which the caller must not change afterwards. The error is a
// *federation.Refusal; UnknownIssuer and NotYetValid are worth another try
// later, all others are final.
func Verify(raw []byte, o VerifyOptions) (v *Verified, err error) {
	// A parser that fails on hostile bytes refuses the message, not the node.
	defer func() {
		if p := recover(); p != nil {
			v, err = nil, federation.Refuse(federation.Malformed, "message", fmt.Sprintf("reading it failed: %v", p))
		}
	}()
	if o.Keys == nil {
		return nil, federation.Refuse(federation.UnknownIssuer, "message", "there is no directory to ask")
	}
	sd, lines, err := splitLines(raw)
	if err != nil {
		return nil, err
	}
	m := &message{dropped: sortedDigests(o.Dropped), secret: o.Secret}
	defer m.release()
	if err := m.readSD(sd, o.Keys, o.Now); err != nil {
		return nil, err
	}
	if err := m.readChain(lines, &o); err != nil {
		return nil, err
	}
	items, err := m.rebuild()
	if err != nil {
		return nil, err
	}
	if err := m.account(); err != nil {
		return nil, err
	}
	if err := m.checkHash(); err != nil {
		return nil, err
	}
	if err := checkItems(items, o.Now); err != nil {
		return nil, err
	}
	return m.verified(raw, items), nil
}

// verified makes the result.
func (m *message) verified(raw []byte, items []Item) *Verified {
	hops := make([]Hop, len(m.hops))
	for i, h := range m.hops {
		hops[i] = h.Hop
	}
	return &Verified{m: m, raw: raw, items: items, hops: hops}
}

// splitLines bounds the text and cuts it into line 1 and the hops. Lines are
// separated by one LF each, and none ends the text.
func splitLines(raw []byte) (sd []byte, hops [][]byte, err error) {
	if len(raw) > MaxMessage+1+MaxHopBytes {
		return nil, nil, federation.Refuse(federation.TooLarge, "message", fmt.Sprintf("over %d bytes", MaxMessage+1+MaxHopBytes))
	}
	sd, rest, more := bytes.Cut(raw, []byte{'\n'})
	if len(rest) > MaxHopBytes {
		return nil, nil, federation.Refuse(federation.TooLarge, "hops", fmt.Sprintf("over %d bytes", MaxHopBytes))
	}
	if !more {
		return sd, nil, nil
	}
	if n := bytes.Count(rest, []byte{'\n'}) + 1; n > MaxHops {
		return nil, nil, federation.Refuse(federation.TooLarge, "hops", fmt.Sprintf("%d, at most %d are allowed", n, MaxHops))
	}
	return sd, bytes.Split(rest, []byte{'\n'}), nil
}

// readChain reads the hops and checks that they follow each other without a gap
// from the issuer to this node.
func (m *message) readChain(lines [][]byte, o *VerifyOptions) error {
	prev := elementHash(m.jws.Header, m.jws.Payload, m.jws.Signature)
	from := m.issuer
	seen := []string{}
	for i, line := range lines {
		where := fmt.Sprintf("hop %d", i)
		h, err := readHop(line, i, o)
		if err != nil {
			return err
		}
		switch {
		case h.N != i || h.prev != prev:
			return federation.Refuse(federation.BadSignature, where, "does not follow the element before it: a hop was cut out, added or moved")
		case h.Iss != from:
			return federation.Refuse(federation.WrongRecipient, where, fmt.Sprintf("signed by %s and was addressed to %s", h.Iss, from))
		case h.Aud == h.Iss || slices.Contains(seen, h.Iss):
			return federation.Refuse(federation.Loop, where, h.Iss+" passed it on before")
		case o.Now.Add(directory.Skew).Before(h.At):
			return federation.Refuse(federation.NotYetValid, where, "signed at "+h.At.Format(time.RFC3339))
		}
		if err := m.checkMapped(h, where); err != nil {
			return err
		}
		seen = append(seen, h.Iss)
		m.hops = append(m.hops, h)
		prev, from = h.id, h.Aud
	}
	return m.checkRecipient(from, seen, o)
}

// checkRecipient checks that the chain ends here.
func (m *message) checkRecipient(last string, seen []string, o *VerifyOptions) error {
	if o.Self != "" {
		switch {
		case m.issuer == o.Self || slices.Contains(seen, o.Self):
			return federation.Refuse(federation.Loop, "hops", o.Self+" issued it or passed it on before")
		case len(m.hops) == 0:
			return federation.Refuse(federation.WrongRecipient, "hops", "nobody dispatched it to "+o.Self)
		case last != o.Self:
			return federation.Refuse(federation.WrongRecipient, "hops", "addressed to "+last)
		}
	}
	if o.From != "" && (len(seen) == 0 || seen[len(seen)-1] != o.From) {
		return federation.Refuse(federation.WrongRecipient, "hops", "not dispatched by "+o.From+", on whose link it came")
	}
	return nil
}

// checkMapped checks that a hop speaks only of objects of the message.
func (m *message) checkMapped(h *hop, where string) error {
	for _, x := range h.Map {
		if !slices.Contains(m.objects, x.Object) {
			return federation.Refuse(federation.Malformed, where, "map: no object "+digestString(x.Object)+" in the message")
		}
	}
	return nil
}

// checkHash checks that the disclosures are those that the last hop passed on,
// and that hops which took out nothing passed on what they got.
func (m *message) checkHash() error {
	m.sdHash = sha256.Sum256(m.sd)
	if len(m.hops) == 0 || len(m.dropped) > 0 {
		return nil
	}
	last := len(m.hops) - 1
	if m.hops[last].sdHash != m.sdHash {
		return federation.Refuse(federation.UnaccountedRedaction, fmt.Sprintf("hop %d", last), "passed on other disclosures than are here")
	}
	for i := last; i > 0; i-- {
		if len(m.hops[i].Out) == 0 && m.hops[i-1].sdHash != m.hops[i].sdHash {
			return federation.Refuse(federation.UnaccountedRedaction, fmt.Sprintf("hop %d", i), "changed the disclosures and lists nothing")
		}
	}
	return nil
}

// checkItems checks the objects against each other and the clock.
func checkItems(items []Item, now time.Time) error {
	seen := make(map[string]int, len(items)) // the last object with an id
	for i, it := range items {
		o := it.Object
		if err := notYet(o, now); err != nil {
			return err
		}
		last, again := seen[o.ID()]
		seen[o.ID()] = i
		// Few ids are there twice, and only then the versions matter.
		if again && slices.ContainsFunc(items[:last+1], func(x Item) bool { return x.Object.ID() == o.ID() && x.Object.Version() == o.Version() }) {
			return federation.Refuse(federation.Equivocation, o.ID(), "twice in the message with the same version and different content")
		}
	}
	return nil
}

// notYet refuses an object whose version lies in the future: it would keep
// every true version that follows from replacing it. Where an object has no
// modified, its version is created (STIX 2.1 §3.6).
func notYet(o *stix.Object, now time.Time) error {
	name, at := "modified", o.Modified()
	if at.IsZero() {
		name, at = "created", o.Created()
	}
	if at.After(now.Add(directory.Skew)) {
		return federation.Refuse(federation.Malformed, o.ID(), name+" lies in the future: "+at.Format(time.RFC3339))
	}
	return nil
}

// sortedDigests returns a sorted copy.
func sortedDigests(ds [][32]byte) [][32]byte {
	out := slices.Clone(ds)
	slices.SortFunc(out, compareDigests)
	return out
}
