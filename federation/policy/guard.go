package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// guard checks what Cedar's own validator lets pass and what would make a rule
// fail open: `has` on a fact, a word outside a fact's closed list, a
// permission that does not say what it allows.
func (r *rule) guard() []error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: rule %q: %s", r.where(), r.id, fmt.Sprintf(format, args...)))
	}
	p := (*ast.Policy)(r.policy.AST())
	words := vocabularies()
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeHas, ast.NodeTypeHasTag, ast.NodeTypeGetTag:
				bad("`has` and tags are not allowed: every fact is present, and a rule that asks whether one is would be skipped where it is not")
			case ast.NodeTypeEquals:
				checkWord(bad, words, n.Left, n.Right)
			case ast.NodeTypeNotEquals:
				checkWord(bad, words, n.Left, n.Right)
			case ast.NodeTypeContains:
				checkContains(bad, words, n.Left, n.Right)
			case ast.NodeTypeContainsAny:
				checkContains(bad, words, n.Left, n.Right)
			case ast.NodeTypeContainsAll:
				checkContains(bad, words, n.Left, n.Right)
			case ast.NodeTypeLike:
				if _, closed := words[factName(n.Arg)]; closed {
					bad("`like` on %s: compare with one of its words instead", factName(n.Arg))
				}
			}
			return true
		})
	}
	if r.permit {
		r.scope(p, bad)
	}
	return errs
}

// scope reads what a permission allows from its conditions: one `when` must
// say, and say alone, the category (for properties) or whether classified
// objects are meant (for objects). That is how the loader knows which
// permissions need a review, whatever their author calls them.
func (r *rule) scope(p *ast.Policy, bad func(string, ...any)) {
	property, object := false, false
	for _, a := range r.actions {
		switch string(a.ID) {
		case "disclose", "translate":
			property = true
		default:
			object = true
		}
	}
	if property && object {
		bad("a permit may not allow both objects and properties")
		return
	}
	found := 0
	for _, c := range p.Conditions {
		eq, ok := c.Body.(ast.NodeTypeEquals)
		if !ok || c.Condition != ast.ConditionWhen {
			continue
		}
		name, v := factName(eq.Left), literal(eq.Right)
		switch {
		case property && name == "resource.category":
			if s, ok := v.(types.String); ok {
				r.category, found = string(s), found+1
			}
		case object && name == "resource.restricted":
			if b, ok := v.(types.Boolean); ok {
				r.category, r.restricted, found = "object", bool(b), found+1
			}
		}
	}
	switch {
	case found == 1:
	case property:
		bad("a permit of properties needs a condition of its own `when { resource.category == \"...\" }`")
	default:
		bad("a permit of objects needs a condition of its own `when { resource.restricted == true }` or `== false`")
	}
}

// checkWord checks a comparison of a closed fact with a literal.
func checkWord(bad func(string, ...any), words map[string]vocabulary, a, b ast.IsNode) {
	for range 2 {
		if v, closed := words[factName(a)]; closed {
			if s, ok := literal(b).(types.String); ok && !slices.Contains(v.words, string(s)) {
				bad("%s is never %q: its words are %s", factName(a), string(s), strings.Join(v.words, ", "))
			}
		}
		a, b = b, a
	}
}

// checkContains checks `fact.contains("word")` and `["word"].contains(fact)`.
func checkContains(bad func(string, ...any), words map[string]vocabulary, set, item ast.IsNode) {
	for _, pair := range [...][2]ast.IsNode{{set, item}, {item, set}} {
		name := factName(pair[0])
		v, closed := words[name]
		if !closed {
			continue
		}
		for _, s := range literals(pair[1]) {
			if !slices.Contains(v.words, s) {
				bad("%s is never %q: its words are %s", name, s, strings.Join(v.words, ", "))
			}
		}
	}
}

// literal returns the value of a literal node, or nil.
func literal(n ast.IsNode) types.Value {
	if v, ok := n.(ast.NodeValue); ok {
		return v.Value
	}
	return nil
}

// literals returns the strings of a literal or of a set of literals.
func literals(n ast.IsNode) []string {
	var out []string
	switch n := n.(type) {
	case ast.NodeTypeSet:
		for _, e := range n.Elements {
			out = append(out, literals(e)...)
		}
	case ast.NodeValue:
		switch v := n.Value.(type) {
		case types.String:
			out = append(out, string(v))
		case types.Set:
			for e := range v.All() {
				if s, ok := e.(types.String); ok {
					out = append(out, string(s))
				}
			}
		}
	}
	return out
}

// factName returns "principal.x" or "resource.x" for an attribute of one of
// the two, else "".
func factName(n ast.IsNode) string {
	a, ok := n.(ast.NodeTypeAccess)
	if !ok {
		return ""
	}
	v, ok := a.Arg.(ast.NodeTypeVariable)
	if !ok {
		return ""
	}
	return string(v.Name) + "." + string(a.Value)
}

// factsRead lists the facts that a policy's conditions ask, sorted.
func factsRead(p *ast.Policy) []string {
	var out []string
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			if name := factName(n); name != "" {
				out = append(out, name)
			}
			return true
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// actionsOf lists the requests a policy's scope covers: its action, or every
// action below its group.
func actionsOf(p *ast.Policy, s *resolved.Schema) []cedar.EntityUID {
	var out []cedar.EntityUID
	for uid, a := range s.Actions {
		if a.AppliesTo == nil {
			continue // a group, never asked itself
		}
		hit := false
		switch sc := p.Action.(type) {
		case ast.ScopeTypeAll:
			hit = true
		case ast.ScopeTypeEq:
			hit = sc.Entity == uid
		case ast.ScopeTypeIn:
			hit = below(s, uid, sc.Entity)
		case ast.ScopeTypeInSet:
			hit = slices.ContainsFunc(sc.Entities, func(e types.EntityUID) bool { return below(s, uid, e) })
		}
		if hit {
			out = append(out, uid)
		}
	}
	slices.SortFunc(out, func(a, b cedar.EntityUID) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// below reports whether an action is another or belongs to its group. The
// schema's resolver refuses cycles.
func below(s *resolved.Schema, a, group types.EntityUID) bool {
	if a == group {
		return true
	}
	for parent := range s.Actions[a].Entity.Parents.All() {
		if below(s, parent, group) {
			return true
		}
	}
	return false
}
