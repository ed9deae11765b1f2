package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json/jsontext"
)

// formSamples are messages without hops, with hops, with parts taken out, with
// nothing but what is taken back, and a large one.
func formSamples(t testing.TB) []*Verified {
	t.Helper()
	v := issueOne(t, parse(t, identity))
	hop := pass(t, v, "de-cert", "pl-cert", map[string]cut{identityID: {paths: []string{"identity_class"}}})
	o := issueOptions(t)
	o.Gone = []Gone{{Digest: v.Items()[0].Digest, Reason: GoneSuperseded}}
	gone, err := Issue(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return []*Verified{v, hop, pass(t, hop, "pl-cert", "jp-carrier", nil), gone[0], issueOne(t, workload(t)...)}
}

// formOf writes the JSON form.
func formOf(t testing.TB, v *Verified) []byte {
	t.Helper()
	text, err := ToJSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestFormsAreOne: through the JSON form and back every byte is there, however
// the JSON is spelled, and what came back verifies.
func TestFormsAreOne(t *testing.T) {
	for i, v := range formSamples(t) {
		text := formOf(t, v)
		pretty := jsontext.Value(bytes.Clone(text))
		if err := pretty.Indent(); err != nil {
			t.Fatal(err)
		}
		ordered := jsontext.Value(bytes.Clone(text))
		if err := ordered.Format(jsontext.ReorderRawObjects(true)); err != nil {
			t.Fatal(err)
		}
		escaped := bytes.Replace(text, []byte(`"payload":"e`), []byte(`"payload":"\u0065`), 1)
		for name, spelling := range map[string][]byte{"as written": text, "indented": pretty, "ordered": ordered, "escaped": escaped} {
			raw, err := FromJSON(spelling)
			if err != nil {
				t.Fatalf("%d %s: %v", i, name, err)
			}
			if !bytes.Equal(raw, v.Raw()) {
				t.Errorf("%d %s: came back as another text", i, name)
			}
		}
		if bytes.Equal(escaped, text) || bytes.Equal(pretty, text) || bytes.Equal(ordered, text) {
			t.Error("the spellings are all one")
		}
		if _, err := verifyAs(t, v.Raw(), ""); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := ToJSON(nil); err == nil {
		t.Error("nothing has a JSON form")
	}
}

// TestFormRefused tries what would move the borders of a message, hide something
// in it, or cost more than a message may.
func TestFormRefused(t *testing.T) {
	text := string(formOf(t, formSamples(t)[1]))
	edit := func(old, with string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("the form has no %s", old)
		}
		return strings.Replace(text, old, with, 1)
	}
	tests := []struct {
		name, text string
		want       federation.Reason
	}{
		{"as written", text, ""},
		{"empty", "", federation.Malformed},
		{"no object", `[]`, federation.Malformed},
		{"null", `null`, federation.Malformed},
		{"an empty object", `{}`, federation.Malformed},
		{"something behind it", text + "{}", federation.Malformed},
		{"byte order mark", "\ufeff" + text, federation.Malformed},
		{"the general serialisation", `{"payload":"e30","signatures":[{"protected":"e30","signature":"AA"}]}`, federation.Malformed},
		{"a member twice", edit(`{"payload":`, `{"payload":"AAAA","payload":`), federation.Malformed},
		{"a member twice, by escape", edit(`{"payload":`, `{"\u0070ayload":"AAAA","payload":`), federation.Malformed},
		{"a member in another case", edit(`"payload"`, `"Payload"`), federation.Malformed},
		{"a member nobody knows", edit(`"header":{`, `"x":1,"header":{`), federation.Malformed},
		{"an algorithm outside the signature", edit(`"header":{`, `"header":{"alg":"none",`), federation.Malformed},
		{"a key outside the signature", edit(`"header":{`, `"header":{"jwk":{},`), federation.Malformed},
		{"a key binding", edit(`"header":{`, `"header":{"kb_jwt":"e30.e30.AA",`), federation.Malformed},
		{"a key binding of null", edit(`"header":{`, `"header":{"kb_jwt":null,`), federation.Malformed},
		{"no payload", edit(`"payload":"`, `"payload":"","x":"`), federation.Malformed},
		{"payload null", `{"payload":null,"protected":"e30","signature":"AA","header":{"disclosures":[]}}`, federation.Malformed},
		{"no disclosures", `{"payload":"e30","protected":"e30","signature":"AA","header":{}}`, federation.Malformed},
		{"disclosures null", `{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":null}}`, federation.Malformed},
		{"no header", `{"payload":"e30","protected":"e30","signature":"AA"}`, federation.Malformed},
		{"two disclosures as one", edit(`"disclosures":["`, `"disclosures":["WyJh~`), federation.Malformed},
		{"two parts as one", edit(`"signature":"`, `"signature":"AA.`), federation.Malformed},
		{"a disclosure in the signature", edit(`"header"`, `"x":"","header"`), federation.Malformed},
		{"an empty disclosure", edit(`"disclosures":[`, `"disclosures":["",`), federation.Malformed},
		{"a disclosure that is a number", edit(`"disclosures":[`, `"disclosures":[1,`), federation.Malformed},
		{"padding", edit(`"signature":"`, `"signature":"=`), federation.Malformed},
		{"two hops as one", edit(`"hops":["`, `"hops":["AA\n`), federation.Malformed},
		{"a line 1 among the hops", edit(`"hops":["`, `"hops":["AA~`), federation.Malformed},
		{"an empty hop", edit(`"hops":[`, `"hops":["",`), federation.Malformed},
		{"bad UTF-8", edit(`"payload":"`, "\"payload\":\"\xff"), federation.Malformed},
		{"as large as can be", strings.Repeat(" ", MaxJSON-len(text)) + text, ""},
		{"too large", strings.Repeat(" ", MaxJSON-len(text)+1) + text, federation.TooLarge},
		{"10⁵ disclosures", edit(`"disclosures":[`, `"disclosures":[`+strings.Repeat(`"",`, 100_000)), federation.TooLarge},
		{"depth", `{"header":` + strings.Repeat("[", 200_000), federation.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := FromJSON([]byte(tt.text))
			wantReason(t, err, tt.want)
		})
	}
	_, err := FromJSON([]byte(edit(`"header":{`, `"header":{"kb_jwt":"e30.e30.AA",`)))
	if r, ok := errors.AsType[*federation.Refusal](err); !ok || r.Where != "key binding" {
		t.Errorf("a key binding is refused as %v", err)
	}
}

// TestFormHoldsEveryMessage: what the limits of the compact form let through is
// never too large in JSON form.
func TestFormHoldsEveryMessage(t *testing.T) {
	most := MaxMessage + 1 + MaxHopBytes
	separators := 2 * (MaxDisclosures + MaxHops) // `","` in place of one byte
	names := len(`{"payload":"","protected":"","signature":"","header":{"disclosures":[""],"hops":[""]}}`)
	if most+separators+names > MaxJSON {
		t.Errorf("a message may need %d bytes, MaxJSON is %d", most+separators+names, MaxJSON)
	}
	full := jsonForm{Payload: "AA", Protected: "AA", Signature: "AA"}
	for range MaxDisclosures {
		full.Header.Disclosures = append(full.Header.Disclosures, "A")
	}
	for range MaxHops {
		full.Header.Hops = append(full.Header.Hops, "A.1.1..A.A.A")
	}
	want := full.compact()
	text, err := writeForm(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromJSON(text)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the most disclosures and hops do not go through: %v", err)
	}
}

// TestFormMalleability changes each byte of a message in JSON form: what still
// verifies is the same message to the byte.
func TestFormMalleability(t *testing.T) {
	v := formSamples(t)[2]
	text := formOf(t, v)
	same := 0
	for i := range text {
		for _, c := range []byte{text[i] ^ 1, text[i] ^ 0x20, ' ', '~', '.', '"'} {
			changed := bytes.Clone(text)
			if changed[i] == c {
				continue
			}
			changed[i] = c
			raw, err := FromJSON(changed)
			if err != nil {
				continue
			}
			if bytes.Equal(raw, v.Raw()) {
				same++
				continue
			}
			if _, err := verifyAs(t, raw, "jp-carrier"); err == nil {
				t.Fatalf("byte %d as %q: another text verifies", i, c)
			}
		}
	}
	if same != 0 {
		t.Errorf("%d changes of one byte leave the message as it is, want none: nothing in it is free to change alone", same)
	}
}

// FuzzFromJSON: what is accepted goes through both forms without change.
func FuzzFromJSON(f *testing.F) {
	seeds := 0
	for _, v := range formSamples(f) {
		text := formOf(f, v)
		f.Add(text)
		if _, err := FromJSON(text); err == nil {
			seeds++
		}
	}
	if seeds < 5 {
		f.Fatalf("%d of the seeds are accepted, want 5: the corpus tries nothing", seeds)
	}
	for _, s := range []string{"", "{}", `{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":[],"hops":[]}}`,
		`{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":["WyJh"],"kb_jwt":"a.b.c"}}`} {
		f.Add([]byte(s))
	}
	_, keys := testParticipants(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		raw, err := FromJSON(text)
		if err != nil {
			if r := federation.ReasonOf(err); r != federation.Malformed && r != federation.TooLarge {
				t.Errorf("reason %q: %v", r, err)
			}
			return
		}
		form, err := writeForm(raw)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := FromJSON(form); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%q\nbecomes\n%q (%v)", raw, again, err)
		}
		if v, err := Verify(raw, VerifyOptions{Keys: keys, Now: testNow}); err == nil && !bytes.Equal(v.Raw(), raw) {
			t.Error("verified as another text")
		} else if err != nil && federation.ReasonOf(err) == "" {
			t.Errorf("no reason: %v", err)
		}
	})
}

func BenchmarkForms(b *testing.B) {
	v := issueOne(b, workload(b)...)
	text := formOf(b, v)
	b.Run("to", func(b *testing.B) {
		b.SetBytes(int64(len(v.Raw())))
		for b.Loop() {
			if _, err := ToJSON(v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("from", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := FromJSON(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// forms adds the vectors of the JSON form. A message in it is refused when its
// form is wrong; else it is what the compact text says.
func (f *vectorMaker) forms(two *Verified) {
	form := string(formOf(f.t, two))
	edit := func(old, with string) string { return strings.Replace(form, old, with, 1) }
	add := func(name, about, text string, want federation.Reason) {
		f.t.Helper()
		v := f.add(name, about, "jp-carrier", two.Raw(), "")
		v.JSON, v.Message = text, nil
		if v.Expect = v.outcome(f.t); v.Expect.Reason != want {
			f.t.Errorf("vector %s: reason %q, want %q", name, v.Expect.Reason, want)
		}
	}
	add("accept-json-form.json", "The JSON form of a message with two hops, with other spacing and an escape.",
		strings.Replace(edit(`"payload":"e`, `"payload" : "\u0065`), `,"header":{`, ",\n \"header\": {", 1), "")
	f.out["accept-json-form.json"].Message = strings.Split(string(two.Raw()), "\n")
	add("refuse-json-key-binding.json", "JSON form with a key-binding JWT.",
		edit(`"header":{`, fmt.Sprintf(`"header":{"kb_jwt":%q,`, keyBinding(f.t, two.m.sd))), federation.Malformed)
	add("refuse-json-two-in-one.json", "JSON form with a separator of the compact form inside a text: two disclosures as one.",
		edit(`","`+two.m.textAt(1)+`"`, `~`+two.m.textAt(1)+`"`), federation.Malformed)
	add("refuse-json-open-header.json", "JSON form with an algorithm in the header that is not signed.",
		edit(`"header":{`, `"header":{"alg":"none",`), federation.Malformed)
	add("refuse-json-hop-cut-out.json", "JSON form in which a hop is left out: the form is right, the message is not.",
		edit(`"hops":["`+string(bytes.Split(two.Raw(), []byte("\n"))[1])+`",`, `"hops":[`), federation.BadSignature)
}

// textAt is the text of the i-th disclosure.
func (m *message) textAt(i int) string { return string(m.text(i)) }
