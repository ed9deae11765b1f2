package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/mapping/scheme"
	"github.com/entente-relay/entente/relay/intake"
	"github.com/entente-relay/entente/translate"
	"github.com/entente-relay/entente/translate/vocab"
)

// World is everything a node judges by: tables, rules, terms with peers,
// keys, words. It is immutable; a reload makes a new one, or keeps the old
// one when anything in the new one is wrong.
type World struct {
	Node       policy.Node
	Tables     *scheme.Tables
	Bundle     *policy.Bundle
	Reader     *policy.Reader
	Dictionary *translate.Dictionary
	Directory  *directory.Directory
	Own        *directory.Statement
	Peers      []*Peer // by id
	Language   string
	// Approvers are the persons who may decide for this node.
	Approvers *directory.Approvers
	// Decisions are theirs; what of them counts, the recipients know.
	decisions decisions
	// WarnAfter and AlarmAfter say when what waits for a person has waited long.
	WarnAfter, AlarmAfter time.Duration
	// Acts are who may act for whom; what of it counts, the directory knows.
	Acts Delegations

	stand         // what of it an activation puts in force, by name
	packed []byte // the rules as they were read

	recipients     map[string]*policy.Recipient
	profiles       map[string]*intake.Profile
	defaultProfile *intake.Profile
	seals          map[string][]configs.Seal // by source profile
	decoys         int
	general        generalise.Rule
	generalOwn     []string // types of own objects
	retention      *retention
	asked          *asked  // what operators want erased
	holds          []*Hold // legal holds in force
}

// StatementFile is the name of the node's own statement, beside its
// configuration: the file to hand to peers.
const StatementFile = "statement.jwt"

// LoadWorld reads everything that cfg names. The error lists every fault.
func LoadWorld(cfg *configs.Node, now time.Time) (*World, error) {
	base := filepath.Dir(cfg.Path)
	w, err := loadRules(cfg)
	errs := []error{err}
	if w.Own, err = ownStatement(filepath.Join(base, StatementFile), now); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	ownKeys, err := directory.New(w.Own)
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	w.Peers, err = LoadPeers(AgreementsDir(base), ownKeys)
	errs = append(errs, err)
	known, err := LoadParticipants(StatementsDir(base), ownKeys)
	errs = append(errs, err)
	statements := append([]*directory.Statement{w.Own}, known...)
	for _, p := range w.Peers {
		if p.Agreement.Node != w.Node.ID {
			errs = append(errs, fmt.Errorf("the terms with %s are those of %s, not of this node %s", p.Agreement.Peer, p.Agreement.Node, w.Node.ID))
			continue
		}
		if w.Bundle != nil {
			if err := w.Bundle.Check(p.Agreement, now); err != nil {
				errs = append(errs, fmt.Errorf("the terms with %s: %w", p.Agreement.Peer, err))
			}
		}
		w.recipients[p.Agreement.Peer] = policy.NewRecipient(&w.Node, p.Agreement)
		w.retention.add(p.Agreement)
		if p.Statement != nil {
			statements = append(statements, p.Statement)
		}
	}
	holds, err := LoadHolds(HoldsDir(base))
	w.holds = inForce(holds)
	errs = append(errs, err)
	w.asked, err = loadErasures(ErasuresDir(base))
	errs = append(errs, err)
	statements = newest(statements)
	w.Directory, err = directory.New(statements...)
	if err == nil {
		if w.Acts, err = LoadDelegations(DelegationsDir(base), ownKeys, w.Directory); err == nil {
			w.Directory, err = w.Directory.WithDelegations(w.Acts.In, w.Acts.Ends)
		}
	}
	if err == nil {
		err = w.checkSeals(cfg, now)
	}
	if err == nil && w.retention != nil { // nil: what is wrong with it is listed already
		err = w.retention.name()
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	for id, r := range w.recipients {
		w.recipients[id] = r.WithEncKeys(w.encKeys(id))
	}
	decisions, err := loadDecisions(decisionsDir(base), w.Node.ID, ownKeys, w.Approvers)
	if err != nil {
		return nil, err
	}
	return w.decided(decisions), nil
}

// newest keeps, of each participant, the statement with the highest version:
// a peer may also be known from before it was a peer.
func newest(statements []*directory.Statement) []*directory.Statement {
	best := map[string]*directory.Statement{}
	for _, s := range statements {
		if have, ok := best[s.ID]; !ok || s.Version > have.Version {
			best[s.ID] = s
		}
	}
	out := make([]*directory.Statement, 0, len(best))
	for _, s := range best {
		out = append(out, s)
	}
	return out
}

// ownStatement reads this node's own statement.
func ownStatement(path string, now time.Time) (*directory.Statement, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("this node's own statement: %w; `entente init` writes it", err)
	}
	s, err := directory.ParseStatement(bytes.TrimSpace(raw), now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// loadRules reads what needs neither keys nor peers. The world is usable only
// without an error.
func loadRules(cfg *configs.Node) (*World, error) {
	w := &World{Language: cfg.Language, recipients: map[string]*policy.Recipient{}, profiles: map[string]*intake.Profile{}, seals: map[string][]configs.Seal{}, decoys: cfg.Decoys}
	w.Node = policy.Node{ID: cfg.Node.ID, Country: cfg.Node.Country, Storage: cfg.Storage, Kind: cfg.Node.Kind, Sector: cfg.Node.Sector,
		PublicProvider: cfg.Node.PublicProvider != nil && *cfg.Node.PublicProvider, Accreditation: policy.Accreditation{
			Authority: cfg.Accreditation.Authority, ID: cfg.Accreditation.ID, Ceiling: cfg.Accreditation.Ceiling,
			Until: endOf(cfg.Accreditation.Until.Time), Exercise: cfg.Accreditation.Exercise}, Compartments: cfg.Accreditation.Compartments}
	var errs []error
	var err error
	if w.retention, err = newRetention(cfg.Retention, cfg.Path); err != nil {
		errs = append(errs, err)
	}
	tables, _, err := besideRules(cfg)
	if err != nil {
		return w, errors.Join(append(errs, err)...)
	}
	w.Tables = tables
	proved := make(chan error, 1)
	go func() { proved <- w.Tables.Check() }() // beside the rules, which take longer
	// Read once and packed: what is judged by is what is kept to compare with.
	if w.packed, err = PackRules(cfg, Folders{}); err == nil {
		w.Bundle, err = unpackRules(w.packed, w.Tables)
	}
	if err == nil {
		w.stand, err = standOf(w.Bundle, &w.Node, cfg)
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("policies: %w", err))
	}
	if err := <-proved; err != nil {
		errs = append(errs, fmt.Errorf("schemes: %w", err))
	}
	if w.Dictionary, err = vocab.Load(dataFS(cfg.Dirs.Vocabularies, configs.Vocabularies())); err != nil {
		errs = append(errs, fmt.Errorf("vocabularies: %w", err))
	}
	w.Reader = policy.NewReader(w.Tables)
	errs = append(errs, w.readGeneral(cfg))
	w.WarnAfter, w.AlarmAfter = heldAges(cfg.Quarantine)
	if w.Approvers, err = ApproversOf(cfg); err != nil {
		errs = append(errs, err)
	}
	for _, p := range cfg.Profiles {
		ip := &intake.Profile{Name: p.Name, DefaultMarking: p.DefaultMarking}
		w.profiles[p.Name], w.seals[p.Name] = ip, p.Seal
		if p.Default {
			w.defaultProfile = ip
		}
	}
	return w, errors.Join(errs...)
}

// Profile returns the source profile of that name; "" means the configured
// default, which may be none (nil).
func (w *World) Profile(name string) (*intake.Profile, error) {
	if name == "" {
		return w.defaultProfile, nil
	}
	p, ok := w.profiles[name]
	if !ok {
		known := make([]string, 0, len(w.profiles))
		for n := range w.profiles {
			known = append(known, n)
		}
		slices.Sort(known)
		return nil, fmt.Errorf("no source profile %q in the configuration; there are %v", name, known)
	}
	return p, nil
}

// Recipient returns the facts about a peer, or about a stranger: to a
// stranger nothing goes, and the refusal names it.
func (w *World) Recipient(peer string) *policy.Recipient {
	if r, ok := w.recipients[peer]; ok {
		return r
	}
	return policy.Stranger(&w.Node, peer)
}

// dataFS is the operator's folder if one is named, else what ships.
func dataFS(dir string, shipped fs.FS) fs.FS {
	if dir != "" {
		return os.DirFS(dir)
	}
	return shipped
}

// endOf turns the last day on which something counts into the first moment at
// which it no longer does.
func endOf(day time.Time) time.Time {
	if day.IsZero() {
		return day
	}
	return day.AddDate(0, 0, 1)
}
