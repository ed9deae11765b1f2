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
	// Path, Original and Language are those of the [Term].
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
// The error is that of [Dictionary.Target].
func (d *Dictionary) Annotate(terms []Term, to string) ([]Annotation, error) {
	target, err := d.Target(to)
	if err != nil {
		return nil, err
	}
	out := make([]Annotation, len(terms))
	for i, t := range terms {
		out[i] = Annotation{Path: t.Path, Original: t.Text, Language: t.Language, Kind: t.Kind, Candidates: d.Find(t.Text, t.Kind, target)}
		if out[i].Candidates == nil {
			out[i].Candidates = []Candidate{}
		}
	}
	return out, nil
}
