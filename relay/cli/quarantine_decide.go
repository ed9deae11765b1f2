package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// approvalLasts is how long a signature may wait for the other persons'.
const approvalLasts = 7 * 24 * time.Hour

// signers are the persons at this console, with their keys.
type signers struct{ by, keys []string }

func (s *signers) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.by, "by", nil, "person who decides, as approvers: names them; once for each")
	c.Flags().StringArrayVar(&s.keys, "key", nil, "file with the key of that person, in the same order")
}

func (s *signers) check() error {
	if len(s.by) == 0 || len(s.by) != len(s.keys) {
		return usage(errors.New("name each person with --by PERSON --key FILE: a decision is signed"))
	}
	return nil
}

// sign signs a text as every person.
func (s *signers) sign(a *app, typ, node, text string) ([]string, error) {
	var out []string
	for i, by := range s.by {
		k, err := directory.LoadPrivateKey(s.keys[i])
		if err != nil {
			return nil, usage(err)
		}
		raw, err := directory.NewApproval(typ, directory.Approval{ID: uuid.Must(uuid.NewV7()).String(), By: by, Node: node,
			Text: []byte(text), IssuedAt: a.now(), NotAfter: a.now().Add(approvalLasts)}, k)
		if err != nil {
			return nil, usage(err)
		}
		out = append(out, string(raw))
	}
	return out, nil
}

// decideCmd makes release, reject and revoke.
func (a *app) decideCmd(verb, short string) *cobra.Command {
	var who signers
	var because, until, peer string
	what := "GROUP|ID"
	if verb == "revoke" {
		what = "DECISION"
	}
	c := &cobra.Command{
		Use:   verb + " " + what + " --by PERSON --key FILE --because TEXT",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := who.check(); err != nil {
				return err
			}
			p := dashboard.Proposal{Act: verb, What: args[0], Peer: peer, Because: because}
			if verb == "revoke" {
				p.Act = "end"
			}
			if because == "" {
				return usage(errors.New("--because TEXT is needed: whoever reads the decision later wants to know why"))
			}
			if until != "" {
				var err error
				if p.Until, err = a.moment("until", until); err != nil {
					return err
				}
			}
			return a.decide(cmd.Context(), p, &who)
		},
	}
	c.Long = decideLong[verb]
	who.flags(c)
	c.Flags().StringVar(&because, "because", "", "why, for whoever reads the decision later")
	if verb != "revoke" {
		c.Flags().StringVar(&peer, "to", "", "peer for whom it waits, where an object waits for several")
		c.Flags().StringVar(&until, "until", "", "make it a rule until then, for what else waits or comes of the same cause, source, recipient and types")
	}
	return c
}

var decideLong = map[string]string{
	"release": `Let go what a rule left to people: the objects of a group that wait now, or one object.
With --until it becomes a rule for all of the same cause, source, recipient and types.

One person decides on a single object; two on more, on a rule, and where the origin's
own words left it to people. Where another person has to sign, what was signed is
printed (exit code 4): that person runs ` + "`entente quarantine sign`" + ` on it, and
anybody ` + "`entente quarantine apply`" + `. Without --until a release is good for 30 days,
for a peer that is not connected. Exit code 3 if something stays for another reason.`,
	"reject": `Decide that objects stay here, whatever the rules come to say: they leave the list and
do not go to that peer for a year, or as long as --until says, which makes it a rule for
all of the kind. One person decides on a single object, two on more.`,
	"revoke": `End an earlier decision. One person ends a release, two end a rejection. What went by it
is not taken back: see ` + "`entente withdraw`" + `.`,
}

// decide has the node word a decision, signs it, and applies it if that is enough.
func (a *app) decide(ctx context.Context, p dashboard.Proposal, who *signers) error {
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	proposed, err := client.Propose(ctx, p)
	if err != nil {
		return err
	}
	a.describe([]byte(proposed.Text))
	approvals, err := who.sign(a, directory.TypDecision, cfg.Node.ID, proposed.Text)
	if err != nil {
		return err
	}
	if len(approvals) < proposed.Persons {
		return a.handOver(approvals, proposed.Persons)
	}
	return a.apply(ctx, client, approvals)
}

// handOver prints what was signed so far, for the next person.
func (a *app) handOver(approvals []string, persons int) error {
	a.say("%d of %d persons signed: the next one runs `entente quarantine sign` on this", len(approvals), persons)
	if a.json {
		if err := a.printJSON(struct {
			Approvals []string `json:"approvals"`
			Persons   int      `json:"persons"`
		}{approvals, persons}); err != nil {
			return err
		}
		return ends(exitHeld)
	}
	for _, raw := range approvals {
		a.printf("%s\n", raw)
	}
	return ends(exitHeld)
}

func (a *app) apply(ctx context.Context, client *dashboard.Client, approvals []string) error {
	d, err := client.Apply(ctx, approvals)
	if err != nil {
		return err
	}
	return a.printDecided(&d)
}

func (a *app) quarantineSignCmd() *cobra.Command {
	var who signers
	c := &cobra.Command{
		Use:   "sign FILE --by PERSON --key FILE",
		Short: "sign what another person decided, and print both",
		Long: `Show what another person signed, sign the same text, and print all signatures, one a
line, for ` + "`entente quarantine apply`" + `. FILE may be - for standard input. No node has to run.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := who.check(); err != nil {
				return err
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			approvals, err := a.readApprovals(args)
			if err != nil {
				return err
			}
			text, err := a.signedText(cfg, approvals)
			if err != nil {
				return err
			}
			a.describe(text)
			more, err := who.sign(a, directory.TypDecision, cfg.Node.ID, string(text))
			if err != nil {
				return err
			}
			approvals = append(approvals, more...)
			if a.json {
				return a.printJSON(map[string][]string{"approvals": approvals})
			}
			for _, raw := range approvals {
				a.printf("%s\n", raw)
			}
			return a.out.err
		},
	}
	who.flags(c)
	return c
}

// signedText verifies what others signed and returns the one text.
func (a *app) signedText(cfg *configs.Node, approvals []string) ([]byte, error) {
	approvers, err := relay.ApproversOf(cfg)
	if err != nil {
		return nil, usage(err)
	}
	raws := make([][]byte, len(approvals))
	for i, raw := range approvals {
		raws[i] = []byte(raw)
	}
	text, _, err := approvers.Verify(directory.TypDecision, cfg.Node.ID, 1, a.now(), raws...)
	return text, err
}

func (a *app) quarantineApplyCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "apply FILE...",
		Short: "hand a signed decision to the running node",
		Long: `Hand signatures to the running node, one a line, which checks that enough different
persons signed one text, records the decision, puts it in force and decides again on what
it is about. Given twice, it does what was not yet done. Exit code 3 if something stays
for another reason.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			approvals, err := a.readApprovals(args)
			if err != nil {
				return err
			}
			return a.apply(cmd.Context(), client, approvals)
		},
	}
}

// readApprovals reads signatures, one a line.
func (a *app) readApprovals(files []string) ([]string, error) {
	var out []string
	for _, name := range files {
		raw, err := a.read(name)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.Fields(string(raw))...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no signature in %s", joined(files))
	}
	return out, nil
}

// indented is JSON for people; what is none stays as it is.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}
