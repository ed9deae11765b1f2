package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/feed"
)

func (a *app) listCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list KIND",
		Short: "print a plain block list from the running node",
		Long: `Print a block list: one value a line, from the indicators this node holds, with
comment lines that say when it was made and what was left out. KIND is one of
` + strings.Join(feed.Kinds(), ", ") + `.

Lists go to devices of many hands, so only what TLP:CLEAR and TLP:GREEN allow is
in them. If anything fails, nothing is printed: an empty list would be taken for
"block nothing".`,
		Example:   "  entente list domain > blocked.txt",
		Args:      cobra.ExactArgs(1),
		ValidArgs: feed.Kinds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			text, err := client.List(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(listed(args[0], string(text)))
			}
			_, err = a.out.Write(text)
			return err
		},
	}
}

// blockList is a list for scripts that would rather not read comments.
type blockList struct {
	Kind   string   `json:"kind"`
	Values []string `json:"values"`
	Notes  []string `json:"notes"`
}

// listed divides a list into its values and its comment lines.
func listed(kind, text string) blockList {
	l := blockList{Kind: kind, Values: []string{}, Notes: []string{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "#"):
			l.Notes = append(l.Notes, strings.TrimSpace(strings.TrimLeft(line, "#")))
		default:
			l.Values = append(l.Values, line)
		}
	}
	return l
}
