package envelope

// take marks the disclosure at an index as used in a place and cuts its name; s
// stands at its value. Its text is [salt, value] for an object or an element and
// [salt, name, value] for a property. Who has read the value calls closed.
func (b *builder) take(at int, p place, parent int) (name []byte, s scanner, err error) {
	d := &b.m.discs[at]
	if b.record {
		if d.used {
			return nil, s, bad("digest %s occurs twice", digestString(b.m.digests[at]))
		}
		d.used, d.place, d.item, d.parent = true, p, int16(b.item), int16(parent)
		b.m.order = append(b.m.order, int16(at))
	}
	if s.b, b.json, err = b.m.json(at, b.json); err != nil {
		return nil, s, err
	}
	if !s.next('[') {
		return nil, s, bad("disclosure %d is not a JSON array", at)
	}
	salt, escaped, ok := s.text()
	if !ok || escaped || !goodSalt(salt) || !s.next(',') {
		return nil, s, bad("disclosure %d does not begin with a salt of 22 to 64 base64url characters", at)
	}
	if p != inMessage && p != inRefs {
		name, escaped, ok = s.text()
		if !ok || escaped || !s.next(',') {
			return nil, s, bad("disclosure %d has no plain property name", at)
		}
	}
	return name, s, nil
}

// closed checks that a disclosure ends after its value.
func (b *builder) closed(s *scanner, at int) error {
	if !s.next(']') || !s.end() {
		return bad("disclosure %d has not the shape for its place", at)
	}
	return nil
}

// plain reads the value at which a disclosure stands, and its end.
func (b *builder) plain(s *scanner, at int) ([]byte, error) {
	value, ok := s.value()
	if !ok {
		return nil, bad("disclosure %d has not the shape for its place", at)
	}
	return value, b.closed(s, at)
}

// rest cuts all that is left of a disclosure before its last bracket, as its
// value. That it is one, and no more, is for the object to show.
func (b *builder) rest(s *scanner) (value []byte, ok bool) {
	last := len(s.b) - 1
	if b.careful || s.i >= last || s.b[last] != ']' || s.b[last-1] <= ' ' {
		return nil, false
	}
	return s.b[s.i:last], true
}

// goodSalt reports whether a salt has at least 128 bits and one spelling.
func goodSalt(s []byte) bool {
	if len(s) < 22 || len(s) > 64 {
		return false
	}
	ok := true
	for _, c := range s {
		ok = ok && saltByte[c]
	}
	return ok
}

// saltByte is the alphabet of base64url.
var saltByte = func() (t [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		t[c] = true
	}
	return t
}()
