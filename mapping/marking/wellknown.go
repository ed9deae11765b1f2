package marking

import (
	"fmt"
	"strings"

	"github.com/entente-relay/entente/mapping"
)

const (
	idPrefix = "marking-definition--"

	// extensionTLP2 and extensionPAP carry TLP 2.0 and PAP in STIX 2.1
	// (OASIS cti-stix-common-objects, extension-definition-specifications).
	extensionTLP2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
	extensionPAP  = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
)

// form is the way a published marking-definition carries its label.
type form uint8

const (
	formTLP1 form = iota // definition_type "tlp" (STIX 2.1 §7.2.1.4)
	formTLP2             // extension with property tlp_2_0
	formPAP              // extension with property pap
)

// published is one marking-definition with an identifier fixed by its
// publication.
type published struct {
	uuid    string
	form    form
	value   string // as in the definition, lower case
	name    string
	created string
	tlp     mapping.TLP
	pap     mapping.PAP
}

// list is every published identifier we know: TLP 1.0 from STIX 2.1
// §7.2.1.4; TLP 2.0 and PAP from the OASIS common objects. PAP:WHITE is the
// former name of PAP:CLEAR.
var list = [...]published{
	{"613f2e26-407d-48c7-9eca-b8e91df99dc9", formTLP1, "white", "TLP:WHITE", "2017-01-20T00:00:00.000Z", mapping.TLPClear, 0},
	{"34098fce-860f-48ae-8e50-ebd3cc5e41da", formTLP1, "green", "TLP:GREEN", "2017-01-20T00:00:00.000Z", mapping.TLPGreen, 0},
	{"f88d31f6-486f-44da-b317-01333bde0b82", formTLP1, "amber", "TLP:AMBER", "2017-01-20T00:00:00.000Z", mapping.TLPAmber, 0},
	{"5e57c739-391a-4eb3-b6be-7d15ca92d5ed", formTLP1, "red", "TLP:RED", "2017-01-20T00:00:00.000Z", mapping.TLPRed, 0},

	{"94868c89-83c2-464b-929b-a1a8aa3c8487", formTLP2, "clear", "TLP:CLEAR", "2022-10-01T00:00:00.000Z", mapping.TLPClear, 0},
	{"bab4a63c-aed9-4cf5-a766-dfca5abac2bb", formTLP2, "green", "TLP:GREEN", "2022-10-01T00:00:00.000Z", mapping.TLPGreen, 0},
	{"55d920b0-5e8b-4f79-9ee9-91f868d9b421", formTLP2, "amber", "TLP:AMBER", "2022-10-01T00:00:00.000Z", mapping.TLPAmber, 0},
	{"939a9414-2ddd-4d32-a0cd-375ea402b003", formTLP2, "amber+strict", "TLP:AMBER+STRICT", "2022-10-01T00:00:00.000Z", mapping.TLPAmberStrict, 0},
	{"e828b379-4e03-4974-9ac4-e53a884c97c1", formTLP2, "red", "TLP:RED", "2022-10-01T00:00:00.000Z", mapping.TLPRed, 0},

	{"ad15a0cd-55b6-4588-a14c-a66105329b92", formPAP, "clear", "PAP:CLEAR", "2022-10-01T00:00:00.000Z", 0, mapping.PAPClear},
	{"c43594d1-4b11-4c59-93ab-1c9b14d53ce9", formPAP, "green", "PAP:GREEN", "2022-10-09T00:00:00.000Z", 0, mapping.PAPGreen},
	{"60f8932b-e51e-4458-b265-a2e8be9a80ab", formPAP, "amber", "PAP:AMBER", "2022-10-02T00:00:00.000Z", 0, mapping.PAPAmber},
	{"740d36e5-7714-4c30-961a-3ae632ceee0e", formPAP, "red", "PAP:RED", "2022-10-06T00:00:00.000Z", 0, mapping.PAPRed},
	{"a3bea94c-b469-41dc-9cfe-d6e7daba7730", formPAP, "white", "PAP:WHITE", "2022-10-01T00:00:00.000Z", 0, mapping.PAPClear},
}

// find returns the published definition with exactly this identifier.
func find(id string) (*published, bool) {
	uuid, ok := strings.CutPrefix(id, idPrefix)
	if !ok {
		return nil, false
	}
	for i := range list {
		if list[i].uuid == uuid {
			return &list[i], true
		}
	}
	return nil, false
}

// handling is what the published marking means.
func (p *published) handling() mapping.Handling {
	return mapping.Handling{TLP: p.tlp, PAP: p.pap, TLPVersion1: p.form == formTLP1}
}

// WellKnown returns the handling of a published STIX marking-definition: TLP
// 1.0, TLP 2.0 and PAP. Identifiers are compared exactly, capital letters
// included: several wrong ones are in use in the wild, and a node that guessed
// would leak (trap T5).
func WellKnown(id string) (mapping.Handling, bool) {
	p, ok := find(id)
	if !ok {
		return mapping.Handling{}, false
	}
	return p.handling(), true
}

// WellKnownIDs returns every identifier that WellKnown knows, TLP 1.0 first.
func WellKnownIDs() []string {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = idPrefix + p.uuid
	}
	return ids
}

// TLPObject returns the identifier of the TLP 2.0 marking-definition of t, for
// a node that marks what came without a marking.
func TLPObject(t mapping.TLP) (id string, ok bool) {
	for _, p := range list {
		if p.form == formTLP2 && p.tlp == t {
			return idPrefix + p.uuid, true
		}
	}
	return "", false
}

// WellKnownObject returns the published marking-definition of id as JSON, so
// that a message can carry what its objects refer to.
func WellKnownObject(id string) ([]byte, bool) {
	p, ok := find(id)
	if !ok {
		return nil, false
	}
	head := fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":%q,"created":%q,"name":%q,`, id, p.created, p.name)
	switch p.form {
	case formTLP1:
		return fmt.Appendf(nil, `%s"definition_type":"tlp","definition":{"tlp":%q}}`, head, p.value), true
	case formTLP2:
		return fmt.Appendf(nil, `%s"extensions":{%q:{"extension_type":"property-extension","tlp_2_0":%q}}}`, head, extensionTLP2, p.value), true
	default:
		return fmt.Appendf(nil, `%s"extensions":{%q:{"extension_type":"property-extension","pap":%q}}}`, head, extensionPAP, p.value), true
	}
}
