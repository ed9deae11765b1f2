package mapping

import (
	"encoding/binary"
	"time"
)

// Key returns a canonical byte string of every field: two handlings have the
// same key exactly when a decision cannot tell them apart. Every text is
// length-prefixed, so no choice of labels makes two handlings collide. It is
// meant as (part of) a cache key, not for display.
func (h Handling) Key() string {
	buf := make([]byte, 0, 256)
	buf = append(buf, byte(h.TLP), byte(h.PAP), flags(h.TLPVersion1, h.PersonalData))
	buf = binary.AppendVarint(buf, int64(h.RetainDays))
	buf = appendTime(buf, h.NotBefore)
	buf = appendTime(buf, h.NotAfter)
	buf = binary.AppendUvarint(buf, uint64(len(h.Levels)))
	for _, l := range h.Levels {
		buf = appendText(buf, l.Scheme)
		buf = appendText(buf, l.Country)
		buf = appendText(buf, l.Code)
		buf = appendText(buf, l.Label)
		buf = binary.AppendVarint(buf, int64(l.Rank))
		buf = appendTime(buf, l.Created)
	}
	for _, list := range [...][]string{h.Compartments, h.Caveats, h.Contracts, h.Statements} {
		buf = appendList(buf, list)
	}
	for _, s := range [...]Set{h.Releasable, h.Residency, h.Purposes} {
		buf = append(buf, flags(s.restricted))
		buf = appendList(buf, s.members)
	}
	return string(buf)
}

// flags packs booleans into one byte, the first in the lowest bit.
func flags(bits ...bool) byte {
	var b byte
	for i, set := range bits {
		if set {
			b |= 1 << i
		}
	}
	return b
}

func appendText(buf []byte, s string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(s)))
	return append(buf, s...)
}

func appendList(buf []byte, list []string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(list)))
	for _, s := range list {
		buf = appendText(buf, s)
	}
	return buf
}

// appendTime writes seconds and nanoseconds apart, because UnixNano is
// undefined for the zero time and for far years.
func appendTime(buf []byte, t time.Time) []byte {
	buf = binary.AppendVarint(buf, t.Unix())
	return binary.AppendUvarint(buf, uint64(t.Nanosecond()))
}
