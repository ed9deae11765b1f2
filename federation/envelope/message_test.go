package envelope

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

const notePrefix = "extensions." + stix.HandlingExtension + ".note"

func TestIssueAndVerify(t *testing.T) {
	v := issueOne(t, sampleObjects(t)...)
	if v.Issuer() != "de-cert" || len(v.Items()) != 4 || len(v.Hops()) != 0 || !v.Issued().Equal(testNow) ||
		!v.Expires().Equal(testNow.Add(DefaultExpiry)) {
		t.Fatalf("issued %+v", v)
	}
	got, err := verifyAs(t, v.Raw(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got.ID() != v.ID() || got.Digest() != v.Digest() || len(got.Missing()) != 0 {
		t.Errorf("verified %+v, want what was issued", got)
	}
	// The marking-definition stands before the object that needs it.
	for i, want := range []string{indicator, marking, report, identity} {
		a, b := got.Items()[i], v.Items()[i]
		if a.Digest != b.Digest || !sameJSON(t, a.Object.Raw(), []byte(want)) || !sameJSON(t, b.Object.Raw(), []byte(want)) {
			t.Errorf("object %d: %s\nwant %s", i, a.Object.Raw(), want)
		}
	}
}

func TestWorkloadRoundTrip(t *testing.T) {
	objs := workload(t)
	v, err := verifyAs(t, issueOne(t, objs...).Raw(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range objs {
		if !sameJSON(t, o.Raw(), v.Items()[i].Object.Raw()) {
			t.Errorf("object %d came back as %s, issued %s", i, v.Items()[i].Object.Raw(), o.Raw())
		}
	}
}

// TestRemovableAsUnits holds the places of disclosures to the units that policy
// decides on: each that is not fixed can be taken out by itself, no other can.
func TestRemovableAsUnits(t *testing.T) {
	for _, text := range []string{indicator, report, identity, marking} {
		o := parse(t, text)
		v := issueOne(t, o)
		m := v.m
		var got, want []string
		for _, at := range m.order[m.items[0].from+1 : m.items[0].to] {
			d := m.discs[at]
			got = append(got, d.place.path(m.name(int(at)), int(d.index)))
		}
		for _, u := range o.Units() {
			if !u.Fixed {
				want = append(want, u.Path)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: disclosures\n%q, units that are not fixed\n%q", o.ID(), got, want)
		}
	}
}

// TestSameObjectSameDigest: the layout of the JSON does not matter, its content
// does, and so does who issues it with which secret.
func TestSameObjectSameDigest(t *testing.T) {
	digest := func(text string, change func(*IssueOptions)) [32]byte {
		o := issueOptions(t)
		if change != nil {
			change(&o)
		}
		vs, err := Issue([]*stix.Object{parse(t, text)}, o)
		if err != nil {
			t.Fatal(err)
		}
		return vs[0].Items()[0].Digest
	}
	base := digest(identity, nil)
	laidOut := `{ "name" : "Beispiel\u002dCERT", "identity_class":"organization", "modified":"2026-01-01T00:00:00.000Z",
	  "created":"2026-01-01T00:00:00.000Z", "id":"` + identityID + `", "spec_version":"2.1", "type":"identity" }`
	if digest(laidOut, nil) != base {
		t.Error("another layout of the same JSON has another digest")
	}
	others := map[string][32]byte{
		"content": digest(string(bytes.Replace([]byte(identity), []byte("Beispiel-CERT"), []byte("Beispiel"), 1)), nil),
		"version": digest(string(bytes.Replace([]byte(identity), []byte(`"modified":"2026-01-01`), []byte(`"modified":"2026-01-02`), 1)), nil),
		"secret":  digest(identity, func(o *IssueOptions) { o.Secret = bytes.Repeat([]byte("x"), 32) }),
		"issuer":  digest(identity, func(o *IssueOptions) { o.Issuer = "pl-cert" }),
	}
	for what, d := range others {
		if d == base {
			t.Errorf("another %s has the same digest", what)
		}
	}
}

// TestRedactedOnTheWay takes parts out at two borders and looks at what arrives.
func TestRedactedOnTheWay(t *testing.T) {
	v := issueOne(t, sampleObjects(t)...)
	atPL := pass(t, v, "de-cert", "pl-cert", map[string]cut{
		indicatorID: {paths: []string{notePrefix + ".contacts", "created_by_ref"}, class: ClassPrivacy},
		reportID:    {paths: []string{"object_refs.[1]", "extensions.extension-definition--66666666-7777-4888-9999-aaaaaaaaaaaa"}},
	})
	atJP := pass(t, atPL, "pl-cert", "jp-carrier", map[string]cut{
		indicatorID: {paths: []string{notePrefix, "description"}, class: ClassOrigin},
		identityID:  {whole: true},
		reportID:    {paths: []string{"object_refs.[1]"}}, // the third of three
	})
	ind := item(atJP, indicatorID)
	for _, gone := range []string{"created_by_ref", "description", notePrefix} {
		if raw, ok := ind.Get(gone); ok {
			t.Errorf("%s arrived: %s", gone, raw)
		}
	}
	if name, _ := ind.Text("name"); name != `Anmeldeseite "portal" – nachgebaut` {
		t.Errorf("name arrived as %q", name)
	}
	if raw, _ := ind.Get("x_count"); string(raw) != "12345678901234567890" {
		t.Errorf("x_count arrived as %s", raw)
	}
	if refs, _ := item(atJP, reportID).Get("object_refs"); string(refs) != `["`+indicatorID+`"]` {
		t.Errorf("object_refs arrived as %s", refs)
	}
	if item(atJP, identityID) != nil || len(atJP.Items()) != 3 {
		t.Error("the identity arrived")
	}
	if bytes.Contains(plainText(t, atJP.Raw()), []byte("victim.example")) {
		t.Error("what was taken out is still in the text")
	}
	hops := atJP.Hops()
	if len(hops) != 2 || hops[0].Iss != "de-cert" || hops[1].Aud != "jp-carrier" || len(hops[0].Out) != 4 || len(hops[1].Out) != 4 {
		t.Fatalf("hops %+v", hops)
	}
	if n := len(atJP.Missing()); n != 7 { // contacts went with the note that held their digest
		t.Errorf("%d parts are seen to be missing, want 7: %+v", n, atJP.Missing())
	}
	for _, x := range atJP.Missing() {
		if x.In == "object_refs" && x.Object != reportID || x.Object == indicatorID && x.Hop == 0 && x.Class != ClassPrivacy {
			t.Errorf("missing %+v", x)
		}
	}
}

// plainText returns everything in a message, decoded.
func plainText(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out []byte
	for part := range bytes.FieldsFuncSeq(raw, func(r rune) bool { return r == '~' || r == '.' || r == '\n' }) {
		b, err := decode(part)
		if err == nil {
			out = append(append(out, b...), '\n')
		}
	}
	return out
}

// TestEmptyContainersGo: a note or extensions left with nothing in it goes as a
// whole, listed once.
func TestEmptyContainersGo(t *testing.T) {
	v := issueOne(t, parse(t, indicator), parse(t, report))
	c := clear(t, v, "pl-cert", map[string]cut{
		indicatorID: {paths: []string{notePrefix + ".abstract", notePrefix + ".content", notePrefix + ".contacts"}},
		reportID: {paths: []string{"extensions.extension-definition--11111111-2222-4333-8444-555555555555",
			"extensions.extension-definition--66666666-7777-4888-9999-aaaaaaaaaaaa"}},
	})
	if len(c.out) != 2 {
		t.Errorf("%d are listed as taken out, want the note and extensions", len(c.out))
	}
	if _, ok := item(c, indicatorID).Get(notePrefix); ok {
		t.Error("an empty note is left")
	}
	if _, ok := item(c, reportID).Get("extensions"); ok {
		t.Error("empty extensions are left")
	}
	if _, err := verifyAs(t, dispatch(t, c, "de-cert", "pl-cert", 1), "pl-cert"); err != nil {
		t.Error(err)
	}
}

// TestObjectThatCannotStandGoes: where what is left would be no valid object, or
// what must go stands in the open, the object goes whole and it is said.
func TestObjectThatCannotStandGoes(t *testing.T) {
	marked := string(bytes.Replace([]byte(report), []byte(`"object_marking_refs"`),
		[]byte(`"granular_markings":[{"marking_ref":"`+markingID+`","selectors":["object_refs.[2]"]}],"object_marking_refs"`), 1))
	for name, tt := range map[string]struct {
		text  string
		paths []string
		said  bool
	}{
		"required by STIX":            {report, []string{"name"}, true},
		"last element of a list":      {report, []string{"object_refs.[0]", "object_refs.[1]", "object_refs.[2]"}, true},
		"a number would mean another": {marked, []string{"object_refs.[0]"}, true},
		"fixed":                       {report, []string{"type"}, false},
		"not there":                   {report, []string{"x_nothing"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := issueOne(t, parse(t, tt.text), parse(t, identity))
			c := clear(t, v, "pl-cert", map[string]cut{reportID: {paths: tt.paths, class: ClassOrigin}})
			if item(c, reportID) != nil || len(c.Items()) != 1 {
				t.Error("the object is still there")
			}
			if len(c.out) != 1 || c.out[0].Class != ClassOrigin {
				t.Errorf("listed as taken out: %+v", c.out)
			}
			if said := len(c.Withheld()) == 1 && c.Withheld()[0].ID == reportID &&
				federation.ReasonOf(c.Withheld()[0].Err) == federation.PolicyError; said != tt.said {
				t.Errorf("Withheld = %+v", c.Withheld())
			}
			if _, err := verifyAs(t, dispatch(t, c, "de-cert", "pl-cert", 1), "pl-cert"); err != nil {
				t.Error(err)
			}
		})
	}
	// The same marking does not hinder taking out what stands behind it.
	v := issueOne(t, parse(t, marked))
	c := clear(t, v, "pl-cert", map[string]cut{reportID: {paths: []string{"object_refs.[2]"}}})
	if refs, _ := item(c, reportID).Get("object_refs"); !bytes.Contains(refs, []byte(indicatorID)) {
		t.Errorf("object_refs %s", refs)
	}
}

func TestNothingLeft(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	if _, err := tryClear(v, "pl-cert", map[string]cut{identityID: {whole: true}}); !errors.Is(err, ErrNothing) {
		t.Errorf("got %v, want ErrNothing", err)
	}
}

func TestGoneReachesEveryone(t *testing.T) {
	o := issueOptions(t)
	old := issueOne(t, parse(t, identity)).Items()[0].Digest
	o.Gone = []Gone{{Digest: old, Reason: GoneWithdrawn}}
	vs, err := Issue([]*stix.Object{parse(t, report)}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 2 || len(vs[0].Items()) != 0 || len(vs[0].Gone()) != 1 || vs[0].Gone()[0] != o.Gone[0] {
		t.Fatalf("issued %+v", vs)
	}
	c, err := Redact(vs[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, peer := range []string{"pl-cert", "jp-carrier"} {
		got, err := verifyAs(t, dispatch(t, c, "de-cert", peer, 3), peer)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Gone()) != 1 || got.Gone()[0] != o.Gone[0] || got.Hops()[0].Seq != 3 {
			t.Errorf("%s got %+v", peer, got)
		}
	}
}

func TestDrop(t *testing.T) {
	v := pass(t, issueOne(t, sampleObjects(t)...), "de-cert", "pl-cert", nil)
	var drop [32]byte
	for _, it := range v.Items() {
		if it.Object.ID() == indicatorID {
			drop = it.Digest
		}
	}
	d, err := Drop(v, [][32]byte{drop})
	if err != nil {
		t.Fatal(err)
	}
	if item(d, indicatorID) != nil || len(d.Items()) != 3 || bytes.Contains(plainText(t, d.Raw()), []byte("Anmeldeseite")) {
		t.Error("the object is still there")
	}
	_, keys := testParticipants(t)
	o := VerifyOptions{Keys: keys, Now: testNow}
	_, err = Verify(d.Raw(), o)
	wantReason(t, err, federation.UnaccountedRedaction)
	o.Dropped = [][32]byte{drop, {1}, drop}
	again, err := Verify(d.Raw(), o)
	if err != nil {
		t.Fatal(err)
	}
	// Our own hop lists what we dropped, so the next participant misses nothing.
	for _, held := range []*Verified{d, again} {
		got := pass(t, held, "pl-cert", "jp-carrier", nil)
		if len(got.Items()) != 3 || len(got.Hops()[1].Out) != 1 || got.Hops()[1].Out[0].Digest != drop {
			t.Errorf("passed on %+v", got.Hops())
		}
	}
	if _, err := Drop(d, [][32]byte{drop}); err == nil {
		t.Error("dropped twice")
	}
	if same, err := Drop(v, nil); err != nil || same != v {
		t.Error("dropping nothing changed something")
	}
	// What was dropped cannot hide that something else is missing.
	_, err = Verify(without(t, d.Raw(), d.m.text(0)), o)
	if err == nil {
		t.Error("a disclosure could be taken out of a dropped message unnoticed")
	}
}

// without returns the text without one disclosure.
func without(t testing.TB, raw, disc []byte) []byte {
	t.Helper()
	out := bytes.Replace(raw, append([]byte("~"), disc...), nil, 1)
	if len(out) == len(raw) {
		t.Fatal("no such disclosure")
	}
	return out
}

func TestZeroValuesAreRefused(t *testing.T) {
	for _, v := range []*Verified{nil, {}} {
		_, err := Redact(v, nil)
		wantReason(t, err, federation.PolicyError)
		if _, err := Drop(v, nil); err == nil {
			t.Error("dropped from nothing")
		}
		if v != nil && (v.Issuer() != "" || v.ID() != "" || len(v.Items()) != 0 || len(v.Gone()) != 0 || len(v.Missing()) != 0 || !v.Issued().IsZero()) {
			t.Error("the zero message says something")
		}
	}
	ps, _ := testParticipants(t)
	d := Dispatch{Self: "de-cert", Key: ps["de-cert"], Peer: "pl-cert", Now: testNow, FirstSeq: 1}
	for _, c := range []*Cleared{nil, {}, {variant: &variant{}}, {peer: "pl-cert", variant: &variant{v: &Verified{}}}} {
		_, err := SignFrame([]*Cleared{c}, d)
		wantReason(t, err, federation.PolicyError)
		_, err = c.For(nil)
		wantReason(t, err, federation.PolicyError)
	}
	if (&Signed{}).Valid() || (&Signed{}).Bytes() != nil || (*Signed)(nil).Valid() || (*Signed)(nil).Bytes() != nil {
		t.Error("the zero Signed has bytes")
	}
	if (&Cleared{}).Items() != nil || (&Cleared{}).Withheld() != nil {
		t.Error("the zero Cleared has items")
	}
}

// TestImpactGoesAlone: the origin's word for impact can be taken out by itself,
// and leaves the other handling facts as they are.
func TestImpactGoesAlone(t *testing.T) {
	const impact = "extensions." + stix.HandlingExtension + ".impact"
	o := parse(t, strings.Replace(indicator, `"origin": "DE",`, `"origin": "DE", "impact": "critical",`, 1))
	v := issueOne(t, o)
	whole := pass(t, v, "de-cert", "pl-cert", nil)
	if word, _ := item(whole, indicatorID).Text(impact); word != "critical" {
		t.Fatalf("it arrived as %q", word)
	}
	atPL := pass(t, v, "de-cert", "pl-cert", map[string]cut{indicatorID: {paths: []string{impact}, class: ClassPrivacy}})
	h := item(atPL, indicatorID).Handling()
	if h.Impact != "" || h.Origin != "DE" || h.Note == nil {
		t.Errorf("left: %+v", h)
	}
	if bytes.Contains(plainText(t, atPL.Raw()), []byte("critical")) {
		t.Error("what was taken out is still in the text")
	}
}
