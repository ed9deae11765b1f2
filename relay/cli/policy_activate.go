package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
)

// pending is what the configuration, or a folder, would put in force.
func (a *app) pending(f relay.Folders) (*relay.Pending, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	p, err := relay.PendingChange(cfg, f, a.now())
	if err != nil {
		return nil, usage(err)
	}
	return p, nil
}

func (a *app) policyApproveCmd() *cobra.Command {
	var f relay.Folders
	var key, lasts string
	c := &cobra.Command{
		Use:   "approve [DIR] --key FILE",
		Short: "consent, as one of two persons, to a change by which more may go out",
		Long: `Consent to the change from the rules in force to those that the configuration names, or
to those in DIR, with the key of a person under approvers:. It shows what changes and
signs exactly that: the digests of what is in force and of what is to be. Where
something that was denied may be allowed, the node takes the change only with the
consent of two of them. A consent ends after --for.

Without --key it only shows the change and who has consented. Simulate it first:
` + "`entente simulate --policy DIR`" + `.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.Policies = args[0]
			}
			return a.approvePolicy(f, key, lasts)
		},
	}
	c.Flags().StringVar(&key, "key", "", "file with the person's key")
	c.Flags().StringVar(&lasts, "for", "3d", "how long the consent may be put to use, such as 12h or 3d")
	jurisdictionsFlag(c, &f)
	return c
}

// approved is what `policy approve` prints as JSON.
type approved struct {
	*relay.Pending
	File  string    `json:"file,omitempty"` // of the consent given
	Until time.Time `json:"until,omitzero"`
}

// maxConsent is how long a consent may be put to use at most.
const maxConsent = 30 * 24 * time.Hour

func (a *app) approvePolicy(f relay.Folders, keyFile, lastsText string) error {
	lasts, ok := spanOf(lastsText)
	if !ok || lasts > maxConsent {
		return usage(fmt.Errorf("--for %q: write a length of time such as 12h or 3d, at most 30d", lastsText))
	}
	p, err := a.pending(f)
	if err != nil {
		return err
	}
	out := approved{Pending: p}
	if !a.json {
		a.printPending(p)
	}
	if keyFile != "" {
		key, err := directory.LoadPrivateKey(keyFile)
		if err != nil {
			return usage(err)
		}
		if p.Needed == 0 {
			return usage(fmt.Errorf("this change needs nobody's consent: `entente reload` puts it in force"))
		}
		by, path, err := p.Approve(key, lasts, a.now())
		if err != nil {
			return err
		}
		out.File, out.Until = path, a.now().Add(lasts).UTC().Truncate(time.Second)
		if !a.json {
			a.printf("%s consents until %s: wrote %s\n", by, out.Until.Format(time.RFC3339), path)
		}
	}
	if a.json {
		return a.printJSON(out)
	}
	return nil
}

// printPending says what would change and what it needs.
func (a *app) printPending(p *relay.Pending) {
	a.printChanges(p.Changes)
	a.printf("policy %.12s → %.12s\n", p.Before, p.After)
	switch {
	case p.Needed > 0:
		a.printf("something that was denied may be allowed: %d persons have to consent; so far %s\n", p.Needed, none(joined(p.By)))
	case p.Widens:
		a.printf("something that was denied may be allowed, and fewer than two persons are named under approvers: who activates it decides alone\n")
	case len(p.Changes) == 0:
		a.printf("no decision changes\n")
	default:
		a.printf("nothing that was denied is allowed: it needs nobody's consent\n")
	}
}

// none is text, or "nobody".
func none(text string) string {
	if text == "" {
		return "nobody"
	}
	return text
}

func (a *app) policyActivateCmd() *cobra.Command {
	var alone bool
	c := &cobra.Command{
		Use:   "activate",
		Short: "make the running node judge by the rules that the configuration names",
		Long: `Make the running node read everything again, as ` + "`entente reload`" + ` does, and say what
changed. All of it comes into force, or nothing. A change by which something that was
denied may be allowed needs the consent of two persons (` + "`entente policy approve`" + `);
where fewer than two are named under approvers:, whoever runs the node says with
--alone that they decide alone. The journal keeps who it was.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			d, err := client.Activate(cmd.Context(), alone)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(d)
			}
			a.printChanges(d.Changes)
			a.printf("%s judges by policy %.12s, before by %.12s\n", cfg.Node.ID, d.After, d.Before)
			if d.Widens {
				by := joined(d.By)
				if by == relay.Alone {
					by = "one person alone"
				}
				a.printf("more may go out: decided by %s\n", by)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&alone, "alone", false, "decide alone that more may go out, where nobody else is named")
	return c
}
