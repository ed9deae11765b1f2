package stix

import (
	"bytes"
	"strings"
)

// EachID calls f for every identifier "type--uuid" that stands anywhere in a
// JSON value: as a reference, in a text, as the name of a member. It is wider
// than [Object.Refs] on purpose: an id tells the same wherever it stands. Text
// that runs into an id ("x-indicator--...") is read both as written and, where
// its end names a type of STIX 2.1, as that type. Upper case is read as lower.
func EachID(value []byte, f func(id string)) {
	if !bytes.Contains(value, []byte("--")) && bytes.IndexByte(value, '\\') < 0 {
		return
	}
	eachText(value, func(text []byte) { eachIDIn(text, f) })
}

// eachIDIn finds the identifiers in one text.
func eachIDIn(text []byte, f func(id string)) {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte("--"))
		if i < 0 {
			return
		}
		at := from + i // of the two hyphens
		from = at + 1
		if len(text) < at+2+uuidLen {
			return
		}
		start := at
		for start > 0 && typeByte(text[start-1]) {
			start--
		}
		if start == at || text[at+2+8] != '-' {
			continue
		}
		found := strings.ToLower(string(text[start : at+2+uuidLen]))
		typ, tail := found[:at-start], found[at-start:]
		if !validUUID(tail[2:]) {
			continue
		}
		if i := strings.LastIndex(typ, "--"); i >= 0 {
			typ = typ[i+2:]
		}
		typ = strings.TrimLeft(typ, "-")
		if validType(typ) {
			f(found[at-start-len(typ):])
		}
		if _, known := types21[typ]; known {
			continue
		}
		for cut := 1; cut < len(typ); cut++ {
			if _, known := types21[typ[cut:]]; known {
				f(typ[cut:] + tail)
				break
			}
		}
	}
}

// typeByte reports whether a byte may stand in the name of a type, in either
// case.
func typeByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
}
