package policy

import (
	cmdline "flag" // flag is a function of the package
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = cmdline.Bool("update", false, "write configs/policies/RULES.md anew")

const rulesPage = "../../configs/policies/RULES.md"

// TestRulesPage compares the page that lists every rule with what is loaded,
// so that a lawyer who reads it reads what the relay does.
func TestRulesPage(t *testing.T) {
	b, err := load(t, newDemo(t).tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	page := pageOf(b)
	if *update {
		if err := os.WriteFile(rulesPage, []byte(page), 0o644); err != nil { //nolint:gosec // it is published
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page {
		t.Errorf("%s is not what is loaded: run go test ./federation/policy -run RulesPage -update", rulesPage)
	}
	for _, r := range b.rules {
		if !strings.Contains(page, "`"+r.id+"`") {
			t.Errorf("%s is not on the page", r.id)
		}
	}
}

func pageOf(b *Bundle) string {
	var p strings.Builder
	permits, review := 0, 0
	for _, r := range b.rules {
		if r.permit {
			permits++
		}
		if r.sensitive() {
			review++
		}
	}
	fmt.Fprintf(&p, `# All sharing rules

Generated from the rule files; do not edit. How a rule is written is in [README.md](README.md). These are templates with their
authors' reading of law and guidance, **not legal advice**: where a basis says "authors' reading", somebody who may give advice
has to confirm it. %d rules: %d allow, %d take away. The %d marked *after review* allow personal, subscriber or classified
data, and count only once the operator's configuration records who read them. What nothing allows stays.

`, len(b.rules), permits, len(b.rules)-permits, review)
	file := ""
	for _, r := range b.rules {
		if r.position.Filename != file {
			file = r.position.Filename
			fmt.Fprintf(&p, "\n## %s\n\n| rule | says | rests on | where |\n|---|---|---|---|\n", file)
		}
		fmt.Fprintf(&p, "| `%s`<br>%s | %s | %s: %s | %s |\n", r.id, does(r), says(r), r.kind, cell(r.basis), where(r))
	}
	p.WriteString(`
## Facts of law

From ` + "`jurisdictions/laws.yaml`" + `. A row that is not verified is there to be checked against its source, and does not count.

| id | what | from | to (first day no more) | sender, recipient, kinds | source |
|---|---|---|---|---|---|
`)
	for _, s := range b.law.statutes {
		to, note := "open", ""
		if !s.To.IsZero() {
			to = s.To.Format("2006-01-02")
		}
		if !s.Verified {
			note = "**not verified**: "
		}
		reach := strings.Join(s.Sender, " ") + "; " + strings.Join(s.Recipient, " ") + "; " + strings.Join(s.Kinds, " ")
		if s.Certification != "" {
			reach += "; certified " + s.Certification
		}
		fmt.Fprintf(&p, "| `%s` | %s: %s | %s | %s | %s | %s%s |\n", s.ID, cell(s.Title), cell(s.Basis), s.From.Format("2006-01-02"), to, reach, note, cell(s.Source))
	}
	return p.String()
}

// does says in a word what a rule does.
func does(r *rule) string {
	word := "withholds"
	switch {
	case r.permit && r.sensitive():
		word = "allows, *after review*"
	case r.permit:
		word = "allows"
	case r.hold && r.lift:
		word = "holds; two persons may let it go"
	case r.hold:
		word = "holds for a person to look at"
	}
	if r.claims != "" {
		word += ", claims `" + r.claims + "`"
	}
	if !r.since.IsZero() {
		word += ", since " + r.since.Format("2006-01-02")
	}
	if !r.until.IsZero() {
		word += ", until " + r.until.Format("2006-01-02")
	}
	return word
}

// says gives a rule's sentence in all its languages, with placeholders as
// written.
func says(r *rule) string {
	out := cell(r.text)
	for _, o := range r.others {
		text := ""
		for _, x := range o.text {
			if x.name != "" {
				text += "{" + x.name + "}"
			}
			text += x.text
		}
		if text != "" {
			out += "<br>*" + o.lang + ":* " + cell(text)
		}
	}
	return out
}

func where(r *rule) string {
	if len(r.jurisdiction) == 0 {
		return "anywhere"
	}
	return strings.Join(r.jurisdiction, " ")
}

// cell escapes what would end a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
