package marking

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/mapping"
)

// extensionACS carries a marking of the Access Control Specification 3.0 in
// STIX 2.1 (OASIS cti-stix-common-objects, acs-marking-definition-3a6).
const extensionACS = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"

// acsCodes are the closed lists of ACS 3.0, by property of a control set, with
// what each code means here. The codes count: one public list of them expands C
// as "Classified" and seems to swap PR and TEI (trap T18). What limits the kind
// of organisation or person is for people: a country says nothing of it.
var acsCodes = map[string]map[string]Said{
	"classification": {"U": words(schemeUS, "U"), "C": words(schemeUS, "C"), "S": words(schemeUS, "S"), "TS": words(schemeUS, "TS")},
	"formal_determination": {
		"AIS": {}, "PUBREL": {}, "NO-PII-PRESENT": {}, "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT": {},
		"NF": words(schemeUS, "", "NF"), "FOUO": words(schemeUS, "FOUO"), "PII-NECESSARY-TO-UNDERSTAND-THREAT": personal,
	},
	"caveat": {"FISA": words(schemeUS, "", "FISA"), "POSSIBLEPII": personal, "CISAPROPRIETARY": person("CISA PROPRIETARY")},
	"sensitivity": {
		"NTOC_DHS_ECYBER_SVC_SHARE.NSA.NSA": person("ACS SENSITIVITY NTOC_DHS_ECYBER_SVC_SHARE.NSA.NSA"),
		"PCII":                              person("ACS SENSITIVITY PCII"), "LES": person("ACS SENSITIVITY LES"), "INT": person("ACS SENSITIVITY INT"),
		"PII": personal, "PR": person("ACS SENSITIVITY PR"), "TEI": person("ACS SENSITIVITY TEI"),
	},
	"shareability":     persons("ACS SHAREABILITY ", "NCC EM LE IC USA.USG SECTOR FOREIGNGOV"),
	"entity":           persons("ACS ENTITY ", "MIL GOV CTR SVR SVC DEV NET"),
	"privilege_action": persons("ACS PRIVILEGE ", "DSPLY IDSRC TENOT NETDEF LEGAL INTEL TEARLINE OPACTION REQUEST ANONYMOUSACCESS CISAUSES"),
}

func persons(prefix, codes string) map[string]Said {
	out := map[string]Said{}
	for _, code := range strings.Fields(codes) {
		out[code] = person(prefix + code)
	}
	return out
}

// acsPolicy is the policy reference: what is done where no entry says so. The
// two defaults differ from marking to marking, so a missing entry has no fixed
// meaning without it.
var acsPolicy = regexp.MustCompile(`^urn:isa:policy:acs:ns:v3\.0\?privdefault=(permit|deny)&sharedefault=(permit|deny)$`)

// acsTold are the properties that tell who marked and when, and limit nothing.
// declassification is a promise of the future: nothing is lowered by it (trap
// T20).
var acsTold = []string{"identifier", "name", "create_date_time", "responsible_entity_custodian", "responsible_entity_originator",
	"authority_reference", "original_classification", "derivative_classification", "declassification", "public_release"}

// readACS reads an ACS 3.0 marking. Each property has to be understood; what
// only people can apply becomes a caveat.
func readACS(id string, raw jsontext.Value) (Said, error) {
	refuse := func(format string, args ...any) (Said, error) {
		what := knownExtensions[extensionACS].describe(raw) + ": " + fmt.Sprintf(format, args...)
		return Said{}, unknown(id, what+"; understood: no", "a person must read it")
	}
	var entry map[string]jsontext.Value
	if json.Unmarshal(raw, &entry) != nil {
		return refuse("it is no object")
	}
	for _, name := range [...]string{"extension_type", "identifier", "create_date_time", "responsible_entity_custodian", "policy_reference", "control_set"} {
		if _, ok := entry[name]; !ok {
			return refuse("it has no %s", name)
		}
	}
	var said Said
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		part, problem := acsProperty(name, entry)
		if problem != "" {
			return refuse("%s", problem)
		}
		said = said.and(part)
	}
	return said, nil
}

// acsProperty reads one property of the extension.
func acsProperty(name string, entry map[string]jsontext.Value) (s Said, problem string) {
	switch name {
	case "extension_type":
		if kind, _ := text(entry[name]); kind != "property-extension" {
			return s, "its extension_type is not property-extension"
		}
	case "policy_reference":
		return acsDefaults(entry)
	case "access_privilege", "further_sharing":
		// read with the defaults, beside which alone they have a meaning
	case "control_set":
		return acsControls(entry[name])
	case "resource_disposition":
		at, ok := lookup(entry[name], "disposition_date")
		day, err := time.Parse(time.RFC3339Nano, at)
		if !ok || err != nil {
			return s, "its resource_disposition has no time"
		}
		s.Handling.NotAfter = day.UTC()
	default:
		if !slices.Contains(acsTold, name) {
			return s, "its property " + shorten(name) + " is not one of ACS 3.0"
		}
	}
	return s, ""
}

// acsDefaults reads the two defaults with the entries that they are defaults
// for. Sharing that is denied without an entry reaches nobody; any entry, and
// any privilege that is not free, is for people to apply.
func acsDefaults(entry map[string]jsontext.Value) (s Said, problem string) {
	ref, _ := text(entry["policy_reference"])
	m := acsPolicy.FindStringSubmatch(ref)
	if m == nil {
		return s, "its policy_reference does not state the two defaults of ACS 3.0"
	}
	_, privileges := entry["access_privilege"]
	_, sharing := entry["further_sharing"]
	if m[1] == "deny" || privileges {
		s = s.and(person("ACS ACCESS PRIVILEGES"))
	}
	switch {
	case sharing:
		s = s.and(person("ACS FURTHER SHARING"))
	case m[2] == "deny":
		s.Handling.Releasable = mapping.SetOf()
	}
	return s, ""
}

// acsControls reads the control set.
func acsControls(v jsontext.Value) (s Said, problem string) {
	var set map[string]jsontext.Value
	if json.Unmarshal(v, &set) != nil {
		return s, "its control_set is no object"
	}
	if _, ok := set["classification"]; !ok {
		return s, "its control_set has no classification"
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		list, ok := texts(set[name])
		if !ok {
			return s, "its control_set." + shorten(name) + " is no list of texts"
		}
		part, problem := acsControl(name, list)
		if problem != "" {
			return s, problem
		}
		s = s.and(part)
	}
	return s, ""
}

// acsControl reads one property of the control set.
func acsControl(name string, list []string) (s Said, problem string) {
	switch name {
	case "permitted_nationalities":
		return words(schemeUS, "", "REL TO "+strings.Join(list, ", ")), ""
	case "sci_controls":
		return words(schemeUS, "", list...), ""
	case "permitted_organizations", "logical_authority_category":
		for _, one := range list {
			s = s.and(person("ACS " + strings.ToUpper(strings.ReplaceAll(name, "_", " ")) + " " + shorten(one)))
		}
		return s, ""
	}
	codes, ok := acsCodes[name]
	if !ok || name == "privilege_action" {
		return s, "its control_set." + shorten(name) + " is not one of ACS 3.0"
	}
	for _, code := range list {
		part, ok := codes[code]
		if !ok {
			return s, fmt.Sprintf("its control_set.%s %q is not one of ACS 3.0", name, shorten(code))
		}
		s = s.and(part)
	}
	return s, ""
}

// texts returns a text, or a list of at least one, as a list.
func texts(v jsontext.Value) ([]string, bool) {
	if one, ok := text(v); ok {
		return []string{one}, true
	}
	var list []string
	if v.Kind() != '[' || json.Unmarshal(v, &list) != nil || len(list) == 0 {
		return nil, false
	}
	return list, true
}
