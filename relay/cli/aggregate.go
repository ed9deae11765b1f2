package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) aggregateCmd() *cobra.Command {
	var from, to, tlp string
	var publish bool
	c := &cobra.Command{
		Use:   "aggregate --from DAY --to DAY",
		Short: "count what came in a period that is over; small counts are left out",
		Long: `Count the objects that this node took in a period: by type, by sector and country of
the victims, by malware family. The period is one day, week (from Monday), month,
quarter or year in UTC, and it is over. Counts below the floor (generalise.floor in the
configuration, 5 by default) are left out, and others with them where they could be
computed; there are no totals. Objects of this node are counted, and those of others
whose terms permit it (generalise), as far as the marking --tlp protects them.

With --publish, the counts are issued as an object of this node's own, a STIX note,
which is judged for each peer like any other. Each day is published once: a period that
overlaps one that was published is refused (exit code 3), because the difference of two
counts can be a small one.`,
		Example: `  entente aggregate --from 2026-01-01 --to 2026-01-31
  entente aggregate --from 2026-01-01 --to 2026-01-31 --tlp TLP:CLEAR --publish`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("unexpected %q", args[0]))
			}
			var days [2]time.Time
			for i, text := range [...]string{from, to} {
				var err error
				if days[i], err = time.Parse(time.DateOnly, text); err != nil {
					return usage(fmt.Errorf("--%s %q is not a day: write it as 2026-12-31", [...]string{"from", "to"}[i], text))
				}
			}
			_, client, err := a.client()
			if err != nil {
				return err
			}
			out, err := client.Aggregate(cmd.Context(), days[0], days[1], tlp, publish)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(out)
			}
			for _, t := range out.Tables {
				a.printf("%s\n", a.paint(bold, t.Name))
				for _, cell := range t.Cells {
					a.printf("  %s %d\n", cell.Name, cell.Count)
				}
			}
			a.printf("%d objects counted, %d not; counts below %d are left out\n", out.Counted, out.Left, out.Floor)
			if out.ID != "" {
				a.printf("%s, %s, #%d\n", a.paint(bold, out.ID), out.Marking, out.Seq)
			}
			return a.out.err
		},
	}
	c.Flags().StringVar(&from, "from", "", "first day, such as 2026-01-01")
	c.Flags().StringVar(&to, "to", "", "last day")
	c.Flags().StringVar(&tlp, "tlp", "TLP:GREEN", "marking of the counts: what is better protected is not counted")
	c.Flags().BoolVar(&publish, "publish", false, "issue the counts as an object of this node")
	return c
}
