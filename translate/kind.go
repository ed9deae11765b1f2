package translate

import "fmt"

// Kind says what sort of thing a word names. It is part of every lookup key,
// because the same letters name different things: 76 names are both an actor
// and a malware family in the public MISP galaxies.
type Kind string

// The kinds of words. They are the values of `entente translate --kind`.
const (
	// Actor is the name of a threat actor, intrusion set or campaign, or a
	// word of the STIX vocabularies that describe one.
	Actor Kind = "actor"
	// Malware is the name of a malware family or tool, or a word of
	// malware-type-ov.
	Malware Kind = "malware"
	// Incident is a class or type of an incident taxonomy: RSIT, eCSIRT.net,
	// IntelMQ, the labels of a national feed.
	Incident Kind = "incident"
	// Indicator is a word of indicator-type-ov or infrastructure-type-ov
	// (STIX 2.1, sections 10.6 and 10.8).
	Indicator Kind = "indicator"
	// KillChain is the phase of a kill chain or an ATT&CK tactic.
	KillChain Kind = "kill-chain"
	// Confidence is a word or number of a confidence scale (STIX 2.1,
	// Appendix A).
	Confidence Kind = "confidence"
	// Text is a whole field of ordinary words from an operator's glossary.
	Text Kind = "text"
)

// Kinds returns every kind, in the order the manual lists them.
func Kinds() []Kind {
	return []Kind{Actor, Malware, Incident, Indicator, KillChain, Confidence, Text}
}

// ParseKind reads a kind as it is written on a command line or in a file. The
// error names the kinds there are.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if s == string(k) {
			return k, nil
		}
	}
	return "", fmt.Errorf("unknown kind %q: use one of %v", s, Kinds())
}

// Relation says how a target stands to its source. The words are those of the
// SKOS mapping properties (W3C SKOS Reference, section 10).
type Relation string

// The relations, strongest first.
const (
	// Exact: the same meaning; may be used both ways.
	Exact Relation = "exact"
	// Close: usable in most cases, never to be chained.
	Close Relation = "close"
	// Broad: the target is wider than the source, so information is lost.
	Broad Relation = "broad"
	// Narrow: the target is narrower and claims more than the source said.
	Narrow Relation = "narrow"
	// None: somebody looked and states that there is no counterpart. It is a
	// finding; an unknown word has no candidate at all.
	None Relation = "none"
)

// ParseRelation reads a relation as it is written in a vocabulary file.
func ParseRelation(s string) (Relation, error) {
	switch r := Relation(s); r {
	case Exact, Close, Broad, Narrow, None:
		return r, nil
	}
	return "", fmt.Errorf("unknown relation %q: use exact, close, broad, narrow or none", s)
}

// inverse is the relation seen from the other end.
func (r Relation) inverse() Relation {
	switch r {
	case Broad:
		return Narrow
	case Narrow:
		return Broad
	default:
		return r
	}
}

// strength orders relations, the most useful one first.
func (r Relation) strength() int {
	switch r {
	case Exact:
		return 0
	case Close:
		return 1
	case Broad:
		return 2
	case Narrow:
		return 3
	default:
		return 4
	}
}
