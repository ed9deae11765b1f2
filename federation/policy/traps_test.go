package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// said is a classification as an origin writes it beside an object.
func said(origin, scheme, text string, caveats ...string) object {
	e := object{"classification": text}
	if origin != "" {
		e["origin"] = origin
	}
	if scheme != "" {
		e["scheme"] = scheme
	}
	if len(caveats) > 0 {
		e["caveats"] = caveats
	}
	return handlingOf(e)
}

// made sets when an object was made.
func made(day string) object {
	return object{"created": day + "T00:00:00.000Z", "modified": day + "T00:00:00.000Z", "valid_from": day + "T00:00:00.000Z"}
}

// refs marks an object with definitions.
func refs(ids ...string) object { return object{"object_marking_refs": ids} }

// tagged adds machine tags to a TLP:GREEN object.
func tagged(tags ...string) object { return object{"labels": tags} }

const (
	tlpWhite1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
	tlpAmber1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
	tlpRed1   = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
)

// held is a crossing that stops because of what a marking says.
func held(name string, o object, says string) border {
	return border{name: name, object: o, verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown", says: says}
}

// notListed is a crossing that the origin's own release list stops.
func notListed(name string, o object, says string) border {
	return border{name: name, object: o, verdict: federation.Withhold, reason: federation.NotReleasable, rule: "release-list", says: says}
}

// TestTraps meets the semantic traps of the classification reference with whole
// objects, as far as a marking has to be read: each is refused, held or handled,
// and the reason names what was written.
func TestTraps(t *testing.T) {
	d := newDemo(t)
	statement := object{"type": "marking-definition", "spec_version": "2.1", "id": iepMarking, "created": "2026-01-05T00:00:00.000Z",
		"definition_type": "statement", "definition": object{"statement": "for your organisation only"}}
	for trap, borders := range map[string][]border{
		"T1": {
			{name: "CLEAR on what is classified", object: merged(said("DE", "de-vs", "VS-NfD"), marked(mapping.TLPClear)),
				verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-contradiction", says: "contradicts itself"},
			{name: "RED on what is not classified is an audience", object: merged(said("DE", "de-vs", "OFFEN"), marked(mapping.TLPRed)),
				verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		},
		"T2": {
			{name: "STRICT to a peer that knows TLP 1.0", object: marked(mapping.TLPAmberStrict),
				terms:   func(a *Agreement) { a.TLPVersion, a.Ceiling = "1.0", mapping.TLPRed },
				verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-strict-unsayable"},
		},
		"T3": {
			{name: "WHITE is CLEAR", object: refs(tlpWhite1), verdict: federation.Share},
			{name: "AMBER of TLP 1.0 with words", object: refs(tlpAmber1, iepMarking), defs: []object{statement}, to: "pl-cert--jp-carrier", from: "de-cert",
				terms:   func(a *Agreement) { a.Clients = []string{"jp-carrier"} },
				verdict: federation.Hold, reason: federation.TLPAudience, rule: "tlp1-amber-with-words", says: "a person has to read it"},
		},
		"T4": {
			held("unclear", tagged("tlp:unclear"), "the source itself says"),
			held("ex:chr", tagged("tlp:ex:chr"), "attribution rule"),
		},
		"T5": {
			held("an invented id", refs("marking-definition--939a9414-2ddd-4d32-a254-099d340a1628"), "neither a published marking"),
			held("another", refs("marking-definition--939a9414-2ddd-4d32-a0cd-b7c2c2b9e2c8"), "neither a published marking"),
			held("and another", refs("marking-definition--bab4a63c-aed9-4b5f-a869-75b77dcc1ef3"), "neither a published marking"),
			held("beside a good one", refs(tlpID(mapping.TLPGreen), "marking-definition--bab4a63c-aed9-4b5f-a869-75b77dcc1ef3"), "neither a published marking"),
		},
		"T6": {
			{name: "WHITE and RED", object: refs(tlpWhite1, tlpRed1), verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
			{name: "RED and WHITE", object: refs(tlpRed1, tlpWhite1), verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
			{name: "no label is no default", object: object{"object_marking_refs": nil},
				verdict: federation.Hold, reason: federation.Unmarked, rule: "marking-missing"},
		},
		"T7": {held("the United States have no RESTRICTED", said("US", "us-eo13526", "RESTRICTED"), `"RESTRICTED"`)},
		"T8": {
			held("new SECRET on old material", merged(said("FR", "fr-2021", "SECRET"), made("2020-03-01")), "from 2021-07-01"),
			held("old words on new material", said("FR", "FR", "SECRET DÉFENSE"), "until 2021-06-30"),
		},
		"T9":  {held("the Belgian fourth level before its day", merged(said("BE", "be-1998", "RESTREINT"), made("2023-12-30")), "from 2023-12-31")},
		"T10": falseFriends(),
		"T11": {
			{name: "a level of one of two tracks", object: said("CA", "CA", "CONFIDENTIAL"),
				verdict: federation.Withhold, reason: federation.NotReleasable, rule: "originator-consent"},
			held("of two tracks both", said("CA", "CA", "PROTECTED B CONFIDENTIAL"), "CONFIDENTIAL"),
			held("NZ SENSITIVE as RESTRICTED", said("NZ", "nz-national-security", "SENSITIVE"), `"SENSITIVE"`),
		},
		"T12": {
			held("PROTECTED without an authority", said("", "", "PROTECTED"), "au-pspf"),
			held("PROTECTED in Canada", said("CA", "CA", "PROTECTED"), "PROTECTED A, B or C"),
		},
		"T13": {
			{name: "NATO UNCLASSIFIED is not public", object: merged(said("", "nato", "NATO UNCLASSIFIED"), marked(mapping.TLPClear)),
				verdict: federation.Withhold, reason: federation.UnknownMarking, rule: "marking-contradiction"},
			{name: "OFFICIAL is not public", object: merged(said("GB", "gb-gscp", "OFFICIAL"), marked(mapping.TLPClear)),
				verdict: federation.Withhold, reason: federation.UnknownMarking, rule: "marking-contradiction"},
		},
		"T14": {
			notListed("U//NOFORN", said("US", "us-eo13526", "U//NOFORN"), "US"),
			notListed("UNCLASSIFIED with a caveat apart", said("US", "us-eo13526", "UNCLASSIFIED", "NOFORN"), "US"),
			notListed("a tag", tagged(`dni-ism:dissem="NF"`), "US"),
			notListed("REL TO without the peer", said("US", "us-eo13526", "UNCLASSIFIED//REL TO USA, GBR"), "GB, US"),
			{name: "REL TO with the peer", object: said("US", "us-eo13526", "UNCLASSIFIED//REL TO USA, POL"), verdict: federation.Share},
			notListed("DISPLAY ONLY", said("US", "us-eo13526", "UNCLASSIFIED//DISPLAY ONLY"), "release list"),
		},
		"T15": {
			held("a code word nobody here knows", said("US", "us-eo13526", "UNCLASSIFIED//SI-UMBRA"), "SI-UMBRA"),
			{name: "ATOMAL", object: tagged(`dni-ism:nonuscontrols="ATOMAL"`), verdict: federation.Withhold, reason: federation.UnknownMarking, rule: "equivalent-unknown"},
			{name: "a German code word", object: tagged(`de-vs:Schutzwort="AMBOSS"`), verdict: federation.Withhold, reason: federation.UnknownMarking, rule: "equivalent-unknown"},
		},
		"T16": {
			held("a Cyrillic letter", said("DE", "de-vs", "GЕHEIM"), "look-alike"),
			held("a Latin letter in a Bulgarian mark", said("BG", "bg-national", "Cекретно"), "look-alike"),
			held("a Greek mark with a Latin letter", said("GR", "gr-national", "AΠΟΡΡΗΤΟ"), "look-alike"),
			held("a missing accent", said("FR", "fr-2021", "TRES SECRET"), "look-alike"),
			held("part of a mark", said("DE", "de-vs", "NUR FÜR DEN DIENSTGEBRAUCH"), `"NUR FÜR DEN DIENSTGEBRAUCH"`),
			{name: "another spelling is the same mark", object: said("DE", "de-vs", " vs -NfD "), verdict: federation.Share},
		},
		"T18": {
			{name: "C is CONFIDENTIAL", object: tagged(`acs-marking:classification="C"`),
				verdict: federation.Withhold, reason: federation.NotReleasable, rule: "originator-consent"},
			{name: "PR by its code", object: tagged(`acs-marking:sensitivity="PR"`), verdict: federation.Hold, reason: federation.NotReleasable, rule: "caveat-for-people", says: "SENSITIVITY PR"},
			{name: "TEI by its code", object: tagged(`acs-marking:sensitivity="TEI"`), verdict: federation.Hold, reason: federation.NotReleasable, rule: "caveat-for-people", says: "SENSITIVITY TEI"},
			held("an expansion", tagged(`acs-marking:classification="Classified"`), "exact spelling"),
		},
		"T20": {
			held("a Norwegian mark of before the act", merged(said("NO", "no-sikkerhetsloven", "HEMMELIG"), made("1990-05-01")), "from 2019-01-01"),
			{name: "a Brazilian one is not lowered by time", object: merged(said("BR", "br-lai", "RESERVADO"), made("2013-05-01")),
				verdict: federation.Withhold, reason: federation.NotReleasable, rule: "originator-consent"},
		},
	} {
		t.Run(trap, func(t *testing.T) {
			for _, b := range borders {
				t.Run(b.name, func(t *testing.T) { b.check(t, d.cross(t, b)) })
			}
		})
	}
}

// A compartment is named to whoever looks for the reason, and opens for a peer
// that is read into it.
func TestCompartmentsOfTags(t *testing.T) {
	d := newDemo(t)
	for word, tag := range map[string]string{"ATOMAL": `nato:classification="NS-A"`, "Schutzwort AMBOSS": `de-vs:Schutzwort="AMBOSS"`, "SI-G": `dni-ism:scicontrols="SI-G"`} {
		for _, in := range []bool{false, true} {
			got := d.cross(t, border{object: tagged(tag), terms: func(a *Agreement) {
				if in {
					a.Compartments = []string{word}
				}
			}})
			cited := slices.ContainsFunc(got.Reasons(), func(c Cited) bool { return c.Rule == "compartment" && strings.Contains(c.Text, word) })
			if cited == in || got.Verdict() == federation.Share {
				t.Errorf("%s, read in %v: %s, %v", tag, in, got.Verdict(), reasonsOf(got))
			}
		}
	}
}

// falseFriends are words that several countries use for different levels (T10):
// without an authority each is held, whatever stands beside it.
func falseFriends() []border {
	var out []border
	for _, word := range []string{"RESERVADO", "SECRETO", "SECRET", "VERTROUWELIJK", "TAJNÉ", "CONFIDENTIAL", "HEMLIG", "GEHEIM", "SECRET//NOFORN", "CONFIDENTIAL//REL TO USA"} {
		out = append(out, held(word, said("", "", word), "ambiguous-label"))
	}
	return out
}

// What the tables relate, they relate by the origin's words: the same object
// with the mark written in each usual way has one handling.
func TestSpellingsHaveOneMeaning(t *testing.T) {
	d := newDemo(t)
	for want, spellings := range map[string][]string{
		"de-vs VS-NfD": {"VS-NfD", "VS -NfD", "vs - nfd", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "VS - NUR FU\u0308R DEN DIENSTGEBRAUCH", "(VS-NfD)"},
		"us-eo13526 S": {"SECRET", "S", "(S)", "secret"},
	} {
		country := strings.ToUpper(want[:2])
		for _, s := range spellings {
			sub := d.subject(t, "de-cert", indicator(said(country, country, s)))
			if l := sub.Handling().Levels; sub.Problem() != nil || len(l) != 1 || l[0].Scheme+" "+l[0].Code != want || l[0].Label != strings.Trim(s, "()") {
				t.Errorf("%q: %+v, %v", s, l, sub.Problem())
			}
		}
	}
}

// A policy of FIRST IEP 2.0 in tags is one policy: all of it counts, and with a
// field missing none is taken for kept.
func TestIEPInTags(t *testing.T) {
	d := newDemo(t)
	fields := map[string]string{"id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845", "name": "sample", "description": "a sample", "iep_version": "2.0",
		"start_date": "2026-01-01T00:00:00Z", "end_date": "null", "encrypt_in_transit": "may", "permitted_actions": "externally-visible-direct-actions",
		"affected_party_notifications": "may", "tlp": "green", "attribution": "may", "unmodified_resale": "may"}
	tags := func(changes map[string]string) object {
		all := maps.Clone(fields)
		maps.Copy(all, changes)
		var out []string
		for name, value := range all {
			if value != "" {
				out = append(out, "iep2-policy:"+name+`="`+value+`"`)
			}
		}
		return tagged(out...)
	}
	for _, b := range []border{
		{name: "the mildest", object: tags(nil), verdict: federation.Share},
		{name: "red", object: tags(map[string]string{"tlp": "red"}), verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "no resale", object: tags(map[string]string{"unmodified_resale": "must-not"}), verdict: federation.Withhold, reason: federation.Contract, rule: "contract-terms"},
		{name: "over", object: tags(map[string]string{"end_date": "2026-01-02T00:00:00Z"}), verdict: federation.Withhold, reason: federation.Expired, rule: "validity-over"},
		held("without its TLP", tags(map[string]string{"tlp": ""}), "tlp"),
		held("another version", tags(map[string]string{"iep_version": "1.0"}), "iep_version"),
		held("a field of version 1", tags(map[string]string{"commercial-use": "MUST NOT"}), "commercial-use"),
		held("a value of its own", tags(map[string]string{"permitted_actions": "everything"}), "permitted_actions"),
		held("a reference to elsewhere", tagged(`iep2-reference:url="https://iep.example/policies"`), "elsewhere"),
	} {
		t.Run(b.name, func(t *testing.T) { b.check(t, d.cross(t, b)) })
	}
}

// A marking in a definition binds a whole object, and a selected property only.
func TestDefinitionsOfSchemes(t *testing.T) {
	d := newDemo(t)
	definition := func(extension string, body object) object {
		e := object{"extension_type": "property-extension"}
		maps.Copy(e, body)
		return object{"type": "marking-definition", "spec_version": "2.1", "id": iepMarking, "created": "2026-01-05T00:00:00.000Z",
			"extensions": object{extension: e}}
	}
	cui := func(body object) object {
		all := object{"control": "CUI", "designator_ref": "identity--11111111-1111-4111-8111-111111111111"}
		maps.Copy(all, body)
		return definition("extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a", all)
	}
	acs := func(policy string, controls object) object {
		return definition("extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce", object{"identifier": "isa:guide.19001.ACS3-sample",
			"create_date_time": "2026-01-05T00:00:00Z", "responsible_entity_custodian": "USA.DHS",
			"policy_reference": "urn:isa:policy:acs:ns:v3.0?" + policy, "control_set": controls})
	}
	const free = "privdefault=permit&sharedefault=permit"
	green := tlpID(mapping.TLPGreen)
	for _, c := range []struct {
		border
		def object
	}{
		{border{name: "ACS, free", object: refs(green, iepMarking), verdict: federation.Share}, acs(free, object{"classification": "U"})},
		{notListed("ACS, no foreigners", refs(green, iepMarking), "US"), acs(free, object{"classification": "U", "formal_determination": []string{"NF"}})},
		{notListed("ACS, nationalities", refs(green, iepMarking), "CA, US"), acs(free, object{"classification": "U", "permitted_nationalities": []string{"USA", "CAN"}})},
		{notListed("ACS, sharing denied", refs(green, iepMarking), "release list"), acs("privdefault=permit&sharedefault=deny", object{"classification": "U"})},
		{border{name: "ACS, privileges", object: refs(green, iepMarking), verdict: federation.Hold, reason: federation.NotReleasable, rule: "caveat-for-people", says: "ACS ACCESS PRIVILEGES"},
			acs("privdefault=deny&sharedefault=permit", object{"classification": "U"})},
		{border{name: "ACS, classified", object: refs(green, iepMarking), verdict: federation.Withhold, reason: federation.NotReleasable, rule: "originator-consent"},
			acs(free, object{"classification": "S"})},
		{held("ACS, no defaults", refs(green, iepMarking), "two defaults"), acs("", object{"classification": "U"})},
		{held("ACS, an unknown property", refs(green, iepMarking), "x_more"), acs(free, object{"classification": "U", "x_more": []string{"A"}})},
		{held("ACS, an unknown code", refs(green, iepMarking), `"Classified"`), acs(free, object{"classification": "Classified"})},
		{held("ACS, an unknown compartment", refs(green, iepMarking), "UMBRA"), acs(free, object{"classification": "TS", "sci_controls": []string{"UMBRA"}})},
		{border{name: "CUI", object: refs(green, iepMarking), verdict: federation.Withhold, reason: federation.NotReleasable, rule: "originator-consent"}, cui(nil)},
		{held("CUI, an unknown category", refs(green, iepMarking), "SP-NOBODY"), cui(object{"categories": []string{"SP-NOBODY"}})},
		{held("CUI, an unknown property", refs(green, iepMarking), "cui_name"), cui(object{"cui_name": "CUI//SP-CTI"})},
		{border{name: "on one property", object: merged(refs(green), object{"granular_markings": []object{{"marking_ref": iepMarking, "selectors": []string{"description"}}}}),
			verdict: federation.Redact, removed: []string{"description"}, reason: federation.NotReleasable, rule: "release-list"},
			acs(free, object{"classification": "U", "formal_determination": []string{"NF"}})},
		{border{name: "a selector that points at nothing", object: merged(refs(green), object{"granular_markings": []object{{"marking_ref": iepMarking, "selectors": []string{"goals"}}}}),
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unresolved", says: "goals"}, acs(free, object{"classification": "U"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.defs = []object{c.def}
			c.check(t, d.cross(t, c.border))
		})
	}
}

// The same words on two objects of different days are read by the rules of each
// day, whichever was read first: whatever a reader remembers has to know the day.
func TestMarkingsAreReadByTheirDay(t *testing.T) {
	cuiMark := object{"type": "marking-definition", "spec_version": "2.1", "id": iepMarking, "created": "2026-01-05T00:00:00.000Z",
		"extensions": object{"extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a": object{"extension_type": "property-extension",
			"control": "CUI", "designator_ref": "identity--11111111-1111-4111-8111-111111111111"}}}
	marks := map[string]object{
		"a tag":        tagged(`fr-classif:classifiees="SECRET"`),
		"a definition": refs(tlpID(mapping.TLPGreen), iepMarking),
		"a label":      said("FR", "FR", "SECRET"),
		"one property": merged(refs(tlpID(mapping.TLPGreen)), object{"granular_markings": []object{{"marking_ref": iepMarking, "selectors": []string{"description"}}}}),
	}
	for name, mark := range marks {
		for _, days := range [][]string{{"2026-01-05", "2012-05-01"}, {"2012-05-01", "2026-01-05"}} {
			d := newDemo(t)
			for _, day := range days {
				s := d.subject(t, "de-cert", indicator(merged(mark, made(day))), cuiMark)
				if known := s.Problem() == nil; known != (day == "2026-01-05") {
					t.Errorf("%s made on %s, of %v: %v", name, day, days, s.Problem())
				}
			}
		}
	}
}
