package policy

import (
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

// vocabulary is what a fact with a closed list of words may say. The loader
// refuses a rule that compares the fact with any other word: a misspelt word
// in a rule would be false for ever, and Cedar would not mind.
type vocabulary struct {
	words []string
	// unknown is the word for "nobody knows", which must deny; "" if the fact
	// is computed from what is always there.
	unknown string
}

// vocabularies returns the closed facts of the schema, by name.
func vocabularies() map[string]vocabulary {
	accreditation := vocabulary{[]string{"not-needed", "covers", "below", "lapsed", "none", "unknown"}, "unknown"}
	return map[string]vocabulary{
		"principal.kind":             {append(Kinds(), "unknown"), "unknown"},
		"principal.agreement":        {[]string{"in-force", "not-yet", "ended", "none", "self"}, "none"},
		"principal.tlpVersion":       {[]string{"1.0", "2.0", "unknown"}, "unknown"},
		"principal.transfer":         {[]string{"inside", "adequate", "kind-not-covered", "not-certified", "no-decision", "other-law", "unknown"}, "unknown"},
		"principal.data":             {categoryWords(), ""},
		"resource.category":          {append(categoryWords(), "object"), ""},
		"resource.marking":           {[]string{"understood", "unmarked", "unknown", "unresolved"}, "unknown"},
		"resource.tlp":               {[]string{"clear", "green", "amber", "amber-strict", "red", "unmarked"}, "unmarked"},
		"resource.pap":               {[]string{"none", "clear", "green", "amber", "red"}, ""},
		"resource.ownAccreditation":  accreditation,
		"resource.peerAccreditation": accreditation,
		"resource.agreedLevel":       {[]string{"not-needed", "within", "above", "none", "unknown"}, "unknown"},
		"resource.equivalent":        {[]string{"not-needed", "mapped", "none", "person", "unknown"}, "unknown"},
		"resource.consent":           {[]string{"not-needed", "given", "missing", "lapsed", "unknown"}, "unknown"},
		"resource.release":           {[]string{"open", "listed", "unlisted"}, "unlisted"},
		"resource.residency":         {[]string{"open", "limited"}, ""},
		"resource.use":               {[]string{"open", "limited"}, ""},
		"resource.validity":          {[]string{"current", "early", "over"}, ""},
		"resource.hop":               {[]string{"origin", "onward"}, ""},
		"principal.foi":              {[]string{"exposed", "exempt", "unknown"}, "unknown"},
		"principal.resale":           {[]string{"forbidden", "allowed", "unknown"}, "unknown"},
		"principal.senderKind":       {append(Kinds(), "unknown"), "unknown"},
		"resource.holds":             {stix.Contents(), ""},
		"resource.victim":            {[]string{"none", "theirs", "others", "unknown"}, "unknown"},
		"resource.victimConsent":     {[]string{"not-needed", "given", "missing", "lapsed", "unknown"}, "unknown"},
		"resource.victimContract":    {[]string{"not-needed", "given", "missing", "lapsed", "unknown"}, "unknown"},
		"resource.impact":            {stix.Impacts(), "unknown"},
	}
}

func categoryWords() []string {
	var out []string
	for _, c := range federation.Categories() {
		out = append(out, string(c))
	}
	return out
}

// peerFacts are the facts of the schema's Peer and Site, with the words that
// explanations use.
type peerFacts struct {
	id, country, sender, kind, sector string
	certifications                    []string
	agreement                         string
	ceiling                           int64
	tlpVersion                        string
	community, client                 bool
	purposes, data                    []string
	contracts, compartments           []string
	places                            []string
	transfer                          string
	groups, managed, laws             []string
	foi, resale                       string
	senderKind, senderSector          string
	senderProvider                    bool

	why  map[string]string // placeholder -> words
	span span              // time in which all of this holds
}

// record returns the facts as Cedar attributes.
func (p *peerFacts) record() types.RecordMap {
	return types.RecordMap{
		"id":             types.String(p.id),
		"country":        types.String(p.country),
		"sender":         types.String(p.sender),
		"kind":           types.String(p.kind),
		"sector":         types.String(p.sector),
		"certifications": wordSet(p.certifications),
		"agreement":      types.String(p.agreement),
		"ceiling":        types.Long(p.ceiling),
		"tlpVersion":     types.String(p.tlpVersion),
		"community":      types.Boolean(p.community),
		"client":         types.Boolean(p.client),
		"purposes":       wordSet(p.purposes),
		"data":           wordSet(p.data),
		"contracts":      wordSet(p.contracts),
		"compartments":   wordSet(p.compartments),
		"places":         wordSet(p.places),
		"transfer":       types.String(p.transfer),
		"groups":         wordSet(p.groups),
		"foi":            types.String(orUnknown(p.foi)),
		"resale":         types.String(orUnknown(p.resale)),
		"managed":        wordSet(p.managed),
		"senderKind":     types.String(orUnknown(p.senderKind)),
		"senderSector":   types.String(orUnknown(p.senderSector)),
		"senderProvider": types.Boolean(p.senderProvider),
		"laws":           wordSet(p.laws),
	}
}

// itemFacts are the facts of the schema's Object and Property for one
// recipient, with the words that explanations use.
type itemFacts struct {
	typ, category                       string
	unsure                              bool
	marking, tlp                        string
	tlpRank                             int64
	tlpVersion1, statement              bool
	pap                                 string
	restricted                          bool
	caveats                             []string
	ownAccreditation, peerAccreditation string
	agreedLevel, equivalent, consent    string
	release                             string
	compartments                        []string
	residency                           string
	allowedPlaces                       []string
	use                                 string
	allowedPurposes                     []string
	boundBy                             []string
	personal                            bool
	validity, hop                       string
	direct                              bool
	holds                               []string
	victim, impact                      string
	victimConsent, victimContract       string
	aggregate                           bool

	why map[string]string
	to  string // the marking as the receiver would show it
	// levels is what each level of the origin is at the recipient, or that it is
	// nothing there, with law and rows.
	levels []mapping.Outcome
	span   span
}

// record returns the facts as Cedar attributes.
func (f *itemFacts) record() types.RecordMap {
	m := f.common()
	f.own(m)
	return m
}

// own writes the facts that differ between the properties of one handling.
func (f *itemFacts) own(m types.RecordMap) {
	m["category"], m["unsure"], m["holds"] = types.String(f.category), types.Boolean(f.unsure), wordSet(f.holds)
	m["victim"] = types.String(orUnknown(f.victim))
	m["victimConsent"], m["victimContract"] = types.String(orUnknown(f.victimConsent)), types.String(orUnknown(f.victimContract))
}

// common returns the others.
func (f *itemFacts) common() types.RecordMap {
	return types.RecordMap{
		"type":              types.String(f.typ),
		"category":          nil, // see own
		"unsure":            nil, // see own
		"marking":           types.String(f.marking),
		"tlp":               types.String(f.tlp),
		"tlpRank":           types.Long(f.tlpRank),
		"tlpVersion1":       types.Boolean(f.tlpVersion1),
		"statement":         types.Boolean(f.statement),
		"pap":               types.String(f.pap),
		"restricted":        types.Boolean(f.restricted),
		"caveats":           wordSet(f.caveats),
		"ownAccreditation":  types.String(f.ownAccreditation),
		"peerAccreditation": types.String(f.peerAccreditation),
		"agreedLevel":       types.String(f.agreedLevel),
		"equivalent":        types.String(f.equivalent),
		"consent":           types.String(f.consent),
		"release":           types.String(f.release),
		"compartments":      wordSet(f.compartments),
		"residency":         types.String(f.residency),
		"allowedPlaces":     wordSet(f.allowedPlaces),
		"use":               types.String(f.use),
		"allowedPurposes":   wordSet(f.allowedPurposes),
		"boundBy":           wordSet(f.boundBy),
		"personal":          types.Boolean(f.personal),
		"validity":          types.String(f.validity),
		"hop":               types.String(f.hop),
		"direct":            types.Boolean(f.direct),
		"holds":             nil, // see own
		"victim":            nil, // see own
		"victimConsent":     nil, // see own
		"victimContract":    nil, // see own
		"impact":            types.String(orUnknown(f.impact)),
		"aggregate":         types.Boolean(f.aggregate),
	}
}

// orUnknown is the word of a fact, or the one that denies where none was found.
func orUnknown(word string) string {
	if word == "" {
		return "unknown"
	}
	return word
}

// of returns the facts of a property that differs from the whole only in what
// it holds.
func (f *itemFacts) of(c federation.Category, unsure bool) *itemFacts {
	g := *f
	g.category, g.unsure = string(c), unsure
	return &g
}

// within returns the facts of the properties of a class: those of their
// handling, with what is found in these properties alone.
func (f *itemFacts) within(s *Subject, c *unitClass, v *peerView, now time.Time) *itemFacts {
	g := *f
	g.holds = c.holds.words()
	about := &victims{}
	if c.named >= 0 {
		about = &s.named[c.named]
	}
	g.victim, g.victimConsent, g.victimContract = about.facts(v, now, &g.span)
	return &g
}

// key is a canonical form of the facts that differ between the properties of
// one handling, for the cache of answers.
func (f *itemFacts) key(buf []byte) []byte {
	buf = append(buf, flag(f.unsure))
	for _, w := range [...]string{f.category, f.victim, f.victimConsent, f.victimContract, strings.Join(f.holds, " ")} {
		buf = append(buf, byte(len(w)))
		buf = append(buf, w...)
	}
	return buf
}

func wordSet(words []string) types.Set {
	if len(words) == 0 {
		return types.Set{} // most are empty
	}
	values := make([]types.Value, len(words))
	for i, w := range words {
		values[i] = types.String(w)
	}
	return types.NewSet(values...)
}
