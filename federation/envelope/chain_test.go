package envelope

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// threeHops returns the text of a message that went DE, PL, JP, FR, with a part
// taken out at PL, and its lines.
func threeHops(t testing.TB) (raw []byte, lines []string) {
	t.Helper()
	v := pass(t, issueOne(t, parse(t, indicator), parse(t, identity)), "de-cert", "pl-cert", nil)
	v = pass(t, v, "pl-cert", "jp-carrier", map[string]cut{indicatorID: {paths: []string{"description"}}})
	v = pass(t, v, "jp-carrier", "fr-cert", nil)
	return v.Raw(), strings.Split(string(v.Raw()), "\n")
}

func TestChainCut(t *testing.T) {
	_, l := threeHops(t)
	join := func(lines ...string) []byte { return []byte(strings.Join(lines, "\n")) }
	tests := []struct {
		name string
		raw  []byte
		want federation.Reason
	}{
		{"whole", join(l...), ""},
		{"first hop cut out", join(l[0], l[2], l[3]), federation.BadSignature},
		{"middle hop cut out", join(l[0], l[1], l[3]), federation.BadSignature},
		{"last hop cut out", join(l[0], l[1], l[2]), federation.WrongRecipient},
		{"all hops cut out", join(l[0]), federation.WrongRecipient},
		{"swapped", join(l[0], l[2], l[1], l[3]), federation.BadSignature},
		{"one twice", join(l[0], l[1], l[1], l[2], l[3]), federation.BadSignature},
		{"a hop for another message", join(l[0], otherHop(t), l[2], l[3]), federation.BadSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyAs(t, tt.raw, "fr-cert")
			wantReason(t, err, tt.want)
		})
	}
}

// otherHop returns the first hop of another message over the same link.
func otherHop(t testing.TB) string {
	v := pass(t, issueOne(t, parse(t, report)), "de-cert", "pl-cert", nil)
	return strings.Split(string(v.Raw()), "\n")[1]
}

// TestDisclosuresAndHops takes disclosures out of a message that has hops, and
// puts one back.
func TestDisclosuresAndHops(t *testing.T) {
	v := issueOne(t, parse(t, indicator), parse(t, identity))
	atPL := pass(t, v, "de-cert", "pl-cert", map[string]cut{indicatorID: {paths: []string{"description", notePrefix}}})
	var gone, note, child []byte
	for i := range v.m.discs {
		switch d := &v.m.discs[i]; {
		case string(d.name) == "description":
			gone = d.text
		case d.place == inHandling:
			note = d.text
		case d.place == inNote:
			child = d.text
		}
	}
	for i := range atPL.m.discs {
		t.Run(fmt.Sprintf("disclosure %d taken out in silence", i), func(t *testing.T) {
			_, err := verifyAs(t, without(t, atPL.Raw(), atPL.m.discs[i].text), "pl-cert")
			wantReason(t, err, federation.UnaccountedRedaction)
		})
	}
	_, err := verifyAs(t, with(t, atPL.Raw(), gone), "pl-cert")
	wantReason(t, err, federation.UnaccountedRedaction)
	_, err = verifyAs(t, with(t, with(t, atPL.Raw(), note), child), "pl-cert")
	wantReason(t, err, federation.UnaccountedRedaction)
	_, err = verifyAs(t, with(t, atPL.Raw(), child), "pl-cert") // without what held it
	wantReason(t, err, federation.Malformed)
	_, err = verifyAs(t, with(t, atPL.Raw(), []byte(b64([]byte(`["saltsaltsaltsaltsalt00","x_new",1]`)))), "pl-cert")
	wantReason(t, err, federation.Malformed)
}

// with returns the text with one more disclosure, in its place.
func with(t testing.TB, raw, disc []byte) []byte {
	t.Helper()
	sd, hops, _ := bytes.Cut(raw, []byte("\n"))
	parts := bytes.Split(bytes.TrimSuffix(sd, []byte("~")), []byte("~"))
	discs := append(slices.Clone(parts[1:]), disc)
	slices.SortFunc(discs, func(a, b []byte) int {
		x, y := sum(a), sum(b)
		return bytes.Compare(x[:], y[:])
	})
	out := bytes.Join(append([][]byte{parts[0]}, discs...), []byte("~"))
	return append(append(append(out, '~'), '\n'), hops...)
}

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

func TestLoopsAndRecipients(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	atPL := pass(t, v, "de-cert", "pl-cert", nil)
	c := clear(t, atPL, "de-cert", nil)
	ps, _ := testParticipants(t)
	d := Dispatch{Self: "pl-cert", Key: ps["pl-cert"], Peer: "de-cert", Now: testNow, FirstSeq: 1}
	_, err := SignFrame([]*Cleared{c}, d)
	wantReason(t, err, federation.Loop) // we do not send it back
	_, err = verifyAs(t, addHop(t, atPL, "de-cert", nil), "de-cert")
	wantReason(t, err, federation.Loop) // and do not take our own back

	round := addHop(t, atPL, "jp-carrier", nil)
	atJP, err := verifyAs(t, round, "jp-carrier")
	wantReason(t, err, "")
	again := addHop(t, atJP, "pl-cert", nil)
	_, err = verifyAs(t, again, "pl-cert")
	wantReason(t, err, federation.Loop)
	wrong, err := Verify(again, VerifyOptions{Keys: ringOf(t), Now: testNow})
	wantReason(t, err, "") // offline it can be looked at
	_, err = verifyAs(t, addHop(t, wrong, "fr-cert", nil), "fr-cert")
	wantReason(t, err, federation.Loop) // nobody takes what went in a circle
}

func ringOf(t testing.TB) ring { _, r := testParticipants(t); return r }

func TestSignFrameRefuses(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	c := clear(t, v, "pl-cert", nil)
	ps, _ := testParticipants(t)
	good := Dispatch{Self: "de-cert", Key: ps["de-cert"], Peer: "pl-cert", Now: testNow, FirstSeq: 1, Tables: "1"}
	tests := []struct {
		name string
		edit func(*Dispatch, *Cleared)
		want federation.Reason
	}{
		{"for another peer", func(d *Dispatch, _ *Cleared) { d.Peer = "jp-carrier" }, federation.PolicyError},
		{"cleared for nobody", func(_ *Dispatch, c *Cleared) { c.peer = "" }, federation.PolicyError},
		{"not ours to pass on", func(d *Dispatch, _ *Cleared) { d.Self, d.Key = "fr-cert", ps["fr-cert"] }, federation.WrongRecipient},
		{"decisions lapsed", func(_ *Dispatch, c *Cleared) { c.until = testNow }, federation.PolicyError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, cc := good, *c
			tt.edit(&d, &cc)
			_, err := SignFrame([]*Cleared{&cc}, d)
			wantReason(t, err, tt.want)
		})
	}
	for name, edit := range map[string]func(*Dispatch){
		"no key": func(d *Dispatch) { d.Key = nil }, "no seq": func(d *Dispatch) { d.FirstSeq = 0 },
		"to itself": func(d *Dispatch) { d.Peer = d.Self }, "no peer": func(d *Dispatch) { d.Peer = "" },
		"no salt": func(d *Dispatch) { d.Rand = strings.NewReader("short") },
	} {
		d := good
		edit(&d)
		if _, err := SignFrame([]*Cleared{c}, d); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	if _, err := SignFrame(nil, good); err == nil {
		t.Error("an empty frame was signed")
	}
	if _, err := SignFrame(slices.Repeat([]*Cleared{c}, MaxFrame+1), good); err == nil {
		t.Error("too large a frame was signed")
	}
	marked := *c
	marked.marks = []Mapped{{Object: v.Items()[0].Digest, From: "A", To: "B"}}
	good.Tables = ""
	if _, err := SignFrame([]*Cleared{&marked}, good); err == nil {
		t.Error("a mapping without the tables' version was signed")
	}
}

// TestFrames signs frames of many sizes: each message verifies by itself, the
// root is verified once, and no message verifies with another's place.
func TestFrames(t *testing.T) {
	o := issueOptions(t)
	var vs []*Verified
	for range 9 {
		v, err := Issue(sampleObjects(t)[2:3], o)
		if err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v...)
	}
	ps, keys := testParticipants(t)
	for n := 1; n <= len(vs); n++ {
		var cs []*Cleared
		for _, v := range vs[:n] {
			cs = append(cs, clear(t, v, "pl-cert", nil))
		}
		frame, err := SignFrame(cs, Dispatch{Self: "de-cert", Key: ps["de-cert"], Peer: "pl-cert", Now: testNow, FirstSeq: 7})
		if err != nil {
			t.Fatal(err)
		}
		count := &counter{keys: keys}
		opts := VerifyOptions{Self: "pl-cert", Keys: count, Now: testNow, Roots: NewRootCache(4)}
		for i, s := range frame {
			got, err := Verify(s.Bytes(), opts)
			if err != nil {
				t.Fatalf("message %d of %d: %v", i, n, err)
			}
			if h := got.Hops()[0]; h.Seq != 7+uint64(i) || h.Seq != s.Seq() || h.Root != s.Root() || s.Root() != frame[0].Root() {
				t.Errorf("message %d of %d: hop %+v", i, n, h)
			}
		}
		swapPlaces(t, frame, opts)
	}
}

// swapPlaces gives each message of a frame the tree place of each other.
func swapPlaces(t *testing.T, frame []*Signed, opts VerifyOptions) {
	t.Helper()
	for i := range frame {
		for j := range frame {
			a, b := strings.SplitN(lastLine(frame[i]), ".", 5), strings.SplitN(lastLine(frame[j]), ".", 5)
			sd, _, _ := strings.Cut(string(frame[i].Bytes()), "\n")
			if i == j {
				continue
			}
			_, err := Verify([]byte(sd+"\n"+a[0]+"."+strings.Join(b[1:], ".")), opts)
			wantReason(t, err, federation.BadSignature)
		}
	}
}

func lastLine(s *Signed) string {
	_, line, _ := strings.Cut(string(s.Bytes()), "\n")
	return line
}

// counter counts how often a key is asked for.
type counter struct {
	keys  directory.KeySource
	asked int
}

func (c *counter) Key(kid string) (directory.Key, bool) {
	c.asked++
	return c.keys.Key(kid)
}

// TestRootCache: a root is verified once, and a key that is revoked later does
// not live on in the cache.
func TestRootCache(t *testing.T) {
	raw := dispatch(t, clear(t, issueOne(t, parse(t, identity)), "pl-cert", nil), "de-cert", "pl-cert", 1)
	ps, keys := testParticipants(t)
	roots := NewRootCache(2)
	o := VerifyOptions{Self: "pl-cert", Keys: keys, Now: testNow, Roots: roots}
	for range 2 {
		if _, err := Verify(raw, o); err != nil {
			t.Fatal(err)
		}
	}
	if len(roots.now) != 1 {
		t.Errorf("%d roots are kept, want 1", len(roots.now))
	}
	_, line, _ := bytes.Cut(raw, []byte("\n"))
	root := bytes.SplitN(line, []byte("."), 5)[4]
	spoilt := flip(root, len(root)-20)
	if _, err := roots.open(spoilt, keys, testNow); federation.ReasonOf(err) != federation.BadSignature {
		t.Errorf("a spoilt root beside a cached one: %v", err)
	}
	change(keys, ps["de-cert"].KeyID(), func(k *dkey) { k.RevokedAt = testNow })
	if _, err := roots.open(root, keys, testNow); federation.ReasonOf(err) != federation.RevokedKey {
		t.Errorf("revoked: %v", err)
	}
	clearRing(keys)
	if _, err := roots.open(root, keys, testNow); federation.ReasonOf(err) != federation.UnknownIssuer {
		t.Errorf("forgotten: %v", err)
	}
	for i := range 10 {
		roots.put(fmt.Appendf(nil, "root %d", i), nil)
	}
	if n := len(roots.now) + len(roots.old); n > 4 {
		t.Errorf("a cache of 2 keeps %d", n)
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

// TestManyHops: 16 hops pass, and nobody adds a 17th.
func TestManyHops(t *testing.T) {
	ps, keys := testParticipants(t)
	ids := []string{"de-cert"}
	for i := range MaxHops + 1 {
		id, k := fmt.Sprintf("node-%d", i), testKeyPair(t, byte(100+i))
		pub := k.Key(directory.PurposeMessage, testNow.Add(-time.Hour), testNow.Add(time.Hour))
		pub.Owner, pub.Fresh = id, testNow.Add(time.Hour)
		ps[id], keys[k.KeyID()] = k, pub
		ids = append(ids, id)
	}
	v := issueOne(t, parse(t, identity))
	for i := range MaxHops {
		s, err := SignFrame([]*Cleared{clear(t, v, ids[i+1], nil)}, Dispatch{Self: ids[i], Key: ps[ids[i]], Peer: ids[i+1], Now: testNow, FirstSeq: 1})
		if err != nil {
			t.Fatal(err)
		}
		if v, err = Verify(s[0].Bytes(), VerifyOptions{Self: ids[i+1], Keys: keys, Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := tryClear(v, ids[MaxHops+1], nil)
	wantReason(t, err, federation.TooLarge)
}

// TestNoRoomForAHop: a message whose hops are full is refused when it is
// redacted, not when a frame that it is in is signed.
func TestNoRoomForAHop(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	c := clear(t, v, "pl-cert", nil)
	for name, edit := range map[string]func(*Cleared){
		"long markings": func(c *Cleared) { c.marks = []Mapped{{From: "A", To: strings.Repeat("B", maxText+1)}} },
		"many markings": func(c *Cleared) {
			c.marks = slices.Repeat([]Mapped{{From: strings.Repeat("A", 500), To: strings.Repeat("B", 500)}}, 64)
		},
		"no text":    func(c *Cleared) { c.marks = []Mapped{{From: "A", To: "\xff"}} },
		"long lists": func(c *Cleared) { c.variant.out = make([]Out, 1000) },
	} {
		x := &Cleared{variant: &variant{v: v, out: c.out}}
		edit(x)
		want := federation.TooLarge
		if name == "no text" {
			want = federation.PolicyError
		}
		if err := x.room(); federation.ReasonOf(err) != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
