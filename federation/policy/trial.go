package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// trial runs examples: each changes a few facts of the ordinary request, so
// what it leaves as it is is made once.
type trial struct {
	b      *Bundle
	schema *resolved.Schema
	base   map[string]types.RecordMap // by side: principal, resource
	made   map[string]types.Record    // by side and what the action alone changes
	asked  map[string][]*rule         // by action and parties
}

// newTrial reads the ordinary request.
func (b *Bundle) newTrial(facts map[string]any, s *resolved.Schema) (*trial, error) {
	t := &trial{b: b, schema: s, base: map[string]types.RecordMap{"principal": {}, "resource": {}},
		made: map[string]types.Record{}, asked: map[string][]*rule{}}
	return t, t.put(t.base, facts)
}

// put writes facts into the two sides of a request.
func (t *trial) put(sides map[string]types.RecordMap, facts map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		side, attr, ok := strings.Cut(name, ".")
		if !ok || sides[side] == nil {
			return fmt.Errorf("%q is not the name of a fact: write principal.x or resource.x", name)
		}
		v, err := cedarValue(facts[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		sides[side][types.String(attr)] = v
	}
	return nil
}

// has checks that an example changes a fact that there is.
func (t *trial) has(name string) error {
	side, attr, _ := strings.Cut(name, ".")
	if _, ok := t.base[side][types.String(attr)]; !ok {
		return fmt.Errorf("%s is no fact of %s", name, baselineFile)
	}
	return nil
}

// try evaluates one example.
func (t *trial) try(r *rule, x example, into *Trial) (finding, error) {
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
	into.Action, into.action = string(action.ID), action
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(x.Set)), x.Drop) {
		if err := t.has(name); err != nil {
			return finding{}, err
		}
	}
	e := &entities{}
	for side, to := range map[string]*types.Record{"principal": &e.principal.Attributes, "resource": &e.resource.Attributes} {
		record, err := t.record(side, t.implied(side, r, action), x)
		if err != nil {
			return finding{}, err
		}
		*to = record
	}
	applies := t.schema.Actions[action].AppliesTo
	e.principal.UID, e.resource.UID = types.NewEntityUID(applies.Principals[0], "example"), types.NewEntityUID(applies.Resources[0], "it")
	kept := *e // evaluate writes to what it is given
	into.facts = &kept
	return t.b.evaluate(action, e, t.rules(action, e.principal.Attributes)), nil
}

// implied returns the fact that an action changes by itself, with its value;
// "" for none.
func (t *trial) implied(side string, r *rule, action types.EntityUID) [2]string {
	applies := t.schema.Actions[action].AppliesTo
	switch {
	case side == "principal" && slices.Contains(applies.Principals, typeSite):
		return [2]string{"agreement", "self"}
	case side == "principal":
	case r.category != "":
		return [2]string{"category", r.category}
	case action == actionTranslate:
		return [2]string{"category", "free-text"}
	case slices.Contains(applies.Resources, typeProperty):
		return [2]string{"category", "technical"}
	}
	return [2]string{}
}

// record returns one side of an example's request.
func (t *trial) record(side string, implied [2]string, x example) (types.Record, error) {
	key := side + " " + implied[0] + " " + implied[1]
	set, drop := map[string]any{}, 0
	for name, v := range x.Set {
		if strings.HasPrefix(name, side+".") {
			set[name] = v
		}
	}
	facts := maps.Clone(t.base[side])
	if implied[0] != "" {
		facts[types.String(implied[0])] = types.String(implied[1])
	}
	if err := t.put(map[string]types.RecordMap{side: facts}, set); err != nil {
		return types.Record{}, err
	}
	for _, name := range x.Drop {
		if attr, ok := strings.CutPrefix(name, side+"."); ok {
			delete(facts, types.String(attr))
			drop++
		}
	}
	if made, ok := t.made[key]; ok && len(set)+drop == 0 {
		return made, nil
	}
	record := types.NewRecord(facts)
	if len(set)+drop == 0 {
		t.made[key] = record
	}
	return record, nil
}

// endOfTime is when the examples are judged: who ever left a region has left it.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// partiesOf reads from written facts who sends to whom: what says which rules are
// asked.
func partiesOf(principal types.Record) *peerFacts {
	p := &peerFacts{}
	for name, to := range map[types.String]*string{"sender": &p.sender, "country": &p.country} {
		v, _ := principal.Get(name)
		s, _ := v.(types.String)
		*to = string(s)
	}
	v, _ := principal.Get("places")
	places, _ := v.(types.Set)
	for place := range places.All() {
		s, _ := place.(types.String)
		p.places = append(p.places, string(s))
	}
	slices.Sort(p.places)
	return p
}

// rules returns the rules asked of an example's parties, whatever the date.
func (t *trial) rules(action types.EntityUID, principal types.Record) []*rule {
	p := partiesOf(principal)
	key := string(action.ID) + " " + p.sender + " " + p.country + " " + strings.Join(p.places, " ")
	rules, ok := t.asked[key]
	if !ok {
		rules = t.b.law.reachedBy(t.b.asked[action], p, endOfTime, new(span))
		t.asked[key] = rules
	}
	return rules
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
