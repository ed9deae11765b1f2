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
		case string(v.m.name(i)) == "description":
			gone = v.m.text(i)
		case d.place == inHandling:
			note = v.m.text(i)
		case d.place == inNote:
			child = v.m.text(i)
		}
	}
	for i := range atPL.m.discs {
		t.Run(fmt.Sprintf("disclosure %d taken out in silence", i), func(t *testing.T) {
			_, err := verifyAs(t, without(t, atPL.Raw(), atPL.m.text(i)), "pl-cert")
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
