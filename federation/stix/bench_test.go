package stix

import (
	"strings"
	"testing"
)

// benchIndicator is a 1.3 KB indicator of the usual shape.
const benchIndicator = `{"type":"indicator","spec_version":"2.1","id":"indicator--6f7a2f2c-7a5e-4a3e-9d5c-0c5f6d1e2b3a",` +
	`"created_by_ref":"identity--0f2f4f6f-1b3b-4c5c-8d7d-9e9e0f0f1a1a","created":"2026-01-05T08:12:31.000Z",` +
	`"modified":"2026-01-05T08:12:31.000Z","labels":["Phishing","rsit:phishing"],"lang":"de","confidence":75,` +
	`"external_references":[{"source_name":"mitre-attack","external_id":"T1566"},` +
	`{"source_name":"cert.example","external_id":"DE-2026-004711","url":"https://cases.de.example/0a1b2c"}],` +
	`"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],` +
	`"name":"Phishing: kite-portal4711.example","description":"In den Protokollen mehrerer Teilnehmer am letzten Tag gesehen. ` +
	`Bitte am Resolver sperren und dreißig Tage rückwirkend suchen.","indicator_types":["malicious-activity"],` +
	`"pattern":"[domain-name:value = 'kite-portal4711.example']","pattern_type":"stix","pattern_version":"2.1",` +
	`"valid_from":"2026-01-05T08:12:31.000Z","valid_until":"2026-03-05T08:12:31.000Z",` +
	`"kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"initial-access"}],` +
	`"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension",` +
	`"origin":"DE","scheme":"de-vs","classification":"offen","personal_data":false,"retain_days":90,` +
	`"note":{"abstract":"Phishing","content":"Die Probe meldet sich alle zehn Minuten bei diesem Wert."}}}}`

func BenchmarkParse(b *testing.B) {
	raw := []byte(benchIndicator)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnits(b *testing.B) {
	o, err := Parse([]byte(benchIndicator))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(o.Units()) < 20 {
			b.Fatal("too few units")
		}
	}
}

func BenchmarkCategorize(b *testing.B) {
	o, err := Parse([]byte(benchIndicator))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(Categorize(o)) < 20 {
			b.Fatal("too few findings")
		}
	}
}

// BenchmarkDetectDense looks through a text that is all words and numbers of
// records: what a flood of them costs a byte.
func BenchmarkDetectDense(b *testing.B) {
	text := strings.Repeat("patient disease PESEL 44051401358, victim 198.51.100.7, tariff 12 EUR; ", 3000)
	o, err := Parse([]byte(indicator(`,"description":` + jsonText(text))))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if len(Categorize(o)) < 5 {
			b.Fatal("too few findings")
		}
	}
}
