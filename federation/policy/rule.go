package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	expast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"golang.org/x/text/language"

	"github.com/entente-relay/entente/federation"
)

// rule is one policy with what its annotations say about it.
type rule struct {
	id, basis, kind string
	reason          federation.Reason
	hold            bool // a denial holds the object for a person
	lift            bool // and persons may decide it, see [rule.liftable]
	class           string
	public          bool
	text            string
	says, unmetSays sentence
	others          []translation // the same in further languages, sorted
	jurisdiction    []string      // countries and regions it is asked in, empty for everywhere
	claims          string        // a permission's: the fact of law whose protection it claims
	since, until    time.Time
	permit          bool
	actions         []cedar.EntityUID // the requests it is asked in
	category        string            // a permission's: the one category it allows, or "object"
	restricted      bool              // a permission's: it allows classified objects
	reads           []string          // facts it asks, such as "principal.country"
	position        cedar.Position
	policy          *cedar.Policy
	bare            *cedar.Policy // the same without the scope of its action: see asked
}

// sensitive reports whether the rule allows personal or classified material,
// so that it needs a recorded review to count.
func (r *rule) sensitive() bool {
	return r.permit && (r.restricted || r.category == string(federation.Personal) || r.category == string(federation.Subscriber))
}

// active reports whether the rule takes part at a time: an expired permission
// no longer allows, an expired duty stays.
func (r *rule) active(now time.Time) bool {
	if now.Before(r.since) {
		return false
	}
	return !r.permit || r.until.IsZero() || now.Before(r.until)
}

// where is the rule's place, "file:line:column".
func (r *rule) where() string { return place(r.position) }

func place(p cedar.Position) string {
	return fmt.Sprintf("%s:%d:%d", p.Filename, p.Line, p.Column)
}

// cite names the rule for people and journal, with its sentence filled in.
func (r *rule) cite(reason federation.Reason, sentence, others string) Cited {
	return Cited{
		Reason: reason, Rule: r.id, Basis: r.basis, Kind: r.kind, Class: r.class, Hold: r.hold, Public: r.public,
		Text: "Rule " + r.id + ", which cites " + r.basis + ": " + sentence, others: others,
	}
}

// relied cites a permission that was relied upon. The protection of a law is
// claimed only where that law is in force and reaches both parties.
func (r *rule) relied(p *peerFacts, f *itemFacts) Cited {
	c := r.cite("", r.says.fill(p, f), r.inOthers(false, p, f))
	if r.claims != "" && slices.Contains(p.laws, r.claims) {
		c.Claims = r.claims
	}
	return c
}

var (
	ruleID      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	placeholder = regexp.MustCompile(`\{([a-zA-Z]*)\}`)
	sentenceEnd = regexp.MustCompile(`([.。।]|\{equivalence\})$`) // full stops as languages write them
	inLanguage  = regexp.MustCompile(`^(text|unmet)_([a-z]{2,3})$`)
)

// annotations are the keys a rule may carry; true marks those it must.
func annotations() map[string]bool {
	return map[string]bool{
		"id": true, "basis": true, "kind": true, "reason": true, "effect": true, "class": true, "text": true,
		"unmet": false, "since": false, "until": false, "public": false, "lift": false, "jurisdiction": false, "claims": false,
	}
}

// readRule reads the annotations of one policy. The error lists every fault.
func readRule(p *cedar.Policy) (*rule, error) {
	notes := map[string]string{}
	for k, v := range p.Annotations() {
		notes[string(k)] = string(v)
	}
	r := &rule{
		id: notes["id"], basis: notes["basis"], kind: notes["kind"], class: notes["class"],
		text: notes["text"], says: readSentence(notes["text"]), unmetSays: readSentence(notes["unmet"]),
		reason: federation.Reason(notes["reason"]), jurisdiction: strings.Fields(notes["jurisdiction"]), claims: notes["claims"],
		permit: bool(p.Effect()), position: p.Position(), policy: p,
	}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: rule %q: %s", r.where(), r.id, fmt.Sprintf(format, args...)))
	}
	checkKeys(bad, notes)
	if !ruleID.MatchString(r.id) {
		bad("@id: use lower-case words joined by hyphens")
	}
	oneOf(bad, "kind", r.kind, "statute", "guidance", "agreement", "custom")
	oneOf(bad, "class", r.class, ClassPolicy, ClassPrivacy, ClassOrigin)
	oneOf(bad, "effect", notes["effect"], "withhold", "hold")
	r.hold = notes["effect"] == "hold"
	if notes["public"] != "" {
		oneOf(bad, "public", notes["public"], "yes", "no")
		r.public = notes["public"] == "yes"
	}
	if !r.reason.Valid() {
		bad("@reason %q is not in the list of reasons", r.reason)
	}
	if r.permit == (notes["unmet"] == "") {
		bad("a permit needs @unmet, the sentence for when it does not apply; a forbid has none")
	}
	r.since = dateOf(bad, "since", notes["since"])
	r.until = dateOf(bad, "until", notes["until"])
	if !r.until.IsZero() && !r.until.After(r.since) {
		bad("@until is not after @since")
	}
	if r.claims != "" && !r.permit {
		bad("@claims: only a permission is relied upon, so only one can claim a protection")
	}
	if _, ok := notes["jurisdiction"]; ok && len(r.jurisdiction) == 0 {
		bad("@jurisdiction is empty: leave it out for a rule that is asked everywhere")
	}
	for _, s := range []string{notes["text"], notes["unmet"]} {
		checkSentence(bad, s)
	}
	r.translations(bad, notes)
	r.reads = factsRead((*expast.Policy)(p.AST()))
	r.bare = withoutAction(p)
	if err := r.liftable(notes["lift"]); err != nil {
		bad("%v", err)
	}
	return r, errors.Join(errs...)
}

// withoutAction returns a policy that applies to any action. Rules are sorted by
// action when they are loaded, so that to look for it again in every request
// would be lost time.
func withoutAction(p *cedar.Policy) *cedar.Policy {
	copied := *(*expast.Policy)(p.AST())
	copied.Action = expast.ScopeTypeAll{}
	return cedar.NewPolicyFromAST((*ast.Policy)(&copied))
}

// translations reads the sentences in further languages.
func (r *rule) translations(bad func(string, ...any), notes map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(notes)) {
		m := inLanguage.FindStringSubmatch(k)
		if m == nil {
			continue
		}
		if _, err := language.ParseBase(m[2]); err != nil || m[2] == "en" {
			bad("@%s: %q is no further language: write a BCP 47 primary language such as de", k, m[2])
		}
		if strings.TrimSpace(notes[k]) == "" {
			bad("@%s is empty", k)
		}
		if m[1] == "unmet" && !r.permit {
			bad("@%s: a forbid has no unmet", k)
		}
		checkSentence(bad, notes[k])
		i := slices.IndexFunc(r.others, func(t translation) bool { return t.lang == m[2] })
		if i < 0 {
			i, r.others = len(r.others), append(r.others, translation{lang: m[2]})
		}
		if m[1] == "text" {
			r.others[i].text = readSentence(notes[k])
		} else {
			r.others[i].unmet = readSentence(notes[k])
		}
	}
}

// checkKeys checks that every annotation is known and none is missing.
func checkKeys(bad func(string, ...any), notes map[string]string) {
	keys := annotations()
	for _, k := range slices.Sorted(maps.Keys(notes)) {
		if _, ok := keys[k]; !ok && !inLanguage.MatchString(k) {
			bad("unknown annotation @%s", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if keys[k] && strings.TrimSpace(notes[k]) == "" {
			bad("@%s is missing", k)
		}
	}
}

func oneOf(bad func(string, ...any), key, got string, words ...string) {
	if !slices.Contains(words, got) {
		bad("@%s %q is not one of %s", key, got, strings.Join(words, ", "))
	}
}

func dateOf(bad func(string, ...any), key, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		bad("@%s %q is not a day: write it as 2026-12-31", key, s)
	}
	return t
}

// checkSentence checks that a text is one sentence whose placeholders exist.
func checkSentence(bad func(string, ...any), s string) {
	if s == "" {
		return
	}
	if !sentenceEnd.MatchString(s) || strings.Contains(s, ". ") {
		bad("%q is not one sentence", s)
	}
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		if !slices.Contains(placeholders(), m[1]) {
			bad("{%s} stands for nothing; there are %s", m[1], strings.Join(placeholders(), ", "))
		}
	}
}
