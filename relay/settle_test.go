package relay

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// settling is a node without links: messages settle against a log and its index.
type settling struct {
	t     *testing.T
	w     *World
	index *store.Store
	log   map[uint64]*envelope.Verified
	keys  map[string]*directory.PrivateKey
	// lag leaves what arrives noted, and not applied.
	lag bool
}

func newSettling(t *testing.T, edit func(*configs.Node)) *settling {
	t.Helper()
	now := time.Now()
	cfg, err := Setup(SetupOptions{Dir: filepath.Join(t.TempDir(), "ee"), Now: now,
		Values: configs.TemplateValues{ID: "ee-cert", Name: "EE", Country: "EE", Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"}}})
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(cfg)
	}
	w, err := LoadWorld(cfg, now)
	if err != nil {
		t.Fatal(err)
	}
	index, err := store.Open(filepath.Join(t.TempDir(), "index.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = index.Close() }) // nothing is left to be told
	return &settling{t: t, w: w, index: index, log: map[uint64]*envelope.Verified{}, keys: map[string]*directory.PrivateKey{}}
}

// versioned is an indicator of one version with some content.
func versioned(version int, content string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a01","created":"2026-01-05T10:00:00.000Z",
		"modified":"2026-01-05T10:00:%02d.000Z","name":%q,"pattern":"[domain-name:value = 'c2.example']","pattern_type":"stix","valid_from":"2026-01-05T10:00:00Z",
		"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}`, version, content)
}

// arrival is a message of an issuer on its way in.
func (s *settling) arrival(issuer, onBehalf string, objects ...string) *arrival {
	s.t.Helper()
	if s.keys[issuer] == nil {
		k, err := directory.GenerateKey()
		if err != nil {
			s.t.Fatal(err)
		}
		s.keys[issuer] = k
	}
	var objs []*stix.Object
	for _, text := range objects {
		o, err := stix.Parse([]byte(text))
		if err != nil {
			s.t.Fatal(err)
		}
		objs = append(objs, o)
	}
	ms, err := envelope.Issue(objs, envelope.IssueOptions{Issuer: issuer, For: onBehalf, Key: s.keys[issuer], Now: time.Now(), Secret: make([]byte, 32),
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil || len(ms) != 1 {
		s.t.Fatal(len(ms), err)
	}
	a := &arrival{verified: ms[0], from: issuer}
	a.judge(s.w, time.Now())
	return a
}

func (s *settling) view() *view {
	v := newView(s.index)
	v.mark = (&Keys{Secret: make([]byte, 32)}).mark
	v.read = func(seq uint64) (*envelope.Verified, error) { return s.log[seq], nil }
	return v
}

// arrives settles a message and stores its entry.
func (s *settling) arrives(issuer, onBehalf string, objects ...string) *entry {
	s.t.Helper()
	e, err := s.arrival(issuer, onBehalf, objects...).entry(s.view())
	if err != nil {
		s.t.Fatal(err)
	}
	seq := uint64(len(s.log) + 1)
	e.Source, e.At = issuer, time.Now()
	s.log[seq] = nil
	if e.ready != nil {
		s.log[seq] = e.ready.verified
	}
	entries := []store.Entry{e.indexed(seq, &World{retention: &retention{}})}
	s.index.Note(entries)
	if !s.lag {
		if err := s.index.Apply(context.Background(), entries); err != nil {
			s.t.Fatal(err)
		}
	}
	return e
}

func (s *settling) want(e *entry, out outcome, why federation.Reason, proof bool) {
	s.t.Helper()
	last := e.Items[len(e.Items)-1]
	if last.Outcome != out || last.Reason != why || (e.Proof != nil) != proof {
		s.t.Errorf("%s for %q (%s), proof %v; want %s for %q, proof %v", last.Outcome, last.Reason, last.Text, e.Proof != nil, out, why, proof)
	}
}

// Messages of one frame see each other; a frame that fails leaves nothing behind.
func TestFrameSeesItself(t *testing.T) {
	s := newSettling(t, nil)
	first := s.arrival("de-cert", "", versioned(1, "first"))
	v := s.view()
	es, err := settleFrame(v, []*arrival{first, s.arrival("de-cert", "", versioned(1, "first")), s.arrival("de-cert", "", versioned(1, "changed"))})
	if err != nil {
		t.Fatal(err)
	}
	s.want(es[0], taken, "", false)
	s.want(es[1], duplicate, federation.Duplicate, false)
	if it := es[2].Items[0]; it.Outcome != refused || it.Reason != federation.Equivocation {
		t.Errorf("another content of the same version in the same frame: %s for %q", it.Outcome, it.Reason)
	}
	if v.seen("de-cert", first.verified.Items()[0].Digest) {
		t.Error("what is not stored yet is seen outside the frame")
	}
}

func TestOlderEquivocation(t *testing.T) {
	s := newSettling(t, nil)
	s.want(s.arrives("de-cert", "", versioned(1, "first")), taken, "", false)
	s.want(s.arrives("de-cert", "", versioned(2, "second")), taken, "", false)
	s.want(s.arrives("de-cert", "", versioned(1, "first")), duplicate, federation.Duplicate, false)
	// The newer version is here; that the older was another is seen all the same.
	s.want(s.arrives("de-cert", "", versioned(1, "changed")), refused, federation.Equivocation, true)
	s.want(s.arrives("de-cert", "", versioned(1, "changed")), refused, federation.Equivocation, false) // proved once
	s.want(s.arrives("de-cert", "", versioned(2, "changed")), refused, federation.Equivocation, true)
	s.want(s.arrives("de-cert", "", versioned(0, "older")), refused, federation.Stale, false)
	// The journal tells which two, by digest.
	e := s.arrives("de-cert", "", versioned(2, "once more"))
	s.want(e, refused, federation.Equivocation, true)
	if o := e.intake(9).Intake.Objects[0]; o.Against == (journal.Digest{}) || o.Against == o.Digest {
		t.Errorf("the journal says %+v", o)
	}
	// Another issuer's object of the same id is another object.
	s.want(s.arrives("fr-cert", "", versioned(1, "changed")), taken, "", false)
	ps, err := s.index.Proofs(t.Context())
	if err != nil || len(ps) != 3 || ps[0].Signer != "de-cert" || ps[0].Version != "2026-01-05T10:00:01Z" {
		t.Errorf("the index has the proofs %+v, %v", ps, err)
	}
}

// A content that may not lie here is not kept for a proof either, and of what
// is refused for residency nothing but digest and reason is.
func TestEquivocationOfWhatMayNotBeKept(t *testing.T) {
	s := newSettling(t, func(c *configs.Node) { c.Storage = []string{"US"} })
	s.want(s.arrives("de-cert", "", versioned(1, "first")), taken, "", false)
	e := s.arrives("de-cert", "", strings.Replace(versioned(1, "changed"), `"name"`,
		`"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension","residency":["EU"]}},"name"`, 1))
	s.want(e, refused, federation.Residency, false)
	if it := e.Items[0]; it.ID != "" || it.Marking != "" || it.Text != "" || it.Against != (digest{}) {
		t.Errorf("of what may not lie here is kept %+v", it)
	}
}

// TestNotOwner tries to act for another without leave, with leave for something
// else, and with leave.
func TestNotOwner(t *testing.T) {
	s := newSettling(t, nil)
	now := time.Now()
	lets := func(scope directory.Scope, what ...string) {
		d, err := s.w.Directory.WithDelegations([]*directory.Delegation{{ID: "01944000-0000-7000-8000-000000000001", Issuer: "de-cert", Delegate: "pl-cert",
			Scope: scope, What: what, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), Raw: []byte("verified before")}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := *s.w
		w.Directory = d
		s.w = &w
	}
	one := versioned(1, "first")
	s.want(s.arrives("pl-cert", "de-cert", one), refused, federation.NotOwner, false)
	lets(directory.Scope{Types: []string{"malware"}}, directory.ActSupersede)
	s.want(s.arrives("pl-cert", "de-cert", one), refused, federation.NotOwner, false)
	lets(directory.Scope{All: true}, directory.ActWithdraw)
	s.want(s.arrives("pl-cert", "de-cert", one), refused, federation.NotOwner, false)
	// To supersede is not to create.
	lets(directory.Scope{All: true}, directory.ActSupersede)
	s.want(s.arrives("pl-cert", "de-cert", one), refused, federation.NotOwner, false)
	s.want(s.arrives("fr-cert", "de-cert", one), refused, federation.NotOwner, false) // a delegate of nobody
	s.want(s.arrives("de-cert", "", one), taken, "", false)
	e := s.arrives("pl-cert", "de-cert", versioned(2, "second"))
	s.want(e, taken, "", false)
	if e.Items[0].Issuer != "de-cert" {
		t.Errorf("the newer version is %s's", e.Items[0].Issuer)
	}
	// Two signers, one version: refused, and no proof against either.
	s.want(s.arrives("de-cert", "", versioned(2, "mine")), refused, federation.Equivocation, false)
	s.want(s.arrives("pl-cert", "de-cert", versioned(2, "again")), refused, federation.Equivocation, true) // its own two
	// The delegate's definitions are its own.
	e = s.arrives("pl-cert", "de-cert", `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a02",
		"created":"2026-01-05T10:00:00.000Z","definition_type":"statement","definition":{"statement":"EXERCISE"}}`,
		strings.Replace(versioned(3, "third"), `"marking-definition--bab`, `"marking-definition--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a02","marking-definition--bab`, 1))
	s.want(e, taken, "", false)
	if e.Items[0].Issuer != "pl-cert" || e.Items[0].Outcome != taken {
		t.Errorf("the definition: %+v", e.Items[0])
	}
	// By name, without an earlier version here.
	s = newSettling(t, nil)
	lets(directory.Scope{IDs: []string{"indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a01"}}, directory.ActSupersede)
	s.want(s.arrives("pl-cert", "de-cert", one), taken, "", false)
}

// What was committed a moment ago and is not in the index's file yet counts.
func TestSettleAheadOfTheIndex(t *testing.T) {
	s := newSettling(t, nil)
	s.lag = true
	e := s.arrives("de-cert", "", versioned(1, "first"))
	s.want(e, taken, "", false)
	s.want(s.arrives("de-cert", "", versioned(1, "first")), duplicate, federation.Duplicate, false)
	s.want(s.arrives("de-cert", "", versioned(1, "changed")), refused, federation.Equivocation, true)
	v := newView(s.index)
	if id, typ, err := v.named("de-cert", e.Items[0].Digest); err != nil || id != e.Items[0].ID || typ != "indicator" {
		t.Errorf("a withdrawal finds %q, %q, %v", id, typ, err)
	}
}

// A signer that equivocates without end does not fill the log with proofs.
func TestProofsAreBounded(t *testing.T) {
	s := newSettling(t, nil)
	s.want(s.arrives("de-cert", "", versioned(1, "first")), taken, "", false)
	for n := range maxProofs + 3 {
		s.want(s.arrives("de-cert", "", versioned(1, fmt.Sprint("other ", n))), refused, federation.Equivocation, n < maxProofs)
	}
	s.want(s.arrives("fr-cert", "", versioned(1, "first")), taken, "", false)
	s.want(s.arrives("fr-cert", "", versioned(1, "other")), refused, federation.Equivocation, true)
}

// What its issuer took back does not come again by another way.
func TestVariantOfWhatIsWithdrawn(t *testing.T) {
	s := newSettling(t, nil)
	e := s.arrives("de-cert", "", versioned(1, "first"))
	s.want(e, taken, "", false)
	gone := store.Entry{Seq: uint64(len(s.log) + 1), Source: "de-cert", At: time.Now(), Gone: []store.Gone{{Issuer: "de-cert", Digest: e.Items[0].Digest, Reason: envelope.GoneWithdrawn}}}
	s.log[gone.Seq] = nil
	if err := s.index.Apply(t.Context(), []store.Entry{gone}); err != nil {
		t.Fatal(err)
	}
	s.want(s.arrives("de-cert", "", versioned(1, "first")), refused, federation.Withdrawn, false)
}
