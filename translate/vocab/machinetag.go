package vocab

import (
	"fmt"
	"strings"

	"github.com/entente-relay/entente/translate"
)

// predicate is one predicate of a MISP machinetag file
// (draft-dulaunoy-misp-taxonomy-format).
type predicate struct {
	Value    string `json:"value"`
	Expanded string `json:"expanded"`
}

// valueList lists the values of one predicate.
type valueList struct {
	Predicate string      `json:"predicate"`
	Entry     []predicate `json:"entry"`
}

// machinetagKind returns the kind of the words in a machinetag file: what the
// operator states, else what is known of its namespace. marking is set for
// namespaces whose tags are markings, which no reader translates.
func machinetagKind(f *source) (kind translate.Kind, marking bool) {
	switch ns := strings.ToLower(f.doc.text("namespace")); ns {
	case "tlp", "pap", "iep", "iep2-policy", "iep2-reference", "de-vs", "fr-classif", "nato", "dni-ism", "acs-marking", "ais-marking":
		return "", true
	case "rsit", "ecsirt", "europol-incident", "europol-event", "common-taxonomy", "circl", "enisa", "cccs", "acn", "srbcert", "csirt-americas":
		kind = translate.Incident
	case "admiralty-scale", "estimative-language", "vocabulaire-des-probabilites-estimatives", "misp":
		kind = translate.Confidence
	case "kill-chain", "unified-kill-chain", "unified-ransomware-kill-chain", "cyber-threat-framework":
		kind = translate.KillChain
	case "malware_classification", "ms-caro-malware", "ms-caro-malware-full":
		kind = translate.Malware
	}
	if f.Kind != "" {
		kind = f.Kind
	}
	return kind, false
}

// readMachinetag reads a taxonomy. Its namespace is the scheme; predicates and
// values are concepts written as machine tags, their expanded texts labels.
func (l *loader) readMachinetag(f *source, flt *faults) []translate.Vocabulary {
	ns := f.doc.text("namespace")
	kind, marking := machinetagKind(f)
	switch {
	case ns == "":
		flt.add(f.doc.line("namespace"), "namespace is no string", "")
	case marking:
		flt.add(f.doc.line("namespace"), ns+" holds markings, which are never translated", "remove the file; markings are read by the schemes")
	case kind == "":
		flt.add(f.doc.line("namespace"), "it is not known of what kind the words of "+ns+" are", "state the kind of "+f.File+" in "+ManifestFile)
	}
	t := tagReader{
		f: f, flt: flt, ns: ns, kind: kind, language: f.Language, seen: map[string]int{}, predicates: map[string]bool{},
		v: translate.Vocabulary{Scheme: ns, Version: f.doc.version(flt), Name: f.doc.text("expanded"), Source: "MISP taxonomy " + ns},
	}
	if t.language == "" {
		t.language = "en"
	}
	each(f.doc, "predicates", l.limits.Entries, flt, t.predicate)
	if f.doc.has("values") {
		each(f.doc, "values", l.limits.Entries, flt, t.values)
	}
	return []translate.Vocabulary{t.v}
}

// tagReader reads the parts of one machinetag file.
type tagReader struct {
	f          *source
	flt        *faults
	ns         string
	kind       translate.Kind
	language   string
	predicates map[string]bool
	seen       map[string]int // tag → line
	v          translate.Vocabulary
}

// predicate takes in one predicate.
func (t *tagReader) predicate(p predicate, line int) {
	t.predicates[p.Value] = true
	t.tag(t.ns+":"+p.Value, p, line)
}

// values takes in the values of one predicate.
func (t *tagReader) values(list valueList, line int) {
	if !t.predicates[list.Predicate] {
		t.flt.add(line, fmt.Sprintf("values of %q, which is no predicate of the file", list.Predicate), "add the predicate or correct the name")
		return
	}
	for _, e := range list.Entry {
		t.tag(t.ns+":"+list.Predicate+`="`+e.Value+`"`, e, line)
	}
}

// tag takes in one machine tag.
func (t *tagReader) tag(tag string, p predicate, line int) {
	switch {
	case p.Value == "" || strings.Contains(p.Value, `"`):
		// The published schema lets an entry without value pass.
		t.flt.add(line, "an entry without a usable value", "every predicate and entry needs a value without quotes")
		return
	case t.seen[tag] > 0:
		t.flt.add(line, fmt.Sprintf("%s stands already in line %d", tag, t.seen[tag]), "remove one of the two")
		return
	}
	t.seen[tag] = line
	at := where(t.f.File, line)
	c := translate.Concept{ID: tag, Kind: t.kind, Short: translate.ShortForms(tag), Source: t.v.Source, Where: at}
	if p.Expanded != "" {
		c.Labels = []translate.Label{{
			Text: p.Expanded, Language: t.language, Rank: translate.Preferred, Relation: translate.Exact, Source: t.v.Source, Where: at,
		}}
	}
	t.v.Concepts = append(t.v.Concepts, c)
}
