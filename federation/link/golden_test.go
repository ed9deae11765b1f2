package link

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Version 1 of the encoding stays as it is: other nodes speak it. The golden
// files are also the seeds that every run of the fuzz targets starts from.
func TestWireIsStable(t *testing.T) {
	c := codec(t)
	frame := func(f Frame) []byte {
		b, err := c.EncodeFrame(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	pull, err := EncodePull(Pull{Cursor: []byte("cursor"), MaxBytes: 1000, Wait: 1500 * time.Millisecond, Receipt: []byte("e30.e30.c2ln")})
	if err != nil {
		t.Fatal(err)
	}
	key := cursorKey(t, 1)
	key.fresh = func(b []byte) { copy(b, "not very random!") }
	cursor, err := key.Seal("bb", Cursor{Incarnation: "inc", Pos: 77, Seq: 5, Check: 9})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"pull":         pull,
		"frame":        frame(Frame{Incarnation: "inc", FirstSeq: 300, Root: "root", Next: []byte("next"), More: true, Messages: [][]byte{[]byte("one"), []byte("three")}}),
		"frame-parts":  frame(Frame{Incarnation: "inc", FirstSeq: 300, Root: "root", Next: []byte("next"), Blocks: []*Block{c.Pack([][]byte{[]byte("on"), []byte("thr")})}, Tails: [][]byte{[]byte("e"), []byte("ee")}}),
		"frame-gap":    frame(Frame{Incarnation: "inc", FirstSeq: 1, Next: []byte("next"), Gap: &Gap{Until: time.UnixMilli(1767657600000), Reason: federation.Expired}}),
		"frame-none":   frame(Frame{Incarnation: "inc", FirstSeq: 6}),
		"fault":        (&Fault{Reason: federation.Quota, Detail: "later", Incarnation: "inc", RetryAfter: time.Minute}).encode(),
		"cursor-k1-bb": cursor,
	} {
		golden(t, filepath.Join("testdata", "wire", name+".hex"), hex.EncodeToString(b)+"\n")
		if kind, _, _ := strings.Cut(name, "-"); kind != "cursor" {
			target := map[string]string{"pull": "FuzzPull", "frame": "FuzzFrame", "fault": "FuzzFrame"}[kind]
			golden(t, filepath.Join("testdata", "fuzz", target, "wire-"+name), fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b))
		}
	}
}

// golden compares text with a file, or writes it with -update.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s: the encoding changed\n got %s\nwant %s", path, text, want)
	}
}
