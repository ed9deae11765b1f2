package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/stix"
)

func (a *app) reoriginateCmd() *cobra.Command {
	var open string
	var check []string
	c := &cobra.Command{
		Use:   "reoriginate ID...",
		Short: "give on objects of a source as this node's own, so that the source stays unnamed",
		Long: `Give on objects that this node got from a source as its own: with new ids, whole days
for times, and nothing of what may name the source. The terms with the source must
permit it (their key reoriginate says for which types and up to which TLP). What is
made is protected at least as the original is, says that it was re-originated, so that
nobody counts it as corroboration, and is taken back when the original is.

It holds a commitment to the original that says nothing to others. With --open, print
what opens it: source, digest and salt. With --check OPENING,OBJECT, check without a
node whether an opening (a file, as --open --json prints it) belongs to a STIX object
(a file): exit code 3 if not.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(check) > 0:
				return a.checkOpening(check)
			case open != "":
				_, client, err := a.client()
				if err != nil {
					return err
				}
				o, err := client.Opening(cmd.Context(), open)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(o)
				}
				a.printf("source %s\ndigest %s\nsalt   %s\n", o.Issuer, o.Digest, o.Salt)
				return a.out.err
			case len(args) == 0:
				return usage(errors.New("name the objects to re-originate"))
			}
			_, client, err := a.client()
			if err != nil {
				return err
			}
			made, err := client.Reoriginate(cmd.Context(), args)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(made)
			}
			for _, m := range made {
				a.printf("%s of %s is %s, #%d\n", m.Original, m.Source, a.paint(bold, m.ID), m.Seq)
			}
			return a.out.err
		},
	}
	c.Flags().StringVar(&open, "open", "", "print what opens the commitment of this re-originated object")
	c.Flags().StringSliceVar(&check, "check", nil, "two files: check an opening against a STIX object")
	return c
}

// checkOpening compares an opening with the commitment in an object.
func (a *app) checkOpening(files []string) error {
	if len(files) != 2 {
		return usage(errors.New("--check: name two files, the opening and the object, with a comma between"))
	}
	var text [2][]byte
	for i, name := range files {
		var err error
		if text[i], err = a.read(name); err != nil {
			return err
		}
	}
	var opening envelope.Opening
	if err := json.Unmarshal(text[0], &opening); err != nil {
		return &federation.Refusal{Reason: federation.Malformed, Where: files[0], Detail: "not an opening", Err: err}
	}
	object, err := stix.Parse(text[1])
	if err != nil {
		return fmt.Errorf("%s: %w", files[1], err)
	}
	if h := object.Handling(); h == nil || h.Reoriginated == "" {
		return federation.Refuse(federation.Malformed, files[1], "it was not re-originated: it has no commitment")
	}
	if err := opening.Check(object.Handling().Reoriginated); err != nil {
		return err
	}
	a.printf("%s was made of object %s of %s\n", object.ID(), opening.Digest, opening.Issuer)
	return a.out.err
}
