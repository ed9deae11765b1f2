package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) proofCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "proof [SEQ]",
		Short: "list the equivocations this node can prove, or print one proof",
		Long: `An equivocation is two contents that the same participant signed for one version of
one object. The running node keeps the first, refuses the second, and holds both
signatures. Without SEQ they are listed; with the number that the list shows, the
proof is printed: two signed messages with what is always in the open of that one
object, and nothing else of either. Anybody who has the signer's statement can check
it with verify.`,
		Example: "  entente proof 12 | entente verify -",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var seq uint64
			if len(args) == 1 {
				var err error
				if seq, err = strconv.ParseUint(args[0], 10, 64); err != nil || seq == 0 {
					return usage(fmt.Errorf("%q is not a log sequence: `entente proof` lists them as #N", args[0]))
				}
			}
			_, client, err := a.client()
			if err != nil {
				return err
			}
			if seq != 0 {
				text, err := client.Proof(cmd.Context(), seq)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, "%s\n", text) // JSON, with and without --json
				return err
			}
			all, err := client.Proofs(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(all)
			}
			if len(all) == 0 {
				a.printf("no equivocation is proved\n")
			}
			for _, p := range all {
				a.printf("#%d %s: %s signed two contents for %s, version %s: %s is kept, %s refused\n", p.Seq, p.At.UTC().Format(time.RFC3339),
					p.Signer, p.ID, p.Version, p.Kept, p.Refused)
			}
			return nil
		},
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}
