package policy

import (
	"slices"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// Agreement is the written terms under which one node sends to one peer. Every
// fact that policy uses about a peer comes from here. Without one nothing is
// sent.
type Agreement struct {
	// ID names the terms, such as "de-cert/pl-cert/2026".
	ID string
	// Node is the sender whose copy this is; Peer the participant that
	// receives. Node is empty only in [SampleAgreement].
	Node, Peer string
	// Country is the peer's legal home, ISO 3166-1 alpha-2.
	Country string
	// Kind is what the peer is in law: one of [Kinds].
	Kind string
	// Sector is the peer's field, such as "national-cert" or "telecom".
	Sector string
	// Ceiling is the highest TLP that may be sent.
	Ceiling mapping.TLP
	// TLPVersion is the newest TLP version the peer handles: "1.0" or "2.0".
	TLPVersion string
	// Community says that the peer belongs to the node's TLP:GREEN community.
	Community bool
	// Clients lists participants that are the node's clients in the sense of
	// TLP:AMBER; the peer is one if it is listed.
	Clients []string
	// Purposes lists all the uses the peer may make of what it gets.
	Purposes []string
	// Data lists the categories of data the terms cover.
	Data []string
	// Certifications are schemes the peer is certified under, where law asks
	// for it, such as "eu-us-dpf".
	Certifications []string
	// Storage and Transit list the countries where the peer keeps what it
	// gets and through which it passes on the way, besides Country.
	Storage, Transit []string
	// Backup and Translation list the countries where its backups lie and where
	// its translation services work.
	Backup, Translation []string
	// Groups are the sharing groups these terms put the peer in.
	Groups []string
	// FOI says whether what the peer holds may be demanded under
	// freedom-of-information law: "exposed", "exempt", "" for not known.
	FOI string
	// Resale says whether the peer may give vendor data on commercially:
	// "forbidden", "allowed", "" for not known.
	Resale string
	// Managed lists the participants and victims for whom a managed-service
	// contract lets data go to the peer, VictimConsents those who consented.
	Managed, VictimConsents []Grant
	// Constituency is whom the peer serves.
	Constituency Constituency
	// Contracts lists the contract terms under which vendor data may go to it.
	Contracts []string
	// Scheme is the id of the classification scheme the peer marks in; empty
	// means its country's.
	Scheme string
	// Accept lists unverified rows of the equivalence tables that the node
	// accepts for this peer, by name.
	Accept []string
	// Classified lists the highest levels the terms cover, "scheme/level";
	// empty means nothing classified.
	Classified []string
	// Compartments lists special-access compartments the peer is read into.
	Compartments []string
	// Accreditation is the peer's own, as its authority confirmed it to us.
	Accreditation Accreditation
	// Consents are originators' permissions to pass their material on.
	Consents []Consent
	// Contacts are role addresses at the peer.
	Contacts []Contact
	// Reoriginate is the peer's permission to give on its objects as the node's
	// own; without types there is none.
	Reoriginate Reorigination
	// Generalise is the peer's permission to say less in place of its objects;
	// without types there is none.
	Generalise Generalisation
	// RetainDays is for how many days the node may keep what comes from the peer,
	// 0 for no limit.
	RetainDays int
	// NotBefore and Until bound the terms: in force from the first, no longer
	// at the second.
	NotBefore, Until time.Time
	// Hypothetical marks terms nobody signed, made to answer "what if".
	Hypothetical bool
}

// Consent is an originator's permission that its classified material goes to
// a third state (Decision (EU, Euratom) 2019/1961 Art. 14(1) asks for it in
// writing).
type Consent struct {
	// By is the originator: an ISO 3166-1 country, "EU" or "NATO".
	By string
	// Level is the highest level it covers, "scheme/level".
	Level string
	// To is the country that may receive it.
	To string
	// Reference names the written act.
	Reference string
	// NotBefore and Until bound it, as in an agreement.
	NotBefore, Until time.Time
}

// Reorigination is a source's permission that its objects are given on under the
// node's own name, without anything that names the source.
type Reorigination struct {
	// Types lists the STIX types it covers, of [ReoriginationTypes].
	Types []string
	// Ceiling is the highest TLP it covers.
	Ceiling mapping.TLP
	// Only says that the source's own messages stay at the node: nobody else is
	// to see its name.
	Only bool
}

// Generalisation is a source's permission that the node says less in place of
// its objects, as a statement of the node's own, to those who may not get them as
// they are.
type Generalisation struct {
	// Types lists the STIX types it covers, of [generalise.Types].
	Types []string
	// Ceiling is the highest TLP it covers.
	Ceiling mapping.TLP
}

// ReoriginationTypes returns the STIX types that can be re-originated: those of
// which is known what may name a source.
func ReoriginationTypes() []string { return []string{"indicator", "malware", "relationship"} }

// Contact is a role at the peer, never a person.
type Contact struct {
	Role, Address string
}

// Kinds returns what a recipient can be in law.
func Kinds() []string {
	return []string{"authority", "business-operator", "vendor", "coordinator", "law-enforcement"}
}

// clone returns a copy that shares nothing with a: a recipient's facts and its
// cache key must not part because a caller changed a list.
func (a *Agreement) clone() Agreement {
	c := *a
	for _, list := range []*[]string{
		&c.Clients, &c.Purposes, &c.Data, &c.Certifications, &c.Storage, &c.Transit,
		&c.Backup, &c.Translation, &c.Groups, &c.Constituency.CIDR, &c.Constituency.TLD, &c.Constituency.Participants,
		&c.Contracts, &c.Accept, &c.Classified, &c.Compartments, &c.Accreditation.Ceiling, &c.Reoriginate.Types, &c.Generalise.Types,
	} {
		*list = slices.Clone(*list)
	}
	c.Consents, c.Contacts = slices.Clone(c.Consents), slices.Clone(c.Contacts)
	c.Managed, c.VictimConsents = slices.Clone(c.Managed), slices.Clone(c.VictimConsents)
	c.Constituency.ASN = slices.Clone(c.Constituency.ASN)
	return c
}
