package cli

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/translate"
	"github.com/entente-relay/entente/translate/vocab"
)

func (a *app) translateCmd() *cobra.Command {
	var kind, to string
	c := &cobra.Command{
		Use:   "translate TERM --kind KIND --to LANG|VOCABULARY",
		Short: "look a term up in another language or vocabulary",
		Long: `Look a term up and print every candidate as JSON, with its relation (exact, close,
broad, narrow) and who says so. An unknown term has no candidates. Without a
configuration the shipped vocabularies are read.`,
		Example: "  entente translate phishing --kind incident --to pl",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := a.dictionary()
			if err != nil {
				return err
			}
			answer, err := d.Answer(args[0], translate.Kind(kind), to)
			if err != nil {
				return usage(err)
			}
			return a.printJSON(answer)
		},
	}
	var kinds []string
	for _, k := range translate.Kinds() {
		kinds = append(kinds, string(k))
	}
	f := c.Flags()
	f.StringVar(&kind, "kind", "", fmt.Sprint("what sort of word it is: ", kinds))
	f.StringVar(&to, "to", "", "BCP 47 language, or a vocabulary of `entente vocab list`")
	for _, err := range []error{c.MarkFlagRequired("kind"), c.MarkFlagRequired("to"), c.RegisterFlagCompletionFunc("kind", choose(kinds...))} {
		if err != nil {
			panic(err) // the flags are defined above
		}
	}
	return c
}

func (a *app) vocabCmd() *cobra.Command {
	c := &cobra.Command{Use: "vocab", Short: "vocabularies"}
	c.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "list the loaded vocabularies with version and source",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			d, err := a.dictionary()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(d.Vocabularies())
			}
			rows := [][]string{{"VOCABULARY", "VERSION", "TERMS", "MAPPINGS", "LANGUAGES", "SOURCE"}}
			for _, v := range d.Vocabularies() {
				rows = append(rows, []string{v.Scheme, dash(v.Version), fmt.Sprint(v.Concepts), fmt.Sprint(v.Mappings),
					dash(joined(v.Languages)), dash(v.Source)})
			}
			return a.table(rows)
		},
	})
	return c
}

// dictionary loads the vocabularies of the configuration, else the shipped ones.
func (a *app) dictionary() (*translate.Dictionary, error) {
	cfg, err := a.loadIfAny()
	if err != nil {
		return nil, err
	}
	from := configs.Vocabularies()
	if cfg != nil {
		from = ownOr(cfg.Dirs.Vocabularies, from)
	}
	d, err := vocab.Load(from)
	if err != nil {
		return nil, usage(fmt.Errorf("vocabularies: %w", err))
	}
	return d, nil
}

// ownOr is the operator's folder, if one is named, else what ships.
func ownOr(dir string, shipped fs.FS) fs.FS {
	if dir == "" {
		return shipped
	}
	return os.DirFS(dir)
}
