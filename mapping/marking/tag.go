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

// handlingNamespaces are MISP taxonomies that state handling: a tag of one that
// is not understood must not pass as an ordinary one. The text says what its
// tags are.
var handlingNamespaces = map[string]string{
	"acs-marking":    "an ACS marking",
	"ais-marking":    "an AIS marking",
	"de-vs":          "a German classification",
	"dni-ism":        "a US intelligence marking",
	"euci":           "an EU classification",
	"fr-classif":     "a French classification",
	"iep":            "a FIRST IEP 1 policy",
	"iep2-policy":    "a FIRST IEP 2 policy",
	"iep2-reference": "a reference to a FIRST IEP 2 policy, which is elsewhere",
	"nato":           "a NATO classification",
}

// Tag reads one MISP machine tag of TLP or PAP ("tlp:amber", "PAP:RED"), in any
// case: what it says is a label of the published ones. The error is a *mapping.Fault: cause NotMarking for a tag that
// states no handling and may be ignored here, UnknownMarking (law A8) for one
// that states handling that is not understood here, or none that could be
// enforced: "tlp:unclear" is refused, "tlp:ex:chr" is an attribution rule of
// MISP's own that FIRST does not define (trap T4). Tags of other taxonomies are
// understood together with those beside them, by [Tags].
func Tag(tag string) (mapping.Handling, error) {
	s, states, err := readTag(tag)
	switch {
	case err != nil:
		return mapping.Handling{}, err
	case !states:
		return mapping.Handling{}, &mapping.Fault{Cause: mapping.NotMarking, Law: "A8", What: tag, Text: "not a tag that states handling"}
	}
	namespace, _, _ := strings.Cut(tag, ":")
	if what, ok := handlingNamespaces[namespace]; ok {
		return mapping.Handling{}, unknown(tag, what+" as a tag; understood: not apart from the other tags of its object", "")
	}
	return s.Handling, nil
}

// Tags reads the MISP machine tags of one object together: TLP and PAP in any
// case, the taxonomies nato, de-vs, euci, fr-classif, dni-ism, acs-marking,
// ais-marking and iep2-policy in the exact spelling of their tags. A policy of
// FIRST IEP 2 is one marking in several tags: each field has to be there once.
// Tags that state no handling are passed over. Each error is a *mapping.Fault of
// cause UnknownMarking (law A8).
func Tags(tags []string) (Said, []error) {
	var all Said
	var errs []error
	var policy iepTags
	for _, tag := range tags {
		if policy.take(tag) {
			continue
		}
		s, states, err := readTag(tag)
		switch {
		case err != nil:
			errs = append(errs, err)
		case states && len(s.Words) == 0:
			all.Handling = mapping.Join(all.Handling, s.Handling)
		case states:
			all = all.and(s)
		}
	}
	h, err := policy.read()
	if err != nil {
		return all, append(errs, err)
	}
	all.Handling = mapping.Join(all.Handling, h)
	return all, errs
}

// readTag reads one tag. states is false for one that states no handling.
func readTag(tag string) (s Said, states bool, err error) {
	namespace, rest, ok := strings.Cut(tag, ":")
	if !ok {
		return Said{}, false, nil
	}
	switch namespace = strings.ToLower(strings.TrimSpace(namespace)); namespace {
	case "tlp":
		value := strings.ToLower(strings.TrimSpace(rest))
		if h, ok := tlpTags[value]; ok {
			return Said{Handling: h}, true, nil
		}
		return Said{}, true, unknown(tag, tlpProblem(value), "ask the source for a label of TLP 2.0")
	case "pap":
		if h, ok := papTags[strings.ToLower(strings.TrimSpace(rest))]; ok {
			return Said{Handling: h}, true, nil
		}
		return Said{}, true, unknown(tag, "PAP has no such label", "")
	}
	what, ok := handlingNamespaces[namespace]
	if !ok {
		return Said{}, false, nil
	}
	if s, ok := schemeTags[tag]; ok {
		return s, true, nil
	}
	if s, ok := codeWord(tag); ok {
		return s, true, nil
	}
	return Said{}, true, unknown(tag, what+" as a tag; understood: no", "a person must read it; tags are taken in the exact spelling of their taxonomy only")
}

// codeWord reads the tag of a German code word (Schutzwort): the text is free,
// and whoever has not been told it is not in (trap T15).
func codeWord(tag string) (Said, bool) {
	rest, ok := strings.CutPrefix(tag, `de-vs:Schutzwort="`)
	if !ok {
		return Said{}, false
	}
	word, ok := strings.CutSuffix(rest, `"`)
	if !ok || word == "" || strings.ContainsRune(word, '"') {
		return Said{}, false
	}
	return Said{Handling: mapping.Handling{Compartments: []string{"Schutzwort " + word}}}, true
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
