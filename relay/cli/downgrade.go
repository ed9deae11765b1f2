package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// downgradeRequest is what goes from one person to the next: the objects as they
// would be signed, and who signed the act so far.
type downgradeRequest struct {
	Text      string            `json:"text"`
	Objects   []json.RawMessage `json:"objects"`
	Approvals []string          `json:"approvals"`
}

func (a *app) downgradeCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "downgrade",
		Short: "mark an own object lower, by an act that two persons sign; list such acts",
		Long: `A newer version of an object may be marked higher by publishing it. Marked lower, on
any axis (TLP, classification, release list, residency and so on), it counts here and at
every peer only with an act that its originator signs and two of its persons agreed to:
one publishes nothing by mistake, and nobody in between can lower anything.`,
	}
	c.AddCommand(a.downgradeRequestCmd(), a.downgradeApproveCmd(), a.downgradeListCmd())
	return c
}

func (a *app) downgradeRequestCmd() *cobra.Command {
	var who signers
	var q dashboard.DowngradeProposal
	var until string
	c := &cobra.Command{
		Use:   "request FILE|--tear-line ID --because TEXT --by PERSON --key FILE",
		Short: "ask that a newer version marked lower, or a tear-line, may be published",
		Long: `Read one newer version of an object that this node published, marked lower, show what
would go down, and sign the request as one person under approvers:. What is printed
goes to another person, who runs ` + "`entente downgrade approve`" + ` on it (exit code 4).
With two persons at one console it is done at once. FILE is what ` + "`entente publish`" + ` takes;
the version needs a later "modified". --until is the last moment at which a peer may
first accept it (default 90 days from now).

With --tear-line the request is for an object of its own, made of those parts of an
indicator or malware whose granular_markings let them go under the label of --to: with a
new id, whole days for times, and nothing that is not marked. It is refused if what may
go repeats what stays, or names another object. When the original is replaced or taken
back, so is the tear-line; of which object it was made nobody else learns.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := who.check(); err != nil {
				return err
			}
			if strings.TrimSpace(q.Because) == "" {
				return usage(errors.New("--because TEXT is needed: every recipient reads why"))
			}
			var err error
			if until != "" {
				if q.Until, err = a.moment("until", until); err != nil {
					return err
				}
			}
			if (len(args) == 0) == (q.TearLine == "") {
				return usage(errors.New("name a file with the newer version, or an object with --tear-line ID"))
			}
			if (q.TearLine == "") != (q.To == "") {
				return usage(errors.New("--tear-line ID and --to LABEL go together"))
			}
			if len(args) > 0 {
				if q.File, err = a.read(args[0]); err != nil {
					return err
				}
				q.Name = args[0]
			}
			return a.requestDowngrade(cmd.Context(), q, &who)
		},
	}
	who.flags(c)
	c.Flags().StringVar(&q.Because, "because", "", "why, for every recipient")
	c.Flags().StringVar(&q.TearLine, "tear-line", "", "id of an own object: make a new one of its marked parts")
	c.Flags().StringVar(&q.To, "to", "", "label of the tear-line, such as TLP:GREEN")
	c.Flags().StringVar(&q.Profile, "profile", "", "source profile of the file")
	c.Flags().StringVar(&until, "until", "", "last moment at which a peer may first accept it")
	return c
}

func (a *app) requestDowngrade(ctx context.Context, q dashboard.DowngradeProposal, who *signers) error {
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	if len(cfg.Approvers) < 2 {
		return usage(errors.New("two persons have to agree: name them under approvers: in the configuration (`entente approver new`)"))
	}
	p, err := client.ProposeDowngrade(ctx, q)
	if err != nil {
		return err
	}
	r := downgradeRequest{Text: p.Text, Objects: p.Objects}
	return a.agreeDowngrade(ctx, cfg, client, &r, who)
}

// agreeDowngrade shows what a request would lower, signs it, and hands it to the
// node if two persons have agreed, else to the next person.
func (a *app) agreeDowngrade(ctx context.Context, cfg *configs.Node, client *dashboard.Client, r *downgradeRequest, who *signers) error {
	d, err := directory.ReadDowngradeText([]byte(r.Text))
	if err != nil {
		return err
	}
	a.say("%s %s", d.Object, d.Old.Version)
	a.say("from %s to %s: lower in %s", d.From, d.To, joined(d.Axes))
	a.say("because: %s", d.Reason)
	for _, raw := range r.Objects {
		a.describe(raw)
	}
	more, err := who.sign(a, directory.TypDowngradeConsent, cfg.Node.ID, r.Text)
	if err != nil {
		return err
	}
	r.Approvals = append(r.Approvals, more...)
	if len(r.Approvals) < 2 {
		a.say("one of two persons signed: the next one runs `entente downgrade approve` on this")
		if err := a.printJSON(r); err != nil {
			return err
		}
		return ends(exitHeld)
	}
	done, err := client.Downgrade(ctx, dashboard.DowngradeConsent{Objects: r.Objects, Approvals: r.Approvals})
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(done)
	}
	a.printDowngraded(&done)
	return a.out.err
}

func (a *app) downgradeApproveCmd() *cobra.Command {
	var who signers
	c := &cobra.Command{
		Use:   "approve FILE --by PERSON --key FILE",
		Short: "agree, as the second person, and publish the lower version with its act",
		Long: `Show what another person asks for with ` + "`entente downgrade request`" + `, sign the same, and
hand both to the running node: it signs the act with its agreement key and commits it
together with the version. Peers that got the version before get the act first. FILE
may be - for standard input. Exit code 3 if the node refuses.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := who.check(); err != nil {
				return err
			}
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			raw, err := a.read(args[0])
			if err != nil {
				return err
			}
			r, err := readDowngradeRequest(raw)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", args[0], err))
			}
			if err := signedDowngrade(cfg, r, a.now()); err != nil {
				return err
			}
			return a.agreeDowngrade(cmd.Context(), cfg, client, r, &who)
		},
	}
	who.flags(c)
	return c
}

func readDowngradeRequest(raw []byte) (*downgradeRequest, error) {
	var r downgradeRequest
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return nil, fmt.Errorf("it is not what `entente downgrade request` printed: %w", err)
	}
	if r.Text == "" || len(r.Objects) == 0 || len(r.Approvals) == 0 {
		return nil, errors.New("it is not what `entente downgrade request` printed: text, objects or approvals are missing")
	}
	return &r, nil
}

// signedDowngrade verifies what others signed, and that it is the text shown.
func signedDowngrade(cfg *configs.Node, r *downgradeRequest, now time.Time) error {
	approvers, err := relay.ApproversOf(cfg)
	if err != nil {
		return usage(err)
	}
	raws := make([][]byte, len(r.Approvals))
	for i, one := range r.Approvals {
		raws[i] = []byte(one)
	}
	text, _, err := approvers.Verify(directory.TypDowngradeConsent, cfg.Node.ID, 1, now, raws...)
	if err != nil {
		return err
	}
	if string(text) != r.Text {
		return usage(errors.New("the request shows another text than the person before signed"))
	}
	return nil
}

func (a *app) downgradeListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the acts in this node's log that lower a marking, its own and others'",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			all, err := client.Downgrades(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(all)
			}
			if len(all) == 0 {
				a.printf("no act lowers a marking here\n")
			}
			for i := range all {
				a.printDowngraded(&all[i])
			}
			return a.out.err
		},
	}
}

func (a *app) printDowngraded(d *dashboard.Downgraded) {
	object := d.Object
	if object == "" {
		object = "(the act can no longer be read)"
	}
	a.printf("%s  %s\n", d.At.UTC().Format(time.RFC3339), object)
	a.printf("  %s → %s, lower in %s; agreed by %s\n", d.From, d.To, joined(d.Axes), joined(d.By))
	if d.TearLine != "" {
		a.printf("  as the tear-line %s\n", d.TearLine)
	}
	a.printf("  because: %s\n", d.Because)
}
