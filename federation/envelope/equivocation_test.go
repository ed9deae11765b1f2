package envelope

import (
	"bytes"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/go-json-experiment/json"
)

// issueBy issues one object for a participant of the test.
func issueBy(t testing.TB, who, onBehalf, text string) *Verified {
	t.Helper()
	ps, _ := testParticipants(t)
	o := issueOptions(t)
	o.Issuer, o.Key, o.For = who, ps[who], onBehalf
	vs, err := Issue([]*stix.Object{parse(t, text)}, o)
	if err != nil {
		t.Fatal(err)
	}
	return vs[0]
}

func prove(t testing.TB, a, b *Verified) ([]byte, error) {
	t.Helper()
	return ProveEquivocation(a, a.Items()[0].Digest, b, b.Items()[0].Digest)
}

func TestEquivocationIsProved(t *testing.T) {
	one := issueBy(t, "de-cert", "", identity)
	two := issueBy(t, "de-cert", "", strings.Replace(identity, "Beispiel-CERT", "Another name", 1))
	text, err := prove(t, one, two)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := prove(t, two, one); err != nil || !bytes.Equal(again, text) {
		t.Errorf("the two the other way round: %v, %s", err, again)
	}
	_, keys := testParticipants(t)
	e, err := CheckEquivocation(text, keys, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if e.Issuer != "de-cert" || e.Owner != "de-cert" || e.ID != identityID || e.Version != "2026-01-01T00:00:00Z" ||
		e.Digests[0] == e.Digests[1] || e.Messages[0] == "" || e.Issued[1].IsZero() {
		t.Errorf("the proof says %+v", e)
	}
	if !IsProof(text) || IsProof(one.Raw()) || IsProof([]byte(`{"typ":"cti+sd-jwt"}`)) {
		t.Error("a proof is not told from what is none")
	}
	// Nothing of what can be taken out is in it.
	for _, secret := range []string{"Beispiel-CERT", "Another name"} {
		if strings.Contains(string(plainOf(t, text)), secret) {
			t.Errorf("the proof shows %q", secret)
		}
	}
	// What the relays took out of either does not matter.
	cut := pass(t, two, "de-cert", "pl-cert", map[string]cut{identityID: {paths: []string{"identity_class"}}})
	if same, err := prove(t, one, cut); err != nil || !bytes.Equal(same, text) {
		t.Errorf("with a part taken out: %v", err)
	}
	if _, err := CheckEquivocation(text, ring{}, testNow); federation.ReasonOf(err) != federation.UnknownIssuer {
		t.Errorf("without the issuer's key: %v", err)
	}
}

// plainOf decodes every base64url text in a proof.
func plainOf(t testing.TB, text []byte) []byte {
	t.Helper()
	var p proof
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, m := range p.Messages {
		for part := range strings.FieldsFuncSeq(m, func(r rune) bool { return r == '.' || r == '~' }) {
			plain, err := decode([]byte(part))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, plain...)
		}
	}
	if len(out) == 0 {
		t.Fatal("a proof with nothing in it")
	}
	return out
}

// Whoever wants to accuse an honest issuer has two messages of it that are no
// equivocation, or one and a signature of somebody else.
func TestForgedProofs(t *testing.T) {
	_, keys := testParticipants(t)
	other := strings.Replace(identity, "Beispiel-CERT", "Another name", 1)
	later := strings.Replace(other, `"modified":"2026-01-01`, `"modified":"2026-01-02`, 1)
	elsewhere := strings.Replace(other, identityID, "identity--9d3b8a4e-2f61-4a7b-8d2c-5a6b7c8d9e99", 1)
	one := issueBy(t, "de-cert", "", identity)
	for name, v := range map[string]*Verified{
		"the same, issued again": issueBy(t, "de-cert", "", identity),
		"another version":        issueBy(t, "de-cert", "", later),
		"another object":         issueBy(t, "de-cert", "", elsewhere),
		"another issuer":         issueBy(t, "pl-cert", "", other),
		"another owner":          issueBy(t, "de-cert", "pl-cert", other),
		"a delegate's":           issueBy(t, "pl-cert", "de-cert", other),
	} {
		if _, err := prove(t, one, v); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: proved, or %v", name, err)
		}
		if _, err := CheckEquivocation(rough(one, v), keys, testNow); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: a text made by hand passes, or %v", name, err)
		}
	}
	two := issueBy(t, "de-cert", "", other)
	good, err := prove(t, one, two)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckEquivocation(rough(one, two), keys, testNow); err != nil {
		t.Fatalf("the text made by hand is none that could pass: %v", err)
	}
	var p proof
	if err := json.Unmarshal(good, &p); err != nil {
		t.Fatal(err)
	}
	property := func(v *Verified) string { // a property in the place of the object
		for i, d := range v.m.discs {
			if d.place == inObject {
				return string(v.m.sd[:v.m.head+1]) + string(v.m.text(i)) + "~"
			}
		}
		return ""
	}
	broken := []byte(p.Messages[1])
	broken[strings.IndexByte(p.Messages[1], '~')-20] ^= 1
	for name, c := range map[string]struct {
		change func(p *proof)
		want   federation.Reason
	}{
		"one signature broken":    {func(p *proof) { p.Messages[1] = string(broken) }, federation.BadSignature},
		"one message twice":       {func(p *proof) { p.Messages[1] = p.Messages[0] }, federation.Malformed},
		"in another order":        {func(p *proof) { p.Messages[0], p.Messages[1] = p.Messages[1], p.Messages[0] }, federation.Malformed},
		"one message":             {func(p *proof) { p.Messages = p.Messages[:1] }, federation.Malformed},
		"three messages":          {func(p *proof) { p.Messages = append(p.Messages, p.Messages[0]) }, federation.Malformed},
		"more disclosed":          {func(p *proof) { p.Messages[0] = string(one.m.sd) }, federation.Malformed},
		"a property":              {func(p *proof) { p.Messages[0] = property(one) }, federation.Malformed},
		"nothing disclosed":       {func(p *proof) { p.Messages[0] = string(one.m.sd[:one.m.head+1]) }, federation.Malformed},
		"one's content, other's":  {func(p *proof) { p.Messages[0] = swapped(one, two) }, federation.Malformed},
		"another kind":            {func(p *proof) { p.Typ = "cti+sd-jwt" }, federation.Malformed},
		"a newer version":         {func(p *proof) { p.Ver = 2 }, federation.Unsupported},
		"far too large":           {func(p *proof) { p.Messages[0] += strings.Repeat("A", maxProof) }, federation.TooLarge},
		"no text of a message":    {func(p *proof) { p.Messages[0] = "" }, federation.Malformed},
		"a hop beside":            {func(p *proof) { p.Messages[0] += "\nx" }, federation.Malformed},
		"a key-binding JWT":       {func(p *proof) { p.Messages[0] += "a.b.c" }, federation.Malformed},
		"signed by a hop's words": {func(p *proof) { p.Messages[0] = strings.Replace(p.Messages[0], ".", "..", 1) }, federation.Malformed},
	} {
		q := proof{Typ: p.Typ, Ver: p.Ver, Messages: append([]string(nil), p.Messages...)}
		c.change(&q)
		text, err := json.Marshal(&q)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := CheckEquivocation(text, keys, testNow); federation.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// rough is a proof as one would write it who checks nothing.
func rough(a, b *Verified) []byte {
	if x, y := a.Items()[0].Digest, b.Items()[0].Digest; bytes.Compare(x[:], y[:]) > 0 {
		a, b = b, a
	}
	p := proof{Typ: typProof, Ver: Version}
	for _, v := range []*Verified{a, b} {
		d := v.Items()[0].Digest
		p.Messages = append(p.Messages, string(v.m.sd[:v.m.head+1])+string(v.m.text(v.m.find(&d)))+"~")
	}
	text, _ := json.Marshal(&p) // strings only
	return text
}

// swapped is the signature of one message over the object of another.
func swapped(a, b *Verified) string {
	d := b.Items()[0].Digest
	return string(a.m.sd[:a.m.head+1]) + string(b.m.text(b.m.find(&d))) + "~"
}

func FuzzCheckEquivocation(f *testing.F) {
	_, keys := testParticipants(f)
	one := issueBy(f, "de-cert", "", identity)
	two := issueBy(f, "de-cert", "", strings.Replace(identity, "Beispiel-CERT", "Another name", 1))
	good, err := prove(f, one, two)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(rough(one, one))
	f.Add([]byte(`{"typ":"cti-equivocation","ver":1,"messages":["~","~"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := CheckEquivocation(text, keys, testNow)
		if err == nil && (e.Issuer != "de-cert" || e.Digests[0] == e.Digests[1]) {
			t.Fatalf("%q proves %+v", text, e)
		}
		if err != nil && federation.ReasonOf(err) == "" {
			t.Fatalf("an error without a reason: %v", err)
		}
	})
}

func TestShown(t *testing.T) {
	v := issueOne(t, parse(t, identity), parse(t, indicator))
	for i, it := range v.Items() {
		all := v.Shown(i)
		if !all.Whole || len(all.Digests) < 2 {
			t.Fatalf("item %d as issued: %+v", i, all)
		}
		id := it.Object.ID()
		path := map[string]string{identityID: "identity_class", indicatorID: "description"}[id]
		c := clear(t, v, "pl-cert", map[string]cut{id: {paths: []string{path}}})
		got := pass(t, v, "de-cert", "pl-cert", map[string]cut{id: {paths: []string{path}}})
		less, cleared := got.Shown(i), c.Shown(i)
		if less.Whole || less.Hash() == all.Hash() || !less.Within(all) || all.Within(less) || less.Hash() != cleared.Hash() || cleared.Whole {
			t.Errorf("%s without %s shows %+v, and was to show %+v", id, path, less, cleared)
		}
		if back := less.With(all); back.Hash() != all.Hash() || !back.Whole {
			t.Errorf("%s: both together show %+v", id, back)
		}
		if had := got.HadBy("de-cert", i); !all.Within(had) {
			t.Errorf("%s: its issuer is not seen to have had all of it", id)
		}
		if had := got.HadBy("pl-cert", i); len(had.Digests) != 0 {
			t.Errorf("%s: who has not passed it on is said to have had %d parts", id, len(had.Digests))
		}
		if j := 1 - i; got.Shown(j).Hash() != v.Shown(j).Hash() || !c.Shown(j).Whole {
			t.Errorf("what was taken out of %s changes what another shows", id)
		}
	}
}
