package bench

import (
	"io/fs"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping/scheme"
)

// border is everything that one border needs to pass messages on.
type border struct {
	bundle  *policy.Bundle
	reader  *policy.Reader
	keys    *directory.Directory
	mine    *directory.PrivateKey
	self    policy.Node
	to      *policy.Recipient
	now     time.Time
	roots   *envelope.RootCache
	message []byte // 64 objects, issued by de-cert, dispatched to pl-cert
}

const objectsPerMessage = 64

// newBorder sets up pl-cert between de-cert and jp-carrier, with the shipped
// policy and sample agreements, and one message from de-cert.
func newBorder(b *testing.B) *border {
	b.Helper()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	tables, err := scheme.Load(configs.Schemes())
	must(err)
	text, err := fs.ReadFile(configs.Agreements(), "reviews.yaml")
	must(err)
	reviews, err := policy.ParseReviews(text, "reviews.yaml")
	must(err)
	bundle, err := policy.Load(configs.Policies(), configs.Jurisdictions(), tables, policy.Options{Reviewed: reviews})
	must(err)
	x := &border{bundle: bundle, reader: policy.NewReader(tables), now: now, roots: envelope.NewRootCache(64), self: policy.Node{ID: "pl-cert", Country: "PL", Kind: "authority"}}
	de, deKey := participant(b, "de-cert", "DE", now)
	pl, plKey := participant(b, "pl-cert", "PL", now)
	x.mine = plKey
	x.keys, err = directory.New(de, pl)
	must(err)
	x.to = policy.NewRecipient(&x.self, agreement(b, "pl-cert--jp-carrier"))
	x.message = x.issue(b, deKey)
	return x
}

// issue makes one message of 64 objects as it arrives at pl-cert.
func (x *border) issue(b *testing.B, key *directory.PrivateKey) []byte {
	b.Helper()
	var objs []*stix.Object
	for _, raw := range Generate(objectsPerMessage, 1, x.now) {
		o, err := stix.Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		objs = append(objs, o)
	}
	msgs, err := envelope.Issue(objs, envelope.IssueOptions{Issuer: "de-cert", Key: key, Now: x.now, Secret: make([]byte, 32),
		NewID: func() string { return "0197b3a0-0000-7000-8000-000000000001" }})
	if err != nil || len(msgs) != 1 {
		b.Fatalf("%d messages, %v", len(msgs), err)
	}
	de := policy.Node{ID: "de-cert", Country: "DE", Kind: "authority"}
	signed := x.dispatch(b, msgs[0], &de, policy.NewRecipient(&de, agreement(b, "de-cert--pl-cert")), key)
	return signed
}

// dispatch passes a message on: decide, redact, sign.
func (x *border) dispatch(b *testing.B, v *envelope.Verified, self *policy.Node, to *policy.Recipient, key *directory.PrivateKey) []byte {
	ds := make([]policy.Decision, 0, objectsPerMessage)
	for _, it := range v.Items() {
		s := x.reader.Subject(v.Issuer(), it.Digest, it.Object, nil)
		ds = append(ds, x.bundle.Decide(s, to, x.now))
	}
	c, err := envelope.Redact(v, policy.Relate(ds))
	if err != nil {
		b.Fatal(err)
	}
	signed, err := envelope.SignFrame([]*envelope.Cleared{c}, envelope.Dispatch{Self: self.ID, Key: key, Peer: to.Peer(), Now: x.now, FirstSeq: 1})
	if err != nil {
		b.Fatal(err)
	}
	return signed[0].Bytes()
}

// step is the whole path of one border over one message.
func (x *border) step(b *testing.B) []byte {
	v, err := envelope.Verify(x.message, envelope.VerifyOptions{Self: "pl-cert", From: "de-cert", Keys: x.keys, Now: x.now, Roots: x.roots})
	if err != nil {
		b.Fatal(err)
	}
	return x.dispatch(b, v, &x.self, x.to, x.mine)
}

func participant(b *testing.B, id, country string, now time.Time) (*directory.Statement, *directory.PrivateKey) {
	b.Helper()
	key, err := directory.GenerateKey()
	if err != nil {
		b.Fatal(err)
	}
	terms, err := directory.GenerateKey()
	if err != nil {
		b.Fatal(err)
	}
	until := now.AddDate(1, 0, 0)
	raw, err := directory.NewStatement(directory.Statement{ID: id, Name: id, Country: country, Version: 1, IssuedAt: now.Add(-time.Hour), Expires: until,
		Keys: []directory.Key{key.Key(directory.PurposeMessage, now.Add(-time.Hour), until), terms.Key(directory.PurposeAgreement, now.Add(-time.Hour), until)}}, terms)
	if err != nil {
		b.Fatal(err)
	}
	s, err := directory.ParseStatement(raw, now)
	if err != nil {
		b.Fatal(err)
	}
	return s, key
}

func agreement(b *testing.B, name string) *policy.Agreement {
	b.Helper()
	raw, err := fs.ReadFile(configs.Agreements(), name+".yaml")
	if err != nil {
		b.Fatal(err)
	}
	a, err := policy.ParseAgreement(raw, name+".yaml")
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// BenchmarkBorder64 is verify + decide + redact + sign of one message of 64
// objects, on one core.
func BenchmarkBorder64(b *testing.B) {
	x := newBorder(b)
	out := x.step(b)
	b.ReportAllocs()
	for b.Loop() {
		x.step(b)
	}
	perObject := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / objectsPerMessage / 1000
	b.ReportMetric(perObject, "µs/object")
	b.ReportMetric(float64(len(out))/objectsPerMessage, "wire-bytes/object")
}
