package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// lawsFile is the file of facts of law that rules ask for by id.
const lawsFile = "laws.yaml"

// anywhere is written where a fact of law reaches every country or every kind
// of recipient: an empty list would reach them by oversight.
const anywhere = "any"

// statute is one period in which a fact of law reaches certain senders and
// recipients. A law that lapsed and came back has a row for each period.
type statute struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	Basis string `yaml:"basis"`
	// From is the first day it counts, To the first day it no longer does.
	From day `yaml:"from"`
	To   day `yaml:"to"`
	// Sender and Recipient list countries and regions, Kinds the kinds of
	// recipient; "any" stands for all. Certification must be the recipient's.
	Sender        []string `yaml:"sender"`
	Recipient     []string `yaml:"recipient"`
	Kinds         []string `yaml:"kinds"`
	Certification string   `yaml:"certification"`
	Source        string   `yaml:"source"`
	Reviewer      string   `yaml:"reviewer"`
	// Verified says that the reviewer has read the source; a row without it is
	// there to be checked and does not count.
	Verified bool `yaml:"verified"`
}

type statutesFile struct {
	Version int       `yaml:"version"`
	Laws    []statute `yaml:"laws"`
}

// readStatutes reads laws.yaml. A folder without the file has no such facts.
func (l *law) readStatutes(fsys fs.FS) error {
	var f statutesFile
	doc, err := readYAMLFile(fsys, lawsFile, &f)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	errs := []error{checkVersion(doc, f.Version, lawVersion)}
	for i, s := range f.Laws {
		at := fmt.Sprintf("$.laws[%d]", i)
		errs = append(errs, l.checkStatute(doc, at, s)...)
		for _, other := range l.statutes {
			if other.ID == s.ID && other.overlaps(s) {
				errs = append(errs, doc.errorf(at, "%s: its time overlaps that of an earlier row of the same id and reach", s.ID))
			}
		}
		l.statutes = append(l.statutes, s)
	}
	return errors.Join(errs...)
}

// checkStatute lists every fault of one row with its place.
func (l *law) checkStatute(d *document, at string, s statute) []error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, d.errorf(at, s.ID+": "+format, args...))
	}
	if !ruleID.MatchString(s.ID) {
		bad("an id of lower-case words joined by hyphens is needed")
	}
	if s.Title == "" || s.Basis == "" || s.Source == "" || s.Reviewer == "" {
		bad("title, basis, source and reviewer are all needed")
	}
	switch {
	case s.From.IsZero():
		bad("from is missing")
	case !s.To.IsZero() && !s.To.After(s.From.Time):
		bad("to is not after from")
	}
	for _, p := range []struct {
		key  string
		list []string
	}{{"sender", s.Sender}, {"recipient", s.Recipient}} {
		if len(p.list) == 0 {
			bad("%s is missing: list countries or regions, or [any]", p.key)
		}
		for _, c := range p.list {
			if _, ok := l.regions[c]; c != anywhere && !ok && !isCountry(c) {
				bad("%s: %q is neither an ISO 3166-1 country (quote \"NO\") nor in regions.yaml", p.key, c)
			}
		}
	}
	if len(s.Kinds) == 0 {
		bad("kinds is missing: list kinds of recipient, or [any]")
	}
	for _, k := range s.Kinds {
		if k != anywhere && !slices.Contains(Kinds(), k) {
			bad("kinds: %q is not one of %s%s", k, strings.Join(Kinds(), ", "), didYouMean(k, Kinds()))
		}
	}
	return errs
}

// overlaps reports whether two rows say the same of a common time.
func (s statute) overlaps(o statute) bool {
	same := slices.Equal(s.Sender, o.Sender) && slices.Equal(s.Recipient, o.Recipient) &&
		slices.Equal(s.Kinds, o.Kinds) && s.Certification == o.Certification
	return same && (s.To.IsZero() || o.From.Before(s.To.Time)) && (o.To.IsZero() || s.From.Before(o.To.Time))
}

// ids lists the facts of law, whether they count now or not.
func (l *law) ids() []string {
	var out []string
	for _, s := range l.statutes {
		out = append(out, s.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reaching lists the facts of law in force at a time that reach a sender and a
// recipient. Of parties that are not known none does.
func (l *law) reaching(from, to, kind string, certified []string, now time.Time, s *span) []string {
	if !isCountry(from) || !isCountry(to) || !slices.Contains(Kinds(), kind) {
		return nil
	}
	var out []string
	for _, x := range l.statutes {
		if !x.Verified || !slices.Contains(x.Kinds, anywhere) && !slices.Contains(x.Kinds, kind) ||
			x.Certification != "" && !slices.Contains(certified, x.Certification) {
			continue
		}
		sends, gets := l.inside(from, x.Sender, now, s), l.inside(to, x.Recipient, now, s)
		if sends && gets && inForce(x.From.Time, x.To.Time, now, s) {
			out = append(out, x.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
