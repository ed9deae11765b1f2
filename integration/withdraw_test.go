package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/dashboard"
)

// indicator is a free indicator for a domain, in a version.
func indicator(n, version int, marking string) string {
	created := time.Now().UTC().Add(-time.Hour).Truncate(time.Hour)
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"%s","modified":"%s","name":"sample %d, version %d",`+
		`"pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["%s"]}`,
		indicatorNo(n), created.Format(time.RFC3339), created.Add(time.Duration(version)*time.Second).Format(time.RFC3339), n, version, n, marking)
}

func indicatorNo(n int) string { return fmt.Sprintf("indicator--8e2e2d2b-17d4-4cbf-938f-%012d", n) }

const tlpGreen = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

func bundled(objects ...string) []byte {
	var raw [][]byte
	for _, o := range objects {
		raw = append(raw, []byte(o))
	}
	return bundleOf(raw)
}

// publish publishes objects, all of which must be taken.
func publish(t *testing.T, r *region, objects ...string) {
	t.Helper()
	p, err := r.node.Publish(t.Context(), "objects", "", bundled(objects...))
	if err != nil || p.Taken != len(objects) {
		t.Fatalf("publishing: %+v, %v", p, err)
	}
}

// withdraw takes an own object back.
func withdraw(t *testing.T, r *region, reason string, ids ...string) []dashboard.Withdrawal {
	t.Helper()
	ws, err := r.node.Withdraw(t.Context(), ids, reason)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// domains is what a node's block list holds.
func domains(t *testing.T, r *region) []string {
	t.Helper()
	text, err := r.node.List(t.Context(), "domain")
	if federation.ReasonOf(err) != "" || err != nil && !strings.Contains(err.Error(), "nothing") {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// reachedAll waits until every recipient of an object has acknowledged its
// withdrawal to r, and returns them.
func reachedAll(t *testing.T, r *region, id string, want ...string) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		ws, err := r.node.Withdrawals(t.Context(), id, 0)
		if err != nil {
			return err.Error()
		}
		var got []string
		for _, w := range ws {
			for _, x := range w.Recipients {
				if x.State != "acknowledged" {
					return fmt.Sprintf("%s: %+v", r.id, x)
				}
				got = append(got, x.Peer)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Sprintf("%s: acknowledged by %v, want %v", r.id, got, want)
		}
		return ""
	})
}

// lives reports whether a node still shows an object as live.
func lives(t *testing.T, r *region, id string) bool {
	t.Helper()
	live := false
	for _, a := range arrivals(t, r.node) {
		if a.ID == id {
			live = a.Withdrawn == nil
		}
	}
	return live
}

// TestWithdrawalEndToEnd publishes at the first of three nodes in a row,
// withdraws there, and sees it gone at the last, with the receipts shown at
// each hop. What stood beside it in the same message stays.
func TestWithdrawalEndToEnd(t *testing.T) {
	de, pl, jp := star(t)
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	if got := domains(t, jp); !slices.Equal(got, []string{"host1.example", "host2.example"}) {
		t.Fatalf("at the last node: %v", got)
	}
	ws := withdraw(t, de, "withdrawn", indicatorNo(1))
	if len(ws) != 1 || ws[0].ID != indicatorNo(1) || ws[0].By != "de-cert" || len(ws[0].Recipients) != 1 {
		t.Fatalf("withdrawn: %+v", ws)
	}
	reachedAll(t, de, indicatorNo(1), "pl-cert")
	reachedAll(t, pl, indicatorNo(1), "jp-carrier")
	for _, r := range []*region{de, pl, jp} {
		if got := domains(t, r); !slices.Equal(got, []string{"host2.example"}) {
			t.Errorf("%s lists %v", r.id, got)
		}
		if lives(t, r, indicatorNo(1)) || !lives(t, r, indicatorNo(2)) {
			t.Errorf("%s: live: %v, %v", r.id, lives(t, r, indicatorNo(1)), lives(t, r, indicatorNo(2)))
		}
		addsUp(t, r)
	}
	ws, err := jp.node.Withdrawals(t.Context(), indicatorNo(1), 0)
	if err != nil || len(ws) != 1 || ws[0].By != "de-cert" || ws[0].Reason != "withdrawn" || ws[0].At.IsZero() || len(ws[0].Recipients) != 0 {
		t.Errorf("at the last node: %+v, %v", ws, err)
	}
	// The same object again is refused everywhere; a newer version may come.
	p, err := de.node.Publish(t.Context(), "again", "", bundled(indicator(1, 1, tlpGreen)))
	if err != nil || p.Refused != 1 || p.Items[0].Reason != string(federation.Withdrawn) {
		t.Errorf("published again: %+v, %v", p, err)
	}
	publish(t, de, indicator(1, 2, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	if got := domains(t, jp); !slices.Contains(got, "host1.example") {
		t.Errorf("the newer version did not come: %v", got)
	}
}
