package relay

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/journal"
)

// edit replaces text in the configuration.
func (s *solo) edit(old, text string) {
	s.t.Helper()
	raw, err := os.ReadFile(s.cfg.Path)
	if err != nil || !strings.Contains(string(raw), old) {
		s.t.Fatalf("the configuration has no %q: %v", old, err)
	}
	if err := os.WriteFile(s.cfg.Path, []byte(strings.Replace(string(raw), old, text, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if s.cfg, err = configs.LoadNode(s.cfg.Path); err != nil {
		s.t.Fatal(err)
	}
}

// people names persons under approvers: and returns their keys.
func (s *solo) people(ids ...string) map[string]*directory.PrivateKey {
	s.t.Helper()
	keys := map[string]*directory.PrivateKey{}
	var lines strings.Builder
	for _, id := range ids {
		k, err := directory.GenerateKey()
		if err != nil {
			s.t.Fatal(err)
		}
		keys[id] = k
		lines.WriteString("\n  - { id: " + id + ", key: \"" + directory.PublicText(k.Public()) + "\" }")
	}
	s.edit("approvers: []", "approvers:"+lines.String())
	return keys
}

// rules puts the shipped rules, changed, where the configuration names them.
func (s *solo) rules(changes ...[3]string) {
	s.t.Helper()
	dir := filepath.Join(filepath.Dir(s.cfg.Path), "rules")
	if err := os.RemoveAll(dir); err != nil {
		s.t.Fatal(err)
	}
	shippedRules(s.t, dir, changes...)
	if s.cfg.Dirs.Policies == "" {
		s.edit(`policies: ""`, `policies: rules`)
	}
}

// reloads asks for a reload and expects it to be refused for a reason, or not.
func (s *solo) reloads(what string, alone bool, want federation.Reason) {
	s.t.Helper()
	before := s.node.World().Bundle.Digest()
	_, err := s.node.Activate(s.t.Context(), alone)
	if got := federation.ReasonOf(err); got != want || want == "" && err != nil {
		s.t.Errorf("%s: %v, want reason %q", what, err, want)
	}
	if want != "" && s.node.World().Bundle.Digest() != before {
		s.t.Errorf("%s: it was refused, and other rules are in force", what)
	}
}

// consents signs what is pending as a person.
func (s *solo) consents(key *directory.PrivateKey, lasts time.Duration) error {
	s.t.Helper()
	p, err := PendingChange(s.cfg, Folders{}, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	_, _, err = p.Approve(key, lasts, time.Now())
	return err
}

// lastReload is the newest record of a reload.
func (s *solo) lastReload() *journal.Reload {
	s.t.Helper()
	found, err := journal.Find(s.t.Context(), s.node.journalLog(), journal.Query{Kinds: []journal.Kind{journal.KindReload}, Limit: 1})
	if err != nil || len(found.Records) != 1 {
		s.t.Fatal(found, err)
	}
	return found.Records[0].Reload
}

// A change that widens needs two persons; one that narrows needs nobody.
func TestTwoPersonsActivate(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	s := newSolo(t)
	keys := s.people("anna", "ben", "carl")
	s.reloads("naming the first persons is the act of who runs the node", false, federation.HeldForPerson)
	s.reloads("and they say so", true, "")
	if by := s.lastReload().By; !slices.Equal(by, []journal.Token{"alone"}) {
		t.Errorf("the journal names %v", by)
	}

	s.rules(noFrance, noFranceExamples)
	s.reloads("a rule more", false, "")
	s.rules(noFrance, noFranceExamples, noCeiling)
	s.reloads("it widens, nobody consented", false, federation.HeldForPerson)
	if r := s.lastReload(); r.Reason != federation.HeldForPerson || r.Before != r.After {
		t.Errorf("the journal says %+v of a refusal", r)
	}
	s.reloads("nobody decides alone where persons are named", true, federation.HeldForPerson)
	must(t, s.consents(keys["anna"], time.Hour))
	must(t, s.consents(keys["anna"], time.Hour))
	s.reloads("one person, twice", false, federation.HeldForPerson)
	stranger, err := directory.GenerateKey()
	must(t, err)
	if err := s.consents(stranger, time.Hour); federation.ReasonOf(err) != federation.UnknownIssuer {
		t.Errorf("a stranger's consent: %v", err)
	}
	copyConsent(t, s, "anna", "ben")
	s.reloads("one person's consent under two names", false, federation.HeldForPerson)

	// Consent is to exactly one change: another text, other rules, is none.
	must(t, s.consents(keys["ben"], time.Hour))
	s.rules(noFrance, noFranceExamples, noCeiling, [3]string{"30-tlp.cedar", `when { resource.tlp == "red" };`, `when { resource.tlp == "red" } unless { principal.client };`})
	s.reloads("more than was consented to", false, federation.HeldForPerson)
	s.rules(noFrance, noFranceExamples, noCeiling)
	s.reloads("two persons", false, "")
	if r := s.lastReload(); !slices.Equal(r.By, []journal.Token{"anna", "ben"}) || r.After != journal.Token(s.node.World().Bundle.Digest()) {
		t.Errorf("the journal says %+v", r)
	}
}

// Somebody who leaves is taken off the list at once, as long as two remain; who
// would remain alone, or come new, is not.
func TestLeavingNeedsNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	s := newSolo(t)
	keys := s.people("anna", "ben", "carl")
	s.reloads("three persons are named", true, "")
	line := func(id string) string {
		return "\n  - { id: " + id + ", key: \"" + directory.PublicText(keys[id].Public()) + "\" }"
	}
	s.edit(line("carl"), "")
	s.reloads("one of three leaves", false, "")
	s.edit(line("ben"), "")
	s.reloads("one of two leaves", true, federation.HeldForPerson)
	s.edit(line("anna"), line("anna")+line("ben")+line("carl"))
	s.reloads("one comes back", true, federation.HeldForPerson)
}

// copyConsent gives a person's consent another's name.
func copyConsent(t *testing.T, s *solo, from, to string) {
	t.Helper()
	dir := ApprovalsDir(filepath.Dir(s.cfg.Path))
	all, err := filepath.Glob(filepath.Join(dir, "*-"+from+termsExt))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	raw, err := os.ReadFile(all[0])
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "x-"+to+termsExt), raw, 0o600))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What a reload refuses, a restart refuses too; so does a change of the persons
// themselves, and of what the configuration says of the node.
func TestRestartIsNoWayRound(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	s := newSolo(t)
	keys := s.people("anna", "ben")
	s.reloads("two persons are named", true, "")
	good, err := os.ReadFile(s.cfg.Path)
	must(t, err)
	for what, change := range map[string]func(){
		"other rules":       func() { s.rules(noCeiling) },
		"other persons":     func() { s.edit("id: anna", "id: eve") },
		"nobody":            func() { cutPeople(t, s) },
		"other places":      func() { s.edit("storage: []", "storage: [FR]") },
		"a review recorded": func() { s.edit("reviewed: []", `reviewed: [{rule: gdpr-adequacy, by: "me", on: 2026-01-01}]`) },
	} {
		change()
		s.reloads(what+", by a reload", true, federation.HeldForPerson)
		s.stop()
		n, err := New(s.cfg, s.opt())
		must(t, err)
		if err := n.Start(t.Context()); federation.ReasonOf(err) != federation.HeldForPerson {
			t.Errorf("%s, by a restart: %v", what, err)
			if err == nil {
				must(t, n.Stop(t.Context()))
			}
		}
		must(t, os.WriteFile(s.cfg.Path, good, 0o600))
		s.cfg, err = configs.LoadNode(s.cfg.Path)
		must(t, err)
		s.start()
	}
	s.rules(noCeiling)
	s.stop()
	must(t, s.consents(keys["anna"], time.Hour))
	must(t, s.consents(keys["ben"], time.Hour))
	s.start()
	if r := s.lastReload(); r.What != "start" || !slices.Equal(r.By, []journal.Token{"anna", "ben"}) {
		t.Errorf("the journal says %+v", r)
	}
}

// cutPeople takes the persons out of the configuration.
func cutPeople(t *testing.T, s *solo) {
	t.Helper()
	raw, err := os.ReadFile(s.cfg.Path)
	must(t, err)
	var kept []string
	for l := range strings.Lines(string(raw)) {
		if l == "approvers:\n" {
			l = "approvers: []\n"
		}
		if !strings.HasPrefix(l, "  - { id: ") {
			kept = append(kept, l)
		}
	}
	must(t, os.WriteFile(s.cfg.Path, []byte(strings.Join(kept, "")), 0o600))
	s.cfg, err = configs.LoadNode(s.cfg.Path)
	must(t, err)
}

// Without persons, who runs the node decides, and has to say so; what narrows or
// changes nothing passes, and so does a restart.
func TestAloneSaysSo(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	s := newSolo(t)
	s.reloads("nothing changed", false, "")
	s.rules(noCeiling)
	s.reloads("it widens", false, federation.HeldForPerson)
	s.reloads("said so", true, "")
	s.rules()
	s.reloads("back to the shipped rules", false, "")
	s.rules(noCeiling)
	s.stop()
	s.start()
	if r := s.lastReload(); r.What != "start" || !slices.Equal(r.By, []journal.Token{"alone"}) {
		t.Errorf("the journal says %+v", r)
	}
}

// A consent that ended, or that was given for another node or another act, is
// none.
func TestConsentsThatAreNone(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	s := newSolo(t)
	keys := s.people("anna", "ben")
	s.reloads("two persons are named", true, "")
	s.rules(noCeiling)
	p, err := PendingChange(s.cfg, Folders{}, time.Now())
	must(t, err)
	text, err := consent{Before: p.activation.before, After: p.activation.after}.text()
	must(t, err)
	dir := ApprovalsDir(filepath.Dir(s.cfg.Path))
	must(t, os.MkdirAll(dir, 0o700))
	put := func(id, typ string, change func(*directory.Approval)) {
		now := time.Now()
		a := directory.Approval{ID: uuid.Must(uuid.NewV7()).String(), By: id, Node: "de-cert", Text: text, IssuedAt: now, NotAfter: now.Add(time.Hour)}
		if change != nil {
			change(&a)
		}
		raw, err := directory.NewApproval(typ, a, keys[id])
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, id+termsExt), raw, 0o600))
	}
	put("anna", directory.TypActivation, nil)
	for what, bad := range map[string]func(){
		"for another node": func() { put("ben", directory.TypActivation, func(a *directory.Approval) { a.Node = "fr-cert" }) },
		"for another act":  func() { put("ben", directory.TypDecision, nil) },
		"ended": func() {
			put("ben", directory.TypActivation, func(a *directory.Approval) {
				a.IssuedAt, a.NotAfter = a.IssuedAt.Add(-2*time.Hour), a.IssuedAt.Add(-time.Hour)
			})
		},
		"no consent at all": func() { must(t, os.WriteFile(filepath.Join(dir, "ben"+termsExt), []byte("x.y.z"), 0o600)) },
	} {
		bad()
		s.reloads(what, false, federation.HeldForPerson)
	}
	put("ben", directory.TypActivation, nil)
	s.reloads("two persons", false, "")
}

// Rules that cannot be loaded leave those in force deciding.
func TestBrokenRulesChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	s := newSolo(t)
	for what, c := range map[string][3]string{
		"no Cedar":             {"30-tlp.cedar", "forbid (principal", "forbid [principal"},
		"a fact that is none":  {"30-tlp.cedar", "resource.tlp ==", "resource.colour =="},
		"an example that lies": {"30-tlp.cedar", `when { resource.tlp == "red" };`, `when { resource.tlp == "clear" };`},
	} {
		before := s.node.World()
		s.rules(c)
		if err := s.node.Reload(t.Context()); err == nil {
			t.Errorf("%s: loaded", what)
		}
		if s.node.World() != before {
			t.Errorf("%s: something else is in force", what)
		}
	}
}

// While objects are published and pulled, rules come that cannot be loaded and
// rules that can: every frame is judged by rules that were in force, and those
// that could not be loaded never are.
func TestReloadUnderTraffic(t *testing.T) {
	s := newSolo(t)
	good := map[journal.Token]bool{journal.Token(s.node.World().Bundle.Digest()): true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 30 {
			s.publish("green", i*100, 10)
		}
	}()
	got, at := 0, link.Cursor{Incarnation: s.node.log.Incarnation()}
	pull := func() {
		f := s.pull("pl-cert", at)
		got, at = got+f.Count(), f.Then
	}
	for i := 0; ; i++ {
		pull()
		before := s.node.World()
		if i%2 == 0 {
			s.rules([3]string{"30-tlp.cedar", "resource.tlp ==", "resource.colour =="})
			if err := s.node.Reload(t.Context()); err == nil || s.node.World() != before {
				t.Errorf("rules that cannot be loaded: %v", err)
			}
		} else {
			s.rules([3]string{"30-tlp.cedar", "// Traffic", strings.Repeat("// again\n", i) + "// Traffic"})
			must(t, s.node.Reload(t.Context()))
			good[journal.Token(s.node.World().Bundle.Digest())] = true
		}
		select {
		case <-done:
		default:
			continue
		}
		if i > 3 {
			break
		}
	}
	for was := -1; was != got; {
		was = got
		pull()
	}
	if got != 30 || len(good) < 2 {
		t.Errorf("%d messages, want 30; %d bundles were in force", got, len(good))
	}
	found, err := journal.Find(t.Context(), s.node.journalLog(), journal.Query{Kinds: []journal.Kind{journal.KindSent}, Limit: 1000})
	must(t, err)
	for _, r := range found.Records {
		if !good[r.Sent.Policy] {
			t.Errorf("a frame was judged by %s, which was never in force", r.Sent.Policy)
		}
		if r.Sent.Agreement == "" {
			t.Error("the record of a frame does not name the terms it was judged under")
		}
	}
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
