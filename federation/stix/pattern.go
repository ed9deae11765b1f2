package stix

import "github.com/entente-relay/entente/federation"

// Pattern is a parsed STIX pattern (STIX 2.1 §9).
type Pattern struct{ comparisons []Comparison }

// Comparison is one comparison expression of a pattern.
type Comparison struct {
	// ObjectType is the observable type, such as "ipv4-addr".
	ObjectType string
	// Path is the object path after the colon, such as "value" or
	// "hashes.'SHA-256'".
	Path string
	// Op is =, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET or
	// EXISTS.
	Op string
	// Negated says that NOT stands before it.
	Negated bool
	// Values are the constants: one, several for IN, none for EXISTS.
	Values []string
}

// ParsePattern reads a STIX pattern, bounded in size and depth.
func ParsePattern(s string) (*Pattern, error) {
	return nil, federation.Refuse(federation.Malformed, "pattern", "not read yet")
}

// Comparisons returns every comparison in the order written.
func (p *Pattern) Comparisons() []Comparison { return p.comparisons }

// Simple returns the comparisons of a pattern that a plain list can stand for,
// or an error that says why it cannot.
func (p *Pattern) Simple() ([]Comparison, error) {
	return nil, federation.Refuse(federation.Unsupported, "pattern", "not read yet")
}
