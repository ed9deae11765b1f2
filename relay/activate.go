package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// persons is how many must consent before something that was denied may be
// allowed.
const persons = 2

// Alone stands for whoever decided without a second person, where none is named.
const Alone = "alone"

// consent is the text that each of them signs: exactly this change, from what is
// in force to what is to be.
type consent struct {
	Act    string `json:"act"`
	Before stand  `json:"before"`
	After  stand  `json:"after"`
}

func (c consent) text() ([]byte, error) {
	c.Act = "activate"
	return json.Marshal(c)
}

// activation is a change of what decides, judged.
type activation struct {
	before, after stand
	changes       []policy.Difference
	by            []string // who consented; nil where nobody had to
}

// loosens reports whether anything that was denied may be allowed.
func (a *activation) loosens() bool { return slices.ContainsFunc(a.changes, policy.Difference.Loosens) }

// compareStands judges a change by its text. old is the bundle in force, as far
// as it could be read: its digest may differ from before's when something beside
// the rules has changed.
func compareStands(before, after stand, old, new *policy.Bundle) *activation {
	a := &activation{before: before, after: after, changes: policy.Diff(old, new)}
	add := func(what, id, why string) {
		a.changes = append(a.changes, policy.Difference{What: what, ID: id, Change: "changed", Effect: policy.MayWiden, Why: []string{why}})
	}
	if old.Digest() != before.Policy && !slices.ContainsFunc(a.changes, func(d policy.Difference) bool { return d.What == "tables" }) {
		add("tables", "equivalence tables", "they were others when the rules in force were loaded")
	}
	if before.Settings != after.Settings {
		add("settings", "node", "what the configuration says of this node (country, kind, storage, accreditation) is asked by rules")
	}
	if !slices.Equal(before.Approvers, after.Approvers) {
		add("approvers", "approvers", "who may consent to the next change")
		if len(after.Approvers) >= persons && !slices.ContainsFunc(after.Approvers, func(p approverText) bool { return !slices.Contains(before.Approvers, p) }) {
			a.changes[len(a.changes)-1].Effect = policy.Narrows // somebody left, and there are enough without them
		}
	}
	return a
}

// permit finds out whether a change may be put in force: one that lets out
// nothing that was denied may; any other needs the consent of two persons of
// those in force before it. Where fewer than two are named, it is the act of
// whoever runs the node, who has to say so (alone).
func (a *activation) permit(approvalsDir, node string, alone bool, now time.Time) error {
	if !a.loosens() {
		return nil
	}
	people, err := a.before.people()
	if err != nil {
		return err
	}
	if a.before.count(now) < persons {
		if alone {
			a.by = []string{Alone}
			return nil
		}
		return &federation.Refusal{Reason: federation.HeldForPerson, Where: "policy", Detail: "something that was denied would be allowed: " + a.loosening(),
			Hint: "`entente policy diff` shows it; name two persons under approvers:, or say that you decide alone: `entente policy activate --alone`"}
	}
	text, err := consent{Before: a.before, After: a.after}.text()
	if err != nil {
		return err
	}
	by, problems := consented(approvalsDir, people, node, text, now)
	if len(by) >= persons {
		a.by = by
		return nil
	}
	who := "nobody has"
	if len(by) > 0 {
		who = "only " + strings.Join(by, ", ") + " has"
	}
	return &federation.Refusal{Reason: federation.HeldForPerson, Where: "policy", Detail: "something that was denied would be allowed, and " + who + " consented to exactly this change: " + a.loosening(),
		Hint: fmt.Sprintf("%d persons give `entente policy approve --key FILE`", persons), Err: problems}
}

// loosening names what widens, the first few.
func (a *activation) loosening() string {
	var out []string
	for _, d := range a.changes {
		if d.Loosens() {
			out = append(out, fmt.Sprintf("%s %s %s (%s)", d.What, d.ID, d.Change, d.Effect))
		}
	}
	if len(out) > 5 {
		out = append(out[:5], fmt.Sprintf("and %d more", len(out)-5))
	}
	return strings.Join(out, ", ")
}

// ApprovalsDir is where consents to a change of policy lie, beside the
// configuration.
func ApprovalsDir(dir string) string { return filepath.Join(dir, "approvals") }

// maxConsents bounds how many files are looked at.
const maxConsents = 1000

// consented lists the persons whose consent to a text lies in a folder, sorted.
// Files with consents to anything else, or that no longer count, are passed over;
// problems says why, where it is about this text.
func consented(dir string, people *directory.Approvers, node string, text []byte, now time.Time) (by []string, problems error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	for i, e := range entries {
		if i >= maxConsents {
			problems = errors.Join(problems, fmt.Errorf("%s holds more than %d files: take old ones away", dir, maxConsents))
			break
		}
		if e.IsDir() || !strings.HasSuffix(e.Name(), termsExt) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil {
			var a *directory.Approval
			if a, err = people.Open(directory.TypActivation, node, raw, now); err == nil {
				if string(a.Text) == string(text) && !slices.Contains(by, a.By) {
					by = append(by, a.By)
				}
				continue
			}
		}
		problems = errors.Join(problems, fmt.Errorf("%s: %w", e.Name(), err))
	}
	slices.Sort(by)
	return by, problems
}

// Pending is a change of policy that a configuration asks for, as persons see it
// before they consent.
type Pending struct {
	Before  string              `json:"before"` // digests of the bundles
	After   string              `json:"after"`
	Widens  bool                `json:"widens"`
	Changes []policy.Difference `json:"changes"`
	// By are those who consented already; Needed is how many must.
	By     []string `json:"by"`
	Needed int      `json:"needed"`

	activation *activation
	people     *directory.Approvers
	node       string
	dir        string
}

// PendingChange compares what was last in force with what the configuration, or
// another folder of rules, would put in force. It needs no running node.
func PendingChange(cfg *configs.Node, f Folders, now time.Time) (*Pending, error) {
	own, err := ownRing(cfg, now)
	if err != nil {
		return nil, err
	}
	was, err := readInForce(cfg, own)
	if err != nil {
		return nil, err
	}
	if was == nil {
		return nil, errors.New("nothing was ever in force here: start the node first")
	}
	next := *cfg
	next.Dirs.Policies, next.Dirs.Jurisdictions = cmp.Or(f.Policies, cfg.Dirs.Policies), cmp.Or(f.Jurisdictions, cfg.Dirs.Jurisdictions)
	w, err := loadRules(&next)
	if err != nil {
		return nil, err
	}
	a := was.to(w)
	p := &Pending{Before: a.before.Policy, After: a.after.Policy, Widens: a.loosens(), Changes: a.changes, By: []string{}, activation: a,
		node: cfg.Node.ID, dir: ApprovalsDir(filepath.Dir(cfg.Path))}
	if p.people, err = a.before.people(); err != nil {
		return nil, err
	}
	if p.Widens && a.before.count(now) >= persons {
		p.Needed = persons
	}
	text, err := consent{Before: a.before, After: a.after}.text()
	if err != nil {
		return nil, err
	}
	by, _ := consented(p.dir, p.people, p.node, text, now) // files that do not count are no consent
	p.By = append(p.By, by...)
	return p, nil
}

// to judges the change from what was in force to a world.
func (f *recordInForce) to(w *World) *activation {
	if f.same(w.stand) {
		return &activation{before: f.stand, after: w.stand}
	}
	if old, err := unpackRules(f.Packed, w.Tables); err == nil {
		return compareStands(f.stand, w.stand, old, w.Bundle)
	}
	return &activation{before: f.stand, after: w.stand, changes: []policy.Difference{{What: "rules", ID: "policy", Change: "changed", Effect: policy.MayWiden,
		Why: []string{"this build no longer reads those that were in force, so nothing can be compared"}}}}
}

// Approve signs a person's consent to a change with their key and puts it where
// the node looks, good for a time.
func (p *Pending) Approve(key *directory.PrivateKey, lasts time.Duration, now time.Time) (by, path string, err error) {
	return files{}.approve(p, key, lasts, now)
}

func (f files) approve(p *Pending, key *directory.PrivateKey, lasts time.Duration, now time.Time) (by, path string, err error) {
	who, ok := p.people.Key(key.KeyID())
	if !ok {
		return "", "", &federation.Refusal{Reason: federation.UnknownIssuer, Where: "key " + key.KeyID(), Detail: "it is nobody's who may consent", Hint: "only those under approvers: in what is in force now may"}
	}
	text, err := consent{Before: p.activation.before, After: p.activation.after}.text()
	if err != nil {
		return "", "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", "", err
	}
	a := directory.Approval{ID: id.String(), By: who.Owner, Node: p.node, Text: text, IssuedAt: now, NotAfter: now.Add(lasts)}
	raw, err := directory.NewApproval(directory.TypActivation, a, key)
	if err != nil {
		return "", "", err
	}
	// As the node will read it: a key past its day is told of here.
	if _, err := p.people.Open(directory.TypActivation, p.node, raw, now); err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return "", "", err
	}
	path = filepath.Join(p.dir, fmt.Sprintf("%.12s-%s%s", p.After, who.Owner, termsExt))
	return who.Owner, path, f.put(fileApproval, path, append(raw, '\n'), 0o600)
}

// ownRing knows a node's own keys.
func ownRing(cfg *configs.Node, now time.Time) (*directory.Directory, error) {
	own, err := ownStatement(filepath.Join(filepath.Dir(cfg.Path), StatementFile), now)
	if err != nil {
		return nil, err
	}
	return directory.New(own)
}

// Activate does what Reload does, and tells what changed. With alone, a change
// that widens needs nobody else where fewer than two persons are named.
func (n *Node) Activate(ctx context.Context, alone bool) (dashboard.Activated, error) {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	a, err := n.reload(ctx, alone)
	if a == nil {
		return dashboard.Activated{}, err
	}
	out := dashboard.Activated{Before: a.before.Policy, After: a.after.Policy, Widens: a.loosens(), Changes: a.changes, By: a.by}
	if out.Changes == nil {
		out.Changes = []policy.Difference{}
	}
	return out, err
}

// judgeChange finds out whether a new world may take the place of the one in
// force, and records one that may not.
func (n *Node) judgeChange(ctx context.Context, w *World, alone bool) (*activation, error) {
	before := n.world.Load()
	a := &activation{before: before.stand, after: w.stand}
	if !before.stand.same(w.stand) {
		a = compareStands(before.stand, w.stand, before.Bundle, w.Bundle)
	}
	err := a.permit(n.approvalsDir(), n.id, alone, n.now())
	if err == nil {
		return a, nil
	}
	token := journal.Token(before.stand.Policy)
	_, jerr := n.journal.Append(ctx, &journal.Record{At: n.now(), Reload: &journal.Reload{What: "all", Before: token, After: token, Reason: federation.HeldForPerson}})
	return nil, errors.Join(err, jerr)
}

func (n *Node) approvalsDir() string { return ApprovalsDir(filepath.Dir(n.cfg.Path)) }

// standAtStart compares what the configuration asks for with what was in force
// when the node last ran. Who starts a node decides for it, unless two persons
// are named to.
func (n *Node) standAtStart(ctx context.Context) error {
	w := n.world.Load()
	own, err := directory.New(w.Own)
	if err != nil {
		return err
	}
	was, err := readInForce(n.cfg, own)
	if err != nil {
		return err
	}
	rec := &journal.Reload{What: "start", After: journal.Token(w.stand.Policy)}
	if was != nil {
		a := was.to(w)
		if err := a.permit(n.approvalsDir(), n.id, true, n.now()); err != nil {
			return err
		}
		if was.same(w.stand) {
			return nil
		}
		rec.Before, rec.By = journal.Token(was.Policy), tokens(a.by)
	}
	if err := n.keepStand(n.cfg, w); err != nil {
		return err
	}
	_, err = n.journal.Append(ctx, &journal.Record{At: n.now(), Reload: rec})
	return err
}

// keepStand notes on disk what is in force.
func (n *Node) keepStand(cfg *configs.Node, w *World) error {
	return n.disk(writeInForce, func() error { return files{}.writeInForce(cfg, w.stand, w.packed, n.keys.Terms, n.now()) })
}
