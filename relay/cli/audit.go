package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// auditCmd groups what an operator has to answer for: where something lies, that
// it is gone, that it is kept.
func (a *app) auditCmd() *cobra.Command {
	return newAudit(a.auditWhoGotCmd(), a.auditExportCmd(), a.auditVerifyCmd(), a.auditHeadCmd(), a.auditFindCmd(), a.auditEraseCmd(), a.auditHoldCmd())
}

// newAudit makes the group of its commands.
func newAudit(children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "who got what and why, that nobody rewrote it; find, erase and keep what lies here"}
	c.AddCommand(children...)
	return c
}

// askFlags are how what is looked for is named.
func askFlags(c *cobra.Command, ask *dashboard.Ask) {
	c.Flags().StringVar(&ask.ID, "object", "", "look for the object with this id")
	c.Flags().StringVar(&ask.Digest, "digest", "", "look for the object with this digest")
}

func askOf(ask *dashboard.Ask, args []string) error {
	if len(args) > 0 {
		ask.Value = args[0]
	}
	given := 0
	for _, x := range []string{ask.Value, ask.ID, ask.Digest} {
		if strings.TrimSpace(x) != "" {
			given++
		}
	}
	if given != 1 {
		return usage(errors.New("name one of a value, --object or --digest"))
	}
	return nil
}

func (a *app) auditFindCmd() *cobra.Command {
	var ask dashboard.Ask
	c := &cobra.Command{
		Use:   "find [VALUE]",
		Short: "say where a value or an object lies on this node",
		Long: `Say in which objects of this node's log a value stands: in any case of letters,
made harmless (evil[.]example, hxxp://), inside a pattern, a URL or an e-mail
address, as a whole. Names that end in it are found as well. Lists, feeds, frames
and the index hold nothing that is not in the log; the journal holds no values,
only ids, digests and markings. What an origin sealed cannot be searched.

Exit code 0 when everything could be searched, whether the value was found or not;
4 when something is sealed.`,
		Example: `  entente audit find evil.example
  entente audit find --object indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := askOf(&ask, args); err != nil {
				return err
			}
			_, client, err := a.client()
			if err != nil {
				return err
			}
			found, err := client.Find(cmd.Context(), ask)
			if err != nil {
				return err
			}
			if err := a.printFound(found); err != nil {
				return err
			}
			if found.Sealed > 0 {
				return ends(exitHeld)
			}
			return nil
		},
	}
	askFlags(c, &ask)
	return c
}

func (a *app) printFound(f dashboard.Found) error {
	if a.json {
		return a.printJSON(f)
	}
	for _, p := range f.Places {
		a.printf("%s #%d from %s at %s\n", a.paint(bold, cmp.Or(p.ID, p.Type)), p.Seq, p.Source, p.At.UTC().Format(time.RFC3339))
		a.printf("  %s, issuer %s, digest %s\n", p.Kind, cmp.Or(p.Issuer, "none"), cmp.Or(p.Digest, "none"))
		if len(p.Paths) > 0 {
			a.printf("  in %s\n", strings.Join(p.Paths, ", "))
		}
		if len(p.Recipients) > 0 {
			a.printf("  went to %s\n", strings.Join(p.Recipients, ", "))
		}
	}
	a.printf("%d places in %d log entries. The journal holds no values. Copies of the data folder elsewhere are not known here.\n", len(f.Places), f.Searched)
	if f.Sealed > 0 {
		a.printf("%d messages or objects hold something sealed, which cannot be searched.\n", f.Sealed)
	}
	return a.out.err
}

func (a *app) auditEraseCmd() *cobra.Command {
	var ask dashboard.Ask
	var because string
	var yes bool
	c := &cobra.Command{
		Use:   "erase [VALUE]",
		Short: "erase what holds a value, or an object, everywhere on this node",
		Long: `Erase every object in which a value stands, or the one that is named, from log,
index, lists and what waits, as "entente audit find" shows them: only digest and
reason stay, and the object is refused when it comes again. What this node itself
published is withdrawn as spilled, so that whoever got it erases it, too; who got
what is others', is printed. What a legal hold names stays until that is lifted,
but goes to nobody.

The order is kept beside the configuration (erasures/), without the value: a data
folder that is put back from a backup does not bring it back. Without --yes nothing
is erased: it is shown what would be.`,
		Example: `  entente audit erase evil.example --because "request 17 of 2026" --yes`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := askOf(&ask, args); err != nil {
				return err
			}
			return a.erase(cmd.Context(), ask, because, yes)
		},
	}
	askFlags(c, &ask)
	c.Flags().StringVar(&because, "because", "", "reference of the reason, for the journal: never the value itself")
	c.Flags().BoolVar(&yes, "yes", false, "erase, without this only show")
	return c
}

func (a *app) erase(ctx context.Context, ask dashboard.Ask, because string, yes bool) error {
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	found, err := client.Find(ctx, ask)
	if err != nil {
		return err
	}
	if err := a.printFound(found); err != nil {
		return err
	}
	switch {
	case len(found.Places) == 0:
		return nil
	case !yes:
		return usage(errors.New("nothing was erased: give --yes to erase what is shown"))
	}
	e, err := relay.NewErasure(found, because, a.now())
	if err != nil {
		return usage(err)
	}
	if err := e.Save(relay.ErasuresDir(filepath.Dir(cfg.Path))); err != nil {
		return err
	}
	if err := client.Reload(ctx); err != nil {
		return fmt.Errorf("the order to erase is kept, and is carried out when the node takes it up: %w", err)
	}
	left, err := a.awaitErased(ctx, client, ask)
	if err != nil {
		return err
	}
	if left > 0 {
		a.complain(fmt.Errorf("%d places are not erased: a legal hold names them (`entente audit hold list`), or the node is still at it", left))
		return ends(exitHeld)
	}
	return nil
}

// awaitErased asks until nothing is left, for at most ten seconds.
func (a *app) awaitErased(ctx context.Context, client *dashboard.Client, ask dashboard.Ask) (left int, err error) {
	deadline, tick := time.NewTimer(10*time.Second), time.NewTicker(100*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		found, err := client.Find(ctx, ask)
		if err != nil || len(found.Places) == 0 {
			return 0, err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return len(found.Places), nil
		case <-ctx.Done():
			return len(found.Places), ctx.Err()
		}
	}
}
