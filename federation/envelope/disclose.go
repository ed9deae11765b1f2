package envelope

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/go-json-experiment/json/jsontext"
)

// discloser turns objects into disclosures for one issuer.
type discloser struct {
	mac    hash.Hash
	issuer []byte
	secret []byte
	decoys int // see IssueOptions

	// The object at hand.
	typ, id, version string
	made             []made
	buf              []byte
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
	return &discloser{mac: hmac.New(sha256.New, secret), issuer: []byte(issuer), secret: secret}
}

// object makes the disclosures of an object. Its JSON is first brought into one
// form (members by name, no white space, plain strings; numbers as written), so
// that the same object always has the same digest however it was laid out.
func (d *discloser) object(o *stix.Object) (*disclosed, error) {
	raw := jsontext.Value(bytes.Clone(o.Raw()))
	if err := raw.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: o.ID(), Err: err}
	}
	d.typ, d.id, d.version, d.made = o.Type(), o.ID(), o.Version(), nil
	body, err := d.properties(raw, inObject)
	if err != nil {
		return nil, within(o.ID(), err)
	}
	digest := d.disclose("", nil, body, raw)
	out := &disclosed{object: o, digest: digest, discs: d.made}
	for _, m := range d.made {
		out.size += len(m.text) + 1
	}
	return out, nil
}

// properties returns the text of an object whose properties stand at place p:
// the fixed ones in the open, digests for the others.
func (d *discloser) properties(raw []byte, p place) ([]byte, error) {
	out := append(make([]byte, 0, len(raw)), '{')
	var sd [][32]byte
	s := scanner{b: raw}
	s.next('{')
	for first := true; ; first = false {
		name, escaped, more, ok := s.member(first)
		if !ok {
			return nil, bad("not a JSON object")
		}
		if !more {
			break
		}
		value, ok := s.value()
		if !ok {
			return nil, bad("a property without a value")
		}
		if escaped {
			return nil, bad("a property name that needs escapes")
		}
		inner, open, err := d.property(p, name, value)
		if err != nil {
			return nil, err
		}
		if open {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(append(append(out, '"'), name...), '"', ':')
			out = append(out, inner...)
			continue
		}
		sd = append(sd, d.disclose(p.path(name, 0), name, inner, value))
	}
	if p == inObject && !stix.FixedWire1(d.typ, "") {
		for i := range padding(len(sd), d.decoys) {
			sd = append(sd, decoy(d.secret, i, string(d.issuer), d.id, d.version, ""))
		}
	}
	return append(appendSD(out, sd), '}'), nil
}

// appendSD appends the _sd member, in the ascending order of digests.
func appendSD(out []byte, sd [][32]byte) []byte {
	if len(sd) == 0 {
		return out
	}
	slices.SortFunc(sd, compareDigests)
	if len(out) > 1 {
		out = append(out, ',')
	}
	out = append(out, `"_sd":`...)
	for i, x := range sd {
		out = append(out, "[,"[min(i, 1)], '"')
		out = append(appendDigest(out, x), '"')
	}
	return append(out, ']')
}

// property returns a property's value as it stands in the message, with digests
// for what can be taken out of it, and whether it stays in the open.
func (d *discloser) property(p place, name, value []byte) (inner []byte, open bool, err error) {
	open = stix.FixedWire1(d.typ, "") || !p.removable(d.typ, name)
	switch {
	case stix.FixedWire1(d.typ, ""):
		return value, true, nil
	case p == inObject && string(name) == "object_refs" && value[0] == '[':
		inner, err = d.elements(value)
		return inner, open, err
	case value[0] != '{':
		return value, open, nil
	case p == inObject && string(name) == "extensions":
		inner, err = d.properties(value, inExtensions)
		return inner, hasHandling(value), err
	case p == inExtensions && string(name) == stix.HandlingExtension:
		inner, err = d.properties(value, inHandling)
		return inner, open, err
	case p == inHandling && string(name) == "note":
		inner, err = d.properties(value, inNote)
		return inner, open, err
	}
	return value, open, nil
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

// elements returns object_refs with a digest for each element.
func (d *discloser) elements(raw []byte) ([]byte, error) {
	out := []byte{'['}
	s := scanner{b: raw}
	s.next('[')
	for i := 0; ; i++ {
		more, ok := s.element(i == 0)
		if !ok {
			return nil, bad("object_refs is not an array")
		}
		if !more {
			return append(out, ']'), nil
		}
		value, ok := s.value()
		if !ok {
			return nil, bad("object_refs is not an array")
		}
		if i > 0 {
			out = append(out, ',')
		}
		digest := d.disclose(inRefs.path(nil, i), nil, value, value)
		out = append(out, `{"...":"`...)
		out = append(appendDigest(out, digest), `"}`...)
	}
}

// disclose makes one disclosure: [salt, name, value], without the name for an
// object or an element. value is what it holds, with digests in it; plain is
// what that stands for, which the salt depends on.
func (d *discloser) disclose(path string, name, value, plain []byte) [32]byte {
	e := base64.RawURLEncoding
	b := append(d.buf[:0], '[', '"')
	b = e.AppendEncode(b, d.salt(path, plain))
	b = append(b, '"', ',')
	if name != nil {
		b = append(append(append(b, '"'), name...), '"', ',')
	}
	b = append(append(b, value...), ']')
	d.buf = b
	text := e.AppendEncode(make([]byte, 0, e.EncodedLen(len(b))), b)
	m := made{digest: sha256.Sum256(text), text: text}
	d.made = append(d.made, m)
	return m.digest
}

// salt returns 128 bits that only the issuer can compute and that are the same
// whenever it issues the same value in the same place of the same version:
// HMAC-SHA-256 over issuer, id, version, path and value, each with its length.
func (d *discloser) salt(path string, value []byte) []byte {
	d.mac.Reset()
	var length [4]byte
	for _, part := range [...][]byte{d.issuer, []byte(d.id), []byte(d.version), []byte(path), value} {
		binary.BigEndian.PutUint32(length[:], uint32(len(part)))
		d.mac.Write(length[:])
		d.mac.Write(part)
	}
	return d.mac.Sum(nil)[:16]
}
