package envelope

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A string ends where reading it byte by byte says that it does.
func TestScannerText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := append([]byte{'"'}, rapid.SliceOfN(rapid.SampledFrom([]byte("aaaaaaaaaaaa!#[]\x00\x1f\x7f\x80\xa2\xdc\xff\"\\")), 0, 40).Draw(t, "text")...)
		end, escaped := 1, false
		for end < len(b) && b[end] != '"' {
			if b[end] == '\\' {
				escaped = true
				end++
			}
			end++
		}
		s := scanner{b: b}
		content, gotEscaped, ok := s.text()
		if ok != (end < len(b)) || ok && (!bytes.Equal(content, b[1:end]) || gotEscaped != escaped || s.i != end+1) {
			t.Fatalf("%q: %q, %v, %v, to %d; want the end at %d", b, content, gotEscaped, ok, s.i, end)
		}
	})
}

// A digest is found where it is, whatever digests there are, and no other is.
func TestFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]byte{0, 1, 127, 128, 254, 255})
		digest := rapid.Custom(func(t *rapid.T) [32]byte {
			d := sha256.Sum256([]byte{rapid.Byte().Draw(t, "seed")})
			d[0] = first.Draw(t, "first")
			if rapid.Bool().Draw(t, "alike") { // but for the last byte
				d = [32]byte{0: d[0], 31: d[31]}
			}
			return d
		})
		m := &message{digests: slices.Compact(sortedDigests(rapid.SliceOfN(digest, 0, 60).Draw(t, "digests")))}
		m.rows.of(m.digests)
		for _, d := range append(rapid.SliceOfN(digest, 1, 9).Draw(t, "asked"), m.digests...) {
			if got, want := m.find(&d), slices.Index(m.digests, d); got != want {
				t.Fatalf("%x found at %d of %x", d, got, m.digests)
			}
		}
	})
}

// What is read of a message does not change when others are read after it in the
// same buffers, and names and digests stay those of its text.
func TestReadingLeavesNothingBehind(t *testing.T) {
	_, keys := testParticipants(t)
	o := VerifyOptions{Keys: keys, Now: testNow}
	one, two := issueOne(t, workload(t)...), issueOne(t, sampleObjects(t)...)
	read := func(v *Verified) (*Verified, []byte) {
		got, err := Verify(v.Raw(), o)
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for i, it := range got.Items() {
			all = append(all, it.Object.Raw()...)
			for _, at := range got.m.order[got.m.items[i].from:got.m.items[i].to] {
				all = append(append(all, got.m.name(int(at))...), got.m.text(int(at))...)
			}
		}
		return got, all
	}
	first, was := read(one)
	for range 3 {
		if _, other := read(two); bytes.Equal(other, was) {
			t.Fatal("two messages with the same content")
		}
		var is []byte
		for i, it := range first.Items() {
			is = append(is, it.Object.Raw()...)
			for _, at := range first.m.order[first.m.items[i].from:first.m.items[i].to] {
				is = append(append(is, first.m.name(int(at))...), first.m.text(int(at))...)
			}
		}
		if !bytes.Equal(is, was) {
			t.Fatal("a message changed while another was read")
		}
	}
	if first.m.scratch != nil || one.m.scratch != nil {
		t.Error("a message that was read holds the buffer it was read in")
	}
}
