package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) peerCmd() *cobra.Command {
	c := &cobra.Command{Use: "peer", Short: "peers: accept, observe, list, show, pause, resume, remove"}
	c.AddCommand(a.peerAcceptCmd(), a.peerListCmd(), a.peerShowCmd(), a.peerObserveCmd(), a.peerPauseCmd(), a.peerResumeCmd(), a.peerRemoveCmd())
	return c
}

// peerShown is an accepted peer as commands print it.
type peerShown struct {
	ID          string    `json:"id"`
	Country     string    `json:"country"`
	Kind        string    `json:"kind"`
	Agreement   string    `json:"agreement"` // its id
	Ceiling     string    `json:"ceiling"`
	Purposes    []string  `json:"purposes"`
	From        time.Time `json:"from,omitzero"`
	Until       time.Time `json:"until,omitzero"` // first moment after
	InForce     bool      `json:"in_force"`
	Dial        string    `json:"dial,omitempty"`  // empty: the peer dials
	Proxy       string    `json:"proxy,omitempty"` // without a password
	Seal        string    `json:"seal"`            // required, or off
	Linked      bool      `json:"linked"`          // false: terms without traffic
	Fingerprint string    `json:"fingerprint,omitempty"`
	Expires     time.Time `json:"statement_expires,omitzero"`
	Paused      bool      `json:"paused"`
	PausedSince time.Time `json:"paused_since,omitzero"`
	PauseReason string    `json:"pause_reason,omitempty"`
	// Observed says that nothing is sent to it yet, since when and until when
	// that was meant.
	Observed      bool      `json:"observed"`
	ObservedSince time.Time `json:"observed_since,omitzero"`
	ObservedUntil time.Time `json:"observed_until,omitzero"`
}

func showPeer(p *relay.Peer, now time.Time) peerShown {
	g := p.Agreement
	s := peerShown{ID: g.Peer, Country: g.Country, Kind: g.Kind, Agreement: g.ID, Ceiling: g.Ceiling.String(), Purposes: g.Purposes,
		From: g.NotBefore, Until: g.Until, InForce: inForce(g, now), Dial: p.Dial, Seal: sealOff, Linked: p.Statement != nil}
	if p.Seal != "" {
		s.Seal = p.Seal
	}
	if u, err := url.Parse(p.Proxy); err == nil && p.Proxy != "" {
		s.Proxy = u.Redacted()
	}
	if p.Paused != nil {
		s.Paused, s.PausedSince, s.PauseReason = true, p.Paused.Since, p.Paused.Reason
	}
	if p.Observed != nil {
		s.Observed, s.ObservedSince, s.ObservedUntil = true, p.Observed.Since, p.Observed.Until
	}
	if p.Statement != nil {
		s.Fingerprint, s.Expires = p.Statement.Fingerprint(), p.Statement.Expires
	}
	return s
}

// inForce reports whether terms are in force.
func inForce(g *policy.Agreement, now time.Time) bool {
	return !now.Before(g.NotBefore) && (g.Until.IsZero() || now.Before(g.Until))
}

// peers reads the accepted peers; any that is no good is an error.
func (a *app) peers() (*configs.Node, []*relay.Peer, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	peers, _, err := loadPeers(filepath.Dir(cfg.Path), a.now())
	if err != nil {
		return nil, nil, usage(err)
	}
	return cfg, peers, nil
}

// peer finds one accepted peer.
func (a *app) peer(id string) (*configs.Node, *relay.Peer, error) {
	cfg, peers, err := a.peers()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range peers {
		if p.Agreement.Peer == id {
			return cfg, p, nil
		}
	}
	return nil, nil, usage(fmt.Errorf("%s: no such peer: `entente peer list` shows them", id))
}

func (a *app) peerListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the accepted peers",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, peers, err := a.peers()
			if err != nil {
				return err
			}
			shown := make([]peerShown, len(peers))
			rows := [][]string{{"PEER", "COUNTRY", "KIND", "CEILING", "UNTIL", "LINK"}}
			for i, p := range peers {
				s := showPeer(p, a.now())
				shown[i] = s
				rows = append(rows, []string{s.ID, s.Country, s.Kind, s.Ceiling, lastDay(s, a.now()), linkText(s)})
			}
			if a.json {
				return a.printJSON(shown)
			}
			if len(peers) == 0 {
				a.say("no peers yet: `entente peer accept` adds one")
				return nil
			}
			return a.table(rows)
		},
	}
}

// lastDay is the last day of terms, for people.
func lastDay(s peerShown, now time.Time) string {
	last := day(s.Until.Add(-time.Second))
	switch {
	case now.Before(s.From):
		return last + " (from " + day(s.From) + ")"
	case !s.InForce:
		return last + " (ended)"
	default:
		return last
	}
}

// linkText says who dials whom.
func linkText(s peerShown) string {
	text := s.Dial
	switch {
	case !s.Linked:
		text = "terms only"
	case s.Dial == "":
		text = "it dials us"
	}
	if s.Proxy != "" {
		text += " through " + s.Proxy
	}
	if s.Seal != sealOff {
		text += ", sealed"
	}
	if s.Paused {
		text += " (paused)"
	}
	if s.Observed {
		text += " (observed: nothing is sent)"
	}
	return text
}

func (a *app) peerShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show PEER",
		Short: "show a peer: its statement, fingerprint and terms",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, p, err := a.peer(args[0])
			if err != nil {
				return err
			}
			s := showPeer(p, a.now())
			if a.json {
				return a.printJSON(s)
			}
			if p.Statement != nil {
				a.printStatement(p.Statement)
			}
			a.printTerms(p.Agreement)
			a.printf("  link %s\n", linkText(s))
			if s.Paused {
				a.printf("  paused since %s %s\n", s.PausedSince.UTC().Format(time.RFC3339), s.PauseReason)
			}
			return nil
		},
	}
}

func (a *app) peerRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "remove PEER",
		Short: "end the terms with a peer and cut its link",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			if !configs.ValidID(args[0]) {
				return usage(fmt.Errorf("%q: not the id of a peer", args[0]))
			}
			if err := relay.RemovePeer(relay.AgreementsDir(filepath.Dir(cfg.Path)), args[0]); err != nil {
				return usage(err)
			}
			return a.tellChange(cmd.Context(), client, cfg, change{Peer: args[0], Done: "removed"})
		},
	}
}

// change is what happened to a peer, as JSON and in words.
type change struct {
	Peer        string `json:"peer"`
	Done        string `json:"done"` // accepted, paused, resumed, removed
	File        string `json:"file,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Compared    bool   `json:"compared"` // the fingerprint was given and is the same
	Running     bool   `json:"running"`  // a node runs and has taken it over
}

// tellChange asks a running node to take a change over, and prints what was
// done.
func (a *app) tellChange(ctx context.Context, client *dashboard.Client, cfg *configs.Node, c change) error {
	var err error
	if c.Running, err = tellNode(ctx, client); err != nil {
		return fmt.Errorf("%s is %s on disk, but the running node goes on as before: %w: correct it, then `entente reload`", c.Peer, c.Done, err)
	}
	if a.json {
		return a.printJSON(c)
	}
	a.printf("%s %s\n", c.Done, c.Peer)
	if c.File != "" {
		a.printf("wrote %s\n", c.File)
	}
	if c.Running {
		a.printf("%s runs and has taken it over\n", cfg.Node.ID)
	} else {
		a.printf("%s does not run; it takes effect with `entente run`\n", cfg.Node.ID)
	}
	return nil
}

// errNoTerms is why --terms is needed.
var errNoTerms = errors.New("--terms FILE is needed: `entente agreement draft STATEMENT` writes one to edit")
