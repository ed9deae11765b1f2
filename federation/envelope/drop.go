package envelope

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/entente-relay/entente/federation"
)

// Drop returns v without the objects of the given digests, for a node that may
// not keep them: only the digests stay. Its Raw is the reduced text; to verify
// that again, pass the digests as VerifyOptions.Dropped. The node's own hop will
// list them, so that nobody after it misses them.
func Drop(v *Verified, digests [][32]byte) (*Verified, error) {
	if !v.valid() {
		return nil, federation.Refuse(federation.Malformed, "drop", "not a verified message")
	}
	if len(digests) == 0 {
		return v, nil
	}
	m := v.m
	r := &reduction{m: m, removed: make([]bool, len(m.discs)), class: map[int]string{}}
	for _, d := range digests {
		i := slices.IndexFunc(m.items, func(s span) bool { return s.digest == d })
		if i < 0 {
			return nil, federation.Refuse(federation.Malformed, "message "+m.id, "no object "+digestString(d)+" in it")
		}
		r.takeWhole(m.items[i], ClassPolicy)
	}
	// The rest is read anew: nothing of what was dropped stays in memory with it.
	sd := r.text()
	raw := bytes.Clone(sd)
	for _, h := range m.hops {
		raw = append(append(raw, '\n'), h.line...)
	}
	out := &message{sd: raw[:len(sd):len(sd)], head: m.head, jws: m.jws, issuer: m.issuer, owner: m.owner, id: m.id, issued: m.issued,
		expires: m.expires, objects: m.objects, gone: m.gone, hops: m.hops, secret: m.secret}
	out.dropped = sortedDigests(append(slices.Clone(m.dropped), digests...))
	items, err := out.readBack(bytes.Count(sd, []byte{'~'})-1, nil)
	if err != nil {
		return nil, fmt.Errorf("drop: %w", err)
	}
	return out.verified(raw, items), nil
}

// readBack reads n disclosures of a text that this node made itself, of those in
// all if that is not nil.
func (m *message) readBack(n int, all []made) ([]Item, error) {
	defer m.release()
	if err := m.readDisclosures(n, all); err != nil {
		return nil, err
	}
	items, err := m.rebuild()
	if err != nil {
		return nil, err
	}
	if err := m.account(); err != nil {
		return nil, err
	}
	return items, m.checkHash()
}
