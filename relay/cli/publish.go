package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay/dashboard"
)

// Outcomes of one published object (dashboard.Item).
const (
	outTaken     = "taken"
	outDuplicate = "duplicate"
	outHeld      = "held"
	outRefused   = "refused"
)

func (a *app) publishCmd() *cobra.Command {
	var owner, profile string
	c := &cobra.Command{
		Use:   "publish FILE...",
		Short: "hand STIX bundles, MISP events or CSV to the running node",
		Long: `Hand files to the running node: STIX bundles, MISP events or CSV; - is standard
input. Each object is taken, found to be here already, held or refused; the last
two with a reason. When the command returns, what was taken is on disk.

Exit code: 0 all taken or here already, 4 any held, 3 any refused, 1 a file that
cannot be read or no node running.`,
		Example: "  entente publish feed.json\n  generator | entente publish - --profile partner-feed",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.publish(cmd.Context(), owner, args, profile)
		},
	}
	c.Flags().StringVar(&owner, "for", "", "participant whose objects these are newer versions of; it delegated that to this node")
	c.Flags().StringVar(&profile, "profile", "", "source profile that says how unmarked input is marked")
	return c
}

// publish hands over file after file. A file that fails does not keep the
// others back.
func (a *app) publish(ctx context.Context, owner string, files []string, profile string) error {
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	if err := knownProfile(cfg, profile); err != nil {
		return usage(err)
	}
	results := []dashboard.Published{}
	var errs []error
	for _, name := range files {
		data, err := a.read(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p, err := client.PublishFor(ctx, owner, displayName(name), profile, data)
		if errors.Is(err, dashboard.ErrNotRunning) {
			return err
		}
		if err != nil {
			errs = append(errs, named(displayName(name), err))
			continue
		}
		results = append(results, p)
	}
	if err := a.printPublished(results); err != nil {
		return err
	}
	return publishedEnd(results, errs)
}

// named puts a file's name before an error that does not begin with it.
func named(file string, err error) error {
	if strings.HasPrefix(err.Error(), file) {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// knownProfile refuses a misspelt profile before anything is sent.
func knownProfile(cfg *configs.Node, name string) error {
	if name == "" || slices.ContainsFunc(cfg.Profiles, func(p configs.Profile) bool { return p.Name == name }) {
		return nil
	}
	known := make([]string, len(cfg.Profiles))
	for i, p := range cfg.Profiles {
		known[i] = p.Name
	}
	if len(known) == 0 {
		return fmt.Errorf("--profile %s: %s has no source profiles: add one under `profiles`", name, cfg.Path)
	}
	return fmt.Errorf("--profile %s: not in %s: there are %s", name, cfg.Path, strings.Join(known, ", "))
}

// publishedEnd is the exit code of it all: a failure goes before a hold, and a
// hold, which somebody must look at, before a refusal.
func publishedEnd(results []dashboard.Published, errs []error) error {
	var held, refused bool
	for _, p := range results {
		held, refused = held || p.Held > 0, refused || p.Refused > 0
	}
	end := &ending{err: errors.Join(errs...)}
	for _, err := range errs {
		switch c := codeOf(err); c {
		case exitHeld:
			held = true
		case exitRefused:
			refused = true
		default:
			end.code = c
			return end
		}
	}
	switch {
	case held:
		end.code = exitHeld
	case refused:
		end.code = exitRefused
	default:
		return nil
	}
	return end
}

// printPublished prints a row of counts a file, then why objects were held or
// refused.
func (a *app) printPublished(results []dashboard.Published) error {
	if a.json {
		return a.printJSON(map[string]any{"files": results})
	}
	if len(results) == 0 {
		return nil
	}
	rows := [][]string{{"FILE", "OBJECTS", "TAKEN", "DUPLICATE", "HELD", "REFUSED", "MESSAGES"}}
	for _, p := range results {
		rows = append(rows, []string{p.Name, fmt.Sprint(len(p.Items)), fmt.Sprint(p.Taken), fmt.Sprint(p.Duplicate),
			fmt.Sprint(p.Held), fmt.Sprint(p.Refused), fmt.Sprint(p.Messages)})
	}
	if err := a.table(rows); err != nil {
		return err
	}
	for _, p := range results {
		for _, it := range p.Items {
			if it.Outcome == outHeld || it.Outcome == outRefused {
				a.printItem(p.Name, it)
			}
		}
	}
	return nil
}

// printItem says why one object was not taken.
func (a *app) printItem(file string, it dashboard.Item) {
	colour := yellow
	if it.Outcome == outRefused {
		colour = red
	}
	a.printf("%s\n", a.paint(colour, itemText(file, it)))
}

// itemText is one object's outcome as a line.
func itemText(file string, it dashboard.Item) string {
	id := it.ID
	if id == "" {
		id = fmt.Sprintf("%s, object %d", file, it.Index+1)
	}
	text := it.Outcome + " " + id + ": " + it.Reason
	if it.Text != "" {
		text += ": " + it.Text
	}
	return text
}
