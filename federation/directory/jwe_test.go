package directory

import (
	"bytes"
	"compress/flate"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

const sealTyp = "test+jwe"

func encKey(t testing.TB) (*EncKey, Key) {
	t.Helper()
	k, err := GenerateEncKey()
	if err != nil {
		t.Fatal(err)
	}
	return k, k.Key(time.Unix(0, 0), time.Unix(1<<40, 0))
}

// sealAs seals with go-jose as an attacker who may choose everything would.
func sealAs(t testing.TB, enc jose.ContentEncryption, to jose.Recipient, plaintext []byte, zip bool, headers map[string]any) []byte {
	t.Helper()
	o := &jose.EncrypterOptions{}
	if zip {
		o.Compression = jose.DEFLATE
	}
	for name, v := range headers {
		o = o.WithHeader(jose.HeaderKey(name), v)
	}
	e, err := jose.NewEncrypter(enc, to, o)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Encrypt(plaintext)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

func TestSealOpens(t *testing.T) {
	k, to := encKey(t)
	for _, plaintext := range []string{"", "x", strings.Repeat("property value ", 1000)} {
		sealed, err := SealJWE(sealTyp, Place{"a to b", 7}, []byte(plaintext), to)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) > SealSize(len(plaintext)) {
			t.Errorf("%d bytes of %d, SealSize says %d", len(sealed), len(plaintext), SealSize(len(plaintext)))
		}
		if len(plaintext) > 1 && bytes.Contains(sealed, []byte("property")) {
			t.Error("the text can be read")
		}
		seq, got, err := k.Open(sealed, sealTyp, "a to b")
		if err != nil || seq != 7 || string(got) != plaintext {
			t.Errorf("opened: %d %q %v", seq, got, err)
		}
	}
	if _, err := SealJWE(sealTyp, Place{}, nil, testKey(t, 1).Key(PurposeMessage, time.Time{}, time.Time{})); err == nil {
		t.Error("something was sealed to a key that signs")
	}
}

// Another link, direction, kind, key or number is another seal.
func TestSealIsBound(t *testing.T) {
	k, to := encKey(t)
	other, _ := encKey(t)
	sealed, err := SealJWE(sealTyp, Place{"a to b", 7}, []byte("x"), to)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		key          *EncKey
		typ, context string
		want         federation.Reason
	}{
		"other direction": {k, sealTyp, "b to a", federation.BadSeal},
		"other kind":      {k, "other+jwe", "a to b", federation.BadSeal},
		"other recipient": {other, sealTyp, "a to b", federation.WrongRecipient},
	} {
		if _, _, err := x.key.Open(sealed, x.typ, x.context); federation.ReasonOf(err) != x.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A header rewritten to fit is not the one that was sealed.
	for name, change := range map[string][2]string{
		"number":  {`"seq":7`, `"seq":8`},
		"context": {Place{Context: "a to b"}.hash(), Place{Context: "b to a"}.hash()},
		"key id":  {to.KID, other.KeyID()},
	} {
		head, rest, _ := bytes.Cut(sealed, []byte("."))
		raw, err := DecodeBase64(nil, head)
		if err != nil {
			t.Fatal(err)
		}
		forged := strings.Replace(string(raw), change[0], change[1], 1)
		if forged == string(raw) {
			t.Fatalf("%s: nothing to change in %s", name, raw)
		}
		text := []byte(strict.EncodeToString([]byte(forged)) + "." + string(rest))
		for _, context := range []string{"a to b", "b to a"} {
			for _, key := range []*EncKey{k, other} {
				if _, _, err := key.Open(text, sealTyp, context); err == nil {
					t.Errorf("%s: a rewritten header opens", name)
				}
			}
		}
	}
}

// Every character counts: whatever one is changed, nothing opens.
func TestSealTampering(t *testing.T) {
	k, to := encKey(t)
	sealed, err := SealJWE(sealTyp, Place{"c", 1}, []byte("some text"), to)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for _, c := range []byte("Aw_=\n") {
			if c == sealed[i] {
				continue
			}
			changed := bytes.Clone(sealed)
			changed[i] = c
			if _, _, err := k.Open(changed, sealTyp, "c"); err == nil {
				t.Fatalf("character %d changed to %q: it opens", i, c)
			}
		}
	}
	for _, add := range []string{"=", "\n", ".", "A", "\r\n", " "} {
		if _, _, err := k.Open(append(bytes.Clone(sealed), add...), sealTyp, "c"); err == nil {
			t.Errorf("with %q at its end it opens", add)
		}
	}
}

// What a JWE may be elsewhere is nothing here.
func TestSealAlgorithms(t *testing.T) {
	k, to := encKey(t)
	place := Place{"c", 1}
	headers := func(more map[string]any) map[string]any {
		h := map[string]any{"typ": sealTyp, "ctx": place.hash(), "seq": place.Seq, "kid": to.KID}
		for name, v := range more {
			h[name] = v
		}
		return h
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: to.Enc, KeyID: to.KID}
	var bomb bytes.Buffer
	w, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"ECDH-ES direct":   sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: to.Enc}, []byte("x"), false, headers(nil)),
		"ECDH-ES+A128KW":   sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A128KW, Key: to.Enc}, []byte("x"), false, headers(nil)),
		"A128GCM":          sealAs(t, jose.A128GCM, good, []byte("x"), false, headers(nil)),
		"A256CBC-HS512":    sealAs(t, jose.A256CBC_HS512, good, []byte("x"), false, headers(nil)),
		"dir":              sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: make([]byte, 32)}, []byte("x"), false, headers(nil)),
		"A256KW":           sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.A256KW, Key: make([]byte, 32)}, []byte("x"), false, headers(nil)),
		"PBES2":            sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.PBES2_HS512_A256KW, Key: "password", PBES2Count: 1000}, []byte("x"), false, headers(nil)),
		"RSA1_5":           sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.RSA1_5, Key: &rsaKey.PublicKey}, []byte("x"), false, headers(nil)),
		"RSA-OAEP-256":     sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: &rsaKey.PublicKey}, []byte("x"), false, headers(nil)),
		"P-384":            sealAs(t, jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: &p384.PublicKey}, []byte("x"), false, headers(nil)),
		"zip":              sealAs(t, jose.A256GCM, good, []byte("x"), true, headers(nil)),
		"a bomb":           sealAs(t, jose.A256GCM, good, make([]byte, 1<<20), true, headers(nil)),
		"zip in words":     sealAs(t, jose.A256GCM, good, bomb.Bytes(), false, headers(map[string]any{"zip": "DEF"})),
		"unknown member":   sealAs(t, jose.A256GCM, good, []byte("x"), false, headers(map[string]any{"jku": "https://keys.example"})),
		"crit":             sealAs(t, jose.A256GCM, good, []byte("x"), false, headers(map[string]any{"crit": []string{"b64"}})),
		"two numbers":      sealAs(t, jose.A256GCM, good, []byte("x"), false, headers(map[string]any{"seq": -1})),
		"no number":        sealAs(t, jose.A256GCM, good, []byte("x"), false, headers(map[string]any{"seq": "1"})),
		"a long header":    sealAs(t, jose.A256GCM, good, []byte("x"), false, headers(map[string]any{"ctx": strings.Repeat("x", 4096)})),
		"not a JWE":        []byte("hello"),
		"nothing":          nil,
		"only dots":        []byte("...."),
		"a million dots":   bytes.Repeat([]byte("."), 1<<20),
		"no encrypted key": []byte(strict.EncodeToString([]byte(`{"alg":"ECDH-ES+A256KW"}`)) + "..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA"),
		"JSON":             []byte(`{"protected":"","ciphertext":""}`),
	} {
		seq, got, err := k.Open(text, sealTyp, place.Context)
		if err == nil || got != nil || seq != 0 || federation.ReasonOf(err) == "" {
			t.Errorf("%s: opened to %d bytes, %v", name, len(got), err)
		}
	}
	// The helper makes what opens, when nothing is wrong.
	if _, _, err := k.Open(sealAs(t, jose.A256GCM, good, []byte("x"), false, headers(nil)), sealTyp, place.Context); err != nil {
		t.Fatalf("a plain seal of another maker: %v", err)
	}
}

// A one-time key that is no point of the curve, or not of ours, tells an
// attacker nothing of the key.
func TestSealBadPoints(t *testing.T) {
	k, to := encKey(t)
	sealed, err := SealJWE(sealTyp, Place{"c", 1}, []byte("x"), to)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := bytes.Cut(sealed, []byte("."))
	raw, err := DecodeBase64(nil, head)
	if err != nil {
		t.Fatal(err)
	}
	var h sealHeader
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	zero := strict.EncodeToString(make([]byte, encCoordinate))
	one := strict.EncodeToString(append(make([]byte, encCoordinate-1), 1))
	for name, e := range map[string]ephemeral{
		"off the curve": {"EC", "P-256", one, one},
		"infinity":      {"EC", "P-256", zero, zero},
		"P-384":         {"EC", "P-384", h.EPK.X, h.EPK.Y},
		"long":          {"EC", "P-256", h.EPK.X + "AAAA", h.EPK.Y},
		"OKP":           {"OKP", "Ed25519", h.EPK.X, ""},
		"none":          {},
	} {
		h.EPK = e
		raw, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := k.Open([]byte(strict.EncodeToString(raw)+"."+string(rest)), sealTyp, "c"); federation.ReasonOf(err) != federation.BadSeal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A statement carries an encryption key, and signs nothing with it.
func TestStatementWithEncKey(t *testing.T) {
	s, terms, _ := sample(t)
	k, to := encKey(t)
	to.NotBefore, to.NotAfter = s.IssuedAt, s.Expires
	s.Keys = append(s.Keys, to)
	raw, err := NewStatement(s, terms)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseStatement(raw, s.IssuedAt)
	if err != nil {
		t.Fatal(err)
	}
	got := read.Keys[len(read.Keys)-1]
	if got.KID != k.KeyID() || !got.Enc.Equal(to.Enc) || got.Purpose != PurposeEnc || got.Public != nil || got.Owner != s.ID {
		t.Errorf("the key came back as %+v", got)
	}
	if err := got.Usable(PurposeEnc, s.IssuedAt); err != nil {
		t.Error(err)
	}
	for _, purpose := range []string{PurposeMessage, PurposeAgreement} {
		if err := got.Usable(purpose, s.IssuedAt); federation.ReasonOf(err) != federation.BadSignature {
			t.Errorf("an encryption key as a %s key: %v", purpose, err)
		}
	}
	if err := read.Keys[0].Usable(PurposeEnc, s.IssuedAt); err == nil {
		t.Error("a key that signs is taken to encrypt to")
	}
	d, err := New(read)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Key(k.KeyID()); !ok {
		t.Error("the directory does not know it")
	}
}

func TestListedEncKeysRefused(t *testing.T) {
	_, to := encKey(t)
	good, err := listKey(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := good.key("x", time.Time{}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*jwk){
		"signs":            func(j *jwk) { j.Use = "sig" },
		"as message key":   func(j *jwk) { j.Purpose = PurposeMessage },
		"other curve":      func(j *jwk) { j.Crv = "P-384" },
		"other algorithm":  func(j *jwk) { j.Alg = "ECDH-ES" },
		"off the curve":    func(j *jwk) { j.Y = j.X },
		"no y":             func(j *jwk) { j.Y = "" },
		"another key's id": func(j *jwk) { j.KID = "x" },
		"loose base64":     func(j *jwk) { j.X += "=" },
		"no life":          func(j *jwk) { j.Exp = j.Nbf },
	} {
		j := good
		change(&j)
		if k, err := j.key("x", time.Time{}); err == nil {
			t.Errorf("%s: taken as %+v", name, k)
		}
	}
}

func TestEncKeyFiles(t *testing.T) {
	k, _ := encKey(t)
	path := filepath.Join(t.TempDir(), "enc.jwk")
	if err := k.Save(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := k.Save(path); err == nil {
		t.Error("a key file was replaced")
	}
	got, err := LoadEncKey(path)
	if err != nil || got.KeyID() != k.KeyID() {
		t.Errorf("loaded %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadEncKey(path); err == nil {
		t.Error("a key that others can read is taken")
	}
	signing := filepath.Join(t.TempDir(), "message.jwk")
	if err := testKey(t, 1).Save(signing); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadEncKey(signing); err == nil {
		t.Error("a key that signs is taken to decrypt with")
	}
	if _, err := LoadPrivateKey(path); err == nil {
		t.Error("a key that decrypts is taken to sign with")
	}
}

func FuzzOpenSeal(f *testing.F) {
	k, to := encKey(f)
	sealed, err := SealJWE(sealTyp, Place{"c", 1}, []byte("text"), to)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("...."))
	f.Add([]byte(`e30.AA.AA.AA.AA`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, got, err := k.Open(b, sealTyp, "c")
		if err == nil && !bytes.Equal(b, sealed) {
			t.Errorf("opened to %q", got)
		}
		if err != nil && federation.ReasonOf(err) == "" {
			t.Errorf("refused without a reason: %v", err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k, to := encKey(b)
	plaintext := make([]byte, 400<<10)
	if _, err := rand.Read(plaintext); err != nil {
		b.Fatal(err)
	}
	sealed, err := SealJWE(sealTyp, Place{"c", 1}, plaintext, to)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(int64(len(plaintext)))
		for b.Loop() {
			if _, err := SealJWE(sealTyp, Place{"c", 1}, plaintext, to); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.SetBytes(int64(len(plaintext)))
		for b.Loop() {
			if _, _, err := k.Open(sealed, sealTyp, "c"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
