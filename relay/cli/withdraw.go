package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) withdrawCmd() *cobra.Command {
	var owner, reason string
	var status bool
	c := &cobra.Command{
		Use:   "withdraw ID...",
		Short: "take back objects that this node published, or show whom that has reached",
		Long: `Take back every version of the named objects that this node published. Every peer
to which one went is told, whatever policy and agreement say now, and nobody else;
each passes it on to those it sent the object to. From then on the object is in no
list, goes nowhere, and is refused when it comes again. Only a newer version can
follow. Reason "spill" says that it should never have been sent: every node that
obeys also erases its content from the log.

A newer version of an object takes the one before back by itself ("superseded").

With --status, print what was taken back here (all, or the objects named) and how
far it has come with each recipient of this node: acknowledged by a signed receipt,
sent, not taken there, or outstanding. What happens behind a peer only that peer
knows. A paused peer gets it when it is resumed; one that was removed cannot be
reached. Exit code with --status: 4 if somebody has not acknowledged, else 0.`,
		Example: `  entente withdraw indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
  entente withdraw --status`,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			if status {
				return a.withdrawals(cmd.Context(), client, args)
			}
			if len(args) == 0 {
				return usage(errors.New("name the objects to withdraw, or ask with --status"))
			}
			ws, err := client.WithdrawFor(cmd.Context(), owner, args, reason)
			if err != nil {
				return err
			}
			return a.printWithdrawals(ws)
		},
	}
	c.Flags().StringVar(&owner, "for", "", "participant whose objects they are; it delegated that to this node")
	c.Flags().StringVar(&reason, "reason", "withdrawn", `why: "withdrawn", or "spill" for what should never have been sent`)
	c.Flags().BoolVar(&status, "status", false, "withdraw nothing: show what was taken back and whom it has reached")
	return c
}

// withdrawals shows what was taken back and ends with 4 while it has not
// reached everybody.
func (a *app) withdrawals(ctx context.Context, client *dashboard.Client, ids []string) error {
	if len(ids) == 0 {
		ids = []string{""}
	}
	all := []dashboard.Withdrawal{}
	for _, id := range ids {
		ws, err := client.Withdrawals(ctx, id, 0)
		if err != nil {
			return err
		}
		all = append(all, ws...)
	}
	if err := a.printWithdrawals(all); err != nil {
		return err
	}
	for _, w := range all {
		for _, r := range w.Recipients {
			if r.State != "acknowledged" {
				return ends(exitHeld)
			}
		}
	}
	return nil
}

func (a *app) printWithdrawals(ws []dashboard.Withdrawal) error {
	if a.json {
		return a.printJSON(ws)
	}
	for _, w := range ws {
		name := w.ID
		if name == "" {
			name = "object " + w.Digest + ", which never came here"
		}
		a.printf("%s %s by %s at %s, #%d\n", a.paint(bold, name), w.Reason, w.By, w.At.UTC().Format(time.RFC3339), w.Seq)
		for _, r := range w.Recipients {
			a.printf("  %s %s since %s", r.Peer, r.State, r.Since.UTC().Format(time.RFC3339))
			if r.Reason != "" {
				a.printf(" (%s)", r.Reason)
			}
			if r.State != "acknowledged" {
				a.printf(", link %s", r.Link)
			}
			a.printf("\n")
		}
		if len(w.Recipients) == 0 {
			a.printf("  went to nobody from here\n")
		}
	}
	return a.out.err
}
