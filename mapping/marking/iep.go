package marking

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/mapping"
)

// extensionIEP2 is FIRST IEP 2.0 as a STIX marking (OASIS
// cti-stix-common-objects, STIX 2.1 IEP2.0 marking definition).
const extensionIEP2 = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

// What an IEP 2.0 policy asks of a recipient beyond TLP and PAP, as contract
// terms: an agreement has to name a term before anything bound by it goes.
const (
	iepEncrypt        = "iep2-encrypt-in-transit"
	iepNoNotification = "iep2-no-notification"
	iepNoAttribution  = "iep2-no-attribution"
	iepNoResale       = "iep2-no-resale"
)

// iepDuties are the fields whose value is a word, and what each word means. A
// word that is not here is not understood: "none" and "contact-for-instruction"
// ask to call the provider first, which people do. The TLP of IEP 2.0 is that
// of TLP 1.0; of the permitted actions each gives the PAP that allows no more.
var iepDuties = map[string]map[string]mapping.Handling{
	"tlp": {
		"white": {TLP: mapping.TLPClear, TLPVersion1: true}, "green": {TLP: mapping.TLPGreen, TLPVersion1: true},
		"amber": {TLP: mapping.TLPAmber, TLPVersion1: true}, "red": {TLP: mapping.TLPRed, TLPVersion1: true},
	},
	"permitted_actions": {
		"internally-visible-actions":          {PAP: mapping.PAPRed},
		"externally-visible-indirect-actions": {PAP: mapping.PAPAmber},
		"externally-visible-direct-actions":   {PAP: mapping.PAPGreen},
	},
	"encrypt_in_transit":           {"may": {}, "must": {Contracts: []string{iepEncrypt}}},
	"affected_party_notifications": {"may": {}, "must-not": {Contracts: []string{iepNoNotification}}},
	// What goes on carries its issuer's signature, so it is always attributed.
	"provider_attribution": {"may": {}, "must": {}, "must-not": {Contracts: []string{iepNoAttribution}}},
	"unmodified_resale":    {"may": {}, "must-not": {Contracts: []string{iepNoResale}}},
}

// iepNames are the fields that bind nobody. An external reference may point at
// terms of use, so it is not among them.
var iepNames = []string{"extension_type", "iep_id", "iep_version", "name", "description"}

// readIEP reads an IEP 2.0 policy. Every field that binds is enforced, or the
// policy is not understood and the fault names the field: also where one that
// should be there is missing, because what a silent policy means is disputed.
func readIEP(id string, raw jsontext.Value) (mapping.Handling, error) {
	var fields map[string]jsontext.Value
	no := func(format string, args ...any) (mapping.Handling, error) {
		about := knownExtensions[extensionIEP2].describe(raw)
		return mapping.Handling{}, unknown(id, about+": "+fmt.Sprintf(format, args...), "a person must read it")
	}
	if json.Unmarshal(raw, &fields) != nil {
		return no("it is no object")
	}
	if kind, _ := text(fields["extension_type"]); kind != "property-extension" {
		return no("its extension_type is not property-extension")
	}
	if v := string(fields["iep_version"]); v != "2.0" && v != "2" && v != `"2.0"` {
		return no("its iep_version is %q, not 2.0", shorten(v))
	}
	var h mapping.Handling
	for _, name := range slices.Sorted(maps.Keys(iepDuties)) {
		said, ok := text(fields[name])
		if !ok {
			return no("it does not state %s", name)
		}
		means, ok := iepDuties[name][said]
		if !ok {
			return no("%s %q; understood: no", name, shorten(said))
		}
		h = mapping.Join(h, means)
	}
	var ok bool
	if h.NotBefore, ok = iepDate(fields["start_date"]); !ok {
		return no("its start_date is not a time")
	}
	if h.NotAfter, ok = iepDate(fields["end_date"]); !ok {
		return no("its end_date is not a time")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if iepDuties[name] == nil && !slices.Contains(iepNames, name) && name != "start_date" && name != "end_date" {
			return no("the field %q; understood: no", shorten(name))
		}
	}
	return h, nil
}

// iepDate reads a time; absent and null are no limit.
func iepDate(v jsontext.Value) (time.Time, bool) {
	if len(v) == 0 || v.Kind() == 'n' {
		return time.Time{}, true
	}
	s, ok := text(v)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, s)
	return at.UTC(), err == nil && !at.IsZero()
}
