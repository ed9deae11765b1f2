package cli

import (
	"time"

	"github.com/spf13/cobra"
)

func (a *app) auditHeadCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "head",
		Short: "sign the end of the running node's journal and print it",
		Long: `Sign the end of the running node's journal with its message key, if anything was
recorded since that was done last, and print the signed head: one line, a compact
JWS. It names the number and the hash of a record and the time, and nothing of what
was recorded, so it can be handed to a peer or printed. Whoever keeps it can tell
later, with audit verify --head, whether the journal was rewritten up to there.

The node also signs by itself: every hour (journal.head_every), at its start and at
its end. Those heads are in the journal.`,
		Example: "  entente audit head > de-cert.head",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			h, err := client.Head(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(h)
			}
			a.say("the journal of %s up to record %d, signed %s", h.Node, h.Seq, h.At.UTC().Format(time.RFC3339))
			a.printf("%s\n", h.Signed)
			return a.out.err
		},
	}
}
