package stix

import (
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// Bounds of a pattern: its length in bytes, how deep parentheses nest, how
// many comparisons it has and how many constants in all.
const (
	maxPatternBytes       = 128 << 10
	maxPatternDepth       = 32
	maxPatternComparisons = 4096
	maxPatternValues      = 8192
)

// Pattern is a parsed STIX pattern (STIX 2.1 §9).
type Pattern struct {
	root        *observation
	comparisons []Comparison
}

// Comparison is one comparison expression of a pattern (§9.6).
type Comparison struct {
	// ObjectType is the observable type, such as "ipv4-addr".
	ObjectType string
	// Path is the object path after the colon, such as "value",
	// "hashes.SHA-256" or "sections[*].entropy". Quotes around a step are
	// left out unless the step holds a dot, a bracket or a quote.
	Path string
	// Op is =, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET or
	// EXISTS; == and <> are given as = and !=.
	Op string
	// Negated says that NOT stands before it.
	Negated bool
	// Values are the constants without quotes, prefixes and escapes: one,
	// any number for IN, none for EXISTS.
	Values []string
}

// observation is a node of the tree of observation expressions (§9.5): a
// single bracketed expression, or an operator over two or more.
type observation struct {
	op         string // "", AND, OR or FOLLOWEDBY
	parts      []*observation
	test       *expression
	qualifiers []string // REPEATS, WITHIN, START
}

// expression is a node of the tree of comparison expressions in one pair of
// brackets.
type expression struct {
	op    string // "", AND or OR
	parts []*expression
	leaf  int // index of the comparison, when op is ""
}

// ParsePattern reads a STIX pattern, bounded in size and depth. The error is a
// *federation.Refusal that says at which byte.
func ParsePattern(s string) (*Pattern, error) {
	p := parser{lex: lexer{text: s}, pattern: new(Pattern)}
	p.pattern.root = p.all()
	if p.err != nil {
		return nil, p.err
	}
	return p.pattern, nil
}

// patternAboutPersons reports whether a pattern matches on what identifies a
// person. It reads the pattern as [ParsePattern] does, errors included, and keeps
// nothing of it.
func patternAboutPersons(s string) (bool, error) {
	p := parser{lex: lexer{text: s}}
	p.all()
	return p.persons, p.err
}

// Comparisons returns every comparison in the order written.
func (p *Pattern) Comparisons() []Comparison { return p.comparisons }

// Simple returns the comparisons of a pattern that a plain list of values can
// stand for without blocking more than the pattern matches, or a refusal that
// says why there is no such list. A list means "any of these, at any time", so
// alternatives are fine, and conditions beside the value are not, except one
// that only names the value's type and several hashes of one file.
func (p *Pattern) Simple() ([]Comparison, error) {
	out, why := p.list(p.root)
	if why != "" {
		return nil, federation.Refuse(federation.Unsupported, "pattern", "not exportable as a list: "+why)
	}
	return out, nil
}

// list returns what stands for an observation, or why nothing can.
func (p *Pattern) list(o *observation) ([]Comparison, string) {
	switch {
	case len(o.qualifiers) > 0:
		return nil, "it counts or times what is seen (" + o.qualifiers[0] + ")"
	case o.test != nil:
		out, why := p.listTest(o.test)
		if why == "" && len(out) == 0 {
			why = "it names a type but no value"
		}
		return out, why
	case o.op != "OR":
		return nil, "it needs several observations together (" + o.op + ")"
	}
	var out []Comparison
	for _, part := range o.parts {
		more, why := p.list(part)
		if why != "" {
			return nil, why
		}
		out = append(out, more...)
	}
	return out, ""
}

// listTest does the same for the expression in one pair of brackets. The
// result is empty for one that only names a type.
func (p *Pattern) listTest(e *expression) ([]Comparison, string) {
	values, types, why := p.gather(e)
	if why != "" {
		return nil, why
	}
	for _, t := range types {
		end := strings.TrimSuffix(t.Path, "type") // "dst_ref."
		if slices.ContainsFunc(values, func(c Comparison) bool { return c.ObjectType != t.ObjectType || c.Path != end+"value" }) {
			return nil, "it also asks for the type of something else (" + t.ObjectType + ":" + t.Path + ")"
		}
	}
	return values, ""
}

// gather splits an expression into the comparisons that give values and those
// that only name the type of the value.
func (p *Pattern) gather(e *expression) (values, types []Comparison, why string) {
	if e.op == "" {
		return listComparison(p.comparisons[e.leaf])
	}
	parts := 0
	for _, part := range e.parts {
		v, t, why := p.gather(part)
		switch {
		case why != "":
			return nil, nil, why
		case e.op == "OR" && len(t) > 0:
			return nil, nil, "an alternative in it depends on a type"
		}
		if len(v) > 0 {
			parts++
		}
		values, types = append(values, v...), append(types, t...)
	}
	if e.op == "AND" && parts > 1 && slices.ContainsFunc(values, notFileHash) {
		return nil, nil, "it needs several values together"
	}
	return values, types, ""
}

func notFileHash(c Comparison) bool {
	return c.ObjectType != "file" || !strings.HasPrefix(c.Path, "hashes.") || len(c.Values) != 1
}

// listComparison says what one comparison gives: a value, the type of a
// value, or why it is in no list.
func listComparison(c Comparison) (values, types []Comparison, why string) {
	where := c.ObjectType + ":" + c.Path
	switch {
	case c.Negated || c.Op == "!=":
		return nil, nil, "it says what must not be there (" + where + ")"
	case namesType(c):
		return nil, []Comparison{c}, ""
	case !listPath(c):
		return nil, nil, "no list holds " + where
	case c.Op == "ISSUBSET" && (c.ObjectType == "ipv4-addr" || c.ObjectType == "ipv6-addr" || c.ObjectType == "network-traffic"):
		return []Comparison{c}, nil, ""
	case c.Op == "=", c.Op == "IN" && len(c.Values) > 0:
		return []Comparison{c}, nil, ""
	}
	return nil, nil, "a list cannot express " + c.Op + " (" + where + ")"
}

// namesType reports whether a comparison only says of which type the far end
// of a connection is, which its value says as well.
func namesType(c Comparison) bool {
	if c.ObjectType != "network-traffic" || c.Op != "=" || (c.Path != "dst_ref.type" && c.Path != "src_ref.type") {
		return false
	}
	switch c.Values[0] {
	case "ipv4-addr", "ipv6-addr", "domain-name":
		return true
	}
	return false
}

// listPath reports whether lists exist for the values at a path.
func listPath(c Comparison) bool {
	switch c.ObjectType {
	case "ipv4-addr", "ipv6-addr", "domain-name", "url":
		return c.Path == "value"
	case "network-traffic":
		return c.Path == "dst_ref.value" || c.Path == "src_ref.value"
	case "file":
		return strings.HasPrefix(c.Path, "hashes.")
	}
	return false
}
