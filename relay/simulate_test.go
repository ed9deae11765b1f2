package relay

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/journal"
)

// solo is one running node whose peers are terms only.
type solo struct {
	t    testing.TB
	cfg  *configs.Node
	keys *Keys
	node *Node
	now  time.Time
}

// newSolo starts de-cert with terms with pl-cert, and with fr-cert up to CLEAR.
func newSolo(t testing.TB) *solo {
	t.Helper()
	s := &solo{t: t, now: time.Now().UTC()}
	var err error
	if s.cfg, err = Setup(SetupOptions{Dir: filepath.Join(t.TempDir(), "de"), Now: s.now,
		Values: configs.TemplateValues{ID: "de-cert", Name: "DE", Country: "DE", Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"}}}); err != nil {
		t.Fatal(err)
	}
	if s.keys, err = LoadKeys(KeysDir(s.cfg)); err != nil {
		t.Fatal(err)
	}
	s.terms("pl-cert", "PL", "TLP:GREEN")
	s.terms("fr-cert", "FR", "TLP:CLEAR")
	s.start()
	return s
}

// terms accepts a peer on paper.
func (s *solo) terms(peer, country, ceiling string) {
	s.t.Helper()
	text := fmt.Sprintf("version: 1\nid: de-cert/%[1]s/test\nnode: de-cert\npeer: %[1]s\ncountry: %[2]s\nkind: authority\nsector: national-cert\nfrom: 2020-01-01\nuntil: 2090-01-01\n"+
		"tlp: {version: \"2.0\", ceiling: \"%[3]s\", community: true, clients: []}\npurposes: [network-security]\ndata: [technical, context, free-text]\n", peer, country, ceiling)
	if _, err := AcceptPeer(AgreementsDir(filepath.Dir(s.cfg.Path)), Terms{Agreement: text}, s.keys.Terms, s.now); err != nil {
		s.t.Fatal(err)
	}
}

func (s *solo) start() {
	s.t.Helper()
	n, err := New(s.cfg, s.opt())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := n.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.node = n
	s.t.Cleanup(s.stop)
}

func (s *solo) opt() Options { return Options{Logger: slog.New(slog.DiscardHandler)} }

func (s *solo) stop() {
	if s.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.node.Stop(ctx); err != nil {
		s.t.Error(err)
	}
	s.node = nil
}

// publish takes indicators with a TLP label, from a number on, and waits until
// the index knows them.
func (s *solo) publish(label string, from, n int) {
	s.t.Helper()
	marks := map[string]string{"clear": "94868c89-83c2-464b-929b-a1a8aa3c8487", "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"}
	var objects []string
	for i := range n {
		objects = append(objects, fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--3b0c1d52-8a40-4f1e-9d5b-%012d","created":"2026-01-05T10:00:00.000Z",
			"modified":"2026-01-05T10:00:00.000Z","name":"sample","description":"seen in gateway logs","pattern":"[domain-name:value = 'h%d.example']","pattern_type":"stix","valid_from":"2026-01-05T10:00:00Z",
			"object_marking_refs":["marking-definition--%s"]}`, from+i, from+i, marks[label]))
	}
	res, err := s.node.PublishFor(s.t.Context(), "", "feed", "", []byte(`{"type":"bundle","id":"bundle--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a01","objects":[`+strings.Join(objects, ",")+`]}`))
	if err != nil || res.Taken != n {
		s.t.Fatalf("%+v %v", res, err)
	}
}

// shippedRules copies the shipped rules into a folder, with texts replaced in
// the files.
func shippedRules(t testing.TB, dir string, changes ...[3]string) string {
	t.Helper()
	if err := os.CopyFS(dir, configs.Policies()); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		path := filepath.Join(dir, c[0])
		raw, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(raw), c[1]) {
			t.Fatalf("%s has no %q: %v", c[0], c[1], err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(raw), c[1], c[2], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What narrows and what widens the shipped rules.
var (
	noFrance = [3]string{"30-tlp.cedar", "@id(\"tlp-red-nobody\")", `@id("not-to-france")
@basis("internal order")
@kind("custom")
@reason("purpose")
@effect("withhold")
@class("policy")
@text("Nothing goes to {peer}.")
forbid (principal, action in Action::"send", resource)
when { principal.country == "FR" || principal.country == "unknown" };

@id("tlp-red-nobody")`}
	noFranceExamples = [3]string{"30-tlp.examples.yaml", "rules:\n", `rules:
  - rule: not-to-france
    allow: [{action: share}]
    deny: [{action: share, set: {principal.country: FR}}]
    missing: [{action: share, drop: [principal.country]}]
    unknown: [{action: share, set: {principal.country: unknown}}]
`}
	noCeiling = [3]string{"10-agreement.cedar", "when { resource.tlpRank > principal.ceiling };", "when { resource.tlpRank > principal.ceiling } unless { principal.country == \"FR\" };"}
)

// simulate asks the node about a folder.
func (s *solo) simulate(dir string, since time.Time) (*simulation, error) {
	x, err := s.prepareSimulation(dir, since)
	if err != nil {
		return nil, err
	}
	return x, x.run()
}

// prepareSimulation loads the rules of a folder and compares them.
func (s *solo) prepareSimulation(dir string, since time.Time) (*simulation, error) {
	packed, err := PackRules(s.cfg, Folders{Policies: dir})
	if err != nil {
		return nil, err
	}
	other, err := unpackRules(packed, s.node.World().Tables)
	if err != nil {
		return nil, err
	}
	x := newSimulation(s.t.Context(), s.node, s.node.World(), other, since)
	x.rest = func(context.Context, time.Duration) error { return nil }
	return x, nil
}

func TestSimulate(t *testing.T) {
	s := newSolo(t)
	s.publish("clear", 0, 40)
	between := time.Now()
	s.publish("green", 1000, 70) // two messages
	for _, c := range []struct {
		name    string
		changes [][3]string
		since   time.Time
		objects int
		want    string // groups, as "effect from>to rule count"
	}{
		{name: "the same rules", objects: 110},
		{name: "a rule more", changes: [][3]string{noFrance, noFranceExamples}, objects: 110, want: "narrows share>withhold not-to-france 40 fr-cert"},
		{name: "a rule less for one", changes: [][3]string{noCeiling}, objects: 110, want: "widens withhold>share over-ceiling 70 fr-cert"},
		{name: "only what came since", changes: [][3]string{noFrance, noFranceExamples}, since: between, objects: 70},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shippedRules(t, filepath.Join(t.TempDir(), "rules"), c.changes...)
			x, err := s.simulate(dir, c.since)
			if err != nil {
				t.Fatal(err)
			}
			got := x.result()
			var groups []string
			sum := 0
			for _, g := range got.Groups {
				sum += g.Count
				for peer := range g.Peers {
					groups = append(groups, fmt.Sprintf("%s %s>%s %s %d %s", g.Effect, g.From, g.To, g.Rule, g.Count, peer))
				}
				if len(g.Examples) == 0 || len(g.Examples) > flipExamples || g.Examples[0].Text == "" || g.Basis == "" {
					t.Errorf("examples of a group: %+v", g)
				}
			}
			if strings.Join(groups, "; ") != c.want {
				t.Errorf("%q, want %q", groups, c.want)
			}
			if got.Objects != c.objects || got.Decisions != 2*c.objects || sum != got.Flipped || got.Flipped != got.Widened+got.Narrowed {
				t.Errorf("the counts do not add up: %+v", got)
			}
			if (got.Widened > 0) != strings.Contains(c.want, "widens") {
				t.Errorf("widened %d", got.Widened)
			}
		})
	}
	if _, err := s.node.Simulate(t.Context(), []byte("no archive"), time.Time{}); err == nil {
		t.Error("what is no archive was simulated")
	}
}

// One simulation at a time, and none leaves anything behind: the journal, the
// policy in force and what the node keeps for its peers stay as they were.
func TestSimulateDisturbsNothing(t *testing.T) {
	s := newSolo(t)
	s.publish("green", 0, 10)
	// Of what comes into the journal by itself, nothing is counted.
	told := func() int {
		found, err := journal.Find(t.Context(), s.node.journalLog(), journal.Query{Limit: 1000, Kinds: []journal.Kind{journal.KindSent, journal.KindObserved,
			journal.KindReceipt, journal.KindSettle, journal.KindPeer, journal.KindReload}})
		must(t, err)
		return len(found.Records)
	}
	before, records := s.node.World(), told()
	if _, err := s.simulate(shippedRules(t, filepath.Join(t.TempDir(), "rules"), noCeiling), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if s.node.World() != before || told() != records || len(s.node.far.entries) > 0 {
		t.Errorf("a simulation left something: %d records, before %d, %d entries kept", told(), records, len(s.node.far.entries))
	}
	s.node.simulating.Lock()
	defer s.node.simulating.Unlock()
	if _, err := s.node.Simulate(t.Context(), nil, time.Time{}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second simulation at once: %v", err)
	}
}

// What a redaction takes out is compared by path: a container that goes takes
// its parts with it.
func TestBeyond(t *testing.T) {
	for _, c := range []struct {
		paths, other []string
		want         int
	}{
		{[]string{"name"}, []string{"name"}, 0},
		{[]string{"name", "description"}, []string{"name"}, 1},
		{[]string{"extensions.x.y"}, []string{"extensions.x"}, 0},
		{[]string{"extensions.x"}, []string{"extensions.x.y"}, 1},
		{[]string{"names"}, []string{"name"}, 1},
	} {
		if got := beyond(c.paths, c.other); len(got) != c.want {
			t.Errorf("%v beyond %v: %v", c.paths, c.other, got)
		}
	}
}

// Packed rules are those of the folder; an archive that unpacks to too much is
// refused before it is.
func TestPackedRules(t *testing.T) {
	packed, err := PackRules(nil, Folders{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := LoadBundle(nil, Folders{})
	if err != nil {
		t.Fatal(err)
	}
	tables, _, err := besideRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := unpackRules(packed, tables)
	if err != nil || b.Digest() != w.Digest() {
		t.Errorf("packed and unpacked: %v", err)
	}
	if d := policy.Diff(w, b); len(d) > 0 {
		t.Errorf("they differ: %v", d)
	}
}

// BenchmarkSimulate replays a log for two peers, without the rests.
func BenchmarkSimulate(b *testing.B) {
	s := newSolo(b)
	const n = 64 * 16
	for i := range 16 {
		s.publish("green", i*64, 64)
	}
	s.node.recent.drop() // as one would find most of a log: on disk
	dir := shippedRules(b, filepath.Join(b.TempDir(), "rules"), noCeiling)
	var replay time.Duration
	for b.Loop() {
		x, err := s.prepareSimulation(dir, time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		if err := x.run(); err != nil {
			b.Fatal(err)
		}
		replay += time.Since(begin)
	}
	b.ReportMetric(float64(n*b.N)/replay.Seconds(), "objects/s") // loading the rules and comparing them costs the same for any log
}
