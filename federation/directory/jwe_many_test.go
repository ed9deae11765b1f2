package directory

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
)

func TestSealMany(t *testing.T) {
	a, toA := encKey(t)
	b, toB := encKey(t)
	stranger, _ := encKey(t)
	raw, err := SealMany(sealTyp, "here", []byte(`"some value"`), []Key{toA, toB})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*EncKey{a, b} {
		got, err := k.OpenMany(raw, sealTyp, "here")
		if err != nil || string(got) != `"some value"` {
			t.Errorf("%q, %v", got, err)
		}
	}
	if kids, err := Readers(raw, sealTyp); err != nil || !slices.Equal(kids, []string{a.KeyID(), b.KeyID()}) {
		t.Errorf("readers %v, %v", kids, err)
	}
	for name, x := range map[string]struct {
		key          *EncKey
		typ, context string
		want         federation.Reason
	}{
		"a stranger":    {stranger, sealTyp, "here", federation.WrongRecipient},
		"another place": {a, sealTyp, "there", federation.BadSeal},
		"another kind":  {a, "x", "here", federation.BadSeal},
	} {
		if _, err := x.key.OpenMany(raw, x.typ, x.context); federation.ReasonOf(err) != x.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, to := range [][]Key{nil, {toA}, make([]Key, MaxReaders+1), {toA, testKey(t, 1).Key(PurposeMessage, now, now)}} {
		if _, err := SealMany(sealTyp, "here", nil, to); err == nil {
			t.Errorf("sealed to %d keys", len(to))
		}
	}
}

// Only our recipient is looked at, and that one strictly.
func TestSealManyRefused(t *testing.T) {
	a, toA := encKey(t)
	_, toB := encKey(t)
	raw, err := SealMany(sealTyp, "here", []byte("x"), []Key{toA, toB})
	if err != nil {
		t.Fatal(err)
	}
	other, err := SealMany(sealTyp, "here", []byte("x"), []Key{toA, toB})
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(m map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		f(m)
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := func(m map[string]any) map[string]any { return m["recipients"].([]any)[0].(map[string]any) }
	var foreign map[string]any
	if err := json.Unmarshal(other, &foreign); err != nil {
		t.Fatal(err)
	}
	zip := sealHeaderOf(t, raw, `"enc"`, `"zip":"DEF","enc"`)
	for name, text := range map[string][]byte{
		"another content key": change(func(m map[string]any) { first(m)["encrypted_key"] = first(foreign)["encrypted_key"] }),
		"another reader's key": change(func(m map[string]any) {
			first(m)["encrypted_key"] = m["recipients"].([]any)[1].(map[string]any)["encrypted_key"]
		}),
		"another ciphertext": change(func(m map[string]any) { m["ciphertext"] = foreign["ciphertext"] }),
		"another tag":        change(func(m map[string]any) { m["tag"] = foreign["tag"] }),
		"another algorithm":  change(func(m map[string]any) { first(m)["header"].(map[string]any)["alg"] = "ECDH-ES" }),
		"PBES2":              change(func(m map[string]any) { first(m)["header"].(map[string]any)["alg"] = "PBES2-HS512+A256KW" }),
		"a header member":    change(func(m map[string]any) { first(m)["header"].(map[string]any)["p2c"] = 1 << 30 }),
		"aad":                change(func(m map[string]any) { m["aad"] = "AA" }),
		"unprotected":        change(func(m map[string]any) { m["unprotected"] = map[string]any{"zip": "DEF"} }),
		"zip":                change(func(m map[string]any) { m["protected"] = zip }),
		"no recipients":      change(func(m map[string]any) { m["recipients"] = []any{} }),
		"too many":           change(func(m map[string]any) { m["recipients"] = slices.Repeat(m["recipients"].([]any), 9) }),
		"loose base64":       change(func(m map[string]any) { m["tag"] = m["tag"].(string) + "=" }),
		"a line break":       change(func(m map[string]any) { m["iv"] = "\n" + m["iv"].(string) }),
		"no point": change(func(m map[string]any) {
			first(m)["header"].(map[string]any)["epk"] = map[string]any{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
		}),
		"a member twice":             []byte(strings.Replace(string(raw), `"iv":`, `"iv":"AA","iv":`, 1)),
		"not JSON":                   []byte("x"),
		"a long header":              change(func(m map[string]any) { m["protected"] = strings.Repeat("A", maxSealHeader+1) }),
		"what is sealed for a frame": sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: toA.Enc, KeyID: toA.KID}, []byte("x"), false, nil),
	} {
		if got, err := a.OpenMany(text, sealTyp, "here"); err == nil || federation.ReasonOf(err) == "" {
			t.Errorf("%s: opened to %q, %v", name, got, err)
		}
	}
}

// sealHeaderOf is the protected header of a JWE with a text in it replaced.
func sealHeaderOf(t *testing.T, raw []byte, old, text string) string {
	t.Helper()
	var m sealedMany
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	head, err := DecodeBase64(nil, []byte(m.Protected))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(head), old) {
		t.Fatalf("no %s in %s", old, head)
	}
	return strict.EncodeToString([]byte(strings.Replace(string(head), old, text, 1)))
}

func FuzzOpenMany(f *testing.F) {
	a, toA := encKey(f)
	_, toB := encKey(f)
	raw, err := SealMany(sealTyp, "here", []byte("x"), []Key{toA, toB})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(raw))
	f.Add([]byte(`{"protected":"","recipients":[{"header":{"alg":"","epk":{},"kid":""},"encrypted_key":""}],"iv":"","ciphertext":"","tag":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := a.OpenMany(b, sealTyp, "here")
		if err == nil && string(got) != "x" {
			t.Errorf("opened to %q", got)
		}
		if err != nil && federation.ReasonOf(err) == "" {
			t.Errorf("refused without a reason: %v", err)
		}
		if kids, err := Readers(b, sealTyp); err == nil && (len(kids) == 0 || len(kids) > MaxReaders) {
			t.Errorf("%d readers", len(kids))
		}
	})
}
