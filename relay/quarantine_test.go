package relay

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay/journal"
)

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

// TestWhatRefersToAReleasedObjectGoes: an object that waited for another one to be
// decided goes when that does, by itself.
func TestWhatRefersToAReleasedObjectGoes(t *testing.T) {
	f := newOffice(t)
	f.publish(indicatorText(1, ""))
	f.publish(`{"type":"relationship","spec_version":"2.1","id":"relationship--11111111-1111-4111-8111-000000000001","created":"2026-01-05T00:00:00.000Z",
		"modified":"2026-01-05T00:00:00.000Z","relationship_type":"derived-from","source_ref":"` + indicatorName(1) + `","target_ref":"` + indicatorName(1) + `",
		"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}`)
	if groups := f.waits(); len(groups) != 2 || f.got != 0 {
		t.Fatalf("%d messages came, waiting %+v", f.got, groups)
	}
	f.indexed()
	rounds := 0
	for pause := time.After(200 * time.Millisecond); pause != nil; {
		select {
		case <-f.node.told.wait():
			rounds++
		case <-pause:
			pause = nil
		}
	}
	if rounds > 10 {
		t.Errorf("nothing moves, and it was looked at %d times in 200 ms", rounds)
	}
	f.decide(f.sign(f.propose(actRelease, indicatorName(1), time.Time{}), "ben"))
	for told := f.node.told.wait(); len(f.waits()) > 0; told = f.node.told.wait() {
		<-told
	}
	if f.pull(); f.got != 2 {
		t.Errorf("%d messages came, waiting %+v", f.got, f.waits())
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
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
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

// TestReleaseAfterTheKeyIsRevoked: nobody decides for what was signed with a key
// that was revoked while it waited, and a decision that was made before no longer
// lets it go.
func TestReleaseAfterTheKeyIsRevoked(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	f := newOffice(t)
	f.publish(indicatorText(1, ""))
	text := f.propose(actRelease, f.waits()[0].ID, f.now().Add(100*time.Hour))
	raw, err := os.ReadFile(filepath.Join(f.o.dir(), StatementFile))
	f.o.must(err)
	s, err := directory.ParseStatement([]byte(strings.TrimSpace(string(raw))), f.now())
	f.o.must(err)
	revoked := f.now().Add(time.Minute)
	for i := range s.Keys {
		if s.Keys[i].Purpose == directory.PurposeMessage {
			s.Keys[i].RevokedAt = revoked
		}
	}
	s.Version++
	signed, err := directory.NewStatement(*s, f.o.keys.Terms)
	f.o.must(err)
	f.o.must(os.WriteFile(filepath.Join(f.o.dir(), StatementFile), signed, 0o600))
	f.reload()
	f.later(2 * time.Minute)
	got := f.decide(f.sign(text, "anna", "ben"))
	if got.Released != 0 || len(got.Stay) != 1 || got.Stay[0].Reason != string(federation.RevokedKey) {
		t.Fatalf("%+v", got)
	}
	if f.pull(); f.got != 0 || len(f.waits()) != 0 {
		t.Errorf("%d messages came, waiting %+v", f.got, f.waits())
	}
}

// TestRejectedStays: what persons rejected leaves the list, goes by no change of
// the rules, and is judged anew when two persons end the rejection.
func TestRejectedStays(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
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
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
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
			for told := f.node.told.wait(); kept && len(f.waits()) > 0; told = f.node.told.wait() {
				<-told // it is done after the start
			}
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
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	f, next := newOffice(t), 0
	for _, name := range []string{fileDecision, writeJournal, writeLog} {
		for _, keeps := range []bool{false, true} {
			next++
			f.publish(indicatorText(next, ""))
			before := f.got
			approvals := f.sign(f.propose(actRelease, indicatorName(next), time.Time{}), "anna")
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
			if f.pull(); f.got == before || len(f.waits()) != 0 {
				t.Errorf("%s, stored %v, given again: %d messages came, waiting %+v", name, keeps, f.got-before, f.waits())
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
