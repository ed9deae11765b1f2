package policy

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/entente-relay/entente/mapping/scheme"
)

// ruleText returns a rule file with one rule: head is its effect and scope,
// body its conditions, notes replace annotations ("" removes one).
func ruleText(head, body string, notes map[string]string) string {
	all := map[string]string{
		"id": "own-rule", "basis": "our own will", "kind": "custom", "reason": "purpose", "effect": "withhold", "class": "policy",
		"text": "It is not wanted.",
	}
	if strings.HasPrefix(head, "permit") {
		all["unmet"] = "It is not wanted here."
	}
	for k, v := range notes {
		all[k] = v
	}
	var b strings.Builder
	for _, k := range []string{"id", "basis", "kind", "reason", "effect", "lift", "class", "text", "unmet", "since", "until", "public", "colour", "text_de", "unmet_de", "text_en", "text_xx", "jurisdiction", "claims"} {
		if all[k] != "" {
			fmt.Fprintf(&b, "@%s(%q)\n", k, all[k])
		}
	}
	fmt.Fprintf(&b, "%s\n%s;\n", head, body)
	return b.String()
}

const shareForbid = `forbid (principal, action == Action::"share", resource)`

// plainExamples are good examples for a forbid of sharing with XY.
const plainExamples = `version: 1
rules:
  - rule: own-rule
    allow: [{action: share}]
    deny: [{action: share, set: {principal.country: FR}}]
    missing: [{action: share, drop: [principal.country]}]
`

// Each fault of a rule is refused at load, at its place, with its reason.
func TestLoaderRefuses(t *testing.T) {
	for _, c := range []struct {
		name, rule, want string
	}{
		{"a parse error", "\n\nforbid (principal, action, resource)\nwhen { principal.country = \"FR\" };", "own.cedar:4:"},
		{"has", ruleText(shareForbid, `when { principal has country && principal.country == "FR" }`, nil), "`has` and tags are not allowed"},
		{"an unknown fact", ruleText(shareForbid, `when { principal.contry == "FR" }`, nil), "contry"},
		{"a wrong type", ruleText(shareForbid, `when { resource.tlpRank == "red" }`, nil), "own.cedar:1:1"},
		{"a wrong type in a comparison", ruleText(shareForbid, `when { resource.tlp > 3 }`, nil), "own.cedar:1:1"},
		{"an unknown action", ruleText(`forbid (principal, action == Action::"shaer", resource)`, `when { principal.country == "FR" }`, nil), "shaer"},
		{"a word that never is", ruleText(shareForbid, `when { resource.tlp == "rot" }`, nil), `resource.tlp is never "rot"`},
		{"a word that never is, reversed", ruleText(shareForbid, `when { "rot" == resource.tlp }`, nil), `resource.tlp is never "rot"`},
		{"a word that never is, unequal", ruleText(shareForbid, `when { resource.consent != "givn" }`, nil), `resource.consent is never "givn"`},
		{"a word that never is, in a list", ruleText(shareForbid, `when { ["red", "rot"].contains(resource.tlp) }`, nil), `resource.tlp is never "rot"`},
		{"a word that never is, in a set", ruleText(shareForbid, `when { principal.data.contains("persnal") }`, nil), `principal.data is never "persnal"`},
		{"like on a closed fact", ruleText(shareForbid, `when { resource.tlp like "amber*" }`, nil), "`like` on resource.tlp"},
		{"context", ruleText(shareForbid, `when { context.country == "FR" }`, nil), "country"},
		{"no id", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"id": ""}), "@id is missing"},
		{"no basis", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"basis": ""}), "@basis is missing"},
		{"no text", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text": ""}), "@text is missing"},
		{"an id in capitals", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"id": "Own Rule"}), "@id"},
		{"a kind that is none", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"kind": "law"}), `@kind "law"`},
		{"a reason that is none", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"reason": "because"}), `@reason "because"`},
		{"an effect that is none", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"effect": "warn"}), `@effect "warn"`},
		{"a class that is none", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"class": "secret"}), `@class "secret"`},
		{"an annotation nobody knows", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"colour": "red"}), "unknown annotation @colour"},
		{"a day that is none", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"until": "31.12.2026"}), `@until "31.12.2026"`},
		{"an end before the beginning", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"since": "2026-02-01", "until": "2026-01-01"}), "@until is not after @since"},
		{"two sentences", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text": "No. Not at all."}), "not one sentence"},
		{"a placeholder for nothing", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text": "Not to {pear}."}), "{pear} stands for nothing"},
		{"an id twice", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"id": "over-ceiling"}), `rule "over-ceiling" is also at 10-agreement.cedar:`},
		{"a forbid with unmet", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"unmet": "No."}), "a forbid has none"},
		{"a permit without unmet", ruleText(`permit (principal, action == Action::"share", resource)`, `when { resource.restricted == false }`, map[string]string{"unmet": ""}), "a permit needs @unmet"},
		{"a permit of everything", ruleText(`permit (principal, action, resource)`, ``, nil), "may not allow both objects and properties"},
		{"a sentence in a language that is none", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text_xx": "No."}), `"xx" is no further language`},
		{"a second sentence in English", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text_en": "No."}), `"en" is no further language`},
		{"two sentences in a further language", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text_de": "Nein. Gar nicht."}), "not one sentence"},
		{"a placeholder for nothing in a further language", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"text_de": "Nicht an {pear}."}), "{pear} stands for nothing"},
		{"a forbid with unmet in a further language", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"unmet_de": "Nein."}), "a forbid has no unmet"},
		{"a jurisdiction of nowhere", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"jurisdiction": "FR Gaul"}), `"Gaul" is neither`},
		{"a jurisdiction without a name", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"jurisdiction": " "}), "@jurisdiction is empty"},
		{"a forbid that claims", ruleText(shareForbid, `when { principal.country == "FR" }`, map[string]string{"claims": "eu-nis2"}), "only a permission is relied upon"},
		{"a claim of no law", ruleText(`permit (principal, action == Action::"share", resource)`, `when { resource.restricted == false }`, map[string]string{"claims": "eu-nis3"}), `"eu-nis3" is not in laws.yaml`},
		{"a permit that hides what it allows", ruleText(`permit (principal, action == Action::"disclose", resource)`, `when { ["technical", "personal"].contains(resource.category) }`, nil), "a permit of properties needs a condition of its own"},
		{"a permit of two categories", ruleText(`permit (principal, action == Action::"disclose", resource)`, `when { resource.category == "technical" || resource.category == "personal" }`, nil), "a permit of properties needs a condition of its own"},
		{"a permit that excludes", ruleText(`permit (principal, action == Action::"disclose", resource)`, `unless { resource.category == "technical" }`, nil), "a permit of properties needs a condition of its own"},
		{"a permit of objects, classified or not", ruleText(`permit (principal, action == Action::"share", resource)`, `when { resource.tlp == "clear" }`, nil), "a permit of objects needs a condition of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, new(scheme.Tables), map[string]string{"own.cedar": c.rule, "own.examples.yaml": plainExamples}, nil, Options{})
			if err == nil {
				t.Fatal("it loads")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "own.cedar:") {
				t.Errorf("the error does not say %q at its place:\n%v", c.want, err)
			}
		})
	}
}

// The sound rule of the test above loads, or the test would prove nothing.
func TestLoaderAcceptsOwnRule(t *testing.T) {
	rule := ruleText(shareForbid, `when { principal.country == "FR" }`, nil)
	b, err := load(t, new(scheme.Tables), map[string]string{"own.cedar": rule, "own.examples.yaml": plainExamples}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.byID("own-rule"); r == nil || r.where() != "own.cedar:1:1" {
		t.Errorf("the rule is not at its place: %+v", r)
	}
}

func TestExamplesMustHold(t *testing.T) {
	rule := ruleText(shareForbid, `when { principal.kind == "vendor" && principal.places.contains("FR") }`, nil)
	good := `    allow: [{action: share}]
    deny: [{action: share, set: {principal.kind: vendor, principal.places: [FR]}}]
    missing: [{action: share, drop: [principal.kind]}]
    unknown: [{action: share, set: {principal.agreement: in-force, principal.kind: vendor, principal.places: [FR, unknown]}}]
    empty: [{action: share, set: {principal.kind: vendor, principal.places: [FR], principal.data: []}}]
`
	for _, c := range []struct{ name, examples, want string }{
		{"sound", "version: 1\nrules:\n  - rule: own-rule\n" + good, ""},
		{"none at all", "", `rule "own-rule" has no examples: add them to own.examples.yaml`},
		{"no deny", "version: 1\nrules:\n  - rule: own-rule\n" + without(good, "deny"), "rule own-rule has no deny example"},
		{"no missing", "version: 1\nrules:\n  - rule: own-rule\n" + without(good, "missing"), "has no missing example"},
		{"no unknown", "version: 1\nrules:\n  - rule: own-rule\n" + without(good, "unknown"), "has no unknown example"},
		{"no empty", "version: 1\nrules:\n  - rule: own-rule\n" + without(good, "empty"), "has no empty example"},
		{"a deny that is allowed", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "deny: [{action: share, set: {principal.kind: vendor, principal.places: [FR]}}]", "deny: [{action: share}]", 1), "deny example 1: it is allowed by agreement-in-force"},
		{"a deny by another rule", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "principal.kind: vendor, principal.places: [FR]}}]\n    missing", "principal.ceiling: 0}}]\n    missing", 1), "it is denied by over-ceiling, not by this rule"},
		{"an allow that is denied", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "allow: [{action: share}]", "allow: [{action: share, set: {principal.kind: vendor, principal.places: [FR]}}]", 1), "allow example 1: it is denied by own-rule"},
		{"a missing that misses nothing", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "missing: [{action: share, drop: [principal.kind]}]", "missing: [{action: share}]", 1), "a fact is missing, and yet"},
		{"a fact that is none", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "principal.data", "principal.dat", 1), "principal.dat is no fact of baseline.yaml"},
		{"a rule that is none", "version: 1\nrules:\n  - rule: own-rul\n" + good, `there is no rule "own-rul"`},
		{"an action that is not asked", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "allow: [{action: share}]", "allow: [{action: store}]", 1), `not asked for the action "store"`},
		{"a misspelt key", "version: 1\nrules:\n  - rule: own-rule\n" + strings.Replace(good, "deny:", "dney:", 1), `own.examples.yaml:5:5: unknown key "dney"; did you mean "deny"?`},
		{"a newer version", "version: 2\nrules:\n  - rule: own-rule\n" + good, "2 is newer than this build knows (1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, new(scheme.Tables), map[string]string{"own.cedar": rule, "own.examples.yaml": c.examples}, nil, Options{})
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("the error does not say %q:\n%v", c.want, err)
			}
		})
	}
}

// without drops the line of a key.
func without(text, key string) string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), key+":") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func TestSchemaMustBeWhole(t *testing.T) {
	raw := string(readShipped(t, "policies", schemaFile))
	for _, c := range []struct{ name, schema, want string }{
		{"an optional fact", strings.Replace(raw, `"country": String`, `"country"?: String`, 1), "country is optional"},
		{"a fact nobody computes", strings.Replace(raw, `"country": String`, `"country": String, "moon": String`, 1), "moon is a fact that this build does not compute"},
		{"a fact left out", strings.Replace(raw, `  "hop": String,`, "", 1), "lacks the fact hop"},
		{"an action left out", strings.Replace(raw, `action "transit" in ["keep"] appliesTo { principal: Site, resource: Object, context: {} };`, "", 1), "transit"},
		{"a parse error", "entity Peer = {", "schema.cedarschema"},
		{"another type of a fact", strings.Replace(raw, `"ceiling": Long`, `"ceiling": String`, 1), "10-agreement.cedar:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.schema == raw {
				t.Fatal("the change changes nothing")
			}
			_, err := load(t, new(scheme.Tables), map[string]string{schemaFile: c.schema}, nil, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error does not say %q:\n%v", c.want, err)
			}
		})
	}
}

func TestReviewsMustFit(t *testing.T) {
	ok := Review{By: "duty lawyer (sample)", On: date(2026, 1, 2)}
	for _, c := range []struct {
		name     string
		reviewed map[string]Review
		want     string
	}{
		{"a slip of the hand", map[string]Review{"gdpr-adequasy": ok}, `there is no rule "gdpr-adequasy"; did you mean "gdpr-adequacy"?`},
		{"one that needs none", map[string]Review{"over-ceiling": ok}, "needs no review"},
		{"by nobody", map[string]Review{"gdpr-eea": {On: ok.On}}, "by whom and on which day"},
		{"on no day", map[string]Review{"gdpr-eea": {By: ok.By}}, "by whom and on which day"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, new(scheme.Tables), nil, nil, Options{Reviewed: c.reviewed})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error does not say %q:\n%v", c.want, err)
			}
		})
	}
}

// Every rule of the shipped folder that allows personal or classified material
// is known to need a review, whatever it calls itself.
func TestSensitiveRules(t *testing.T) {
	b, err := load(t, new(scheme.Tables), nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range b.Rules() {
		if r.NeedsReview {
			got = append(got, r.ID)
		}
	}
	if want := "classified-under-agreement keep-classified gdpr-adequacy gdpr-eea gdpr-operator subscriber-records us-not-known-personal us-records-abroad us-cpni-protection us-aggregate managed-service-subscriber notify-personal notify-subscriber"; strings.Join(got, " ") != want {
		t.Errorf("rules that need a review: %v, want %s", got, want)
	}
}

func TestLawMustBeWhole(t *testing.T) {
	regions, adequacy := string(readShipped(t, "jurisdictions", "regions.yaml")), string(readShipped(t, "jurisdictions", "adequacy.yaml"))
	for _, c := range []struct{ name, file, text, want string }{
		{"a country that is none", "regions.yaml", strings.Replace(regions, "country: BE", "country: BX", 1), `"BX" is not an ISO 3166-1 country`},
		{"a bare NO", "regions.yaml", strings.Replace(regions, `country: "NO"`, `country: no`, 1), "is not an ISO 3166-1 country"},
		{"no beginning", "regions.yaml", strings.Replace(regions, "{country: BE, from: 1958-01-01}", "{country: BE}", 1), "BE: from is missing"},
		{"an end before", "regions.yaml", strings.Replace(regions, "to: 2020-02-01", "to: 1970-02-01", 1), "GB: to is not after from"},
		{"a region twice", "regions.yaml", strings.Replace(regions, "id: EEA", "id: EU", 1), "region EU is there twice"},
		{"a circle", "regions.yaml", strings.Replace(regions, "includes: [EU]", "includes: [EEA]", 1), "not stated before it"},
		{"no source", "regions.yaml", strings.Replace(regions, "reviewer: shipped template", "reviewer: \"\"", 1), "needs source and reviewer"},
		{"a misspelt key", "adequacy.yaml", strings.Replace(adequacy, "certification: eu-us-dpf", "certificate: eu-us-dpf", 1), `unknown key "certificate"; did you mean "certification"?`},
		{"nobody covered", "adequacy.yaml", strings.Replace(adequacy, "country: JP, from: 2019-01-23, recipients: [business-operator]", "country: JP, from: 2019-01-23, recipients: []", 1), "would cover nobody"},
		{"a kind that is none", "adequacy.yaml", strings.Replace(adequacy, "country: JP, from: 2019-01-23, recipients: [business-operator]", "country: JP, from: 2019-01-23, recipients: [company]", 1), `"company" is not one of`},
		{"a region nobody knows", "adequacy.yaml", strings.Replace(adequacy, "region: EEA", "region: EWR", 1), `"EWR" is not in regions.yaml`},
		{"no file", "adequacy.yaml", "", "adequacy.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.text == regions || c.text == adequacy {
				t.Fatal("the change changes nothing")
			}
			_, err := load(t, new(scheme.Tables), nil, map[string]string{c.file: c.text}, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error does not say %q:\n%v", c.want, err)
			}
		})
	}
}

// FuzzRule feeds rule files to the loader's checks: they never panic, and a
// rule that passes them names itself, its basis, a reason and what it allows.
func FuzzRule(f *testing.F) {
	names, err := fs.Glob(shipped(f, "policies"), "*"+ruleSuffix)
	if err != nil || len(names) < 8 {
		f.Fatalf("%d shipped rule files (%v)", len(names), err)
	}
	for _, name := range names {
		f.Add(readShipped(f, "policies", name))
	}
	f.Add([]byte(ruleText(shareForbid, `when { if principal.community then resource.tlp like "*" else [resource.hop].containsAny(["origin"]) }`, nil)))
	f.Add([]byte(`permit (principal, action in [], resource) when { {a: [1, "x"]}.a.contains(principal) };`))
	b, err := load(f, new(scheme.Tables), nil, nil, Options{})
	if err != nil {
		f.Fatal(err)
	}
	s, _, err := readSchema(shipped(f, "policies"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := cedar.NewPolicyListFromBytes("own.cedar", text)
		if err != nil {
			if !strings.HasPrefix(parseError("own.cedar", err).Error(), "own.cedar:") {
				t.Fatalf("a parse error without its place: %v", err)
			}
			return
		}
		for _, p := range list {
			r, err := b.readPolicy(p, s)
			if err != nil {
				continue
			}
			if r.id == "" || r.basis == "" || !r.reason.Valid() || r.text == "" || r.permit && r.category == "" {
				t.Fatalf("accepted: %+v", r)
			}
		}
	})
}
