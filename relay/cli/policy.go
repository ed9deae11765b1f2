package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay"
)

func (a *app) policyCmd() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "sharing rules: show, test, compare, put in force"}
	c.AddCommand(a.policyShowCmd(), a.policyTestCmd(), a.policyDiffCmd(), a.policyApproveCmd(), a.policyActivateCmd())
	return c
}

// bundle loads the rules of a folder, those of the configuration for "".
func (a *app) bundle(f relay.Folders) (*policy.Bundle, error) {
	cfg, err := a.loadIfAny()
	if err != nil {
		return nil, err
	}
	b, err := relay.LoadBundle(cfg, f)
	if err != nil {
		return nil, usage(err)
	}
	return b, nil
}

// jurisdictionsFlag is the flag for another folder with facts of law.
func jurisdictionsFlag(c *cobra.Command, f *relay.Folders) {
	c.Flags().StringVar(&f.Jurisdictions, "jurisdictions", "", "folder with other facts of law (default those of the configuration)")
}

func (a *app) policyShowCmd() *cobra.Command {
	var f relay.Folders
	c := &cobra.Command{
		Use:   "show [RULE]",
		Short: "list the rules, or show one: sentence, basis, dates, review, text",
		Long: `List the rules that this node is configured to judge by, or show one of them: its
sentence in every language it is written in, what it rests on, from when to when,
who reviewed it, whether it counts today, and its text. Needs no node, and without
a configuration it shows what ships.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := a.bundle(f)
			if err != nil {
				return err
			}
			rules := b.Show(a.now())
			if len(args) == 0 {
				return a.printRules(rules)
			}
			for i := range rules {
				if rules[i].ID == args[0] {
					return a.printRule(&rules[i])
				}
			}
			return usage(fmt.Errorf("%s: no such rule: `entente policy show` lists them", args[0]))
		},
	}
	c.Flags().StringVar(&f.Policies, "policy", "", "folder with other rules (default those of the configuration)")
	jurisdictionsFlag(c, &f)
	return c
}

func (a *app) printRules(rules []policy.Shown) error {
	if a.json {
		return a.printJSON(rules)
	}
	rows := [][]string{{"RULE", "EFFECT", "REASON", "KIND", "COUNTS"}}
	for _, r := range rules {
		rows = append(rows, []string{r.ID, r.Effect, r.Reason, r.Kind, countsText(&r, a.now())})
	}
	return a.table(rows)
}

// countsText says whether a rule counts, and if not why.
func countsText(r *policy.Shown, now time.Time) string {
	switch {
	case r.Counts:
		return "yes"
	case now.Before(r.Since):
		return "from " + day(r.Since)
	case r.Effect == "permit" && !r.Until.IsZero() && !now.Before(r.Until):
		return "ended " + day(r.Until)
	default:
		return "no: nobody has reviewed it"
	}
}

func (a *app) printRule(r *policy.Shown) error {
	if a.json {
		return a.printJSON(r)
	}
	a.printf("%s %s (%s)\n", a.paint(bold, r.Effect), r.ID, r.Where)
	for _, lang := range sortedKeys(r.Texts) {
		a.printf("  %s: %s\n", lang, r.Texts[lang])
	}
	for _, lang := range sortedKeys(r.Unmet) {
		a.printf("  %s, where it does not apply: %s\n", lang, r.Unmet[lang])
	}
	a.printf("  basis: %s (%s)\n", r.Basis, r.Kind)
	a.printf("  asked for: %s\n", joined(r.Actions))
	a.printf("  a denial: %s, %s; a peer is told %s\n", r.Denial, r.Reason, told(r))
	if !r.Since.IsZero() || !r.Until.IsZero() {
		a.printf("  from %s until %s\n", day(r.Since), day(r.Until))
	}
	for _, key := range sortedKeys(r.Notes) {
		a.printf("  %s: %s\n", key, r.Notes[key])
	}
	if r.Reviewed != "" {
		a.printf("  reviewed by %s on %s\n", r.Reviewed, day(r.On))
	} else if r.NeedsReview {
		a.printf("  not reviewed: it allows personal or classified material\n")
	}
	a.printf("  counts: %s\n\n", countsText(r, a.now()))
	for l := range strings.Lines(r.Cedar) {
		a.printf("  %s\n", strings.TrimRight(l, "\n"))
	}
	return nil
}

// told is what a peer learns of a denial.
func told(r *policy.Shown) string {
	if r.Public {
		return "the rule"
	}
	return "only \"" + r.Class + "\""
}

func (a *app) policyTestCmd() *cobra.Command {
	var f relay.Folders
	c := &cobra.Command{
		Use:   "test [DIR]",
		Short: "try every example of a policy folder",
		Long: `Try every example of the rules in a folder, or of those that this node is configured
with, and say what each one found. Exit code 1 when any finds something else than
it is there to show.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.Policies = args[0]
			}
			cfg, err := a.loadIfAny()
			if err != nil {
				return err
			}
			trials, err := relay.TryBundle(cfg, f)
			if err != nil {
				return usage(err)
			}
			return a.printTrials(trials)
		},
	}
	jurisdictionsFlag(c, &f)
	return c
}

func (a *app) printTrials(trials []policy.Trial) error {
	failed := 0
	for _, t := range trials {
		word := a.paint(green, "ok")
		if t.Fault != "" {
			failed++
			word = a.paint(red, "no")
		}
		if a.json {
			continue
		}
		a.printf("%s %s %s %d: %s: %s\n", word, t.Rule, t.Kind, t.N, t.Action, t.Found)
		if t.Fault != "" {
			a.printf("   %s\n", t.Fault)
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"examples": trials, "failed": failed}); err != nil {
			return err
		}
	} else {
		a.printf("%s, %d failed\n", plural(len(trials), "example"), failed)
	}
	if failed > 0 {
		return ends(exitFailed)
	}
	return nil
}

func (a *app) policyDiffCmd() *cobra.Command {
	var f relay.Folders
	c := &cobra.Command{
		Use:   "diff DIR [DIR2]",
		Short: "say what changes when DIR takes the place of this node's rules",
		Long: `Say what changes when the rules in DIR take the place of those this node is configured
with, or those in DIR2 the place of those in DIR: rules added, removed and changed,
facts of law, and the examples of both that were denied and would be allowed. Of each
change it says what it may do: it widens (something that was denied may be allowed),
it narrows, it is words only; and "may widen" of what the text alone does not tell.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			before := relay.Folders{}
			if len(args) == 2 {
				before.Policies = args[0]
			}
			f.Policies = args[len(args)-1]
			old, err := a.bundle(before)
			if err != nil {
				return err
			}
			b, err := a.bundle(f)
			if err != nil {
				return err
			}
			return a.printDiff(diffed{Before: old.Digest(), After: b.Digest(), Changes: policy.Diff(old, b)})
		},
	}
	jurisdictionsFlag(c, &f)
	return c
}

// diffed is what a change of rules does, as JSON.
type diffed struct {
	Before  string              `json:"before"`
	After   string              `json:"after"`
	Widens  bool                `json:"widens"` // or may
	Changes []policy.Difference `json:"changes"`
}

func (a *app) printDiff(d diffed) error {
	for _, x := range d.Changes {
		d.Widens = d.Widens || x.Loosens()
	}
	if a.json {
		if d.Changes == nil {
			d.Changes = []policy.Difference{}
		}
		return a.printJSON(d)
	}
	a.printChanges(d.Changes)
	switch {
	case len(d.Changes) == 0:
		a.printf("no decision changes\n")
	case d.Widens:
		a.printf("%s: something that was denied may be allowed\n", plural(len(d.Changes), "change"))
	default:
		a.printf("%s: nothing that was denied is allowed\n", plural(len(d.Changes), "change"))
	}
	return nil
}

// printChanges lists differences between rules.
func (a *app) printChanges(list []policy.Difference) {
	colours := map[policy.Effect]string{policy.Widens: red, policy.MayWiden: yellow, policy.Narrows: green}
	for _, x := range list {
		word := painted(x.Effect)
		if c, ok := colours[x.Effect]; ok {
			word = a.paint(c, string(x.Effect))
		}
		a.printf("%s: %s %s %s\n", word, x.What, x.ID, x.Change)
		for _, w := range x.Why {
			a.printf("  %s\n", strings.TrimPrefix(w, string(x.Effect)+": "))
		}
	}
}
