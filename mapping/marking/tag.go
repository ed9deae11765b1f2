package marking

import (
	"strings"

	"github.com/entente-relay/entente/mapping"
)

// tlpTags are the values of the MISP taxonomy "tlp" that FIRST defines. White
// is TLP 1.0's CLEAR.
var tlpTags = map[string]mapping.Handling{
	"white":        {TLP: mapping.TLPClear, TLPVersion1: true},
	"clear":        {TLP: mapping.TLPClear},
	"green":        {TLP: mapping.TLPGreen},
	"amber":        {TLP: mapping.TLPAmber},
	"amber+strict": {TLP: mapping.TLPAmberStrict},
	"red":          {TLP: mapping.TLPRed},
}

// papTags are the values of the MISP taxonomy "PAP"; white is the former name
// of clear.
var papTags = map[string]mapping.Handling{
	"white": {PAP: mapping.PAPClear},
	"clear": {PAP: mapping.PAPClear},
	"green": {PAP: mapping.PAPGreen},
	"amber": {PAP: mapping.PAPAmber},
	"red":   {PAP: mapping.PAPRed},
}

// handlingNamespaces are MISP taxonomies that state handling and that Tag does
// not read: their tags must not pass as ordinary ones.
var handlingNamespaces = map[string]string{
	"acs-marking":    "an ACS marking",
	"ais-marking":    "an AIS marking",
	"de-vs":          "a German classification",
	"dni-ism":        "a US intelligence marking",
	"euci":           "an EU classification",
	"fr-classif":     "a French classification",
	"iep":            "a FIRST IEP 1 policy",
	"iep2-policy":    "a FIRST IEP 2 policy",
	"iep2-reference": "a reference to a FIRST IEP 2 policy",
	"nato":           "a NATO classification",
}

// Tag reads a MISP machine tag ("tlp:amber", "PAP:RED"), in any case. The
// error is a *mapping.Fault: cause NotMarking for a tag that states no
// handling and may be ignored here, UnknownMarking (law A8) for one that
// states handling that is not understood, or none that could be enforced:
// "tlp:unclear" is refused, "tlp:ex:chr" is an attribution rule of MISP's own
// that FIRST does not define (trap T4).
func Tag(tag string) (mapping.Handling, error) {
	namespace, rest, ok := strings.Cut(tag, ":")
	if !ok {
		return mapping.Handling{}, notMarking(tag)
	}
	namespace = strings.ToLower(strings.TrimSpace(namespace))
	value := strings.ToLower(strings.TrimSpace(rest))
	switch namespace {
	case "tlp":
		if h, ok := tlpTags[value]; ok {
			return h, nil
		}
		return mapping.Handling{}, unknown(tag, tlpProblem(value), "ask the source for a label of TLP 2.0")
	case "pap":
		if h, ok := papTags[value]; ok {
			return h, nil
		}
		return mapping.Handling{}, unknown(tag, "PAP has no such label", "")
	}
	if what, ok := handlingNamespaces[namespace]; ok {
		return mapping.Handling{}, unknown(tag, what+" as a tag; understood: no", "a person must read it")
	}
	return mapping.Handling{}, notMarking(tag)
}

// tlpProblem says what is wrong with a value of the tlp namespace.
func tlpProblem(value string) string {
	switch value {
	case "unclear":
		return "the source itself says the label is unclear"
	case "ex:chr":
		return "an attribution rule that is not part of FIRST TLP; its audience is not known"
	}
	return "TLP has no such label"
}

func notMarking(tag string) error {
	return &mapping.Fault{Cause: mapping.NotMarking, Law: "A8", What: tag, Text: "not a tag that states handling"}
}
