package stix

import (
	"bytes"

	_ "embed" // the definition ships in the program
)

//go:embed handling_extension.json
var handlingDefinition []byte

// HandlingDefinition returns the extension-definition (STIX 2.1 §7.3) of our
// handling extension, whose schema property is a JSON schema of its keys, so
// that a node can hand it to a reader who asks what they mean.
func HandlingDefinition() []byte { return bytes.Clone(handlingDefinition) }
