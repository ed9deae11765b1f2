package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
)

// statementAddCmd makes an origin known with which there is no link.
func (a *app) statementAddCmd() *cobra.Command {
	var fingerprint string
	c := &cobra.Command{
		Use:   "add STATEMENT",
		Short: "know an origin whose objects come by way of others",
		Long: `Know an origin: a participant with which this node has no link, but whose objects reach
it through a peer. Without its statement its signature cannot be recognised, and what
it signed is held until somebody adds it.

Two people compare the fingerprint over the telephone, as for a peer.`,
		Example: "  entente statement add de-cert.jwt --fingerprint 'A1B2-...'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addStatement(cmd.Context(), args[0], fingerprint)
		},
	}
	c.Flags().StringVar(&fingerprint, "fingerprint", "", "fingerprint that the participant read to you")
	return c
}

func (a *app) addStatement(ctx context.Context, file, fingerprint string) error {
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	s, err := readStatement(file, a.now())
	if err != nil {
		return err
	}
	if err := compare(s, fingerprint); err != nil {
		return err
	}
	keys, err := relay.OpenKeys(cfg)
	if err != nil {
		return usage(err)
	}
	dir := relay.StatementsDir(filepath.Dir(cfg.Path))
	if _, err := relay.KnowParticipant(dir, s.Raw, keys.Terms, a.now()); err != nil {
		return err
	}
	if fingerprint == "" {
		a.say("compare the fingerprint %s with %s over the telephone; if it differs: entente statement remove %s", s.Fingerprint(), s.ID, s.ID)
	}
	return a.tellChange(ctx, client, cfg, change{Peer: s.ID, Done: "known", File: filepath.Join(dir, s.ID+".jwt"),
		Fingerprint: s.Fingerprint(), Compared: fingerprint != ""})
}

// statementListCmd lists everybody whose signature is recognised here.
func (a *app) statementListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the participants whose signature is recognised here",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, w, err := a.world(a.now())
			if err != nil {
				return err
			}
			all := w.Directory.Participants()
			if a.json {
				shown := make([]statementShown, len(all))
				for i, s := range all {
					shown[i] = showStatement("", s)
				}
				return a.printJSON(shown)
			}
			for _, s := range all {
				a.printStatement(s)
			}
			return nil
		},
	}
}

// statementRemoveCmd forgets an origin.
func (a *app) statementRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "forget an origin: what it signs is held from now on",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			if !directory.ValidID(args[0]) {
				return usage(fmt.Errorf("%q is not the id of a participant", args[0]))
			}
			if err := relay.ForgetParticipant(relay.StatementsDir(filepath.Dir(cfg.Path)), args[0]); err != nil {
				return err
			}
			return a.tellChange(cmd.Context(), client, cfg, change{Peer: args[0], Done: "forgotten"})
		},
	}
}
