package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// explainPast asks the running node what it decided on one object, and prints it.
func (a *app) explainPast(ctx context.Context, object, to, atText, profile string) error {
	if profile != "" {
		return usage(errors.New("--profile says how unmarked input of a file is marked: an object has its marking"))
	}
	at, err := a.moment("at", atText)
	if err != nil {
		return err
	}
	_, client, err := a.client()
	if err != nil {
		return err
	}
	why, err := client.Why(ctx, object, to, at)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(why)
	} else {
		err = a.printWhy(&why)
	}
	if err != nil {
		return err
	}
	return ends(whyCode(&why))
}

// whyCode is that of explain for a file: 0 when every content may go, at least in
// part; 4 when any is held; else 3.
func whyCode(w *dashboard.Why) int {
	code := exitDone
	for _, o := range w.Objects {
		switch federation.Verdict(o.Verdict) {
		case federation.Hold:
			return exitHeld
		case federation.Withhold:
			code = exitRefused
		}
	}
	return code
}

func (a *app) printWhy(w *dashboard.Why) error {
	if w.Hypothetical {
		a.printf("to %s in %s, who is no peer: as a national CERT under the sample agreement\n", w.To, w.Country)
	}
	for i := range w.Objects {
		a.printWhyObject(&w.Objects[i], w)
	}
	return a.out.err
}

func (a *app) printWhyObject(o *dashboard.WhyObject, w *dashboard.Why) {
	e := relay.Explained{ID: o.ID, Verdict: federation.Verdict(o.Verdict), Removed: o.Removed, Marking: relay.Marking(o.Marking)}
	if e.ID == "" {
		e.ID = "object " + o.Digest
	}
	for _, r := range o.Reasons {
		e.Reasons = append(e.Reasons, relay.ExplainedReason{Reason: federation.Reason(r.Reason), Rule: r.Rule, Basis: r.Basis, Text: r.Text, Path: r.Path})
	}
	if o.Recorded {
		a.printf("decided %s, journal record %d", stamp(o.When), o.Journal)
		if o.Policy != "" {
			a.printf(", policy %.12s", o.Policy)
		}
		if o.Earlier > 0 {
			a.printf(", %s", plural(o.Earlier, "earlier decision"))
		}
		a.printf("\n")
	} else {
		a.printf("%s nothing was decided for %s; as of %s it would be so:\n", a.paint(yellow, "what if:"), w.To, stamp(w.At))
	}
	a.printExplained(&e, w.To)
	for _, g := range o.Grounds {
		a.printf("  relies on %s\n", groundText(g))
	}
	if len(o.Purpose) > 0 && o.Link != 0 {
		a.printf("  for %s\n", joined(o.Purpose))
	}
	for _, m := range o.Missing {
		a.printf("  missing: %s\n", m)
	}
	if len(o.Path) > 0 {
		a.printf("  path %s\n", strings.Join(o.Path, " → "))
	}
	if o.Link != 0 {
		a.printf("  left as message %d of the link, frame %s; %s\n", o.Link, o.Root, receiptText(o.Receipt))
	}
	a.printTakenBack(o.Withdrawn)
}

// printTakenBack says that an object was taken back from a peer, if it was.
func (a *app) printTakenBack(w *dashboard.TakenBack) {
	if w == nil {
		return
	}
	a.printf("  taken back (%s) %s, journal record %d: %s", w.For, stamp(w.At), w.Journal, w.State)
	if w.Reason != "" {
		a.printf(" (%s)", w.Reason)
	}
	a.printf("\n")
}

// groundText words a permission: "rule X, which cites Y".
func groundText(g dashboard.Ground) string {
	text := "rule " + g.Rule
	if g.Basis != "" {
		text += ", which cites " + g.Basis
	}
	if g.Claims != "" {
		text += "; the protection of " + g.Claims + " is claimed"
	}
	return text
}

// receiptText words what the peer signed about a message.
func receiptText(r *dashboard.Receipt) string {
	if r == nil {
		return "no receipt for it"
	}
	text := fmt.Sprintf("acknowledged %s: %d stored, %d there already, %d held, %d refused", stamp(r.At), r.Stored, r.Duplicate, r.Held, r.Refused)
	if r.Reason != "" {
		text += " (" + r.Reason + ")"
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
