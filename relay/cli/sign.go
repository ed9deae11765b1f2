package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

func (a *app) signCmd() *cobra.Command {
	var profile, form string
	c := &cobra.Command{
		Use:   "sign FILE",
		Short: "sign a file as this node would, offline",
		Long: `Sign a STIX bundle, MISP event or CSV with this node's key and print the messages
in their compact form (RFC 9901), one a line, without hops; with --form json in the
flattened JSON form (RFC 9901 section 8), one a line. Nothing is published.
What the node would hold or refuse is left out and said on stderr.

Exit code: 0 all signed, 4 any held, 3 any refused.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.sign(args[0], profile, form) },
	}
	c.Flags().StringVar(&profile, "profile", "", "source profile that says how unmarked input is marked")
	c.Flags().StringVar(&form, "form", formCompact, "form of the messages: compact or json")
	return c
}

// Forms in which sign writes a message.
const (
	formCompact = "compact"
	formJSON    = "json"
)

// written is a message in one of the forms.
func written(m *envelope.Verified, form string) (string, error) {
	if form == formCompact {
		return string(m.Raw()), nil
	}
	text, err := envelope.ToJSON(m)
	return string(text), err
}

// signedFile is what sign prints with --json.
type signedFile struct {
	dashboard.Published
	Signed []string `json:"signed"` // messages in the form asked for
}

// sign issues what a file holds and prints the messages.
func (a *app) sign(file, profile, form string) error {
	if form != formCompact && form != formJSON {
		return usage(fmt.Errorf("--form %q: write %s or %s", form, formCompact, formJSON))
	}
	now := a.now()
	cfg, w, err := a.world(now)
	if err != nil {
		return err
	}
	if _, err := w.Profile(profile); err != nil {
		return usage(err)
	}
	keys, err := relay.OpenKeys(cfg)
	if err != nil {
		return usage(err)
	}
	data, err := a.read(file)
	if err != nil {
		return err
	}
	messages, report, err := w.Sign(keys, data, displayName(file), profile, now)
	if err != nil {
		return err
	}
	shown := signedFile{Published: report, Signed: []string{}}
	for _, m := range messages {
		text, err := written(m, form)
		if err != nil {
			return err
		}
		shown.Signed = append(shown.Signed, text)
	}
	if a.json {
		err = a.printJSON(shown)
	} else {
		err = a.printSigned(&shown)
	}
	if err != nil {
		return err
	}
	return publishedEnd([]dashboard.Published{report}, nil)
}

// printSigned prints the messages to stdout, and what was left out to stderr.
func (a *app) printSigned(s *signedFile) error {
	for _, m := range s.Signed {
		a.printf("%s\n", m)
	}
	for _, it := range s.Items {
		if it.Outcome == outHeld || it.Outcome == outRefused {
			a.say("%s", itemText(s.Name, it))
		}
	}
	return a.out.err
}
