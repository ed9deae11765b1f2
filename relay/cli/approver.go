package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
)

func (a *app) approverCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "approver",
		Short: "the persons who decide what waits, and who consent to another policy",
	}
	c.AddCommand(a.approverNewCmd(), a.approverListCmd())
	return c
}

func (a *app) approverNewCmd() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "new PERSON --key FILE",
		Short: "make a key for a person and print the line for the configuration",
		Long: `Make a key with which a person signs decisions, in a new file that only its owner can
read, and print the entry for approvers: in the configuration. The person keeps the
file; the node needs the printed line alone. A node counts persons by keys: whoever
has two of them can decide alone.`,
		Example: "  entente approver new duty-officer --key duty-officer.jwk",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if !configs.ValidID(args[0]) {
				return usage(fmt.Errorf("%q: use lower case letters, digits and single hyphens", args[0]))
			}
			k, err := directory.GenerateKey()
			if err != nil {
				return err
			}
			if err := k.Save(file); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]string{"id": args[0], "key": directory.PublicText(k.Public()), "file": file})
			}
			a.printf("  - { id: %s, key: %q }\n", args[0], directory.PublicText(k.Public()))
			return a.out.err
		},
	}
	c.Flags().StringVar(&file, "key", "", "file to make")
	if err := c.MarkFlagRequired("key"); err != nil {
		panic(err) // the flag stands one line above
	}
	return c
}

func (a *app) approverListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list who decides for this node",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if _, err := relay.ApproversOf(cfg); err != nil {
				return usage(err)
			}
			type approver struct {
				ID    string `json:"id"`
				Key   string `json:"key"`
				Until string `json:"until,omitempty"`
			}
			out := []approver{}
			rows := [][]string{{"PERSON", "KEY", "UNTIL"}}
			for _, p := range cfg.Approvers {
				x := approver{ID: p.ID, Key: p.Key}
				if !p.Until.IsZero() {
					x.Until = p.Until.Format(time.DateOnly)
				}
				out, rows = append(out, x), append(rows, []string{x.ID, x.Key, dash(x.Until)})
			}
			if a.json {
				return a.printJSON(out)
			}
			return a.table(rows)
		},
	}
}
