package stix

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Sealed is a property's value that its origin encrypted: {"jwe": ..., "for":
// [...]} and no other member.
type Sealed struct {
	// JWE is what the readers among For can open (RFC 7516 §7.2.1).
	JWE jsontext.Value `json:"jwe"`
	// For lists, by key id, who may have it: its readers, and who carries it to
	// them. Empty if it is not a list of texts: then nobody may.
	For []string `json:"for"`
}

// maxFor bounds For.
const maxFor = 64

// SealedValue reads a value that its origin sealed; false for every other.
func SealedValue(value []byte) (Sealed, bool) {
	if len(value) == 0 || value[0] != '{' {
		return Sealed{}, false
	}
	if bytes.IndexByte(value, '\\') < 0 && !bytes.Contains(value, []byte(`"jwe"`)) {
		return Sealed{}, false // nearly every other: no need to decode it
	}
	var shape struct {
		JWE jsontext.Value `json:"jwe"`
		For jsontext.Value `json:"for"`
	}
	if err := json.Unmarshal(value, &shape, json.RejectUnknownMembers(true)); err != nil || shape.JWE == nil || shape.For == nil {
		return Sealed{}, false
	}
	s := Sealed{JWE: shape.JWE}
	if err := json.Unmarshal(shape.For, &s.For); err != nil || len(s.For) > maxFor {
		s.For = nil
	}
	return s, true
}

// isSealed reports whether a value is one that its origin sealed.
func isSealed(value []byte) bool {
	_, ok := SealedValue(value)
	return ok
}
