package directory

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
)

// team is a node's approvers with their keys.
type team struct {
	t    *testing.T
	keys map[string]*PrivateKey
	all  *Approvers
	now  time.Time
}

func newTeam(t *testing.T, until map[string]time.Time, ids ...string) *team {
	t.Helper()
	x := &team{t: t, keys: map[string]*PrivateKey{}, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	var list []Approver
	for _, id := range ids {
		k, err := GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		a, err := NewApprover(id, PublicText(k.Public()), until[id])
		if err != nil {
			t.Fatal(err)
		}
		x.keys[id], list = k, append(list, a)
	}
	var err error
	if x.all, err = NewApprovers(list...); err != nil {
		t.Fatal(err)
	}
	return x
}

// sign signs as a person, after a change.
func (x *team) sign(id, typ string, change func(*Approval)) []byte {
	x.t.Helper()
	a := Approval{ID: uuid.Must(uuid.NewV7()).String(), By: id, Node: "pl-cert", Text: []byte("let it go"), IssuedAt: x.now, NotAfter: x.now.Add(24 * time.Hour)}
	if change != nil {
		change(&a)
	}
	k := x.keys[id]
	if k == nil {
		x.t.Fatalf("no key of %s", id)
	}
	raw, err := NewApproval(typ, a, k)
	if err != nil {
		x.t.Fatal(err)
	}
	return raw
}

// TestTwoPersonsApprove lets one person pass for two, in every way that is left,
// and uses approvals for what they were not given.
func TestTwoPersonsApprove(t *testing.T) {
	x := newTeam(t, map[string]time.Time{"gone": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}, "anna", "ben", "gone")
	stranger := newTeam(t, nil, "carl")
	good := x.sign("anna", TypDecision, nil)
	for _, c := range []struct {
		name string
		with []byte
		at   time.Duration
		want federation.Reason
	}{
		{name: "two", with: x.sign("ben", TypDecision, nil)},
		{name: "the same signature twice", with: good, want: federation.NotOwner},
		{name: "the same person twice", with: x.sign("anna", TypDecision, nil), want: federation.NotOwner},
		{name: "in another's name", with: x.sign("anna", TypDecision, func(a *Approval) { a.By = "ben" }), want: federation.BadSignature},
		{name: "not listed", with: stranger.sign("carl", TypDecision, nil), want: federation.UnknownIssuer},
		{name: "past its day", with: x.sign("gone", TypDecision, nil), want: federation.RevokedKey},
		{name: "another text", with: x.sign("ben", TypDecision, func(a *Approval) { a.Text = []byte("let it go.") }), want: federation.Malformed},
		{name: "another node", with: x.sign("ben", TypDecision, func(a *Approval) { a.Node = "de-cert" }), want: federation.WrongRecipient},
		{name: "for something else", with: x.sign("ben", TypActivation, nil), want: federation.Malformed},
		{name: "too late", with: x.sign("ben", TypDecision, nil), at: 25 * time.Hour, want: federation.Expired},
		{name: "too early", with: x.sign("ben", TypDecision, func(a *Approval) { a.IssuedAt = x.now.Add(time.Hour) }), want: federation.NotYetValid},
		{name: "nobody else", want: federation.NotOwner},
	} {
		raws := [][]byte{good}
		if c.with != nil {
			raws = append(raws, c.with)
		}
		text, by, err := x.all.Verify(TypDecision, "pl-cert", 2, x.now.Add(c.at), raws...)
		if got := federation.ReasonOf(err); got != c.want {
			t.Errorf("%s: %v, want reason %q", c.name, err, c.want)
		}
		if c.want == "" && (string(text) != "let it go" || strings.Join(by, " ") != "anna ben") {
			t.Errorf("%s: %q by %v", c.name, text, by)
		}
		if c.want != "" && (text != nil || by != nil) {
			t.Errorf("%s: refused, and yet %q by %v", c.name, text, by)
		}
	}
	if _, by, err := x.all.Verify(TypDecision, "pl-cert", 1, x.now, good); err != nil || len(by) != 1 {
		t.Errorf("one of one: %v %v", by, err)
	}
	if _, _, err := (*Approvers)(nil).Verify(TypDecision, "pl-cert", 1, x.now, good); federation.ReasonOf(err) != federation.UnknownIssuer {
		t.Errorf("without approvers: %v", err)
	}
}

// TestApproversAreDistinct lists one person as two.
func TestApproversAreDistinct(t *testing.T) {
	x := newTeam(t, nil, "anna", "ben")
	one := func(id string, k *PrivateKey) Approver {
		a, err := NewApprover(id, PublicText(k.Public()), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, list := range map[string][]Approver{
		"one id, two keys":  {one("anna", x.keys["anna"]), one("anna", x.keys["ben"])},
		"one key, two ids":  {one("anna", x.keys["anna"]), one("ben", x.keys["anna"])},
		"a key that is not": {{ID: "anna"}},
	} {
		if _, err := NewApprovers(list...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, key := range []string{"", "AAAA", PublicText(x.keys["anna"].Public()) + "=", PublicText(make([]byte, 32))} {
		if _, err := NewApprover("anna", key, time.Time{}); err == nil {
			t.Errorf("key %q taken", key)
		}
	}
}

// FuzzOpenApproval reads what anybody may hand over as an approval.
func FuzzOpenApproval(f *testing.F) {
	k, err := GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	a, err := NewApprover("anna", PublicText(k.Public()), time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	all, err := NewApprovers(a)
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	raw, err := NewApproval(TypDecision, Approval{ID: uuid.Must(uuid.NewV7()).String(), By: "anna", Node: "pl-cert", Text: []byte("{}"), IssuedAt: now, NotAfter: now.Add(time.Hour)}, k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("a.b.c"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := all.Open(TypDecision, "pl-cert", in, now)
		if err != nil && federation.ReasonOf(err) == "" {
			t.Errorf("refused without a reason: %v", err)
		}
		if err == nil && (got.By != "anna" || len(got.Text) == 0) {
			t.Errorf("taken: %+v", got)
		}
	})
}
