package envelope

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
)

// TestTo: what was decided for one peer goes to another of its audience with a
// hop that names that one, and to nobody else.
func TestTo(t *testing.T) {
	j := newJudge(t)
	v := issueOne(t, workload(t)...)
	first := j.recipient("PL", "pl-cert")
	c, err := Redact(v, j.decide(j.subjects(v), first))
	if err != nil {
		t.Fatal(err)
	}
	second := j.recipient("PL", "pl-second")
	same, err := c.To(second, j.now)
	if err != nil {
		t.Fatal(err)
	}
	own, err := Redact(v, j.decide(j.subjects(v), second))
	if err != nil {
		t.Fatal(err)
	}
	if same.Peer() != "pl-second" || c.Peer() != "pl-cert" || !bytes.Equal(same.text(), own.text()) {
		t.Errorf("for %s, not what it would get by itself", same.Peer())
	}
	got, err := verifyAs(t, dispatch(t, same, "de-cert", "pl-second", 1), "pl-second")
	if err != nil || got.Hops()[0].Aud != "pl-second" {
		t.Errorf("%+v, %v", got, err)
	}
	ps, _ := testParticipants(t)
	_, err = SignFrame([]*Cleared{same}, Dispatch{Self: "de-cert", Key: ps["de-cert"], Peer: "pl-cert", Now: testNow, FirstSeq: 1, Tables: "1"})
	wantReason(t, err, federation.PolicyError)

	lower := policy.SampleAgreement("PL")
	lower.Peer, lower.Ceiling = "pl-second", 0
	short := policy.SampleAgreement("PL")
	short.Peer, short.Until = "pl-second", j.now.Add(time.Hour)
	brief := policy.NewRecipient(j.self, short)
	if _, err := c.To(brief, j.now); err != nil {
		t.Errorf("terms that end later: %v", err)
	}
	for name, to := range map[string]struct {
		who *policy.Recipient
		at  time.Time
	}{
		"another country":      {j.recipient("JP", "jp-carrier"), j.now},
		"another ceiling":      {policy.NewRecipient(j.self, lower), j.now},
		"no agreement":         {policy.Stranger(j.self, "pl-second"), j.now},
		"another sender":       {policy.NewRecipient(&policy.Node{ID: "fr-cert", Country: "DE", Kind: "authority"}, policy.SampleAgreement("PL")), j.now},
		"after its terms":      {brief, short.Until},
		"an id with a capital": {j.recipient("PL", "PL"), j.now},
	} {
		_, err := c.To(to.who, to.at)
		if federation.ReasonOf(err) != federation.PolicyError {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = (&Cleared{}).To(second, j.now)
	wantReason(t, err, federation.PolicyError)
}

// TestSharedRecord: the text of a record that is put together from shared and own
// parts is what the record's JSON is.
func TestSharedRecord(t *testing.T) {
	j := newJudge(t)
	v := issueOne(t, workload(t)...)
	c, err := Redact(v, j.decide(j.subjects(v), j.recipient("PL", "pl-cert")))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		x := *c
		x.said = &said{}
		x.marks = nil
		for range rapid.IntRange(0, 3).Draw(rt, "marks") {
			x.marks = append(x.marks, Mapped{Object: v.Items()[0].Digest, From: rapid.String().Draw(rt, "from"), To: rapid.String().Draw(rt, "to")})
		}
		if rapid.Bool().Draw(rt, "nothing out") {
			x.variant = &variant{v: v, sd: x.sd, sdHash: x.sdHash, items: x.items}
		}
		d := Dispatch{Self: "de-cert", Peer: "pl-cert", Now: testNow, FirstSeq: rapid.Uint64Range(1, 1<<60).Draw(rt, "first"), Tables: rapid.StringN(1, 50, 400).Draw(rt, "tables")}
		salt := rapid.SliceOfN(rapid.Byte(), saltBytes, saltBytes).Draw(rt, "salt")
		r := &record{Ver: Version, Iss: d.Self, Aud: d.Peer, Iat: d.Now.Unix(), Seq: d.FirstSeq + 1, Prev: digestString(elementHash(v.m.jws.Header, v.m.jws.Payload, v.m.jws.Signature)),
			SDHash: digestString(x.sdHash), Pol: digestString(x.bundle), Sal: base64.RawURLEncoding.EncodeToString(salt)}
		for _, o := range x.out {
			r.Out = append(r.Out, [2]string{digestString(o.Digest), o.Class})
		}
		for _, m := range x.marks {
			r.Map = append(r.Map, [3]string{digestString(m.Object), m.From, m.To})
			r.Tab = d.Tables
		}
		want, err := r.encode()
		got, err2 := d.appendRecord(nil, &x, 1, salt)
		if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(got, want) {
			rt.Fatalf("%s, %v\nwant %s, %v", got, err2, want, err)
		}
	})
}
