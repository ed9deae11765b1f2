package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/mapping/scheme"
)

// schemeDetail is a scheme as `schemes show --json` prints it: what `schemes
// list` prints, and everything that stands beside the levels.
type schemeDetail struct {
	schemeShown
	Family        string        `json:"family,omitempty"`
	Replaces      string        `json:"replaces,omitempty"`
	Edition       string        `json:"edition,omitempty"`
	Where         string        `json:"where"` // file:line
	Rungs         []rungShown   `json:"rungs"` // least to most protected
	NotClassified []string      `json:"not_classified"`
	Incomplete    []string      `json:"incomplete"` // words that need a second one
	Retired       []string      `json:"retired"`
	Caveats       []caveatShown `json:"caveats"`
	Compartments  []caveatShown `json:"compartments"`
	Notes         []string      `json:"notes"`
	Documents     []string      `json:"documents"` // the sources in full
	Tables        []tableShown  `json:"tables"`    // that name the scheme
}

// rungShown is a level with all its marks.
type rungShown struct {
	Code         string   `json:"code"`
	Label        string   `json:"label"`
	Also         []string `json:"also"`
	Means        string   `json:"means,omitempty"`
	HandlingWord bool     `json:"handling_word"` // in use, no classification, not unclassified
	From         string   `json:"from,omitempty"`
	Until        string   `json:"until,omitempty"`
	Where        string   `json:"where"`
}

// caveatShown is an addition to a level.
type caveatShown struct {
	Word   string   `json:"word"`
	Also   []string `json:"also"`
	Means  string   `json:"means,omitempty"`
	Effect string   `json:"effect"` // what it does here
}

// tableShown is a table that names the scheme, with its rows for it.
type tableShown struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Scope string     `json:"scope,omitempty"`
	Where string     `json:"where"`
	Rows  []rowShown `json:"rows"`
}

// rowShown is one row of a table.
type rowShown struct {
	Name     string `json:"name"`
	Says     string `json:"says"`
	Standing string `json:"standing"` // "verified", "accepted" or "unverified"
	Where    string `json:"where"`
}

func (a *app) schemesShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show SCHEME",
		Short: "show one scheme: marks, caveats, dates, sources, tables that name it",
		Long: `Show a classification scheme with everything that is loaded of it: its levels with
the mark in each language and other spellings, what stands beside a level and what
that does, words that are no level, when it is valid, the documents it rests on and
whether they were read, and the rows of the tables that name it. SCHEME is an id of
"entente schemes list", or a country, eu, nato or tlp: then each of its schemes is
shown. Without a configuration the shipped data is read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			t, _, err := a.tables()
			if err != nil {
				return err
			}
			return a.showSchemes(t, args[0])
		},
	}
}

// showSchemes prints the schemes that a name stands for.
func (a *app) showSchemes(t *scheme.Tables, name string) error {
	var found []schemeDetail
	for _, s := range t.Named(name) {
		found = append(found, detail(t, s))
	}
	if len(found) == 0 {
		return usage(fmt.Errorf("no loaded scheme, country or body is named %q: `entente schemes list` lists them", name))
	}
	if a.json {
		return a.printJSON(found)
	}
	for i, s := range found {
		if i > 0 {
			a.printf("\n")
		}
		if err := a.printScheme(s); err != nil {
			return err
		}
	}
	return nil
}

// detail gathers what is loaded of a scheme.
func detail(t *scheme.Tables, s scheme.Scheme) schemeDetail {
	d := schemeDetail{
		schemeShown: showScheme(s), Family: s.Family, Replaces: s.Replaces, Edition: dayOr(s.Edition), Where: s.Where,
		Rungs: []rungShown{}, Caveats: caveats(s.Caveats), Compartments: caveats(s.Compartments), NotClassified: filled(s.NotClassified),
		Incomplete: filled(s.NeedsMore), Retired: filled(s.Retired), Notes: filled(s.Notes), Documents: []string{}, Tables: []tableShown{},
	}
	for _, r := range s.Rungs {
		d.Rungs = append(d.Rungs, rungShown{r.Code, r.Label, filled(r.Also), r.Means, r.Handling, dayOr(r.From), dayOr(r.Until), r.Where})
	}
	for _, id := range s.Sources {
		d.Documents = append(d.Documents, t.Source(id).String())
	}
	for _, x := range t.Naming(s.ID) {
		shown := tableShown{ID: x.ID, Title: x.Title, Scope: x.Scope, Where: x.Where, Rows: []rowShown{}}
		for _, r := range x.Rows {
			if r.Of == "" || r.Of == s.ID || slices.Index(x.Schemes, s.ID) == 0 {
				shown.Rows = append(shown.Rows, rowShown{r.Name, r.Says, standing(r.Verified, r.Accepted), r.Where})
			}
		}
		d.Tables = append(d.Tables, shown)
	}
	return d
}

func caveats(list []scheme.Caveat) []caveatShown {
	out := []caveatShown{}
	for _, k := range list {
		out = append(out, caveatShown{k.Word, filled(k.Also), k.Means, k.Effect()})
	}
	return out
}

// filled makes an absent list an empty one.
func filled(s []string) []string { return append([]string{}, s...) }

// printScheme prints one scheme for people.
func (a *app) printScheme(d schemeDetail) error {
	a.printf("%s: %s, of %s (%s)\n", d.ID, d.Authority, d.Country+d.Body, d.Where)
	validity := "no first or last day on record"
	switch {
	case d.From != "" && d.Until != "":
		validity = "from " + d.From + ", no more from " + d.Until
	case d.From != "":
		validity = "from " + d.From
	case d.Until != "":
		validity = "no more from " + d.Until
	}
	a.printf("  axis %s, %s, valid: %s%s%s\n", d.Axis, standing(d.Verified, d.Accepted), validity, prefixed(", edition ", d.Edition), prefixed(", replaces ", d.Replaces))
	if !d.Verified && !d.Accepted {
		a.printf("  it counts in a mapping only when the configuration has it under accept: [\"%s\"]\n", d.ID)
	}
	for _, doc := range d.Documents {
		a.printf("  source: %s\n", doc)
	}
	rows := [][]string{{"LEVEL", "MARKS", "MEANS", "VALID"}}
	for _, r := range d.Rungs {
		means := r.Means
		if r.HandlingWord {
			means += " (handling word, no classification)"
		}
		rows = append(rows, []string{r.Code, strings.Join(append([]string{r.Label}, r.Also...), ", "), means, dash(strings.TrimSpace(prefixed("from ", r.From) + prefixed(" until before ", r.Until)))})
	}
	if err := a.table(rows); err != nil {
		return err
	}
	a.list("not classified", d.NotClassified)
	a.list("no level alone", d.Incomplete)
	a.list("retired", d.Retired)
	a.printCaveats("caveats", d.Caveats)
	a.printCaveats("compartments", d.Compartments)
	for _, n := range d.Notes {
		a.printf("note: %s\n", n)
	}
	for _, t := range d.Tables {
		a.printf("%s: %s (%s)%s\n", t.ID, t.Title, t.Where, prefixed(", for ", t.Scope))
		for _, r := range t.Rows {
			a.printf("  %s, %s, %s: %s\n", r.Name, r.Standing, r.Where, r.Says)
		}
	}
	return a.out.err
}

// printCaveats prints what stands beside a level, one a line.
func (a *app) printCaveats(heading string, list []caveatShown) {
	if len(list) == 0 {
		return
	}
	a.printf("%s (%d):\n", painted(heading), len(list))
	for _, k := range list {
		a.printf("  %s%s: %s\n", strings.Join(append([]string{k.Word}, k.Also...), ", "), prefixed(", ", k.Means), k.Effect)
	}
}

// prefixed is a text behind another, or nothing.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
