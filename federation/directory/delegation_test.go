package directory

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

const (
	indicatorA = "indicator--0f1d3c52-8a40-4f1e-9d5b-6a1c2e3f4a01"
	indicatorB = "indicator--0f1d3c52-8a40-4f1e-9d5b-6a1c2e3f4a02"
	malwareA   = "malware--0f1d3c52-8a40-4f1e-9d5b-6a1c2e3f4a03"
	actOne     = "01944000-0000-7000-8000-000000000001"
	actTwo     = "01944000-0000-7000-8000-000000000002"
)

// letting is a delegation by de-cert to pl-cert that everybody would take.
func letting() Delegation {
	return Delegation{ID: actOne, Issuer: "de-cert", Delegate: "pl-cert", Scope: Scope{Types: []string{"indicator"}},
		What: []string{ActWithdraw}, IssuedAt: now, NotBefore: now, NotAfter: now.AddDate(0, 1, 0)}
}

// cast is a directory of de-cert, pl-cert and ee-cert with their agreement keys.
func cast(t testing.TB) (*Directory, map[string]*PrivateKey) {
	t.Helper()
	keys := map[string]*PrivateKey{}
	var sts []*Statement
	for i, id := range []string{"de-cert", "pl-cert", "ee-cert"} {
		s, _, _ := sample(t)
		terms, msgs := testKey(t, byte(20+2*i)), testKey(t, byte(21+2*i))
		s.ID, keys[id], keys[id+" message"] = id, terms, msgs
		s.Keys = []Key{terms.Key(PurposeAgreement, now.Add(-time.Hour), now.AddDate(1, 0, 0)), msgs.Key(PurposeMessage, now.Add(-time.Hour), now.AddDate(1, 0, 0))}
		s.Expires = now.AddDate(1, 0, 0)
		raw, err := NewStatement(s, terms)
		if err != nil {
			t.Fatal(err)
		}
		st, err := ParseStatement(raw, now)
		if err != nil {
			t.Fatal(err)
		}
		sts = append(sts, st)
	}
	d, err := New(sts...)
	if err != nil {
		t.Fatal(err)
	}
	return d, keys
}

func delegated(t testing.TB, d *Directory, k *PrivateKey, change func(*Delegation)) *Delegation {
	t.Helper()
	l := letting()
	change(&l)
	raw, err := NewDelegation(l, k)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseDelegation(raw, d, now)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func with(t testing.TB, d *Directory, ds []*Delegation, ends ...*Revocation) *Directory {
	t.Helper()
	out, err := d.WithDelegations(ds, ends)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMayAct(t *testing.T) {
	d, keys := cast(t)
	de := keys["de-cert"]
	withdraw := delegated(t, d, de, func(*Delegation) {})
	byID := delegated(t, d, de, func(x *Delegation) {
		x.ID, x.What, x.Scope = actTwo, []string{ActSupersede, ActWithdraw}, Scope{IDs: []string{malwareA}}
	})
	all := delegated(t, d, de, func(x *Delegation) { x.Scope = Scope{All: true} })
	// pl-cert passes on what it has: it can only speak for its own objects.
	chained := delegated(t, d, keys["pl-cert"], func(x *Delegation) { x.Issuer, x.Delegate, x.Scope = "pl-cert", "ee-cert", Scope{All: true} })
	later := now.AddDate(0, 0, 10)
	for _, c := range []struct {
		name                           string
		held                           []*Delegation
		issuer, who, what, object, typ string
		at                             time.Time
		ok                             bool
	}{
		{"the issuer itself", nil, "de-cert", "de-cert", ActWithdraw, indicatorA, "indicator", later, true},
		{"nobody's object", nil, "", "", ActWithdraw, indicatorA, "indicator", later, false},
		{"no delegation", nil, "de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", later, false},
		{"in scope by type", []*Delegation{withdraw}, "de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", later, true},
		{"another type", []*Delegation{withdraw}, "de-cert", "pl-cert", ActWithdraw, malwareA, "malware", later, false},
		{"another act", []*Delegation{withdraw}, "de-cert", "pl-cert", ActSupersede, indicatorA, "indicator", later, false},
		{"an unknown act", []*Delegation{all}, "de-cert", "pl-cert", "erase", indicatorA, "indicator", later, false},
		{"an unknown object, by type", []*Delegation{withdraw}, "de-cert", "pl-cert", ActWithdraw, "", "", later, false},
		{"an unknown object, all", []*Delegation{all}, "de-cert", "pl-cert", ActWithdraw, "", "", later, true},
		{"in scope by id", []*Delegation{withdraw, byID}, "de-cert", "pl-cert", ActSupersede, malwareA, "malware", later, true},
		{"another id", []*Delegation{byID}, "de-cert", "pl-cert", ActSupersede, indicatorA, "indicator", later, false},
		{"somebody else", []*Delegation{all}, "de-cert", "ee-cert", ActWithdraw, indicatorA, "indicator", later, false},
		{"somebody else's object", []*Delegation{all}, "ee-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", later, false},
		{"the other way round", []*Delegation{all}, "pl-cert", "de-cert", ActWithdraw, indicatorA, "indicator", later, false},
		{"chained", []*Delegation{all, chained}, "de-cert", "ee-cert", ActWithdraw, indicatorA, "indicator", later, false},
		{"just before it begins", []*Delegation{all}, "de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", now.Add(-Skew), true},
		{"before it begins", []*Delegation{all}, "de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", now.Add(-Skew - time.Second), false},
		{"just after it ends", []*Delegation{all}, "de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", all.NotAfter.Add(Skew), true},
		{"after it ends", []*Delegation{all}, "de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", all.NotAfter.Add(Skew + time.Second), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := with(t, d, c.held).MayAct(c.issuer, c.who, c.what, c.object, c.typ, c.at)
			if (err == nil) != c.ok {
				t.Fatalf("MayAct = %v, want allowed %v", err, c.ok)
			}
			if err != nil {
				wantReason(t, err, federation.NotOwner)
			}
		})
	}
	if err := (*Directory)(nil).MayAct("de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", now); federation.ReasonOf(err) != federation.NotOwner {
		t.Errorf("no directory at all: %v", err)
	}
}

func TestRevocation(t *testing.T) {
	d, keys := cast(t)
	one := delegated(t, d, keys["de-cert"], func(*Delegation) {})
	two := delegated(t, d, keys["de-cert"], func(x *Delegation) { x.ID = actTwo })
	end := func(id, issuer string) *Revocation {
		raw, err := NewRevocation(Revocation{ID: id, Issuer: issuer, At: now}, keys[issuer])
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseRevocation(append(raw, '\n'), d, now)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	may := func(d *Directory) bool {
		return d.MayAct("de-cert", "pl-cert", ActWithdraw, indicatorA, "indicator", now) == nil
	}
	switch {
	case may(with(t, d, []*Delegation{one}, end(actOne, "de-cert"))):
		t.Error("a revoked delegation still counts")
	case !may(with(t, d, []*Delegation{one, two}, end(actOne, "de-cert"))):
		t.Error("one revocation ended another delegation")
	case !may(with(t, d, []*Delegation{one}, end(actOne, "pl-cert"))):
		t.Error("the delegate ended another's delegation by its id")
	case len(with(t, d, []*Delegation{one, two}, end(actOne, "de-cert")).Delegations()) != 1:
		t.Error("a revoked delegation is listed")
	}
	if _, err := d.WithDelegations([]*Delegation{{Issuer: "de-cert", Delegate: "pl-cert", Scope: Scope{All: true}}}, nil); err == nil {
		t.Error("a delegation that nobody verified was taken")
	}
	if _, err := d.WithDelegations(nil, []*Revocation{{}}); err == nil {
		t.Error("a revocation that nobody verified was taken")
	}
}

func TestDelegationRefused(t *testing.T) {
	d, keys := cast(t)
	ok := `{"ver":1,"iss":"de-cert","sub":"pl-cert","jti":"` + actOne + `","iat":%d,"nbf":%d,"exp":%d,"what":["withdraw"],"scope":{"all":true}}`
	text := fmt.Sprintf(ok, now.Unix(), now.Unix(), now.AddDate(0, 1, 0).Unix())
	sign := func(typ, who, payload string) []byte {
		raw, err := SignJWS(typ, []byte(payload), keys[who])
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if _, err := ParseDelegation(sign(TypDelegation, "de-cert", text), d, now); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, typ, who, from, to string
		want                     federation.Reason
	}{
		{"by another in its name", TypDelegation, "pl-cert", "", "", federation.NotOwner},
		{"with a message key", TypDelegation, "de-cert message", "", "", federation.BadSignature},
		{"another kind", TypRevocation, "de-cert", "", "", federation.Malformed},
		{"a newer version", TypDelegation, "de-cert", `"ver":1`, `"ver":2,"more":1`, federation.Unsupported},
		{"no version", TypDelegation, "de-cert", `"ver":1`, `"ver":0`, federation.Malformed},
		{"to itself", TypDelegation, "de-cert", `"pl-cert"`, `"de-cert"`, federation.Malformed},
		{"without an end", TypDelegation, "de-cert", `"exp":1770379200,`, ``, federation.Malformed},
		{"no scope", TypDelegation, "de-cert", `{"all":true}`, `{}`, federation.Malformed},
		{"two scopes", TypDelegation, "de-cert", `{"all":true}`, `{"all":true,"types":["indicator"]}`, federation.Malformed},
		{"a wildcard type", TypDelegation, "de-cert", `{"all":true}`, `{"types":["*"]}`, federation.Malformed},
		{"no id", TypDelegation, "de-cert", `{"all":true}`, `{"ids":["indicator--x"]}`, federation.Malformed},
		{"no act", TypDelegation, "de-cert", `["withdraw"]`, `[]`, federation.Malformed},
		{"an unknown act", TypDelegation, "de-cert", `["withdraw"]`, `["withdraw","delegate"]`, federation.Malformed},
		{"an act twice", TypDelegation, "de-cert", `["withdraw"]`, `["withdraw","withdraw"]`, federation.Malformed},
		{"a member more", TypDelegation, "de-cert", `"ver":1`, `"ver":1,"chain":true`, federation.Malformed},
		{"no id of its own", TypDelegation, "de-cert", actOne, "x", federation.Malformed},
		{"from the future", TypDelegation, "de-cert", `"iat":1767700800`, `"iat":1767704400`, federation.NotYetValid},
		{"far too long", TypDelegation, "de-cert", `{"all":true}`, `{"ids":["` + strings.Repeat("x", maxDelegation) + `"]}`, federation.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			payload := text
			if c.from != "" {
				if !strings.Contains(text, c.from) {
					t.Fatalf("%q is not in %s", c.from, text)
				}
				payload = strings.Replace(text, c.from, c.to, 1)
			}
			_, err := ParseDelegation(sign(c.typ, c.who, payload), d, now)
			wantReason(t, err, c.want)
		})
	}
	raw := sign(TypDelegation, "de-cert", text)
	raw[len(raw)-3] ^= 1
	if _, err := ParseDelegation(raw, d, now); err == nil {
		t.Error("a changed signature passed")
	}
	if _, err := ParseRevocation(sign(TypRevocation, "pl-cert", `{"ver":1,"iss":"de-cert","jti":"`+actOne+`","iat":1767700800}`), d, now); federation.ReasonOf(err) != federation.NotOwner {
		t.Errorf("a revocation by the delegate: %v", err)
	}
}

func FuzzParseDelegation(f *testing.F) {
	d, keys := cast(f)
	raw, err := NewDelegation(letting(), keys["de-cert"])
	if err != nil {
		f.Fatal(err)
	}
	end, err := NewRevocation(Revocation{ID: actOne, Issuer: "de-cert", At: now}, keys["de-cert"])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(end)
	f.Fuzz(func(t *testing.T, in []byte) {
		if x, err := ParseDelegation(in, d, now); err == nil && string(x.Raw) != string(raw) {
			t.Fatalf("%q passed as a delegation and is not the one that was signed", in)
		} else if err != nil && federation.ReasonOf(err) == "" {
			t.Fatalf("an error without a reason: %v", err)
		}
		if x, err := ParseRevocation(in, d, now); err == nil && string(x.Raw) != string(end) {
			t.Fatalf("%q passed as a revocation and is not the one that was signed", in)
		}
	})
}
