package cli

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay"
)

func (a *app) agreementCmd() *cobra.Command {
	c := &cobra.Command{Use: "agreement", Short: "terms with peers: draft, check, show"}
	c.AddCommand(a.agreementDraftCmd(), a.agreementCheckCmd(), a.agreementShowCmd())
	return c
}

// draft fills the commented agreement.
type draft struct {
	Node, Peer, Name, Country string
	Kind, Sector, Ceiling     string
	From, Until, Year         string
	Kinds                     string
}

//go:embed agreement.yaml.tmpl
var draftText string

func (a *app) agreementDraftCmd() *cobra.Command {
	var d draft
	c := &cobra.Command{
		Use:   "draft STATEMENT",
		Short: "print commented terms with the participant of a statement, to edit",
		Long: `Print commented terms with the participant of a statement: what this node would send
to it. Edit them, have those who answer for them read them, then accept the peer.`,
		Example: "  entente agreement draft pl-cert.jwt --kind authority --ceiling TLP:AMBER > pl-cert.yaml",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.draftAgreement(args[0], d) },
	}
	f := c.Flags()
	f.StringVar(&d.Kind, "kind", policy.Kinds()[0], "what the peer is in law: "+joined(policy.Kinds()))
	f.StringVar(&d.Ceiling, "ceiling", "TLP:AMBER", "highest TLP that may be sent")
	f.StringVar(&d.Until, "until", "", "last day of the terms, such as 2027-12-31 (default in a year)")
	if err := c.RegisterFlagCompletionFunc("kind", choose(policy.Kinds()...)); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

// draftAgreement prints terms that `agreement check` accepts as they stand.
func (a *app) draftAgreement(file string, d draft) error {
	now := a.now().UTC()
	until, err := a.moment("until", d.Until)
	if err != nil {
		return err
	}
	if d.Until == "" {
		until = now.AddDate(1, 0, 0)
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	s, err := readStatement(file, now)
	if err != nil {
		return err
	}
	d.fill(cfg.Node.ID, s, now, until)
	text, err := d.render()
	if err != nil {
		return err
	}
	// A wrong flag shows as a fault in the terms.
	if _, err := policy.ParseAgreement([]byte(text), "draft"); err != nil {
		return usage(err)
	}
	if a.json {
		return a.printJSON(map[string]string{"agreement": text})
	}
	_, err = a.out.Write([]byte(text))
	return err
}

func (d *draft) fill(node string, s *directory.Statement, now, until time.Time) {
	d.Node, d.Peer, d.Name, d.Country = node, s.ID, clean(s.Name), s.Country
	d.From, d.Until, d.Year = now.Format(time.DateOnly), until.Format(time.DateOnly), now.Format("2006")
	d.Kinds = joined(policy.Kinds())
	d.Sector = "telecom"
	if d.Kind == "authority" {
		d.Sector = "national-cert"
	}
}

func (d *draft) render() (string, error) {
	t, err := template.New("agreement").Parse(draftText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, d)
	return b.String(), err
}

func (a *app) agreementCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "check terms before they are accepted",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := a.read(args[0])
			if err != nil {
				return err
			}
			g, err := policy.ParseAgreement(text, args[0])
			if err != nil {
				return usage(err)
			}
			if a.json {
				return a.printJSON(termsOf(g))
			}
			a.printf("%s: in order\n", args[0])
			a.printTerms(g)
			return nil
		},
	}
}

func (a *app) agreementShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show PEER",
		Short: "print the terms with a peer as they were accepted",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, p, err := a.peer(args[0])
			if err != nil {
				return err
			}
			dir := filepath.Dir(cfg.Path)
			own, err := readStatement(filepath.Join(dir, relay.StatementFile), a.now())
			if err != nil {
				return err
			}
			keys, err := directory.New(own)
			if err != nil {
				return err
			}
			t, err := relay.ReadTerms(filepath.Join(relay.AgreementsDir(dir), p.Agreement.Peer+".jwt"), keys)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"terms": termsOf(p.Agreement), "accepted": t.Accepted, "agreement": t.Agreement})
			}
			a.printf("# accepted %s\n", t.Accepted.Format(time.RFC3339))
			_, err = a.out.Write([]byte(strings.TrimRight(t.Agreement, "\n") + "\n"))
			return err
		},
	}
}

// terms are an agreement in short.
type terms struct {
	ID        string   `json:"id"`
	Node      string   `json:"node"`
	Peer      string   `json:"peer"`
	Country   string   `json:"country"`
	Kind      string   `json:"kind"`
	Ceiling   string   `json:"ceiling"`
	Community bool     `json:"community"`
	Purposes  []string `json:"purposes"`
	Data      []string `json:"data"`
	From      string   `json:"from"`
	Until     string   `json:"until"` // last day
	Consents  int      `json:"consents"`
	Groups    []string `json:"groups,omitempty"`
	Serves    []string `json:"serves,omitempty"`
}

func termsOf(g *policy.Agreement) terms {
	return terms{ID: g.ID, Node: g.Node, Peer: g.Peer, Country: g.Country, Kind: g.Kind, Ceiling: g.Ceiling.String(), Community: g.Community,
		Purposes: append([]string{}, g.Purposes...), Data: append([]string{}, g.Data...), From: day(g.NotBefore), Until: day(g.Until.Add(-time.Second)), Consents: len(g.Consents),
		Groups: g.Groups, Serves: serves(&g.Constituency)}
}

// printTerms says in sentences what terms allow.
func (a *app) printTerms(g *policy.Agreement) {
	t := termsOf(g)
	a.printf("  %s: %s sends to %s in %s (%s), up to %s\n", t.ID, t.Node, t.Peer, t.Country, t.Kind, t.Ceiling)
	a.printf("  from %s to %s, for %s\n", t.From, t.Until, joined(t.Purposes))
	a.printf("  data: %s\n", dash(joined(t.Data)))
	if !t.Community {
		a.printf("  not in the TLP:GREEN community: only TLP:CLEAR goes\n")
	}
	clients := slices.Contains(g.Clients, g.Peer)
	if g.Ceiling.String() == "TLP:AMBER" && !clients {
		a.printf("  not a client in the sense of TLP:AMBER\n")
	}
	if t.Consents > 0 {
		a.printf("  %s to pass classified material on\n", plural(t.Consents, "consent"))
	}
	if len(t.Groups) > 0 {
		a.printf("  groups: %s\n", joined(t.Groups))
	}
	if len(t.Serves) > 0 {
		a.printf("  serves: %s\n", joined(t.Serves))
	}
	for _, g := range slices.Concat(g.VictimConsents, g.Managed) {
		a.printf("  for %s until %s: %s\n", g.For, day(g.Until.Add(-time.Second)), g.Reference)
	}
}

// serves lists whom terms say that the peer serves.
func serves(c *policy.Constituency) []string {
	out := slices.Concat(c.CIDR, c.TLD, c.Participants)
	for _, n := range c.ASN {
		out = append(out, fmt.Sprintf("AS%d", n))
	}
	return out
}
