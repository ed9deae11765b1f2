package relay

import (
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/store"
)

// takesBack is a message of issuer that takes objects back, as it comes in.
func takesBack(t *testing.T, issuer string, gone ...envelope.Gone) *arrival {
	t.Helper()
	key, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	ms, err := envelope.Issue(nil, envelope.IssueOptions{Issuer: issuer, Key: key, Now: time.Now(), Secret: make([]byte, 32), Gone: gone,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil || len(ms) != 1 {
		t.Fatal(len(ms), err)
	}
	return &arrival{verified: ms[0], world: &World{retention: &retention{}}}
}

// TestWithdrawalTakesEffect tries to take back what is another's, what is not
// here, the same again, and more and less than before.
func TestWithdrawalTakesEffect(t *testing.T) {
	index, err := store.Open(filepath.Join(t.TempDir(), "index.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = index.Close() }) // nothing is left to be told
	mine, theirs, unknown := sha256.Sum256([]byte("mine")), sha256.Sum256([]byte("theirs")), sha256.Sum256([]byte("unknown"))
	log := []store.Entry{{Seq: 1, Source: "pl-cert", Objects: []store.Object{
		{Issuer: "de-cert", Digest: mine, ID: "indicator--1", Outcome: store.Taken, Verdict: federation.Share},
		{Issuer: "jp-carrier", Digest: theirs, ID: "indicator--2", Outcome: store.Taken, Verdict: federation.Share}}}}
	index.Note(log)
	for _, c := range []struct {
		name   string
		digest [32]byte
		reason string
		effect bool
		why    federation.Reason
	}{
		{"another's object", theirs, "withdrawn", false, federation.NotOwner},
		{"another's object, louder", theirs, "spill", false, federation.NotOwner},
		{"its own", mine, "withdrawn", true, ""},
		{"its own again", mine, "withdrawn", false, federation.Duplicate},
		{"less than before", mine, "superseded", false, federation.Duplicate},
		{"more than before", mine, "spill", true, ""},
		{"more, again", mine, "spill", false, federation.Duplicate},
		{"what is not here", unknown, "withdrawn", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newView(index)
			e, err := takesBack(t, "de-cert", envelope.Gone{Digest: c.digest, Reason: c.reason}).entry(v)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(e.Gone) == 1 && e.Kind == entryGone && len(e.Body) > 0; got != c.effect {
				t.Fatalf("effect %v: %+v", got, e)
			}
			o := e.receipt()
			if c.effect {
				if o.Stored != 1 || o.Refused+o.Duplicate != 0 {
					t.Errorf("receipt %+v", o)
				}
			} else if e.Items[0].Reason != c.why || e.Kind != entryMarker || e.Body != nil || o.Stored != 0 {
				t.Errorf("refused with %+v, receipt %+v", e.Items, o)
			}
			seq := log[len(log)-1].Seq + 1
			e.Source = "de-cert"
			log = append(log, e.indexed(seq, &World{retention: &retention{}}))
			index.Note(log[len(log)-1:])
			v = newView(index)
			if !v.withdrawn("de-cert", c.digest) && c.effect || v.withdrawn("jp-carrier", c.digest) {
				t.Error("the wrong issuer's object is withdrawn")
			}
		})
	}
	// What was withdrawn before it came is refused when it comes, and what
	// another issuer withdrew under the same digest is not.
	for issuer, want := range map[string]bool{"de-cert": true, "jp-carrier": false} {
		it := entryItem{Issuer: issuer, Digest: unknown, ID: "indicator--3"}
		a := takesBack(t, issuer, envelope.Gone{Digest: unknown, Reason: "withdrawn"}) // any message of the issuer
		a.decisions, a.shown = []policy.Decision{{}}, []envelope.Shown{{}}
		if err := a.settle(newView(index), &it, 0); err != nil || (it.Reason == federation.Withdrawn) != want || want && it.Outcome != refused {
			t.Errorf("an object of %s: %+v, %v", issuer, it, err)
		}
	}
}
