package link

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/entente-relay/entente/federation"
	"pgregory.net/rapid"
)

func cursorKey(t testing.TB, secret byte) *CursorKey {
	t.Helper()
	k, err := NewCursorKey(bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCursorRoundTrip(t *testing.T) {
	k := cursorKey(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		c := Cursor{Incarnation: rapid.StringMatching(`[a-f0-9]{1,64}`).Draw(t, "i"), Pos: rapid.Uint64().Draw(t, "pos"), Seq: rapid.Uint64().Draw(t, "seq"), Check: rapid.Uint64().Draw(t, "check")}
		peer := rapid.String().Draw(t, "peer")
		sealed, err := k.Seal(peer, c)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) > maxCursor {
			t.Fatalf("%d bytes", len(sealed))
		}
		got, err := k.Open(peer, sealed)
		if err != nil || got != c {
			t.Fatalf("got %+v, %v, want %+v", got, err, c)
		}
		if other := rapid.String().Draw(t, "other"); other != peer {
			if _, err := k.Open(other, sealed); federation.ReasonOf(err) != federation.Malformed {
				t.Fatalf("opened for %q: %v", other, err)
			}
		}
	})
}

// No bit of a cursor can be changed, none left out or added.
func TestForgedCursor(t *testing.T) {
	k := cursorKey(t, 1)
	sealed, err := k.Seal("bb", Cursor{Incarnation: "inc-1", Pos: 7, Seq: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open("bb", sealed); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, peer string, k *CursorKey, b []byte) {
		t.Helper()
		if _, err := k.Open(peer, b); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range len(sealed) * 8 {
		forged := bytes.Clone(sealed)
		forged[i/8] ^= 1 << (i % 8)
		refused("a bit changed", "bb", k, forged)
	}
	for n := range sealed {
		refused("cut short", "bb", k, sealed[:n])
	}
	refused("longer", "bb", k, append(bytes.Clone(sealed), 0))
	refused("of another peer", "cc", k, sealed)
	refused("of another node", "bb", cursorKey(t, 2), sealed)
	refused("huge", "bb", k, make([]byte, maxCursor+1))
	if _, err := k.Seal("bb", Cursor{Pos: 1}); err == nil {
		t.Error("a cursor without incarnation is sealed")
	}
	if _, err := NewCursorKey(make([]byte, 15)); err == nil {
		t.Error("a short secret is taken")
	}
}

// A cursor shows nothing of where it points: neighbouring places look unlike,
// and so do two cursors of one place, and all have one length.
func TestCursorIsOpaque(t *testing.T) {
	k := cursorKey(t, 1)
	var before []byte
	for pos := range uint64(300) {
		sealed, err := k.Seal("bb", Cursor{Incarnation: "inc", Pos: pos / 2, Seq: 1})
		if err != nil {
			t.Fatal(err)
		}
		if before != nil {
			same := 0
			for i := range sealed {
				if sealed[i] == before[i] {
					same++
				}
			}
			if len(sealed) != len(before) || same > len(sealed)/3 {
				t.Fatalf("cursors %d and %d share %d of %d bytes", pos-1, pos, same, len(sealed))
			}
		}
		before = sealed
	}
}

// A peer that sends a cursor it made up, or that of another peer, gets a reason
// and no frame.
func TestServerRefusesForeignCursors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.fill(4)
		c := codec(t)
		foreign, err := r.wire.server.Cursors.Seal("cc", Cursor{Incarnation: "inc-1", Pos: 0, Seq: 0})
		if err != nil {
			t.Fatal(err)
		}
		own, err := r.wire.server.Cursors.Seal("bb", Cursor{Incarnation: "inc-1"})
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			peer   string
			cursor []byte
		}{"made up": {"bb", slices.Repeat([]byte("x"), 60)}, "cc's from bb": {"bb", foreign}, "bb's from cc": {"cc", own}} {
			req, err := EncodePull(Pull{Cursor: x.cursor})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.DecodeFrame(r.wire.server.Serve(t.Context(), x.peer, req))
			if federation.ReasonOf(err) != federation.Malformed {
				t.Errorf("%s: %v", name, err)
			}
			if r.log.frames != 0 {
				t.Errorf("%s: the log was read", name)
			}
		}
	})
}
