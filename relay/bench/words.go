package bench

import (
	"fmt"
	"math/rand/v2"
)

// extension is our property extension for what STIX has no property for.
const extension = "extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"

// The marking-definitions of the Traffic Light Protocol, 2.0 as FIRST published
// them for STIX, 1.0 as STIX 2.1 §7.2.1.4 has them.
const (
	tlpClear  = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	tlpGreen  = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
	tlpAmber  = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	tlpStrict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
	tlpRed    = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
	tlp1White = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
	tlp1Green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	tlp1Amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
)

// whole is the mix of [Workload].
func whole() mix {
	return mix{
		markings: []choice[string]{{300, tlpGreen}, {230, tlpAmber}, {170, tlpClear}, {70, tlpStrict}, {30, tlpRed},
			{60, tlp1Amber}, {50, tlp1Green}, {30, tlp1White}, {60, ""}},
		classes:   []choice[int]{{70, 0}, {26, 1}, {4, 2}},
		residency: []choice[[]string]{{5, []string{"EU"}}, {2, []string{"EEA", "CH"}}, {2, nil}, {1, []string{"EU", "GB", "US"}}},
		senders:   senders(), kinds: kinds(), redNotes: true, victimNote: true,
	}
}

// flowing is the same mix without what the rules keep back between two member
// states: no marking, more than TLP:AMBER, classified, to be kept in the
// sender's country alone, personal.
func flowing() mix {
	m := mix{
		markings:  []choice[string]{{300, tlpGreen}, {230, tlpAmber}, {170, tlpClear}, {60, tlp1Amber}, {50, tlp1Green}, {30, tlp1White}},
		classes:   []choice[int]{{1, 0}},
		residency: []choice[[]string]{{5, []string{"EU"}}, {2, []string{"EEA", "CH"}}, {1, []string{"EU", "GB", "US"}}},
		kinds:     kinds()[:5],
	}
	for _, s := range senders() {
		if s.what.open {
			m.senders = append(m.senders, s)
		}
	}
	return m
}

// mixed is what flows, with victims in some notes: what several peers get under
// different terms differs.
func mixed() mix {
	m := flowing()
	m.victimNote = true
	return m
}

// sender is an organisation that indicators come from. It is made up.
type sender struct {
	country, name, scheme, lang string
	identity                    string
	words                       [3]string // not classified, and the first steps above
	open                        bool      // the first of words is none of a level
}

// senders are sixteen, the n-th with a weight of 1/n.
func senders() []choice[sender] {
	all := []sender{
		{country: "DE", name: "CERT Weidenau (sample)", scheme: "de-vs", lang: "de", words: [3]string{"OFFEN", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "VS-VERTRAULICH"}, open: true},
		{country: "FR", name: "CSIRT Beaulac (sample)", scheme: "fr-2021", lang: "fr", words: [3]string{"NON PROTÉGÉ", "DIFFUSION RESTREINTE", "SECRET"}, open: true},
		{country: "NL", name: "CSIRT Waterkant (sample)", scheme: "nl-national", lang: "nl", words: [3]string{"ONGERUBRICEERD", "DEPARTEMENTAAL VERTROUWELIJK", "STG. CONFIDENTIEEL"}, open: true},
		{country: "PL", name: "CERT Jezierna (sample)", scheme: "pl-national", lang: "pl", words: [3]string{"JAWNE", "ZASTRZEŻONE", "POUFNE"}, open: true},
		{country: "IT", name: "CSIRT Valchiara (sample)", scheme: "it-national", lang: "it", words: [3]string{"NON CLASSIFICATO", "RISERVATO", "RISERVATISSIMO"}, open: true},
		{country: "ES", name: "CSIRT Riosol (sample)", scheme: "es-national", lang: "es", words: [3]string{"SIN CLASIFICAR", "DIFUSIÓN LIMITADA", "CONFIDENCIAL"}, open: true},
		{country: "SE", name: "CERT Granvik (sample)", scheme: "se-national", words: [3]string{"ÖPPEN", "BEGRÄNSAT HEMLIG", "KONFIDENTIELL"}, open: true},
		{country: "FI", name: "CERT Koivuranta (sample)", scheme: "fi-national", lang: "fi", words: [3]string{"JULKINEN", "TL IV KÄYTTÖ RAJOITETTU", "TL III LUOTTAMUKSELLINEN"}, open: true},
		{country: "US", name: "ISAC Prairie (sample)", scheme: "us-eo13526", lang: "en", words: [3]string{"UNCLASSIFIED", "UNCLASSIFIED//FOUO", "CONFIDENTIAL"}, open: true},
		// OFFICIAL is the lowest tier of the British scheme, not a word for none.
		{country: "GB", name: "CSOC Harrowby (sample)", scheme: "gb-gscp", lang: "en", words: [3]string{"OFFICIAL", "OFFICIAL-SENSITIVE", "SECRET"}},
		{country: "JP", name: "CSIRT Minamino (sample)", scheme: "jp-government", lang: "ja", words: [3]string{"公開", "取扱注意", "秘"}, open: true},
		{country: "UA", name: "CERT Zorya (sample)", scheme: "ua-state-secrets", lang: "uk", words: [3]string{"ВІДКРИТА", "ДЛЯ СЛУЖБОВОГО КОРИСТУВАННЯ", "ТАЄМНО"}, open: true},
		{country: "RO", name: "CERT Brazilor (sample)", scheme: "ro-national", words: [3]string{"NECLASIFICAT", "SECRET DE SERVICIU", "SECRET"}, open: true},
		{country: "EE", name: "CERT Kaseranna (sample)", scheme: "ee-national", words: [3]string{"AVALIK", "PIIRATUD", "KONFIDENTSIAALNE"}, open: true},
		{country: "CH", name: "CERT Seewil (sample)", scheme: "ch-isg", lang: "de", words: [3]string{"NICHT KLASSIFIZIERT", "INTERN", "VERTRAULICH"}, open: true},
		{country: "GR", name: "CSIRT Pelagos (sample)", scheme: "gr-national", words: [3]string{"ΑΔΙΑΒΑΘΜΗΤΟ", "ΠΕΡΙΟΡΙΣΜΕΝΗΣ ΧΡΗΣΗΣ", "ΕΜΠΙΣΤΕΥΤΙΚΟ"}, open: true},
	}
	out := make([]choice[sender], len(all))
	for i, s := range all {
		s.identity = fmt.Sprintf("identity--1c0ffee0-0000-4000-8000-%012x", i+1)
		out[i] = choice[sender]{5040 / (i + 1), s}
	}
	return out
}

// languages are those in which a sender writes that does not write its own.
var languages = []choice[string]{{60, "en"}, {30, "de"}, {20, "fr"}, {15, "es"}, {12, "pl"}, {10, "it"}, {9, "nl"}, {8, "uk"}, {7, "ja"}, {6, "fi"}}

// kinds are what indicators are about, in percent; the last is that of addresses
// of e-mail, which law may take for data about persons.
func kinds() []choice[kind] {
	return []choice[kind]{{24, nameOf}, {24, ipv4Of}, {20, fileOf}, {19, urlOf}, {5, ipv6Of}, {8, mailOf}}
}

// kind makes the shown value and the pattern of an indicator.
type kind func(*rand.Rand) (shown, pattern string)

func nameOf(r *rand.Rand) (shown, pattern string) {
	v := host(r)
	return v, "[domain-name:value = '" + v + "']"
}

func ipv4Of(r *rand.Rand) (shown, pattern string) {
	v := fmt.Sprintf("198.%d.%d.%d", 18+r.IntN(2), r.IntN(256), 1+r.IntN(254)) // RFC 2544
	if chance(r, sharePort) {
		return v, fmt.Sprintf("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '%s' AND network-traffic:dst_port = %d]", v, pick(r, []int{53, 80, 443, 8080, 8443}))
	}
	return v, "[ipv4-addr:value = '" + v + "']"
}

func ipv6Of(r *rand.Rand) (shown, pattern string) {
	v := fmt.Sprintf("2001:db8:%x:%x::%x", 1+r.IntN(0xffff), 1+r.IntN(0xffff), 1+r.IntN(0xffff)) // RFC 3849
	return v, "[ipv6-addr:value = '" + v + "']"
}

func fileOf(r *rand.Rand) (shown, pattern string) {
	sum := fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
	if chance(r, shareMD5) {
		return sum[:16], fmt.Sprintf("[file:hashes.'SHA-256' = '%s' OR file:hashes.MD5 = '%016x%016x']", sum, r.Uint64(), r.Uint64())
	}
	return sum[:16], "[file:hashes.'SHA-256' = '" + sum + "']"
}

func urlOf(r *rand.Rand) (shown, pattern string) {
	v := fmt.Sprintf("https://%s/%s/%s.php?s=%016x", host(r), pick(r, places), pick(r, places), r.Uint64())
	return v, "[url:value = '" + v + "']"
}

func mailOf(r *rand.Rand) (shown, pattern string) {
	v := fmt.Sprintf("%s.%s@%s", pick(r, colours), pick(r, places), host(r))
	return v, "[email-addr:value = '" + v + "']"
}

func host(r *rand.Rand) string {
	return fmt.Sprintf("%s-%s%d.%s", pick(r, colours), pick(r, places), r.IntN(100_000), pick(r, domains))
}

// What invented names are made of; the domains are reserved (RFC 2606).
var (
	colours     = []string{"azure", "beige", "coral", "dusky", "ebony", "flint", "golden", "hazel", "indigo", "khaki", "lilac", "mauve"}
	places      = []string{"archive", "badge", "checkout", "depot", "express", "forms", "gateway", "hosting", "inbox", "journal", "kiosk", "ledger", "market", "notice"}
	domains     = []string{"example", "test", "invalid", "example.com", "example.net", "example.org"}
	victims     = []string{"erika.muster", "j.durand.exemple", "k.wzorowy", "p.esempio", "v.voorbeeldig", "sam.specimen", "l.muestra", "e.malli"}
	victimHosts = []string{"victim.example", "firma.example", "client.example.net", "office.example.org"}
)
