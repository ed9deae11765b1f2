package scheme

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

var idForm = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)

// addScheme compiles one scheme.
func (c *compiler) addScheme(s at[schemeYAML]) {
	y := s.V
	l := &ladder{
		Scheme: Scheme{
			ID: y.ID.V, Body: y.Body, Family: y.Family, Authority: y.Authority,
			Notes: y.Notes, Sources: c.cite(y.Sources), Where: c.row(s.Line),
		},
		index:  len(c.ladders),
		adds:   map[string]addition{},
		byCode: map[string]int{},
		labels: map[string]reading{},
		exact:  map[string]reading{},
	}
	if !idForm.MatchString(l.ID) {
		c.problem(s.Line, s.Col, "a scheme id such as de-vs is needed, in small letters; %q is none", l.ID)
		return
	}
	if first := c.byID[l.ID]; first != nil {
		c.problem(y.ID.Line, y.ID.Col, "scheme %s is defined in %s too; keep one", l.ID, first.Where)
		return
	}
	l.Axis = c.axis(y.Axis)
	l.Country = c.country(s, l.Axis)
	l.Edition = c.date(y.Edition)
	l.From, l.Until = c.period(y.From, y.To)
	if y.Verified == nil {
		c.problem(s.Line, s.Col, "scheme %s does not say whether it is verified; write verified: true or false", l.ID)
	} else {
		l.Verified = *y.Verified
	}
	if len(y.Sources) == 0 {
		c.problem(s.Line, s.Col, "scheme %s cites no source", l.ID)
	}
	c.addRungs(l, s)
	c.addWords(l, y)
	c.addCaveats(l, y)
	c.codesAreNoOthersLabels(l, s)
	if y.Replaces.Line != 0 {
		l.Replaces = y.Replaces.V
		c.replace = append(c.replace, replacement{c.where(y.Replaces.Line, y.Replaces.Col), l})
	}
	c.ladders = append(c.ladders, l)
	c.byID[l.ID] = l
}

// axis reads the axis; secrecy when none is given.
func (c *compiler) axis(a at[string]) Axis {
	switch axis := Axis(a.V); {
	case a.Line == 0:
		return Secrecy
	case axis == Secrecy || axis == Audience || axis == Use:
		return axis
	}
	c.problem(a.Line, a.Col, "unknown axis %q; write secrecy, audience or use", a.V)
	return Secrecy
}

// truthWords are the plain texts that a YAML 1.1 reader takes for true or
// false. Norway is one of them (trap T17).
var truthWords = []string{"y", "n", "yes", "no", "on", "off", "true", "false"}

// country checks that the scheme belongs to a country or to an organisation.
func (c *compiler) country(s at[schemeYAML], axis Axis) string {
	k := s.V.Country
	switch {
	case k.Line == 0 && s.V.Body == "":
		c.problem(s.Line, s.Col, "scheme %s belongs to nobody; write country: CC, or body: NAME for an organisation", s.V.ID.V)
		return ""
	case k.Line == 0:
		return ""
	case s.V.Body != "":
		c.problem(k.Line, k.Col, "scheme %s has both a country and a body; keep one", s.V.ID.V)
	case axis != Secrecy:
		c.problem(k.Line, k.Col, "a scheme of axis %s has a body, not a country", axis)
	case !k.Quoted && slices.Contains(truthWords, strings.ToLower(k.V)):
		c.problem(k.Line, k.Col, "plain %s is a truth value to many YAML readers; write it in quotes: \"NO\" for Norway", k.V)
	case k.V == "EU":
	default:
		r, err := language.ParseRegion(k.V)
		if err != nil || !r.IsCountry() || r.Canonicalize().String() != k.V {
			c.problem(k.Line, k.Col, "%q is no ISO 3166-1 alpha-2 code; write two capital letters such as DE, or EU", k.V)
		}
	}
	return k.V
}

// addRungs compiles the ladder itself.
func (c *compiler) addRungs(l *ladder, s at[schemeYAML]) {
	if len(s.V.Levels) == 0 {
		c.problem(s.Line, s.Col, "scheme %s has no levels", l.ID)
	}
	for _, y := range s.V.Levels {
		rank := len(l.Rungs) + 1
		var texts []string
		for _, w := range y.V.Label {
			texts = append(texts, w.Text)
		}
		r := Rung{
			Code: y.V.Code.V, Label: strings.Join(texts, "/"), Means: y.V.Means,
			Handling: y.V.HandlingWord, Where: c.row(y.Line),
		}
		r.From, r.Until = c.period(y.V.From, y.V.To)
		c.inside(y.V.From, y.V.To, r.From, r.Until, l.From, l.Until, "the level "+r.Code, "scheme "+l.ID)
		c.cite(y.V.Sources)
		for _, a := range y.V.Also {
			r.Also = append(r.Also, a.V)
		}
		switch first := l.byCode[r.Code]; {
		case r.Code == "":
			c.problem(y.Line, y.Col, "a level of %s has no code", l.ID)
		case r.Code == noEquivalent:
			c.problem(y.V.Code.Line, y.V.Code.Col, "a level cannot have the code %q, which tables use for no equivalent", noEquivalent)
		case first != 0:
			c.problem(y.V.Code.Line, y.V.Code.Col, "code %s stands in %s too; each rung has its own", r.Code, l.rung(first).Where)
		case len(texts) == 0:
			c.problem(y.Line, y.Col, "level %s has no label; write label: {LANGUAGE: MARK}", r.Code)
		}
		l.byCode[r.Code] = rank
		l.Rungs = append(l.Rungs, r)
		texts = append(texts, r.Label)
		texts = append(texts, r.Also...)
		for _, text := range texts {
			c.addLabel(l, y.Line, y.Col, text, reading{rank: rank})
		}
	}
}

// codesAreNoOthersLabels refuses a code that reads as the label of another
// rung: where both may be written, they must mean the same.
func (c *compiler) codesAreNoOthersLabels(l *ladder, s at[schemeYAML]) {
	for i, r := range l.Rungs {
		if other, ok := l.find(r.Code); ok && other.rank != i+1 {
			c.problem(s.Line, s.Col, "the code %s of %s is also another word of the scheme; choose another code", r.Code, l.ID)
		}
	}
}

// addWords compiles the words that are no rungs.
func (c *compiler) addWords(l *ladder, y schemeYAML) {
	for _, w := range y.NotClassified {
		l.NotClassified = append(l.NotClassified, w.V.Word)
		c.cite(w.V.Sources)
		for _, text := range append([]string{w.V.Word}, w.V.Also...) {
			c.addLabel(l, w.Line, w.Col, text, reading{none: true})
		}
	}
	for _, w := range y.Incomplete {
		l.NeedsMore = append(l.NeedsMore, w.V.Word)
		c.addLabel(l, w.Line, w.Col, w.V.Word, reading{partial: &retired{note: w.V.Note}})
	}
	for _, w := range y.Retired {
		c.date(w.V.Until)
		l.Retired = append(l.Retired, w.V.Word)
		c.addLabel(l, w.Line, w.Col, w.V.Word, reading{retired: &retired{until: w.V.Until.V, note: w.V.Note}})
	}
}

// addLabel makes a spelling known. Two different meanings of one spelling in
// one scheme are refused.
func (c *compiler) addLabel(l *ladder, line, col int, text string, r reading) {
	n, ok := normal(text)
	if !ok {
		c.problem(line, col, "a label of %s is empty, too long or not UTF-8: %q", l.ID, text)
		return
	}
	if word := mixedScripts(text); word != "" {
		c.problem(line, col, "%q mixes letters of two alphabets that look alike; write %s in one, for only the exact label is known (A8)", text, word)
		return
	}
	if old, ok := l.labels[n]; ok && old != r {
		c.problem(line, col, "%q already has another meaning in %s; a label names one thing", text, l.ID)
		return
	}
	l.labels[n] = r
	for _, usual := range []string{text, n, strings.ToUpper(text), strings.ToLower(text)} {
		if m, ok := normal(usual); ok && m == n {
			l.exact[usual] = r
		}
	}
}
