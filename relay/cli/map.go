package cli

import (
	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/scheme"
)

func (a *app) mapCmd() *cobra.Command {
	var q scheme.Query
	var date string
	c := &cobra.Command{
		Use:   "map LABEL --from SCHEME --to SCHEME",
		Short: "say what a marking is in another scheme",
		Long: `Say what a marking is in another scheme, by the loaded equivalence tables. SCHEME
is an id of "entente schemes list", a country code (its schemes in force at the
date), eu, nato, tlp, tlp-1.0 or tlp-2.0, in any case. The answer is JSON. That two
levels are equivalent is no permission to send. Without a configuration the shipped
tables are read, and no unverified row counts.

Exit code: 0 mapped, 4 a person must decide, 3 refused.`,
		Example: "  entente map VS-NfD --from DE --to FR\n  entente map RESTRICTED --from GB --to eu --date 2010-05-01",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			q.Label = args[0]
			if date != "" {
				at, err := a.moment("date", date)
				if err != nil {
					return err
				}
				q.Date = at
			}
			return a.mapLabel(q)
		},
	}
	f := c.Flags()
	f.StringVar(&q.From, "from", "", "scheme the label is of")
	f.StringVar(&q.To, "to", "", "scheme to read it in")
	f.StringVar(&date, "date", "", "when the marking was made, such as 2018-05-01 (default now)")
	for _, err := range []error{c.MarkFlagRequired("from"), c.MarkFlagRequired("to")} {
		if err != nil {
			panic(err) // the flags are defined above
		}
	}
	return c
}

// mapLabel prints the answer.
func (a *app) mapLabel(q scheme.Query) error {
	t, _, err := a.tables()
	if err != nil {
		return err
	}
	q.Now = a.now()
	answer := t.Answer(q)
	if err := a.printJSON(answer); err != nil {
		return err
	}
	switch answer.Kind {
	case mapping.Mapped:
		return nil
	case mapping.Hold:
		return ends(exitHeld)
	default:
		return ends(exitRefused)
	}
}
