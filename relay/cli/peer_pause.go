package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

func (a *app) peerPauseCmd() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "pause PEER",
		Short: "stop all traffic with a peer until `peer resume`; its terms stay",
		Long: `Stop all traffic with a peer, both ways, until ` + "`peer resume`" + `. Its terms stay, its
link is cut and not let in again, other links are not disturbed. Both sides go on
later from where they stood: nothing is lost as long as the sender still keeps it.
A pause outlasts a restart of the node.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			dir, err := peerDir(cfg, args[0])
			if err != nil {
				return err
			}
			if _, err := relay.PausePeer(dir, args[0], reason, a.now()); err != nil {
				return usage(err)
			}
			return a.tellChange(cmd.Context(), client, cfg, change{Peer: args[0], Done: "paused"})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at the status")
	return c
}

func (a *app) peerResumeCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "resume PEER",
		Short: "let traffic with a paused peer flow again, or begin to send to an observed one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			dir, err := peerDir(cfg, args[0])
			if err != nil {
				return err
			}
			was, err := relay.ResumePeer(dir, args[0])
			if err != nil {
				return err
			}
			if !was {
				if began, err := a.begin(cmd.Context(), client, cfg, dir, args[0]); began || err != nil {
					return err
				}
				return usage(fmt.Errorf("%s is neither paused nor observed: `entente peer list` shows the peers", args[0]))
			}
			return a.tellChange(cmd.Context(), client, cfg, change{Peer: args[0], Done: "resumed"})
		},
	}
}

// peerDir is the folder with the files of a peer, whose id becomes the name of
// one.
func peerDir(cfg *configs.Node, peer string) (string, error) {
	if !configs.ValidID(peer) {
		return "", usage(fmt.Errorf("%q: not the id of a peer", peer))
	}
	return relay.AgreementsDir(filepath.Dir(cfg.Path)), nil
}
