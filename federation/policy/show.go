package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
)

// Shown is one rule as its author wrote it.
type Shown struct {
	ID     string `json:"id"`
	Effect string `json:"effect"` // permit or forbid
	// Actions are the requests it is asked in, Category and Restricted what a
	// permit allows.
	Actions    []string `json:"actions"`
	Category   string   `json:"category,omitempty"`
	Restricted bool     `json:"restricted,omitempty"`
	Basis      string   `json:"basis"`
	Kind       string   `json:"kind"`
	Reason     string   `json:"reason"`
	Denial     string   `json:"denial"` // what a denial does: withhold or hold
	Class      string   `json:"class"`
	Public     bool     `json:"public"`
	// Texts are its sentences and Unmet those for when a permit does not apply,
	// by language.
	Texts map[string]string `json:"texts"`
	Unmet map[string]string `json:"unmet,omitempty"`
	Since time.Time         `json:"since,omitzero"`
	Until time.Time         `json:"until,omitzero"`
	// Notes are its other annotations: the jurisdiction it is asked in, the
	// protection it claims.
	Notes map[string]string `json:"notes,omitempty"`
	Facts []string          `json:"facts"` // that it asks
	// NeedsReview, Reviewed and On are the operator's record; Counts says
	// whether it takes part now.
	NeedsReview bool      `json:"needs_review"`
	Reviewed    string    `json:"reviewed,omitempty"`
	On          time.Time `json:"on,omitzero"`
	Counts      bool      `json:"counts"`
	Where       string    `json:"where"`
	Cedar       string    `json:"cedar"` // without its annotations
}

// textLanguage is the language of a rule's sentences without a tag.
const textLanguage = "en"

// Show lists the rules with everything that is written about them, in order;
// now says which of them count.
func (b *Bundle) Show(now time.Time) []Shown {
	out := make([]Shown, len(b.rules))
	for i, r := range b.rules {
		out[i] = b.shown(r, now)
	}
	return out
}

func (b *Bundle) shown(r *rule, now time.Time) Shown {
	s := Shown{ID: r.id, Effect: "forbid", Actions: []string{}, Basis: r.basis, Kind: r.kind, Reason: string(r.reason), Denial: "withhold",
		Class: r.class, Public: r.public, Texts: map[string]string{}, Unmet: map[string]string{}, Notes: map[string]string{}, Since: r.since, Until: r.until,
		Restricted: r.restricted, Facts: slices.Clone(r.reads), NeedsReview: r.sensitive(), Counts: b.counts(r, now), Where: r.where(), Cedar: wordsOf(r.policy).body}
	if r.permit {
		s.Effect, s.Category = "permit", r.category
	}
	if r.hold {
		s.Denial = "hold"
	}
	for _, a := range r.actions {
		s.Actions = append(s.Actions, string(a.ID))
	}
	if v, ok := b.reviewed[r.id]; ok {
		s.Reviewed, s.On = v.By, v.On
	}
	for key, value := range r.policy.Annotations() {
		name, lang, tagged := strings.Cut(string(key), "_")
		if !tagged {
			lang = textLanguage
		}
		switch name {
		case "text":
			s.Texts[lang] = string(value)
		case "unmet":
			s.Unmet[lang] = string(value)
		case "jurisdiction", "claims":
			s.Notes[name] = string(value)
		}
	}
	return s
}

// hasWords reports whether an annotation only says something to people.
func hasWords(key string) bool {
	name, _, _ := strings.Cut(key, "_")
	return slices.Contains([]string{"id", "basis", "kind", "reason", "class", "text", "unmet", "claims"}, name)
}

// ruleWords is a rule's text in its parts, each as Cedar writes it: so that
// blanks and comments make no difference.
type ruleWords struct {
	body    string // without annotations
	scope   string // whom, which requests and what it is about
	parties string // the same without the requests
	clauses []string
}

// wordsOf writes a rule anew and takes it apart. Cedar's writer puts each
// annotation, each part of the scope and each clause on a line of its own, and
// escapes line ends in texts.
func wordsOf(p *cedar.Policy) ruleWords {
	var w ruleWords
	var lines, scope, parties []string
	for l := range strings.Lines(string(p.MarshalCedar())) {
		l = strings.TrimRight(l, "\n")
		part := strings.TrimRight(strings.TrimSpace(l), ",;")
		switch {
		case strings.HasPrefix(l, "@"):
			continue
		case strings.HasPrefix(part, "when "), strings.HasPrefix(part, "unless "):
			w.clauses = append(w.clauses, part)
		case strings.HasPrefix(part, "principal"), strings.HasPrefix(part, "resource"):
			parties = append(parties, part)
			scope = append(scope, part)
		case strings.HasPrefix(part, "action"):
			scope = append(scope, part)
		}
		lines = append(lines, l)
	}
	w.body, w.scope, w.parties = strings.Join(lines, "\n"), strings.Join(scope, ", "), strings.Join(parties, ", ")
	return w
}
