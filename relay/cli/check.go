package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
)

// checked is what check found. Errors is empty when everything holds.
type checked struct {
	Config       string        `json:"config"`
	Node         string        `json:"node,omitempty"`
	Country      string        `json:"country,omitempty"`
	Errors       []string      `json:"errors"`
	Schemes      int           `json:"schemes"`
	Accepted     []string      `json:"accepted"`   // unverified rows that the operator accepts by name
	Unverified   []string      `json:"unverified"` // unverified rows that do not count
	Policy       string        `json:"policy,omitempty"`
	Rules        int           `json:"rules"`
	Unreviewed   []string      `json:"unreviewed"` // rules that do not count before somebody has read them
	Vocabularies int           `json:"vocabularies"`
	Profiles     []string      `json:"profiles"`
	Peers        []checkedPeer `json:"peers"`
	Exercise     bool          `json:"exercise"`
}

// checkedPeer is one accepted peer.
type checkedPeer struct {
	ID      string    `json:"id"`
	Country string    `json:"country"`
	Ceiling string    `json:"ceiling"`
	Until   time.Time `json:"until,omitzero"`
	Linked  bool      `json:"linked"` // false: terms without traffic
}

func (a *app) checkCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "prove configuration, tables, policies and agreements",
		Long: `Prove the configuration and everything it names: keys, statement, classification
tables and their laws, policies, vocabularies, agreements. Every error is listed,
then what is loaded and what of it nobody has verified.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.check() },
	}
}

// check proves everything and prints what is there.
func (a *app) check() error {
	path, _ := a.configPath()
	r := checked{Config: path, Errors: []string{}, Accepted: []string{}, Unverified: []string{}, Unreviewed: []string{}, Profiles: []string{}, Peers: []checkedPeer{}}
	err := a.prove(&r, path)
	if err != nil {
		r.Errors = lines(err)
	}
	if a.json {
		return errors.Join(a.printJSON(r), usageIf(err))
	}
	if err != nil {
		return usage(err)
	}
	return a.printChecked(&r)
}

// usageIf is the silent end with a fault of configuration: --json has listed it.
func usageIf(err error) error {
	if err == nil {
		return nil
	}
	return ends(exitUsage)
}

// lines lists the faults that an error joins.
func lines(err error) []string {
	var out []string
	for l := range strings.Lines(err.Error()) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// prove loads everything and fills in the report. It goes on after a fault
// wherever the rest can still be judged.
func (a *app) prove(r *checked, path string) error {
	cfg, err := configs.LoadNode(path)
	if err != nil {
		return err
	}
	r.Node, r.Country, r.Exercise = cfg.Node.ID, cfg.Node.Country, cfg.Accreditation.Exercise
	keys, keysErr := relay.OpenKeys(cfg)
	w, err := relay.LoadWorld(cfg, a.now())
	if err != nil || keysErr != nil {
		return errors.Join(keysErr, err)
	}
	r.Accepted = append(r.Accepted, cfg.Accept...)
	r.world(w)
	for _, p := range cfg.Profiles {
		r.Profiles = append(r.Profiles, p.Name+" → "+p.DefaultMarking)
	}
	return ownKeys(cfg, keys, w.Own)
}

// world notes what is loaded.
func (r *checked) world(w *relay.World) {
	r.Schemes, r.Policy, r.Vocabularies = len(w.Tables.Schemes()), w.Bundle.Digest(), len(w.Dictionary.Vocabularies())
	r.Unverified = append(r.Unverified, uncounted(w.Tables, r.Accepted)...)
	rules := w.Bundle.Rules()
	r.Rules = len(rules)
	for _, x := range rules {
		if x.NeedsReview && !x.Reviewed {
			r.Unreviewed = append(r.Unreviewed, x.ID)
		}
	}
	for _, p := range w.Peers {
		r.Peers = append(r.Peers, checkedPeer{ID: p.Agreement.Peer, Country: p.Agreement.Country,
			Ceiling: p.Agreement.Ceiling.String(), Until: p.Agreement.Until, Linked: p.Statement != nil})
	}
}

// ownKeys checks that the statement peers were given speaks of the keys and
// the node that are here.
func ownKeys(cfg *configs.Node, keys *relay.Keys, own *directory.Statement) error {
	where := filepath.Join(filepath.Dir(cfg.Path), relay.StatementFile)
	var errs []error
	if own.ID != cfg.Node.ID || own.Country != cfg.Node.Country {
		errs = append(errs, fmt.Errorf("%s: is of %s in %s, the configuration is of %s in %s: they must be the same",
			where, own.ID, own.Country, cfg.Node.ID, cfg.Node.Country))
	}
	for _, k := range []directory.Signer{keys.Message, keys.Terms} {
		if !slices.ContainsFunc(own.Keys, func(x directory.Key) bool { return x.KID == k.KeyID() }) {
			errs = append(errs, fmt.Errorf("%s: does not list the key %s of %s: peers would refuse what it signs", where, k.KeyID(), relay.KeysDir(cfg)))
		}
	}
	return errors.Join(errs...)
}

// printChecked says what is loaded, for people.
func (a *app) printChecked(r *checked) error {
	a.printf("%s: %s in %s: everything holds\n", r.Config, r.Node, r.Country)
	a.printf("  %s, their laws proved\n", plural(r.Schemes, "classification scheme"))
	a.list("    unverified, accepted by name", r.Accepted)
	a.list("    unverified, not counted", r.Unverified)
	a.printf("  %s, policy %.12s\n", plural(r.Rules, "rule"), r.Policy)
	a.list("    not counted before a recorded review", r.Unreviewed)
	a.printf("  vocabularies: %d\n", r.Vocabularies)
	if len(r.Profiles) == 0 {
		a.printf("  no source profile: input without a marking is held\n")
	}
	a.list("  source profiles", r.Profiles)
	if r.Exercise {
		a.printf("  the accreditation is a SAMPLE for an EXERCISE: it accredits nothing\n")
	}
	if len(r.Peers) == 0 {
		a.printf("  no peers: `entente peer accept` adds one\n")
		return nil
	}
	rows := [][]string{{"PEER", "COUNTRY", "CEILING", "UNTIL", "LINK"}}
	for _, p := range r.Peers {
		link := "yes"
		if !p.Linked {
			link = "terms only"
		}
		rows = append(rows, []string{p.ID, p.Country, p.Ceiling, day(p.Until), link})
	}
	return a.table(rows)
}

// list prints a heading with what stands under it, or nothing.
func (a *app) list(heading string, items []string) {
	if len(items) == 0 {
		return
	}
	a.printf("%s (%d):\n", painted(heading), len(items))
	indent := strings.Repeat(" ", len(heading)-len(strings.TrimLeft(heading, " "))+2)
	line := ""
	for i, it := range items {
		if i < len(items)-1 {
			it += ","
		}
		if len(line)+len(it) > lineWidth && line != "" {
			a.printf("%s%s\n", painted(indent), strings.TrimSpace(line))
			line = ""
		}
		line += it + " "
	}
	a.printf("%s%s\n", painted(indent), strings.TrimSpace(line))
}

// lineWidth is where long lists are broken.
const lineWidth = 90

// day is a date for people; "-" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}
