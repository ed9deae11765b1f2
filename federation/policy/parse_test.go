package policy

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// goodTerms is the smallest agreement.
const goodTerms = `version: 1
id: de-cert/pl-cert/2026
node: de-cert
peer: pl-cert
country: PL
kind: authority
from: 2026-01-01
until: 2026-12-31
tlp:
  version: "2.0"
  ceiling: TLP:AMBER
  community: true
purposes: [network-security]
`

func TestParseAgreement(t *testing.T) {
	a, err := ParseAgreement([]byte(goodTerms), "terms.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if a.Peer != "pl-cert" || a.Ceiling != mapping.TLPAmber || !a.Community || a.Hypothetical {
		t.Errorf("read as %+v", a)
	}
	if !a.NotBefore.Equal(date(2026, 1, 1)) || !a.Until.Equal(date(2027, 1, 1)) {
		t.Errorf("in force from %s to %s: whole days are meant", a.NotBefore, a.Until)
	}
}

// Each mistake is refused with file, line, column and what to do.
func TestParseAgreementRefuses(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(goodTerms, old, with, 1) }
	classified := func(more string) string { return goodTerms + "classified:\n" + more }
	for _, c := range []struct{ name, text, want string }{
		{"a misspelt key", replace("purposes:", "purpose:"), `terms.yaml:13:1: unknown key "purpose"; did you mean "purposes"?`},
		{"a misspelt key below", replace("ceiling:", "cieling:"), `terms.yaml:11:3: unknown key "cieling"; did you mean "ceiling"?`},
		{"a key twice", replace("country: PL", "country: PL\ncountry: JP"), "terms.yaml:6:1:"},
		{"a wrong type", replace("community: true", "community: perhaps"), "terms.yaml:12:14:"},
		{"not YAML", "a: [b", "terms.yaml:1:"},
		{"nothing", "", "terms.yaml"},
		{"two documents", goodTerms + "---\n" + goodTerms, "one YAML document is needed, there are 2"},
		{"an alias", replace("purposes: [network-security]", "purposes: &p [network-security]\ndata: *p"), "anchors and aliases are not read"},
		{"no version", replace("version: 1\n", ""), "version: missing"},
		{"a newer version", replace("version: 1", "version: 2"), "2 is newer than this build knows (1)"},
		{"no id", replace("id: de-cert/pl-cert/2026\n", ""), "id: missing"},
		{"no node", replace("node: de-cert\n", ""), "node: \"\": a participant id"},
		{"a peer in capitals", replace("peer: pl-cert", "peer: PL CERT"), "terms.yaml:4:7: peer: \"PL CERT\""},
		{"with oneself", replace("peer: pl-cert", "peer: de-cert"), "node and peer are the same"},
		{"a country that is none", replace("country: PL", "country: POL"), "terms.yaml:5:10: country: \"POL\""},
		{"a bare NO", replace("country: PL", "country: no"), "quote \"NO\""},
		{"a kind that is none", replace("kind: authority", "kind: autority"), `did you mean "authority"?`},
		{"no end", replace("until: 2026-12-31\n", ""), "terms without an end are not terms"},
		{"an end before the beginning", replace("until: 2026-12-31", "until: 2025-12-31"), "it ends before it begins"},
		{"a day that is none", replace("until: 2026-12-31", "until: 31.12.2026"), "write it as 2026-12-31"},
		{"a ceiling that is none", replace("TLP:AMBER", "AMBER"), "terms.yaml:11:12: tlp.ceiling: \"AMBER\" is not one of TLP:CLEAR"},
		{"a ceiling of red", replace("TLP:AMBER", "TLP:RED"), "no agreement between machines reaches it"},
		{"a TLP version that is none", replace(`"2.0"`, `"3.0"`), "tlp.version"},
		{"no purposes", replace("purposes: [network-security]\n", ""), "list every use the peer may make"},
		{"a category that is none", goodTerms + "data: [technical, persnal]\n", `"persnal" is not one of technical`},
		{"a place that is none", goodTerms + "storage: [EU]\n", `"EU" is not an ISO 3166-1 country`},
		{"a way that is none", goodTerms + "transit: [XX]\n", `"XX" is not an ISO 3166-1 country`},
		{"a contact without an address", goodTerms + "contacts: [{role: duty officer}]\n", "role and address are both needed"},
		{"a level without its scheme", classified("  ceiling: [VS-NfD]\n"), "write scheme/level, such as de-vs/VS-NfD"},
		{"an accreditation without end", classified("  accreditation: {authority: a, id: b, ceiling: [de-vs/VS-NfD]}\n"), "authority, id, ceiling and until are all needed"},
		{"a consent by nobody", classified("  consents: [{by: XX, level: de-vs/VS-NfD, to: JP, reference: r, until: 2026-12-31}]\n"), "neither a country nor EU nor NATO"},
		{"a consent without reference", classified("  consents: [{by: DE, level: de-vs/VS-NfD, to: JP, until: 2026-12-31}]\n"), "level (scheme/level), reference and until are all needed"},
		{"a consent to nowhere", classified("  consents: [{by: DE, level: de-vs/VS-NfD, to: JPN, reference: r, until: 2026-12-31}]\n"), `to: "JPN"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := ParseAgreement([]byte(c.text), "terms.yaml")
			if err == nil {
				t.Fatalf("it is read: %+v", a)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error does not say %q:\n%v", c.want, err)
			}
			if a != nil {
				t.Error("terms come with the error")
			}
		})
	}
}

// All faults are listed at once.
// A tag before what should be a list makes the YAML library panic; that is a
// refusal like any other, in every file this package reads.
func TestTagsAreRefused(t *testing.T) {
	for _, tag := range []string{"!!seq", "!x b", "!!map {b: c}"} {
		a, err := ParseAgreement([]byte(strings.Replace(goodTerms, "purposes:", "purposes: "+tag+"\nstorage:", 1)), "terms.yaml")
		if a != nil || err == nil || !strings.HasPrefix(err.Error(), "terms.yaml:") {
			t.Errorf("%s: %v, %v", tag, a, err)
		}
		if _, err := ParseReviews([]byte("version: 1\nreviews: "+tag+"\n"), "reviews.yaml"); err == nil {
			t.Errorf("%s accepted in reviews", tag)
		}
	}
}

func TestParseAgreementListsAll(t *testing.T) {
	_, err := ParseAgreement([]byte("version: 1\nid: x\n"), "terms.yaml")
	for _, want := range []string{"node", "peer", "country", "kind", "until", "tlp.ceiling", "tlp.version", "purposes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not among the faults: %v", want, err)
		}
	}
}

// Every shipped sample is sound: it parses, names levels and rows that exist,
// reserved addresses and roles, and its file is named after its parties.
func TestShippedAgreements(t *testing.T) {
	d := newDemo(t)
	files, err := fs.Glob(shipped(t, "agreements"), "*--*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d sample agreements (%v)", len(files), err)
	}
	for _, name := range files {
		a := sampleAgreement(t, strings.TrimSuffix(name, ".yaml"))
		if name != a.Node+"--"+a.Peer+".yaml" {
			t.Errorf("%s is between %s and %s", name, a.Node, a.Peer)
		}
		if err := d.bundle.Check(a, demoNow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range a.Contacts {
			if !strings.HasSuffix(c.Address, ".example") {
				t.Errorf("%s: %s is not a reserved name", name, c.Address)
			}
		}
		if len(a.Classified) > 0 && !a.Accreditation.Exercise {
			t.Errorf("%s: classified material that is not marked as an exercise", name)
		}
	}
}

func TestCheckFindsWhatDoesNotExist(t *testing.T) {
	d := newDemo(t)
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Accept = []string{"pl-nationl"}
	a.Classified = []string{"de-vs/GANZ GEHEIM"}
	a.Consents = []Consent{{By: "DE", Level: "nowhere/X", To: "JP"}}
	err := d.bundle.Check(a, demoNow)
	for _, want := range []string{"pl-nationl", "de-vs/GANZ GEHEIM", "nowhere/X"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}

// The sample for "what if" works for any country, lets CLEAR and GREEN
// technical objects pass, and nothing classified, strict or red.
func TestSampleAgreement(t *testing.T) {
	d := newDemo(t)
	for _, country := range []string{"PL", "JP", "US", "BR", "CH", "GB", "AQ"} {
		to := NewRecipient(d.de, SampleAgreement(country))
		for _, tlp := range []mapping.TLP{mapping.TLPClear, mapping.TLPGreen, mapping.TLPAmber, mapping.TLPAmberStrict, mapping.TLPRed} {
			got := d.bundle.Decide(d.subject(t, "de-cert", indicator(marked(tlp))), to, demoNow)
			if want := tlp <= mapping.TLPAmber; got.goes() != want {
				t.Errorf("%s to %s: %s %v", tlp, country, got.Verdict(), reasonsOf(got))
			}
		}
		secret := d.subject(t, "de-cert", indicator(handlingOf(object{"scheme": "de-vs", "classification": "VS-NfD"})))
		if got := d.bundle.Decide(secret, to, demoNow); got.goes() {
			t.Errorf("VS-NfD to %s goes", country)
		}
	}
	if got := d.bundle.Decide(d.subject(t, "de-cert", indicator(nil)), NewRecipient(d.de, SampleAgreement("PL")), date(2099, 1, 1)); got.Verdict() != federation.Share {
		t.Errorf("far in the future: %s", got.Verdict())
	}
}

func TestParseReviews(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a rule twice", "version: 1\nreviewed:\n  - {rule: a, by: b, on: 2026-01-01}\n  - {rule: a, by: b, on: 2026-01-01}\n", `rule "a" is there twice`},
		{"by nobody", "version: 1\nreviewed:\n  - {rule: a, on: 2026-01-01}\n", "reviews.yaml:3:5"},
		{"a misspelt key", "version: 1\nreviewed:\n  - {rule: a, bye: b, on: 2026-01-01}\n", `unknown key "bye"; did you mean "by"?`},
		{"no version", "reviewed: []\n", "version: missing"},
	} {
		if _, err := ParseReviews([]byte(c.text), "reviews.yaml"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error does not say %q: %v", c.name, c.want, err)
		}
	}
}

// FuzzParseAgreement feeds the reader: it never panics, and what it accepts is
// whole and stays within what an agreement may say.
func FuzzParseAgreement(f *testing.F) {
	seeds := 0
	for _, name := range []string{"de-cert--pl-cert", "pl-cert--de-cert", "pl-cert--jp-carrier", "jp-carrier--pl-cert", "pl-cert--jp-ministry"} {
		f.Add(readShipped(f, "agreements", name+".yaml"))
		seeds++
	}
	f.Add([]byte(goodTerms))
	f.Add([]byte("version: 1\n? {a: b}\n: c\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("version: 1\npurposes: !x b\n"))
	if seeds != 5 {
		f.Fatalf("%d shipped seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ParseAgreement(text, "terms.yaml")
		if (a == nil) == (err == nil) {
			t.Fatal("neither terms nor an error, or both")
		}
		if err != nil {
			return
		}
		if a.Until.IsZero() || a.Peer == "" || a.Node == "" || !isCountry(a.Country) || !slices.Contains(Kinds(), a.Kind) ||
			a.Ceiling == mapping.TLPUnmarked || a.Ceiling > mapping.TLPAmberStrict || a.Hypothetical {
			t.Fatalf("accepted: %+v", a)
		}
	})
}
