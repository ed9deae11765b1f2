package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/mapping/scheme"
)

// schemeShown is a scheme as `schemes list --json` prints it.
type schemeShown struct {
	ID        string       `json:"id"`
	Country   string       `json:"country,omitempty"` // ISO 3166-1 or EU; none for an organisation
	Body      string       `json:"body,omitempty"`
	Axis      string       `json:"axis"`
	Authority string       `json:"authority"`
	From      string       `json:"from,omitempty"`  // first day of validity
	Until     string       `json:"until,omitempty"` // first day after it
	Verified  bool         `json:"verified"`
	Accepted  bool         `json:"accepted"`
	Levels    []levelShown `json:"levels"` // least to most protected
	Sources   []string     `json:"sources"`
}

// levelShown is one level of a scheme.
type levelShown struct {
	Code  string `json:"code"`
	Label string `json:"label"`
	Means string `json:"means,omitempty"`
}

// schemesShown is what `schemes list --json` prints.
type schemesShown struct {
	Digest     string        `json:"digest"`
	Schemes    []schemeShown `json:"schemes"`
	Accepted   []string      `json:"accepted"`   // unverified names the operator accepts
	Unverified []string      `json:"unverified"` // unverified names that do not count
	Tables     []tableListed `json:"tables"`
	Sources    []sourceShown `json:"sources"` // documents that all this rests on
}

// tableListed is an equivalence table in a list.
type tableListed struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Scope      string   `json:"scope,omitempty"`
	Schemes    []string `json:"schemes"`
	From       string   `json:"from,omitempty"`  // first day of validity
	Until      string   `json:"until,omitempty"` // first day after it
	Rows       int      `json:"rows"`
	Unverified int      `json:"unverified"` // rows that do not count
}

// sourceShown is a document.
type sourceShown struct {
	ID       string `json:"id"`
	Document string `json:"document"`
	Section  string `json:"section,omitempty"`
	Kind     string `json:"kind"`
}

func (a *app) schemesCmd() *cobra.Command {
	c := &cobra.Command{Use: "schemes", Short: "classification schemes and equivalence tables"}
	c.AddCommand(a.schemesShowCmd(), &cobra.Command{
		Use:   "list",
		Short: "list the loaded schemes and tables, and which rows nobody has verified",
		Long: `List the loaded classification schemes with their levels, least protected first,
the equivalence tables, and their unverified rows. An unverified scheme or row
counts only where the configuration accepts it by name (accept:). Without a
configuration the shipped tables are read.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, accepted, err := a.tables()
			if err != nil {
				return err
			}
			return a.printSchemes(t, accepted)
		},
	})
	return c
}

// tables loads the tables of the configuration, else the shipped ones, and
// says what of them is accepted by name.
func (a *app) tables() (*scheme.Tables, []string, error) {
	cfg, err := a.loadIfAny()
	if err != nil {
		return nil, nil, err
	}
	from, where := configs.Schemes(), ""
	var accepted []string
	if cfg != nil {
		from, accepted, where = ownOr(cfg.Dirs.Schemes, from), cfg.Accept, cfg.Path+": "
	}
	t, err := scheme.Load(from)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("schemes: %w", err))
	}
	if t, err = t.Accept(accepted...); err != nil {
		return nil, nil, usage(fmt.Errorf("%s%w", where, err))
	}
	return t, accepted, nil
}

// uncounted lists the unverified names that are not accepted.
func uncounted(t *scheme.Tables, accepted []string) []string {
	return slices.DeleteFunc(t.Unverified(), func(n string) bool {
		table, _, _ := strings.Cut(n, "/")
		return slices.Contains(accepted, n) || slices.Contains(accepted, table)
	})
}

// printSchemes prints the list.
func (a *app) printSchemes(t *scheme.Tables, accepted []string) error {
	shown := schemesShown{Digest: t.Digest(), Schemes: []schemeShown{}, Accepted: append([]string{}, accepted...), Unverified: uncounted(t, accepted)}
	for _, s := range t.Schemes() {
		shown.Schemes = append(shown.Schemes, showScheme(s))
	}
	shown.Tables, shown.Sources = listTables(t), listSources(t)
	if a.json {
		return a.printJSON(shown)
	}
	rows := [][]string{{"SCHEME", "OF", "AXIS", "FROM", "UNTIL", "STANDING", "LEVELS"}}
	for _, s := range shown.Schemes {
		codes := make([]string, len(s.Levels))
		for i, l := range s.Levels {
			codes[i] = l.Code
		}
		rows = append(rows, []string{s.ID, dash(s.Country + s.Body), s.Axis, dash(s.From), dash(s.Until), standing(s.Verified, s.Accepted), strings.Join(codes, " < ")})
	}
	if err := a.table(rows); err != nil {
		return err
	}
	a.printf("\n")
	rows = [][]string{{"TABLE", "FROM", "UNTIL", "ROWS", "NOT COUNTED", "TITLE"}}
	for _, x := range shown.Tables {
		rows = append(rows, []string{x.ID, dash(x.From), dash(x.Until), strconv.Itoa(x.Rows), strconv.Itoa(x.Unverified), x.Title})
	}
	if err := a.table(rows); err != nil {
		return err
	}
	a.list("unverified, accepted by name", shown.Accepted)
	a.list("unverified, not counted", shown.Unverified)
	return a.out.err
}

func listTables(t *scheme.Tables) []tableListed {
	out := []tableListed{}
	for _, x := range t.Equivalences() {
		l := tableListed{ID: x.ID, Title: x.Title, Scope: x.Scope, Schemes: x.Schemes, From: dayOr(x.From), Until: dayOr(x.Until), Rows: len(x.Rows)}
		for _, r := range x.Rows {
			if !r.Verified && !r.Accepted {
				l.Unverified++
			}
		}
		out = append(out, l)
	}
	return out
}

func listSources(t *scheme.Tables) []sourceShown {
	out := []sourceShown{}
	for _, s := range t.Sources() {
		out = append(out, sourceShown{s.ID, s.Document, s.Section, s.Kind})
	}
	return out
}

// standing says whether a scheme counts, and why.
func standing(verified, accepted bool) string {
	switch {
	case verified:
		return "verified"
	case accepted:
		return "accepted"
	default:
		return "unverified"
	}
}

func showScheme(s scheme.Scheme) schemeShown {
	out := schemeShown{ID: s.ID, Country: s.Country, Body: s.Body, Axis: string(s.Axis), Authority: s.Authority, From: dayOr(s.From), Until: dayOr(s.Until),
		Verified: s.Verified, Accepted: s.Accepted, Levels: []levelShown{}, Sources: append([]string{}, s.Sources...)}
	for _, r := range s.Rungs {
		out.Levels = append(out.Levels, levelShown{r.Code, r.Label, r.Means})
	}
	return out
}

// dayOr is a date, or "" for none.
func dayOr(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
