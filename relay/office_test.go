package relay

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
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
		came += frame.Count()
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
	f.o.must(f.node.caughtUp(f.t.Context()))
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
