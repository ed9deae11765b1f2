package directory

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
)

// lowering is an act of de-cert that everybody would take.
func lowering() Downgrade {
	return Downgrade{ID: actOne, Issuer: "de-cert", Counter: 1, Object: indicatorA,
		Old:  ObjectVersion{Version: "2026-10-01T00:00:00Z", Digest: [32]byte{1}},
		New:  ObjectVersion{Version: "2026-10-02T00:00:00Z", Digest: [32]byte{2}},
		From: "TLP:AMBER", To: "TLP:GREEN", Axes: []string{"TLP"}, Reason: "the victims are warned", NotAfter: now.Add(24 * time.Hour)}
}

// consent is one person's signature under a text, and the key it was made with.
func consent(t testing.TB, node, person string, seed byte, text []byte) (raw []byte, key string) {
	t.Helper()
	k := testKey(t, seed)
	raw, err := NewApproval(TypDowngradeConsent, Approval{ID: uuid.Must(uuid.NewV7()).String(), By: person, Node: node, Text: text,
		IssuedAt: now.Add(-time.Minute), NotAfter: now.Add(time.Hour)}, k)
	if err != nil {
		t.Fatal(err)
	}
	return raw, PublicText(k.Public())
}

func textOf(t testing.TB, d Downgrade) []byte {
	t.Helper()
	text, err := d.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lowered signs an act with the consents of two persons, after a change of the
// payload that the issuer signs.
func lowered(t testing.TB, k Signer, d Downgrade, change func(*downgradePayload)) []byte {
	t.Helper()
	text := textOf(t, d)
	p := downgradePayload{Ver: 1, Iss: d.Issuer, Iat: now.Unix(), Text: string(text)}
	for i, who := range []string{"officer-1", "officer-2"} {
		raw, key := consent(t, d.Issuer, who, byte(80+i), text)
		p.Consents = append(p.Consents, downgradeConsent{Key: key, JWS: string(raw)})
	}
	if change != nil {
		change(&p)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := SignJWS(TypDowngrade, raw, k)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDowngrade(t *testing.T) {
	d, keys := cast(t)
	text := textOf(t, lowering())
	one, k1 := consent(t, "de-cert", "officer-1", 80, text)
	two, k2 := consent(t, "de-cert", "officer-2", 81, text)
	raw, err := NewDowngrade(text, [][]byte{one, two}, []string{k1, k2}, now, keys["de-cert"])
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseDowngrade(raw, d, now)
	if err != nil {
		t.Fatal(err)
	}
	want := lowering()
	if got.Object != want.Object || got.Old.Digest != want.Old.Digest || got.New.Digest != want.New.Digest || got.Counter != 1 ||
		!slices.Equal(got.By, []string{"officer-1", "officer-2"}) || !slices.Equal(got.Axes, want.Axes) || !bytes.Equal(got.Raw, raw) {
		t.Fatalf("got %+v", got)
	}
	if _, err := NewDowngrade(text, [][]byte{one}, []string{k1}, now, keys["de-cert"]); federation.ReasonOf(err) != federation.NotOwner {
		t.Fatalf("with one consent it is signed: %v", err)
	}
}

// TestDowngradeForged tries to lower what is marked without what the law asks.
func TestDowngradeForged(t *testing.T) {
	d, keys := cast(t)
	other := lowering()
	other.To, other.New.Digest = "TLP:CLEAR", [32]byte{9}
	otherText := textOf(t, other)
	theirs := lowering()
	theirs.Issuer = "pl-cert"
	ended := lowering()
	ended.NotAfter = now.Add(-time.Hour)
	for _, c := range []struct {
		name string
		raw  []byte
		want federation.Reason
	}{
		{"one consent", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Consents = p.Consents[:1] }), federation.NotOwner},
		{"none", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Consents = nil }), federation.NotOwner},
		{"one person twice", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Consents[1] = p.Consents[0] }), federation.NotOwner},
		{"one key under two names", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) {
			raw, key := consent(t, "de-cert", "officer-2", 80, []byte(p.Text))
			p.Consents[1] = downgradeConsent{Key: key, JWS: string(raw)}
		}), federation.NotOwner},
		{"one person under two keys", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) {
			raw, key := consent(t, "de-cert", "officer-1", 99, []byte(p.Text))
			p.Consents[1] = downgradeConsent{Key: key, JWS: string(raw)}
		}), federation.NotOwner},
		{"another's key beside a consent", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Consents[1].Key = p.Consents[0].Key }), federation.NotOwner},
		{"a key that did not sign", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Consents[1].Key = PublicText(testKey(t, 98).Public()) }), federation.UnknownIssuer},
		{"another text than they signed", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Text = string(otherText) }), federation.BadSignature},
		{"consents for another node", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) {
			for i, who := range []string{"officer-1", "officer-2"} {
				raw, key := consent(t, "pl-cert", who, byte(80+i), []byte(p.Text))
				p.Consents[i] = downgradeConsent{Key: key, JWS: string(raw)}
			}
		}), federation.WrongRecipient},
		{"consents to a decision", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) {
			raw, err := NewApproval(TypDecision, Approval{ID: actTwo, By: "officer-2", Node: "de-cert", Text: []byte(p.Text), IssuedAt: now, NotAfter: now.Add(time.Hour)}, testKey(t, 81))
			if err != nil {
				t.Fatal(err)
			}
			p.Consents[1].JWS = string(raw)
		}), federation.Malformed},
		{"another participant signs", lowered(t, keys["pl-cert"], lowering(), nil), federation.NotOwner},
		{"another participant's name", lowered(t, keys["pl-cert"], theirs, func(p *downgradePayload) { p.Iss = "de-cert" }), federation.NotOwner},
		{"agreed for another issuer", lowered(t, keys["de-cert"], theirs, func(p *downgradePayload) { p.Iss = "de-cert" }), federation.NotOwner},
		{"a message key", lowered(t, keys["de-cert message"], lowering(), nil), federation.BadSignature},
		{"over", lowered(t, keys["de-cert"], ended, nil), federation.Expired},
		{"of tomorrow", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Iat = now.Add(30 * time.Minute).Unix() }), federation.NotYetValid},
		{"a newer version", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Ver = 2 }), federation.Unsupported},
		{"a text in another spelling", lowered(t, keys["de-cert"], lowering(), func(p *downgradePayload) { p.Text = strings.Replace(p.Text, `"n":1`, `"n": 1`, 1) }), federation.Malformed},
		{"long", bytes.Repeat([]byte("a"), maxDowngrade+1), federation.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseDowngrade(c.raw, d, now)
			if got := federation.ReasonOf(err); got != c.want {
				t.Fatalf("reason %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestDowngradeText(t *testing.T) {
	for name, change := range map[string]func(*Downgrade){
		"no id":             func(d *Downgrade) { d.ID = "" },
		"no issuer":         func(d *Downgrade) { d.Issuer = "" },
		"no number":         func(d *Downgrade) { d.Counter = 0 },
		"no object":         func(d *Downgrade) { d.Object = "indicator" },
		"one version":       func(d *Downgrade) { d.New = d.Old },
		"nothing lowered":   func(d *Downgrade) { d.Axes = nil },
		"in disorder":       func(d *Downgrade) { d.Axes = []string{"b", "a"} },
		"no reason":         func(d *Downgrade) { d.Reason = "" },
		"no words":          func(d *Downgrade) { d.To = "" },
		"without end":       func(d *Downgrade) { d.NotAfter = time.Unix(0, 0) },
		"a reason too long": func(d *Downgrade) { d.Reason = strings.Repeat("a", maxDowngradeReason+1) },
	} {
		d := lowering()
		change(&d)
		if text, err := d.Text(); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
	d := lowering()
	got, err := ReadDowngradeText(textOf(t, d))
	if err != nil || got.Old.Digest != d.Old.Digest || got.New.Digest != d.New.Digest || !got.NotAfter.Equal(d.NotAfter) {
		t.Fatalf("read back: %+v, %v", got, err)
	}
}

func FuzzDowngrade(f *testing.F) {
	d, keys := cast(f)
	raw := lowered(f, keys["de-cert"], lowering(), nil)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte("a.b.c"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := ParseDowngrade(in, d, now)
		if err == nil && !bytes.Equal(bytes.TrimRight(in, "\r\n"), raw) && got.Issuer != "de-cert" {
			t.Fatalf("%+v", got)
		}
		if err != nil && federation.ReasonOf(err) == "" {
			t.Fatalf("no reason: %v", err)
		}
	})
}
