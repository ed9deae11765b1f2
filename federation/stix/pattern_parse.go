package stix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// parser is a recursive-descent parser over the grammar of STIX 2.1 §9. After
// the first error every method returns at once. Without a pattern to fill it
// builds nothing, and only says what it met.
type parser struct {
	lex         lexer
	tok         token
	pattern     *Pattern
	comparisons int
	values      int
	persons     bool // a comparison is about what identifies a person
	err         error
}

// all reads the whole pattern.
func (p *parser) all() *observation {
	if n := len(p.lex.text); n > maxPatternBytes {
		p.err = federation.Refuse(federation.TooLarge, "pattern", fmt.Sprintf("%d bytes, at most %d are read", n, maxPatternBytes))
		return nil
	}
	p.next()
	root := p.observations(0)
	if p.err == nil && p.tok.kind != tokEnd {
		p.fail("the pattern should end here, not go on with %s", p.tok.show())
	}
	return root
}

// builds reports whether what is read is kept.
func (p *parser) builds() bool { return p.pattern != nil }

// next moves to the next token.
func (p *parser) next() {
	if p.err != nil {
		return
	}
	p.tok = p.lex.next()
	if p.tok.kind == tokBad {
		p.fail("%s", p.tok.text)
	}
}

// fail records the first error, at the current token.
func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = federation.Refuse(federation.Malformed, fmt.Sprintf("pattern byte %d", p.tok.at), fmt.Sprintf(format, args...))
	}
	p.tok = token{kind: tokEnd, at: p.tok.at}
}

// over records that a bound is exceeded.
func (p *parser) over(what string, most int) {
	if p.err == nil {
		p.err = federation.Refuse(federation.TooLarge, "pattern", fmt.Sprintf("more than %d %s", most, what))
	}
	p.tok = token{kind: tokEnd, at: p.tok.at}
}

// take moves past a token if it is there.
func (p *parser) take(text string) bool {
	if p.err != nil || !p.tok.is(text) {
		return false
	}
	p.next()
	return true
}

// expect moves past a token that has to be there.
func (p *parser) expect(text string) {
	if p.err == nil && !p.take(text) && p.err == nil {
		p.fail("%q is missing before %s", text, p.tok.show())
	}
}

// observations reads expressions joined by FOLLOWEDBY, which binds loosest,
// then OR, then AND (§9.5.1).
func (p *parser) observations(depth int) *observation {
	return p.joined("FOLLOWEDBY", func() *observation {
		return p.joined("OR", func() *observation {
			return p.joined("AND", func() *observation { return p.observation(depth) })
		})
	})
}

func (p *parser) joined(op string, part func() *observation) *observation {
	first := part()
	if p.err != nil || !p.tok.is(op) {
		return first
	}
	if !p.builds() {
		for p.take(op) {
			part()
		}
		return nil
	}
	all := []*observation{first}
	for p.take(op) {
		all = append(all, part())
	}
	return &observation{op: op, parts: all}
}

// observation reads one bracketed or parenthesised expression with its
// qualifiers.
func (p *parser) observation(depth int) *observation {
	var o observation
	switch {
	case p.err != nil:
		return nil
	case depth == maxPatternDepth:
		p.over("levels of parentheses", maxPatternDepth)
		return nil
	case p.take("["):
		o.test = p.comparisonOr(depth)
		p.expect("]")
	case p.take("("):
		inner := p.observations(depth + 1)
		p.expect(")")
		o.op = "OR"
		if p.builds() {
			o.parts = []*observation{inner} // of its own, for its qualifiers
		}
	default:
		p.fail("an observation begins with [ or (, not with %s", p.tok.show())
		return nil
	}
	for p.err == nil {
		q := p.qualifier()
		if q == "" {
			break
		}
		if slices.Contains(o.qualifiers, q) {
			p.fail("%s twice on one observation", q)
		}
		o.qualifiers = append(o.qualifiers, q)
	}
	if !p.builds() {
		return nil
	}
	built := o // apart, so that only what is kept costs memory
	return &built
}

// qualifier reads one qualifier (§9.5.2) and returns its name, "" if there is
// none.
func (p *parser) qualifier() string {
	switch {
	case p.take("WITHIN"):
		p.positive("WITHIN", true)
		p.expect("SECONDS")
		return "WITHIN"
	case p.take("REPEATS"):
		p.positive("REPEATS", false)
		p.expect("TIMES")
		return "REPEATS"
	case p.take("START"):
		p.timestamp("START")
		p.expect("STOP")
		p.timestamp("STOP")
		return "START"
	}
	return ""
}

func (p *parser) positive(of string, fraction bool) {
	ok := p.tok.kind == tokInt || (fraction && p.tok.kind == tokFloat)
	if !ok || strings.HasPrefix(p.tok.text, "-") || strings.Trim(p.tok.text, "+0.") == "" {
		p.fail("%s needs a number above 0, not %s", of, p.tok.show())
	}
	p.next()
}

func (p *parser) timestamp(of string) {
	if p.tok.kind != tokTime {
		p.fail("%s needs a timestamp such as t'2026-01-06T12:00:00Z', not %s", of, p.tok.show())
	}
	p.next()
}

// comparisonOr reads comparisons joined by OR, which binds looser than AND.
func (p *parser) comparisonOr(depth int) *expression {
	return p.joinedTests("OR", func() *expression {
		return p.joinedTests("AND", func() *expression { return p.comparison(depth) })
	})
}

func (p *parser) joinedTests(op string, part func() *expression) *expression {
	first := part()
	if p.err != nil || !p.tok.is(op) {
		return first
	}
	if !p.builds() {
		for p.take(op) {
			part()
		}
		return nil
	}
	all := []*expression{first}
	for p.take(op) {
		all = append(all, part())
	}
	return &expression{op: op, parts: all}
}

// comparison reads one comparison or a parenthesised expression.
func (p *parser) comparison(depth int) *expression {
	switch {
	case p.err != nil:
		return nil
	case depth == maxPatternDepth:
		p.over("levels of parentheses", maxPatternDepth)
		return nil
	case p.take("("):
		e := p.comparisonOr(depth + 1)
		p.expect(")")
		return e
	}
	if p.comparisons == maxPatternComparisons {
		p.over("comparisons", maxPatternComparisons)
		return nil
	}
	var c Comparison
	before := p.take("NOT")
	if p.take("EXISTS") {
		p.path(&c)
		c.Op, c.Negated = "EXISTS", before
	} else if before {
		p.fail("NOT stands after the path, or before EXISTS")
	} else {
		p.path(&c)
		c.Negated = p.take("NOT")
		p.operation(&c)
	}
	p.comparisons++
	if !p.builds() {
		return nil
	}
	p.pattern.comparisons = append(p.pattern.comparisons, c)
	return &expression{leaf: p.comparisons - 1}
}

// path reads an object path: type, colon, steps (§9.7).
func (p *parser) path(c *Comparison) {
	if p.tok.kind != tokWord {
		p.fail("an object type is needed, not %s", p.tok.show())
	}
	switch c.ObjectType = p.tok.text; c.ObjectType {
	case "email-addr", "email-message", "user-account":
		p.persons = true
	}
	p.next()
	p.expect(":")
	var b strings.Builder
	for first := true; p.err == nil; first = false {
		switch {
		case first, p.take("."):
			if !first {
				p.write(&b, ".")
			}
			p.step(&b)
		case p.take("["):
			p.index(&b)
		default:
			c.Path = b.String()
			return
		}
	}
}

// write adds to a path, where one is kept.
func (p *parser) write(b *strings.Builder, text string) {
	if p.builds() {
		b.WriteString(text)
	}
}

// step reads one name of a path.
func (p *parser) step(b *strings.Builder) {
	switch {
	case p.tok.kind == tokWord && !strings.Contains(p.tok.text, "-"):
		p.write(b, p.tok.text)
	case p.tok.kind == tokString && p.tok.text != "":
		if p.builds() && strings.ContainsAny(p.tok.text, ".[]'") {
			p.write(b, "'"+strings.ReplaceAll(p.tok.text, "'", `\'`)+"'")
		} else {
			p.write(b, p.tok.text)
		}
	default:
		p.fail("a property name is needed, not %s; one with a hyphen stands in quotes", p.tok.show())
	}
	if strings.Contains(p.tok.text, "creator_user_ref") || strings.Contains(p.tok.text, "belongs_to_ref") {
		p.persons = true
	}
	p.next()
}

// index reads a list index up to its bracket.
func (p *parser) index(b *strings.Builder) {
	if p.tok.kind != tokInt && !p.tok.is("*") {
		p.fail("a list index is a number or *, not %s", p.tok.show())
	}
	if p.builds() {
		p.write(b, "["+p.tok.text+"]")
	}
	p.next()
	p.expect("]")
}

// operation reads the operator and the constants of a comparison.
func (p *parser) operation(c *Comparison) {
	if p.err != nil {
		return
	}
	op := p.tok.text
	switch {
	case p.take("="), p.take("!="):
		p.constant(c, true)
	case p.take("<"), p.take("<="), p.take(">"), p.take(">="):
		p.constant(c, false)
	case p.take("IN"):
		p.set(c)
	case p.take("LIKE"), p.take("MATCHES"), p.take("ISSUBSET"), p.take("ISSUPERSET"):
		if p.err == nil && p.tok.kind != tokString {
			p.fail("%s needs a string, not %s", op, p.tok.show())
		}
		p.constant(c, false)
	default:
		p.fail("a comparison operator is needed, not %s", p.tok.show())
	}
	c.Op = op
}

// constant reads one constant; booleans have no order.
func (p *parser) constant(c *Comparison, boolean bool) {
	switch p.tok.kind {
	case tokString, tokInt, tokFloat, tokHex, tokBinary, tokTime:
	default:
		if !boolean || !(p.tok.is("true") || p.tok.is("false")) {
			p.fail("a constant is needed, not %s", p.tok.show())
		}
	}
	if p.values++; p.values > maxPatternValues {
		p.over("constants", maxPatternValues)
		return
	}
	if p.builds() {
		c.Values = append(c.Values, p.tok.text)
	}
	p.next()
}

// set reads the constants of IN.
func (p *parser) set(c *Comparison) {
	p.expect("(")
	if p.take(")") {
		return
	}
	for p.err == nil {
		p.constant(c, true)
		if p.take(")") {
			return
		}
		p.expect(",")
	}
}
