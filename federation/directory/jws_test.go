package directory

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

type ring map[string]Key

func (r ring) Key(kid string) (Key, bool) { k, ok := r[kid]; return k, ok }

func testRing(t testing.TB) (ring, *PrivateKey) {
	k := testKey(t, 3)
	pub := k.Key(PurposeMessage, now.Add(-time.Hour), now.Add(time.Hour))
	pub.Owner, pub.Fresh = "de-cert", now.Add(time.Hour)
	return ring{k.KeyID(): pub}, k
}

// signAs signs with a header text of the caller's.
func signAs(t testing.TB, k *PrivateKey, header, payload string) []byte {
	t.Helper()
	e := base64.RawURLEncoding
	input := e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(payload))
	sig, err := k.Sign([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(input + "." + e.EncodeToString(sig))
}

func TestOpenJWSHeaders(t *testing.T) {
	keys, k := testRing(t)
	kid := k.KeyID()
	tests := []struct {
		name, header string
		want         federation.Reason
	}{
		{"as we write it", `{"alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt"}`, ""},
		{"other order and spacing", `{ "typ":"x+jwt", "kid":"` + kid + `", "alg":"EdDSA" }`, ""},
		{"the RFC 9864 name", `{"alg":"Ed25519","kid":"` + kid + `","typ":"x+jwt"}`, ""},
		{"escaped kid", `{"alg":"EdDSA","kid":"` + strings.Replace(kid, kid[:1], `\u00`+hex2(kid[0]), 1) + `","typ":"x+jwt"}`, ""},
		{"alg none", `{"alg":"none","kid":"` + kid + `","typ":"x+jwt"}`, federation.BadSignature},
		{"HMAC with the public key", `{"alg":"HS256","kid":"` + kid + `","typ":"x+jwt"}`, federation.BadSignature},
		{"ES256", `{"alg":"ES256","kid":"` + kid + `","typ":"x+jwt"}`, federation.BadSignature},
		{"no alg", `{"kid":"` + kid + `","typ":"x+jwt"}`, federation.BadSignature},
		{"another typ", `{"alg":"EdDSA","kid":"` + kid + `","typ":"y+jwt"}`, federation.Malformed},
		{"no typ", `{"alg":"EdDSA","kid":"` + kid + `"}`, federation.Malformed},
		{"no kid", `{"alg":"EdDSA","typ":"x+jwt"}`, federation.UnknownIssuer},
		{"kid nobody has", `{"alg":"EdDSA","kid":"nobody","typ":"x+jwt"}`, federation.UnknownIssuer},
		{"numeric kid", `{"alg":"EdDSA","kid":1,"typ":"x+jwt"}`, federation.Malformed},
		{"jku", `{"alg":"EdDSA","jku":"https://keys.example","kid":"` + kid + `","typ":"x+jwt"}`, federation.Malformed},
		{"x5u", `{"alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt","x5u":"https://keys.example"}`, federation.Malformed},
		{"x5c", `{"alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt","x5c":[]}`, federation.Malformed},
		{"jwk", `{"alg":"EdDSA","jwk":{},"kid":"` + kid + `","typ":"x+jwt"}`, federation.Malformed},
		{"crit", `{"alg":"EdDSA","crit":["typ"],"kid":"` + kid + `","typ":"x+jwt"}`, federation.Malformed},
		{"b64", `{"alg":"EdDSA","b64":false,"kid":"` + kid + `","typ":"x+jwt"}`, federation.Malformed},
		{"zip", `{"alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt","zip":"DEF"}`, federation.Malformed},
		{"duplicate alg", `{"alg":"EdDSA","alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt"}`, federation.Malformed},
		{"duplicate typ after the fixed text", `{"alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt","typ":"x+jwt"}`, federation.Malformed},
		{"other case", `{"Alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt"}`, federation.Malformed},
		{"trailing data", `{"alg":"EdDSA","kid":"` + kid + `","typ":"x+jwt"}{}`, federation.Malformed},
		{"not JSON", `alg`, federation.Malformed},
		{"too long", `{"alg":"EdDSA","kid":"` + strings.Repeat("k", maxHeader) + `","typ":"x+jwt"}`, federation.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j, err := OpenJWS(signAs(t, k, tt.header, `{"a":1}`), "x+jwt", PurposeMessage, keys, now)
			wantReason(t, err, tt.want)
			if tt.want == "" && (string(j.Payload) != `{"a":1}` || j.Key.Owner != "de-cert") {
				t.Errorf("opened %+v", j)
			}
		})
	}
}

func hex2(c byte) string { return string([]byte{"0123456789abcdef"[c>>4], "0123456789abcdef"[c&15]}) }

func TestOpenJWSKeyDecidesAlgorithm(t *testing.T) {
	keys, k := testRing(t)
	pub := keys[k.KeyID()]
	pub.Alg = "HS256"
	keys[k.KeyID()] = pub
	raw, err := SignJWS("x+jwt", []byte("{}"), k)
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenJWS(raw, "x+jwt", PurposeMessage, keys, now)
	wantReason(t, err, federation.BadSignature)
}

// TestEverySpellingButOne takes a valid JWS and writes it in every other way
// that a lax base64url decoder reads as the same bytes, and in ways it does not.
func TestEverySpellingButOne(t *testing.T) {
	keys, k := testRing(t)
	raw, err := SignJWS("x+jwt", []byte(`{"ab":1}`), k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJWS(raw, "x+jwt", PurposeMessage, keys, now); err != nil {
		t.Fatal(err)
	}
	lax := 0
	try := func(name string, text []byte) {
		if same(text, raw) {
			lax++
		}
		if _, err := OpenJWS(text, "x+jwt", PurposeMessage, keys, now); err == nil {
			t.Errorf("%s: accepted %q", name, text)
		}
	}
	for i := range raw {
		for _, ins := range []string{"\r", "\n", "=", " ", "."} {
			try("insert", []byte(string(raw[:i])+ins+string(raw[i:])))
		}
		for c := range 256 {
			if byte(c) != raw[i] {
				changed := bytes.Clone(raw)
				changed[i] = byte(c)
				try("change", changed)
			}
		}
		try("cut", raw[:i])
	}
	for _, tail := range []string{"=", "==", "\n", "\r\n", " ", ".", "A"} {
		try("append", []byte(string(raw)+tail))
	}
	if lax == 0 {
		t.Error("no text was one that a lax decoder takes for the same bytes: the test tries nothing")
	}
}

// same reports whether a lax decoder reads both texts as the same three parts.
func same(a, b []byte) bool {
	pa, pb := bytes.Split(a, []byte(".")), bytes.Split(b, []byte("."))
	if len(pa) != 3 || bytes.Equal(a, b) {
		return false
	}
	for i := range pa {
		da, err := base64.RawURLEncoding.DecodeString(string(pa[i]))
		if err != nil {
			return false
		}
		db, err := base64.RawURLEncoding.DecodeString(string(pb[i]))
		if err != nil || !bytes.Equal(da, db) {
			return false
		}
	}
	return true
}

// TestDecodeBase64LineBreaks puts line breaks into texts of every length.
func TestDecodeBase64LineBreaks(t *testing.T) {
	for n := range 20 {
		text := base64.RawURLEncoding.EncodeToString(make([]byte, n))
		if out, err := DecodeBase64([]byte("x"), []byte(text)); err != nil || len(out) != n+1 {
			t.Fatalf("%q: %d bytes, %v", text, len(out), err)
		}
		for i := range len(text) + 1 {
			for _, br := range []string{"\n", "\r", "\r\n", "\n\n\n", "\n\n\n\n"} {
				bad := text[:i] + br + text[i:]
				if out, err := DecodeBase64(nil, []byte(bad)); err == nil {
					t.Errorf("%q is read as %d bytes", bad, len(out))
				}
			}
		}
	}
}

type brokenSigner struct {
	sig []byte
	err error
}

func (b brokenSigner) KeyID() string               { return "kid" }
func (b brokenSigner) Sign([]byte) ([]byte, error) { return b.sig, b.err }

func TestSignJWSRefusesABadSigner(t *testing.T) {
	for name, s := range map[string]Signer{
		"none": nil, "fails": brokenSigner{err: errors.New("the module is locked")}, "short": brokenSigner{sig: []byte("x")},
	} {
		if _, err := SignJWS("x+jwt", []byte("{}"), s); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func FuzzOpenJWS(f *testing.F) {
	keys, k := testRing(f)
	raw, err := SignJWS("x+jwt", []byte(`{"a":1}`), k)
	if err != nil {
		f.Fatal(err)
	}
	seeds := [][]byte{raw, []byte("..."), []byte("a.b.c"), {}, []byte("\n.\n.\n")}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := OpenJWS(text, "x+jwt", PurposeMessage, keys, now)
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		e := base64.RawURLEncoding
		if again := e.EncodeToString(j.Header) + "." + e.EncodeToString(j.Payload) + "." + e.EncodeToString(j.Signature); again != string(text) {
			t.Errorf("accepted %q, which is not the one spelling %q", text, again)
		}
	})
}

func FuzzParseStatement(f *testing.F) {
	in, terms, _ := sample(f)
	raw, err := NewStatement(in, terms)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range [][]byte{raw, raw[:40], []byte("e30.e30.e30")} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := ParseStatement(text, now); err == nil && !bytes.Equal(s.Raw, bytes.TrimRight(text, "\r\n")) {
			t.Errorf("read %q as something else", text)
		} else if err != nil && federation.ReasonOf(err) == "" {
			t.Errorf("no reason: %v", err)
		}
	})
}

func BenchmarkOpenJWS(b *testing.B) {
	keys, k := testRing(b)
	raw, err := SignJWS("x+jwt", bytes.Repeat([]byte(" "), 1024), k)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := OpenJWS(raw, "x+jwt", PurposeMessage, keys, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignJWS(b *testing.B) {
	_, k := testRing(b)
	payload := bytes.Repeat([]byte(" "), 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SignJWS("x+jwt", payload, k); err != nil {
			b.Fatal(err)
		}
	}
}
