package translate

// Candidate is one possible translation, with what a reader needs to judge it.
type Candidate struct {
	// Term in the target language or vocabulary. Empty where Relation is None.
	Term string `json:"term"`
	// Language is the BCP 47 tag of Term: [Undetermined] for names,
	// [NoLanguage] for machine values.
	Language string `json:"language"`
	// List is the part of the scheme, such as malware-type-ov; empty where the
	// scheme has no parts.
	List string `json:"list,omitempty"`
	// Scheme and Version of the vocabulary Term belongs to.
	Scheme  string `json:"scheme"`
	Version string `json:"version"`
	// Relation says how Term stands to the word looked up.
	Relation Relation `json:"relation"`
	// Source says who states it.
	Source string `json:"source"`
	// Where is the file:line of the row it rests on.
	Where string `json:"-"`
}

// Lookup returns every candidate for a term of a kind towards a BCP 47 tag or
// the id of a loaded vocabulary; a vocabulary wins where both could be meant.
// It returns nil for an unknown term, an unknown target and a term that is no
// word (see [Key]). Use [Dictionary.Answer] to tell these apart.
//
// Order: words that are a concept's own name before synonyms, then the order
// of vocabularies, then exact before close, broad, narrow and none.
func (d *Dictionary) Lookup(term string, kind Kind, to string) []Candidate {
	return nil
}
