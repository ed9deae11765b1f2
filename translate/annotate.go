package translate

// Term is a word that stands as the whole value of a typed property: a label,
// an indicator type, a malware name, a phase. Running text is not a Term.
type Term struct {
	// Path is the property it was taken from, a STIX selector.
	Path string
	// Text is the word as received.
	Text string
	// Language is what the object claims; empty means the claim is absent.
	Language string
	// Kind of the word, which follows from the property.
	Kind Kind
}

// Annotation stands beside a word and says what a reader may call it.
type Annotation struct {
	Path     string `json:"path"`
	Original string `json:"original"`
	Language string `json:"language,omitempty"`
	Kind     Kind   `json:"kind"`
	// Candidates is empty where the word is unknown: it passes through, and
	// the caller counts it.
	Candidates []Candidate `json:"candidates"`
}

// Annotate looks up each term for a reader of language to and returns one
// annotation a term, in their order. Original is byte for byte what came in.
func (d *Dictionary) Annotate(terms []Term, to string) []Annotation {
	return nil
}
