package link

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// inParts puts the messages of a frame into blocks and tails, cut anywhere.
func inParts(t *rapid.T, c *Codec, f Frame) Frame {
	var heads [][]byte
	flush := func() {
		if len(heads) > 0 {
			f.Blocks, heads = append(f.Blocks, c.Pack(heads)), nil
		}
	}
	for _, m := range f.Messages {
		at := rapid.IntRange(1, len(m)-1).Draw(t, "cut")
		heads, f.Tails = append(heads, m[:at]), append(f.Tails, m[at:])
		if rapid.Bool().Draw(t, "next block") {
			flush()
		}
	}
	flush()
	f.Messages = nil
	return f
}

// A frame in parts is read as the same frame in one piece is, whatever blocks it
// is made of, and a block serves many frames.
func TestPartsAreWhole(t *testing.T) {
	c := codec(t)
	rapid.Check(t, func(t *rapid.T) {
		f := genFrame().Draw(t, "frame")
		for i, m := range f.Messages {
			if len(m) < 2 {
				f.Messages[i] = []byte("two")
			}
		}
		parts := inParts(t, c, f)
		if parts.Count() != len(f.Messages) {
			t.Fatalf("%d messages of %d", parts.Count(), len(f.Messages))
		}
		for range 2 {
			b, err := c.EncodeFrame(parts)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.DecodeFrame(b)
			if err != nil || !reflect.DeepEqual(got, f) {
				t.Fatalf("got %+v, %v\nwant %+v", got, err, f)
			}
		}
	})
}

// What does not fit together is not sent.
func TestPartsThatDoNotFit(t *testing.T) {
	c := codec(t)
	one, two := c.Pack([][]byte{[]byte("a")}), c.Pack([][]byte{[]byte("a"), []byte("b")})
	tails := [][]byte{[]byte("x"), []byte("y")}
	for name, x := range map[string]struct {
		f    Frame
		want federation.Reason
	}{
		"good":                   {Frame{Blocks: []*Block{two}, Tails: tails}, ""},
		"two blocks":             {Frame{Blocks: []*Block{one, one}, Tails: tails}, ""},
		"a tail too many":        {Frame{Blocks: []*Block{one}, Tails: tails}, federation.Malformed},
		"a head too many":        {Frame{Blocks: []*Block{two, one}, Tails: tails}, federation.Malformed},
		"no tails":               {Frame{Blocks: []*Block{one}}, federation.Malformed},
		"no blocks":              {Frame{Tails: tails}, federation.Malformed},
		"an empty tail":          {Frame{Blocks: []*Block{two}, Tails: [][]byte{[]byte("x"), {}}}, federation.Malformed},
		"an empty head":          {Frame{Blocks: []*Block{c.Pack([][]byte{{}, []byte("b")})}, Tails: tails}, federation.Malformed},
		"messages besides":       {Frame{Blocks: []*Block{two}, Tails: tails, Messages: [][]byte{[]byte("z")}}, federation.Malformed},
		"too large in memory":    {Frame{Blocks: []*Block{c.Pack([][]byte{make([]byte, MaxBody)})}, Tails: tails[:1]}, federation.TooLarge},
		"too large for the wire": {Frame{Blocks: []*Block{c.Pack([][]byte{incompressible(MaxWire)})}, Tails: tails[:1]}, federation.TooLarge},
		"too many messages":      {Frame{Blocks: []*Block{two}, Tails: make([][]byte, MaxMessages+1)}, federation.TooLarge},
	} {
		x.f.Incarnation, x.f.FirstSeq, x.f.Next = "inc", 1, []byte("next")
		if _, err := c.EncodeFrame(x.f); federation.ReasonOf(err) != x.want || x.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A frame in parts that lies about them is refused.
func TestPartsThatLie(t *testing.T) {
	c := codec(t)
	for name, body := range map[string][]byte{
		"an empty head":        {0, 2, 'x', 'y'},
		"an empty tail":        {2, 0, 'x', 'y'},
		"more than there is":   {2, 1, 'x', 'y'},
		"less than there is":   {1, 1, 'x', 'y', 'z'},
		"a head of gigabytes":  {0xff, 0xff, 0xff, 0xff, 0x0f, 1, 'x', 'y'},
		"two that would wrap":  append(bytes.Repeat([]byte{0xff}, 9), 1, 1, 'x'),
		"no lengths":           {},
		"half of the lengths":  {1},
		"spelt in two bytes":   {0x81, 0x00, 1, 'x', 'y'},
		"another form of body": {2, 'x', 'y'},
	} {
		_, err := c.DecodeFrame(rawFrame(flagParts, 1, uint64(len(body)), body))
		if r := federation.ReasonOf(err); r != federation.Malformed && r != federation.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.DecodeFrame(rawFrame(flagParts|flagPacked, 1, MaxBody, bomb(t, 1<<30)))
	if federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("a bomb: %v", err)
	}
	if f, err := c.DecodeFrame(rawFrame(flagParts, 1, 4, []byte{1, 1, 'y', 'x'})); err != nil || string(f.Messages[0]) != "xy" {
		t.Errorf("honest parts: %q, %v", f.Messages, err)
	}
}
