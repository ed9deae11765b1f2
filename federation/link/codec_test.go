package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

func codec(t testing.TB) *Codec {
	t.Helper()
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(1, maxMilli).Draw(t, "ms")).UTC()
	})
}

func genFrame() *rapid.Generator[Frame] {
	name := rapid.StringMatching(`[a-zA-Z0-9._-]{1,40}`)
	return rapid.Custom(func(t *rapid.T) Frame {
		f := Frame{
			Ver: Version, Incarnation: name.Draw(t, "incarnation"), FirstSeq: rapid.Uint64Range(1, 1<<63).Draw(t, "seq"),
			More: rapid.Bool().Draw(t, "more"), Root: rapid.StringMatching(`[a-zA-Z0-9_-]{0,43}`).Draw(t, "root"),
		}
		if n := rapid.SliceOfN(rapid.Byte(), 0, maxCursor).Draw(t, "next"); len(n) > 0 {
			f.Next = n
		}
		if rapid.Bool().Draw(t, "gap") {
			f.Gap = &Gap{Since: genTime().Draw(t, "since"), Until: genTime().Draw(t, "until"), Reason: federation.Expired}
		}
		for range rapid.IntRange(0, 20).Draw(t, "messages") {
			f.Messages = append(f.Messages, rapid.SliceOfN(rapid.Byte(), 1, 3000).Draw(t, "message"))
		}
		return f
	})
}

func TestFrameRoundTrip(t *testing.T) {
	c := codec(t)
	rapid.Check(t, func(t *rapid.T) {
		f := genFrame().Draw(t, "frame")
		b, err := c.EncodeFrame(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, f) {
			t.Fatalf("got %+v\nwant %+v", got, f)
		}
	})
}

func TestPullRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Pull{Ver: Version, MaxBytes: rapid.IntRange(0, MaxBody).Draw(t, "max"), Wait: time.Duration(rapid.IntRange(0, 60_000).Draw(t, "wait")) * time.Millisecond}
		if b := rapid.SliceOfN(rapid.Byte(), 0, maxCursor).Draw(t, "cursor"); len(b) > 0 {
			p.Cursor = b
		}
		if b := rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "receipt"); len(b) > 0 {
			p.Receipt = b
		}
		b, err := EncodePull(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePull(b)
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, p)
		}
	})
}

// incompressible returns n random bytes.
func incompressible(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

func TestLimits(t *testing.T) {
	c := codec(t)
	good := func() Frame {
		return Frame{Incarnation: "i", FirstSeq: 1, Messages: [][]byte{[]byte("m")}, Next: []byte("n")}
	}
	for name, c2 := range map[string]struct {
		change func(*Frame)
		want   federation.Reason
	}{
		"good":                       {func(*Frame) {}, ""},
		"what a receiver asks for":   {func(f *Frame) { f.Messages = [][]byte{incompressible(DefaultMaxBytes)} }, ""},
		"too large for the wire":     {func(f *Frame) { f.Messages = [][]byte{incompressible(MaxWire)} }, federation.TooLarge},
		"too large but compressible": {func(f *Frame) { f.Messages = [][]byte{make([]byte, MaxBody-4)} }, ""},
		"too large in memory":        {func(f *Frame) { f.Messages = [][]byte{make([]byte, MaxBody)} }, federation.TooLarge},
		"too many messages":          {func(f *Frame) { f.Messages = make([][]byte, MaxMessages+1) }, federation.TooLarge},
		"no incarnation":             {func(f *Frame) { f.Incarnation = "" }, federation.Malformed},
		"no sequence":                {func(f *Frame) { f.FirstSeq = 0 }, federation.Malformed},
		"long cursor":                {func(f *Frame) { f.Next = make([]byte, maxCursor+1) }, federation.Malformed},
	} {
		f := good()
		c2.change(&f)
		b, err := c.EncodeFrame(f)
		if federation.ReasonOf(err) != c2.want || (c2.want == "" && err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if _, err := c.DecodeFrame(b); err != nil {
				t.Errorf("%s: decode: %v", name, err)
			}
		}
	}
	for name, p := range map[string]Pull{
		"cursor": {Cursor: make([]byte, maxCursor+1)}, "receipt": {Receipt: make([]byte, MaxReceipt+1)},
		"max": {MaxBytes: -1}, "max 2": {MaxBytes: MaxBody + 1}, "wait": {Wait: -1}, "wait 2": {Wait: MaxWait + 1},
	} {
		if _, err := EncodePull(p); federation.ReasonOf(err) != federation.TooLarge {
			t.Errorf("pull with %s: %v", name, err)
		}
	}
}

// rawFrame writes a frame by hand, so that it may lie.
func rawFrame(flags, count, size uint64, rest []byte) []byte {
	w := begin(kindFrame)
	w.uint(flags)
	w.text("inc")
	w.uint(1)
	w.text("root")
	w.bytes([]byte("next"))
	w.uint(count)
	w.uint(size)
	return append(w, rest...)
}

// bomb is a small zstd frame that grows to size bytes.
func bomb(t testing.TB, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for n := int64(0); n < size; n += int64(len(zeros)) {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// claimedBomb is the header of a zstd frame (RFC 8878 section 3.1.1.1) that
// claims 10 GB of content, with one block that repeats a byte.
func claimedBomb() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	b = append(b, 0b11_1_00_0_00) // content size in 8 bytes, single segment
	b = binary.LittleEndian.AppendUint64(b, 10<<30)
	return append(b, 0b011, 0, 0x10, 'x') // last block, RLE, 128 KiB
}

// A frame that would decompress to gigabytes is refused, and costs no memory.
func TestDecompressionBombs(t *testing.T) {
	c := codec(t)
	real := bomb(t, 1<<30)
	if len(real) > MaxWire {
		t.Fatalf("the bomb has %d bytes and would not travel", len(real))
	}
	ten := claimedBomb()
	for name, b := range map[string][]byte{
		"1 GB, announced as the most":      rawFrame(flagPacked, 1, MaxBody, real),
		"1 GB, announced as little":        rawFrame(flagPacked, 1, 10, real),
		"1 GB, announced honestly":         rawFrame(flagPacked, 1, 1<<30, real),
		"claims 10 GB, announced small":    rawFrame(flagPacked, 1, 100, ten),
		"claims 10 GB, announced as most":  rawFrame(flagPacked, 1, MaxBody, ten),
		"claims 10 GB, announced honestly": rawFrame(flagPacked, 1, 10<<30, ten),
		"a million messages":               rawFrame(0, 1_000_000, 2, []byte("xx")),
		"more messages than bytes":         rawFrame(0, MaxMessages, 2, []byte{1, 1}),
		"empty messages":                   rawFrame(0, 2, 2, []byte{0, 0}),
		"a message beyond the end":         rawFrame(0, 1, 2, []byte{200, 1}),
		"bytes beyond the messages":        rawFrame(0, 1, 3, []byte{1, 'x', 'y'}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.DecodeFrame(b)
		runtime.ReadMemStats(&after)
		if r := federation.ReasonOf(err); r != federation.TooLarge && r != federation.Malformed {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 3*MaxBody {
			t.Errorf("%s: took %d bytes of memory", name, took)
		}
	}
	if _, err := c.DecodeFrame(make([]byte, MaxWire+1)); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("a frame larger than the wire: %v", err)
	}
}

func TestForeignBytes(t *testing.T) {
	c := codec(t)
	pull, err := EncodePull(Pull{Cursor: []byte("c")})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := c.EncodeFrame(Frame{Incarnation: "i", FirstSeq: 1})
	if err != nil {
		t.Fatal(err)
	}
	newer := func(b []byte) []byte { b = bytes.Clone(b); b[3]++; return b }
	long := bytes.Clone(pull)
	long = append(long[:4], append([]byte{0x81, 0x00}, long[5:]...)...) // length 1 spelt in two bytes
	for name, x := range map[string]struct {
		pull bool
		b    []byte
		want federation.Reason
	}{
		"empty pull":                   {true, nil, federation.Malformed},
		"frame as pull":                {true, frame, federation.Malformed},
		"pull as frame":                {false, pull, federation.Malformed},
		"newer pull":                   {true, newer(pull), federation.Unsupported},
		"newer frame":                  {false, newer(frame), federation.Unsupported},
		"pull with more after it":      {true, append(bytes.Clone(pull), 0), federation.Malformed},
		"short pull":                   {true, pull[:len(pull)-1], federation.Malformed},
		"another spelling of a number": {true, long, federation.Malformed},
		"large pull":                   {true, make([]byte, MaxWire+1), federation.TooLarge},
		"flags of the future":          {false, rawFrame(64, 0, 0, nil), federation.Unsupported},
		"name with a line break":       {false, bytes.Replace(rawFrame(0, 0, 0, nil), []byte("inc"), []byte("i\nc"), 1), federation.Malformed},
		"text of another protocol":     {false, []byte("HTTP/1.1 400 Bad Request"), federation.Malformed},
		"sequence that would wrap":     {false, bytes.Replace(rawFrame(0, 0, 0, nil), []byte("inc\x01"), append([]byte("inc"), binary.AppendUvarint(nil, 1<<64-1)...), 1), federation.TooLarge},
		"zero sequence":                {false, bytes.Replace(rawFrame(0, 0, 0, nil), []byte("inc\x01"), []byte("inc\x00"), 1), federation.Malformed},
	} {
		var err error
		if x.pull {
			_, err = DecodePull(x.b)
		} else {
			_, err = c.DecodeFrame(x.b)
		}
		if federation.ReasonOf(err) != x.want {
			t.Errorf("%s: %v, want %s", name, err, x.want)
		}
	}
}

func TestFaultRoundTrip(t *testing.T) {
	c := codec(t)
	for _, f := range []*Fault{
		{Reason: federation.Quota, Detail: "slow down", Incarnation: "inc", RetryAfter: time.Minute},
		{Reason: federation.Malformed, Detail: ""},
	} {
		_, err := c.DecodeFrame(f.encode())
		got, ok := errors.AsType[*Fault](err)
		if !ok || *got != *f || federation.ReasonOf(err) != f.Reason {
			t.Errorf("got %v, want %v", err, f)
		}
	}
	hostile := &Fault{Reason: "made-up-word", Detail: "\x1b[2Jcleared\r\nlevel=INFO forged" + strings.Repeat("ü", 1000), RetryAfter: 1000 * time.Hour}
	_, err := c.DecodeFrame(hostile.encode())
	got, ok := errors.AsType[*Fault](err)
	if !ok || got.Reason != federation.Unsupported || got.RetryAfter != maxRetryAfter || len(got.Detail) > maxDetail || strings.ContainsAny(got.Detail, "\x1b\r\n") {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(err.Error(), "made-up-word") {
		t.Errorf("the peer's word is lost: %v", err)
	}
	if _, err := c.DecodeFrame(hostile.encode()[:9]); federation.ReasonOf(err) != federation.Malformed {
		t.Errorf("short fault: %v", err)
	}
}

// What a peer is told of an error: a refusal's reason and detail, and of any
// other error nothing.
func TestFaultOf(t *testing.T) {
	refusal := &federation.Refusal{Reason: federation.NoAgreement, Where: "/secret/path", Detail: "none in force", Err: errors.New("inner secret")}
	if f := faultOf(refusal, "i"); f.Reason != federation.NoAgreement || f.Detail != "none in force" || f.Incarnation != "i" {
		t.Errorf("refusal: %+v", f)
	}
	if f := faultOf(errors.New("open /secret/path"), ""); f.Reason != federation.PolicyError || strings.Contains(f.Detail, "secret") {
		t.Errorf("other error: %+v", f)
	}
}
