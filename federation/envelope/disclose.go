package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// discloser turns objects into disclosures for one issuer.
type discloser struct {
	mac    hash.Hash
	issuer []byte
	secret []byte
	decoys int // see IssueOptions

	// The object at hand.
	typ, id, version string
	whole            bool   // nothing of it is ever taken out
	head             []byte // of what each of its salts is made over

	*room
}

// room is the memory in which messages are made. What is issued is a copy, so
// that it is used again for the next objects and the next call.
type room struct {
	made  []made   // of all objects
	texts [][]byte // their texts; the first full ones are full
	full  int

	raw  []byte     // the canonical form of the object at hand
	body []byte     // containers being written, each inside or behind the one around it
	sd   [][32]byte // their digests, outermost first
	path []byte
	msg  []byte
	sum  []byte
	json []byte

	all, sorted []made // of one message
	keys        []digestKey
}

// Bounds of a room: how much is made at once for texts, and how much of that, of
// disclosures and for one object is kept for the next call.
const (
	textRoom  = 64 << 10
	keptTexts = 8
	keptMade  = 2 * MaxDisclosures
	keptBytes = MaxMessage
)

var rooms sync.Pool

func newRoom() *room {
	if r, ok := rooms.Get().(*room); ok {
		return r
	}
	return new(room)
}

// release gives the room back, unless an unusual call has made it large.
func (r *room) release() {
	if cap(r.made) > keptMade || cap(r.raw)+cap(r.body)+cap(r.msg)+cap(r.json) > 4*keptBytes {
		return
	}
	for i := range r.texts {
		if r.texts[i] = r.texts[i][:0]; i >= keptTexts {
			r.texts[i] = nil
		}
	}
	r.texts = r.texts[:min(len(r.texts), keptTexts)]
	r.made, r.full = r.made[:0], 0
	rooms.Put(r)
}

// text encodes JSON as the text of a disclosure.
func (r *room) text(json []byte) []byte {
	n := base64.RawURLEncoding.EncodedLen(len(json))
	for ; r.full < len(r.texts); r.full++ {
		if t := r.texts[r.full]; cap(t)-len(t) >= n {
			break
		}
	}
	if r.full == len(r.texts) {
		r.texts = append(r.texts, make([]byte, 0, max(textRoom, n)))
	}
	t := &r.texts[r.full]
	from := len(*t)
	*t = directory.AppendBase64(*t, json)
	return (*t)[from:len(*t):len(*t)]
}

// made is a disclosure that was made.
type made struct {
	digest [32]byte
	text   []byte
}

// disclosed is an object as disclosures; the last is its own.
type disclosed struct {
	object *stix.Object
	digest [32]byte
	discs  []made
	size   int // bytes in the message, separators included
}

func newDiscloser(issuer string, secret []byte) *discloser {
	return &discloser{mac: hmac.New(sha256.New, secret), issuer: []byte(issuer), secret: secret, room: newRoom()}
}

// object makes the disclosures of an object. Its JSON is first brought into one
// form (members by name, no white space, plain strings; numbers as written), so
// that the same object always has the same digest however it was laid out.
func (d *discloser) object(o *stix.Object) (*disclosed, error) {
	raw, err := o.AppendCanonical(d.raw[:0])
	if err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: o.ID(), Err: err}
	}
	d.raw, d.typ, d.id, d.version = raw, o.Type(), o.ID(), o.Version()
	d.whole = stix.FixedWire1(d.typ, "")
	d.head = appendPart(appendPart(appendPart(d.head[:0], d.issuer), []byte(d.id)), []byte(d.version))
	d.body, d.sd = d.body[:0], d.sd[:0]
	from := len(d.made)
	s := scanner{b: raw}
	if err := d.properties(&s, inObject); err != nil {
		return nil, within(o.ID(), err)
	}
	d.path = d.path[:0]
	digest := d.disclose(nil, d.body, raw)
	out := &disclosed{object: o, digest: digest, discs: d.made[from:len(d.made):len(d.made)]}
	for _, m := range out.discs {
		out.size += len(m.text) + 1
	}
	return out, nil
}

// properties writes an object whose properties stand at place p: the fixed ones
// in the open, digests for the others.
func (d *discloser) properties(s *scanner, p place) error {
	d.body = append(d.body, '{')
	start, from := len(d.body), len(d.sd)
	s.next('{')
	for first := true; ; first = false {
		name, escaped, more, ok := s.member(first)
		if !ok {
			return bad("not a JSON object")
		}
		if !more {
			break
		}
		value, ok := s.value()
		if !ok {
			return bad("a property without a value")
		}
		if escaped {
			return bad("a property name that needs escapes")
		}
		if err := d.property(p, name, value, start); err != nil {
			return err
		}
	}
	if p == inObject && !d.whole {
		for i := range padding(len(d.sd)-from, d.decoys) {
			d.sd = append(d.sd, decoy(d.secret, i, string(d.issuer), d.id, d.version, ""))
		}
	}
	d.body = append(appendSD(d.body, d.sd[from:], len(d.body) > start), '}')
	d.sd = d.sd[:from]
	return nil
}

// appendSD appends the _sd member, in the ascending order of digests, behind
// others or alone.
func appendSD(out []byte, sd [][32]byte, behind bool) []byte {
	if len(sd) == 0 {
		return out
	}
	slices.SortFunc(sd, compareDigests)
	if behind {
		out = append(out, ',')
	}
	out = append(out, `"_sd":`...)
	for i, x := range sd {
		out = append(out, "[,"[min(i, 1)], '"')
		out = append(appendDigest(out, x), '"')
	}
	return append(out, ']')
}

// property writes a property of the container whose members begin at start: in
// the open, or behind it for as long as its disclosure is made. Its value may
// hold digests itself.
func (d *discloser) property(p place, name, value []byte, start int) error {
	open := d.whole || !p.removable(d.typ, name)
	if p == inObject && value[0] == '{' && string(name) == "extensions" && !d.whole {
		open = hasHandling(value)
	}
	before := len(d.body)
	if open {
		if before > start {
			d.body = append(d.body, ',')
		}
		d.body = append(append(append(d.body, '"'), name...), '"', ':')
	}
	at := len(d.body)
	if err := d.value(p, name, value); err != nil {
		return err
	}
	if open {
		return nil
	}
	d.path = p.appendPath(d.path[:0], name, 0)
	d.sd = append(d.sd, d.disclose(name, d.body[at:], value))
	d.body = d.body[:before]
	return nil
}

// value writes a property's value as it stands in the message, with digests for
// what can be taken out of it.
func (d *discloser) value(p place, name, value []byte) error {
	s := scanner{b: value}
	switch {
	case d.whole:
	case p == inObject && string(name) == "object_refs" && value[0] == '[':
		return d.elements(&s)
	case value[0] != '{':
	case p == inObject && string(name) == "extensions":
		return d.properties(&s, inExtensions)
	case p == inExtensions && string(name) == stix.HandlingExtension:
		return d.properties(&s, inHandling)
	case p == inHandling && string(name) == "note":
		return d.properties(&s, inNote)
	}
	d.body = append(d.body, value...)
	return nil
}

// hasHandling reports whether our handling extension is an entry of extensions.
func hasHandling(raw []byte) bool {
	s := scanner{b: raw}
	s.next('{')
	for first := true; ; first = false {
		name, _, more, ok := s.member(first)
		if !ok || !more {
			return false
		}
		if string(name) == stix.HandlingExtension {
			return true
		}
		if _, ok := s.value(); !ok {
			return false
		}
	}
}

// elements writes object_refs with a digest for each element.
func (d *discloser) elements(s *scanner) error {
	d.body = append(d.body, '[')
	s.next('[')
	for i := 0; ; i++ {
		more, ok := s.element(i == 0)
		if !ok {
			return bad("object_refs is not an array")
		}
		if !more {
			d.body = append(d.body, ']')
			return nil
		}
		value, ok := s.value()
		if !ok {
			return bad("object_refs is not an array")
		}
		if i > 0 {
			d.body = append(d.body, ',')
		}
		d.path = inRefs.appendPath(d.path[:0], nil, i)
		digest := d.disclose(nil, value, value)
		d.body = append(d.body, `{"...":"`...)
		d.body = append(appendDigest(d.body, digest), `"}`...)
	}
}

// disclose makes one disclosure of what is at d.path: [salt, name, value],
// without the name for an object or an element. value is what it holds, with
// digests in it; plain is what that stands for, which the salt depends on.
func (d *discloser) disclose(name, value, plain []byte) [32]byte {
	b := append(d.json[:0], '[', '"')
	b = directory.AppendBase64(b, d.salt(plain))
	b = append(b, '"', ',')
	if name != nil {
		b = append(append(append(b, '"'), name...), '"', ',')
	}
	b = append(append(b, value...), ']')
	d.json = b
	m := made{text: d.text(b)}
	m.digest = sha256.Sum256(m.text)
	d.made = append(d.made, m)
	return m.digest
}

// salt returns 128 bits that only the issuer can compute and that are the same
// whenever it issues the same value in the same place of the same version:
// HMAC-SHA-256 over issuer, id, version, path and value, each with its length.
// They are good until the next call.
func (d *discloser) salt(value []byte) []byte {
	d.msg = appendPart(appendPart(append(d.msg[:0], d.head...), d.path), value)
	d.mac.Reset()
	d.mac.Write(d.msg) // a hash never fails to write
	d.sum = d.mac.Sum(d.sum[:0])
	return d.sum[:16]
}

// appendPart appends a text behind its length in four bytes, big-endian.
func appendPart(dst, part []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(part))), part...)
}
