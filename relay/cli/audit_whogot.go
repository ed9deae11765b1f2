package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) auditWhoGotCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "who-got OBJECT",
		Short: "list every peer that got an object: when, in which form, on what grounds",
		Long: `List every recorded sending of an object, named by its STIX id or its digest: the
peer, when, what was removed, the frame and the number on the link, under which
rules and for which purpose, with which law's protection claimed, what the peer's
signed receipt says, and whether it was taken back there. It is read from the
running node's journal, which is kept longer than the object.

What a peer passed on, only its own journal tells.

Exit code: 0, also where it went to nobody; 3 where the journal names no such object.`,
		Example: "  entente audit who-got indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := a.client()
			if err != nil {
				return err
			}
			got, err := client.WhoGot(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(got)
			}
			for i := range got.Sent {
				a.printSending(&got.Sent[i])
			}
			if len(got.Sent) == 0 {
				a.printf("went to nobody from here\n")
			}
			return a.out.err
		},
	}
}

func (a *app) printSending(s *dashboard.Sending) {
	a.printf("%s got %s of %s at %s", a.paint(bold, s.Peer), s.ID, s.Issuer, stamp(s.At))
	if len(s.Removed) > 0 {
		a.printf(" without %s", strings.Join(s.Removed, ", "))
	} else {
		a.printf(" whole")
	}
	a.printf(", marking %s\n", changed(s.Marking.From, s.Marking.To))
	a.printf("  content %s, journal record %d, frame %s, message %d of the link, policy %.12s\n", s.Digest, s.Journal, s.Root, s.Link, s.Policy)
	for _, g := range s.Grounds {
		a.printf("  under %s\n", groundText(g))
	}
	if len(s.Purpose) > 0 {
		a.printf("  for %s\n", joined(s.Purpose))
	}
	a.printf("  %s\n", receiptText(s.Receipt))
	a.printTakenBack(s.Withdrawn)
}
