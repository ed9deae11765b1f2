package cli

import (
	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/scheme"
)

func (a *app) mapCmd() *cobra.Command {
	var q scheme.Query
	var date string
	var explain bool
	c := &cobra.Command{
		Use:   "map LABEL --from SCHEME --to SCHEME",
		Short: "say what a marking is in another scheme",
		Long: `Say what a marking is in another scheme, by the loaded equivalence tables. SCHEME
is an id of "entente schemes list", a country code (its schemes in force at the
date), eu, nato, tlp, tlp-1.0 or tlp-2.0, in any case. The answer is JSON. That two
levels are equivalent is no permission to send. Without a configuration the shipped
tables are read, and no unverified row counts.

LABEL is a marking as it is written: a level, or a whole line such as
"SECRET//REL TO USA, GBR"; what stands beside the level is told apart from it.
With --explain the answer is told in sentences instead: how the marking was read and
by whose rules, each row that was used with its source, the law that decided, and
what can be done about a refusal. With --json too, the sentences are in the answer.

Exit code: 0 mapped, 4 a person must decide, 3 refused.`,
		Example: "  entente map VS-NfD --from DE --to FR\n  entente map 'SECRET//REL TO USA, GBR' --from US --to eu --explain\n  entente map RESTRICTED --from GB --to eu --date 2010-05-01",
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
			return a.mapLabel(q, explain)
		},
	}
	f := c.Flags()
	f.StringVar(&q.From, "from", "", "scheme the label is of")
	f.StringVar(&q.To, "to", "", "scheme to read it in")
	f.StringVar(&date, "date", "", "when the marking was made, such as 2018-05-01 (default now)")
	f.BoolVar(&explain, "explain", false, "tell in sentences how the answer came about")
	for _, err := range []error{c.MarkFlagRequired("from"), c.MarkFlagRequired("to")} {
		if err != nil {
			panic(err) // the flags are defined above
		}
	}
	return c
}

// explained is an answer with how it came about.
type explained struct {
	scheme.Answer
	Reasoning []string `json:"reasoning"`
}

// mapLabel prints the answer, or with explain how it came about.
func (a *app) mapLabel(q scheme.Query, explain bool) error {
	t, _, err := a.tables()
	if err != nil {
		return err
	}
	q.Now = a.now()
	answer, reasoning := t.Reasoning(q)
	switch {
	case !explain:
		err = a.printJSON(answer)
	case a.json:
		err = a.printJSON(explained{answer, reasoning})
	default:
		for _, s := range reasoning {
			a.printf("%s\n", s)
		}
		err = a.out.err
	}
	if err != nil {
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
