package translate

// Language tags of words that belong to no language (IANA subtag registry,
// RFC 5646 section 4.1).
const (
	// Undetermined is the language of proper names, which are the same in
	// every language.
	Undetermined = "und"
	// NoLanguage is the language of machine values such as
	// rsit:fraud="phishing".
	NoLanguage = "zxx"
)

// Vocabulary is what one file says about one version of one scheme. Loaders
// make it, [New] joins several into a dictionary. Two files may speak of the
// same scheme: both are kept, and the order of vocabularies is their
// precedence.
type Vocabulary struct {
	// Scheme is the id used on the command line: rsit, intelmq, stix, or the
	// type of a galaxy.
	Scheme string
	// Version is the version the file states. It does not identify a text
	// (RSIT 1003 names two), so Digest stands beside it.
	Version string
	// Digest is the hash of the loaded file, "sha256:" and hex.
	Digest string
	// File is where it was read from.
	File string
	// Name, Source and Licence are for people: title, who publishes it, terms.
	Name, Source, Licence string
	// Concepts are the things the scheme has words for.
	Concepts []Concept
	// Mappings are statements about concepts of this and other schemes.
	Mappings []Mapping
}

// Concept is one thing a scheme has a word for: an incident type, an actor, a
// phase.
type Concept struct {
	// ID identifies the concept within scheme and list: a machine tag, an open
	// vocabulary value, a galaxy UUID.
	ID string
	// List is the part of a scheme that has several lists, such as
	// indicator-type-ov of STIX; else empty.
	List string
	// Kind of every word of the concept.
	Kind Kind
	// Term is how the scheme itself writes the concept, and Language the
	// language of that: a machine tag has [NoLanguage], a name [Undetermined].
	// An empty Term is the ID.
	Term, Language string
	// Short lists further spellings that mean exactly this concept within the
	// scheme, such as the bare value of a machine tag.
	Short []string
	// Labels are its words.
	Labels []Label
	// Source says who states the concept.
	Source string
	// Where is file:line.
	Where string
}

// Rank says how a word belongs to its concept, in the terms of SKOS labels.
type Rank uint8

// The ranks, in the order in which hits are listed.
const (
	// Preferred is the concept's own word in its language (skos:prefLabel).
	Preferred Rank = iota
	// Alternative is a further word, given to readers too (skos:altLabel):
	// the synonym of a galaxy.
	Alternative
	// Hidden is a word that is understood but never offered
	// (skos:hiddenLabel): what a national feed writes.
	Hidden
)

// Label is one word for a concept in one language.
type Label struct {
	// Text is the word as received.
	Text string
	// Language is a BCP 47 tag, [Undetermined] for names.
	Language string
	// Rank of the word.
	Rank Rank
	// Relation says how the concept stands to the word: a preferred label is
	// exact, a synonym given by another vendor is close.
	Relation Relation
	// Source says who states it.
	Source string
	// Where is file:line.
	Where string
}

// Ref names a concept from outside its file.
type Ref struct {
	Scheme, Version, List, ID string
	// Kind of the concept.
	Kind Kind
}

// Mapping is one published or derived statement that relates two concepts.
// Exact statements hold both ways; all others only from From to To, because a
// table of "broad" read backwards would claim what nobody said.
type Mapping struct {
	From Ref
	// To is the zero Ref except for Scheme and Version where Relation is None.
	To Ref
	// Relation says how To stands to From.
	Relation Relation
	// Source says who states it; Note what is lost.
	Source, Note string
	// Where is file:line.
	Where string
}
