package relay

import (
	"fmt"
	"strings"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/mapping/scheme"
)

// Folders name a policy folder and one with facts of law. An empty one is what
// the configuration names, else what ships.
type Folders struct{ Policies, Jurisdictions string }

// in fills what is empty from a configuration, which may be nil.
func (f Folders) in(cfg *configs.Node) Folders {
	if cfg != nil && f.Policies == "" {
		f.Policies = cfg.Dirs.Policies
	}
	if cfg != nil && f.Jurisdictions == "" {
		f.Jurisdictions = cfg.Dirs.Jurisdictions
	}
	return f
}

// wrap says which folder is meant.
func (f Folders) wrap(err error) error {
	if err == nil || f == (Folders{}) {
		return err
	}
	return fmt.Errorf("%s: %w", strings.TrimSpace(f.Policies+" "+f.Jurisdictions), err)
}

// LoadBundle reads rules and facts of law with the reviews and equivalence
// tables of a configuration; with nil, with those that ship.
func LoadBundle(cfg *configs.Node, f Folders) (*policy.Bundle, error) {
	tables, reviews, err := besideRules(cfg)
	if err != nil {
		return nil, err
	}
	f = f.in(cfg)
	b, err := policy.Load(dataFS(f.Policies, configs.Policies()), dataFS(f.Jurisdictions, configs.Jurisdictions()), tables, policy.Options{Reviewed: reviews})
	return b, f.wrap(err)
}

// TryBundle tries every example of a policy folder.
func TryBundle(cfg *configs.Node, f Folders) ([]policy.Trial, error) {
	tables, reviews, err := besideRules(cfg)
	if err != nil {
		return nil, err
	}
	f = f.in(cfg)
	trials, err := policy.Try(dataFS(f.Policies, configs.Policies()), dataFS(f.Jurisdictions, configs.Jurisdictions()), tables, policy.Options{Reviewed: reviews})
	return trials, f.wrap(err)
}

// besideRules are what rules are loaded with: the equivalence tables, and the
// operator's reviews.
func besideRules(cfg *configs.Node) (*scheme.Tables, map[string]policy.Review, error) {
	if cfg == nil {
		cfg = &configs.Node{}
	}
	tables, err := scheme.Load(dataFS(cfg.Dirs.Schemes, configs.Schemes()))
	if err != nil {
		return nil, nil, fmt.Errorf("schemes: %w", err)
	}
	if tables, err = tables.Accept(cfg.Accept...); err != nil {
		return nil, nil, fmt.Errorf("%s: accept: %w", cfg.Path, err)
	}
	return tables, reviewsOf(cfg), nil
}

// reviewsOf are the operator's reviews, by rule.
func reviewsOf(cfg *configs.Node) map[string]policy.Review {
	reviews := map[string]policy.Review{}
	if cfg == nil {
		return reviews
	}
	for _, r := range cfg.Reviewed {
		reviews[r.Rule] = policy.Review{By: r.By, On: r.On.Time}
	}
	return reviews
}
