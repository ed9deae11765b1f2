package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "show the running node on one screen",
		Long: `Show the running node: what it has taken, what it sent to each peer and got from
it, and why the rest stayed. The command checks that the counts add up and says so.

Exit code, for monitoring: 0 all is well, 4 a person should look (a link is down
that is not paused, there is a warning, or counts do not add up), 1 no node is running.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			st, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			faults := sums(&st)
			if a.json {
				err = a.printJSON(statusShown{st, len(faults) == 0, faults})
			} else {
				err = a.printStatus(&st, faults)
			}
			if err != nil {
				return err
			}
			return ends(attention(&st, faults))
		},
	}
}

// statusShown is the node's status with the verdict of the sums.
type statusShown struct {
	dashboard.Status
	AddsUp bool     `json:"adds_up"`
	Faults []string `json:"faults"` // sums that are wrong
}

// attention is the exit code for monitoring.
func attention(st *dashboard.Status, faults []string) int {
	if len(faults) > 0 || len(st.Warnings) > 0 {
		return exitHeld
	}
	for _, p := range st.Peers {
		if p.Link == "down" {
			return exitHeld
		}
	}
	return exitDone
}

// sums checks every sum that dashboard.Status promises and lists those that
// are wrong.
func sums(st *dashboard.Status) []string {
	faults := []string{}
	check := func(where string, whole uint64, parts ...uint64) {
		var sum uint64
		for _, p := range parts {
			sum += p
		}
		if sum != whole {
			faults = append(faults, fmt.Sprintf("%s: %d, but its parts are %d", where, whole, sum))
		}
	}
	o := st.Objects
	check("objects seen", o.Seen, o.Taken, o.Duplicate, o.Held, o.Refused)
	for _, p := range st.Peers {
		check(p.ID+" judged", p.Out.Judged, p.Out.Sent, p.Out.Withheld, p.Out.Held)
		check(p.ID+" sent", p.Out.Sent, p.Out.Acknowledged, p.Out.InFlight)
		w := p.Out.Withdrawals
		check(p.ID+" taken back", w.Sent, w.Acknowledged, w.NotTaken, w.InFlight)
		check(p.ID+" received", p.In.Received, p.In.Stored, p.In.Duplicate, p.In.Held, p.In.Refused)
	}
	return faults
}

// printStatus prints the screen.
func (a *app) printStatus(st *dashboard.Status, faults []string) error {
	a.printf("%s (%s), up %s, entente %s, policy %.12s\n", a.paint(bold, st.Node), st.Country,
		st.Now.Sub(st.Started).Round(time.Second), st.Version, st.Policy)
	a.printf("log %d, indexed %d\n", st.LogLast, st.Indexed)
	o := st.Objects
	a.printf("objects %d = %d taken + %d duplicate + %d held + %d refused\n", o.Seen, o.Taken, o.Duplicate, o.Held, o.Refused)
	if o.Variants > 0 {
		a.printf("  of those taken, %d came again by another way, showing more\n", o.Variants)
	}
	a.printReasons("  ", o.Reasons)
	if w := st.Waiting; w.Objects > 0 {
		a.printf("waiting %s in %s, the oldest since %s; %d warnings, %d alarms\n", plural(w.Objects, "object"), plural(w.Groups, "group"),
			w.Oldest.UTC().Format(time.RFC3339), w.Warnings, w.Alarms)
	}
	for i := range st.Peers {
		a.printPeer(&st.Peers[i])
	}
	if len(st.Peers) == 0 {
		a.printf("no peers\n")
	}
	if len(faults) == 0 {
		a.printf("the counts add up\n")
	}
	for _, f := range faults {
		a.printf("%s %s\n", a.paint(red, "does not add up:"), f)
	}
	for _, who := range sortedKeys(st.Equivocations.By) {
		a.printf("%s %s signed two contents for one version, %s: `entente proof` shows the proofs\n", a.paint(red, "equivocation:"), who,
			times(st.Equivocations.By[who]))
	}
	for _, w := range st.Warnings {
		a.printf("%s %s\n", a.paint(yellow, "warning:"), w)
	}
	return a.out.err
}

// printPeer prints one link: what went out, what came in.
func (a *app) printPeer(p *dashboard.Peer) {
	colour := green
	switch p.Link {
	case "paused":
		colour = yellow
	case "down":
		colour = red
	}
	a.printf("%s link %s", a.paint(bold, p.ID), a.paint(colour, p.Link))
	if p.State != "" {
		a.printf(", %s", p.State)
	}
	if p.Flow != "" {
		a.printf(", %s since %s: %s", a.paint(yellow, p.Flow), p.FlowSince.UTC().Format(time.RFC3339), p.FlowWhy)
	}
	if !p.LastPull.IsZero() {
		a.printf(", last pull %s", p.LastPull.UTC().Format(time.RFC3339))
	}
	if p.Backlog > 0 {
		a.printf(", %d log entries to judge", p.Backlog)
	}
	out, in := p.Out, p.In
	a.printf("\n  out %d = %d sent (%d redacted) + %d withheld + %d held;  sent %d = %d acknowledged + %d in flight\n",
		out.Judged, out.Sent, out.Redacted, out.Withheld, out.Held, out.Sent, out.Acknowledged, out.InFlight)
	a.printReasons("    ", out.Reasons)
	a.printReasons("  broke the protocol: ", p.Violations)
	if w := out.Withdrawals; w.Sent+w.Outstanding > 0 {
		a.printf("  taken back %d = %d acknowledged + %d not taken + %d in flight;  %d outstanding\n", w.Sent, w.Acknowledged, w.NotTaken, w.InFlight, w.Outstanding)
	}
	a.printf("  in  %d = %d stored + %d duplicate + %d held + %d refused\n", in.Received, in.Stored, in.Duplicate, in.Held, in.Refused)
}

// printReasons prints how often each reason was given.
func (a *app) printReasons(indent string, reasons map[string]uint64) {
	var parts []string
	for _, r := range sortedKeys(reasons) {
		parts = append(parts, fmt.Sprintf("%d %s", reasons[r], r))
	}
	if len(parts) > 0 {
		a.printf("%s%s\n", painted(indent), strings.Join(parts, ", "))
	}
}
