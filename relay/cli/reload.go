package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) reloadCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "make the running node read configuration, policies and agreements again",
		Long: `Make the running node read configuration, policies and agreements again. If
anything in them is wrong it keeps what it had, and this command fails.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			if err := client.Reload(cmd.Context()); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"node": cfg.Node.ID, "reloaded": true})
			}
			a.printf("%s reloaded\n", cfg.Node.ID)
			return nil
		},
	}
}

// tellNode asks the node to reload after its files have changed. It reports
// whether one runs; that none does is no fault.
func tellNode(ctx context.Context, client *dashboard.Client) (running bool, err error) {
	err = client.Reload(ctx)
	if errors.Is(err, dashboard.ErrNotRunning) {
		return false, nil
	}
	return true, err
}
