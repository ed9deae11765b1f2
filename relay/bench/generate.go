package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// Generate makes n STIX indicators in the mix that CERTs really exchange:
// names, addresses, hashes and URLs; TLP:CLEAR, GREEN and AMBER; national
// words for "not classified"; a residency list here, a note with a contact
// there. The same seed gives the same objects. Every value is from the ranges
// and names reserved for documentation.
func Generate(n int, seed uint64, now time.Time) [][]byte {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	out := make([][]byte, n)
	for i := range out {
		out[i] = one(r, now)
	}
	return out
}

var markings = []string{
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", // TLP:CLEAR
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", // TLP:GREEN
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", // TLP:AMBER
}

var origins = []struct{ country, scheme, word string }{
	{"DE", "de-vs", "OFFEN"}, {"FR", "fr-2021", "NON PROTÉGÉ"}, {"PL", "pl-national", "JAWNE"}, {"NL", "nl-national", "ONGERUBRICEERD"},
}

const extension = "extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"

func one(r *rand.Rand, now time.Time) []byte {
	at := now.Add(-time.Duration(r.IntN(48)) * time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
	from := origins[r.IntN(len(origins))]
	value, pattern := indicator(r)
	h := map[string]any{"extension_type": "property-extension", "origin": from.country, "scheme": from.scheme,
		"classification": from.word, "personal_data": false, "retain_days": 90}
	if r.IntN(5) == 0 {
		h["residency"] = []string{"EU"}
	}
	if r.IntN(2) == 0 {
		h["note"] = map[string]any{"abstract": "Observation", "content": "Seen by several members during the last day; block and look back thirty days."}
	}
	o := map[string]any{
		"type": "indicator", "spec_version": "2.1", "id": "indicator--" + uuid4(r), "created": at, "modified": at,
		"created_by_ref": "identity--1c0ffee0-0000-4000-8000-00000000d0e5", "lang": "en", "labels": []string{"phishing"},
		"confidence": 5 * r.IntN(21), "name": "Phishing: " + value,
		"description":     "The sample contacts this value every ten minutes and falls back to a second one. Confidence is medium: a single sensor.",
		"indicator_types": []string{"malicious-activity"}, "pattern": pattern, "pattern_type": "stix", "pattern_version": "2.1", "valid_from": at,
		"kill_chain_phases":   []map[string]string{{"kill_chain_name": "mitre-attack", "phase_name": "initial-access"}},
		"external_references": []map[string]string{{"source_name": "mitre-attack", "external_id": "T1566"}},
		"object_marking_refs": []string{markings[r.IntN(len(markings))]},
		"extensions":          map[string]any{extension: h},
	}
	raw, err := json.Marshal(o)
	if err != nil {
		panic("bench: a generated object cannot be encoded: " + err.Error()) // maps of strings and numbers always can
	}
	return raw
}

func indicator(r *rand.Rand) (value, pattern string) {
	switch r.IntN(4) {
	case 0:
		value = fmt.Sprintf("198.%d.%d.%d", 18+r.IntN(2), r.IntN(256), 1+r.IntN(254))
		return value, "[ipv4-addr:value = '" + value + "']"
	case 1:
		value = fmt.Sprintf("https://host-%d.example/login/%d.php", r.IntN(1e6), r.IntN(1e6))
		return value, "[url:value = '" + value + "']"
	case 2:
		sum := fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		return sum[:16], "[file:hashes.'SHA-256' = '" + sum + "']"
	default:
		value = fmt.Sprintf("host-%d.example", r.IntN(1e9))
		return value, "[domain-name:value = '" + value + "']"
	}
}

func uuid4(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
