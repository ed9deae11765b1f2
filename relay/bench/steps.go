package bench

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping/scheme"
)

// steps is everything that one border needs to pass messages on, without a
// node around it: what the pure steps cost on one core.
type steps struct {
	bundle  *policy.Bundle
	tables  *scheme.Tables
	reader  *policy.Reader
	keys    *directory.Directory
	origin  *directory.PrivateKey // of de-cert
	mine    *directory.PrivateKey // of pl-cert
	to      *policy.Recipient     // fr-cert, of pl-cert
	now     time.Time
	roots   *envelope.RootCache
	objects []*stix.Object
	arrived [][]byte // messages of 64, as they come to pl-cert
}

const (
	objectsPerMessage = 64
	// messagesPerFrame share one hop signature: about as many fit into a frame
	// of half a megabyte.
	messagesPerFrame = 4
)

// newSteps sets up pl-cert between de-cert and fr-cert, with the shipped policy,
// and messages from de-cert.
func newSteps(messages int, now time.Time) (*steps, error) {
	tables, err := scheme.Load(configs.Schemes())
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(configs.Agreements(), "reviews.yaml")
	if err != nil {
		return nil, err
	}
	reviews, err := policy.ParseReviews(text, "reviews.yaml")
	if err != nil {
		return nil, err
	}
	x := &steps{tables: tables, now: now}
	if x.bundle, err = policy.Load(configs.Policies(), configs.Jurisdictions(), tables, policy.Options{Reviewed: reviews}); err != nil {
		return nil, err
	}
	de, origin, err := participant("de-cert", "DE", now)
	if err != nil {
		return nil, err
	}
	pl, mine, err := participant("pl-cert", "PL", now)
	if err != nil {
		return nil, err
	}
	x.origin, x.mine = origin, mine
	if x.keys, err = directory.New(de, pl); err != nil {
		return nil, err
	}
	if x.to, err = recipient(now, "pl-cert", "PL", "fr-cert", "FR"); err != nil {
		return nil, err
	}
	for _, raw := range Generate(messages*objectsPerMessage, 1, now) {
		o, err := stix.Parse(raw)
		if err != nil {
			return nil, err
		}
		x.objects = append(x.objects, o)
	}
	x.forget()
	return x, x.send(messages)
}

// forget drops what was learned from messages.
func (x *steps) forget() {
	x.roots, x.reader = envelope.NewRootCache(4096), policy.NewReader(x.tables)
}

// issue makes one message of the i-th 64 objects.
func (x *steps) issue(i int) (*envelope.Verified, error) {
	objs := x.objects[i*objectsPerMessage : (i+1)*objectsPerMessage]
	msgs, err := envelope.Issue(objs, envelope.IssueOptions{Issuer: "de-cert", Key: x.origin, Now: x.now, Secret: make([]byte, 32),
		NewID: func() string { return fmt.Sprintf("0197b3a0-0000-7000-8000-%012x", i+1) }})
	if err != nil {
		return nil, err
	}
	if len(msgs) != 1 {
		return nil, fmt.Errorf("bench: %d messages of %d objects", len(msgs), len(objs))
	}
	return msgs[0], nil
}

// send makes the messages as they arrive at pl-cert.
func (x *steps) send(messages int) error {
	to, err := recipient(x.now, "de-cert", "DE", "pl-cert", "PL")
	if err != nil {
		return err
	}
	for i := 0; i < messages; i += messagesPerFrame {
		var frame []*envelope.Cleared
		for k := i; k < min(i+messagesPerFrame, messages); k++ {
			v, err := x.issue(k)
			if err != nil {
				return err
			}
			c, err := x.clear(v, to)
			if err != nil {
				return err
			}
			frame = append(frame, c)
		}
		signed, err := envelope.SignFrame(frame, envelope.Dispatch{Self: "de-cert", Key: x.origin, Peer: "pl-cert", Now: x.now, FirstSeq: uint64(i) + 1, Tables: x.tables.Digest()})
		if err != nil {
			return err
		}
		for _, s := range signed {
			x.arrived = append(x.arrived, s.Bytes())
		}
	}
	return nil
}

// clear decides and redacts.
func (x *steps) clear(v *envelope.Verified, to *policy.Recipient) (*envelope.Cleared, error) {
	items := v.Items()
	objects, ds := make([]*stix.Object, len(items)), make([]policy.Decision, len(items))
	for i, it := range items {
		objects[i] = it.Object
	}
	reader := x.reader.Among(objects).From(v.Issuer())
	for i, it := range items {
		ds[i] = x.bundle.Decide(reader.Subject(v.Issuer(), it.Digest, it.Object, nil), to, x.now)
	}
	return envelope.Redact(v, policy.Relate(ds))
}

// border passes the messages of one frame, from the i-th on, over the border of
// pl-cert: verify, decide, redact, sign. It returns the bytes that go out.
func (x *steps) border(i int) (bytes int, err error) {
	var frame []*envelope.Cleared
	for _, raw := range x.arrived[i:min(i+messagesPerFrame, len(x.arrived))] {
		v, err := envelope.Verify(raw, envelope.VerifyOptions{Self: "pl-cert", From: "de-cert", Keys: x.keys, Now: x.now, Roots: x.roots})
		if err != nil {
			return 0, err
		}
		c, err := x.clear(v, x.to)
		if err != nil {
			return 0, err
		}
		frame = append(frame, c)
	}
	signed, err := envelope.SignFrame(frame, envelope.Dispatch{Self: "pl-cert", Key: x.mine, Peer: "fr-cert", Now: x.now, FirstSeq: uint64(i) + 1, Tables: x.tables.Digest()})
	for _, s := range signed {
		bytes += len(s.Bytes())
	}
	return bytes, err
}

// participant makes a statement and the key that signs messages.
func participant(id, country string, now time.Time) (*directory.Statement, *directory.PrivateKey, error) {
	key, err := directory.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	terms, err := directory.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	until := now.AddDate(1, 0, 0)
	raw, err := directory.NewStatement(directory.Statement{ID: id, Name: id, Country: country, Version: 1, IssuedAt: now.Add(-time.Hour), Expires: until,
		Keys: []directory.Key{key.Key(directory.PurposeMessage, now.Add(-time.Hour), until), terms.Key(directory.PurposeAgreement, now.Add(-time.Hour), until)}}, terms)
	if err != nil {
		return nil, nil, err
	}
	s, err := directory.ParseStatement(raw, now)
	return s, key, err
}

// recipient is a peer under the terms of the bench.
func recipient(now time.Time, node, country, peer, where string) (*policy.Recipient, error) {
	a, err := policy.ParseAgreement([]byte(terms(now, node, all(peer, where))), "bench.yaml")
	if err != nil {
		return nil, err
	}
	return policy.NewRecipient(&policy.Node{ID: node, Country: country, Kind: "authority"}, a), nil
}
