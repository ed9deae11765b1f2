package directory

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The quick decoder takes what the library takes, and no other text.
func TestDecodeQuickIsStrict(t *testing.T) {
	same := func(t interface{ Fatalf(string, ...any) }, dst, text []byte) {
		want, err := decodeStrict(bytes.Clone(dst), text)
		got, ok := decodeQuick(bytes.Clone(dst), text)
		if ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Fatalf("%q after %d bytes: quick %x, %v; strict %x, %v", text, len(dst), got, ok, want, err)
		}
	}
	for c := range 256 { // each character in each place, and each of the ends
		for n := range 9 {
			for at := range n {
				text := []byte(strings.Repeat("A", n))
				text[at] = byte(c)
				same(t, nil, text)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]byte(alphabet)), 0, 60).Draw(t, "text")
		if len(text) > 0 && rapid.Bool().Draw(t, "spoilt") {
			text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		same(t, rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "before"), text)
	})
}

// The encoder writes what the library writes, behind what is there.
func TestAppendBase64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "bytes")
		before := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "before")
		want := strict.AppendEncode(bytes.Clone(before), src)
		got := AppendBase64(slices.Grow(bytes.Clone(before), rapid.IntRange(0, 9).Draw(t, "room")), src)
		if !bytes.Equal(got, want) {
			t.Fatalf("%x: %s, want %s", src, got, want)
		}
	})
}
