package integration

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/stix"
)

// lowers is an object of the hostile peer in two versions, the second marked lower.
type lowers struct {
	*hostile
	id       string
	old, new string // objects
}

func newLowers(h *hostile) *lowers {
	n := rand.IntN(1e9)
	one, two := freeIndicator(n, time.Now().Add(-time.Hour)), freeIndicator(n, time.Now())
	return &lowers{h, fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", n), strings.Replace(one, tlpClear, tlpGreen, 1), two}
}

// issued is a message with objects of the hostile peer; the same object has the
// same digest each time.
func (l *lowers) issued(object string) string {
	return issueAs(l.t, l.hostile.id, l.keys.Message, time.Now(), object)
}

// digest is that under which an object is issued.
func (l *lowers) digest(object string) [32]byte {
	l.t.Helper()
	o, err := stix.Parse([]byte(object))
	if err != nil {
		l.t.Fatal(err)
	}
	vs, err := envelope.Issue([]*stix.Object{o}, l.options())
	if err != nil {
		l.t.Fatal(err)
	}
	return vs[0].Items()[0].Digest
}

func (l *lowers) options() envelope.IssueOptions {
	secret := sha256.Sum256([]byte("secret of " + l.hostile.id))
	return envelope.IssueOptions{Issuer: l.hostile.id, Key: l.keys.Message, Now: time.Now(), Secret: secret[:],
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }}
}

// act is the withdrawal of the old version with an act that lets the new one be
// lower, after a change of what persons sign.
func (l *lowers) act(change func(*directory.Downgrade)) string {
	l.t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	d := directory.Downgrade{ID: uuid.Must(uuid.NewV7()).String(), Issuer: l.hostile.id, Counter: 1, Object: l.id,
		Old:  directory.ObjectVersion{Version: "1", Digest: l.digest(l.old)},
		New:  directory.ObjectVersion{Version: "2", Digest: l.digest(l.new)},
		From: "TLP:GREEN", To: "TLP:CLEAR", Axes: []string{"TLP"}, Reason: "published by the vendor", NotAfter: now.Add(time.Hour)}
	if change != nil {
		change(&d)
	}
	text, err := d.Text()
	if err != nil {
		l.t.Fatal(err)
	}
	var consents [][]byte
	var keys []string
	for _, who := range []string{"officer-1", "officer-2"} {
		k := l.stranger()
		raw, err := directory.NewApproval(directory.TypDowngradeConsent, directory.Approval{ID: uuid.Must(uuid.NewV7()).String(), By: who, Node: d.Issuer,
			Text: text, IssuedAt: now, NotAfter: now.Add(time.Hour)}, k)
		if err != nil {
			l.t.Fatal(err)
		}
		consents, keys = append(consents, raw), append(keys, directory.PublicText(k.Public()))
	}
	raw, err := directory.NewDowngrade(text, consents, keys, now, l.keys.Terms)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.goneWith(string(raw))
}

// goneWith takes the old version back with an act.
func (l *lowers) goneWith(act string) string {
	l.t.Helper()
	o := l.options()
	o.Gone = []envelope.Gone{{Digest: l.digest(l.old), Reason: envelope.GoneLowered, Act: act}}
	vs, err := envelope.Issue(nil, o)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(vs[0].Raw())
}

// loweringAttacks try to lower what is marked without its originator's act.
func loweringAttacks() []attack {
	const stops = "a lower version waits for its originator's act"
	return []attack{
		{name: "a newer version that is marked lower", stops: stops, stores: 1, run: func(h *hostile) {
			l := newLowers(h)
			h.taken(h.sendOne(l.issued(l.old), nil))
			h.heldAs("lowered", h.sendOne(l.issued(l.new), nil))
		}},
		{name: "a lower version with an act about another", stops: stops, stores: 1, run: func(h *hostile) {
			l := newLowers(h)
			h.taken(h.sendOne(l.issued(l.old), nil))
			h.taken(h.sendOne(l.act(func(d *directory.Downgrade) { d.New.Digest = [32]byte{1} }), nil))
			h.heldAs("lowered", h.sendOne(l.issued(l.new), nil))
		}},
		{name: "a lower version with an act that lowers something else", stops: stops, stores: 1, run: func(h *hostile) {
			l := newLowers(h)
			h.taken(h.sendOne(l.issued(l.old), nil))
			h.taken(h.sendOne(l.act(func(d *directory.Downgrade) { d.Axes = []string{"residency"} }), nil))
			h.heldAs("lowered", h.sendOne(l.issued(l.new), nil))
		}},
		{name: "an act about another version than it comes with", stops: stops, stores: 1, run: func(h *hostile) {
			l := newLowers(h)
			h.taken(h.sendOne(l.issued(l.old), nil))
			h.refusedAs("not-owner", h.sendOne(l.act(func(d *directory.Downgrade) { d.Old.Digest = [32]byte{2} }), nil))
		}},
		{name: "an act that the message key signed", stops: "an agreement key signs acts", stores: 1, run: func(h *hostile) {
			l := newLowers(h)
			h.taken(h.sendOne(l.issued(l.old), nil))
			jws, err := directory.SignJWS(directory.TypDowngrade, []byte(`{"ver":1}`), h.keys.Message)
			if err != nil {
				h.t.Fatal(err)
			}
			h.refusedAs("bad-signature", h.sendOne(l.goneWith(string(jws)), nil))
		}},
	}
}

// TestLowered sends a version that is marked lower before its act: it waits, and
// goes on as soon as the act has come. Where the act comes first it is taken at
// once.
func TestLowered(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("three nodes run for it: not with -short")
	}
	h := newHostile(t, itDials)
	l := newLowers(h)
	h.taken(h.sendOne(l.issued(l.old), nil))
	h.heldAs("lowered", h.sendOne(l.issued(l.new), nil))
	h.taken(h.sendOne(l.act(nil), nil))
	eventually(t, 10*time.Second, func() string {
		all, err := h.victim.node.Downgrades(t.Context())
		if err != nil || len(all) != 1 || !all[0].Here || all[0].Object != l.id || len(all[0].By) != 2 {
			return fmt.Sprintf("the lower version waits though its act is here: %+v, %v", all, err)
		}
		return ""
	})
	eventually(t, 10*time.Second, func() string {
		if !h.arrived.has(l.id) {
			return "it went no further"
		}
		return ""
	})
	first := newLowers(h)
	h.taken(h.sendOne(first.issued(first.old), nil))
	h.taken(h.sendOne(first.act(nil), nil))
	h.taken(h.sendOne(first.issued(first.new), nil))
}
