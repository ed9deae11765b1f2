package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) quarantineCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "quarantine",
		Short: "what waits for a fact or a person, and what persons decide of it",
		Long: `What waits, grouped by cause, source and recipient. Some of it goes by itself when
what it waits for has come. Some of it a rule leaves to people: one person decides on
a single object, two on a group or, with an end date, on all of its kind.

A release takes away the one rule that held the objects. Everything else is decided
again at that moment: signatures, withdrawals, validity, marking, agreement, and every
other rule. What the origin's marking or its recorded permission does not allow, no
person here can release.`,
	}
	c.AddCommand(a.quarantineListCmd(), a.quarantineShowCmd(), a.quarantineRulesCmd(), a.decideCmd("release", "let go what waits for a person"),
		a.decideCmd("reject", "decide that what waits stays here"), a.decideCmd("revoke", "end an earlier decision"), a.quarantineSignCmd(), a.quarantineApplyCmd())
	return c
}

func (a *app) quarantineListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list what waits, by cause, source and recipient, the oldest first",
		Long: `List what waits, by cause, source and recipient, the oldest first. Exit code: 4 if
something waits, else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			groups, err := client.Quarantine(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.printGroups(groups); err != nil {
				return err
			}
			if len(groups) > 0 {
				return ends(exitHeld)
			}
			return nil
		},
	}
}

func (a *app) printGroups(groups []dashboard.HeldGroup) error {
	if a.json {
		return a.printJSON(groups)
	}
	if len(groups) == 0 {
		a.printf("nothing waits\n")
		return a.out.err
	}
	rows := [][]string{{"GROUP", "OBJECTS", "SINCE", "AGE", "FROM", "FOR", "REASON", "RULE", "NEEDS"}}
	for _, g := range groups {
		to := g.Peer
		if to == "" {
			to = "(way in)"
		}
		rows = append(rows, []string{g.ID, strconv.FormatUint(g.Count, 10), g.Oldest.UTC().Format(time.RFC3339), g.Age, dash(g.Source), to, g.Reason, dash(g.Rule), g.Needs})
	}
	return a.table(rows)
}

func (a *app) quarantineShowCmd() *cobra.Command {
	var values bool
	c := &cobra.Command{
		Use:   "show GROUP|ID",
		Short: "show the objects that wait, why, and what it takes",
		Long: `Show the objects of a group, or those with an id: marking, every rule that keeps them as
decided now, and what each of them would need. At most 500 of a group. Their content is
shown only with --values: people who decide have to read it, others do not.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			objects, err := client.HeldObjects(cmd.Context(), args[0], values)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(objects)
			}
			for i := range objects {
				a.printHeld(&objects[i])
			}
			return a.out.err
		},
	}
	c.Flags().BoolVar(&values, "values", false, "show the objects themselves")
	return c
}

func (a *app) printHeld(o *dashboard.HeldObject) {
	to := "on the way in"
	if o.Peer != "" {
		to = "for " + o.Peer
	}
	a.printf("%s %s since %s (%s), of %s, #%d, in %s\n", a.paint(bold, dash(o.ID)), to, o.Since.UTC().Format(time.RFC3339), o.Age, dash(o.Source), o.Seq, o.Group)
	a.printf("  marked %s, now: %s\n", dash(o.Marking.From), o.Verdict)
	for _, w := range o.Why {
		a.printf("  %s: %s\n", w.Reason, w.Text)
	}
	for _, n := range o.Needs {
		a.printf("  needs %s\n", n)
	}
	if len(o.Object) > 0 {
		a.printf("  %s\n", string(o.Object))
	}
}

func (a *app) quarantineRulesCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "rules",
		Short: "list what persons decided, and whether it counts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			rules, err := client.DecisionRules(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(rules)
			}
			for _, r := range rules {
				about := plural(r.Objects, "object")
				if len(r.Types) > 0 {
					about = "all " + strings.Join(r.Types, ", ")
				}
				a.printf("%s %s: %s of %s for %s, held by %s, until %s\n  by %s on %s: %s\n  %s\n", a.paint(bold, r.ID), r.Act, about, r.Source, r.Peer, r.Rule,
					r.Until.UTC().Format(time.RFC3339), joined(r.By), r.Taken.UTC().Format(time.RFC3339), r.Because, r.State)
			}
			return a.out.err
		},
	}
}

// printDecided says what came of a decision, and ends with 3 if something of it
// stays.
func (a *app) printDecided(d *dashboard.Decided) error {
	if a.json {
		if err := a.printJSON(d); err != nil {
			return err
		}
	} else {
		before := ""
		if d.Before {
			before = ", which was taken before"
		}
		a.printf("decision %s (%s) by %s%s: %s released, %d rejected, %d stay\n", d.ID, d.Act, joined(d.By), before, plural(d.Released, "object"), d.Rejected, len(d.Stay))
		for _, s := range d.Stay {
			a.printf("  %s stays: %s: %s\n", s.ID, s.Reason, s.Text)
		}
	}
	if a.out.err != nil {
		return a.out.err
	}
	if len(d.Stay) > 0 {
		return ends(exitRefused)
	}
	return nil
}

// describe shows people, on stderr, what they are about to sign.
func (a *app) describe(text []byte) {
	for line := range strings.Lines(indented(text)) {
		fmt.Fprintf(a.err, "  %s", clean(strings.TrimRight(line, "\n"))+"\n")
	}
}
