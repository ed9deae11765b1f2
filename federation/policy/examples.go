package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// Files that hold a policy folder's examples: baseline.yaml states an ordinary
// request in which nothing is denied, and each rule file x.cedar has an
// x.examples.yaml whose cases change that request.
const (
	baselineFile  = "baseline.yaml"
	exampleSuffix = ".examples.yaml"
)

// baseline holds a value for every fact.
type baseline struct {
	Version int            `yaml:"version"`
	Facts   map[string]any `yaml:"facts"`
}

// exampleFile holds the examples of the rules of one file.
type exampleFile struct {
	Version int        `yaml:"version"`
	Rules   []examples `yaml:"rules"`
}

// examples are the cases of one rule. Each rule needs an allow, a deny and a
// missing; unknown and empty where it reads a fact that can be.
type examples struct {
	Rule    string    `yaml:"rule"`
	Allow   []example `yaml:"allow"`
	Deny    []example `yaml:"deny"`
	Missing []example `yaml:"missing"`
	Unknown []example `yaml:"unknown"`
	Empty   []example `yaml:"empty"`
}

// example changes the baseline and asks one action.
type example struct {
	Action string         `yaml:"action"`
	Set    map[string]any `yaml:"set"`
	Drop   []string       `yaml:"drop"`
}

// checkExamples runs every example of every rule. They are judged with all
// rules counting, whatever the date and whether reviewed or not, but each only
// in its jurisdiction.
func (b *Bundle) checkExamples(fsys fs.FS, s *resolved.Schema) error {
	var err error
	b.trials, err = b.tryAll(fsys, s)
	errs := []error{err}
	for i := range b.trials {
		if t := &b.trials[i]; t.fault != nil {
			errs = append(errs, t.fault)
		}
	}
	return errors.Join(errs...)
}

// tryAll runs every example. The error lists what is wrong with the files
// themselves, and which rules lack examples.
func (b *Bundle) tryAll(fsys fs.FS, s *resolved.Schema) ([]Trial, error) {
	var base baseline
	doc, err := readYAMLFile(fsys, baselineFile, &base)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(doc, base.Version, 1); err != nil {
		return nil, err
	}
	names, err := fs.Glob(fsys, "*"+exampleSuffix)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	have := map[string]bool{}
	var errs []error
	var trials []Trial
	for _, name := range names {
		var f exampleFile
		doc, err := readYAMLFile(fsys, name, &f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, checkVersion(doc, f.Version, 1))
		for i, x := range f.Rules {
			have[x.Rule] = true
			bad := func(err error) error { return doc.errorf(fmt.Sprintf("$.rules[%d]", i), "%s", err) }
			some, err := b.tryRule(x, base.Facts, s, bad)
			trials, errs = append(trials, some...), append(errs, err)
		}
	}
	for _, r := range b.rules {
		if !have[r.id] {
			errs = append(errs, fmt.Errorf("%s: rule %q has no examples: add them to %s", r.where(), r.id, strings.TrimSuffix(r.position.Filename, ruleSuffix)+exampleSuffix))
		}
	}
	return trials, errors.Join(errs...)
}

// tryRule runs the examples of one rule; bad adds the place to an error.
func (b *Bundle) tryRule(x examples, base map[string]any, s *resolved.Schema, bad func(error) error) ([]Trial, error) {
	r := b.byID(x.Rule)
	if r == nil {
		return nil, bad(fmt.Errorf("there is no rule %q", x.Rule))
	}
	var errs []error
	var trials []Trial
	for _, group := range []struct {
		kind  string
		must  bool
		cases []example
	}{
		{"allow", true, x.Allow}, {"deny", true, x.Deny}, {"missing", true, x.Missing},
		{"unknown", r.readsUnknown(), x.Unknown}, {"empty", r.readsSet(s), x.Empty},
	} {
		if group.must && len(group.cases) == 0 {
			errs = append(errs, bad(fmt.Errorf("rule %s has no %s example", r.id, group.kind)))
		}
		for i, c := range group.cases {
			t := Trial{Rule: r.id, Kind: group.kind, N: i + 1}
			found, err := b.try(r, c, base, s, &t)
			if err == nil {
				t.Found = found.words()
				err = found.expect(group.kind, r)
			}
			if err != nil {
				t.Fault = err.Error()
				t.fault = bad(fmt.Errorf("rule %s, %s example %d: %w", r.id, group.kind, i+1, err))
			}
			trials = append(trials, t)
		}
	}
	return trials, errors.Join(errs...)
}

// expect compares what the engine found with what a kind of example means.
func (f finding) expect(kind string, r *rule) error {
	switch {
	case kind == "missing" && len(f.faults) == 0:
		return errors.New("a fact is missing, and yet the rules were asked")
	case kind == "missing":
		return nil
	case len(f.faults) > 0:
		return fmt.Errorf("the engine failed: %s", f.faults[0].message)
	case kind == "allow" && !f.allowed():
		return fmt.Errorf("it is denied by %s", names(f.forbids, "no permission"))
	case kind == "allow" && r.permit && !slices.Contains(f.permits, r):
		return fmt.Errorf("it is allowed by %s, not by this rule", names(f.permits, "nothing"))
	case kind == "allow":
		return nil
	case f.allowed():
		return fmt.Errorf("it is allowed by %s", names(f.permits, "nothing"))
	case r.permit && slices.Contains(f.permits, r):
		return errors.New("this rule permits it")
	case !r.permit && len(r.jurisdiction) > 0 && !slices.Contains(f.forbids, r):
		return fmt.Errorf("it is denied by %s, not by this rule, which is asked only in %s: set principal.sender or principal.country",
			names(f.forbids, "want of a permission"), strings.Join(r.jurisdiction, ", "))
	case !r.permit && !slices.Contains(f.forbids, r):
		return fmt.Errorf("it is denied by %s, not by this rule", names(f.forbids, "want of a permission"))
	}
	return nil
}

func names(rules []*rule, none string) string {
	if len(rules) == 0 {
		return none
	}
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.id)
	}
	return strings.Join(ids, ", ")
}

// try evaluates one example.
func (b *Bundle) try(r *rule, x example, base map[string]any, s *resolved.Schema, t *Trial) (finding, error) {
	if len(r.actions) == 0 {
		return finding{}, errors.New("the rule applies to no action")
	}
	action := r.actions[0]
	if x.Action != "" {
		action = types.NewEntityUID("Action", types.String(x.Action))
		if !slices.Contains(r.actions, action) {
			return finding{}, fmt.Errorf("the rule is not asked for the action %q", x.Action)
		}
	}
	t.Action, t.action = string(action.ID), action
	facts := maps.Clone(base)
	if a := s.Actions[action]; slices.Contains(a.AppliesTo.Principals, typeSite) {
		facts["principal.agreement"] = "self"
	}
	if r.category != "" {
		facts["resource.category"] = r.category
	} else if action == actionTranslate {
		facts["resource.category"] = "free-text"
	} else if slices.Contains(s.Actions[action].AppliesTo.Resources, typeProperty) {
		facts["resource.category"] = "technical"
	}
	for _, name := range slices.Sorted(maps.Keys(x.Set)) {
		if _, ok := base[name]; !ok {
			return finding{}, fmt.Errorf("%s is no fact of %s", name, baselineFile)
		}
		facts[name] = x.Set[name]
	}
	for _, name := range x.Drop {
		if _, ok := facts[name]; !ok {
			return finding{}, fmt.Errorf("%s is no fact of %s", name, baselineFile)
		}
		delete(facts, name)
	}
	e, err := entitiesOf(facts, s.Actions[action])
	if err != nil {
		return finding{}, err
	}
	t.facts = e
	t.between = &peerFacts{sender: text(facts["principal.sender"]), country: text(facts["principal.country"]), places: texts(facts["principal.places"])}
	return b.judge(t), nil
}

// endOfTime is when the examples are judged: who ever left a region has left it.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// text returns a written fact that is a text, or "".
func text(v any) string {
	s, _ := v.(string)
	return s
}

// texts returns the texts of a written fact that is a set.
func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, x := range list {
		out = append(out, text(x))
	}
	return out
}

// entitiesOf builds the two entities of a request from written facts.
func entitiesOf(facts map[string]any, a resolved.Action) (*entities, error) {
	attrs := map[string]types.RecordMap{"principal": {}, "resource": {}}
	for name, value := range facts {
		side, attr, ok := strings.Cut(name, ".")
		if !ok || attrs[side] == nil {
			return nil, fmt.Errorf("%q is not the name of a fact: write principal.x or resource.x", name)
		}
		v, err := cedarValue(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		attrs[side][types.String(attr)] = v
	}
	return &entities{
		principal: types.Entity{UID: types.NewEntityUID(a.AppliesTo.Principals[0], "example"), Attributes: types.NewRecord(attrs["principal"])},
		resource:  types.Entity{UID: types.NewEntityUID(a.AppliesTo.Resources[0], "it"), Attributes: types.NewRecord(attrs["resource"])},
	}, nil
}

// cedarValue turns a YAML value into a fact.
func cedarValue(v any) (types.Value, error) {
	switch v := v.(type) {
	case string:
		return types.String(v), nil
	case bool:
		return types.Boolean(v), nil
	case int:
		return types.Long(v), nil
	case int64:
		return types.Long(v), nil
	case uint64:
		if v > 1<<62 {
			return nil, fmt.Errorf("%d is too large", v)
		}
		return types.Long(v), nil
	case []any:
		out := make([]types.Value, 0, len(v))
		for _, e := range v {
			x, err := cedarValue(e)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return types.NewSet(out...), nil
	}
	return nil, fmt.Errorf("a %T is no fact", v)
}

// readsUnknown reports whether the rule asks a fact that can be unknown.
func (r *rule) readsUnknown() bool {
	words := vocabularies()
	return slices.ContainsFunc(r.reads, func(name string) bool { return words[name].unknown != "" })
}

// readsSet reports whether the rule asks a fact that is a set.
func (r *rule) readsSet(s *resolved.Schema) bool {
	return slices.ContainsFunc(r.reads, func(name string) bool {
		side, attr, _ := strings.Cut(name, ".")
		shape := s.Entities[typePeer].Shape
		if side == "resource" {
			shape = s.Entities[typeObject].Shape
		}
		_, ok := shape[types.String(attr)].Type.(resolved.SetType)
		return ok
	})
}
