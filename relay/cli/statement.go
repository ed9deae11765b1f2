package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
)

// statementShown is a statement as commands print it.
type statementShown struct {
	Path        string    `json:"path,omitempty"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Country     string    `json:"country"`
	Version     uint64    `json:"version"`
	Fingerprint string    `json:"fingerprint"`
	URLs        []string  `json:"urls,omitempty"`
	Expires     time.Time `json:"expires"`
}

func showStatement(path string, s *directory.Statement) statementShown {
	return statementShown{Path: path, ID: s.ID, Name: s.Name, Country: s.Country, Version: s.Version,
		Fingerprint: s.Fingerprint(), URLs: s.LinkURLs, Expires: s.Expires}
}

func (a *app) statementCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "statement",
		Short: "show this node's own statement: the file to hand to peers",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			path := filepath.Join(filepath.Dir(cfg.Path), relay.StatementFile)
			s, err := readStatement(path, a.now())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(showStatement(path, s))
			}
			a.printf("%s\n", path)
			a.printStatement(s)
			return nil
		},
	}
	c.AddCommand(a.statementAddCmd(), a.statementListCmd(), a.statementRemoveCmd())
	return c
}

// printStatement prints what two people compare.
func (a *app) printStatement(s *directory.Statement) {
	a.printf("  %s (%s), %s, version %d, good until %s\n", s.ID, s.Name, s.Country, s.Version, s.Expires.Format(time.DateOnly))
	for _, u := range s.LinkURLs {
		a.printf("  reached at %s\n", u)
	}
	a.printf("  fingerprint %s\n", s.Fingerprint())
}

// readStatement reads and verifies the statement in a file.
func readStatement(path string, now time.Time) (*directory.Statement, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := directory.ParseStatement(bytes.TrimSpace(raw), now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
