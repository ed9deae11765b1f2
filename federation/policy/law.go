package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// law is the facts of law that rules ask about, each with dates, source and
// reviewer: who belongs to a region, where an adequacy decision reaches.
type law struct {
	regions   map[string]region
	adequacy  []adequacy
	gdprArea  string // the region inside which the GDPR applies
	decisions string // where the list of decisions comes from
	statutes  []statute
}

// region is a group of countries with dated membership.
type region struct {
	ID       string   `yaml:"id"`
	Text     string   `yaml:"text"`
	Source   string   `yaml:"source"`
	Reviewer string   `yaml:"reviewer"`
	Includes []string `yaml:"includes"`
	Members  []member `yaml:"members"`
}

type member struct {
	Country string `yaml:"country"`
	From    day    `yaml:"from"`
	To      day    `yaml:"to"`
}

// adequacy is one decision under Art. 45 GDPR.
type adequacy struct {
	Country       string   `yaml:"country"`
	From          day      `yaml:"from"`
	To            day      `yaml:"to"`
	Recipients    []string `yaml:"recipients"`
	Certification string   `yaml:"certification"`
	Source        string   `yaml:"source"`
	Reviewer      string   `yaml:"reviewer"`
}

// lawVersion is the newest version of the files of facts this build reads.
const lawVersion = 1

type regionsFile struct {
	Version int      `yaml:"version"`
	Regions []region `yaml:"regions"`
}

type adequacyFile struct {
	Version   int        `yaml:"version"`
	Region    string     `yaml:"region"`
	Source    string     `yaml:"source"`
	Reviewer  string     `yaml:"reviewer"`
	Decisions []adequacy `yaml:"decisions"`
}

// loadLaw reads regions.yaml, adequacy.yaml and laws.yaml. The error lists every fault.
func loadLaw(fsys fs.FS) (*law, error) {
	l := &law{regions: map[string]region{}}
	var errs []error
	var rf regionsFile
	if doc, err := readYAMLFile(fsys, "regions.yaml", &rf); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, l.addRegions(doc, &rf))
	}
	var af adequacyFile
	if doc, err := readYAMLFile(fsys, "adequacy.yaml", &af); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, l.addAdequacy(doc, &af))
	}
	errs = append(errs, l.readStatutes(fsys))
	return l, errors.Join(errs...)
}

func readYAMLFile(fsys fs.FS, name string, v any) (*document, error) {
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return readYAML(raw, name, v)
}

func checkVersion(d *document, v, newest int) error {
	switch {
	case v == 0:
		return d.errorf("$.version", "missing: write `version: %d`", newest)
	case v > newest:
		return d.errorf("$.version", "%d is newer than this build knows (%d): use a newer entente", v, newest)
	}
	return nil
}

func (l *law) addRegions(d *document, f *regionsFile) error {
	errs := []error{checkVersion(d, f.Version, lawVersion)}
	for i, r := range f.Regions {
		at := fmt.Sprintf("$.regions[%d]", i)
		switch {
		case r.ID == "" || isCountry(r.ID):
			errs = append(errs, d.errorf(at, "a region needs an id that is no country"))
			continue
		case l.regions[r.ID].ID != "":
			errs = append(errs, d.errorf(at, "region %s is there twice", r.ID))
			continue
		case r.Source == "" || r.Reviewer == "":
			errs = append(errs, d.errorf(at, "region %s needs source and reviewer", r.ID))
		}
		for j, m := range r.Members {
			errs = append(errs, m.check(d, fmt.Sprintf("%s.members[%d]", at, j)))
		}
		for _, in := range r.Includes {
			if l.regions[in].ID == "" { // only earlier ones, so that no cycle can be written
				errs = append(errs, d.errorf(at+".includes", "region %s includes %s, which is not stated before it", r.ID, in))
			}
		}
		l.regions[r.ID] = r
	}
	return errors.Join(errs...)
}

func (m member) check(d *document, at string) error {
	switch {
	case !isCountry(m.Country):
		return d.errorf(at, "%q is not an ISO 3166-1 country", m.Country)
	case m.From.IsZero():
		return d.errorf(at, "%s: from is missing", m.Country)
	case !m.To.IsZero() && !m.To.After(m.From.Time):
		return d.errorf(at, "%s: to is not after from", m.Country)
	}
	return nil
}

func (l *law) addAdequacy(d *document, f *adequacyFile) error {
	errs := []error{checkVersion(d, f.Version, lawVersion)}
	if l.regions[f.Region].ID == "" {
		errs = append(errs, d.errorf("$.region", "%q is not in regions.yaml", f.Region))
	}
	if f.Source == "" || f.Reviewer == "" {
		errs = append(errs, d.errorf("$", "source and reviewer are needed"))
	}
	l.gdprArea, l.decisions = f.Region, f.Source
	for i, a := range f.Decisions {
		at := fmt.Sprintf("$.decisions[%d]", i)
		errs = append(errs, member{a.Country, a.From, a.To}.check(d, at))
		if a.Source == "" {
			errs = append(errs, d.errorf(at, "%s: source is missing", a.Country))
		}
		if len(a.Recipients) == 0 {
			errs = append(errs, d.errorf(at, "%s: recipients is empty, so the decision would cover nobody", a.Country))
		}
		for _, k := range a.Recipients {
			if !slices.Contains(Kinds(), k) {
				errs = append(errs, d.errorf(at+".recipients", "%q is not one of %s", k, strings.Join(Kinds(), ", ")))
			}
		}
		if a.Reviewer == "" {
			a.Reviewer = f.Reviewer
		}
		l.adequacy = append(l.adequacy, a)
	}
	return errors.Join(errs...)
}

// inForce reports whether now lies in [from, to), and narrows s by both.
func inForce(from, to, now time.Time, s *span) bool {
	*s = s.cut(from, now).cut(to, now)
	return !now.Before(from) && (to.IsZero() || now.Before(to))
}

// in reports whether a country belongs to a region at a time.
func (l *law) in(country, id string, now time.Time, s *span) bool {
	r, ok := l.regions[id]
	if !ok {
		return false
	}
	is := false
	for _, m := range r.Members {
		if m.Country == country && inForce(m.From.Time, m.To.Time, now, s) {
			is = true
		}
	}
	for _, sub := range r.Includes {
		if l.in(country, sub, now, s) {
			is = true
		}
	}
	return is
}

// expand replaces every region in a list by its members at a time. What is no
// region stays as it is: a word nobody knows matches no country.
func (l *law) expand(list []string, now time.Time, s *span) []string {
	var out []string
	for _, name := range list {
		if _, ok := l.regions[name]; !ok {
			out = append(out, name)
			continue
		}
		for _, c := range l.countries(name) {
			if l.in(c, name, now, s) {
				out = append(out, c)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// countries lists every country that ever belonged to a region.
func (l *law) countries(id string) []string {
	var out []string
	for _, m := range l.regions[id].Members {
		out = append(out, m.Country)
	}
	for _, sub := range l.regions[id].Includes {
		out = append(out, l.countries(sub)...)
	}
	return out
}

// transfer is the ground for a transfer of personal data under chapter V of
// the GDPR, in the words of the schema, with a sentence that says why.
func (l *law) transfer(from, to, kind string, certified []string, now time.Time, s *span) (word, why string) {
	switch {
	case !isCountry(from) || !isCountry(to) || !slices.Contains(Kinds(), kind):
		return "unknown", "It is not known where the recipient is or what it is in law"
	case !l.in(from, l.gdprArea, now, s):
		return "other-law", fmt.Sprintf("The sender is in %s, outside the area of the GDPR, and no rule for transfers under its law is loaded", from)
	case l.in(to, l.gdprArea, now, s):
		return "inside", fmt.Sprintf("%s and %s are both in the %s, and no rule for a recipient of kind %s under these terms applies", from, to, l.gdprArea, kind)
	}
	word, why = "no-decision", fmt.Sprintf("No adequacy decision for %s is in force", to)
	for _, a := range l.adequacy {
		if a.Country != to || !inForce(a.From.Time, a.To.Time, now, s) {
			continue
		}
		switch {
		case !slices.Contains(a.Recipients, kind):
			word, why = "kind-not-covered", fmt.Sprintf("The adequacy decision for %s (%s) covers recipients of kind %s only, not %s",
				to, a.Source, strings.Join(a.Recipients, ", "), kind)
		case a.Certification != "" && !slices.Contains(certified, a.Certification):
			word, why = "not-certified", fmt.Sprintf("The adequacy decision for %s (%s) covers recipients certified under %s only", to, a.Source, a.Certification)
		default:
			return "adequate", fmt.Sprintf("The adequacy decision for %s (%s) covers the recipient, and the agreement does not cover personal data for network security", to, a.Source)
		}
	}
	return word, why
}

// isCountry reports whether c is an ISO 3166-1 alpha-2 code of a country.
func isCountry(c string) bool {
	if len(c) != 2 || strings.ToUpper(c) != c {
		return false
	}
	r, err := language.ParseRegion(c)
	return err == nil && r.IsCountry() && r.Canonicalize().String() == c
}
