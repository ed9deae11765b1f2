package link

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"
)

// benchFrame has five messages of 166 KB, as compressible as base64url is.
func benchFrame() Frame {
	f := Frame{Incarnation: "inc", FirstSeq: 1, Next: bytes.Repeat([]byte("c"), 81), Root: "root"}
	for range 5 {
		f.Messages = append(f.Messages, base64.RawURLEncoding.AppendEncode(nil, incompressible(125_000)))
	}
	return f
}

func BenchmarkEncodeFrame(b *testing.B) {
	c, f := codec(b), benchFrame()
	b.SetBytes(5 * 166_667)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.EncodeFrame(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeFrame(b *testing.B) {
	c := codec(b)
	raw, err := c.EncodeFrame(benchFrame())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(5 * 166_667)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.DecodeFrame(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCursor(b *testing.B) {
	k := cursorKey(b, 1)
	c := Cursor{Incarnation: "0123456789abcdef0123456789abcdef", Pos: 7, Seq: 3}
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := k.Seal("bb", c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := k.Open("bb", sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReceipt(b *testing.B) {
	k, keys := signer(b, "bb")
	r := sampleReceipt()
	now := r.At.Add(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		raw, err := SignReceipt(r, k)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := OpenReceipt(raw, keys, now); err != nil {
			b.Fatal(err)
		}
	}
}
