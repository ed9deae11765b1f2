package scheme

import (
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/entente-relay/entente/mapping"
)

// addition is what a word beside the level means in a scheme.
type addition struct {
	list     bool // the countries follow the word
	handling mapping.Handling
}

// addCaveats compiles the words that stand beside a level.
func (c *compiler) addCaveats(l *ladder, y schemeYAML) {
	for _, w := range y.Caveats {
		k, h := c.caveat(w), mapping.Handling{PersonalData: w.V.Personal}
		switch {
		case len(k.Only) > 0 && (k.Nobody || k.List) || k.Nobody && k.List:
			c.problem(w.Line, w.Col, "caveat %s has more than one of only, nobody and list; keep one", k.Word)
		case k.Nobody:
			h.Releasable = mapping.SetOf()
		case len(k.Only) > 0:
			h.Releasable = mapping.SetOf(k.Only...)
		}
		if k.Person = k.Person || !k.Nobody && !k.List && !k.Personal && len(k.Only) == 0; k.Person {
			h.Caveats = []string{strings.ToUpper(k.Word)}
		}
		l.Caveats = append(l.Caveats, k)
		c.addAddition(l, w, addition{k.List, h})
	}
	for _, w := range y.Compartments {
		k := c.caveat(w)
		if len(k.Only) > 0 || k.Nobody || k.List || k.Personal || k.Person {
			c.problem(w.Line, w.Col, "compartment %s says who may have it; a recipient is read into it or not, so write the word alone", k.Word)
		}
		k.Regime = true
		l.Compartments = append(l.Compartments, k)
		c.addAddition(l, w, addition{handling: mapping.Handling{Compartments: []string{k.Word}}})
	}
}

// caveat compiles one word.
func (c *compiler) caveat(w at[caveatYAML]) Caveat {
	k := Caveat{Word: w.V.Word, Also: w.V.Also, Means: w.V.Means, Nobody: w.V.Nobody, List: w.V.List,
		Personal: w.V.Personal, Person: w.V.Person, Sources: c.cite(w.V.Sources), Where: c.row(w.Line)}
	for _, to := range w.V.Only {
		if !isCountry(to.V) {
			c.problem(to.Line, to.Col, "%q is no ISO 3166-1 alpha-2 code; write two capital letters such as DE", to.V)
		}
		k.Only = append(k.Only, to.V)
	}
	return k
}

// addAddition makes the spellings of a word known. One that is a level too, or
// means something else already, is refused: of two meanings the wider would be
// a guess.
func (c *compiler) addAddition(l *ladder, w at[caveatYAML], a addition) {
	for _, text := range append([]string{w.V.Word}, w.V.Also...) {
		n, ok := normal(text)
		if !ok {
			c.problem(w.Line, w.Col, "a caveat of %s is empty, too long or not UTF-8: %q", l.ID, text)
			continue
		}
		_, twice := l.adds[n]
		if _, label := l.labels[n]; label || twice {
			c.problem(w.Line, w.Col, "%q already has a meaning in %s; a word means one thing", text, l.ID)
			continue
		}
		l.adds[n] = a
	}
}

// addition reads a word, or a list of countries behind one, as written beside a
// level.
func (l *ladder) addition(text string) (mapping.Handling, bool) {
	n, ok := normal(text)
	if !ok {
		return mapping.Handling{}, false
	}
	if a, ok := l.adds[n]; ok {
		return a.handling, !a.list // a list needs its countries
	}
	for i := len(n) - 1; i > 0; i-- { // the longest word first: REL TO is not REL, and TO is Tonga
		if n[i] != ' ' && n[i] != ':' {
			continue
		}
		a, ok := l.adds[n[:i]]
		if !ok || !a.list {
			continue
		}
		if to, ok := countries(n[i+1:]); ok && !strings.HasPrefix(n[i+1:]+" ", "to ") {
			return mapping.Join(a.handling, mapping.Handling{Releasable: mapping.SetOf(to...)}), true
		}
		break
	}
	return mapping.Handling{}, false
}

// Caveat reads an addition to a marking that stands apart from its level
// ("NOFORN", "REL TO USA, GBR", "ATOMAL"). The scheme is named as in
// [Tables.Resolve]; where it does not know the word, or none is named, every
// scheme that does has to mean the same by it. What no scheme knows is kept as a
// caveat, upper case, and a person has to decide (trap T15).
func (t *Tables) Caveat(name, text string) mapping.Handling {
	key := written{name, text, anyPeriod}
	if u, ok := t.seen.get(key); ok {
		return u.handling
	}
	key.name, key.text = strings.Clone(name), strings.Clone(text)
	h, known := addition1(t.named(name), key.text)
	if !known {
		h, known = addition1(t.ladders, key.text)
	}
	if !known {
		h = mapping.Handling{Caveats: []string{strings.ToUpper(strings.Join(strings.Fields(text), " "))}}
	}
	if len(text) <= maxLabel {
		t.seen.put(key, understood{handling: h})
	}
	return h
}

// addition1 reads an addition in the schemes that know it, which have to agree.
func addition1(candidates []*ladder, text string) (mapping.Handling, bool) {
	var found mapping.Handling
	known := false
	for _, l := range candidates {
		h, ok := l.addition(text)
		if ok && known && found.Key() != h.Key() {
			return mapping.Handling{}, false
		}
		if ok {
			found, known = h, true
		}
	}
	return found, known
}

// countries reads a list such as "USA, GBR" or "AUS/CAN": ISO 3166-1 alpha-2 or
// alpha-3 codes, as DoDM 5200.01 vol. 2 writes them. A word that is neither,
// such as FVEY, makes the whole list unread: who belongs to a group is not
// written in it.
func countries(list string) ([]string, bool) {
	var out []string
	for w := range strings.FieldsFuncSeq(strings.ToUpper(list), func(r rune) bool { return r == ',' || r == ' ' || r == '/' }) {
		c, ok := alpha2(w)
		if !ok {
			return nil, false
		}
		out = append(out, c)
	}
	slices.Sort(out)
	return slices.Compact(out), len(out) > 0
}

// alpha2 returns the ISO 3166-1 alpha-2 code of a country given as alpha-2 or
// alpha-3.
func alpha2(c string) (string, bool) {
	if len(c) == 3 {
		r, err := language.ParseRegion(c)
		if err != nil || r.ISO3() != c {
			return "", false
		}
		c = r.String()
	}
	return c, isCountry(c)
}

// isCountry reports whether c is an ISO 3166-1 alpha-2 code of a country.
func isCountry(c string) bool {
	if len(c) != 2 || strings.ToUpper(c) != c {
		return false
	}
	r, err := language.ParseRegion(c)
	return err == nil && r.IsCountry() && r.Canonicalize().String() == c
}

// Effect says what a caveat does, for people.
func (k Caveat) Effect() string {
	switch {
	case k.Regime:
		return "only who is read into it may have it"
	case k.Nobody:
		return "nobody may be handed it"
	case k.List:
		return "only the countries that follow it may have it"
	case len(k.Only) > 0:
		return "only " + strings.Join(k.Only, ", ") + " may have it"
	case k.Personal && k.Person:
		return "it holds personal data, and a person decides"
	case k.Personal:
		return "it holds personal data"
	}
	return "a person decides"
}
