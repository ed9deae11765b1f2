package marking

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/entente-relay/entente/mapping"
)

// extensionIEP carries a FIRST IEP 2.0 policy in STIX 2.1 (OASIS
// cti-stix-common-objects, extension-definition-specifications).
const extensionIEP = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

// iepFields are the fields of a FIRST IEP 2.0 policy whose values are a closed
// list, with what each value means here. An obligation of the recipient is a
// contract term: it binds whoever the terms with the peer do not name it for.
var iepFields = map[string]map[string]mapping.Handling{
	// IEP speaks TLP 1.0: there is neither AMBER+STRICT nor CLEAR.
	"tlp": {
		"white": {TLP: mapping.TLPClear, TLPVersion1: true}, "green": {TLP: mapping.TLPGreen, TLPVersion1: true},
		"amber": {TLP: mapping.TLPAmber, TLPVersion1: true}, "red": {TLP: mapping.TLPRed, TLPVersion1: true},
	},
	// The PAP that allows no more than the policy does. None reads as "ask the
	// provider" in one text and as "do not act" in the other: both count.
	"permitted_actions": {
		"none":                                {PAP: mapping.PAPRed, Contracts: []string{iepContactFirst}},
		"contact-for-instruction":             {PAP: mapping.PAPRed, Contracts: []string{iepContactFirst}},
		"internally-visible-actions":          {PAP: mapping.PAPRed},
		"externally-visible-indirect-actions": {PAP: mapping.PAPAmber},
		"externally-visible-direct-actions":   {PAP: mapping.PAPGreen},
	},
	"encrypt_in_transit":           {"may": {}, "must": {Contracts: []string{"iep2-encrypt-in-transit"}}},
	"affected_party_notifications": {"may": {}, "must-not": {Contracts: []string{"iep2-no-notification"}}},
	"provider_attribution": {"may": {}, "must": {Contracts: []string{IEPAttribution}},
		"must-not": {Contracts: []string{IEPNoAttribution}}},
	"unmodified_resale": {"may": {}, "must-not": {Contracts: []string{"iep2-no-resale"}}},
}

// iepContactFirst binds a recipient to ask the provider before it acts.
const iepContactFirst = "iep2-contact-first"

// Contract terms of which one object can meet only one.
const (
	IEPAttribution   = "iep2-attribution"
	IEPNoAttribution = "iep2-no-attribution"
)

// readIEP reads a FIRST IEP 2.0 policy. Each field has to be there and
// understood, for an obligation that is skipped is one that is broken; what only
// people can apply (a licence to look up) is carried as a statement.
func readIEP(id string, raw jsontext.Value) (Said, error) {
	var entry map[string]jsontext.Value
	problem := "it is no object"
	var h mapping.Handling
	if json.Unmarshal(raw, &entry) == nil {
		h, problem = iepPolicyOf(entry)
	}
	if problem != "" {
		what := knownExtensions[extensionIEP].describe(raw) + ": " + problem
		return Said{}, unknown(id, what+"; understood: no", "a person must read it")
	}
	return Said{Handling: h}, nil
}

// iepPolicyOf reads the fields of a policy.
func iepPolicyOf(entry map[string]jsontext.Value) (h mapping.Handling, problem string) {
	for _, name := range slices.Sorted(maps.Keys(iepFields)) {
		value, ok := text(entry[name])
		meaning, known := iepFields[name][value]
		if !ok || !known {
			return mapping.Handling{}, fmt.Sprintf("its %s is not one of %v", name, slices.Sorted(maps.Keys(iepFields[name])))
		}
		h = mapping.Join(h, meaning)
	}
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		if _, done := iepFields[name]; done {
			continue
		}
		part, problem := iepField(name, entry[name])
		if problem != "" {
			return mapping.Handling{}, problem
		}
		h = mapping.Join(h, part)
	}
	for _, name := range [...]string{"extension_type", "iep_id", "iep_version", "start_date"} {
		if _, ok := entry[name]; !ok {
			return mapping.Handling{}, "it has no " + name
		}
	}
	return h, ""
}

// iepField reads a field whose values are no closed list.
func iepField(name string, v jsontext.Value) (h mapping.Handling, problem string) {
	switch name {
	case "extension_type":
		if kind, _ := text(v); kind != "property-extension" {
			return h, "its extension_type is not property-extension"
		}
	case "iep_version":
		if s, _ := text(v); s != "2.0" && string(v) != "2.0" && string(v) != "2" {
			return h, "its iep_version is not 2.0"
		}
	case "iep_id":
		// The policy's identifier is a UUID, version 4 or 5 (FIRST IEP 2.0, id).
		s, _ := text(v)
		if id, err := uuid.Parse(s); err != nil || len(s) != len(uuid.Nil.String()) || id.Version() != 4 && id.Version() != 5 {
			return h, "its iep_id is no UUID of version 4 or 5"
		}
	case "name", "description":
		if _, ok := text(v); !ok {
			return h, "its " + name + " is no text"
		}
	case "start_date", "end_date":
		if name == "end_date" && v.Kind() == 'n' {
			return h, "" // no end
		}
		s, _ := text(v)
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return h, "its " + name + " is no RFC 3339 time"
		}
		if name == "start_date" {
			h.NotBefore = at.UTC()
		} else {
			h.NotAfter = at.UTC()
		}
	case "external_reference", "external_references":
		h.Statements = []string{"FIRST IEP 2.0: see " + shorten(string(v))}
	default:
		return h, "its field " + shorten(name) + " is not one of FIRST IEP 2.0"
	}
	return h, ""
}
