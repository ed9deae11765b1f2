package link

import (
	"context"
	"errors"
	"testing"

	"github.com/entente-relay/entente/federation"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// sourceFunc is a Source of one function.
type sourceFunc func(p Pull) (Frame, error)

func (f sourceFunc) Frame(_ context.Context, _ string, p Pull) (Frame, error) { return f(p) }

func TestServerAnswersWhateverHappens(t *testing.T) {
	c := codec(t)
	then := Cursor{Incarnation: "inc", Pos: 1, Seq: 1}
	one := Frame{Incarnation: "inc", FirstSeq: 1, Messages: [][]byte{[]byte("m")}, Then: then}
	for name, x := range map[string]struct {
		source sourceFunc
		want   federation.Reason
	}{
		"frame":                       {func(Pull) (Frame, error) { return one, nil }, ""},
		"nothing new":                 {func(Pull) (Frame, error) { return Frame{Incarnation: "inc", FirstSeq: 1}, nil }, ""},
		"refusal":                     {func(Pull) (Frame, error) { return Frame{}, federation.Refuse(federation.NoAgreement, "x", "y") }, federation.NoAgreement},
		"error":                       {func(Pull) (Frame, error) { return Frame{}, errors.New("disk at /secret") }, federation.PolicyError},
		"cursor does not fit":         {func(Pull) (Frame, error) { f := one; f.Then.Seq = 9; return f, nil }, federation.PolicyError},
		"messages without a cursor":   {func(Pull) (Frame, error) { f := one; f.Then = Cursor{}; return f, nil }, federation.PolicyError},
		"more than the wire can take": {func(Pull) (Frame, error) { f := one; f.Messages = [][]byte{incompressible(MaxWire)}; return f, nil }, federation.TooLarge},
	} {
		s := &Server{Source: x.source, Cursors: cursorKey(t, 1)}
		req, err := EncodePull(Pull{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.DecodeFrame(s.Serve(t.Context(), "bb", req))
		if federation.ReasonOf(err) != x.want || (x.want == "" && err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "frame" {
			if at, err := s.Cursors.Open("bb", f.Next); err != nil || at != then {
				t.Errorf("cursor %+v %v", at, err)
			}
		}
	}
	s := &Server{Source: sourceFunc(func(Pull) (Frame, error) { t.Error("the source was asked"); return Frame{}, nil }), Cursors: cursorKey(t, 1)}
	for _, req := range [][]byte{nil, []byte("x"), make([]byte, 2*MaxWire)} {
		if _, err := c.DecodeFrame(s.Serve(t.Context(), "bb", req)); err == nil {
			t.Errorf("a request of %d strange bytes is answered with a frame", len(req))
		}
	}
}

// What a receiver asks for reaches the source within our own limits.
func TestServerBoundsWhatIsAsked(t *testing.T) {
	for _, c := range []struct{ asked, want int }{{0, DefaultMaxBytes}, {1, 1}, {MaxBody, DefaultMaxBytes}} {
		var got Pull
		s := &Server{Source: sourceFunc(func(p Pull) (Frame, error) { got = p; return Frame{Incarnation: "i", FirstSeq: 1}, nil }), Cursors: cursorKey(t, 1)}
		req, err := EncodePull(Pull{MaxBytes: c.asked, Wait: MaxWait})
		if err != nil {
			t.Fatal(err)
		}
		s.Serve(t.Context(), "bb", req)
		if got.MaxBytes != c.want || got.Wait != MaxWait || got.At != (Cursor{}) {
			t.Errorf("asked %d, the source saw %+v", c.asked, got)
		}
	}
}
