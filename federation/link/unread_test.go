package link

import "testing"

// TestUnreadIsBounded: a peer that asks and shows no cursor of an answer is let
// go; one that reads, loses answers now and then, or walks a path it knows from
// before, is told apart.
func TestUnreadIsBounded(t *testing.T) {
	c := codec(t)
	body := incompressible(256 << 10)
	source := sourceFunc(func(p Pull) (Frame, error) {
		return Frame{Incarnation: "inc", FirstSeq: p.At.Seq + 1, Messages: [][]byte{body}, Then: Cursor{Incarnation: "inc", Pos: p.At.Pos + 1, Seq: p.At.Seq + 1}}, nil
	})
	let := map[string]int{}
	s := &Server{Source: source, Cursors: cursorKey(t, 1), Unread: func(peer string) { let[peer]++ }}
	ask := func(peer string, cursor []byte) (next []byte, answered bool) {
		t.Helper()
		req, err := EncodePull(Pull{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		b := s.Serve(t.Context(), peer, req)
		if b == nil {
			return nil, false
		}
		f, err := c.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		return f.Next, true
	}
	var cursor []byte
	known := [][]byte{nil}
	for i := range 40 { // each answer read, every third lost first
		if i%3 == 0 {
			ask("honest", cursor)
		}
		cursor, _ = ask("honest", cursor)
		known = append(known, cursor)
	}
	if let["honest"] > 0 {
		t.Fatalf("a peer that reads was let go %d times", let["honest"])
	}
	for name, next := range map[string]func(i int) []byte{
		"the beginning again and again": func(int) []byte { return nil },
		"one place again and again":     func(int) []byte { return known[7] },
		"a way it went before":          func(i int) []byte { return known[i%len(known)] },
	} {
		before, waits, most := let["honest"], 0, 0
		for i := range 40 {
			if _, answered := ask("honest", next(i)); answered {
				waits += len(body)
			} else {
				waits = 0
			}
			most = max(most, waits)
		}
		if most > MaxUnread || let["honest"] == before {
			t.Errorf("%s: %d bytes may wait, at most %d; let go %d times", name, most, MaxUnread, let["honest"]-before)
		}
	}
}
