package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
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
	indexed(t, r.node)
	return domainsNow(t, r)
}

// domainsNow does not wait for the index.
func domainsNow(t *testing.T, r *region) []string {
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
	t.Parallel()
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

// onlyEU is a free indicator that may not be kept outside the EU.
func onlyEU(n int) string {
	return strings.Replace(indicator(n, 1, tlpGreen), `"name"`, `"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":`+
		`{"extension_type":"property-extension","residency":["EU"]}},"name"`, 1)
}

// TestWithdrawalGoesOnlyWhereTheObjectWent: a node that never got the object
// gets no message at all, not even one that it could count.
func TestWithdrawalGoesOnlyWhereTheObjectWent(t *testing.T) {
	t.Parallel()
	de, pl, jp := star(t)
	publish(t, de, onlyEU(1), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	before, _ := peerOf(t, jp.node, pl.id)
	if lives(t, jp, indicatorNo(1)) || !lives(t, jp, indicatorNo(2)) {
		t.Fatal("the sample is not what this test needs")
	}
	withdraw(t, de, "withdrawn", indicatorNo(1))
	reachedAll(t, de, indicatorNo(1), "pl-cert")
	reachedAll(t, pl, indicatorNo(1))
	// Another object goes after it, so that what was to go has gone.
	publish(t, de, indicator(3, 1, tlpGreen))
	eventually(t, 30*time.Second, func() string {
		if !lives(t, jp, indicatorNo(3)) {
			return "the object behind the withdrawal did not come"
		}
		return ""
	})
	after, _ := peerOf(t, jp.node, pl.id)
	if ws, err := jp.node.Withdrawals(t.Context(), "", 0); err != nil || len(ws) != 0 || after.LogLast != before.LogLast+1 {
		t.Errorf("a stranger to the object learns of %+v, %v; log %d, before %d", ws, err, after.LogLast, before.LogLast)
	}
	if _, p := peerOf(t, pl.node, jp.id); p.Out.Withdrawals != (dashboard.Withdrawals{}) {
		t.Errorf("counted for it: %+v", p.Out.Withdrawals)
	}
}

// TestWithdrawalReachesWhomPolicyDenies: terms that would let nothing of it go
// any more, a pause, a removal: what was sent is taken back all the same, as
// soon as there is a way, and until then the status says so.
func TestWithdrawalReachesWhomPolicyDenies(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de, pl, jp := star(t)
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	dir, narrow := relay.AgreementsDir(pl.dir), strings.Replace(terms(t, "pl-cert", "jp-carrier"), "TLP:AMBER", "TLP:CLEAR", 1)
	pl.accept(jp, narrow, "")
	if _, err := relay.PausePeer(dir, jp.id, "", pl.now()); err != nil {
		t.Fatal(err)
	}
	pl.reload()
	withdraw(t, de, "withdrawn", indicatorNo(1))
	reachedAll(t, de, indicatorNo(1), "pl-cert")
	waiting(t, pl, indicatorNo(1), "paused", "1 withdrawals wait for jp-carrier")
	if _, err := relay.ResumePeer(dir, jp.id); err != nil {
		t.Fatal(err)
	}
	pl.reload()
	reachedAll(t, pl, indicatorNo(1), "jp-carrier")
	if lives(t, jp, indicatorNo(1)) {
		t.Error("still live where the terms have narrowed")
	}

	if err := relay.RemovePeer(dir, jp.id); err != nil {
		t.Fatal(err)
	}
	pl.reload()
	withdraw(t, de, "spill", indicatorNo(2))
	reachedAll(t, de, indicatorNo(2), "pl-cert")
	waiting(t, pl, indicatorNo(2), "removed", "1 withdrawals cannot reach jp-carrier")
	pl.accept(jp, narrow, "")
	pl.reload()
	reachedAll(t, pl, indicatorNo(2), "jp-carrier")
	if _, p := peerOf(t, pl.node, jp.id); p.Out.Withdrawals != (dashboard.Withdrawals{Sent: 2, Acknowledged: 2}) {
		t.Errorf("counted: %+v", p.Out.Withdrawals)
	}
	for _, r := range []*region{de, pl, jp} {
		addsUp(t, r)
	}
}

// waiting checks that a node shows a withdrawal as outstanding, and warns.
func waiting(t *testing.T, r *region, id, link, warning string) {
	t.Helper()
	eventually(t, 20*time.Second, func() string {
		ws, err := r.node.Withdrawals(t.Context(), id, 0)
		if err != nil || len(ws) != 1 || len(ws[0].Recipients) != 1 || ws[0].Recipients[0].State != "outstanding" || ws[0].Recipients[0].Link != link {
			return fmt.Sprintf("%+v, %v", ws, err)
		}
		st, err := r.node.Status(t.Context())
		if err != nil || !strings.Contains(strings.Join(st.Warnings, "\n"), warning) {
			return fmt.Sprintf("warnings %q, %v", st.Warnings, err)
		}
		return ""
	})
}

// TestNewerVersionTakesBackTheOlder: publishing is enough, within one file too.
func TestNewerVersionTakesBackTheOlder(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de, pl, jp := star(t)
	publish(t, de, indicator(1, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	publish(t, de, indicator(1, 2, tlpGreen), indicator(1, 3, tlpGreen))
	for _, r := range []*region{de, pl, jp} {
		eventually(t, 30*time.Second, func() string {
			live := 0
			for _, a := range arrivals(t, r.node) {
				if a.Withdrawn == nil {
					live++
				}
			}
			if got := domains(t, r); live != 1 || !slices.Equal(got, []string{"host1.example"}) {
				return fmt.Sprintf("%s: %d live, lists %v", r.id, live, got)
			}
			return ""
		})
	}
	ws, err := de.node.Withdrawals(t.Context(), indicatorNo(1), 0)
	if err != nil || len(ws) != 2 || ws[0].Reason != "superseded" || ws[1].Reason != "superseded" {
		t.Errorf("%+v, %v", ws, err)
	}
	// To take back all means the last one, too; then it is done.
	if ws := withdraw(t, de, "withdrawn", indicatorNo(1)); len(ws) != 3 {
		t.Errorf("withdrawn: %+v", ws)
	}
	_, err = de.node.Withdraw(t.Context(), []string{indicatorNo(1)}, "withdrawn")
	if federation.ReasonOf(err) != federation.Duplicate {
		t.Errorf("twice: %v", err)
	}
}

// TestWithdrawalIsTheIssuersAlone: at the desk, too.
func TestWithdrawalIsTheIssuersAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de, pl, _ := star(t)
	publish(t, de, indicator(1, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	for id, want := range map[string]federation.Reason{indicatorNo(1): federation.NotOwner, indicatorNo(2): federation.UnresolvedReference} {
		if _, err := pl.node.Withdraw(t.Context(), []string{id}, "withdrawn"); federation.ReasonOf(err) != want {
			t.Errorf("%s: %v, want %s", id, err, want)
		}
	}
	if _, err := de.node.Withdraw(t.Context(), []string{indicatorNo(1)}, "superseded"); federation.ReasonOf(err) != federation.Unsupported {
		t.Errorf("superseded by hand: %v", err)
	}
	// One of several that cannot be withdrawn stops all.
	if _, err := de.node.Withdraw(t.Context(), []string{indicatorNo(1), indicatorNo(2)}, "withdrawn"); err == nil || !lives(t, de, indicatorNo(1)) {
		t.Errorf("half of it was done: %v", err)
	}
}

// TestWithdrawalSurvivesCutsAndRebuild: the link is cut while objects are taken
// back, and the index of the relay deleted; both give the same answers.
func TestWithdrawalSurvivesCutsAndRebuild(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	wire := newProxy(t, de.node.LeafAddr())
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+wire.addr())
	pl.start()
	var ids []string
	for n := range 40 {
		publish(t, de, indicator(n, 1, tlpGreen))
		ids = append(ids, indicatorNo(n))
	}
	settled(t, de.node, pl.id, time.Minute)
	for i, id := range ids[:30] {
		if i%10 == 3 {
			wire.setCut(true)
		}
		if i%10 == 7 {
			wire.setCut(false)
		}
		withdraw(t, de, "withdrawn", id)
	}
	wire.setCut(false)
	for _, id := range ids[:30] {
		reachedAll(t, de, id, "pl-cert")
	}
	if got := domains(t, pl); len(got) != 10 {
		t.Errorf("lists %v", got)
	}
	for _, r := range []*region{de, pl} {
		before := retold(t, r)
		r.stop()
		if err := os.Remove(filepath.Join(r.dir, "data", "index.db")); err != nil {
			t.Fatal(err)
		}
		r.start()
		if after := retold(t, r); after != before {
			t.Errorf("%s: built anew, it says\n%s\nand before\n%s", r.id, after, before)
		}
		addsUp(t, r)
	}
}

// retold is what a node says of what was taken back, and of its counts.
func retold(t *testing.T, r *region) string {
	t.Helper()
	ws, err := r.node.Withdrawals(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ws {
		for j := range ws[i].Recipients {
			ws[i].Recipients[j].Link = ""
		}
	}
	st, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v\n%+v\n%v %+v", ws, st.Objects, domains(t, r), st.Peers[0].Out)
}

// TestWithdrawalSurvivesDeath ends the nodes at boundaries between steps while
// an object is taken back: it is gone everywhere and acknowledged in the end.
func TestWithdrawalSurvivesDeath(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each step, and the race detector does not reach into them; runs without -short")
	}
	t.Parallel()
	de, pl := twoProcesses(t)
	for i, c := range []struct {
		victim *process
		step   string
	}{
		{de, "export/after-journal 1"}, {pl, "commit/after 1"},
	} {
		t.Logf("%s dies at %s", c.victim.id, c.step)
		publishUntilTaken(t, de, bundled(indicator(i, 1, tlpGreen)))
		de.settledWith(pl.id, time.Minute)
		c.victim.stop()
		c.victim.dieAt(c.step)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := de.client().Withdraw(ctx, []string{indicatorNo(i)}, "withdrawn")
		cancel()
		if c.victim != de && err != nil {
			t.Fatal(err)
		}
		c.victim.awaitDeath()
		c.victim.run()
		goneUntilTold(t, de, pl, indicatorNo(i))
	}
	for _, p := range []*process{de, pl} {
		journalledOnce(t, p)
	}
}

// goneUntilTold withdraws an object until the node says that it is withdrawn
// and that the peer has acknowledged it, once.
func goneUntilTold(t *testing.T, de, pl *process, id string) {
	t.Helper()
	eventually(t, time.Minute, func() string {
		_, err := de.client().Withdraw(t.Context(), []string{id}, "withdrawn")
		if err != nil && federation.ReasonOf(err) != federation.Duplicate {
			return err.Error()
		}
		ws, err := de.client().Withdrawals(t.Context(), id, 0)
		if err != nil || len(ws) != 1 || len(ws[0].Recipients) != 1 || ws[0].Recipients[0].State != "acknowledged" {
			return fmt.Sprintf("%s says %+v, %v", de.id, ws, err)
		}
		there, err := pl.client().Withdrawals(t.Context(), id, 0)
		if err != nil || len(there) != 1 || there[0].By != de.id {
			return fmt.Sprintf("%s says %+v, %v", pl.id, there, err)
		}
		return ""
	})
}

// hold stops whoever comes to a step next, once armed, until released.
type hold struct {
	step             string
	armed            atomic.Bool
	reached, release chan struct{}
}

func newHold(step string) *hold {
	return &hold{step: step, reached: make(chan struct{}), release: make(chan struct{})}
}

func (h *hold) at(step string) {
	if step == h.step && h.armed.CompareAndSwap(true, false) {
		close(h.reached)
		<-h.release
	}
}

// TestWithdrawalBesideItsObject takes an object back at the two moments at which
// nobody has yet noted that it went: while the frame that carries it is being
// made, and while the index does not follow. It must go after it all the same.
func TestWithdrawalBesideItsObject(t *testing.T) {
	for _, step := range []string{"export/judged", "follow/before-index"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			h := newHold(step)
			de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
			pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
			de.fault = h.at
			de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
			de.start()
			pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
			pl.start()
			publish(t, de, indicator(1, 1, tlpGreen))
			settled(t, de.node, pl.id, time.Minute)
			h.armed.Store(true)
			publish(t, de, indicator(2, 1, tlpGreen))
			<-h.reached
			publish(t, de, indicator(2, 2, tlpGreen))
			if step == "follow/before-index" {
				eventually(t, 20*time.Second, func() string {
					if len(domains(t, pl)) == 1 {
						return "the object has not come"
					}
					return ""
				})
			}
			close(h.release)
			reachedAll(t, de, indicatorNo(2), "pl-cert")
		})
	}
}

// TestWithdrawalActsBeforeTheIndex: a node that has acknowledged lists the object
// no more, even while its index does not follow.
func TestWithdrawalActsBeforeTheIndex(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	h := newHold("follow/before-index")
	defer close(h.release) // however it ends, or the node could not stop
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	pl.fault = h.at
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.start()
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	if got := domains(t, pl); len(got) != 2 {
		t.Fatalf("lists %v", got)
	}
	h.armed.Store(true)
	withdraw(t, de, "withdrawn", indicatorNo(1))
	reachedAll(t, de, indicatorNo(1), "pl-cert")
	<-h.reached
	if got := domainsNow(t, pl); !slices.Equal(got, []string{"host2.example"}) {
		t.Errorf("after it has acknowledged, it lists %v", got)
	}
}

// TestWithdrawalOfWhatWaits: the last node does not know the origin's key, so
// that both the object and its withdrawal wait there. When it learns the key,
// the object does not stay.
func TestWithdrawalOfWhatWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	jp := newRegion(t, regionSpec{id: "jp-carrier", country: "JP"})
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "")
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	pl.start()
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "tls://"+pl.node.LeafAddr())
	de.start()
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
	jp.start()
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	withdraw(t, de, "withdrawn", indicatorNo(1))
	eventually(t, 30*time.Second, func() string {
		ws, err := pl.node.Withdrawals(t.Context(), indicatorNo(1), 0)
		if err != nil || len(ws) != 1 || len(ws[0].Recipients) != 1 || ws[0].Recipients[0].State != "not taken" || ws[0].Recipients[0].Reason != string(federation.UnknownIssuer) {
			return fmt.Sprintf("%+v, %v", ws, err)
		}
		return ""
	})
	if _, p := peerOf(t, pl.node, jp.id); p.Out.Withdrawals != (dashboard.Withdrawals{Sent: 1, NotTaken: 1, Outstanding: 1}) {
		t.Errorf("counted: %+v", p.Out.Withdrawals)
	}
	jp.know(de)
	jp.reload()
	eventually(t, 30*time.Second, func() string {
		if got := domains(t, jp); !slices.Equal(got, []string{"host2.example"}) || lives(t, jp, indicatorNo(1)) {
			return fmt.Sprintf("lists %v", got)
		}
		return ""
	})
	addsUp(t, jp)
}
