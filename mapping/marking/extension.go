package marking

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// extension is a marking scheme that is recognised by its STIX extension: what of
// it is not understood is named and left to a person.
type extension struct {
	name  string
	title []string // paths of the properties that name one marking of the scheme
}

// knownExtensions are the marking extensions published by OASIS
// (cti-stix-common-objects, extension-definition-specifications).
var knownExtensions = map[string]extension{
	extensionIEP: {"FIRST IEP 2.0 policy", []string{"iep_id", "tlp", "permitted_actions"}},
	extensionACS: {"ACS 3.0 marking", []string{"identifier", "control_set.classification", "policy_reference"}},
	extensionCUI: {"US CUI marking", []string{"control", "name"}},
}

// maxShown bounds what of a marking's own text is repeated in an error.
const maxShown = 120

// describe names the scheme and, as far as they can be read, the properties
// that tell one of its markings from another.
func (e extension) describe(raw jsontext.Value) string {
	var found []string
	for _, path := range e.title {
		if s, ok := lookup(raw, path); ok {
			found = append(found, fmt.Sprintf("%s %q", path, shorten(s)))
		}
	}
	if len(found) == 0 {
		return e.name
	}
	return e.name + " (" + strings.Join(found, ", ") + ")"
}

// lookup follows a dotted path of object names to a text.
func lookup(v jsontext.Value, path string) (string, bool) {
	for name := range strings.SplitSeq(path, ".") {
		var m map[string]jsontext.Value
		if json.Unmarshal(v, &m) != nil {
			return "", false
		}
		v = m[name]
	}
	return text(v)
}

// shorten cuts s to maxShown bytes at a character boundary.
func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := strings.ToValidUTF8(s[:maxShown], "")
	return cut + "…"
}
