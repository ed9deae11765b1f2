package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) showCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show SEQ",
		Short: "print a signed message of the running node's log, as it is stored",
		Long: `Print the message at a log sequence, the number that subscribe shows as #N: the
origin's signature, what is disclosed of its objects, and every relay's hop. It is
the text that verify and inspect read, and that anybody else can check with it. What
was taken back of it since is said on stderr, with who did and when.`,
		Example: "  entente show 1 | entente inspect -",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || seq == 0 {
				return usage(fmt.Errorf("%q is not a log sequence: `entente subscribe` shows them as #N", args[0]))
			}
			_, client, err := a.client()
			if err != nil {
				return err
			}
			text, err := client.Message(cmd.Context(), seq)
			if err != nil {
				return err
			}
			gone, err := client.Withdrawals(cmd.Context(), "", seq)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(struct {
					Seq       uint64                 `json:"seq"`
					Message   string                 `json:"message"`
					Withdrawn []dashboard.Withdrawal `json:"withdrawn,omitempty"`
				}{seq, string(text), gone})
			}
			for _, w := range gone {
				a.say("%s is not valid any more: %s by %s at %s", w.ID, w.Reason, w.By, w.At.UTC().Format(time.RFC3339))
			}
			_, err = fmt.Fprintf(a.out, "%s\n", text)
			return err
		},
	}
}
