package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/scheme"
)

// peerView is a recipient's facts at a time, as the engine takes them.
type peerView struct {
	facts   peerFacts
	entity  types.Entity
	fault   error // the entity's facts do not fit the schema: every request fails
	to      *Recipient
	serves  served
	rules   slice
	span    span           // in which facts and rules stay as they are
	tables  *scheme.Tables // with what the agreement accepts by name
	problem error          // the agreement accepts what does not exist
}

// view returns a recipient's facts at a time, from the cache while they hold.
func (b *Bundle) view(to *Recipient, now time.Time) *peerView {
	if v, ok := b.peers.get(to.key); ok && v.span.holds(now) {
		return v
	}
	v := &peerView{to: to, tables: b.tables}
	if a := &to.agreement; to.agreed && len(a.Accept) > 0 {
		if v.tables, v.problem = b.tables.Accept(a.Accept...); v.problem != nil {
			v.tables = b.tables
		}
	}
	if to.site {
		v.facts = siteFacts(&to.self)
	} else {
		v.facts = b.agreedFacts(to, now)
		v.serves = to.agreement.Constituency.serves()
	}
	v.facts.explain(&to.agreement)
	v.rules = b.sliceFor(&v.facts, now)
	v.span = v.facts.span.meet(v.rules.span)
	b.admit(v, v.facts.record())
	b.peers.put(to.key, v)
	return v
}

// admit makes facts the entity that requests are about, and checks them once.
func (b *Bundle) admit(v *peerView, facts types.RecordMap) {
	kind := typePeer
	if v.to.site {
		kind = typeSite
	}
	v.entity = types.Entity{UID: types.NewEntityUID(kind, types.String(v.facts.id)), Attributes: types.NewRecord(facts)}
	v.fault = b.validator.Entity(v.entity)
}

// siteFacts are the facts of the node's own place, for store and transit.
func siteFacts(n *Node) peerFacts {
	return peerFacts{
		id: n.ID, country: known(n.Country), sender: known(n.Country), kind: "unknown", sector: "unknown",
		senderKind: n.kind(), senderSector: n.Sector, senderProvider: n.provider(),
		agreement: "self", tlpVersion: "2.0", places: placesOf(n.places()), transfer: "unknown", compartments: n.Compartments,
		why: map[string]string{"transfer": "It stays on the node"},
	}
}

// agreedFacts are the facts of a peer under its agreement at a time.
func (b *Bundle) agreedFacts(to *Recipient, now time.Time) peerFacts {
	a := &to.agreement
	p := peerFacts{
		id: a.Peer, country: "unknown", sender: known(to.self.Country), kind: "unknown", sector: "unknown",
		agreement: "none", tlpVersion: "unknown", transfer: "unknown", places: []string{"unknown"},
		why: map[string]string{"transfer": "Without an agreement nothing is known about the recipient"},
	}
	p.senderKind, p.senderSector, p.senderProvider = to.self.kind(), to.self.Sector, to.self.provider()
	if p.agreement = to.standing(now, &p.span); p.agreement == "none" {
		return p
	}
	p.country = known(a.Country)
	if slices.Contains(Kinds(), a.Kind) {
		p.kind = a.Kind
	}
	if a.Sector != "" {
		p.sector = a.Sector
	}
	if a.TLPVersion == "1.0" || a.TLPVersion == "2.0" {
		p.tlpVersion = a.TLPVersion
	}
	if a.Ceiling <= mapping.TLPRed {
		p.ceiling = int64(a.Ceiling)
	}
	p.community = a.Community
	p.client = slices.Contains(a.Clients, a.Peer)
	p.certifications, p.purposes, p.data = a.Certifications, a.Purposes, a.Data
	p.contracts, p.compartments = a.Contracts, a.Compartments
	p.places = placesOf(slices.Concat([]string{a.Country}, a.Storage, a.Transit, a.Backup, a.Translation))
	p.groups, p.foi, p.resale = a.Groups, inWords(a.FOI, "exposed", "exempt"), inWords(a.Resale, "forbidden", "allowed")
	p.managed = inForceFor(a.Managed, now, &p.span)
	p.transfer, p.why["transfer"] = b.law.transfer(to.self.Country, a.Country, a.Kind, a.Certifications, now, &p.span)
	p.laws = b.law.reaching(to.self.Country, a.Country, a.Kind, a.Certifications, now, &p.span)
	return p
}

// standing says how the terms with a recipient stand at a time, in the words of
// the schema.
func (r *Recipient) standing(now time.Time, s *span) string {
	a := &r.agreement
	switch {
	case r.site:
		return "self"
	case !r.agreed || a.Node != "" && a.Node != r.self.ID:
		return "none"
	case a.Until.IsZero():
		return "none" // terms without an end are none
	case inForce(a.NotBefore, a.Until, now, s):
		return "in-force"
	case now.Before(a.NotBefore):
		return "not-yet"
	}
	return "ended"
}

// explain words the facts for the placeholders of a peer.
func (p *peerFacts) explain(a *Agreement) {
	p.why["peer"] = p.id
	if p.id == "" {
		p.why["peer"] = "the recipient"
	}
	p.why["country"], p.why["kind"], p.why["tlpVersion"] = p.country, p.kind, p.tlpVersion
	p.why["ceiling"] = mapping.TLP(p.ceiling).String()
	p.why["purposes"], p.why["places"] = list(p.purposes), list(p.places)
	p.why["sender"], p.why["foi"], p.why["resale"] = p.sender, orUnknown(p.foi), orUnknown(p.resale)
	p.why["groups"], p.why["managed"], p.why["laws"] = list(p.groups), list(p.managed), list(p.laws)
	switch p.agreement {
	case "none":
		p.why["agreement"] = "there is none"
	case "ended":
		p.why["agreement"] = fmt.Sprintf("%s ended on %s", a.ID, a.Until.Format(time.DateOnly))
	case "not-yet":
		p.why["agreement"] = fmt.Sprintf("%s begins on %s", a.ID, a.NotBefore.Format(time.DateOnly))
	default:
		p.why["agreement"] = a.ID
	}
}

// inWords returns a word if it is one of those there are.
func inWords(word string, words ...string) string {
	if !slices.Contains(words, word) {
		return "unknown"
	}
	return word
}

// known returns a country, or "unknown" for what is none.
func known(country string) string {
	if !isCountry(country) {
		return "unknown"
	}
	return country
}

// placesOf returns countries, sorted and unique; what is no country is
// "unknown", which no residency list holds.
func placesOf(countries []string) []string {
	out := make([]string, 0, len(countries))
	for _, c := range countries {
		out = append(out, known(c))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// list words a list for people.
func list(words []string) string {
	if len(words) == 0 {
		return "nothing stated"
	}
	return strings.Join(words, ", ")
}

// Check reports what of an agreement this bundle cannot make use of: levels
// that no loaded scheme has, rows to accept that no table has. Such terms are
// safe, because what is not understood reaches nothing, but not what was meant.
// It also proves the laws over the tables with the rows that the agreement
// accepts, which count for this peer alone: those that break one are refused.
func (b *Bundle) Check(a *Agreement, now time.Time) error {
	var errs []error
	tables, err := b.tables.Accept(a.Accept...)
	if err != nil {
		errs = append(errs, fmt.Errorf("agreement %s: %w", a.ID, err))
		tables = b.tables
	} else if err := tables.Check(); err != nil {
		errs = append(errs, fmt.Errorf("agreement %s: what it accepts: %w", a.ID, err))
	}
	names := slices.Concat(a.Classified, a.Accreditation.Ceiling)
	for _, c := range a.Consents {
		names = append(names, c.Level)
	}
	for _, name := range names {
		if _, err := tables.Level(name, now); err != nil {
			errs = append(errs, fmt.Errorf("agreement %s: %s: %w", a.ID, name, err))
		}
	}
	return errors.Join(errs...)
}
