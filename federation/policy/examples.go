package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

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
	runner, err := b.newTrial(base.Facts, s)
	if err != nil {
		return nil, doc.errorf("$.facts", "%s", err)
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
			some, err := runner.tryRule(x, bad)
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
func (t *trial) tryRule(x examples, bad func(error) error) ([]Trial, error) {
	r := t.b.byID(x.Rule)
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
		{"unknown", r.readsUnknown(), x.Unknown}, {"empty", r.readsSet(t.schema), x.Empty},
	} {
		if group.must && len(group.cases) == 0 {
			errs = append(errs, bad(fmt.Errorf("rule %s has no %s example", r.id, group.kind)))
		}
		for i, c := range group.cases {
			one := Trial{Rule: r.id, Kind: group.kind, N: i + 1}
			found, err := t.try(r, c, &one)
			if err == nil {
				one.Found = found.words()
				if r.permit && group.kind == "allow" && len(found.forbids) > 0 {
					// The engine names no permission beside what denies.
					alone := *one.facts
					found.permits = t.b.evaluate(one.action, &alone, []*rule{r}).permits
				}
				err = found.expect(group.kind, r)
			}
			if err != nil {
				one.Fault = err.Error()
				one.fault = bad(fmt.Errorf("rule %s, %s example %d: %w", r.id, group.kind, i+1, err))
			}
			trials = append(trials, one)
		}
	}
	if err := t.gates(r, x.Allow); err != nil {
		errs = append(errs, bad(err))
	}
	return trials, errors.Join(errs...)
}

// expect compares what the engine found with what a kind of example means. An
// example is about its own rule: what other rules say to the same question is
// not judged, or no operator could add a rule that denies what the examples of
// others allow.
func (f finding) expect(kind string, r *rule) error {
	permits, forbids := slices.Contains(f.permits, r), slices.Contains(f.forbids, r)
	switch {
	case kind == "missing" && len(f.faults) == 0:
		return errors.New("a fact is missing, and yet the rules were asked")
	case kind == "missing":
		return nil
	case len(f.faults) > 0:
		return fmt.Errorf("the engine failed: %s", f.faults[0].message)
	case kind == "allow" && r.permit && !permits:
		return fmt.Errorf("it is allowed by %s, not by this rule", names(f.permits, "nothing"))
	case kind == "allow" && forbids:
		return errors.New("it is denied by this rule")
	case kind == "allow":
		return nil
	case permits:
		return errors.New("this rule permits it")
	case !r.permit && !forbids && len(r.jurisdiction) > 0:
		return fmt.Errorf("%s, not by this rule, which is asked only in %s: set principal.sender or principal.country",
			f.words(), strings.Join(r.jurisdiction, ", "))
	case !r.permit && !forbids:
		return fmt.Errorf("%s, not by this rule", f.words())
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
