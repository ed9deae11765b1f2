package policy

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// told is what of a decision reaches journal and wire.
type told struct {
	verdict  federation.Verdict
	from, to string
	cited    []string
	removed  []string
	grounds  []string
}

func tell(d Decision) told {
	x := told{verdict: d.Verdict(), from: d.From(), to: d.To()}
	for _, c := range d.Reasons() {
		x.cited = append(x.cited, string(c.Reason)+" "+c.Rule+" "+c.Basis+" "+c.Class)
	}
	for _, r := range d.Removed() {
		x.removed = append(x.removed, r.Path+" "+r.Class+" "+string(r.Reason)+" "+r.Rule)
	}
	for _, c := range d.Allowed() {
		x.grounds = append(x.grounds, c.Rule+" "+c.Basis+" "+c.Claims)
	}
	return x
}

// Whatever the terms and the object: what was decided for one recipient is what
// is decided for another of its audience, wherever it is said to hold.
func TestAudienceDecidesAlike(t *testing.T) {
	d := newDemo(t)
	held, differ := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCrossing(rt)
		for range rapid.IntRange(0, 3).Draw(rt, "restrictions") {
			c = restricted(rt, c)
		}
		c.terms.Peer = "first"
		if c.terms.Clients != nil {
			c.terms.Clients = []string{"first"}
		}
		entry := merged(c.object["extensions"].(object)["extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"].(object))
		if rapid.Bool().Draw(rt, "names") {
			entry["releasable_to"] = []string{rapid.SampledFrom([]string{"first", "second", "PL", "EU"}).Draw(rt, "name")}
			c.object["extensions"] = object{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917": entry}
		}
		other := c.terms.clone()
		other.Peer, other.ID, other.Contacts = "second", "other terms", []Contact{{"duty", "duty@second.example"}}
		other.Until = c.terms.Until.AddDate(0, rapid.IntRange(-24, 24).Draw(rt, "end"), 0)
		switch rapid.IntRange(0, 7).Draw(rt, "change") {
		case 0:
			other.Ceiling = drawTLP(rt)
		case 1:
			other.Data = []string{"technical"}
		case 2:
			other.Clients = nil
		case 3:
			other.Constituency = Constituency{TLD: []string{"example"}}
		case 4:
			other.Country = "US"
		default:
			if c.terms.Clients != nil {
				other.Clients = []string{"first", "second", "third"}
			}
		}
		self, issuer := d.de, "de-cert"
		if c.onward {
			self = d.pl
		}
		c.terms.Node, other.Node = self.ID, self.ID
		s := d.subject(t, issuer, c.object)
		if c.onward {
			s = s.Arrived(issuer)
		}
		first, second := NewRecipient(self, c.terms), NewRecipient(self, &other)
		a := Relate([]Decision{d.bundle.Decide(s, first, c.now)})
		b := Relate([]Decision{d.bundle.Decide(s, second, c.now)})
		same := reflect.DeepEqual(tell(a[0]), tell(b[0]))
		if common := CommonOf(a); common.Holds(second, c.now) {
			held++
			if !same {
				rt.Fatalf("one audience, and\n%+v for one\n%+v for the other", tell(a[0]), tell(b[0]))
			}
		}
		if !same {
			differ++
		}
	})
	if !testing.Short() && (held == 0 || differ == 0) {
		t.Errorf("%d times for an audience, %d times not alike: the test tries too little", held, differ)
	}
}

// What speaks of one recipient is decided for it alone.
func TestNotInCommon(t *testing.T) {
	d := newDemo(t)
	terms := func(peer string) *Agreement {
		a := SampleAgreement("PL")
		a.Peer, a.Node = peer, d.de.ID
		return a
	}
	first, second := NewRecipient(d.de, terms("first")), NewRecipient(d.de, terms("second"))
	s := d.subject(t, "de-cert", indicator(nil))
	decided := func(s *Subject, r *Recipient) []Decision {
		return Relate([]Decision{d.bundle.Decide(s, r, demoNow)})
	}
	if c := CommonOf(decided(s, first)); !c.Holds(second, demoNow) || c.Audience() == (Audience{}) {
		t.Fatal("an ordinary object is not decided for the audience")
	}
	exception := Exception{ID: "x", Rule: "any", Issuer: "de-cert", Types: []string{"indicator"}, Reject: true, From: demoNow.Add(-time.Hour), Until: demoNow.Add(time.Hour)}
	of := func(peer string) []Exception { e := exception; e.Peer = peer; return []Exception{e} }
	if CommonOf(decided(s, first)).Holds(second.WithExceptions(of("second")), demoNow) {
		t.Error("persons decided that it stays from the second")
	}
	if CommonOf(decided(s, first.WithExceptions(of("first")))) != nil {
		t.Error("persons decided something for the first")
	}
	released := d.subject(t, "de-cert", indicator(handlingOf(object{"releasable_to": []string{"first", "DE"}})))
	if CommonOf(decided(released, first)) != nil {
		t.Error("its origin names the first")
	}
	country := d.subject(t, "de-cert", indicator(handlingOf(object{"releasable_to": []string{"PL", "EU"}})))
	if CommonOf(decided(country, first)) == nil {
		t.Error("a list of countries names nobody")
	}
	if CommonOf(append(decided(s, first), decided(s, second)...)) != nil {
		t.Error("decisions for two recipients have nothing in common")
	}
	if CommonOf(nil) != nil || CommonOf([]Decision{{}}) != nil || (*Common)(nil).Holds(first, demoNow) {
		t.Error("nothing has something in common")
	}
	if NewRecipient(d.de, terms("First")).Audience(demoNow) != (Audience{}) {
		t.Error("an id with a capital may be a country's")
	}
	sealed := *s
	sealed.classes = append(slices.Clone(s.classes), unitClass{sealed: sealedFor([]string{"kid"})})
	if !sealed.speaksOf() {
		t.Error("what is sealed to keys is not for an audience")
	}
}

// What a decision hangs on elsewhere may be the peer's alone.
func TestNotInCommonElsewhere(t *testing.T) {
	d := newDemo(t)
	a := SampleAgreement("PL")
	a.Peer, a.Node = "first", d.de.ID
	to := NewRecipient(d.de, a)
	s := d.subject(t, "de-cert", indicator(object{"created_by_ref": idIdentity}))
	named := d.subject(t, "de-cert", other("identity", idIdentity, merged(object{"name": "first", "identity_class": "organization"}, handlingOf(object{"releasable_to": []string{"first"}}))))
	for name, st := range map[string]Standing{
		"the peer has it":            {Theirs: true},
		"it is released to the peer": {Decisions: []Decision{d.bundle.Decide(named, to, demoNow)}},
	} {
		c := NewClosure(func(string, string) Standing { return st })
		if CommonOf(c.Relate([]Decision{d.bundle.Decide(s, to, demoNow)})) != nil {
			t.Errorf("%s: decided for an audience", name)
		}
	}
	if CommonOf(NewClosure(nil).Relate([]Decision{d.bundle.Decide(s, to, demoNow)})) == nil {
		t.Error("what is not here is nobody's alone")
	}
}

// A rule that asks who the peer is leaves no audience.
func TestRuleThatNamesThePeer(t *testing.T) {
	for text, want := range map[string]bool{
		`forbid (principal, action, resource) when { principal.id == "first" };`:                                                true,
		`forbid (principal, action, resource) unless { ["first"].contains(principal.id) };`:                                     true,
		`forbid (principal, action, resource) when { principal == Peer::"first" };`:                                             true,
		`forbid (principal, action, resource) when { principal in Peer::"first" };`:                                             true,
		`forbid (principal == Peer::"first", action, resource);`:                                                                true,
		`forbid (principal in Peer::"first", action, resource);`:                                                                true,
		`forbid (principal is Peer, action, resource);`:                                                                         true,
		`permit (principal, action, resource) when { principal.kind == "vendor" && resource.allowedPlaces.contains("first") };`: false,
	} {
		list, err := cedar.NewPolicyListFromBytes("sample", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := namesPeer((*ast.Policy)(list[0].AST())); got != want {
			t.Errorf("%s: names the peer %v", text, got)
		}
	}
	if newDemo(t).bundle.names {
		t.Error("the shipped rules name a peer")
	}
}
