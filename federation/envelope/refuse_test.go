package envelope

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// TestTextRefused holds what is refused before or while line 1 is read.
func TestTextRefused(t *testing.T) {
	good := issueOne(t, parse(t, indicator)).Raw()
	jws, rest, _ := bytes.Cut(good, []byte("~"))
	stray := func(text []byte) []byte { // the same bytes for a lax decoder
		out := bytes.Clone(text)
		c := &out[len(out)-1]
		*c = nextInAlphabet(*c)
		return out
	}
	join := func(parts ...string) []byte { return []byte(strings.Join(parts, "")) }
	tests := []struct {
		name string
		raw  []byte
		want federation.Reason
	}{
		{"as issued", good, ""},
		{"empty", nil, federation.Malformed},
		{"not an SD-JWT", []byte("hello"), federation.Malformed},
		{"STIX instead", []byte(`{"type":"bundle","objects":[]}`), federation.Malformed},
		{"JWS JSON form", []byte(`{"payload":"","signatures":[]}`), federation.Malformed},
		{"only separators", []byte("~~~"), federation.Malformed},
		{"no end", bytes.TrimSuffix(good, []byte("~")), federation.Malformed},
		{"with a key binding", join(string(good), string(jws)), federation.Malformed},
		{"LF at the end", join(string(good), "\n"), federation.Malformed},
		{"CR LF", join(string(good), "\r\n"), federation.Malformed},
		{"space in front", join(" ", string(good)), federation.Malformed},
		{"signature in another spelling", join(string(stray(jws)), "~", string(rest)), federation.Malformed},
		{"padded signature", join(string(jws), "==~", string(rest)), federation.Malformed},
		{"changed signature", join(string(flip(jws, len(jws)-20)), "~", string(rest)), federation.BadSignature},
		{"changed payload", join(string(flip(jws, 200)), "~", string(rest)), federation.BadSignature},
		{"an empty disclosure", join(string(jws), "~~", string(rest)), federation.Malformed},
		{"100 MB", bytes.Repeat([]byte("A"), 100<<20), federation.TooLarge},
		{"line 1 too long", append(bytes.Repeat([]byte("A"), MaxMessage), '~'), federation.TooLarge},
		{"10⁵ disclosures", join(string(jws), strings.Repeat("~e", 100_000), "~"), federation.TooLarge},
		{"17 hops", join(string(good), strings.Repeat("\na", 17)), federation.TooLarge},
		{"hops too long", join(string(good), "\n", strings.Repeat("a", MaxHopBytes+1)), federation.TooLarge},
		{"a hop that is none", join(string(good), "\nabc"), federation.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyAs(t, tt.raw, "")
			wantReason(t, err, tt.want)
		})
	}
}

// TestKeyBindingRefused holds that a key binding is refused for what it is,
// valid or not, before its key or its signature is looked at.
func TestKeyBindingRefused(t *testing.T) {
	good := issueOne(t, parse(t, indicator)).Raw()
	tests := []struct{ name, tail, where string }{
		{"as RFC 9901 has it", keyBinding(t, good), "key binding"},
		{"of an empty JWT", "..", "key binding"},
		{"two parts", "a.b", "line 1"},
		{"a disclosure without end", "WyJh", "line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyAs(t, append(bytes.Clone(good), tt.tail...), "")
			wantReason(t, err, federation.Malformed)
			r, ok := errors.AsType[*federation.Refusal](err)
			if !ok || r.Where != tt.where {
				t.Errorf("refused at %q, want %q: %v", r.Where, tt.where, err)
			}
		})
	}
	hop := dispatch(t, clear(t, issueOne(t, parse(t, identity)), "pl-cert", nil), "de-cert", "pl-cert", 1)
	line, rest, _ := bytes.Cut(hop, []byte("\n"))
	bound := slices.Concat(line, []byte(keyBinding(t, line)), []byte("\n"), rest)
	_, err := verifyAs(t, bound, "pl-cert")
	wantReason(t, err, federation.Malformed)
}

// keyBinding is the key-binding JWT that a holder would put behind line 1
// (RFC 9901 §4.3), validly signed.
func keyBinding(t testing.TB, sd []byte) string {
	t.Helper()
	sum := sha256.Sum256(sd)
	payload := fmt.Sprintf(`{"iat":%d,"aud":"https://verifier.example","nonce":"1234567890","sd_hash":"%s"}`, testNow.Unix(), b64(sum[:]))
	text, err := directory.SignJWS("kb+jwt", []byte(payload), testKeyPair(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// flip changes one character to another of the alphabet, at a place where all
// its bits count.
func flip(text []byte, at int) []byte {
	out := bytes.Clone(text)
	if out[at] == 'A' {
		out[at] = 'Z'
	} else {
		out[at] = 'A'
	}
	return out
}

// nextInAlphabet changes the lowest bit of a base64url character.
func nextInAlphabet(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

func TestPayloadRefused(t *testing.T) {
	f := forge(t)
	obj := f.element("{" + basics() + "}")
	good := f.payload(obj)
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("payload has no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	many := make([]string, MaxObjects+1)
	for i := range many {
		many[i] = obj
	}
	tests := []struct {
		name, payload string
		want          federation.Reason
	}{
		{"as it should be", good, ""},
		{"spaced out", strings.ReplaceAll(good, ",", " , "), ""},
		{"not JSON", "{", federation.Malformed},
		{"a member twice", edit(`"ver":1`, `"ver":1,"ver":1`), federation.Malformed},
		{"a holder's key to bind to", edit(`"ver":1`, `"ver":1,"cnf":{"kid":"x"}`), federation.Malformed},
		{"a member nobody knows", edit(`"ver":1`, `"ver":1,"nbf":1`), federation.Malformed},
		{"another case", edit(`"iss"`, `"Iss"`), federation.Malformed},
		{"a newer version", edit(`"ver":1`, `"ver":2,"new":true`), federation.Unsupported},
		{"no version", edit(`"ver":1,`, ``), federation.Malformed},
		{"issued in another's name", edit(`"iss":"de-cert"`, `"iss":"pl-cert"`), federation.BadSignature},
		{"other hash", edit(`sha-256`, `sha-512`), federation.Malformed},
		{"no hash", edit(`"_sd_alg":"sha-256",`, ``), federation.Malformed},
		{"message id of another version", edit(`-7000-`, `-4000-`), federation.Malformed},
		{"message id in capitals", edit(`01944000-0000-7000-8000-000000000001`, `01944000-0000-7000-8000-00000000000A`), federation.Malformed},
		{"ends before it begins", edit(fmt.Sprint(testNow.Add(DefaultExpiry).Unix()), "1"), federation.Malformed},
		{"beyond the year 9999", edit(fmt.Sprint(testNow.Add(DefaultExpiry).Unix()), "999999999999999"), federation.Malformed},
		{"no objects", edit(`"objects":[{"...":"`+obj+`"}]`, `"objects":[]`), federation.Malformed},
		{"objects missing", edit(`,"objects":[{"...":"`+obj+`"}]`, ``), federation.Malformed},
		{"65 objects", f.payload(many...), federation.TooLarge},
		{"an object in the open", edit(`{"...":"`+obj+`"}`, `{}`), federation.Malformed},
		{"more beside the digest", edit(`"}]`, `","a":1}]`), federation.Malformed},
		{"digests at the top", edit(`"ver":1`, `"ver":1,"_sd":["`+obj+`"]`), federation.Malformed},
		{"a short digest", edit(obj, obj[:42]), federation.Malformed},
		{"a digest in another spelling", edit(obj, obj[:42]+string(nextInAlphabet(obj[42]))), federation.Malformed},
		{"the same object twice", f.payload(obj, obj), federation.Malformed},
		{"gone for no known reason", edit(`"objects"`, `"gone":[["`+obj+`","lost"]],"objects"`), federation.Malformed},
		{"gone with a bad digest", edit(`"objects"`, `"gone":[["x","withdrawn"]],"objects"`), federation.Malformed},
		{"gone beside objects", edit(`"objects"`, `"gone":[["`+obj+`","withdrawn"]],"objects"`), federation.Malformed},
		{"too many gone", edit(`"objects"`, `"gone":[`+strings.TrimSuffix(strings.Repeat(`["`+obj+`","withdrawn"],`, MaxGone+1), ",")+`],"objects"`), federation.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyAs(t, f.message(tt.payload), "")
			wantReason(t, err, tt.want)
		})
	}
}

// TestFixedPropertiesAsDisclosures tries each property that is always in the
// open, and the ways around its name.
func TestFixedPropertiesAsDisclosures(t *testing.T) {
	values := map[string]string{
		"type": `"indicator"`, "spec_version": `"2.1"`, "id": `"` + indicatorID + `"`, "created": `"2026-01-05T10:00:00.000Z"`,
		"modified": `"2026-01-05T10:00:00.000Z"`, "revoked": `true`, "valid_from": `"2026-01-05T10:00:00Z"`,
		"valid_until": `"2026-02-05T10:00:00Z"`, "pattern": `"[domain-name:value = 'portal.example.test']"`, "pattern_type": `"stix"`,
		"labels":              `["phishing"]`,
		"object_marking_refs": `["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]`,
		"granular_markings":   `[{"lang":"de","selectors":["labels"]}]`,
	}
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			f := forge(t)
			_, err := verifyAs(t, f.of(basics(name), sd(f.property(name, value))), "")
			wantReason(t, err, federation.Malformed)

			f = forge(t)
			escaped := fmt.Sprintf(`\u%04x%s`, name[0], name[1:])
			_, err = verifyAs(t, f.of(basics(name), sd(f.property(escaped, value))), "")
			wantReason(t, err, federation.Malformed)
		})
	}
	f := forge(t)
	if _, err := verifyAs(t, f.of(basics(), sd(f.property("name", `"x"`))), ""); err != nil {
		t.Errorf("a property that may be a disclosure: %v", err)
	}
}

// forgery is a message made by hand, and what must come of it.
type forgery struct {
	name string
	make func(f *forger) []byte
	want federation.Reason
}

// tryForgeries verifies each.
func tryForgeries(t *testing.T, tests []forgery) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyAs(t, tt.make(forge(t)), "")
			wantReason(t, err, tt.want)
		})
	}
}

// TestDisclosureForms: a disclosure has exactly the form of its place, and what
// it holds is one JSON value.
func TestDisclosureForms(t *testing.T) {
	const other = `"extension-definition--11111111-2222-4333-8444-555555555555":{"extension_type":"property-extension","rank":5}`
	tryForgeries(t, []forgery{
		{"a property", func(f *forger) []byte { return f.of(basics(), sd(f.property("name", `"x"`))) }, ""},
		{"extensions as a disclosure", func(f *forger) []byte { return f.of(basics(), sd(f.property("extensions", "{"+other+"}"))) }, ""},
		{"two shapes of disclosure mixed up", func(f *forger) []byte { return f.of(basics(), sd(f.element(`"x"`))) }, federation.Malformed},
		{"a property among the objects", func(f *forger) []byte {
			return f.message(f.payload(f.property("name", "{"+basics()+"}")))
		}, federation.Malformed},
		{"an object that is none", func(f *forger) []byte { return f.message(f.payload(f.element(`["x"]`))) }, federation.Malformed},
		{"not an array", func(f *forger) []byte { return f.message(f.payload(f.raw(`{"a":1}`))) }, federation.Malformed},
		{"not JSON", func(f *forger) []byte { return f.message(f.payload(f.raw(`nonsense`))) }, federation.Malformed},
		{"four parts", func(f *forger) []byte { return f.of(basics(), sd(f.raw(`["`+f.salt()+`","name","x",1]`))) }, federation.Malformed},
		{"more behind it", func(f *forger) []byte { return f.of(basics(), sd(f.raw(`["`+f.salt()+`","name","x"] []`))) }, federation.Malformed},
		{"short salt", func(f *forger) []byte { return f.of(basics(), sd(f.raw(`["salt","name","x"]`))) }, federation.Malformed},
		{"salt with an escape", func(f *forger) []byte {
			return f.of(basics(), sd(f.raw(`["\u0041altsaltsaltsaltsalt000","name","x"]`)))
		}, federation.Malformed},
		{"salt that is a number", func(f *forger) []byte { return f.of(basics(), sd(f.raw(`[1,"name","x"]`))) }, federation.Malformed},
		{"a value that ends early", func(f *forger) []byte { return f.of(basics(), sd(f.property("x_a", `{"b":1]`))) }, federation.Malformed},
		{"a value that is two", func(f *forger) []byte { return f.of(basics(), sd(f.property("x_a", `1,"x_b":2`))) }, federation.Malformed},
		{"a value that closes the object", func(f *forger) []byte { return f.of(basics(), sd(f.property("x_a", `1},{"x_b":2`))) }, federation.Malformed},
		{"a name that is more", func(f *forger) []byte { return f.of(basics(), sd(f.property(`x_a\":1,\"x_b`, `2`))) }, federation.Malformed},
		{"invalid UTF-8", func(f *forger) []byte { return f.of(basics(), sd(f.property("name", "\"\xff\""))) }, federation.Malformed},
		{"duplicate names inside", func(f *forger) []byte { return f.of(basics(), sd(f.property("x_a", `{"b":1,"b":2}`))) }, federation.Malformed},
		{"a name that is there already", func(f *forger) []byte { return f.of(basics(), `"name":"a"`, sd(f.property("name", `"b"`))) }, federation.Malformed},
		{"a name by disclosure twice", func(f *forger) []byte {
			return f.of(basics(), sd(f.property("name", `"a"`), f.property("name", `"b"`)))
		}, federation.Malformed},
	})
}

// TestDigestPlaces: digests stand where the format has them, in order and once.
func TestDigestPlaces(t *testing.T) {
	someDigest := b64(make([]byte, 32))
	tryForgeries(t, []forgery{
		{"_sd as a name", func(f *forger) []byte { return f.of(basics(), sd(f.property("_sd", `["x"]`))) }, federation.Malformed},
		{"... as a name", func(f *forger) []byte { return f.of(basics(), sd(f.property("...", `"x"`))) }, federation.Malformed},
		{"_sd written with an escape", func(f *forger) []byte { return f.of(basics(), `"_\u0073d":["`+f.property("name", `"x"`)+`"]`) }, federation.Malformed},
		{"_sd twice", func(f *forger) []byte {
			return f.of(basics(), sd(f.property("name", `"x"`)), sd(f.property("description", `"x"`)))
		}, federation.Malformed},
		{"_sd of numbers", func(f *forger) []byte { return f.of(basics(), `"_sd":[1]`) }, federation.Malformed},
		{"_sd that is an object", func(f *forger) []byte { return f.of(basics(), `"_sd":{}`) }, federation.Malformed},
		{"_sd out of order", func(f *forger) []byte {
			d := sd(f.property("name", `"x"`), f.property("description", `"y"`))
			a, b := d[8:8+digestText], d[8+digestText+3:8+2*digestText+3]
			return f.of(basics(), `"_sd":["`+b+`","`+a+`"]`)
		}, federation.Malformed},
		{"a digest twice in _sd", func(f *forger) []byte {
			d := f.property("name", `"x"`)
			return f.of(basics(), `"_sd":["`+d+`","`+d+`"]`)
		}, federation.Malformed},
		{"a digest in two places", func(f *forger) []byte {
			d := f.property("x_a", `1`)
			return f.of(basics(), sd(d), `"extensions":{`+sd(d)+`}`)
		}, federation.Malformed},
		{"a disclosure nothing stands for", func(f *forger) []byte {
			f.property("name", `"x"`)
			return f.of(basics())
		}, federation.Malformed},
		{"a decoy, with no hop to list it", func(f *forger) []byte { return f.of(basics(), sd(someDigest)) }, federation.UnaccountedRedaction},
		{"digests deep in a value", func(f *forger) []byte {
			return f.of(basics(), `"external_references":[{"source_name":"x",`+sd(f.property("url", `"https://a.example"`))+`}]`)
		}, federation.Malformed},
		{"digests deep in a disclosed value", func(f *forger) []byte {
			return f.of(basics(), sd(f.property("x_a", `{`+sd(f.property("b", `1`))+`}`)))
		}, federation.Malformed},
		{"an element of another list", func(f *forger) []byte {
			return f.of(basics("labels"), `"labels":["a",{"...":"`+f.element(`"b"`)+`"}]`)
		}, federation.Malformed},
		{"_sd_alg in an object", func(f *forger) []byte { return f.of(basics(), `"_sd_alg":"sha-256"`) }, federation.Malformed},
	})
}

// TestWhatIsAlwaysOpen: handling facts and definitions are in the open, and what
// comes out is a STIX object of a time that has been.
func TestWhatIsAlwaysOpen(t *testing.T) {
	own := `"` + stix.HandlingExtension + `":{"extension_type":"property-extension","origin":"DE"}`
	def := `"type":"marking-definition","spec_version":"2.1","id":"` + markingID + `","created":"2026-01-01T00:00:00.000Z"`
	tryForgeries(t, []forgery{
		{"our handling by disclosure", func(f *forger) []byte {
			return f.of(basics(), `"extensions":{`+sd(f.property(stix.HandlingExtension, `{"extension_type":"property-extension","origin":"DE"}`))+`}`)
		}, federation.Malformed},
		{"our handling within disclosed extensions, its name with an escape", func(f *forger) []byte {
			return f.of(basics(), sd(f.property("extensions", `{`+strings.Replace(own, "extension-", `\u0065xtension-`, 1)+`}`)))
		}, federation.Malformed},
		{"our handling as an entry, its name with an escape", func(f *forger) []byte {
			return f.of(basics(), `"extensions":{`+sd(f.property(`\u0065`+stix.HandlingExtension[1:], `{"extension_type":"property-extension","origin":"DE"}`))+`}`)
		}, federation.Malformed},
		{"our handling within disclosed extensions", func(f *forger) []byte {
			return f.of(basics(), sd(f.property("extensions", `{`+own+`}`)))
		}, federation.Malformed},
		{"a handling fact by disclosure", func(f *forger) []byte {
			return f.of(basics(), `"extensions":{"`+stix.HandlingExtension+`":{"extension_type":"property-extension",`+sd(f.property("residency", `["EU"]`))+`}}`)
		}, federation.Malformed},
		{"the note by disclosure", func(f *forger) []byte {
			return f.of(basics(), `"extensions":{"`+stix.HandlingExtension+`":{"extension_type":"property-extension",`+
				sd(f.property("note", `{`+sd(f.property("abstract", `"x"`))+`}`))+`}}`)
		}, ""},
		{"the impact by disclosure", func(f *forger) []byte {
			return f.of(basics(), `"extensions":{"`+stix.HandlingExtension+`":{"extension_type":"property-extension",`+sd(f.property("impact", `"high"`))+`}}`)
		}, ""},
		{"an impact with digests", func(f *forger) []byte {
			return f.of(basics(), `"extensions":{"`+stix.HandlingExtension+`":{"extension_type":"property-extension",`+
				sd(f.property("impact", `{`+sd(f.property("x", `"x"`))+`}`))+`}}`)
		}, federation.Malformed},
		{"a marking-definition with digests", func(f *forger) []byte {
			return f.of(def, `"definition_type":"statement","definition":{"statement":"x"}`, sd(f.property("name", `"x"`)))
		}, federation.Malformed},
		{"a marking-definition with hidden extensions", func(f *forger) []byte {
			return f.of(def, `"definition_type":"statement","definition":{"statement":"x"}`, `"extensions":{`+sd(f.property("x", `{}`))+`}`)
		}, federation.Malformed},
		{"not STIX", func(f *forger) []byte { return f.of(`"a":1`) }, federation.Malformed},
		{"no type in the open", func(f *forger) []byte {
			return f.of(basics("type"), `"ty\u0070e":"indicator"`, sd(f.property("name", `"x"`)))
		}, federation.Malformed},
		{"too deep", func(f *forger) []byte {
			return f.of(basics(), sd(f.property("x_a", strings.Repeat("[", 1000)+strings.Repeat("]", 1000))))
		}, federation.TooLarge},
		{"modified in six minutes", func(f *forger) []byte {
			return f.of(basics("modified"), `"modified":"2026-01-06T12:06:00.000Z"`)
		}, ""},
		{"modified in seven minutes", func(f *forger) []byte {
			return f.of(basics("modified"), `"modified":"2026-01-06T12:07:00.000Z"`)
		}, federation.Malformed},
		{"one version with two contents", func(f *forger) []byte {
			return f.message(f.payload(f.element("{"+basics()+"}"), f.element("{"+basics()+`,"x_a":1}`)))
		}, federation.Equivocation},
	})
}

func TestTimesAndKeys(t *testing.T) {
	v := issueOne(t, parse(t, identity))
	raw := dispatch(t, clear(t, v, "pl-cert", nil), "de-cert", "pl-cert", 1)
	ps, keys := testParticipants(t)
	of := func(id string) string { return ps[id].KeyID() }
	tests := []struct {
		name string
		at   time.Time
		edit func(ring)
		want federation.Reason
	}{
		{"on time", testNow, nil, ""},
		{"our clock six minutes behind", testNow.Add(-6 * time.Minute), nil, ""},
		{"our clock ten minutes behind", testNow.Add(-10 * time.Minute), nil, federation.NotYetValid},
		{"our clock ten minutes ahead", testNow.Add(10 * time.Minute), nil, ""},
		{"the last moment", testNow.Add(DefaultExpiry), nil, ""},
		{"six minutes after it", testNow.Add(DefaultExpiry + 6*time.Minute), nil, ""},
		{"past exp", testNow.Add(DefaultExpiry + 7*time.Minute), nil, federation.Expired},
		{"unknown key", testNow, func(r ring) { delete(r, of("de-cert")) }, federation.UnknownIssuer},
		{"revoked key", testNow, func(r ring) { change(r, of("de-cert"), func(k *dkey) { k.RevokedAt = testNow }) }, federation.RevokedKey},
		{"revoked after it was stored", testNow, func(r ring) {
			change(r, of("de-cert"), func(k *dkey) { k.RevokedAt = testNow.Add(time.Hour) })
		}, ""},
		{"key of the time before", testNow, func(r ring) {
			change(r, of("de-cert"), func(k *dkey) { k.NotAfter = testNow.Add(-time.Hour) })
		}, federation.RevokedKey},
		{"key of a time to come", testNow, func(r ring) {
			change(r, of("de-cert"), func(k *dkey) { k.NotBefore = testNow.Add(time.Hour) })
		}, federation.NotYetValid},
		{"an agreement key", testNow, func(r ring) {
			change(r, of("de-cert"), func(k *dkey) { k.Purpose = "agreement" })
		}, federation.BadSignature},
		{"lapsed statement", testNow, func(r ring) {
			change(r, of("de-cert"), func(k *dkey) { k.Fresh = testNow.Add(-time.Hour) })
		}, federation.UnknownIssuer},
		{"key of another participant", testNow, func(r ring) {
			change(r, of("de-cert"), func(k *dkey) { k.Owner = "fr-cert" })
		}, federation.BadSignature},
		{"no directory", testNow, func(r ring) { clearRing(r) }, federation.UnknownIssuer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, r := testParticipants(t)
			if tt.edit != nil {
				tt.edit(r)
			}
			_, err := Verify(raw, VerifyOptions{Self: "pl-cert", From: "de-cert", Keys: r, Now: tt.at})
			wantReason(t, err, tt.want)
		})
	}
	_, err := Verify(raw, VerifyOptions{Now: testNow})
	wantReason(t, err, federation.UnknownIssuer)
	_, err = Verify(raw, VerifyOptions{Self: "pl-cert", From: "fr-cert", Keys: keys, Now: testNow})
	wantReason(t, err, federation.WrongRecipient)
}

// TestPanicIsARefusal: a key source that panics stands for any fault in reading.
func TestPanicIsARefusal(t *testing.T) {
	_, err := Verify(issueOne(t, parse(t, identity)).Raw(), VerifyOptions{Keys: panics{}, Now: testNow})
	wantReason(t, err, federation.Malformed)
}
