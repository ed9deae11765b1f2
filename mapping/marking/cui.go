package marking

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/mapping"
)

// extensionCUI carries a marking of Controlled Unclassified Information in STIX
// 2.1 (OASIS cti-stix-common-objects, cui-marking-definition-dff, 2023-03-04).
const extensionCUI = "extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a"

// readCUI reads a CUI marking: the control marking is a level of the scheme
// us-cui, categories and limited dissemination controls stand beside it, and
// statements are carried.
func readCUI(id string, raw jsontext.Value) (Said, error) {
	refuse := func(format string, args ...any) (Said, error) {
		what := knownExtensions[extensionCUI].describe(raw) + ": " + fmt.Sprintf(format, args...)
		return Said{}, unknown(id, what+"; understood: no", "a person must read it")
	}
	var entry map[string]jsontext.Value
	if json.Unmarshal(raw, &entry) != nil {
		return refuse("it is no object")
	}
	control, _ := text(entry["control"])
	if control != "CUI" && control != "CONTROLLED" {
		return refuse("its control is neither CUI nor CONTROLLED")
	}
	if by, _ := text(entry["designator_ref"]); !strings.HasPrefix(by, "identity--") {
		return refuse("its designator_ref names no identity")
	}
	w := Words{Scheme: schemeCUI, Level: control}
	var h mapping.Handling
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		list, ok := texts(entry[name])
		if !ok {
			return refuse("its %s is no text or list of texts", shorten(name))
		}
		switch name {
		case "control", "designator_ref":
		case "extension_type":
			if list[0] != "property-extension" {
				return refuse("its extension_type is not property-extension")
			}
		case "categories", "disseminations":
			w.Beside = append(w.Beside, list...)
		case "required_statements", "supplemental_administrative":
			h = mapping.Join(h, mapping.Handling{Statements: list})
		default:
			return refuse("its property %s is not one of the CUI marking", shorten(name))
		}
	}
	return Said{Handling: h, Words: []Words{w}}, nil
}
