package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay/journal"
)

// TestWhoGotAndWhy asks a node's journal about what it sent and kept back:
// while it goes on, after it was taken back, and after the index was lost.
func TestWhoGotAndWhy(t *testing.T) {
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE"})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL"})
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "")
	pl.start()
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "tls://"+pl.node.LeafAddr())
	de.start()
	const tlpRed = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen), indicator(3, 1, tlpRed))
	settled(t, de.node, "pl-cert", 20*time.Second)
	head, err := de.node.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	withdraw(t, de, "withdrawn", indicatorNo(1))
	eventually(t, 20*time.Second, func() string {
		got, err := de.node.WhoGot(t.Context(), indicatorNo(1))
		if err != nil || len(got.Sent) != 1 || got.Sent[0].Withdrawn == nil || got.Sent[0].Withdrawn.State != "acknowledged" {
			return fmt.Sprintf("not taken back: %+v, %v", got, err)
		}
		return ""
	})
	if why, err := de.node.Why(t.Context(), indicatorNo(1), "pl-cert", time.Now()); err != nil || len(why.Objects) != 1 || why.Objects[0].Withdrawn == nil {
		t.Errorf("explained after it was taken back: %+v, %v", why, err)
	}
	asksWhoGot(t, de, "sent")
	exportMatchesStatus(t, de)
	de.stop()
	if err := os.Remove(filepath.Join(de.dir, "data", "index.db")); err != nil {
		t.Fatal(err)
	}
	de.start()
	asksWhoGot(t, de, "with the index built anew")
	exportMatchesStatus(t, de)
	verifiesChain(t, de, head.Signed)
}

// asksWhoGot asks about what went, what stayed, and by id and digest.
func asksWhoGot(t *testing.T, de *region, when string) {
	t.Helper()
	got, err := de.node.WhoGot(t.Context(), indicatorNo(2))
	if err != nil || len(got.Sent) != 1 {
		t.Fatalf("%s: %+v, %v", when, got, err)
	}
	s := got.Sent[0]
	if s.Peer != "pl-cert" || s.Verdict != "share" || s.Link == 0 || s.Root == "" || len(s.Grounds) == 0 || len(s.Purpose) == 0 || s.Withdrawn != nil ||
		s.Receipt == nil || s.Receipt.Stored == 0 || s.Receipt.Refused != 0 {
		t.Errorf("%s: %+v, receipt %+v", when, s, s.Receipt)
	}
	if by, err := de.node.WhoGot(t.Context(), s.Digest); err != nil || len(by.Sent) != 1 || by.Sent[0].Journal != s.Journal {
		t.Errorf("%s, by digest: %+v, %v", when, by, err)
	}
	for _, no := range []int{3, 2} {
		why, err := de.node.Why(t.Context(), indicatorNo(no), "pl-cert", time.Now())
		if err != nil || len(why.Objects) != 1 || !why.Objects[0].Recorded {
			t.Fatalf("%s: %+v, %v", when, why, err)
		}
		o := why.Objects[0]
		if no == 2 && (o.Verdict != "share" || strings.Join(o.Path, " ") != "de-cert pl-cert") ||
			no == 3 && (o.Verdict != "withhold" || o.Link != 0 || o.Reasons[0].Reason != string(federation.TLPAudience) || len(o.Missing) == 0) {
			t.Errorf("%s: %+v", when, o)
		}
	}
	if got, err := de.node.WhoGot(t.Context(), indicatorNo(3)); err != nil || len(got.Sent) != 0 {
		t.Errorf("%s: what stayed: %+v, %v", when, got, err)
	}
}

// exportMatchesStatus counts an export and compares with what the index counts.
func exportMatchesStatus(t *testing.T, de *region) {
	t.Helper()
	totals := journal.NewTotals()
	var lines bytes.Buffer
	q := journal.Selection{Peer: "pl-cert"}
	if err := de.node.Part(t.Context(), q, &lines); err != nil {
		t.Fatal(err)
	}
	for s, err := range journal.Lines("part", &lines) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := journal.Decode(s.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range q.Rows(r) {
			if err := totals.Add(&row); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, p := peerOf(t, de.node, "pl-cert")
	if uint64(totals.Judged) != p.Out.Judged || uint64(totals.Shared+totals.Redacted) != p.Out.Sent || uint64(totals.Withheld) != p.Out.Withheld ||
		uint64(totals.Withdrawals) != p.Out.Withdrawals.Sent || totals.Check() != nil {
		t.Errorf("the export has %+v, status %+v", totals, p.Out)
	}
}

// verifiesChain checks a copy of a node's journal by its statement and a head kept
// from before.
func verifiesChain(t *testing.T, de *region, head string) {
	t.Helper()
	own, err := os.ReadFile(filepath.Join(de.dir, "statement.jwt"))
	if err != nil {
		t.Fatal(err)
	}
	statement, err := directory.ParseStatement(own, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := directory.New(statement)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := journal.OpenHead([]byte(head), keys)
	if err != nil {
		t.Fatal(err)
	}
	var chain bytes.Buffer
	if err := de.node.Chain(t.Context(), 1, &chain); err != nil {
		t.Fatal(err)
	}
	got, err := (journal.Proof{Node: "de-cert", Keys: keys, Heads: []*journal.SignedHead{kept}}).Verify(journal.Lines("chain", &chain))
	// One when asked, one at the end of the first run.
	if err != nil || got.Kept != 1 || got.Heads < 2 {
		t.Errorf("the chain: %+v, %v", got, err)
	}
}
