package envelope

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping/scheme"
)

// judge decides with the shipped rules, tables and sample agreements.
type judge struct {
	bundle *policy.Bundle
	reader *policy.Reader
	self   *policy.Node
	now    time.Time
}

func newJudge(t testing.TB) *judge {
	t.Helper()
	tables, err := scheme.Load(os.DirFS("../../configs/schemes"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := policy.Load(os.DirFS("../../configs/policies"), os.DirFS("../../configs/jurisdictions"), tables, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &judge{bundle: b, reader: policy.NewReader(tables), now: testNow, self: &policy.Node{ID: "de-cert", Country: "DE", Kind: "authority"}}
}

// recipient is a national CERT of a country under the sample agreement.
func (j *judge) recipient(country, peer string) *policy.Recipient {
	a := policy.SampleAgreement(country)
	a.Peer = peer
	return policy.NewRecipient(j.self, a)
}

// subjects reads the markings of a message's objects.
func (j *judge) subjects(v *Verified) []*policy.Subject {
	defs := map[string]*stix.Object{}
	for _, it := range v.Items() {
		if it.Object.Type() == "marking-definition" {
			defs[it.Object.ID()] = it.Object
		}
	}
	out := make([]*policy.Subject, len(v.Items()))
	for i, it := range v.Items() {
		out[i] = j.reader.Subject(v.Issuer(), it.Digest, it.Object, defs)
	}
	return out
}

func (j *judge) decide(ss []*policy.Subject, to *policy.Recipient) []policy.Decision {
	ds := make([]policy.Decision, len(ss))
	for i, s := range ss {
		ds[i] = j.bundle.Decide(s, to, j.now)
	}
	return ds
}

// TestRedactByPolicy sends the workload to a peer: what arrives is what the
// decisions say, object by object.
func TestRedactByPolicy(t *testing.T) {
	j := newJudge(t)
	v := issueOne(t, workload(t)...)
	ds := j.decide(j.subjects(v), j.recipient("PL", "pl-cert"))
	slices.Reverse(ds) // any order will do
	c, err := Redact(v, ds)
	if err != nil {
		t.Fatal(err)
	}
	got, err := verifyAs(t, dispatch(t, c, "de-cert", "pl-cert", 1), "pl-cert")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[federation.Verdict]int{}
	for _, d := range ds {
		counts[d.Verdict()]++
		at := slices.IndexFunc(got.Items(), func(it Item) bool { return it.Digest == d.Digest() })
		goes := d.Verdict() == federation.Share || d.Verdict() == federation.Redact
		if goes != (at >= 0) {
			t.Errorf("%s and arrived %v", d.Verdict(), at >= 0)
		}
		for _, r := range d.Removed() {
			if raw, there := got.Items()[at].Object.Get(r.Path); there {
				t.Errorf("%s arrived: %s", r.Path, raw)
			}
		}
	}
	for _, verdict := range []federation.Verdict{federation.Share, federation.Redact} {
		if counts[verdict] == 0 {
			t.Errorf("no object of the workload is to %s: the test tries too little (%v)", verdict, counts)
		}
	}
	if counts[federation.Withhold]+counts[federation.Hold] == 0 {
		t.Errorf("no object of the workload stays: the test tries too little (%v)", counts)
	}
	hop := got.Hops()[0]
	if hop.Policy != digestString(j.bundleDigest(ds)) || len(hop.Out) == 0 {
		t.Errorf("hop %+v", hop)
	}
	if len(c.Withheld()) != 0 {
		t.Errorf("what policy lets go cannot stand: %+v", c.Withheld())
	}
}

func (j *judge) bundleDigest(ds []policy.Decision) [32]byte { return ds[0].Bundle() }

// TestRedactRefusesDecisions: exactly one valid decision for each object, of one
// bundle, for one peer.
func TestRedactRefusesDecisions(t *testing.T) {
	j := newJudge(t)
	v := issueOne(t, workload(t)[:8]...)
	foreign := issueOne(t, workload(t)[8:9]...)
	ss := j.subjects(v)
	pl, jp := j.recipient("PL", "pl-cert"), j.recipient("JP", "jp-carrier")
	good := j.decide(ss, pl)
	if _, err := Redact(v, good); err != nil {
		t.Fatal(err)
	}
	k := newJudge(t)
	k.bundle = otherBundle(t)
	replace := func(d policy.Decision) []policy.Decision {
		out := slices.Clone(good)
		out[3] = d
		return out
	}
	for name, ds := range map[string][]policy.Decision{
		"none":                       nil,
		"one missing":                good[1:],
		"one too many":               append(slices.Clone(good), good[0]),
		"one twice, another missing": replace(good[4]),
		"a zero decision":            replace(policy.Decision{}),
		"of another message":         replace(j.decide(j.subjects(foreign), pl)[0]),
		"for another peer":           replace(j.decide(ss, jp)[3]),
		"for nobody":                 j.decide(ss, j.recipient("PL", "")),
		"of another bundle":          replace(k.decide(ss, pl)[3]),
		"all zero":                   make([]policy.Decision, len(good)),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Redact(v, ds)
			if c != nil {
				t.Error("cleared")
			}
			wantReason(t, err, federation.PolicyError)
		})
	}
}

// otherBundle is the shipped bundle with one fact of law less.
func otherBundle(t testing.TB) *policy.Bundle {
	t.Helper()
	tables, err := scheme.Load(os.DirFS("../../configs/schemes"))
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := tables.Accept("pl-national")
	if err != nil {
		t.Fatal(err)
	}
	b, err := policy.Load(os.DirFS("../../configs/policies"), os.DirFS("../../configs/jurisdictions"), accepted, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAudiences: peers whose decisions take out the same share one redaction;
// another audience is told apart, and each Cleared is for its own peer only.
func TestAudiences(t *testing.T) {
	j := newJudge(t)
	v := issueOne(t, workload(t)...)
	ss := j.subjects(v)
	c, err := Redact(v, j.decide(ss, j.recipient("PL", "pl-cert")))
	if err != nil {
		t.Fatal(err)
	}
	same, err := c.For(j.decide(ss, j.recipient("PL", "pl-second")))
	if err != nil {
		t.Fatal(err)
	}
	if same.Peer() != "pl-second" || same.variant != c.variant || c.Peer() != "pl-cert" {
		t.Errorf("for %s, shared %v", same.Peer(), same.variant == c.variant)
	}
	ps, _ := testParticipants(t)
	d := Dispatch{Self: "de-cert", Key: ps["de-cert"], Peer: "pl-cert", Now: testNow, FirstSeq: 1, Tables: "1"}
	_, err = SignFrame([]*Cleared{same}, d)
	wantReason(t, err, federation.PolicyError)
	if _, err := SignFrame([]*Cleared{c}, d); err != nil {
		t.Error(err)
	}
	strict := policy.Stranger(j.self, "jp-carrier") // no agreement: nothing goes
	_, err = c.For(j.decide(ss, strict))
	wantReason(t, err, federation.PolicyError)
	if _, err := Redact(v, j.decide(ss, strict)); !errors.Is(err, ErrNothing) {
		t.Errorf("without an agreement: %v", err)
	}
	_, err = c.For(j.decide(ss, j.recipient("PL", "pl-second"))[1:])
	wantReason(t, err, federation.PolicyError)
}
