package marking

import (
	"errors"
	"strings"
	"testing"

	"github.com/entente-relay/entente/mapping"
)

// The tags of each taxonomy are repeated here in full, as the taxonomy lists
// them, so that a slip or a missing one is seen.
func TestSchemeTags(t *testing.T) {
	for tag, want := range map[string]Words{
		`nato:classification="CTS"`:                         {"nato", "CTS", nil},
		`nato:classification="CTS-B"`:                       {"nato", "CTS", []string{"BOHEMIA"}},
		`nato:classification="NS"`:                          {"nato", "NS", nil},
		`nato:classification="NC"`:                          {"nato", "NC", nil},
		`nato:classification="NR"`:                          {"nato", "NR", nil},
		`nato:classification="NU"`:                          {"nato", "NU", nil},
		`nato:classification="CTS-A"`:                       {"nato", "CTS", []string{"ATOMAL"}},
		`nato:classification="NS-A"`:                        {"nato", "NS", []string{"ATOMAL"}},
		`nato:classification="NC-A"`:                        {"nato", "NC", []string{"ATOMAL"}},
		`de-vs:Einstufung="STRENG GEHEIM"`:                  {"de-vs", "STRENG GEHEIM", nil},
		`de-vs:Einstufung="GEHEIM"`:                         {"de-vs", "GEHEIM", nil},
		`de-vs:Einstufung="VS-VERTRAULICH"`:                 {"de-vs", "VS-VERTRAULICH", nil},
		`de-vs:Einstufung="VS-NfD"`:                         {"de-vs", "VS-NfD", nil},
		`fr-classif:classifiees="TRES_SECRET"`:              {"FR", "TRÈS SECRET", nil},
		`fr-classif:classifiees="SECRET"`:                   {"FR", "SECRET", nil},
		`fr-classif:non-classifiees="DIFFUSION_RESTREINTE"`: {"FR", "DIFFUSION RESTREINTE", nil},
		`fr-classif:non-classifiees="NON-PROTEGE"`:          {"FR", "NON PROTÉGÉ", nil},
		`fr-classif:special-france="SPECIAL_FRANCE"`:        {"fr-2021", "", []string{"SPÉCIAL FRANCE"}},
		"euci:EU-TOP-SECRET":                                {"eu-euci", "EU TOP SECRET", nil},
		"euci:EU-RESTRICTED":                                {"eu-euci", "EU RESTRICTED", nil},
		`dni-ism:classification:us="TS"`:                    {"us-eo13526", "TS", nil},
		`dni-ism:dissem="NF"`:                               {"us-eo13526", "", []string{"NF"}},
		`dni-ism:scicontrols="SI-G"`:                        {"us-eo13526", "", []string{"SI-G"}},
		`dni-ism:nonuscontrols="BALK"`:                      {"nato", "", []string{"BALK"}},
		`acs-marking:classification="C"`:                    {"us-eo13526", "C", nil},
		`acs-marking:formal_determination="FOUO"`:           {"us-eo13526", "FOUO", nil},
	} {
		s, errs := Tags([]string{"type:OSINT", tag})
		if len(errs) > 0 || len(s.Words) != 1 || s.Words[0].Scheme != want.Scheme || s.Words[0].Level != want.Level || strings.Join(s.Words[0].Beside, "+") != strings.Join(want.Beside, "+") {
			t.Errorf("%s: %+v, %v", tag, s, errs)
		}
		if h, err := Tag(tag); !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || h.Key() != (mapping.Handling{}).Key() {
			t.Errorf("%s was read without tables: %+v, %v", tag, h, err)
		}
	}
}

func TestTagsThatNeedNoTables(t *testing.T) {
	for tag, want := range map[string]mapping.Handling{
		`ais-marking:TLPMarking="WHITE"`:                                        {TLP: mapping.TLPClear, TLPVersion1: true},
		`ais-marking:TLPMarking="GREEN"`:                                        {TLP: mapping.TLPGreen, TLPVersion1: true},
		`ais-marking:TLPMarking="AMBER"`:                                        {TLP: mapping.TLPAmber, TLPVersion1: true},
		`ais-marking:AISConsent="EVERYONE"`:                                     {},
		`ais-marking:AISConsent="NONE"`:                                         {Caveats: []string{"AIS CONSENT NONE"}},
		`ais-marking:CISA_Proprietary="true"`:                                   {Caveats: []string{"CISA PROPRIETARY"}},
		`ais-marking:CISA_Proprietary="false"`:                                  {},
		`ais-marking:AISMarking="Is_Proprietary"`:                               {Caveats: []string{"AIS PROPRIETARY"}},
		`acs-marking:sensitivity="PR"`:                                          {Caveats: []string{"ACS SENSITIVITY PR"}},
		`acs-marking:sensitivity="PII"`:                                         {PersonalData: true},
		`acs-marking:caveat="POSSIBLEPII"`:                                      {PersonalData: true},
		`acs-marking:shareability="FOREIGNGOV"`:                                 {Caveats: []string{"ACS SHAREABILITY FOREIGNGOV"}},
		`acs-marking:privilege_action="TEARLINE"`:                               {Caveats: []string{"ACS PRIVILEGE TEARLINE"}},
		`acs-marking:formal_determination="PUBREL"`:                             {},
		`de-vs:Schutzwort="AMBOSS"`:                                             {Compartments: []string{"Schutzwort AMBOSS"}},
		`dni-ism:complies:with="USGov"`:                                         {},
		`acs-marking:formal_determination="NO-PII-PRESENT"`:                     {},
		`acs-marking:entity="CTR"`:                                              {Caveats: []string{"ACS ENTITY CTR"}},
		`acs-marking:sensitivity="NTOC_DHS_ECYBER_SVC_SHARE.NSA.NSA"`:           {Caveats: []string{"ACS SENSITIVITY NTOC_DHS_ECYBER_SVC_SHARE.NSA.NSA"}},
		`acs-marking:formal_determination="PII-NECESSARY-TO-UNDERSTAND-THREAT"`: {PersonalData: true},
	} {
		s, errs := Tags([]string{tag})
		if len(errs) > 0 || len(s.Words) != 0 || s.Handling.Key() != want.Key() {
			t.Errorf("%s: %+v, %v", tag, s, errs)
		}
		// Whoever reads one tag alone keeps a label of TLP or PAP, and would drop this.
		if h, err := Tag(tag); !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || h.Key() != (mapping.Handling{}).Key() {
			t.Errorf("%s was read alone: %+v, %v", tag, h, err)
		}
	}
}

// A tag is its exact spelling: everything near it is held, and named.
func TestTagsNearTheirSpelling(t *testing.T) {
	for _, tag := range []string{
		`nato:classification="ns"`, `NATO:classification="NS"`, `nato:Classification="NS"`, `nato:classification=NS`, `nato:classification="NS" `,
		`nato: classification="NS"`, `nato:classification="NATO SECRET"`, `nato:classification`, `de-vs:Einstufung="VS-NUR FÜR DEN DIENSTGEBRAUCH"`,
		`de-vs:einstufung="GEHEIM"`, `de-vs:Schutzwort=""`, `de-vs:Schutzwort="A"B"`, `fr-classif:classifiees="TRES SECRET"`, `fr-classif:classifiees="TRÈS_SECRET"`,
		`dni-ism:classification:all="R"`, `dni-ism:classification:all="S"`, `dni-ism:classification:us="R"`, `dni-ism:dissem="REL"`, `dni-ism:dissem="NOFORN"`,
		`acs-marking:classification="Classified"`, `acs-marking:sensitivity="pii"`, `ais-marking:TLPMarking="RED"`, `ais-marking:TLPMarking="CLEAR"`,
		`euci:EU-SECRET="x"`, `euci:SECRET`, `iep2-policy:tlp`, `iep2-policy:tlp=green`, `IEP2-POLICY:tlp="green"`, `iep2-reference:id_ref="x"`, `iep:tlp="green"`,
		`tlp:unclear`, `tlp:ex:chr`, `tlp:amber-strict`, `tlp="amber"`,
	} {
		s, errs := Tags([]string{tag})
		if tag == `tlp="amber"` { // no namespace: a word with a sign in it
			if len(errs) != 0 || len(s.Words) != 0 || s.Handling.Key() != (mapping.Handling{}).Key() {
				t.Errorf("%s: %+v, %v", tag, s, errs)
			}
			continue
		}
		if len(errs) != 1 || !errors.Is(errs[0], &mapping.Fault{Cause: mapping.UnknownMarking}) || len(s.Words) != 0 || s.Handling.Key() != (mapping.Handling{}).Key() {
			t.Errorf("%s: %+v, %v", tag, s, errs)
		}
	}
}

// What several tags of one object say is joined, and one that is not understood
// takes nothing from the others.
func TestTagsJoin(t *testing.T) {
	s, errs := Tags([]string{"tlp:white", "TLP:RED", "PAP:AMBER", `nato:classification="NS"`, `dni-ism:dissem="NF"`, "tlp:unclear", "misp:distribution=\"all-communities\""})
	if len(errs) != 1 || s.Handling.TLP != mapping.TLPRed || s.Handling.PAP != mapping.PAPAmber || len(s.Words) != 2 {
		t.Errorf("%+v, %v", s, errs)
	}
	if n := testing.AllocsPerRun(50, func() { Tags([]string{"type:OSINT", "tlp:green", "misp:x"}) }); n > 0 {
		t.Errorf("%v allocations for a TLP tag among others", n)
	}
}

// A policy in tags that says two things of one field says neither.
func TestIEPTagsThatDisagree(t *testing.T) {
	tags := strings.Split(strings.ReplaceAll("id=0224bfdf-ea3a-49c3-96f6-66d908bb1845 name=n description=d iep_version=2.0 start_date=2026-01-01T00:00:00Z encrypt_in_transit=may "+
		"permitted_actions=none affected_party_notifications=may tlp=green attribution=may unmodified_resale=may", "=", `="`), " ")
	for i := range tags {
		tags[i] = iepNamespace + tags[i] + `"`
	}
	s, errs := Tags(append(tags, tags[8]))
	if len(errs) > 0 || s.Handling.TLP != mapping.TLPGreen || s.Handling.PAP != mapping.PAPRed {
		t.Errorf("a field stated twice alike: %+v, %v", s, errs)
	}
	s, errs = Tags(append(tags, `iep2-policy:tlp="red"`))
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "tlp twice") || s.Handling.Key() != (mapping.Handling{}).Key() {
		t.Errorf("green and red in one policy: %+v, %v", s, errs)
	}
}

func TestParseBanner(t *testing.T) {
	for text, want := range map[string]string{
		"SECRET//REL TO USA, GBR":          "SECRET | REL TO USA, GBR",
		" ( TS // SI/TK // NF ) ":          "TS | SI/TK | NF",
		"//NATO SECRET//ATOMAL":            "foreign nato NATO SECRET | ATOMAL",
		"(//CTS//BOHEMIA)":                 "foreign nato CTS | BOHEMIA",
		"//DEU GEHEIM":                     "foreign DEU GEHEIM",
		"OFFICIAL (CLOSED)":                "OFFICIAL (CLOSED)",
		"OFFICIAL-SENSITIVE [COMMERCIAL]":  "OFFICIAL-SENSITIVE [COMMERCIAL]",
		"SECRET UE/EU SECRET":              "SECRET UE/EU SECRET",
		"SECRET//":                         "malformed",
		"":                                 "malformed",
		"//":                               "malformed",
		"(S":                               "malformed",
		"(S)(NF)":                          "malformed",
		"()":                               "malformed",
		"//SECRET":                         "unknown-marking",
		strings.Repeat("X", MaxBanner+1):   "malformed",
		"//CAN  SECRET":                    "foreign CAN SECRET",
		"TOP SECRET//SI-G ABCD//ORCON/REL": "TOP SECRET | SI-G ABCD | ORCON/REL",
	} {
		b, err := ParseBanner(text)
		got := strings.Join(append([]string{b.Level}, b.Beside...), " | ")
		if b.Foreign != "" {
			got = "foreign " + b.Foreign + " " + got
		}
		if f, ok := errors.AsType[*mapping.Fault](err); ok {
			got = string(f.Cause)
		}
		if got != want {
			t.Errorf("ParseBanner(%.40q) = %q, %v, want %q", text, got, err, want)
		}
	}
}

// FuzzParseBanner: every part is in the line and not empty, or there is a Fault.
func FuzzParseBanner(f *testing.F) {
	seeds := []string{"SECRET//REL TO USA, GBR", "(S//NF)", "//NATO SECRET", "//DEU S", "((", "", "//", "a//b//", "\xff"}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is missing")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		b, err := ParseBanner(line)
		if err != nil {
			if _, ok := errors.AsType[*mapping.Fault](err); !ok || b.Level != "" {
				t.Fatalf("%+v with %v", b, err)
			}
			return
		}
		for _, part := range append([]string{b.Level}, b.Beside...) {
			if part == "" || !strings.Contains(line, part) || strings.TrimSpace(part) != part {
				t.Fatalf("%q has the part %q", line, part)
			}
		}
	})
}

// FuzzTags: each tag is passed over, understood, or a Fault that names it; a tag
// of a taxonomy about handling is never passed over.
func FuzzTags(f *testing.F) {
	seeds := []string{"tlp:amber", "PAP:RED", `nato:classification="NS"`, `iep2-policy:tlp="red"`, `de-vs:Schutzwort="X"`, `NATO:x`, "tlp", ":", `acs-marking:sensitivity="PR"`, "\xff:\xff"}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is missing")
	}
	for _, s := range seeds {
		f.Add(s, "tlp:green")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		s, errs := Tags([]string{one, two})
		for _, err := range errs {
			if fault, ok := errors.AsType[*mapping.Fault](err); !ok || fault.Cause != mapping.UnknownMarking {
				t.Fatalf("error without a cause: %v", err)
			}
		}
		for _, w := range s.Words {
			if w.Scheme == "" || w.Level == "" && len(w.Beside) == 0 {
				t.Fatalf("%q, %q: empty words %+v", one, two, w)
			}
		}
		for _, tag := range []string{one, two} {
			namespace, _, ok := strings.Cut(tag, ":")
			namespace = strings.ToLower(strings.TrimSpace(namespace))
			_, handling := handlingNamespaces[namespace]
			if !ok || !handling && namespace != "tlp" && namespace != "pap" {
				continue
			}
			if _, known := schemeTags[tag]; !known && len(errs) == 0 && len(s.Words) == 0 && s.Handling.Key() == (mapping.Handling{}).Key() {
				t.Fatalf("%q was passed over", tag)
			}
		}
	})
}
