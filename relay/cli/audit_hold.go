package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) auditHoldCmd() *cobra.Command {
	c := &cobra.Command{Use: "hold", Short: "keep what a legal hold names from being erased"}
	c.AddCommand(a.holdAddCmd(), a.holdListCmd(), a.holdLiftCmd())
	return c
}

// holds is the folder of the node's legal holds.
func (a *app) holds() (string, *dashboard.Client, error) {
	cfg, client, err := a.client()
	if err != nil {
		return "", nil, err
	}
	return relay.HoldsDir(filepath.Dir(cfg.Path)), client, nil
}

func (a *app) holdAddCmd() *cobra.Command {
	var h relay.Hold
	var from, to string
	c := &cobra.Command{
		Use:   "add",
		Short: "add a legal hold",
		Long: `Add a legal hold: what it names is not erased, by retention or by "audit erase",
until it is lifted; the journal is not cut behind it. Once its time is over it goes
to nobody and is in no list all the same. Of several flags all must fit. A spill that
its issuer takes back is erased nevertheless.`,
		Example: `  entente audit hold add --peer pl-cert --from 2026-11-01 --because "case 12/26" --by "legal counsel"`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if h.From, err = onDay(from); err != nil {
				return err
			}
			if h.To, err = onDay(to); err != nil {
				return err
			}
			dir, client, err := a.holds()
			if err != nil {
				return err
			}
			if err := relay.AddHold(dir, &h, a.now()); err != nil {
				return usage(err)
			}
			return errors.Join(a.printHold(&h), a.told(client.Reload(cmd.Context())))
		},
	}
	c.Flags().StringVar(&h.Object, "object", "", "id of an object")
	c.Flags().StringVar(&h.Digest, "digest", "", "digest of an object")
	c.Flags().StringVar(&h.Peer, "peer", "", "what came from this peer, or was issued by it")
	c.Flags().StringVar(&from, "from", "", "what came in from this day on")
	c.Flags().StringVar(&to, "to", "", "what came in before this day")
	saidBy(c, &h.Because, &h.By)
	return c
}

// onDay reads a day, none from an empty text.
func onDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, usage(fmt.Errorf("%q is not a day: write it as 2026-12-31", text))
	}
	return day, nil
}

// saidBy are the flags without which a hold is not added or lifted.
func saidBy(c *cobra.Command, because, by *string) {
	c.Flags().StringVar(because, "because", "", "reference of the reason, such as a court's (needed)")
	c.Flags().StringVar(by, "by", "", "role that orders it, such as legal counsel (needed)")
}

// told says of a node that does not run that it will know when it starts.
func (a *app) told(err error) error {
	if errors.Is(err, dashboard.ErrNotRunning) {
		return nil
	}
	return err
}

func (a *app) holdListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list legal holds, those that were lifted included",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, _, err := a.holds()
			if err != nil {
				return err
			}
			all, err := relay.LoadHolds(dir)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(append([]*relay.Hold{}, all...))
			}
			for _, h := range all {
				if err := a.printHold(h); err != nil {
					return err
				}
			}
			return a.out.err
		},
	}
}

func (a *app) holdLiftCmd() *cobra.Command {
	var l relay.Lift
	c := &cobra.Command{
		Use:   "lift ID",
		Short: "lift a legal hold: what is due is erased then",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, client, err := a.holds()
			if err != nil {
				return err
			}
			h, err := relay.LiftHold(dir, args[0], l, a.now())
			if err != nil {
				return err
			}
			return errors.Join(a.printHold(h), a.told(client.Reload(cmd.Context())))
		},
	}
	saidBy(c, &l.Because, &l.By)
	return c
}

func (a *app) printHold(h *relay.Hold) error {
	if a.json {
		return a.printJSON(h)
	}
	a.printf("%s since %s by %s: %s\n", a.paint(bold, h.ID), h.At.Format(time.RFC3339), h.By, h.Because)
	for _, x := range [][2]string{{"object", h.Object}, {"digest", h.Digest}, {"peer", h.Peer}} {
		if x[1] != "" {
			a.printf("  %s %s\n", x[0], x[1])
		}
	}
	if !h.From.IsZero() || !h.To.IsZero() {
		a.printf("  came in from %s to %s\n", orWord(h.From, "the beginning"), orWord(h.To, "now"))
	}
	if l := h.Lifted; l != nil {
		a.printf("  lifted %s by %s: %s\n", l.At.Format(time.RFC3339), l.By, l.Because)
	}
	return a.out.err
}

func orWord(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return cmp.Or(t.Format(time.DateOnly), none)
}
