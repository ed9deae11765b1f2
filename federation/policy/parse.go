package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/mapping"
)

// agreementVersion is the newest version of an agreement this build reads.
const agreementVersion = 1

// agreementFile is an agreement as written.
type agreementFile struct {
	Version        int             `yaml:"version"`
	ID             string          `yaml:"id"`
	Node           string          `yaml:"node"`
	Peer           string          `yaml:"peer"`
	Country        string          `yaml:"country"`
	Kind           string          `yaml:"kind"`
	Sector         string          `yaml:"sector"`
	From           day             `yaml:"from"`
	Until          day             `yaml:"until"`
	TLP            tlpFile         `yaml:"tlp"`
	Purposes       []string        `yaml:"purposes"`
	Data           []string        `yaml:"data"`
	Certifications []string        `yaml:"certifications"`
	Storage        []string        `yaml:"storage"`
	Transit        []string        `yaml:"transit"`
	Contracts      []string        `yaml:"contracts"`
	Classified     *classifiedFile `yaml:"classified"`
	Contacts       []contactFile   `yaml:"contacts"`
	Reoriginate    *reoriginFile   `yaml:"reoriginate"`
	Generalise     *generalFile    `yaml:"generalise"`

	Backup         []string          `yaml:"backup"`
	Translation    []string          `yaml:"translation"`
	Groups         []string          `yaml:"groups"`
	FOI            string            `yaml:"foi"`
	Resale         string            `yaml:"resale"`
	Managed        []grantFile       `yaml:"managed"`
	VictimConsents []grantFile       `yaml:"victim_consents"`
	Constituency   *constituencyFile `yaml:"constituency"`
	RetainDays     int               `yaml:"retain_days"`
}

type reoriginFile struct {
	Types   []string `yaml:"types"`
	Ceiling string   `yaml:"ceiling"`
	Only    bool     `yaml:"only"`
}

type generalFile struct {
	Types   []string `yaml:"types"`
	Ceiling string   `yaml:"ceiling"`
}

type tlpFile struct {
	Version   string   `yaml:"version"`
	Ceiling   string   `yaml:"ceiling"`
	Community bool     `yaml:"community"`
	Clients   []string `yaml:"clients"`
}

type classifiedFile struct {
	Scheme        string             `yaml:"scheme"`
	Accept        []string           `yaml:"accept"`
	Ceiling       []string           `yaml:"ceiling"`
	Compartments  []string           `yaml:"compartments"`
	Accreditation *accreditationFile `yaml:"accreditation"`
	Consents      []consentFile      `yaml:"consents"`
}

type accreditationFile struct {
	Authority string   `yaml:"authority"`
	ID        string   `yaml:"id"`
	Ceiling   []string `yaml:"ceiling"`
	Until     day      `yaml:"until"`
	Exercise  bool     `yaml:"exercise"`
}

type consentFile struct {
	By        string `yaml:"by"`
	Level     string `yaml:"level"`
	To        string `yaml:"to"`
	Reference string `yaml:"reference"`
	From      day    `yaml:"from"`
	Until     day    `yaml:"until"`
}

type contactFile struct {
	Role    string `yaml:"role"`
	Address string `yaml:"address"`
}

var (
	participantID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	levelName     = regexp.MustCompile(`^[a-z0-9-]+/.+$`)
)

// ParseAgreement reads one agreement in YAML; file names it in errors. Unknown
// keys are refused with line, column and the key that was probably meant. The
// days written are whole days in UTC: it is in force from the start of `from`
// to the end of `until`.
func ParseAgreement(text []byte, file string) (*Agreement, error) {
	var f agreementFile
	doc, err := readYAML(text, file, &f)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.check(doc)...); err != nil {
		return nil, err
	}
	return f.agreement(), nil
}

// check lists every fault with its place.
func (f *agreementFile) check(d *document) []error {
	errs := []error{checkVersion(d, f.Version, agreementVersion)}
	bad := func(path, format string, args ...any) { errs = append(errs, d.errorf(path, format, args...)) }
	if f.ID == "" {
		bad("$.id", "missing: name these terms, such as de-cert/pl-cert/2026")
	}
	for _, p := range [...][2]string{{"$.node", f.Node}, {"$.peer", f.Peer}} {
		if !participantID.MatchString(p[1]) {
			bad(p[0], "%q: a participant id such as de-cert is needed", p[1])
		}
	}
	if f.Node == f.Peer {
		bad("$.peer", "node and peer are the same")
	}
	if !isCountry(f.Country) {
		bad("$.country", "%q is not an ISO 3166-1 country (quote \"NO\")", f.Country)
	}
	if !slices.Contains(Kinds(), f.Kind) {
		bad("$.kind", "%q is not one of %s%s", f.Kind, strings.Join(Kinds(), ", "), didYouMean(f.Kind, Kinds()))
	}
	switch {
	case f.From.IsZero() || f.Until.IsZero():
		bad("$.until", "from and until are both needed: terms without an end are not terms")
	case f.Until.Before(f.From.Time):
		bad("$.until", "it ends before it begins")
	}
	if f.RetainDays < 0 || f.RetainDays > maxRetainDays {
		bad("$.retain_days", "%d: write a number of days up to %d, 0 for no limit", f.RetainDays, maxRetainDays)
	}
	f.checkTLP(bad)
	f.checkLists(bad)
	if f.Classified != nil {
		f.Classified.check(bad)
	}
	if r := f.Reoriginate; r != nil {
		checkMaking(bad, "$.reoriginate", r.Types, ReoriginationTypes(), r.Ceiling)
	}
	if g := f.Generalise; g != nil {
		checkMaking(bad, "$.generalise", g.Types, generalise.Types(), g.Ceiling)
	}
	f.checkParties(bad)
	for i, c := range f.Contacts {
		if c.Role == "" || c.Address == "" {
			bad(fmt.Sprintf("$.contacts[%d]", i), "role and address are both needed")
		}
	}
	return errs
}

func (f *agreementFile) checkTLP(bad func(string, string, ...any)) {
	switch c, ok := ceilingOf(f.TLP.Ceiling); {
	case !ok:
		bad("$.tlp.ceiling", "%q is not one of %s", f.TLP.Ceiling, strings.Join(ceilings(), ", "))
	case c == mapping.TLPRed:
		bad("$.tlp.ceiling", "TLP:RED is for named persons; no agreement between machines reaches it")
	}
	if f.TLP.Version != "1.0" && f.TLP.Version != "2.0" {
		bad("$.tlp.version", "%q: write \"2.0\" or \"1.0\", quoted", f.TLP.Version)
	}
	for _, c := range f.TLP.Clients {
		if !participantID.MatchString(c) {
			bad("$.tlp.clients", "%q is not a participant id", c)
		}
	}
}

func (f *agreementFile) checkLists(bad func(string, string, ...any)) {
	if len(f.Purposes) == 0 {
		bad("$.purposes", "missing: list every use the peer may make, such as network-security")
	}
	for _, c := range f.Data {
		if !federation.Category(c).Valid() {
			bad("$.data", "%q is not one of %s%s", c, strings.Join(categoryWords(), ", "), didYouMean(c, categoryWords()))
		}
	}
	for _, p := range []struct {
		path string
		list []string
	}{{"$.storage", f.Storage}, {"$.transit", f.Transit}, {"$.backup", f.Backup}, {"$.translation", f.Translation}} {
		for _, c := range p.list {
			if !isCountry(c) {
				bad(p.path, "%q is not an ISO 3166-1 country", c)
			}
		}
	}
}

// checkMaking checks a permission to make something of the peer's objects.
func checkMaking(bad func(string, string, ...any), at string, types, possible []string, ceiling string) {
	if len(types) == 0 {
		bad(at+".types", "missing: list the types that the permission covers, of %s", strings.Join(possible, ", "))
	}
	for _, t := range types {
		if !slices.Contains(possible, t) {
			bad(at+".types", "%q is not one of %s", t, strings.Join(possible, ", "))
		}
	}
	if c, ok := ceilingOf(ceiling); !ok || c == mapping.TLPRed {
		bad(at+".ceiling", "%q is not one of %s", ceiling, strings.Join(ceilings(), ", "))
	}
}

func (c *classifiedFile) check(bad func(string, string, ...any)) {
	for _, l := range c.Ceiling {
		if !levelName.MatchString(l) {
			bad("$.classified.ceiling", "%q: write scheme/level, such as de-vs/VS-NfD", l)
		}
	}
	if a := c.Accreditation; a != nil {
		if a.Authority == "" || a.ID == "" || a.Until.IsZero() || len(a.Ceiling) == 0 {
			bad("$.classified.accreditation", "authority, id, ceiling and until are all needed")
		}
		for _, l := range a.Ceiling {
			if !levelName.MatchString(l) {
				bad("$.classified.accreditation.ceiling", "%q: write scheme/level, such as pl-national/ZASTRZEŻONE", l)
			}
		}
	}
	for i, s := range c.Consents {
		at := fmt.Sprintf("$.classified.consents[%d]", i)
		if !isCountry(s.By) && s.By != "EU" && s.By != "NATO" {
			bad(at, "by: %q is neither a country nor EU nor NATO", s.By)
		}
		if !isCountry(s.To) {
			bad(at, "to: %q is not an ISO 3166-1 country", s.To)
		}
		if !levelName.MatchString(s.Level) || s.Reference == "" || s.Until.IsZero() {
			bad(at, "level (scheme/level), reference and until are all needed")
		}
	}
}

// agreement turns the checked file into terms.
func (f *agreementFile) agreement() *Agreement {
	ceiling, _ := ceilingOf(f.TLP.Ceiling)
	a := &Agreement{
		ID: f.ID, Node: f.Node, Peer: f.Peer, Country: f.Country, Kind: f.Kind, Sector: f.Sector,
		Ceiling: ceiling, TLPVersion: f.TLP.Version, Community: f.TLP.Community, Clients: f.TLP.Clients,
		Purposes: f.Purposes, Data: f.Data, Certifications: f.Certifications,
		Storage: f.Storage, Transit: f.Transit, Contracts: f.Contracts,
		NotBefore: f.From.Time, Until: dayAfter(f.Until), RetainDays: f.RetainDays,
		Backup: f.Backup, Translation: f.Translation, Groups: f.Groups, FOI: f.FOI, Resale: f.Resale,
		Managed: grants(f.Managed), VictimConsents: grants(f.VictimConsents),
	}
	if c := f.Constituency; c != nil {
		a.Constituency = Constituency{ASN: c.ASN, CIDR: c.CIDR, TLD: c.TLD, Participants: c.Participants, Reference: c.Reference}
	}
	for _, c := range f.Contacts {
		a.Contacts = append(a.Contacts, Contact(c))
	}
	if r := f.Reoriginate; r != nil {
		top, _ := ceilingOf(r.Ceiling)
		a.Reoriginate = Reorigination{Types: r.Types, Ceiling: top, Only: r.Only}
	}
	if g := f.Generalise; g != nil {
		top, _ := ceilingOf(g.Ceiling)
		a.Generalise = Generalisation{Types: g.Types, Ceiling: top}
	}
	c := f.Classified
	if c == nil {
		return a
	}
	a.Scheme, a.Accept, a.Classified, a.Compartments = c.Scheme, c.Accept, c.Ceiling, c.Compartments
	if x := c.Accreditation; x != nil {
		a.Accreditation = Accreditation{Authority: x.Authority, ID: x.ID, Ceiling: x.Ceiling, Until: dayAfter(x.Until), Exercise: x.Exercise}
	}
	for _, s := range c.Consents {
		a.Consents = append(a.Consents, Consent{By: s.By, Level: s.Level, To: s.To, Reference: s.Reference, NotBefore: s.From.Time, Until: dayAfter(s.Until)})
	}
	return a
}

// dayAfter is the first moment at which a last day is over.
func dayAfter(d day) time.Time { return d.AddDate(0, 0, 1) }

func ceilings() []string {
	return []string{"TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"}
}

// ceilingOf reads a TLP 2.0 label.
func ceilingOf(label string) (mapping.TLP, bool) {
	for t := mapping.TLPClear; t <= mapping.TLPRed; t++ {
		if t.String() == label {
			return t, true
		}
	}
	return mapping.TLPUnmarked, false
}

func didYouMean(got string, words []string) string {
	if near := nearest(got, words); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// SampleAgreement returns hypothetical terms with a national CERT in a
// country: ceiling TLP:AMBER, in the TLP:GREEN community, no consents, nothing
// classified. It answers "what if" before any peer exists.
func SampleAgreement(country string) *Agreement {
	return &Agreement{
		ID: "sample/" + strings.ToLower(country), Peer: strings.ToLower(country) + "-national-cert",
		Country: country, Kind: "authority", Sector: "national-cert",
		Ceiling: mapping.TLPAmber, TLPVersion: "2.0", Community: true,
		Purposes: []string{"network-security"}, Data: []string{"technical", "context", "free-text", "personal"},
		Until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second), Hypothetical: true,
	}
}
