package marking

import (
	"maps"
	"strings"

	"github.com/entente-relay/entente/mapping"
)

// Ids of the schemes that tags and definitions speak of.
const (
	schemeUS  = "us-eo13526"
	schemeCUI = "us-cui"
)

// schemeTags are the tags of MISP taxonomies that speak of a classification
// scheme, in the exact spelling of MISP/misp-taxonomies. What is missing on
// purpose is unknown: dni-ism classification:all, which names no authority, and
// REL without the countries.
var schemeTags = buildSchemeTags()

func buildSchemeTags() map[string]Said {
	out := map[string]Said{
		`nato:classification="NU"`:    words("nato", "NU"),
		`nato:classification="NR"`:    words("nato", "NR"),
		`nato:classification="NC"`:    words("nato", "NC"),
		`nato:classification="NC-A"`:  words("nato", "NC", "ATOMAL"),
		`nato:classification="NS"`:    words("nato", "NS"),
		`nato:classification="NS-A"`:  words("nato", "NS", "ATOMAL"),
		`nato:classification="CTS"`:   words("nato", "CTS"),
		`nato:classification="CTS-A"`: words("nato", "CTS", "ATOMAL"),
		`nato:classification="CTS-B"`: words("nato", "CTS", "BOHEMIA"),

		`de-vs:Einstufung="VS-NfD"`:         words("de-vs", "VS-NfD"),
		`de-vs:Einstufung="VS-VERTRAULICH"`: words("de-vs", "VS-VERTRAULICH"),
		`de-vs:Einstufung="GEHEIM"`:         words("de-vs", "GEHEIM"),
		`de-vs:Einstufung="STRENG GEHEIM"`:  words("de-vs", "STRENG GEHEIM"),

		"euci:EU-RESTRICTED":   words("eu-euci", "EU RESTRICTED"),
		"euci:EU-CONFIDENTIAL": words("eu-euci", "EU CONFIDENTIAL"),
		"euci:EU-SECRET":       words("eu-euci", "EU SECRET"),
		"euci:EU-TOP-SECRET":   words("eu-euci", "EU TOP SECRET"),

		// A country, not a scheme: the day of making decides which (trap T8).
		`fr-classif:classifiees="SECRET"`:                   words("FR", "SECRET"),
		`fr-classif:classifiees="TRES_SECRET"`:              words("FR", "TRÈS SECRET"),
		`fr-classif:non-classifiees="DIFFUSION_RESTREINTE"`: words("FR", "DIFFUSION RESTREINTE"),
		`fr-classif:non-classifiees="NON-PROTEGE"`:          words("FR", "NON PROTÉGÉ"),
		`fr-classif:special-france="SPECIAL_FRANCE"`:        words("fr-2021", "", "SPÉCIAL FRANCE"),
	}
	for _, code := range strings.Fields("U C S TS") {
		out[`dni-ism:classification:us="`+code+`"`] = words(schemeUS, code)
	}
	for _, code := range strings.Fields("ATOMAL BOHEMIA BALK") {
		out[`dni-ism:nonuscontrols="`+code+`"`] = words("nato", "", code)
	}
	for predicate, codes := range dniBeside {
		for _, code := range strings.Fields(codes) {
			out["dni-ism:"+predicate+`="`+code+`"`] = words(schemeUS, "", code)
		}
	}
	for _, rules := range strings.Fields("USGov USIC USDOD OtherAuthority") {
		out[`dni-ism:complies:with="`+rules+`"`] = Said{} // rules of marking, not of handling
	}
	for predicate, codes := range acsCodes {
		for code, said := range codes {
			out["acs-marking:"+predicate+`="`+code+`"`] = said
		}
	}
	maps.Copy(out, aisTags)
	return out
}

// dniBeside are the codes of dni-ism that stand beside a level, by predicate.
// Codes count, never their expansions (trap T18). A notice is a caveat.
var dniBeside = map[string]string{
	"dissem":               "RS FOUO OC OC-USGOV IMC NF PR RELIDO DSEN FISA DISPLAYONLY",
	"nonic":                "NNPI DS XD ND SBU SBU-NF LES LES-NF SSI",
	"scicontrols":          "EL EL-EU EL-NK HCS HCS-O HCS-P KDK KDK-BLFH KDK-IDIT KDK-KAND RSV SI SI-G TK",
	"atomicenergymarkings": "RD RD-CNWDI FRD DCNI UCNI TFNI",
	"notice":               "FISA IMC CNWDI RD FRD DS LES LES-NF DSEN",
}

// aisTags are the tags of AIS 1, which speaks TLP 1.0 without RED. Consent says
// whom the submitter may be named to; what is not for everyone, and what is
// proprietary, a person has to apply.
var aisTags = map[string]Said{
	`ais-marking:TLPMarking="WHITE"`:           {Handling: mapping.Handling{TLP: mapping.TLPClear, TLPVersion1: true}},
	`ais-marking:TLPMarking="GREEN"`:           {Handling: mapping.Handling{TLP: mapping.TLPGreen, TLPVersion1: true}},
	`ais-marking:TLPMarking="AMBER"`:           {Handling: mapping.Handling{TLP: mapping.TLPAmber, TLPVersion1: true}},
	`ais-marking:AISConsent="EVERYONE"`:        {},
	`ais-marking:AISConsent="USG"`:             person("AIS CONSENT USG"),
	`ais-marking:AISConsent="NONE"`:            person("AIS CONSENT NONE"),
	`ais-marking:CISA_Proprietary="true"`:      person("CISA PROPRIETARY"),
	`ais-marking:CISA_Proprietary="false"`:     {},
	`ais-marking:AISMarking="Is_Proprietary"`:  person("AIS PROPRIETARY"),
	`ais-marking:AISMarking="Not_Proprietary"`: {},
}

// person is a marking that only people can apply.
func person(caveat string) Said {
	return Said{Handling: mapping.Handling{Caveats: []string{caveat}}}
}

// personal is a marking that says there is personal data.
var personal = Said{Handling: mapping.Handling{PersonalData: true}}
