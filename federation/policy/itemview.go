package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/scheme"
)

// item computes the facts of one handling on its way to one recipient: the
// whole object's, or that of a property with markings of its own.
func (b *Bundle) item(s *Subject, h mapping.Handling, v *peerView, now time.Time) *itemFacts {
	f := &itemFacts{
		typ: s.object.Type(), category: "object", marking: "understood",
		tlp: tlpWord(h.TLP), tlpRank: int64(h.TLP), tlpVersion1: h.TLPVersion1, statement: len(h.Statements) > 0,
		pap: papWord(h.PAP), restricted: len(h.Levels) > 0 || len(h.Compartments) > 0,
		caveats: h.Caveats, compartments: h.Compartments, boundBy: h.Contracts, personal: h.PersonalData,
		residency: "open", use: "open", release: "open", validity: "current", hop: "onward",
		ownAccreditation: "not-needed", peerAccreditation: "not-needed", agreedLevel: "not-needed",
		equivalent: "not-needed", consent: "not-needed",
		why: map[string]string{
			"tlp": h.TLP.String(), "pap": h.PAP.String(), "compartments": list(h.Compartments), "caveats": list(h.Caveats),
			"contracts": list(h.Contracts),
		},
	}
	f.holds, f.impact, f.aggregate = s.holds.words(), orUnknown(s.impact), s.counted
	f.victim, f.victimConsent, f.victimContract = s.named[0].facts(v, now, &f.span)
	if h.TLP == mapping.TLPUnmarked || h.TLP > mapping.TLPRed {
		f.tlpRank = unmarkedRank
	}
	if s.issuer == v.to.self.ID {
		f.hop, f.direct = "origin", true
	} else {
		f.direct = s.from == s.issuer
	}
	f.readProblem(s, h)
	f.readSets(b, h, v, now)
	if !inForce(h.NotBefore, h.NotAfter, now, &f.span) {
		f.validity = "over"
		if now.Before(h.NotBefore) {
			f.validity = "early"
		}
	}
	if f.restricted {
		b.classify(f, s, h, v, now)
	}
	f.to = f.shown(h, v)
	return f
}

// unmarkedRank is above every ceiling: what nobody marked is under none.
const unmarkedRank = 9

// readProblem says whether the markings were understood.
func (f *itemFacts) readProblem(s *Subject, h mapping.Handling) {
	switch {
	case s.problem != nil && s.problem.Reason == federation.Unmarked:
		f.marking = "unmarked"
	case s.problem != nil:
		f.marking = "unknown"
	case h.TLP == mapping.TLPUnmarked || h.TLP > mapping.TLPRed:
		f.marking = "unmarked"
	case len(s.dangling) > 0 && f.hop == "origin":
		// Beyond the issuer a selector may point at what a relay removed.
		f.marking = "unresolved"
	}
	f.why["problem"] = "nothing"
	switch {
	case s.problem != nil:
		f.why["problem"] = s.problem.Detail
	case len(s.dangling) > 0:
		f.why["problem"] = list(s.dangling)
	}
}

// readSets judges the lists of the origin: release, residency, purposes.
func (f *itemFacts) readSets(b *Bundle, h mapping.Handling, v *peerView, now time.Time) {
	f.why["releasable"], f.why["residency"], f.why["allowedPurposes"] = "anyone", "any country", "anything"
	if h.Releasable.Restricted() {
		f.release = "unlisted"
		for _, name := range b.law.expand(h.Releasable.Members(), now, &f.span) {
			if name != "" && (name == v.facts.country || name == v.facts.id) {
				f.release = "listed"
			}
		}
		f.why["releasable"] = list(h.Releasable.Members())
	}
	if h.Residency.Restricted() {
		f.residency = "limited"
		f.allowedPlaces = b.law.expand(h.Residency.Members(), now, &f.span)
		f.why["residency"] = list(h.Residency.Members())
	}
	if h.Purposes.Restricted() {
		f.use = "limited"
		f.allowedPurposes = h.Purposes.Members()
		f.why["allowedPurposes"] = list(f.allowedPurposes)
	}
}

// classify computes the facts of classified material: for several levels, the
// first that does not pass decides each fact.
func (b *Bundle) classify(f *itemFacts, s *Subject, h mapping.Handling, v *peerView, now time.Time) {
	f.span = f.span.cut(midnight(now), now).cut(v.tables.NextChange(now), now)
	f.why["level"], f.why["origin"] = levels(h.Levels)
	f.why["equivalence"], f.why["missing"] = "no table was asked.", "No consent is missing"
	if len(h.Levels) == 0 { // compartments alone: nothing says what protects them
		f.ownAccreditation, f.peerAccreditation, f.agreedLevel, f.equivalent, f.consent = "unknown", "unknown", "unknown", "unknown", "unknown"
		f.why["missing"] = "It is not known who would have to consent"
		f.explainAccreditation()
		return
	}
	f.ownAccreditation, f.peerAccreditation, f.agreedLevel, f.equivalent, f.consent = "covers", "covers", "within", "mapped", "not-needed"
	for _, l := range h.Levels {
		own := v.tables.Map(l, v.to.self.Country, now)
		worse(&f.ownAccreditation, "covers", covers(v.tables, &v.to.self.Accreditation, l, own, now, &f.span))
		if v.to.site {
			f.why["to "+l.Scheme] = own.To.Label
			continue
		}
		there := v.tables.Map(l, target(&v.to.agreement), now)
		f.levels = append(f.levels, there)
		f.why["to "+l.Scheme] = there.To.Label
		worse(&f.peerAccreditation, "covers", covers(v.tables, &v.to.agreement.Accreditation, l, there, now, &f.span))
		worse(&f.agreedLevel, "within", agreedLevel(v.tables, v.to.agreement.Classified, l, there, now))
		if word := equivalentWord(there); word != "mapped" && f.equivalent == "mapped" {
			f.equivalent, f.why["equivalence"] = word, there.Text
		}
		f.consentFor(l, s, v, now)
	}
	if outside(h.Compartments, v.to.self.Compartments) {
		worse(&f.ownAccreditation, "covers", "below") // a regime that the node is not read into is above any level
	}
	if v.problem != nil {
		f.equivalent, f.why["equivalence"] = "unknown", v.problem.Error()+"."
	}
	f.explainAccreditation()
}

// outside reports whether one of the compartments is none that somebody is read
// into.
func outside(compartments, into []string) bool {
	return slices.ContainsFunc(compartments, func(c string) bool { return !slices.Contains(into, c) })
}

// worse replaces a fact that is still good.
func worse(fact *string, good, found string) {
	if *fact == good {
		*fact = found
	}
}

// target names the scheme or country a peer marks in.
func target(a *Agreement) string {
	if a.Scheme != "" {
		return a.Scheme
	}
	return a.Country
}

// midnight is the start of now's day in UTC: tables change by the day, and
// only their next change is known, so an answer holds from today on.
func midnight(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

// covers says whether an accreditation reaches a level, or the level it maps
// to.
func covers(t *scheme.Tables, a *Accreditation, l mapping.Level, mapped mapping.Outcome, now time.Time, s *span) string {
	switch {
	case len(a.Ceiling) == 0:
		return "none"
	case a.Until.IsZero():
		return "unknown"
	case !inForce(time.Time{}, a.Until, now, s):
		return "lapsed"
	case reaches(t, a.Ceiling, l, mapped, now):
		return "covers"
	}
	return "below"
}

// agreedLevel says whether the levels an agreement covers reach a level.
func agreedLevel(t *scheme.Tables, covered []string, l mapping.Level, mapped mapping.Outcome, now time.Time) string {
	switch {
	case len(covered) == 0:
		return "none"
	case reaches(t, covered, l, mapped, now):
		return "within"
	}
	return "above"
}

// reaches reports whether one of the ceilings, "scheme/level" each, is of the
// level's scheme and as high, or of the scheme it maps to and as high there. A
// ceiling nobody can resolve reaches nothing.
func reaches(t *scheme.Tables, ceilings []string, l mapping.Level, mapped mapping.Outcome, now time.Time) bool {
	for _, c := range ceilings {
		top, err := t.Level(c, now)
		if err != nil {
			continue
		}
		if top.Scheme == l.Scheme && top.Rank >= l.Rank {
			return true
		}
		if mapped.Kind == mapping.Mapped && top.Scheme == mapped.To.Scheme && top.Rank >= mapped.To.Rank {
			return true
		}
	}
	return false
}

// consentFor judges whether the originator of a level lets it go to the
// recipient's country. The originator itself, issuing from its own country,
// needs nobody's consent, and neither does the way home.
func (f *itemFacts) consentFor(l mapping.Level, s *Subject, v *peerView, now time.Time) {
	origin := originOf(l)
	if f.hop == "origin" && l.Country == v.to.self.Country || l.Country != "" && l.Country == v.facts.country {
		return
	}
	word := "missing"
	for _, c := range v.to.agreement.Consents {
		top, err := v.tables.Level(c.Level, now)
		if err != nil || c.By != origin || c.To != v.facts.country || top.Scheme != l.Scheme || top.Rank < l.Rank {
			continue
		}
		switch {
		case inForce(c.NotBefore, c.Until, now, &f.span) && !c.Until.IsZero():
			word = "given"
		case word != "given" && !now.Before(c.NotBefore):
			word = "lapsed"
		}
	}
	if f.consent != "not-needed" && f.consent != "given" {
		return // another level already lacks one
	}
	f.consent = word
	verb := "has not consented"
	if word == "lapsed" {
		verb = "no longer consents"
	}
	if word != "given" {
		f.why["missing"] = fmt.Sprintf("%s %s to %s going to %s (%s)", origin, verb, l.Label, v.facts.id, v.facts.country)
	}
}

// originOf names the originator of a level: its country, "EU", or for an
// organisation without a code its scheme in capitals ("NATO").
func originOf(l mapping.Level) string {
	if l.Country != "" {
		return l.Country
	}
	return strings.ToUpper(l.Scheme)
}

// levels words levels and their originators for people.
func levels(ls []mapping.Level) (labels, origins string) {
	var words, from []string
	for _, l := range ls {
		words = append(words, l.Label)
		if o := originOf(l); !slices.Contains(from, o) {
			from = append(from, o)
		}
	}
	if len(words) == 0 {
		return "it", "its origin"
	}
	return strings.Join(words, " and "), strings.Join(from, " and ")
}

func (f *itemFacts) explainAccreditation() {
	words := map[string]string{"none": "it has no accreditation", "below": "its accreditation stops below", "lapsed": "its accreditation has ended",
		"unknown": "it is not known what it is accredited for", "covers": "it is"}
	f.why["ownAccreditation"], f.why["peerAccreditation"] = words[f.ownAccreditation], words[f.peerAccreditation]
}

// shown is the marking as the receiver would show it.
func (f *itemFacts) shown(h mapping.Handling, v *peerView) string {
	parts := []string{h.TLP.String()}
	if v.facts.tlpVersion == "1.0" {
		if old, ok := h.TLP.Version1(); ok {
			parts[0] = old
		}
	}
	if h.PAP != mapping.PAPNone {
		parts = append(parts, h.PAP.String())
	}
	for _, l := range h.Levels {
		if to := f.why["to "+l.Scheme]; to != "" {
			parts = append(parts, fmt.Sprintf("%s (%s)", to, v.facts.country))
		}
	}
	return strings.Join(parts, ", ")
}

// written is the marking as its origin wrote it.
func written(h mapping.Handling) string {
	parts := []string{h.TLP.String()}
	if h.TLPVersion1 {
		if old, ok := h.TLP.Version1(); ok {
			parts[0] = old
		}
	}
	if h.PAP != mapping.PAPNone {
		parts = append(parts, h.PAP.String())
	}
	for _, l := range h.Levels {
		parts = append(parts, fmt.Sprintf("%s (%s)", l.Label, originOf(l)))
	}
	return strings.Join(append(parts, h.Caveats...), ", ")
}

func tlpWord(t mapping.TLP) string {
	switch t {
	case mapping.TLPClear:
		return "clear"
	case mapping.TLPGreen:
		return "green"
	case mapping.TLPAmber:
		return "amber"
	case mapping.TLPAmberStrict:
		return "amber-strict"
	case mapping.TLPRed:
		return "red"
	}
	return "unmarked"
}

func papWord(p mapping.PAP) string {
	switch p {
	case mapping.PAPNone:
		return "none"
	case mapping.PAPClear:
		return "clear"
	case mapping.PAPGreen:
		return "green"
	case mapping.PAPAmber:
		return "amber"
	}
	return "red" // a value nobody knows permits least
}
