package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// counselRule leaves indicators for one peer to people.
const counselRule = `@id("for-counsel")
@basis("order 12")
@kind("custom")
@reason("held-for-person")
@effect("hold")
@class("policy")
@text("Counsel reads what goes to {peer}.")
forbid (principal, action in Action::"send", resource)
when { resource.type == "indicator" && principal.sector == "finance" };
`

const counselExample = `version: 1
rules:
  - rule: for-counsel
    allow: [{action: share, set: {resource.type: malware, principal.sector: finance}}]
    deny: [{action: share, set: {resource.type: indicator, principal.sector: finance}}]
    missing: [{action: share, drop: [principal.sector]}]
`

// office is a node whose rules leave things to people, the people, and a peer
// that this test plays itself.
type office struct {
	t      *testing.T
	o      *operator
	node   *Node
	people map[string]*directory.PrivateKey
	at     link.Cursor // of the peer
	got    int         // messages that the peer has
	log    *lines

	mu    sync.Mutex
	ahead time.Duration // of the node's clock
	fault func(string)
	write func(string, func() error) error
}

// lines keeps what a node logs.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func newOffice(t *testing.T) *office {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a node with its server; runs without -short")
	}
	f := &office{t: t, o: newOperator(t), people: map[string]*directory.PrivateKey{}, log: &lines{}}
	rules := filepath.Join(f.o.dir(), "rules")
	f.o.must(os.CopyFS(rules, configs.Policies()))
	f.o.must(os.WriteFile(filepath.Join(rules, "own.cedar"), []byte(counselRule), 0o600))
	f.o.must(os.WriteFile(filepath.Join(rules, "own.examples.yaml"), []byte(counselExample), 0o600))
	f.edit(`policies: ""`, `policies: rules`)
	f.terms(nil)
	f.staff("anna", "ben")
	f.start()
	return f
}

// terms accepts the peer under terms that were changed.
func (f *office) terms(change func(string) string) {
	f.t.Helper()
	text, err := fs.ReadFile(configs.Agreements(), "de-cert--pl-cert.yaml")
	f.o.must(err)
	terms := strings.Replace(string(text), "sector: national-cert", "sector: finance", 1)
	if change != nil {
		terms = change(terms)
	}
	_, err = AcceptPeer(AgreementsDir(f.o.dir()), Terms{Agreement: terms, Statement: string(f.o.statement)}, f.o.keys.Terms, time.Now())
	f.o.must(err)
}

func (f *office) edit(old, text string) {
	f.t.Helper()
	raw, err := os.ReadFile(f.o.cfg.Path)
	f.o.must(err)
	if !strings.Contains(string(raw), old) {
		f.t.Fatalf("the configuration has no %q", old)
	}
	f.o.must(os.WriteFile(f.o.cfg.Path, []byte(strings.Replace(string(raw), old, text, 1)), 0o600))
	f.o.cfg, err = configs.LoadNode(f.o.cfg.Path)
	f.o.must(err)
}

// staff lists approvers, and no others.
func (f *office) staff(ids ...string) {
	f.t.Helper()
	var list []string
	for _, id := range ids {
		if f.people[id] == nil {
			k, err := directory.GenerateKey()
			f.o.must(err)
			f.people[id] = k
		}
		list = append(list, fmt.Sprintf("{id: %s, key: %s}", id, directory.PublicText(f.people[id].Public())))
	}
	raw, err := os.ReadFile(f.o.cfg.Path)
	f.o.must(err)
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "approvers:") {
			f.edit(line, "approvers: ["+strings.Join(list, ", ")+"]\n")
			return
		}
	}
	f.t.Fatal("no approvers: in the configuration")
}

// reload puts what changed in force, with the consent of two persons where it
// needs that.
func (f *office) reload() {
	f.t.Helper()
	p, err := PendingChange(f.o.cfg, Folders{}, f.now())
	f.o.must(err)
	given := 0
	for _, id := range slices.Sorted(maps.Keys(f.people)) {
		if p.Needed > given {
			if _, _, err := p.Approve(f.people[id], time.Hour, f.now()); err == nil {
				given++
			}
		}
	}
	f.o.must(f.node.Reload(f.t.Context()))
}

func (f *office) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Add(f.ahead)
}

func (f *office) later(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead += d
}

func (f *office) start() {
	f.t.Helper()
	n, err := New(f.o.cfg, Options{Now: f.now, Logger: slog.New(slog.NewTextHandler(f.log, nil)),
		Fault: func(step string) {
			if fault, _ := f.hooks(); fault != nil {
				fault(step)
			}
		},
		Write: func(name string, do func() error) error {
			if _, write := f.hooks(); write != nil {
				return write(name, do)
			}
			return do()
		}})
	f.o.must(err)
	f.o.must(n.Start(f.t.Context()))
	f.node = n
	f.t.Cleanup(f.stop)
}

func (f *office) stop() {
	if f.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	f.o.must(f.node.Stop(ctx))
	f.node = nil
}

// hook puts a test's own steps and disk in place.
func (f *office) hook(fault func(string), write func(string, func() error) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.write = fault, write
}

func (f *office) hooks() (func(string), func(string, func() error) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault, f.write
}

// indicatorText is an indicator of the node's own producers.
func indicatorText(n int, more string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-01-05T00:00:00.000Z","modified":"2026-01-05T00:00:00.000Z",
		"name":"sample %d","pattern":"[domain-name:value = 'a%d.example']","pattern_type":"stix","valid_from":"2026-01-05T00:00:00.000Z",%s
		"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}`, indicatorName(n), n, n, more)
}

func indicatorName(n int) string { return fmt.Sprintf("indicator--11111111-1111-4111-8111-%012d", n) }

// publish publishes objects, lets the peer pull, and waits until the index knows.
func (f *office) publish(objects ...string) {
	f.t.Helper()
	text := `{"type":"bundle","id":"bundle--` + uuid.NewString() + `","objects":[` + strings.Join(objects, ",") + `]}`
	got, err := f.node.Publish(f.t.Context(), "test", "", []byte(text))
	f.o.must(err)
	if got.Taken != len(objects) {
		f.t.Fatalf("%d of %d taken: %+v", got.Taken, len(objects), got)
	}
	f.pull()
}

// pull takes what there is for the peer, and returns how many messages came.
func (f *office) pull() int {
	f.t.Helper()
	came := 0
	for {
		frame, err := (&exporter{f.node}).Frame(f.t.Context(), "pl-cert", link.Pull{At: f.at})
		f.o.must(err)
		came += len(frame.Messages)
		if frame.Then == f.at || frame.Then == (link.Cursor{}) {
			break
		}
		f.at = frame.Then
		if f.at.Pos >= f.node.known() {
			break
		}
	}
	f.got += came
	f.indexed()
	return came
}

func (f *office) indexed() {
	f.t.Helper()
	st, err := f.node.log.State(f.t.Context())
	f.o.must(err)
	last, _, err := f.node.journalLog().Last(f.t.Context())
	f.o.must(err)
	f.o.must(f.node.awaitIndex(f.t.Context(), st.Last, last.Seq))
}

// waits returns the groups that wait for the peer.
func (f *office) waits() []dashboard.HeldGroup {
	f.t.Helper()
	f.indexed()
	groups, err := f.node.HeldGroups(f.t.Context())
	f.o.must(err)
	return groups
}

// propose asks for the text of a decision.
func (f *office) propose(act, what string, until time.Time) string {
	f.t.Helper()
	p, err := f.node.Propose(f.t.Context(), dashboard.Proposal{Act: act, What: what, Until: until, Because: "counsel has read it"})
	f.o.must(err)
	return p.Text
}

// sign signs a text as persons.
func (f *office) sign(text string, by ...string) []string {
	f.t.Helper()
	var out []string
	for _, id := range by {
		raw, err := directory.NewApproval(directory.TypDecision, directory.Approval{ID: uuid.Must(uuid.NewV7()).String(), By: id, Node: "de-cert",
			Text: []byte(text), IssuedAt: f.now(), NotAfter: f.now().Add(24 * time.Hour)}, f.people[id])
		f.o.must(err)
		out = append(out, string(raw))
	}
	return out
}

func (f *office) decide(approvals []string) dashboard.Decided {
	f.t.Helper()
	got, err := f.node.Decide(f.t.Context(), approvals)
	f.o.must(err)
	return got
}

// settles reads what the journal tells of what waited.
func (f *office) settles() (out []*journal.Settle) {
	f.t.Helper()
	for r, err := range journal.Records(f.t.Context(), f.node.journalLog(), 1) {
		f.o.must(err)
		if r.Settle != nil {
			out = append(out, r.Settle)
		}
	}
	return out
}

// TestTwoPersonsLetAGroupGo follows a group from the list to the peer: one
// person is not enough, the rest of the kind follows the rule until its end, and
// the journal names who decided.
func TestTwoPersonsLetAGroupGo(t *testing.T) {
	f := newOffice(t)
	f.publish(indicatorText(1, ""), indicatorText(2, ""))
	groups := f.waits()
	if len(groups) != 1 || groups[0].Count != 2 || groups[0].Rule != "for-counsel" || groups[0].Peer != "pl-cert" || groups[0].Source != "de-cert" || groups[0].Persons != 2 || f.got != 0 {
		t.Fatalf("%d messages came, waiting: %+v", f.got, groups)
	}
	end := f.now().Add(48 * time.Hour).Truncate(time.Second)
	text := f.propose(actRelease, groups[0].ID, end)
	if _, err := f.node.Decide(t.Context(), f.sign(text, "anna")); federation.ReasonOf(err) != federation.HeldForPerson {
		t.Fatalf("one person makes a rule: %v", err)
	}
	if got := f.decide(f.sign(text, "ben", "anna")); got.Released != 2 || len(got.Stay) != 0 || !slices.Equal(got.By, []string{"anna", "ben"}) {
		t.Fatalf("%+v", got)
	}
	if f.pull() == 0 || len(f.waits()) != 0 {
		t.Fatalf("%d messages came, waiting: %+v", f.got, f.waits())
	}
	f.publish(indicatorText(3, ""))
	if got := f.waits(); f.got < 2 || len(got) != 0 {
		t.Fatalf("the rest waits: %+v", got)
	}
	if ss := f.settles(); len(ss) != 3 || ss[0].Digest != (journal.Digest{}) || ss[0].Rule != "for-counsel" || !ss[0].Until.Equal(end) ||
		ss[1].ID == "" || !ss[1].Release || len(ss[1].By) != 2 || ss[1].Decision != ss[0].Decision {
		t.Fatalf("the journal says %+v", ss)
	}
	f.later(49 * time.Hour)
	f.publish(indicatorText(4, ""))
	if got := f.waits(); len(got) != 1 || got[0].Count != 1 {
		t.Fatalf("after its end the rule goes on: %+v", got)
	}
	rules, err := f.node.DecisionRules(t.Context())
	if err != nil || len(rules) != 1 || rules[0].State != "over" {
		t.Fatalf("%+v %v", rules, err)
	}
}

// TestDecisionsFitNothingElse plays what was decided again: for another group,
// after its end, under other terms, under a changed rule, for a peer that was
// removed, and signed by those who may not.
func TestDecisionsFitNothingElse(t *testing.T) {
	f := newOffice(t)
	f.publish(indicatorText(1, ""))
	group := f.waits()[0].ID
	one := f.propose(actRelease, indicatorName(1), time.Time{})
	changed := func(change func(*personDecision)) string {
		d := &personDecision{}
		f.o.must(json.Unmarshal([]byte(one), d))
		change(d)
		text, err := json.Marshal(d)
		f.o.must(err)
		return string(text)
	}
	long := f.propose(actRelease, group, f.now().Add(time.Hour))
	stranger, err := directory.GenerateKey()
	f.o.must(err)
	f.people["carl"] = stranger
	for name, c := range map[string]struct {
		approvals []string
		want      federation.Reason
	}{
		"another node":              {f.sign(changed(func(d *personDecision) { d.Node = "pl-cert" }), "anna"), federation.WrongRecipient},
		"another peer":              {f.sign(changed(func(d *personDecision) { d.Peer = "jp-carrier" }), "anna"), federation.NoAgreement},
		"other terms":               {f.sign(changed(func(d *personDecision) { d.Terms[0]++ }), "anna"), federation.NoAgreement},
		"a changed rule":            {f.sign(changed(func(d *personDecision) { d.Print[0]++ }), "anna"), federation.HeldForPerson},
		"a rule that is not lifted": {f.sign(changed(func(d *personDecision) { d.Rule = "marking-unknown" }), "anna", "ben"), federation.HeldForPerson},
		"over":                      {f.sign(changed(func(d *personDecision) { d.Made, d.Until = d.Made.Add(-2*time.Hour), d.Made.Add(-time.Hour) }), "anna"), federation.Expired},
		"without an end":            {f.sign(changed(func(d *personDecision) { d.Until = d.Made.AddDate(2, 0, 0) }), "anna", "ben"), federation.Malformed},
		"a rule by one":             {f.sign(long, "anna"), federation.HeldForPerson},
		"a rule by one, twice":      {f.sign(long, "anna", "anna"), federation.NotOwner},
		"the same signature twice":  {slices.Repeat(f.sign(long, "anna"), 2), federation.NotOwner},
		"two texts":                 {slices.Concat(f.sign(long, "anna"), f.sign(one, "ben")), federation.Malformed},
		"no approver":               {f.sign(one, "carl"), federation.UnknownIssuer},
		"nobody":                    {nil, federation.NotOwner},
		"written in another way":    {f.sign(one+" ", "anna"), federation.Malformed},
		"the end of what is not": {f.sign(changed(func(d *personDecision) {
			*d = personDecision{Version: 1, ID: d.ID, Node: d.Node, Act: actEnd, Ends: "x", Made: d.Made, Until: d.Until, Because: "x"}
		}), "anna"), federation.Malformed},
	} {
		got, err := f.node.Decide(t.Context(), c.approvals)
		if federation.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s: %+v", name, err, c.want, got)
		}
	}
	if f.pull() != 0 || len(f.waits()) != 1 || len(f.settles()) != 0 {
		t.Fatalf("something came of them: %d messages, %+v", f.got, f.waits())
	}
	f.decide(f.sign(one, "anna"))
	if f.pull() == 0 {
		t.Fatal("one object does not go by one person")
	}
	f.publish(indicatorText(2, ""))
	if got := f.waits(); len(got) != 1 || got[0].ID != group {
		t.Fatalf("a decision on one object lets another go: %+v", got)
	}
	if got := f.decide(f.sign(one, "anna")); !got.Before || got.Released != 0 || f.pull() != 0 {
		t.Fatalf("played again: %+v", got)
	}
}

// TestDecisionsEnd: a rule ends when persons end it, when one of those who made
// it is no approver any more, when the terms change and while there are none; and
// what ended does not come back.
func TestDecisionsEnd(t *testing.T) {
	f := newOffice(t)
	f.staff("anna", "ben", "carl")
	f.reload()
	f.publish(indicatorText(1, ""))
	group := f.waits()[0].ID
	text := f.propose(actRelease, group, f.now().Add(time.Hour))
	rule := f.decide(f.sign(text, "anna", "ben"))
	next := 2
	goes := func(what string, want bool) {
		t.Helper()
		before := f.got
		f.publish(indicatorText(next, ""))
		next++
		if got := f.got > before; got != want {
			t.Errorf("%s: goes %v", what, got)
		}
	}
	goes("in force", true)
	f.staff("anna", "carl")
	f.reload()
	goes("ben is no approver any more", false)
	if st, err := f.node.Status(t.Context()); err != nil || !slices.ContainsFunc(st.Warnings, func(w string) bool { return strings.Contains(w, rule.ID) }) {
		t.Errorf("nobody is told: %v %v", st.Warnings, err)
	}
	f.staff("anna", "ben", "carl")
	f.reload()
	goes("he is again", true)
	f.terms(func(s string) string { return strings.Replace(s, "ceiling: TLP:AMBER", "ceiling: TLP:GREEN", 1) })
	f.reload()
	goes("other terms", false)
	f.terms(nil)
	f.reload()
	goes("the terms that were", true)
	end := f.propose(actEnd, rule.ID, time.Time{})
	f.decide(f.sign(end, "carl"))
	goes("ended", false)
	if _, err := f.node.Decide(t.Context(), f.sign(text, "anna", "ben")); federation.ReasonOf(err) != federation.Expired {
		t.Errorf("what was ended comes back: %v", err)
	}
	f.stop()
	f.start()
	goes("ended, after a restart", false)
}

// TestReleaseIsDecidedAgain: what was taken back, or is no longer valid, does not
// go by a release; and it leaves the list with the reason.
func TestReleaseIsDecidedAgain(t *testing.T) {
	f := newOffice(t)
	ends := f.now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	f.publish(indicatorText(1, ""))
	f.publish(indicatorText(2, `"valid_until":"`+ends+`",`))
	f.publish(indicatorText(3, ""))
	group := f.waits()[0].ID
	_, err := f.node.WithdrawFor(t.Context(), "", []string{indicatorName(1)}, "withdrawn")
	f.o.must(err)
	text := f.propose(actRelease, group, f.now().Add(100*time.Hour))
	f.later(2 * time.Hour)
	got := f.decide(f.sign(text, "anna", "ben"))
	if got.Released != 1 || len(got.Stay) != 1 || got.Stay[0].ID != indicatorName(2) || got.Stay[0].Reason != string(federation.Expired) {
		t.Fatalf("%+v", got)
	}
	if f.pull(); f.got != 1 || len(f.waits()) != 0 {
		t.Fatalf("%d messages came, waiting %+v", f.got, f.waits())
	}
	if !slices.ContainsFunc(f.settles(), func(s *journal.Settle) bool {
		return s.ID == journal.ID(indicatorName(2)) && s.Reason == federation.Expired && !s.Release
	}) {
		t.Errorf("the journal does not tell of what ended: %+v", f.settles())
	}
}

// TestRejectedStays: what persons rejected leaves the list, goes by no change of
// the rules, and is judged anew when two persons end the rejection.
func TestRejectedStays(t *testing.T) {
	f := newOffice(t)
	f.publish(indicatorText(1, ""))
	got := f.decide(f.sign(f.propose(actReject, indicatorName(1), time.Time{}), "anna"))
	if got.Rejected != 1 || len(f.waits()) != 0 {
		t.Fatalf("%+v, waiting %+v", got, f.waits())
	}
	f.o.must(os.Remove(filepath.Join(f.o.dir(), "rules", "own.cedar")))
	f.o.must(os.Remove(filepath.Join(f.o.dir(), "rules", "own.examples.yaml")))
	f.reload()
	f.o.must(f.node.resend(t.Context(), "pl-cert", 1))
	if f.pull(); f.got != 0 {
		t.Fatal("what persons rejected goes when the rule is gone")
	}
	end := f.propose(actEnd, got.ID, time.Time{})
	if _, err := f.node.Decide(t.Context(), f.sign(end, "ben")); federation.ReasonOf(err) != federation.HeldForPerson {
		t.Errorf("one person ends a rejection: %v", err)
	}
	f.decide(f.sign(end, "ben", "anna"))
	if f.pull(); f.got != 1 {
		t.Errorf("the rejection was ended, the rule is gone, and %d messages came", f.got)
	}
}

// TestDecisionSurvivesDeath ends the node between a decision and what comes of
// it. Nothing goes before the decision is recorded; what was kept is done after
// the next start; and the same decision given again does what was not done.
func TestDecisionSurvivesDeath(t *testing.T) {
	for step, kept := range map[string]bool{stepDecisionJournalled: false, stepDecisionKept: true, stepDecided: true} {
		t.Run(step, func(t *testing.T) {
			f := newOffice(t)
			f.publish(indicatorText(1, ""))
			approvals := f.sign(f.propose(actRelease, f.waits()[0].ID, f.now().Add(time.Hour)), "anna", "ben")
			f.hook(func(at string) {
				if at == step {
					panic("ended here")
				}
			}, nil)
			func() {
				defer func() { _ = recover() }() // the end of this node, not of the test
				_, _ = f.node.Decide(t.Context(), approvals)
				t.Error("the step was not reached")
			}()
			f.hook(nil, nil)
			f.stop()
			f.start()
			f.indexed()
			if f.pull() > 0 != kept {
				t.Fatalf("kept %v, and after the start %d messages came", kept, f.got)
			}
			f.decide(approvals)
			if f.pull(); f.got == 0 || len(f.waits()) != 0 {
				t.Errorf("given again: %d messages, waiting %+v", f.got, f.waits())
			}
			if ss := f.settles(); len(ss) == 0 || ss[0].Digest != (journal.Digest{}) {
				t.Errorf("the decision is not recorded first: %+v", ss)
			}
		})
	}
}

// TestDecisionFileBroken breaks the writes of a decision in both ways: the file
// and the journal. The persons are told; what is not recorded and kept lets
// nothing go; given again, it does.
func TestDecisionFileBroken(t *testing.T) {
	for _, name := range []string{fileDecision, writeJournal, writeLog} {
		for _, keeps := range []bool{false, true} {
			f := newOffice(t)
			f.publish(indicatorText(1, ""))
			approvals := f.sign(f.propose(actRelease, f.waits()[0].ID, f.now().Add(time.Hour)), "anna", "ben")
			b := &brokenDisk{name: name, keeps: keeps}
			var one sync.Mutex
			f.hook(nil, func(name string, do func() error) error {
				one.Lock()
				defer one.Unlock()
				return b.write(name, do)
			})
			_, err := f.node.Decide(t.Context(), approvals)
			told := err != nil
			f.hook(nil, nil)
			if name == fileDecision && (!told || !strings.Contains(err.Error(), "decisions")) {
				t.Errorf("%s, stored %v: nobody is told: %v", name, keeps, err)
			}
			if told && name != writeLog && f.pull() > 0 {
				t.Errorf("%s, stored %v: it goes by a decision that failed", name, keeps)
			}
			f.decide(approvals)
			if f.pull(); f.got == 0 || len(f.waits()) != 0 {
				t.Errorf("%s, stored %v, given again: %d messages came, waiting %+v", name, keeps, f.got, f.waits())
			}
		}
	}
}

// TestAgesAreTold: what waits for long is told once for each step, shown by
// status, and dropped with a record when its validity ends.
func TestAgesAreTold(t *testing.T) {
	f := newOffice(t)
	ends := f.now().Add(100 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	f.publish(indicatorText(1, `"valid_until":"`+ends+`",`))
	told := map[string]string{}
	for _, c := range []struct {
		later time.Duration
		age   string
		lines int
	}{{0, ageFresh, 0}, {25 * time.Hour, ageWarn, 1}, {time.Hour, ageWarn, 1}, {50 * time.Hour, ageAlarm, 2}, {time.Hour, ageAlarm, 2}} {
		f.later(c.later)
		f.o.must(f.node.tellAges(t.Context(), told))
		groups := f.waits()
		if got := f.log.count("waits for long"); groups[0].Age != c.age || got != c.lines {
			t.Errorf("after %s: %s, told %d times, want %s, %d", c.later, groups[0].Age, got, c.age, c.lines)
		}
		st, err := f.node.Status(t.Context())
		f.o.must(err)
		warned := slices.ContainsFunc(st.Warnings, func(w string) bool { return strings.Contains(w, "wait for more than") })
		if warned != (c.age == ageAlarm) || st.Waiting.Objects != 1 || (st.Waiting.Alarms == 1) != (c.age == ageAlarm) {
			t.Errorf("status at %s: %+v %v", c.age, st.Waiting, st.Warnings)
		}
	}
	f.later(30 * time.Hour)
	f.o.must(f.node.dropExpired(t.Context()))
	if got := f.waits(); len(got) != 0 {
		t.Errorf("it still waits: %+v", got)
	}
	if ss := f.settles(); len(ss) != 1 || ss[0].Reason != federation.Expired || ss[0].Release {
		t.Errorf("the journal says %+v", ss)
	}
}
