package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) simulateCmd() *cobra.Command {
	var f relay.Folders
	var since string
	c := &cobra.Command{
		Use:   "simulate --policy DIR",
		Short: "replay what the node holds against other rules, and list what flips",
		Long: `Judge what the running node holds in its log for every peer, once by the rules in
force and once by those in DIR, and list what flips: grouped by the rule that makes
it flip, with counts and examples. Both judge as of now, by the same terms, and by the
code that the relay runs; nothing is sent, held or recorded. What is erased or no
longer kept cannot be judged again and is counted. What was held or refused at the way
in is not judged again.

The node takes its time over it, at most half of one processor.`,
		Example: "  entente simulate --policy new-rules --since 7d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.simulate(cmd.Context(), f, since)
		},
	}
	c.Flags().StringVar(&f.Policies, "policy", "", "folder with the other rules (default those of the configuration: what a reload would put in force)")
	c.Flags().StringVar(&since, "since", "", "from when on, such as 2026-11-01, or how long back, such as 7d or 12h (default all that is kept)")
	jurisdictionsFlag(c, &f)
	return c
}

func (a *app) simulate(ctx context.Context, f relay.Folders, sinceText string) error {
	since, err := a.since(sinceText)
	if err != nil {
		return err
	}
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	if _, err := relay.LoadBundle(cfg, f); err != nil { // its faults with file, line and column
		return usage(err)
	}
	packed, err := relay.PackRules(cfg, f)
	if err != nil {
		return usage(err)
	}
	s, err := client.Simulate(ctx, packed, since)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(s)
	}
	a.printSimulation(&s)
	return a.out.err
}

// since reads a moment, or how long back it is; empty is no bound.
func (a *app) since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, ok := spanOf(text); ok {
		return a.now().Add(-d), nil
	}
	return a.moment("since", text)
}

// spanOf reads a length of time: 12h, or 7d for days of 24 hours.
func spanOf(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n <= 36500
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}

// printSimulation says what flips, then what could not be judged.
func (a *app) printSimulation(s *dashboard.Simulation) {
	a.printf("policy %.12s → %.12s, %s of the rules\n", s.Before, s.After, plural(len(s.Diff), "change"))
	for i := range s.Groups {
		a.printGroup(&s.Groups[i])
	}
	from := "all that is kept"
	if !s.Since.IsZero() {
		from = "since " + s.Since.UTC().Format(time.RFC3339)
	}
	a.printf("%s, %s in %s: %s\n", from, plural(s.Objects, "object"), plural(s.Messages, "message"), plural(len(s.Peers), "peer"))
	a.printf("%s, %d flip: %d widen, %d narrow\n", plural(s.Decisions, "decision"), s.Flipped, s.Widened, s.Narrowed)
	u := s.Unjudged
	if u.Erased+u.Unverified+u.Gone > 0 {
		a.printf("not judged again: %s erased, %s no longer verified, %s no longer kept\n",
			plural(u.Erased, "object"), plural(u.Unverified, "message"), plural(u.Gone, "log position"))
	}
	for _, t := range u.Terms {
		a.printf("the terms do not fit these rules: %s\n", t)
	}
}

func (a *app) printGroup(g *dashboard.FlipGroup) {
	colour := green
	if g.Effect == policy.Widens {
		colour = red
	}
	a.printf("%s: %d × %s → %s %s\n", a.paint(colour, string(g.Effect)), g.Count, g.From, g.To, because(g))
	var peers []string
	for _, id := range sortedKeys(g.Peers) {
		peers = append(peers, fmt.Sprintf("%s %d", id, g.Peers[id]))
	}
	a.printf("  %s\n", joined(peers))
	for _, x := range g.Examples {
		part := ""
		if len(x.Shown) > 0 {
			part += ", shows " + joined(x.Shown)
		}
		if len(x.Removed) > 0 {
			part += ", without " + joined(x.Removed)
		}
		a.printf("  %s to %s%s\n", x.ID, x.Peer, part)
	}
	if len(g.Examples) > 0 {
		for _, l := range wrapped(clean(g.Examples[0].Text), screen-6) {
			a.printf("      %s\n", l)
		}
	}
}

// because names the rule of a group.
func because(g *dashboard.FlipGroup) string {
	switch {
	case g.Effect == policy.Widens && g.By != "" && g.By != g.Rule:
		return fmt.Sprintf("by %s; %s no longer denies", g.By, g.Rule)
	case g.Effect == policy.Widens:
		return fmt.Sprintf("because %s no longer denies", g.Rule)
	default:
		return fmt.Sprintf("by %s (%s)", g.Rule, g.Reason)
	}
}
