package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// region is one node of the demonstration.
type region struct {
	id, name, country, language string
	unmarked                    string // marking stated for unmarked input, "" for none
	kind, sector                string // what the operator is
	provider                    bool   // of communications to the public
	accept                      []string
	exercise                    []string // levels of the sample accreditation
	dir                         string
	cfg                         *configs.Node
	keys                        *relay.Keys
	node                        *relay.Node
}

// federation is the three nodes, linked.
type federation struct {
	de, pl, jp *region
	dir        string
}

// rowsAccepted are the unverified rows that both CERTs accept by name: the
// Polish labels were not read in a primary text.
var rowsAccepted = []string{"pl-national", "eu-2013-488-app-b-2021/PL"}

// newFederation writes three nodes under dir, with keys, sample agreements
// and links, and starts them in the order in which they can dial each other.
func newFederation(ctx context.Context, dir, unmarked string, now time.Time, log *slog.Logger) (f *federation, err error) {
	f = &federation{dir: dir,
		de: &region{id: "de-cert", unmarked: unmarked, name: "DE-CERT (sample)", country: "DE", language: "de", kind: "authority", sector: "national-cert", accept: rowsAccepted, exercise: []string{"de-vs/VS-NfD"}},
		pl: &region{id: "pl-cert", name: "PL-CERT (sample)", country: "PL", language: "pl", kind: "authority", sector: "national-cert", accept: rowsAccepted, exercise: []string{"de-vs/VS-NfD", "pl-national/R"}},
		jp: &region{id: "jp-carrier", name: "JP carrier (sample)", country: "JP", language: "ja", kind: "business-operator", sector: "telecom", provider: true},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.stop(context.WithoutCancel(ctx)))
		}
	}()
	for _, r := range f.regions() {
		if err := r.setup(dir, now); err != nil {
			return f, err
		}
	}
	steps := []func() error{
		func() error { return f.de.acceptPeer(f.pl, "", now) },
		func() error { return f.de.start(ctx, log) },
		func() error { return f.pl.acceptPeer(f.de, "tls://"+f.de.node.LeafAddr(), now) },
		func() error { return f.pl.acceptPeer(f.jp, "", now) },
		func() error { return f.pl.acceptPaper("jp-ministry", now) },
		func() error { return f.pl.start(ctx, log) },
		func() error { return f.jp.acceptPeer(f.pl, "tls://"+f.pl.node.LeafAddr(), now) },
		func() error { return f.jp.know(f.de, now) },
		func() error { return f.jp.start(ctx, log) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *federation) regions() []*region { return []*region{f.de, f.pl, f.jp} }

// stop ends the nodes that run, the last started first.
func (f *federation) stop(ctx context.Context) error {
	var errs []error
	for _, r := range []*region{f.jp, f.pl, f.de} {
		if r.node != nil {
			errs = append(errs, r.node.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}

// setup writes the node's configuration, keys and statement.
func (r *region) setup(dir string, now time.Time) error {
	r.dir = filepath.Join(dir, r.id)
	v := configs.TemplateValues{ID: r.id, Name: r.name, Country: r.country, Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"},
		Kind: r.kind, Sector: r.sector, Provider: r.provider, Language: r.language, Accept: r.accept, Reviewed: SampleReviews(now), Unmarked: r.unmarked}
	if len(r.exercise) > 0 {
		v.Exercise = &configs.Accreditation{Authority: "EXERCISE: no authority", ID: "EXERCISE", Ceiling: r.exercise,
			Until: configs.Date{Time: now.AddDate(0, 1, 0)}, Exercise: true}
	}
	var err error
	if r.cfg, err = relay.Setup(relay.SetupOptions{Dir: r.dir, Values: v, Now: now}); err != nil {
		return fmt.Errorf("%s: %w", r.id, err)
	}
	r.keys, err = relay.LoadKeys(relay.KeysDir(r.cfg))
	return err
}

// acceptPeer takes the sample terms with a peer, and its statement, as two
// operators would after reading the fingerprint over the telephone.
func (r *region) acceptPeer(peer *region, dial string, now time.Time) error {
	statement, err := os.ReadFile(filepath.Join(peer.dir, relay.StatementFile))
	if err != nil {
		return err
	}
	return r.terms(peer.id, string(statement), dial, now)
}

// know takes the statement of a participant that has no link with this one:
// an origin, whose signature must be recognised.
func (r *region) know(origin *region, now time.Time) error {
	statement, err := os.ReadFile(filepath.Join(origin.dir, relay.StatementFile))
	if err != nil {
		return err
	}
	_, err = relay.KnowParticipant(relay.StatementsDir(r.dir), statement, r.keys.Terms, now)
	return err
}

// acceptPaper takes terms with a recipient that has no link: for what-if.
func (r *region) acceptPaper(peer string, now time.Time) error { return r.terms(peer, "", "", now) }

func (r *region) terms(peer, statement, dial string, now time.Time) error {
	text, err := fs.ReadFile(configs.Agreements(), r.id+"--"+peer+".yaml")
	if err != nil {
		return err
	}
	_, err = relay.AcceptPeer(relay.AgreementsDir(r.dir), relay.Terms{Agreement: string(text), Statement: statement, Dial: dial}, r.keys.Terms, now)
	if err != nil {
		return fmt.Errorf("%s accepts %s: %w", r.id, peer, err)
	}
	return nil
}

func (r *region) start(ctx context.Context, log *slog.Logger) error {
	n, err := relay.New(r.cfg, relay.Options{Logger: log})
	if err != nil {
		return fmt.Errorf("%s: %w", r.id, err)
	}
	if err := n.Start(ctx); err != nil {
		return fmt.Errorf("%s: %w", r.id, err)
	}
	r.node = n
	return nil
}
