package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
)

// lets signs a delegation by r to another region, as change says.
func (r *region) lets(to *region, change func(*directory.Delegation)) (raw []byte, id string) {
	r.t.Helper()
	d := directory.Delegation{ID: uuid.Must(uuid.NewV7()).String(), Issuer: r.id, Delegate: to.id, Scope: directory.Scope{Types: []string{"indicator"}},
		What: []string{directory.ActSupersede, directory.ActWithdraw}, IssuedAt: r.now(), NotBefore: r.now().Add(-time.Hour), NotAfter: r.now().Add(time.Hour)}
	if change != nil {
		change(&d)
	}
	raw, err := directory.NewDelegation(d, r.keys.Terms)
	if err != nil {
		r.t.Fatal(err)
	}
	return raw, d.ID
}

// goesBy lets a region, which runs or does not, take an act.
func (r *region) goesBy(raw []byte) {
	r.t.Helper()
	w, err := relay.LoadWorld(r.cfg, r.now())
	if err != nil {
		r.t.Fatal(err)
	}
	if _, _, err := relay.TakeDelegation(relay.DelegationsDir(r.dir), raw, w.Directory, r.keys.Terms, r.now()); err != nil {
		r.t.Fatal(err)
	}
	if r.node != nil {
		if err := r.node.Reload(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// newerBundle is a version of an indicator that says which it is.
func newerBundle(id string, version int) []byte {
	return []byte(fmt.Sprintf(`{"type":"bundle","id":"bundle--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4aff","objects":[
		{"type":"indicator","spec_version":"2.1","id":%q,"created":"2026-01-05T10:00:00.000Z","modified":"2026-01-05T10:00:%02d.000Z",
		 "name":"version %d","pattern":"[domain-name:value = 'c2.example']","pattern_type":"stix","valid_from":"2026-01-05T10:00:00Z",
		 "object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}]}`, id, version, version))
}

// at lists what a region holds of an object that still stands: its versions, by
// whom.
func standingAt(t *testing.T, r *region, id string) []string {
	t.Helper()
	var out []string
	for _, a := range arrivals(t, r.node) {
		if a.ID != id || a.Withdrawn != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(a.Object), "version ")
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Issuer, rest[:1], a.By)))
	}
	return out
}

// TestDelegate: A's objects go to B, its delegate, and to D; B sends to D. What
// B signs on A's behalf counts at D as far as A's own act says, and no further.
func TestDelegate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: three regions")
	}
	a := newRegion(t, regionSpec{id: "de-cert", country: "DE"})
	b := newRegion(t, regionSpec{id: "pl-cert", country: "PL"})
	d := newRegion(t, regionSpec{id: "ee-cert", country: "EE"})
	a.accept(b, dataTerms(a, b), "")
	a.accept(d, dataTerms(a, d), "")
	a.start()
	b.accept(a, dataTerms(b, a), "tls://"+a.node.LeafAddr())
	b.accept(d, dataTerms(b, d), "")
	b.start()
	d.accept(a, dataTerms(d, a), "tls://"+a.node.LeafAddr())
	d.accept(b, dataTerms(d, b), "tls://"+b.node.LeafAddr())
	d.start()
	const other = "indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a05"
	for _, id := range []string{routedID, other} {
		if res, err := a.node.Publish(t.Context(), "x", "", newerBundle(id, 1)); err != nil || res.Taken != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	settled(t, a.node, b.id, 30*time.Second)
	settled(t, a.node, d.id, 30*time.Second)

	// Without a delegation B is told so by its own node.
	if res, err := b.node.PublishFor(t.Context(), a.id, "x", "", newerBundle(routedID, 2)); err != nil || res.Refused != 1 || res.Items[0].Reason != string(federation.NotOwner) {
		t.Errorf("B replaces what is A's: %+v, %v", res, err)
	}
	if _, err := b.node.WithdrawFor(t.Context(), a.id, []string{routedID}, "withdrawn"); federation.ReasonOf(err) != federation.NotOwner {
		t.Errorf("B withdraws what is A's: %v", err)
	}
	// With one that D does not know, B sends and D refuses.
	raw, id := a.lets(b, nil)
	b.goesBy(raw)
	if res, err := b.node.PublishFor(t.Context(), a.id, "x", "", newerBundle(routedID, 2)); err != nil || res.Taken != 1 {
		t.Fatalf("B replaces by A's leave: %+v, %v", res, err)
	}
	settled(t, b.node, d.id, 30*time.Second)
	if got := standingAt(t, d, routedID); !slices.Equal(got, []string{"de-cert 1"}) {
		t.Errorf("D, which knows of no delegation, has %q", got)
	}
	st, _ := peerOf(t, d.node, b.id)
	if st.Objects.Reasons["not-owner"] == 0 {
		t.Errorf("D counts %+v", st.Objects)
	}
	// D knows it: a newer version counts, as A's, by B.
	d.goesBy(raw)
	if res, err := b.node.PublishFor(t.Context(), a.id, "x", "", newerBundle(routedID, 3)); err != nil || res.Taken != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	settled(t, b.node, d.id, 30*time.Second)
	eventually(t, 30*time.Second, func() string {
		if got := standingAt(t, d, routedID); !slices.Contains(got, "de-cert 3 pl-cert") {
			return fmt.Sprintf("D has %q", got)
		}
		return ""
	})
	// What is not here cannot be superseded, and what is out of scope neither.
	const unknown = "indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a06"
	malware := strings.NewReplacer("indicator--", "malware--", `"type":"indicator"`, `"type":"malware","is_family":false`, `"pattern":"[domain-name:value = 'c2.example']","pattern_type":"stix","valid_from":"2026-01-05T10:00:00Z",`, "")
	for name, bundle := range map[string]string{"creates": string(newerBundle(unknown, 1)), "another type": malware.Replace(string(newerBundle(unknown, 1)))} {
		if res, err := b.node.PublishFor(t.Context(), a.id, "x", "", []byte(bundle)); err != nil || res.Refused != 1 || res.Items[0].Reason != string(federation.NotOwner) {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	// B withdraws, and A, whose object it was, learns of it.
	a.goesBy(raw)
	if ws, err := b.node.WithdrawFor(t.Context(), a.id, []string{other}, "withdrawn"); err != nil || len(ws) != 1 || ws[0].Issuer != a.id || ws[0].By != b.id {
		t.Fatalf("B withdraws by A's leave: %+v, %v", ws, err)
	}
	for _, r := range []*region{a, d} { // D had it of A, which passes the withdrawal on
		eventually(t, 30*time.Second, func() string {
			if got := standingAt(t, r, other); len(got) != 0 {
				return fmt.Sprintf("%s still has %q", r.id, got)
			}
			return ""
		})
	}
	revoked(t, a, b, d, id, raw)
	// D's index, built anew, says the same.
	before := standingAt(t, d, routedID)
	d.stop()
	if err := os.Remove(filepath.Join(d.cfg.Data, "index.db")); err != nil {
		t.Fatal(err)
	}
	d.start()
	if after := standingAt(t, d, routedID); !slices.Equal(before, after) {
		t.Errorf("D had %q, and with its index built anew has %q", before, after)
	}
}

// revoked ends a delegation: at D alone, then at B too.
func revoked(t *testing.T, a, b, d *region, id string, raw []byte) {
	t.Helper()
	end, err := directory.NewRevocation(directory.Revocation{ID: id, Issuer: a.id, At: a.now()}, a.keys.Terms)
	if err != nil {
		t.Fatal(err)
	}
	d.goesBy(end)
	d.goesBy(raw) // learned again: still ended
	if res, err := b.node.PublishFor(t.Context(), a.id, "x", "", newerBundle(routedID, 4)); err != nil || res.Taken != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	settled(t, b.node, d.id, 30*time.Second)
	if got := standingAt(t, d, routedID); slices.Contains(got, "de-cert 4 pl-cert") {
		t.Errorf("D goes by a delegation that was revoked: %q", got)
	}
	b.goesBy(end)
	if res, err := b.node.PublishFor(t.Context(), a.id, "x", "", newerBundle(routedID, 5)); err != nil || res.Refused != 1 {
		t.Errorf("B acts by a delegation that was revoked: %+v, %v", res, err)
	}
}
