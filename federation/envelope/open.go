package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// message is the inside of a Verified: the text cut into its parts. After it is
// built it never changes.
type message struct {
	sd   []byte // line 1: the SD-JWT with its disclosures
	jws  *directory.JWS
	head int // length of the JWS within sd

	issuer, id      string
	owner           string // whose objects these are: for, else issuer
	issued, expires time.Time
	objects         [][32]byte // as listed in the payload
	gone            []Gone

	digests [][32]byte   // of discs, ascending
	rows    digestRows   // where in digests those with one first byte are
	discs   []disclosure // in the same order
	scratch *scratch     // has their JSON; only while the message is read
	order   []int16      // indexes into discs: object by object, parents first
	out     [][32]byte   // what hops and this node say they took out, ascending
	missing []hole       // digests without a disclosure, in the order met
	items   []span       // the objects that are there, in the issuer's order

	sdHash  [32]byte // over sd
	hops    []*hop
	dropped [][32]byte // what this node took out itself, ascending

	secret []byte // of this node, by which its decoys are known
	decoys []hole // digests of its own that stand for nothing, not listed yet
}

// disclosure is one disclosure and where it stands. A message has up to 2048 of
// them and lives long, so they hold numbers and no pointers: what is kept of a
// message is its text, the digests, and each object's bytes.
type disclosure struct {
	from, to   uint32 // its text in line 1
	plain      uint32 // where its JSON begins in scratch.plain
	name, nend uint32 // a property's name in its object's bytes
	item       int16  // index into items
	index      int16  // of an element, among those that are there
	parent     int16  // index into discs, -1 for an object
	place      place
	used       bool
	holds      bool // its value is a container of disclosures,
	open       bool // with parts that are none
}

// unread is d before its message was put together.
func (d disclosure) unread() disclosure {
	return disclosure{from: d.from, to: d.to, plain: d.plain}
}

// hole is a digest that has no disclosure.
type hole struct {
	digest [32]byte
	item   int // -1 for an object
	place  place
}

// span is an object: its range in order, and its bytes, which its
// [stix.Object] has too.
type span struct {
	digest   [32]byte
	from, to int
	raw      []byte
}

// text returns a disclosure as it was sent.
func (m *message) text(at int) []byte { d := &m.discs[at]; return m.sd[d.from:d.to:d.to] }

// name returns the name of the property that a disclosure holds, or nothing.
func (m *message) name(at int) []byte {
	d := &m.discs[at]
	if d.nend == 0 {
		return nil
	}
	return m.items[d.item].raw[d.name:d.nend]
}

// json returns the JSON of a disclosure: what was decoded, while the message is
// read, later decoded anew behind buf, which is returned longer.
func (m *message) json(at int, buf []byte) (plain, longer []byte, err error) {
	d := &m.discs[at]
	n := base64.RawURLEncoding.DecodedLen(int(d.to - d.from))
	if m.scratch != nil {
		return m.scratch.plain[d.plain : int(d.plain)+n : int(d.plain)+n], buf, nil
	}
	from := len(buf)
	if buf, err = directory.DecodeBase64(buf, m.text(at)); err != nil {
		return nil, buf, bad("disclosure %d: %v", at, err)
	}
	return buf[from:len(buf):len(buf)], buf, nil
}

// readSD reads line 1. It bounds and counts before it decodes.
func (m *message) readSD(sd []byte, keys directory.KeySource, now time.Time) error {
	if len(sd) > MaxMessage {
		return federation.Refuse(federation.TooLarge, "line 1", fmt.Sprintf("over %d bytes", MaxMessage))
	}
	n := bytes.Count(sd, []byte{'~'})
	if n-1 > MaxDisclosures {
		return federation.Refuse(federation.TooLarge, "line 1", fmt.Sprintf("over %d disclosures", MaxDisclosures))
	}
	if n == 0 || sd[len(sd)-1] != '~' {
		return unended(sd)
	}
	m.sd, m.head = sd, bytes.IndexByte(sd, '~')
	var err error
	m.jws, err = directory.OpenJWS(sd[:m.head], typMessage, directory.PurposeMessage, keys, now)
	if err != nil {
		return err
	}
	if err := m.readPayload(now); err != nil {
		return err
	}
	return m.readDisclosures(n-1, nil)
}

// unended says why a line 1 that does not end with '~' is refused. In RFC 9901
// §4 such a text presents a credential: its last part is a key-binding JWT, by
// which a holder proves possession of a key. A message has no holder, hops say
// who passed it on, and a verifier that expects no key binding must not accept
// one (§7.3): nothing here would check it.
func unended(sd []byte) error {
	at := bytes.LastIndexByte(sd, '~')
	switch tail := sd[at+1:]; {
	case at < 0:
		return federation.Refuse(federation.Malformed, "line 1", "no SD-JWT: there is no '~'")
	case bytes.Count(tail, []byte{'.'}) == 2:
		return keyBound()
	}
	return federation.Refuse(federation.Malformed, "line 1", "does not end with '~'")
}

// keyBound refuses a key-binding JWT, in whatever form of message it came.
func keyBound() error {
	return &federation.Refusal{Reason: federation.Malformed, Where: "key binding",
		Detail: "a key-binding JWT is not expected: a message has no holder", Hint: "send the SD-JWT without it, ending with '~'"}
}

// readDisclosures decodes and hashes the n disclosures. They stand in the
// ascending order of their digests, so each set has one text and none occurs
// twice. Of a message that was made here just now, all has each with its digest:
// then the text must be the one that was hashed, and is not hashed again.
func (m *message) readDisclosures(n int, all []made) error {
	if all != nil && len(all) != n {
		return bad("%d disclosures were made, and %d are there", len(all), n)
	}
	m.discs = make([]disclosure, n)
	m.digests = make([][32]byte, n)
	m.scratch = newScratch()
	plain := slices.Grow(m.scratch.plain[:0], base64.RawURLEncoding.DecodedLen(len(m.sd)-m.head))
	at := m.head + 1
	for i := range n {
		end := at + bytes.IndexByte(m.sd[at:], '~')
		d := &m.discs[i]
		d.from, d.to, d.plain = uint32(at), uint32(end), uint32(len(plain))
		text := m.sd[at:end]
		at = end + 1
		var err error
		if plain, err = directory.DecodeBase64(plain, text); err != nil {
			return &federation.Refusal{Reason: federation.Malformed, Where: fmt.Sprintf("disclosure %d", i), Err: err}
		}
		switch {
		case all == nil:
			m.digests[i] = sha256.Sum256(text)
		case !bytes.Equal(text, all[i].text):
			return bad("disclosure %d is not the one that was made", i)
		default:
			m.digests[i] = all[i].digest
		}
		if i > 0 && bytes.Compare(m.digests[i-1][:], m.digests[i][:]) >= 0 {
			return federation.Refuse(federation.Malformed, fmt.Sprintf("disclosure %d", i),
				"not in the ascending order of digests, or there twice")
		}
	}
	m.scratch.plain = plain
	m.rows.of(m.digests)
	return nil
}

// release gives back what is needed only while the message is read.
func (m *message) release() {
	m.scratch.release()
	m.scratch = nil
}

// keepDropped forgets digests that are not those of missing objects, or that a
// hop already accounts for.
func (m *message) keepDropped() {
	if len(m.dropped) == 0 {
		return
	}
	m.dropped = slices.DeleteFunc(slices.Compact(m.dropped), func(d [32]byte) bool {
		missing := slices.ContainsFunc(m.missing, func(h hole) bool { return h.item < 0 && h.digest == d })
		listed := slices.ContainsFunc(m.hops, func(h *hop) bool {
			return slices.ContainsFunc(h.Out, func(o Out) bool { return o.Digest == d })
		})
		return !missing || listed
	})
}

// miss notes a digest that has no disclosure. It must be one that a hop, or this
// node, says it took out.
func (m *message) miss(h hole) error {
	if _, ok := slices.BinarySearchFunc(m.out, h.digest, compareDigests); !ok {
		if len(m.hops) == 0 && isDecoy(m.secret, h.digest) {
			m.decoys = append(m.decoys, h) // our hop 0 will list it
			return nil
		}
		return federation.Refuse(federation.UnaccountedRedaction, h.place.container(),
			"digest "+digestString(h.digest)+" is missing, and no hop says that it took it out")
	}
	m.missing = append(m.missing, h)
	return nil
}

// account completes the accounting that miss began: no digest occurs twice,
// nothing that was taken out is there, and every disclosure has a place.
func (m *message) account() error {
	m.keepDropped()
	holes := make([][32]byte, 0, len(m.missing)+len(m.decoys))
	for _, h := range slices.Concat(m.missing, m.decoys) {
		holes = append(holes, h.digest)
	}
	slices.SortFunc(holes, compareDigests)
	for i := 1; i < len(holes); i++ {
		if holes[i-1] == holes[i] {
			return federation.Refuse(federation.Malformed, "digest "+digestString(holes[i]), "occurs twice")
		}
	}
	out := m.allOut()
	for i, d := range out {
		if i > 0 && out[i-1] == d {
			return federation.Refuse(federation.UnaccountedRedaction, "digest "+digestString(d), "taken out twice")
		}
		if j := m.find(&d); j >= 0 {
			return federation.Refuse(federation.UnaccountedRedaction, fmt.Sprintf("disclosure %d", j),
				"put back after a hop took it out")
		}
	}
	for i := range m.discs {
		if !m.discs[i].used {
			return federation.Refuse(federation.Malformed, fmt.Sprintf("disclosure %d", i),
				"no digest in the message stands for it")
		}
	}
	return nil
}

// allOut returns the digests that were taken out, ascending.
func (m *message) allOut() [][32]byte {
	out := slices.Clone(m.dropped)
	for _, h := range m.hops {
		for _, o := range h.Out {
			out = append(out, o.Digest)
		}
	}
	slices.SortFunc(out, compareDigests)
	return out
}

func compareDigests(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }
