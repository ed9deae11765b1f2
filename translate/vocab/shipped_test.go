package vocab_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/translate"
)

// TestRSITIsComplete holds the shipped labels to what RSIT 1003 has: 11
// classes and 39 types, each with a label in four languages.
func TestRSITIsComplete(t *testing.T) {
	d := shipped(t)
	types := []string{
		"spam", "harmful-speech", "violence", "infected-system", "c2-server", "malware-distribution", "malware-configuration", "scanner",
		"sniffing", "social-engineering", "ids-alert", "brute-force", "exploit", "privileged-account-compromise",
		"unprivileged-account-compromise", "application-compromise", "system-compromise", "burglary", "dos", "ddos", "misconfiguration",
		"sabotage", "outage", "unauthorised-information-access", "unauthorised-information-modification", "data-loss", "data-leak",
		"unauthorised-use-of-resources", "copyright", "masquerade", "phishing", "weak-crypto", "ddos-amplifier",
		"potentially-unwanted-accessible", "information-disclosure", "vulnerable-system", "undetermined",
	}
	classes := []string{
		"abusive-content", "malicious-code", "information-gathering", "intrusion-attempts", "intrusions", "availability",
		"information-content-security", "fraud", "vulnerable", "other", "test",
	}
	words := append(slices.Clone(classes), types...)
	words = append(words, `other="other"`, `test="test"`)
	if len(words) != 11+39 {
		t.Fatalf("%d words", len(words))
	}
	for _, w := range words {
		for _, lang := range []string{"en", "de", "pl", "ja"} {
			cs := d.Lookup("rsit:"+w, translate.Incident, lang)
			if len(cs) != 1 || cs[0].Scheme != "rsit" || cs[0].Version != "1003" || cs[0].Relation != translate.Exact || cs[0].Language != lang || cs[0].Source == "" {
				t.Errorf("rsit:%s to %s: %+v", w, lang, cs)
			}
		}
	}
	if i := d.Vocabularies()[0]; i.Scheme != "rsit" || i.Concepts != 50 || i.Digest == "" || i.Source != "Reference Security Incident Taxonomy 1003; Entente, unofficial translation" || !slices.Equal(i.Languages, []string{"de", "en", "ja", "pl"}) {
		t.Errorf("first vocabulary: %+v", i)
	}
}

func TestShippedAnswers(t *testing.T) {
	d := shipped(t)
	for _, tt := range []struct {
		term string
		kind translate.Kind
		to   string
		want string
	}{
		{"phishing", translate.Incident, "de", "Phishing/de/exact"},
		{"phishing", translate.Incident, "rsit", `rsit:fraud="phishing"/zxx/exact`},
		{"フィッシング", translate.Incident, "pl", "Phishing/pl/exact"},
		{"Steuerserver (C2)", translate.Incident, "ja", "C2サーバー/ja/close"},
		{"Erpressungstrojaner", translate.Incident, "ja", "感染したシステム/ja/broad"},
		{"brute-force", translate.Incident, "de", "Anmeldeversuche/de/exact"},
		{`rsit:fraud="unauthorised-use-of-resources"`, translate.Incident, "intelmq", "unauthorized-use-of-resources/zxx/exact"},
		{"cnc", translate.Incident, "intelmq", "c2-server/zxx/close"},
		{"cnc", translate.Incident, "rsit", ""}, // n6 to IntelMQ to RSIT would be a chain
		{"malurl", translate.Incident, "intelmq", ""},
		{"defacement", translate.Incident, "rsit", `rsit:information-content-security="unauthorised-information-modification"/zxx/broad`},
		{`rsit:abusive-content="harmful-speech"`, translate.Incident, "stix", "/zxx/none"},
		{`rsit:malicious-code="c2-server"`, translate.Incident, "stix", "command-and-control/zxx/exact malicious-activity/zxx/broad"},
		{"malicious-activity", translate.Indicator, "ja", "悪意のある活動/ja/exact"},
		{"ransomware", translate.Malware, "ms-caro-malware", `ms-caro-malware:malware-type="Ransom"/zxx/exact`},
		{"Geodo", translate.Malware, "ja", "Emotet/und/close"},
		{"emotet", translate.Malware, "malware-families", "Emotet/und/exact Geodo/und/close Heodo/und/close"},
		{"S0367", translate.Malware, "de", "Emotet/und/exact Geodo/und/close Heodo/und/close"},
		{"Emotet", translate.Actor, "de", ""},
		{"initial-access", translate.KillChain, "de", "Erstzugriff/de/exact"},
		{"defense-evasion", translate.KillChain, "mitre-attack", "defense-evasion/zxx/exact stealth/zxx/narrow defense-impairment/zxx/narrow"},
		{"70", translate.Confidence, "wep", "Likely/Probable/zxx/broad"},
		{"6 - Truth cannot be judged", translate.Confidence, "stix", "Not Specified/zxx/close"},
		{"Low", translate.Confidence, "stix", "15/zxx/close"},
		{"Low", translate.Confidence, "admiralty-credibility", ""}, // would turn low confidence into a denial
		{"somebody else's word", translate.Incident, "de", ""},
	} {
		if got := short(d.Lookup(tt.term, tt.kind, tt.to)); got != tt.want {
			t.Errorf("%s (%s) to %s:\n got %s\nwant %s", tt.term, tt.kind, tt.to, got, tt.want)
		}
	}
}

// TestConfidenceScalesCover checks that every number from 0 to 100 has exactly
// one word in each scale of STIX 2.1 Appendix A.
func TestConfidenceScalesCover(t *testing.T) {
	d := shipped(t)
	for _, scale := range []string{"none-low-med-high", "0-10", "admiralty-credibility", "wep", "dni"} {
		words := map[string]bool{}
		for n := 0; n <= 100; n++ {
			cs := d.Lookup(strconv.Itoa(n), translate.Confidence, scale)
			cs = slices.DeleteFunc(cs, func(c translate.Candidate) bool { return c.Relation == translate.Exact }) // the same digits as a word of 0-10
			if len(cs) != 1 {
				t.Errorf("%d in %s: %s", n, scale, short(cs))
				continue
			}
			words[cs[0].Term] = true
		}
		if want := map[string]int{"none-low-med-high": 4, "0-10": 11, "admiralty-credibility": 5, "wep": 7, "dni": 7}[scale]; len(words) != want {
			t.Errorf("%s: %d words, want %d", scale, len(words), want)
		}
	}
}

// neverWords are things no dictionary may answer for, whatever is loaded.
var neverWords = []string{
	"https://evil.example/a", "hxxp://evil[.]example", "evil.example", "192.0.2.1", "2001:db8::1", "user@evil.example",
	"d41d8cd98f00b204e9800998ecf8427e", "[domain-name:value = 'evil.example']", "CVE-2024-12345",
	"indicator--86965443-f26d-4312-8e28-a0ed286386d7", "TLP:RED", "TLP:AMBER+STRICT", "TLP:CLEAR", "PAP:GREEN", "VS-NfD", "ZASTRZEŻONE", "取扱注意",
}

// TestIndicatorsPassThrough is the promise of the step: indicators, markings
// and classifications get no translation and come back byte for byte, in any
// property, for any reader.
func TestIndicatorsPassThrough(t *testing.T) {
	d := shipped(t)
	targets := []string{"de", "pl", "ja", "en"}
	for _, v := range d.Vocabularies() {
		targets = append(targets, v.Scheme)
	}
	blank := rapid.SampledFrom([]string{"", " ", "\t", "\u3000"})
	rapid.Check(t, func(rt *rapid.T) {
		text := blank.Draw(rt, "before") + rapid.SampledFrom(neverWords).Draw(rt, "indicator") + blank.Draw(rt, "after")
		term := translate.Term{Path: "labels.[0]", Text: text, Kind: rapid.SampledFrom(translate.Kinds()).Draw(rt, "kind")}
		got, err := d.Annotate([]translate.Term{term}, rapid.SampledFrom(targets).Draw(rt, "to"))
		if err != nil {
			rt.Fatal(err)
		}
		if got[0].Original != text || len(got[0].Candidates) != 0 {
			rt.Fatalf("%q came back as %+v", text, got[0])
		}
	})
}

// TestNoFileSpeaksOfMarkings turns the promise around: no shipped row could
// ever offer a marking.
func TestNoFileSpeaksOfMarkings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shippedDir, "*.[cj]s*"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"TLP", "PAP:", "VS-NfD", "ZASTRZE"} {
			if strings.Contains(string(data), word) {
				t.Errorf("%s mentions %s", file, word)
			}
		}
	}
}

func BenchmarkShipped(b *testing.B) {
	d := shipped(b)
	for _, bb := range []struct {
		name, term string
		kind       translate.Kind
		to         string
	}{
		{"label", "Phishing", translate.Incident, "ja"}, {"tag", `rsit:fraud="phishing"`, translate.Incident, "de"},
		{"feed-word", "Steuerserver (C2)", translate.Incident, "ja"}, {"japanese", "フィッシング", translate.Incident, "de"},
		{"alias", "Geodo", translate.Malware, "ja"}, {"miss", "unbekanntes Wort", translate.Incident, "ja"},
	} {
		target, err := d.Target(bb.to)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Find(bb.term, bb.kind, target)
			}
		})
	}
}

func BenchmarkLoadShipped(b *testing.B) {
	for b.Loop() {
		shipped(b)
	}
}
