package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	expast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"pgregory.net/rapid"

	"github.com/entente-relay/entente/mapping/scheme"
)

// diffCase changes the shipped rules by replacing one text with another.
type diffCase struct {
	name      string
	folder    string // policies, unless said otherwise
	file      string
	old, text string
	reviewed  map[string]Review
	effect    Effect // the strongest over all differences
	what      string // one of them begins so: "rule id change: effect"
}

const ownForbid = `
@id("own-rule")
@basis("internal order")
@kind("custom")
@reason("purpose")
@effect("withhold")
@class("policy")
@text("It stays.")
forbid (principal, action in Action::"send", resource)
when { principal.sector == "telecom" };
`

const ownForbidExamples = `
  - rule: own-rule
    allow: [{action: share}]
    deny: [{action: share, set: {principal.sector: telecom}}]
    missing: [{action: share, drop: [principal.sector]}]
    unknown: [{action: share, set: {principal.sector: unknown}}]
`

func diffCases() []diffCase {
	day := Review{By: "officer", On: date(2026, 1, 1)}
	return []diffCase{
		{name: "nothing"},
		{name: "a comment", file: "30-tlp.cedar", old: "// Traffic Light", text: "// The Traffic Light", effect: ""},
		{name: "other blanks", file: "30-tlp.cedar", old: `when { resource.tlp == "red" };`, text: "when {\n  resource.tlp==\"red\"\n};", effect: ""},
		{name: "a sentence", file: "30-tlp.cedar", old: "so no machine passes it on.", text: "so no machine hands it on.", effect: Words, what: "rule tlp-red-nobody changed: words only"},
		{name: "a clause more on a forbid", file: "30-tlp.cedar", old: `when { resource.tlp == "red" };`, text: `when { resource.tlp == "red" } unless { principal.client };`, effect: Widens, what: "rule tlp-red-nobody changed: widens"},
		{name: "a clause less on a forbid", file: "70-residency.cedar", old: "when { resource.residency != \"open\" }\nunless {\n  principal.places", text: "unless {\n  principal.places", effect: Narrows, what: "rule residency-recipient changed: narrows"},
		{name: "another clause on a forbid", file: "10-agreement.cedar", old: "resource.tlpRank > principal.ceiling", text: "resource.tlpRank >= principal.ceiling", effect: MayWiden, what: "rule over-ceiling changed: may widen"},
		{name: "a clause less on a permit", file: "10-agreement.cedar", old: "when { resource.restricted == false }\nwhen { principal.agreement == \"in-force\" };", text: "when { resource.restricted == false };", effect: Widens, what: "rule agreement-in-force changed: widens"},
		{name: "a clause more on a permit", file: "10-agreement.cedar", old: "when { principal.agreement == \"in-force\" };", text: "when { principal.agreement == \"in-force\" } when { resource.validity == \"current\" };", effect: Narrows, what: "rule agreement-in-force changed: narrows"},
		{name: "a forbid for fewer requests", file: "30-tlp.cedar", old: "forbid (principal, action in Action::\"send\", resource)\nwhen { resource.tlp == \"red\" };", text: "forbid (principal, action == Action::\"share\", resource)\nwhen { resource.tlp == \"red\" };", effect: Widens, what: "rule tlp-red-nobody changed: widens"},
		{name: "a hold in place of a withhold", file: "30-tlp.cedar", old: "@effect(\"withhold\")\n@class(\"policy\")\n@public(\"yes\")\n@text(\"TLP:RED", text: "@effect(\"hold\")\n@class(\"policy\")\n@public(\"yes\")\n@text(\"TLP:RED", effect: MayWiden, what: "rule tlp-red-nobody changed: may widen"},
		{name: "a permission that ends", file: "10-agreement.cedar", old: `@text("Unclassified objects may go`, text: `@until("2030-01-01") @text("Unclassified objects may go`, effect: Narrows, what: "rule agreement-in-force changed: narrows"},
		{name: "a duty that begins later", file: "30-tlp.cedar", old: `@text("TLP:RED is`, text: `@since("2030-01-01") @text("TLP:RED is`, effect: Widens, what: "rule tlp-red-nobody changed: widens"},
		{name: "a duty that ends: it stays", file: "30-tlp.cedar", old: `@text("TLP:RED is`, text: `@until("2030-01-01") @text("TLP:RED is`, effect: Words, what: "rule tlp-red-nobody changed: words only"},
		{name: "a forbid more", file: "70-residency.cedar", old: "// Where it may", text: ownForbid + "// Where it may", effect: Narrows, what: "rule own-rule added: narrows"},
		{name: "a review more", reviewed: map[string]Review{"gdpr-adequacy": day}, effect: Widens, what: "review gdpr-adequacy added: widens"},
		{name: "a fact of law", folder: "jurisdictions", file: "adequacy.yaml", old: "{country: KR, from: 2021-12-17, recipients: [authority, business-operator, vendor]", text: "{country: KR, from: 2021-12-17, recipients: [authority, business-operator, vendor, coordinator]", effect: MayWiden, what: "law adequacy.yaml decisions[KR].recipients[coordinator] added: may widen"},
		{name: "the source of a fact", folder: "jurisdictions", file: "adequacy.yaml", old: "Implementing Decision (EU) 2022/254", text: "Decision 2022/254/EU", effect: Words, what: "law adequacy.yaml decisions[KR].source changed: words only"},
		{name: "the schema", file: "schema.cedarschema", old: "// ", text: "// Indeed: ", effect: ""},
	}
}

// loadChanged loads the shipped bundle as a case changes it.
func loadChanged(t *testing.T, c diffCase) *Bundle {
	t.Helper()
	rules, law := map[string]string{}, map[string]string{}
	if c.file != "" {
		folder, into := "policies", rules
		if c.folder != "" {
			folder, into = c.folder, law
		}
		text := string(readShipped(t, folder, c.file))
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s has no %q", c.file, c.old)
		}
		into[c.file] = strings.Replace(text, c.old, c.text, 1)
		if strings.Contains(c.text, "own-rule") {
			rules["+70-residency.examples.yaml"] = ownForbidExamples
		}
	}
	// Examples may fail under a change: what it does is told all the same.
	p, j := overlay(t, "policies", rules), overlay(t, "jurisdictions", law)
	b, s, err := read(p, j, new(scheme.Tables), Options{Reviewed: c.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	if b.trials, err = b.tryAll(p, s); err != nil {
		t.Logf("examples: %v", err)
	}
	return b
}

func TestDiff(t *testing.T) {
	shipped := loadChanged(t, diffCase{})
	for _, c := range diffCases() {
		t.Run(c.name, func(t *testing.T) {
			got := Diff(shipped, loadChanged(t, c))
			var lines []string
			worst := Effect("")
			for _, d := range got {
				lines = append(lines, d.What+" "+d.ID+" "+d.Change+": "+string(d.Effect))
				if len(d.Why) == 0 {
					t.Errorf("%s: it does not say what changed", d.ID)
				}
				if worst == "" || strongest([]why{{d.Effect, ""}, {worst, ""}}) == d.Effect {
					worst = d.Effect
				}
			}
			if worst != c.effect {
				t.Errorf("effect %q, want %q: %q", worst, c.effect, lines)
			}
			if c.what != "" && !slices.Contains(lines, c.what) {
				t.Errorf("no %q in %q", c.what, lines)
			}
		})
	}
}

// What one way narrows, the way back widens or may: nothing that was taken away
// comes back unseen.
func TestDiffBackwards(t *testing.T) {
	shipped := loadChanged(t, diffCase{})
	for _, c := range diffCases() {
		if c.effect != Narrows {
			continue
		}
		if back := Diff(loadChanged(t, c), shipped); !slices.ContainsFunc(back, Difference.Loosens) {
			t.Errorf("%s: taking it back widens nothing: %v", c.name, back)
		}
	}
}

// The examples of both folders are asked of both bundles: what the one denied
// and the other allows shows, whatever the text says.
func TestDiffAsksTheExamples(t *testing.T) {
	shipped := loadChanged(t, diffCase{})
	wider := loadChanged(t, diffCase{file: "30-tlp.cedar", old: `when { resource.tlp == "red" };`, text: `when { resource.tlp == "red" && false };`})
	at := slices.IndexFunc(Diff(shipped, wider), func(d Difference) bool { return d.What == "example" && d.ID == "tlp-red-nobody" })
	if at < 0 {
		t.Error("no example of tlp-red-nobody shows that RED may go now")
	}
	for _, d := range Diff(wider, shipped) {
		if d.What == "example" {
			t.Errorf("an example that is denied now counts as freed: %v", d)
		}
	}
}

// Try tells of every example, and of those that fail why.
func TestTry(t *testing.T) {
	text := string(readShipped(t, "policies", "30-tlp.cedar"))
	broken := strings.Replace(text, `resource.tlp == "red" };`, `resource.tlp == "red" && principal.client };`, 1)
	for name, files := range map[string]map[string]string{"shipped": nil, "broken": {"30-tlp.cedar": broken}} {
		trials, err := Try(overlay(t, "policies", files), overlay(t, "jurisdictions", nil), new(scheme.Tables), Options{})
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, x := range trials {
			if x.Fault != "" {
				failed++
				if x.Rule != "tlp-red-nobody" || x.Found == "" {
					t.Errorf("%s: %+v", name, x)
				}
			}
		}
		if len(trials) < 100 || (failed > 0) != (name == "broken") {
			t.Errorf("%s: %d of %d examples fail", name, failed, len(trials))
		}
	}
}

// variant is the bundle with one rule changed; nil takes the rule away.
func (b *Bundle) variant(id string, change func(*rule) *rule) *Bundle {
	v := *b
	v.asked, v.ids, v.rules, v.moments, v.trials = map[types.EntityUID][]*rule{}, map[string]*rule{}, nil, nil, nil
	v.outcomes, v.answers, v.peers = newCache[outcomeKey, *outcome](cacheSize), newCache[answerKey, *answer](cacheSize), newCache[[32]byte, *peerView](peerCacheSize)
	for _, r := range b.rules {
		if r.id == id {
			c := *r
			if r = change(&c); r == nil {
				continue
			}
		}
		v.rules, v.ids[r.id] = append(v.rules, r), r
	}
	v.index()
	return &v
}

// drawVariant changes one rule in a way that may widen or narrow.
func (b *Bundle) drawVariant(t *rapid.T) *Bundle {
	r := rapid.SampledFrom(b.rules).Draw(t, "rule")
	other := (*expast.Policy)(rapid.SampledFrom(b.rules).Draw(t, "other").policy.AST())
	how := rapid.IntRange(0, 4).Draw(t, "how")
	return b.variant(r.id, func(r *rule) *rule {
		p := *(*expast.Policy)(r.policy.AST())
		switch {
		case how == 0:
			return nil
		case how == 1 && len(p.Conditions) > 1 && !r.permit:
			p.Conditions = p.Conditions[1:]
		case how == 2 && len(other.Conditions) > 0:
			p.Conditions = slices.Concat(p.Conditions, other.Conditions[:1])
		case how == 3:
			r.since = date(2027, 6, 1)
		case r.permit:
			r.until = date(2026, 6, 1)
		}
		r.policy = cedar.NewPolicyFromAST((*ast.Policy)(&p))
		return r
	})
}

// What Diff proves to narrow lets nothing out that did not go before: over
// changes of any one rule, objects and terms that are made up.
func TestNarrowingFreesNothing(t *testing.T) {
	d := newDemo(t)
	proved := 0
	rapid.Check(t, func(rt *rapid.T) {
		after := d.bundle.drawVariant(rt)
		if slices.ContainsFunc(Diff(d.bundle, after), Difference.Loosens) {
			return
		}
		proved++
		c := drawCrossing(rt)
		before, other := d.what(t, c), *d
		other.bundle = after
		for path := range other.what(t, c) {
			if !before[path] {
				rt.Fatalf("%s goes, and did not before a change that is said to narrow", path)
			}
		}
	})
	if proved < 10 {
		t.Errorf("%d changes were proved to narrow: nothing is tried", proved)
	}
}
