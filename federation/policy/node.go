package policy

import (
	"slices"
	"time"
)

// Node is what policy has to know about the node it decides for.
type Node struct {
	// ID is the node's participant id, such as "de-cert".
	ID string
	// Country is its legal home, ISO 3166-1 alpha-2.
	Country string
	// Kind is what the node's operator is in law, one of [Kinds]; Sector its
	// field, such as "telecom". Empty is not known.
	Kind, Sector string
	// PublicProvider says that the operator provides communications to the
	// public. Of an operator of unknown kind that is assumed.
	PublicProvider bool
	// Storage lists the countries where its log, index, journal and backups
	// lie; empty means Country alone.
	Storage []string
	// Accreditation says up to which level it may hold classified material.
	Accreditation Accreditation
	// Compartments lists the special-access compartments it is read into.
	Compartments []string
}

// Accreditation is an authority's approval to hold classified material. The
// zero value approves nothing: only unclassified material passes. Entente
// itself is not an approved system; the operator's installation may be.
type Accreditation struct {
	// Authority gave it, under the reference ID.
	Authority, ID string
	// Ceiling lists the highest level per scheme, written "scheme/level" by code
	// or label, such as "de-vs/VS-NfD".
	Ceiling []string
	// Until is the first moment at which it no longer counts.
	Until time.Time
	// Exercise marks a sample that accredits nothing outside an exercise.
	Exercise bool
}

// kind is what the operator is in law, "unknown" for what is none of [Kinds].
func (n *Node) kind() string { return inWords(n.Kind, Kinds()...) }

// provider reports whether the operator has to be taken for a provider of
// communications to the public.
func (n *Node) provider() bool { return n.PublicProvider || n.kind() == "unknown" }

// places returns every country where the node keeps what it holds.
func (n *Node) places() []string {
	if len(n.Storage) == 0 {
		return []string{n.Country}
	}
	return append([]string{n.Country}, n.Storage...)
}

// clone returns a copy that shares nothing with n.
func (n *Node) clone() Node {
	c := *n
	c.Storage = slices.Clone(n.Storage)
	c.Accreditation.Ceiling = slices.Clone(n.Accreditation.Ceiling)
	c.Compartments = slices.Clone(n.Compartments)
	return c
}

// same reports whether two nodes are alike in everything.
func (n *Node) same(o *Node) bool {
	a, b := &n.Accreditation, &o.Accreditation
	return n.ID == o.ID && n.Country == o.Country && n.Kind == o.Kind && n.Sector == o.Sector && n.PublicProvider == o.PublicProvider &&
		slices.Equal(n.Storage, o.Storage) && slices.Equal(n.Compartments, o.Compartments) && a.Authority == b.Authority && a.ID == b.ID && slices.Equal(a.Ceiling, b.Ceiling) &&
		a.Until.Equal(b.Until) && a.Exercise == b.Exercise
}
