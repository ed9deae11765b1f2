package link

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// seeds are the shapes that the fuzz targets start from.
func frameSeeds(t testing.TB, c *Codec) [][]byte {
	t.Helper()
	var out [][]byte
	for _, f := range []Frame{
		{Incarnation: "i", FirstSeq: 1},
		{Incarnation: "inc", FirstSeq: 5, Root: "root", Next: []byte("cursor"), More: true, Messages: [][]byte{[]byte("one"), []byte("two")}},
		{Incarnation: "inc", FirstSeq: 5, Next: []byte("c"), Gap: &Gap{Since: time.UnixMilli(5), Reason: federation.Expired}, Messages: [][]byte{bytes.Repeat([]byte("compress me "), 1000)}},
	} {
		b, err := c.EncodeFrame(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return append(out,
		(&Fault{Reason: federation.Quota, Detail: "later", Incarnation: "i", RetryAfter: time.Second}).encode(),
		rawFrame(flagPacked, 1, 100, claimedBomb()),
		rawFrame(0, 3, 2, []byte{1, 1}),
		rawFrame(flagParts, 1, 4, []byte{1, 1, 'y', 'x'}))
}

func pullSeeds(t testing.TB) [][]byte {
	t.Helper()
	var out [][]byte
	for _, p := range []Pull{{}, {Cursor: []byte("cursor"), MaxBytes: 1000, Wait: time.Second, Receipt: []byte("a.b.c")}} {
		b, err := EncodePull(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func FuzzFrame(f *testing.F) {
	c := codec(f)
	for _, b := range frameSeeds(f, c) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := c.DecodeFrame(b)
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Fatalf("an error without a reason: %v", err)
			}
			return
		}
		total := 0
		for _, m := range got.Messages {
			total += len(m)
		}
		if total > MaxBody || len(got.Messages) > MaxMessages || got.FirstSeq == 0 {
			t.Fatalf("limits: %d messages of %d bytes from %d", len(got.Messages), total, got.FirstSeq)
		}
		again, err := c.EncodeFrame(got)
		if federation.ReasonOf(err) == federation.TooLarge {
			return // our compressor may do worse than theirs
		}
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := c.DecodeFrame(again)
		if err != nil || !reflect.DeepEqual(back, got) {
			t.Fatalf("came back as %+v (%v), was %+v", back, err, got)
		}
	})
}

func FuzzPull(f *testing.F) {
	for _, b := range pullSeeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePull(b)
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Fatalf("an error without a reason: %v", err)
			}
			return
		}
		// A pull has one spelling.
		again, err := EncodePull(p)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x was read, written again it is %x (%v)", b, again, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	k := cursorKey(f, 1)
	k.fresh = func(b []byte) { clear(b) } // each process that fuzzes makes the same cursor
	good, err := k.Seal("bb", Cursor{Incarnation: "inc", Pos: 1, Seq: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("bb", good)
	f.Add("cc", good)
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, peer string, b []byte) {
		if _, err := k.Open(peer, b); err == nil && (peer != "bb" || !bytes.Equal(b, good)) {
			t.Fatalf("%x opens for %q, and nobody sealed it", b, peer)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	k, keys := signer(f, "bb")
	good, err := SignReceipt(sampleReceipt(), k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("e30.e30.e30"))
	now := sampleReceipt().At
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := OpenReceipt(b, keys, now)
		if err == nil && !bytes.Equal(b, good) {
			t.Fatalf("a receipt nobody signed is taken: %+v", r)
		}
		if err != nil && federation.ReasonOf(err) == "" {
			t.Fatalf("an error without a reason: %v", err)
		}
	})
}

// The claims of a receipt are read after its signature, but by a peer's pen:
// they get a fuzz target without one.
func FuzzReceiptClaims(f *testing.F) {
	f.Add(uint64(1), 1, int64(0), 0, "malformed")
	f.Add(uint64(1<<64-1), 600, int64(1<<62), -1, "")
	f.Fuzz(func(t *testing.T, first uint64, n int, iat int64, place int, why string) {
		if n < 0 || n > 2*MaxMessages {
			return
		}
		c := receiptClaims{Ver: 1, Iss: "bb", Aud: "aa", Iat: iat, First: first, Out: make([][4]uint32, n), Why: map[int]federation.Reason{place: federation.Reason(why)}}
		r, err := c.receipt(time.Unix(1767657600, 0))
		if err != nil {
			return
		}
		if uint64(len(r.Outcomes)) != r.LastSeq-r.FirstSeq+1 || len(r.Outcomes) != n {
			t.Fatalf("%d outcomes for %d to %d", len(r.Outcomes), r.FirstSeq, r.LastSeq)
		}
	})
}

// Finds of the fuzzer that are kept run with every test; this says if they, or
// the seeds, ever get lost.
func TestCorpusIsNotEmpty(t *testing.T) {
	c := codec(t)
	if len(frameSeeds(t, c)) < 6 || len(pullSeeds(t)) < 2 {
		t.Error("seeds are missing")
	}
	for _, target := range []string{"FuzzFrame", "FuzzPull"} {
		found, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
		if err != nil || len(found) == 0 {
			t.Errorf("%s has no kept corpus: %v", target, err)
		}
		for _, name := range found {
			if info, err := os.Stat(name); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
