package directory

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/entente-relay/entente/federation"
)

var update = flag.Bool("update", false, "write testdata/sealed.json anew")

// sealVectors are texts that another implementation must open, or refuse, with
// the given private key. Encryption is new each time, so they are kept.
type sealVectors struct {
	About string          `json:"about"`
	Key   json.RawMessage `json:"key"` // private JWK of the reader
	Texts []sealVector    `json:"texts"`
}

type sealVector struct {
	About   string            `json:"about"`
	Typ     string            `json:"typ"`
	Context string            `json:"context"`
	Text    string            `json:"text,omitempty"` // compact, to one reader
	JSON    json.RawMessage   `json:"json,omitempty"` // to many
	Seq     uint64            `json:"seq,omitempty"`
	Plain   string            `json:"plain,omitempty"`
	Reason  federation.Reason `json:"reason,omitempty"`
}

func TestSealVectors(t *testing.T) {
	path := filepath.Join("testdata", "sealed.json")
	if *update {
		writeSealVectors(t, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v sealVectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	k, err := ParseEncKey(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Texts) < 6 {
		t.Fatalf("%d texts", len(v.Texts))
	}
	for _, x := range v.Texts {
		var got []byte
		var seq uint64
		if x.JSON != nil {
			got, err = k.OpenMany(x.JSON, x.Typ, x.Context)
		} else {
			seq, got, err = k.Open([]byte(x.Text), x.Typ, x.Context)
		}
		if federation.ReasonOf(err) != x.Reason || (err == nil) != (x.Reason == "") || string(got) != x.Plain || err == nil && seq != x.Seq {
			t.Errorf("%s: %d %q %v", x.About, seq, got, err)
		}
	}
}

// writeSealVectors makes the texts.
func writeSealVectors(t *testing.T, path string) {
	t.Helper()
	k, to := encKey(t)
	other, toOther := encKey(t)
	const typ, pull, property = "cti-pull+jwe", "entente link 1\npull\npl-cert\nde-cert", "entente property 1\nde-cert\nindicator--8c1e9d0c-3f0e-4c55-9d55-0f6a3c1f7b02\ndescription"
	seal := func(at Place, to Key) string {
		text, err := SealJWE(typ, at, []byte("what is within"), to)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	many, err := SealMany("cti-property+jwe", property, []byte(`"what is within"`), []Key{toOther, to})
	if err != nil {
		t.Fatal(err)
	}
	twoOthers, err := SealMany("cti-property+jwe", property, []byte(`"what is within"`), []Key{toOther, toOther})
	if err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(t.TempDir(), "key")
	if err := k.Save(private); err != nil {
		t.Fatal(err)
	}
	jwk, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	good := seal(Place{pull, 1767700800000000}, to)
	v := sealVectors{About: "What is sealed to the key " + k.KeyID() + ", for sealed links (package link) and sealed properties (WIRE.md section 21).", Key: jwk, Texts: []sealVector{
		{About: "a pull", Typ: typ, Context: pull, Text: good, Seq: 1767700800000000, Plain: "what is within"},
		{About: "the same on the way back", Typ: typ, Context: "entente link 1\npull\nde-cert\npl-cert", Text: good, Reason: federation.BadSeal},
		{About: "the same as another kind", Typ: "cti-answer+jwe", Context: pull, Text: good, Reason: federation.BadSeal},
		{About: "the same with its last character changed", Typ: typ, Context: pull, Text: good[:len(good)-1] + string(nextCharacter(good[len(good)-1])), Reason: federation.BadSeal},
		{About: "a pull to " + other.KeyID(), Typ: typ, Context: pull, Text: seal(Place{pull, 1}, toOther), Reason: federation.WrongRecipient},
		{About: "a property of two readers, this the second", Typ: "cti-property+jwe", Context: property, JSON: json.RawMessage(many), Plain: `"what is within"`},
		{About: "the same in another object", Typ: "cti-property+jwe", Context: property + "x", JSON: json.RawMessage(many), Reason: federation.BadSeal},
		{About: "a property of others", Typ: "cti-property+jwe", Context: property, JSON: json.RawMessage(twoOthers), Reason: federation.WrongRecipient},
	}}
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// nextCharacter is another character of base64url.
func nextCharacter(c byte) byte {
	if c == 'A' {
		return 'B'
	}
	return 'A'
}
