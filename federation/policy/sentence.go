package policy

import (
	"slices"
	"strings"
)

// sentence is the text of a rule, cut at its placeholders when it is loaded.
type sentence []piece

// piece is a run of text, or the name of a placeholder.
type piece struct{ text, name string }

// readSentence cuts a text at its placeholders.
func readSentence(text string) sentence {
	var out sentence
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > at {
			out = append(out, piece{text: text[at:m[0]]})
		}
		out = append(out, piece{name: text[m[2]:m[3]]})
		at = m[1]
	}
	if at < len(text) {
		out = append(out, piece{text: text[at:]})
	}
	return out
}

// fill puts words for the placeholders.
func (s sentence) fill(p *peerFacts, f *itemFacts) string {
	if len(s) == 1 {
		return word(s[0], p, f)
	}
	var b strings.Builder
	for _, x := range s {
		b.WriteString(word(x, p, f))
	}
	return b.String()
}

func word(x piece, p *peerFacts, f *itemFacts) string {
	if x.name == "" {
		return x.text
	}
	switch x.name { // these differ between the properties of one handling
	case "category":
		return f.category
	case "holds":
		return list(f.holds)
	case "victim":
		return orUnknown(f.victim)
	case "impact":
		return orUnknown(f.impact)
	}
	if w, ok := p.why[x.name]; ok {
		return w
	}
	if w, ok := f.why[x.name]; ok {
		return w
	}
	return "unknown"
}

// translation is a rule's sentences in one more language.
type translation struct {
	lang        string // BCP 47 primary language subtag, such as "de"
	text, unmet sentence
}

// Marks between the parts of Cited.others; neither can stand in a rule's text,
// which is one sentence on one line.
const (
	nextLanguage = "\x1e"
	nextText     = "\x1f"
)

// inOthers words the rule in its further languages. With unmet it says why a
// permission does not apply; a language that does not say that is left out.
func (r *rule) inOthers(unmet bool, p *peerFacts, f *itemFacts) string {
	if len(r.others) == 0 {
		return ""
	}
	var b strings.Builder
	for _, t := range r.others {
		s := t.text
		if unmet {
			s = t.unmet
		}
		if len(s) > 0 {
			b.WriteString(t.lang + nextText + r.id + " (" + r.basis + "): " + s.fill(p, f) + nextLanguage)
		}
	}
	return b.String()
}

// In returns the explanation in a language, a BCP 47 primary language subtag
// such as "de", and in English where the rule does not speak it. Words that
// stand for facts stay as they are: they are names, labels and countries.
func (c Cited) In(lang string) string {
	for rest := c.others; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, nextLanguage)
		if l, text, _ := strings.Cut(one, nextText); l == lang {
			return text
		}
	}
	return c.Text
}

// In returns the explanation in a language, as [Cited.In] does.
func (r Removed) In(lang string) string { return Cited{Text: r.Text, others: r.others}.In(lang) }

// placeholders lists the words that a rule's sentence may ask for.
func placeholders() []string {
	return slices.Concat(peerPlaceholders(), itemPlaceholders())
}

func peerPlaceholders() []string {
	return []string{"peer", "country", "kind", "agreement", "ceiling", "tlpVersion", "purposes", "places", "transfer",
		"groups", "foi", "resale", "managed", "sender", "laws"}
}

func itemPlaceholders() []string {
	return []string{"problem", "tlp", "pap", "origin", "level", "ownAccreditation", "peerAccreditation", "equivalence",
		"missing", "releasable", "compartments", "caveats", "residency", "allowedPurposes", "contracts", "category",
		"holds", "victim", "impact"}
}
