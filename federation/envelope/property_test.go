package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"pgregory.net/rapid"
)

// genObject draws an object with any of the places in which disclosures stand.
func genObject(t *rapid.T, i int) *stix.Object {
	text := rapid.StringMatching(`[ -~äß漢]{0,12}`)
	quote := func(label string) string { return fmt.Sprintf("%q", strings.ToValidUTF8(text.Draw(t, label), "")) }
	typ := rapid.SampledFrom([]string{"indicator", "report", "identity"}).Draw(t, "type")
	members := []string{fmt.Sprintf(`"type":"%s","spec_version":"2.1","id":"%s--00000000-0000-4000-8000-%012d"`, typ, typ, i),
		`"created":"2026-01-05T10:00:00.000Z","modified":"2026-01-05T10:00:00.000Z"`, `"name":` + quote("name")}
	switch typ {
	case "indicator":
		members = append(members, `"pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-01-05T10:00:00Z"`)
	case "report":
		var refs []string
		for j := range rapid.IntRange(1, 4).Draw(t, "refs") {
			refs = append(refs, fmt.Sprintf(`"identity--00000000-0000-4000-8000-%012d"`, j))
		}
		members = append(members, `"published":"2026-01-05T10:00:00Z","object_refs":[`+strings.Join(refs, ",")+`]`)
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`x_[a-z]{2,6}`), 0, 4, rapid.ID).Draw(t, "custom") {
		members = append(members, fmt.Sprintf(`"%s":{"a":[%s,1.0,null,{"b":true}]}`, name, quote("value")))
	}
	var entries []string
	for j := range rapid.IntRange(0, 2).Draw(t, "extensions") {
		entries = append(entries, fmt.Sprintf(`"extension-definition--11111111-2222-4333-8444-%012d":{"extension_type":"property-extension","rank":%d}`, j, j))
	}
	if rapid.Bool().Draw(t, "handling") {
		entries = append(entries, `"`+stix.HandlingExtension+`":{"extension_type":"property-extension","origin":"DE","impact":"high","note":{"abstract":`+quote("abstract")+`,"content":`+quote("content")+`}}`)
	}
	if len(entries) > 0 {
		members = append(members, `"extensions":{`+strings.Join(entries, ",")+`}`)
	}
	o, err := stix.Parse([]byte("{" + strings.Join(members, ",") + "}"))
	if err != nil {
		t.Fatalf("the generator made no valid object: %v\n%s", err, members)
	}
	return o
}

// genCuts draws what to take out of each object: paths of units, or all of it.
func genCuts(t *rapid.T, v *Verified) map[string]cut {
	cuts := map[string]cut{}
	for _, it := range v.Items() {
		c := cut{whole: rapid.IntRange(0, 5).Draw(t, "whole") == 0,
			class: rapid.SampledFrom([]string{ClassPolicy, ClassPrivacy, ClassOrigin}).Draw(t, "class")}
		for _, u := range it.Object.Units() {
			if !u.Fixed && rapid.IntRange(0, 3).Draw(t, "out") == 0 {
				c.paths = append(c.paths, u.Path)
			}
		}
		cuts[it.Object.ID()] = c
	}
	return cuts
}

// TestAnyRemovalVerifies: whatever is taken out at two borders, what arrives
// verifies, is what was cleared, holds nothing that was taken out, keeps what
// was not, and keeps every object's identity.
func TestAnyRemovalVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var objs []*stix.Object
		for i := range rapid.IntRange(1, 4).Draw(rt, "objects") {
			objs = append(objs, genObject(rt, i))
		}
		v := issueOne(t, objs...)
		route := []string{"de-cert", "pl-cert", "jp-carrier"}
		for i := range route[1:] {
			cuts := genCuts(rt, v)
			c, err := tryClear(v, route[i+1], cuts)
			if errors.Is(err, ErrNothing) {
				return
			}
			if err != nil {
				rt.Fatal(err)
			}
			got, err := verifyAs(t, dispatch(t, c, route[i], route[i+1], 1), route[i+1])
			if err != nil {
				rt.Fatalf("at %s: %v", route[i+1], err)
			}
			compareCut(rt, v, c, got, cuts)
			v = got
		}
	})
}

// compareCut compares what arrived with what was there before and what was to
// be taken out.
func compareCut(t *rapid.T, before *Verified, c *Cleared, got *Verified, cuts map[string]cut) {
	if len(got.Items()) != len(c.Items()) {
		t.Fatalf("%d objects arrived, %d were cleared", len(got.Items()), len(c.Items()))
	}
	for i, it := range got.Items() {
		if it.Digest != c.Items()[i].Digest || !bytes.Equal(it.Object.Raw(), c.Items()[i].Object.Raw()) {
			t.Fatalf("arrived %s, cleared %s", it.Object.Raw(), c.Items()[i].Object.Raw())
		}
		old := item(before, it.Object.ID())
		at := slices.IndexFunc(before.Items(), func(x Item) bool { return x.Object == old })
		if before.Items()[at].Digest != it.Digest {
			t.Fatal("the object's identity changed")
		}
		x := cuts[it.Object.ID()]
		if x.whole {
			t.Fatalf("%s arrived and was to be taken out", it.Object.ID())
		}
		for _, u := range old.Units() {
			out := slices.ContainsFunc(x.paths, func(p string) bool { return p == u.Path || strings.HasPrefix(u.Path, p+".") })
			if u.Element || u.Container {
				continue // numbers shift, and containers may go or stay in part
			}
			raw, there := it.Object.Get(u.Path)
			if there == out && !(out == false && emptied(x.paths, u.Path)) || there && string(raw) != string(u.Value) {
				t.Fatalf("%s of %s: there %v, to be taken out %v", u.Path, it.Object.ID(), there, out)
			}
		}
	}
}

// emptied reports whether the path's container was taken out by name.
func emptied(paths []string, path string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(path, p+".") })
}

// TestEveryByteCounts changes each byte of a small message with two hops to
// several others: none of the results is accepted.
func TestEveryByteCounts(t *testing.T) {
	v := pass(t, issueOne(t, parse(t, identity)), "de-cert", "pl-cert", map[string]cut{identityID: {paths: []string{"identity_class"}}})
	raw := pass(t, v, "pl-cert", "jp-carrier", nil).Raw()
	_, keys := testParticipants(t)
	o := VerifyOptions{Self: "jp-carrier", Keys: keys, Now: testNow}
	if _, err := Verify(raw, o); err != nil {
		t.Fatal(err)
	}
	try := func(what string, text []byte) {
		if _, err := Verify(text, o); err == nil {
			t.Errorf("%s is accepted:\n%s", what, text)
		} else if federation.ReasonOf(err) == "" {
			t.Errorf("%s: no reason: %v", what, err)
		}
	}
	for i := range raw {
		for _, c := range []byte{raw[i] ^ 1, raw[i] ^ 2, raw[i] ^ 0x20, 'A', '~', '.', '\n', '\r', ' ', '=', 0} {
			if c != raw[i] {
				out := bytes.Clone(raw)
				out[i] = c
				try(fmt.Sprintf("byte %d as %q", i, c), out)
			}
		}
		try(fmt.Sprintf("without byte %d", i), slices.Delete(bytes.Clone(raw), i, i+1))
		try(fmt.Sprintf("LF before byte %d", i), slices.Insert(bytes.Clone(raw), i, '\n'))
	}
}

// reencode writes a verified message anew from its decoded parts.
func reencode(v *Verified) []byte {
	m := v.m
	out := []byte(b64(m.jws.Header) + "." + b64(m.jws.Payload) + "." + b64(m.jws.Signature) + "~")
	order := make([]int, len(m.discs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareDigests(m.digests[a], m.digests[b]) })
	for _, i := range order {
		plain, _, _ := m.json(i, nil)
		out = append(append(out, b64(plain)...), '~')
	}
	for _, h := range m.hops {
		p := strings.SplitN(string(h.line), ".", 5)
		record, _ := decode([]byte(p[0]))
		path, _ := decode([]byte(p[3]))
		out = append(out, "\n"+b64(record)+"."+p[1]+"."+p[2]+"."+b64(path)...)
		for part := range strings.SplitSeq(p[4], ".") {
			b, _ := decode([]byte(part))
			out = append(out, "."+b64(b)...)
		}
	}
	return out
}

// FuzzMalleability: what is accepted has exactly one text. Accepted bytes are
// taken apart, written anew and compared.
func FuzzMalleability(f *testing.F) {
	v := issueOne(f, parse(f, identity))
	hop := pass(f, v, "de-cert", "pl-cert", map[string]cut{identityID: {paths: []string{"identity_class"}}})
	two := pass(f, hop, "pl-cert", "jp-carrier", nil)
	seeds := [][]byte{v.Raw(), hop.Raw(), two.Raw(), issueOne(f, sampleObjects(f)...).Raw(), []byte("a.b.c~"), {}}
	accepted := 0
	for _, s := range seeds {
		f.Add(s)
		if _, err := verifyAs(f, s, ""); err == nil {
			accepted++
		}
	}
	if accepted < 4 {
		f.Fatalf("%d of the seeds are accepted, want 4: the corpus tries nothing", accepted)
	}
	_, keys := testParticipants(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Verify(raw, VerifyOptions{Keys: keys, Now: testNow})
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		if again := reencode(got); !bytes.Equal(again, raw) {
			t.Errorf("accepted\n%q\nand its one text is\n%q", raw, again)
		}
	})
}

// FuzzDisclosures feeds the builder what only an issuer with a valid key could:
// the JSON of an object's disclosure and of two that it may refer to.
func FuzzDisclosures(f *testing.F) {
	f.Add("{"+basics()+"}", `"name"`, `"x"`)
	f.Add("{"+basics()+`,"extensions":{}}`, `"extensions"`, `{}`)
	f.Add(`{"_sd":[]}`, `"_sd"`, `[]`)
	_, keys := testParticipants(f)
	f.Fuzz(func(t *testing.T, object, name, value string) {
		g := forge(t)
		a := g.raw(`["` + g.salt() + `",` + name + `,` + value + `]`)
		if strings.HasSuffix(object, "}") {
			object = strings.TrimSuffix(object, "}") + "," + sd(a) + "}"
		}
		raw := g.message(g.payload(g.element(object)))
		if diff, _ := rebuiltOtherwise(keys, raw); diff != "" {
			t.Error(diff)
		}
		v, err := verifyAs(t, raw, "")
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		// What a strict parser made of it is what is in the disclosures.
		got := v.Items()[0].Object.Raw()
		if bytes.Contains(got, []byte(`"_sd"`)) || bytes.Contains(got, []byte(`"..."`)) {
			t.Errorf("reserved names in %s", got)
		}
	})
}

// TestScannerAgrees: on valid JSON the scanner ends a value where a strict
// parser does.
func TestScannerAgrees(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) string { return genJSON(t, 4) })
	rapid.Check(t, func(rt *rapid.T) {
		v := value.Draw(rt, "value")
		tail := rapid.SampledFrom([]string{"", ",1", "]", "}", " ", ":"}).Draw(rt, "tail")
		s := scanner{b: []byte(" " + v + tail)}
		raw, ok := s.value()
		if !ok || string(raw) != v {
			rt.Fatalf("cut %q from %q, want %q", raw, v+tail, v)
		}
	})
	for _, bad := range []string{"", " ", "{", "[", `"`, `"\"`, `{"a":"}`, "[[]", ",", "}", "]", ":"} {
		s := scanner{b: []byte(bad)}
		if raw, ok := s.value(); ok {
			t.Errorf("cut %q from %q", raw, bad)
		}
	}
}

// genJSON draws a JSON value.
func genJSON(t *rapid.T, depth int) string {
	text := rapid.SampledFrom([]string{`""`, `"a"`, `"\""`, `"\\"`, `"\\\""`, `"{[,:]}"`, `"漢"`, `"\u0022"`})
	kinds := []string{"text", "number", "word"}
	if depth > 0 {
		kinds = append(kinds, "array", "object")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "text":
		return text.Draw(t, "text")
	case "number":
		return rapid.SampledFrom([]string{"0", "-1", "1.50", "1e9", "-0.0E-5"}).Draw(t, "number")
	case "array":
		var parts []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, genJSON(t, depth-1))
		}
		return "[" + strings.Join(parts, " ,") + "]"
	case "object":
		var parts []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, text.Draw(t, "name")+" :"+genJSON(t, depth-1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
}
