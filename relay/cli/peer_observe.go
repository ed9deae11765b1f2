package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// observeFor reads --for of an observation.
func observeFor(text string) (time.Duration, error) {
	d, ok := spanOf(text)
	if !ok {
		return 0, usage(fmt.Errorf("--for %q: write a length of time such as 7d or 12h", text))
	}
	return d, nil
}

// begin ends the observation of a peer, so that sending begins.
func (a *app) begin(ctx context.Context, client *dashboard.Client, cfg *configs.Node, dir, peer string) (was bool, err error) {
	if was, err = relay.BeginPeer(dir, peer); err != nil || !was {
		return was, err
	}
	return true, a.tellChange(ctx, client, cfg, change{Peer: peer, Done: "sending to"})
}

func (a *app) peerObserveCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "observe PEER",
		Short: "tell what a peer that is only observed would have got",
		Long: `Tell what a peer accepted with --observe would have got since: how many objects would
have gone whole, in part, or not, and by which rules. Nothing was sent. Sending never
begins by itself: ` + "`entente peer resume PEER`" + ` begins it, with all that the log still
holds and the rules then allow.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			if !configs.ValidID(args[0]) {
				return usage(fmt.Errorf("%q: not the id of a peer", args[0]))
			}
			o, err := client.Observed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(o)
			}
			return a.printObserved(&o)
		},
	}
}

func (a *app) printObserved(o *dashboard.Observed) error {
	state := "until " + day(o.Until)
	if o.Over {
		state = "the time that was meant for it ended on " + day(o.Until)
	}
	a.printf("%s is observed since %s, %s; nothing was sent\n", o.Peer, o.Since.UTC().Format(time.RFC3339), state)
	a.printf("of %s: %d would have gone whole, %d in part, %d withheld, %d held; in %s\n",
		plural(o.Judged, "object"), o.Shared, o.Redacted, o.Withheld, o.Held, plural(o.Messages, "message"))
	rows := [][]string{{"KEPT BACK BY", "REASON", "OBJECTS", "SUCH AS"}}
	for _, r := range o.Rules {
		rows = append(rows, []string{dash(r.Rule), r.Reason, fmt.Sprint(r.Count), r.Example})
	}
	if len(rows) > 1 {
		if err := a.table(rows); err != nil {
			return err
		}
	}
	rows = [][]string{{"TAKEN OUT BY", "REASON", "PARTS", "SUCH AS"}}
	for _, r := range o.Removed {
		rows = append(rows, []string{dash(r.Rule), r.Reason, fmt.Sprint(r.Count), r.Example})
	}
	if len(rows) > 1 {
		if err := a.table(rows); err != nil {
			return err
		}
	}
	a.printf("`entente peer resume %s` begins to send\n", o.Peer)
	return a.out.err
}
