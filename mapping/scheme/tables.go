package scheme

import (
	"errors"
	"io/fs"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// Standing says what kind of word a label is in its scheme.
type Standing uint8

// The standings. The zero value is no standing at all.
const (
	Unknown      Standing = iota // with an error
	Classified                   // a level of the scheme, or a handling word treated as one
	Unclassified                 // the scheme's word for "not classified": no level
)

// Tables is everything loaded. It is immutable and safe for concurrent use.
type Tables struct{}

// Scheme describes one loaded scheme.
type Scheme struct {
	ID, Country, Authority string
	From, To               time.Time
	Verified, Accepted     bool
}

// Violation is a law that the loaded tables break.
type Violation struct {
	Law  string
	Text string
	Rows []string
}

// Load reads every scheme and table in fsys.
func Load(fsys fs.FS) (*Tables, error) { return nil, errors.New("scheme: loading is not built") }

// Accept returns tables in which the named unverified schemes, tables or rows
// count.
func (t *Tables) Accept(names ...string) (*Tables, error) {
	return nil, errors.New("scheme: loading is not built")
}

// Resolve finds label in the scheme; at is when the marking was made.
func (t *Tables) Resolve(schemeID, label string, at time.Time) (mapping.Level, Standing, error) {
	return mapping.Level{}, Unknown, &mapping.Fault{Cause: mapping.UnknownScheme, Law: "A8", What: schemeID, Text: "no scheme is loaded"}
}

// Map returns what level l is in the scheme, country or body named by to.
func (t *Tables) Map(l mapping.Level, to string, now time.Time) mapping.Outcome {
	return mapping.Outcome{Cause: mapping.UnknownScheme, From: l, Law: "A8"}
}

// Schemes lists the loaded schemes.
func (t *Tables) Schemes() []Scheme { return nil }

// SchemesOf lists the schemes of a country in force at a time.
func (t *Tables) SchemesOf(country string, at time.Time) []Scheme { return nil }

// Digest names this exact data and what of it was accepted.
func (t *Tables) Digest() string { return "" }

// NextChange returns the first moment after now at which an answer can change;
// zero if never.
func (t *Tables) NextChange(now time.Time) time.Time { return time.Time{} }

// Prove returns every law the loaded tables break.
func (t *Tables) Prove() []Violation { return nil }
