package directory

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

var now = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

func testKey(t testing.TB, seed byte) *PrivateKey {
	t.Helper()
	k, err := newPrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sample returns a statement to be signed, its agreement key and its message key.
func sample(t testing.TB) (Statement, *PrivateKey, *PrivateKey) {
	t.Helper()
	terms, msgs := testKey(t, 1), testKey(t, 2)
	from, to := now.Add(-time.Hour), now.AddDate(0, 0, 30)
	return Statement{ID: "de-cert", Name: "Beispiel-CERT", Country: "DE", Version: 1,
		Keys:     []Key{terms.Key(PurposeAgreement, from, to), msgs.Key(PurposeMessage, from, to)},
		LinkNKey: "UEXAMPLE", LinkURLs: []string{"tls://node.example:7422"},
		IssuedAt: now.Add(-time.Minute), Expires: now.AddDate(0, 0, 14)}, terms, msgs
}

func wantReason(t *testing.T, err error, want federation.Reason) {
	t.Helper()
	if got := federation.ReasonOf(err); got != want {
		t.Fatalf("got reason %q from error %v, want %q", got, err, want)
	}
}

func TestStatementRoundTrip(t *testing.T) {
	in, terms, msgs := sample(t)
	in.Keys[1].RevokedAt = now.Add(time.Hour)
	raw, err := NewStatement(in, terms)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseStatement(append(raw, '\n'), now)
	if err != nil {
		t.Fatal(err)
	}
	if s.ID != in.ID || s.Name != in.Name || s.Country != in.Country || s.LinkNKey != in.LinkNKey ||
		!s.Expires.Equal(in.Expires) || len(s.Keys) != 2 || !s.Keys[1].RevokedAt.Equal(in.Keys[1].RevokedAt) {
		t.Errorf("read back %+v", s)
	}
	if len(s.Fingerprint()) != 29 || strings.Count(s.Fingerprint(), "-") != 5 {
		t.Errorf("fingerprint %q", s.Fingerprint())
	}
	d, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	k, ok := d.Key(msgs.KeyID())
	if !ok || k.Owner != "de-cert" || !k.Public.Equal(msgs.Public()) || !k.Fresh.Equal(s.Expires) {
		t.Errorf("Key = %+v, %v", k, ok)
	}
	if _, ok := d.Key(testKey(t, 9).KeyID()); ok {
		t.Error("a key nobody lists was found")
	}
	if got, ok := d.Participant("de-cert"); !ok || got != s || len(d.Participants()) != 1 {
		t.Error("participant not found")
	}
}

func TestFingerprintCoversEverything(t *testing.T) {
	in, terms, _ := sample(t)
	seen := map[string]string{}
	for name, change := range map[string]func(*Statement){
		"as it is": func(*Statement) {}, "name": func(s *Statement) { s.Name += "x" },
		"cert": func(s *Statement) { s.LinkCert = "x" }, "nkey": func(s *Statement) { s.LinkNKey = "UOTHER" },
		"url": func(s *Statement) { s.LinkURLs = nil }, "version": func(s *Statement) { s.Version++ },
	} {
		c := in
		change(&c)
		raw, err := NewStatement(c, terms)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseStatement(raw, now)
		if err != nil {
			t.Fatal(err)
		}
		if prev, ok := seen[s.Fingerprint()]; ok {
			t.Errorf("%s and %s share a fingerprint", name, prev)
		}
		seen[s.Fingerprint()] = name
	}
	if (&Statement{}).Fingerprint() != "" {
		t.Error("an empty statement has a fingerprint")
	}
}

func TestStatementRefused(t *testing.T) {
	base, terms, msgs := sample(t)
	other := testKey(t, 7)
	good, err := NewStatement(base, terms)
	if err != nil {
		t.Fatal(err)
	}
	payloadOf := func(t *testing.T, edit func(map[string]any)) []byte {
		j, _, err := splitJWS(good, TypStatement)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(j.Payload, &m); err != nil {
			t.Fatal(err)
		}
		edit(m)
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	firstKey := func(m map[string]any) map[string]any {
		return m["jwks"].(map[string]any)["keys"].([]any)[0].(map[string]any)
	}
	tests := []struct {
		name string
		edit func(map[string]any)
		by   Signer
		at   time.Time
		want federation.Reason
	}{
		{"signed by its message key", func(map[string]any) {}, msgs, now, federation.BadSignature},
		{"signed by a key it does not list", func(map[string]any) {}, other, now, federation.UnknownIssuer},
		{"lapsed", func(map[string]any) {}, terms, now.AddDate(0, 0, 15), federation.Expired},
		{"from the future", func(map[string]any) {}, terms, now.Add(-8 * time.Minute), federation.NotYetValid},
		{"about another", func(m map[string]any) { m["sub"] = "pl-cert" }, terms, now, federation.Malformed},
		{"newer layout", func(m map[string]any) { m["ver"] = 2; m["extra"] = true }, terms, now, federation.Unsupported},
		{"no layout version", func(m map[string]any) { delete(m, "ver") }, terms, now, federation.Malformed},
		{"unknown member", func(m map[string]any) { m["extra"] = true }, terms, now, federation.Malformed},
		{"bad id", func(m map[string]any) { m["iss"], m["sub"] = "DE cert", "DE cert" }, terms, now, federation.Malformed},
		{"id with a subject wildcard", func(m map[string]any) { m["iss"], m["sub"] = "de.>", "de.>" }, terms, now, federation.Malformed},
		{"bad country", func(m map[string]any) { m["country"] = "de" }, terms, now, federation.Malformed},
		{"version 0", func(m map[string]any) { m["version"] = 0 }, terms, now, federation.Malformed},
		{"ends before it begins", func(m map[string]any) { m["exp"] = 1 }, terms, now, federation.Malformed},
		{"no keys", func(m map[string]any) { m["jwks"] = map[string]any{"keys": []any{}} }, terms, now, federation.Malformed},
		{"private key inside", func(m map[string]any) { firstKey(m)["d"] = "AAAA" }, terms, now, federation.Malformed},
		{"foreign kid", func(m map[string]any) { firstKey(m)["kid"] = other.KeyID() }, terms, now, federation.Malformed},
		{"symmetric alg", func(m map[string]any) { firstKey(m)["alg"] = "HS256" }, terms, now, federation.Malformed},
		{"unknown purpose", func(m map[string]any) { firstKey(m)["purpose"] = "all" }, terms, now, federation.Malformed},
		{"short key", func(m map[string]any) { firstKey(m)["x"] = "AAAA" }, terms, now, federation.Malformed},
		{"key window inverted", func(m map[string]any) { firstKey(m)["exp"] = 1 }, terms, now, federation.Malformed},
		{"same key twice", func(m map[string]any) {
			keys := m["jwks"].(map[string]any)["keys"].([]any)
			keys[1] = keys[0]
		}, terms, now, federation.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := SignJWS(TypStatement, payloadOf(t, tt.edit), tt.by)
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParseStatement(raw, tt.at)
			wantReason(t, err, tt.want)
		})
	}
	_, err = ParseStatement(bytes.Repeat([]byte("a"), maxStatement+1), now)
	wantReason(t, err, federation.TooLarge)
	if _, err := NewStatement(base, msgs); err == nil {
		t.Error("NewStatement let a message key sign")
	}
}

// lowOrder are encodings of points of small order on Curve25519's Edwards form.
var lowOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func TestLowOrderKeysRefused(t *testing.T) {
	for _, h := range lowOrder {
		pub := make([]byte, 0, 32)
		for i := 0; i < len(h); i += 2 {
			var b byte
			for _, c := range h[i : i+2] {
				b = b<<4 | byte(strings.IndexRune("0123456789abcdef", c))
			}
			pub = append(pub, b)
		}
		if kid, err := Thumbprint(pub); err == nil {
			t.Errorf("%s has key id %s", h, kid)
		}
		j := jwk{Kty: "OKP", Crv: "Ed25519", X: base64.RawURLEncoding.EncodeToString(pub), KID: "x", Alg: AlgEdDSA,
			Use: "sig", Purpose: PurposeMessage, Nbf: 1, Exp: 2}
		if _, err := j.key("de-cert", now); err == nil || !strings.Contains(err.Error(), "low-order") {
			t.Errorf("%s: listed: %v", h, err)
		}
	}
}

func TestDirectoryRefuses(t *testing.T) {
	in, terms, _ := sample(t)
	parse := func(s Statement) *Statement {
		raw, err := NewStatement(s, terms)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ParseStatement(raw, now)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a := parse(in)
	in.ID = "pl-cert"
	b := parse(in)
	for name, sts := range map[string][]*Statement{
		"a key of two owners": {a, b}, "a participant twice": {a, a}, "nil": {nil}, "made by hand": {{ID: "x"}},
	} {
		if _, err := New(sts...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var none *Directory
	if _, ok := none.Key("x"); ok || len(none.Participants()) != 0 {
		t.Error("a nil directory knows something")
	}
	if _, ok := none.Participant("x"); ok {
		t.Error("a nil directory knows a participant")
	}
}

func TestKeyUsable(t *testing.T) {
	k := testKey(t, 1).Key(PurposeMessage, now, now.Add(time.Hour))
	k.Fresh = now.Add(2 * time.Hour)
	stale, revoked := k, k
	stale.Fresh = now.Add(-time.Hour)
	revoked.RevokedAt = now.Add(time.Minute)
	tests := []struct {
		name    string
		key     Key
		purpose string
		at      time.Time
		want    federation.Reason
	}{
		{"in its window", k, PurposeMessage, now.Add(time.Minute), ""},
		{"six minutes early", k, PurposeMessage, now.Add(-6 * time.Minute), ""},
		{"seven minutes early", k, PurposeMessage, now.Add(-7 * time.Minute), federation.NotYetValid},
		{"six minutes late", k, PurposeMessage, now.Add(66 * time.Minute), ""},
		{"seven minutes late", k, PurposeMessage, now.Add(67 * time.Minute), federation.RevokedKey},
		{"for another purpose", k, PurposeAgreement, now.Add(time.Minute), federation.BadSignature},
		{"before it is revoked", revoked, PurposeMessage, now, ""},
		{"when it is revoked", revoked, PurposeMessage, now.Add(time.Minute), federation.RevokedKey},
		{"statement lapsed", stale, PurposeMessage, now, federation.UnknownIssuer},
		{"zero key", Key{}, "", now, federation.UnknownIssuer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantReason(t, tt.key.Usable(tt.purpose, tt.at), tt.want) })
	}
}

func TestPrivateKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "message.jwk")
	k, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if err := k.Save(path); err == nil {
		t.Error("Save replaced a key")
	}
	back, err := LoadPrivateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.KeyID() != k.KeyID() || !back.Public().Equal(k.Public()) {
		t.Error("another key came back")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPrivateKey(path); err == nil {
		t.Error("a key that everybody can read was loaded")
	}
	for name, text := range map[string]string{
		"not JSON": "x", "public": `{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(k.Public()) + `"}`,
		"foreign kid": `{"kid":"x","kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(k.Public()) +
			`","d":"` + base64.RawURLEncoding.EncodeToString(k.key.Seed()) + `"}`,
	} {
		if _, err := ParsePrivateKey([]byte(text)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// TestGoJoseAgrees has go-jose verify what we sign, with the header we promise.
func TestGoJoseAgrees(t *testing.T) {
	k := testKey(t, 3)
	raw, err := SignJWS("cti+sd-jwt", []byte(`{"a":1}`), k)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(string(raw), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Verify(k.Public()); err != nil {
		t.Fatal(err)
	}
	head, err := base64.RawURLEncoding.DecodeString(string(raw[:bytes.IndexByte(raw, '.')]))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"alg":"EdDSA","kid":"` + k.KeyID() + `","typ":"cti+sd-jwt"}`; string(head) != want {
		t.Errorf("header %s, want %s", head, want)
	}
}
