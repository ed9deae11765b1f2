package envelope

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// TestLyingHops has a participant that holds a valid key sign something wrong.
func TestLyingHops(t *testing.T) {
	v := issueOne(t, parse(t, indicator), parse(t, identity))
	obj := digestString(v.Items()[0].Digest)
	other := digestString(v.Items()[1].Digest)
	zero := digestString([32]byte{})
	tests := []struct {
		name string
		edit func(*hopForger)
		want federation.Reason
	}{
		{"honest", func(*hopForger) {}, ""},
		{"counts from 1", func(f *hopForger) { f.record.N = 1 }, federation.BadSignature},
		{"after another element", func(f *hopForger) { f.record.Prev = zero }, federation.BadSignature},
		{"in another's name", func(f *hopForger) { f.record.Iss, f.root.Iss = "fr-cert", "fr-cert" }, federation.BadSignature},
		{"under another's root", func(f *hopForger) { f.by, f.root.Iss = "fr-cert", "fr-cert" }, federation.BadSignature},
		{"another dispatches first", func(f *hopForger) { f.by, f.root.Iss, f.record.Iss = "fr-cert", "fr-cert", "fr-cert" }, federation.WrongRecipient},
		{"for another", func(f *hopForger) { f.record.Aud = "jp-carrier" }, federation.WrongRecipient},
		{"to itself", func(f *hopForger) { f.record.Aud = "de-cert" }, federation.Loop},
		{"record and root of two times", func(f *hopForger) { f.record.Iat++ }, federation.BadSignature},
		{"from the future", func(f *hopForger) { f.record.Iat += 600; f.root.Iat += 600 }, federation.NotYetValid},
		{"without time", func(f *hopForger) { f.record.Iat, f.root.Iat = 0, 0 }, federation.Malformed},
		{"other disclosures", func(f *hopForger) { f.record.SDHash = zero }, federation.UnaccountedRedaction},
		{"lists what is there", func(f *hopForger) { f.record.Out = [][2]string{{obj, ClassPolicy}} }, federation.UnaccountedRedaction},
		{"lists what never was", func(f *hopForger) { f.record.Out = [][2]string{{zero, ClassPolicy}} }, ""},
		{"unknown class", func(f *hopForger) { f.record.Out = [][2]string{{zero, "secret"}} }, federation.Malformed},
		{"lists twice", func(f *hopForger) { f.record.Out = [][2]string{{zero, ClassPolicy}, {zero, ClassOrigin}} }, federation.Malformed},
		{"lists a bad digest", func(f *hopForger) { f.record.Out = [][2]string{{"x", ClassPolicy}} }, federation.Malformed},
		{"maps", func(f *hopForger) { f.record.Map, f.record.Tab = [][3]string{{obj, "A", "B"}}, "1" }, ""},
		{"maps without a table", func(f *hopForger) { f.record.Map = [][3]string{{obj, "A", "B"}} }, federation.Malformed},
		{"a table and no map", func(f *hopForger) { f.record.Tab = "1" }, federation.Malformed},
		{"maps what is not there", func(f *hopForger) { f.record.Map, f.record.Tab = [][3]string{{zero, "A", "B"}}, "1" }, federation.Malformed},
		{"maps twice", func(f *hopForger) { f.record.Map, f.record.Tab = [][3]string{{obj, "A", "B"}, {obj, "A", "C"}}, "1" }, federation.Malformed},
		{"maps out of order", func(f *hopForger) {
			a, b := min(obj, other), max(obj, other)
			if bytes.Compare(mustDigest(a), mustDigest(b)) < 0 {
				a, b = b, a
			}
			f.record.Map, f.record.Tab = [][3]string{{a, "A", "B"}, {b, "A", "B"}}, "1"
		}, federation.Malformed},
		{"a marking without end", func(f *hopForger) {
			f.record.Map, f.record.Tab = [][3]string{{obj, "A", strings.Repeat("B", maxText+1)}}, "1"
		}, federation.Malformed},
		{"number 0 on the link", func(f *hopForger) { f.record.Seq = 0 }, federation.Malformed},
		{"short salt", func(f *hopForger) { f.record.Sal = "AAAA" }, federation.Malformed},
		{"a bad id", func(f *hopForger) { f.record.Aud = "PL*" }, federation.Malformed},
		{"a newer version", func(f *hopForger) { f.record.Ver = 2 }, federation.Unsupported},
		{"a newer root", func(f *hopForger) { f.root.Ver = 2 }, federation.Unsupported},
		{"another root", func(f *hopForger) { f.root.Root = zero }, federation.BadSignature},
		{"a root of no leaves", func(f *hopForger) { f.root.N = 0 }, federation.Malformed},
		{"a root of 2, one of 1", func(f *hopForger) { f.root.N = 2 }, federation.BadSignature},
		{"one of 2, a root of 1", func(f *hopForger) { f.n, f.path = 2, make([][32]byte, 1) }, federation.BadSignature},
		{"second of 2", func(f *hopForger) { f.i, f.n, f.root.N, f.path = 1, 2, 2, make([][32]byte, 1) }, ""},
		{"path too short", func(f *hopForger) { f.n, f.root.N = 2, 2 }, federation.Malformed},
		{"path too long", func(f *hopForger) { f.path = make([][32]byte, 1) }, federation.Malformed},
		{"leaf behind the last", func(f *hopForger) { f.i = 1 }, federation.Malformed},
		{"more leaves than a frame has", func(f *hopForger) { f.n, f.root.N = MaxFrame+1, MaxFrame+1 }, federation.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyAs(t, addHop(t, v, "pl-cert", tt.edit), "pl-cert")
			wantReason(t, err, tt.want)
		})
	}
}

// TestDecoys: digests that stand for nothing are listed by the issuer's own hop,
// and even then they occur once.
func TestDecoys(t *testing.T) {
	decoy := [32]byte{1}
	list := func(f *hopForger) { f.record.Out = [][2]string{{digestString(decoy), ClassOrigin}} }
	hidden := sd(digestString(decoy))
	one := func(g *forger) []byte { return g.of(basics(), hidden) }
	two := func(g *forger) []byte {
		second := strings.Replace(basics(), indicatorID, indicatorID[:len(indicatorID)-1]+"9", 1)
		return g.message(g.payload(g.element("{"+basics()+","+hidden+"}"), g.element("{"+second+","+hidden+"}")))
	}
	for name, tt := range map[string]struct {
		make func(*forger) []byte
		want federation.Reason
	}{"once": {one, ""}, "in two objects": {two, federation.Malformed}} {
		raw := addHop(t, unread(t, tt.make(forge(t))), "pl-cert", list)
		_, err := verifyAs(t, raw, "pl-cert")
		if federation.ReasonOf(err) != tt.want {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestHashBetweenHops: a hop that lists nothing passed on what it got.
func TestHashBetweenHops(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	lie := func(f *hopForger) { f.record.SDHash = digestString([32]byte{1}) }
	for name, tt := range map[string]struct {
		first func(*hopForger)
		want  federation.Reason
	}{"honest": {nil, ""}, "another hash before": {lie, federation.UnaccountedRedaction}} {
		raw := addHop(t, unread(t, addHop(t, v, "pl-cert", tt.first)), "jp-carrier", nil)
		_, err := verifyAs(t, raw, "jp-carrier")
		if federation.ReasonOf(err) != tt.want {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestListedOnce: what one hop took out no later one can take out.
func TestListedOnce(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	list := func(d byte) func(*hopForger) {
		return func(f *hopForger) { f.record.Out = [][2]string{{digestString([32]byte{d}), ClassPolicy}} }
	}
	for second, want := range map[byte]federation.Reason{2: "", 1: federation.UnaccountedRedaction} {
		raw := addHop(t, unread(t, addHop(t, v, "pl-cert", list(1))), "jp-carrier", list(second))
		_, err := verifyAs(t, raw, "jp-carrier")
		if federation.ReasonOf(err) != want {
			t.Errorf("the second hop lists %d: got %v, want %q", second, err, want)
		}
	}
}

// unread is a message of which only the text and the chain were read.
func unread(t testing.TB, raw []byte) *Verified {
	t.Helper()
	text, lines, err := splitLines(raw)
	if err != nil {
		t.Fatal(err)
	}
	m := &message{}
	if err := m.readSD(text, ringOf(t), testNow); err != nil {
		t.Fatal(err)
	}
	if err := m.readChain(lines, &VerifyOptions{Keys: ringOf(t), Now: testNow}); err != nil {
		t.Fatal(err)
	}
	m.sdHash = sum(text)
	return &Verified{m: m, raw: raw}
}

// TestHopSpellings tries other texts of a hop line that could pass for the same.
func TestHopSpellings(t *testing.T) {
	v := pass(t, issueOne(t, parse(t, identity)), "de-cert", "pl-cert", nil)
	sd, line, _ := strings.Cut(string(v.Raw()), "\n")
	p := strings.SplitN(line, ".", 5)
	for name, parts := range map[string][]string{
		"index with a zero":   {p[0], "00", p[2], p[3], p[4]},
		"index with a sign":   {p[0], "+0", p[2], p[3], p[4]},
		"negative":            {p[0], "-0", p[2], p[3], p[4]},
		"no index":            {p[0], "", p[2], p[3], p[4]},
		"size with a zero":    {p[0], p[1], "01", p[3], p[4]},
		"hexadecimal":         {p[0], p[1], "0x1", p[3], p[4]},
		"beyond any number":   {p[0], p[1], "99999999999999999999", p[3], p[4]},
		"a part of a path":    {p[0], p[1], p[2], "AAAA", p[4]},
		"padded record":       {p[0] + "=", p[1], p[2], p[3], p[4]},
		"no root":             {p[0], p[1], p[2], p[3]},
		"record by the root":  {strings.Split(p[4], ".")[1], p[1], p[2], p[3], p[4]},
		"space":               {p[0], p[1], p[2], p[3], p[4] + " "},
		"message in its root": {p[0], p[1], p[2], p[3], strings.Split(sd, "~")[0]},
	} {
		_, err := verifyAs(t, []byte(sd+"\n"+strings.Join(parts, ".")), "pl-cert")
		if r := federation.ReasonOf(err); r != federation.Malformed {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTree(t *testing.T) {
	for n := 1; n <= 70; n++ {
		leaves := make([][32]byte, n)
		for i := range leaves {
			leaves[i] = leafHash([]byte{byte(i)})
		}
		root, paths := tree(leaves)
		for i := range leaves {
			if got, ok := rootOf(leaves[i], i, n, paths[i]); !ok || got != root {
				t.Fatalf("leaf %d of %d does not lead to the root", i, n)
			}
			for j := range n {
				if got, ok := rootOf(leaves[i], j, n, paths[i]); j != i && ok && got == root {
					t.Fatalf("leaf %d of %d passes for leaf %d", i, n, j)
				}
			}
			if _, ok := rootOf(leaves[i], i, n, append(slices.Clone(paths[i]), [32]byte{})); ok {
				t.Fatalf("leaf %d of %d: a longer path is taken", i, n)
			}
		}
	}
	// A leaf can be no node: the two are hashed with different first bytes.
	a, b := leafHash([]byte("a")), leafHash([]byte("b"))
	if leafHash(append(a[:], b[:]...)) == nodeHash(a, b) {
		t.Error("a record can pass for a node")
	}
}
