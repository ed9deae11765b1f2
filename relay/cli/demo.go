package cli

import (
	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/demo"
)

func (a *app) demoCmd() *cobra.Command {
	var o demo.Options
	c := &cobra.Command{
		Use:   "demo",
		Short: "run a small federation in one process and tell what crosses its borders",
		Long: `Run three nodes in one process, de-cert, pl-cert and jp-carrier, each with its own
NATS server, store and keys; publish a sample feed at the first, and tell what
crosses each border, what is removed by which rule, and why the rest stays. It
needs no files and no configuration, and leaves nothing behind unless told to.`,
		Example: "  entente demo\n  entente demo --input feed.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.JSON, o.Out = a.json, a.out
			return demo.Run(cmd.Context(), o)
		},
	}
	c.Flags().StringVar(&o.Input, "input", "", "file to publish in place of the sample feed")
	c.Flags().StringVar(&o.Unmarked, "unmarked", "", "marking that the origin states for input without one, such as TLP:GREEN (default none: it is held)")
	c.Flags().StringVar(&o.Keep, "keep", "", "folder for the nodes, left behind (default a temporary one)")
	return c
}
