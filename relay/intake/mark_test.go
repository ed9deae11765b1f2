package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"

	"pgregory.net/rapid"
)

// shows renders how an object is marked: "green by partner-feed".
func shows(o *stix.Object) string {
	var refs []string
	for _, id := range o.MarkingRefs() {
		switch id {
		case green:
			id = "green"
		case amber:
			id = "amber"
		case red:
			id = "red"
		case amber1:
			id = "amber1"
		}
		refs = append(refs, id)
	}
	s := strings.Join(refs, "+")
	if h := o.Handling(); h != nil && h.DefaultMarking != "" {
		s += " by " + h.DefaultMarking
	}
	return s
}

func rel(n int, from, to, more string) string {
	return sdo("relationship", n, fmt.Sprintf(`,"relationship_type":"related-to","source_ref":%q,"target_ref":%q`, from, to)+more)
}

func ip(n int, more string) string {
	return fmt.Sprintf(`{"type":"ipv4-addr","id":%q,"value":"192.0.2.%d"%s}`, sid("ipv4-addr", n), n, more)
}

func observed1(n, of int, more string) string {
	return sdo("observed-data", n, fmt.Sprintf(`,"first_observed":"2026-01-05T08:00:00Z","last_observed":"2026-01-05T08:00:00Z","number_observed":1,"object_refs":[%q]`, sid("ipv4-addr", of))+more)
}

func handlingExt(more string) string {
	return `,"extensions":{"` + stix.HandlingExtension + `":{"extension_type":"property-extension"` + more + `}}`
}

func TestMarking(t *testing.T) {
	identity := sdo("identity", 1, `,"name":"Example CERT","identity_class":"organization"`)
	by := `,"created_by_ref":"` + sid("identity", 1) + `"`
	statement := `{"type":"marking-definition","spec_version":"2.1","id":"` + sid("marking-definition", 1) + `","created":"2026-01-05T08:00:00Z",` +
		`"definition_type":"statement","definition":{"statement":"Copyright"}}`
	for _, tc := range []struct {
		name    string
		profile *Profile
		objects []string
		want    []string // per object: how it is marked, or "held:reason"
	}{
		{"marked stays", amberFeed(), []string{indicator(1, markedWith(green))}, []string{"green"}},
		{"unmarked, profile", amberFeed(), []string{indicator(1, "")}, []string{"amber by partner-feed"}},
		{"unmarked, no profile", nil, []string{indicator(1, "")}, []string{"held:unmarked"}},
		{"statement only, profile", amberFeed(), []string{statement, indicator(1, markedWith(sid("marking-definition", 1)))},
			[]string{"", sid("marking-definition", 1) + "+amber by partner-feed"}},
		{"statement only, no profile", nil, []string{statement, indicator(1, markedWith(sid("marking-definition", 1)))}, []string{"", "held:unmarked"}},
		{"unknown marking is no default", amberFeed(), []string{indicator(1, markedWith(sid("marking-definition", 7)))}, []string{sid("marking-definition", 7)}},
		{"TLP in a label", amberFeed(), []string{indicator(1, `,"labels":["tlp:green"]`)}, []string{""}},
		{"unclear TLP in a label is no default", amberFeed(), []string{indicator(1, `,"labels":["tlp:unclear"]`)}, []string{""}},
		{"ordinary label", amberFeed(), []string{indicator(1, `,"labels":["rsit:phishing"]`)}, []string{"amber by partner-feed"}},
		{"definitions need none", nil, []string{statement}, []string{""}},
		{"granular is not the whole", nil, []string{indicator(1, `,"name":"n","granular_markings":[{"marking_ref":"`+red+`","selectors":["name"]}]`)}, []string{"held:unmarked"}},

		{"creator takes the join", nil, []string{identity, indicator(1, by+markedWith(green)), indicator(2, by+markedWith(amber))},
			[]string{"amber by from-references", "green", "amber"}},
		{"creator, one unmarked", nil, []string{identity, indicator(1, by+markedWith(green)), indicator(2, by)}, []string{"held:unmarked", "green", "held:unmarked"}},
		{"creator, one by profile", amberFeed(), []string{identity, indicator(1, by+markedWith(green)), indicator(2, by)},
			[]string{"amber by partner-feed", "green", "amber by partner-feed"}},
		{"creator of something not understood", amberFeed(), []string{identity, indicator(1, by+markedWith(green)), indicator(2, by+markedWith(sid("marking-definition", 7)))},
			[]string{"held:unknown-marking", "green", sid("marking-definition", 7)}},
		{"creator of nothing", amberFeed(), []string{identity}, []string{"amber by partner-feed"}},
		{"creator of nothing, no profile", nil, []string{identity}, []string{"held:unmarked"}},
		{"marked identity stays", amberFeed(), []string{sdo("identity", 1, `,"name":"n"`+markedWith(green)), indicator(1, by+markedWith(red))}, []string{"green", "red"}},

		{"relationship", nil, []string{indicator(1, markedWith(green)), sdo("malware", 1, `,"is_family":false`+markedWith(red)), rel(1, sid("indicator", 1), sid("malware", 1), "")},
			[]string{"green", "red", "red by from-references"}},
		{"relationship to something that waits", nil, []string{indicator(1, markedWith(green)), sdo("malware", 1, `,"is_family":false`), rel(1, sid("indicator", 1), sid("malware", 1), "")},
			[]string{"green", "held:unmarked", "held:unmarked"}},
		{"relationship to what is elsewhere", nil, []string{indicator(1, markedWith(green)), rel(1, sid("indicator", 1), sid("malware", 1), "")}, []string{"green", "green by from-references"}},
		{"relationship of nothing here", nil, []string{rel(1, sid("indicator", 1), sid("malware", 1), "")}, []string{"held:unmarked"}},
		{"relationship is not narrowed by a busy end", nil, []string{identity, indicator(1, by+markedWith(red)), indicator(2, markedWith(green)), rel(1, sid("indicator", 2), sid("identity", 1), "")},
			[]string{"red by from-references", "red", "green", "green by from-references"}},

		{"observable", nil, []string{ip(1, ""), observed1(1, 1, markedWith(green)), observed1(2, 1, markedWith(red))}, []string{"red by from-references", "green", "red"}},
		{"chain of observables", nil, []string{ip(1, ""),
			`{"type":"network-traffic","id":"` + sid("network-traffic", 1) + `","protocols":["ipv4"],"dst_ref":"` + sid("ipv4-addr", 1) + `"}`,
			sdo("observed-data", 1, `,"first_observed":"2026-01-05T08:00:00Z","last_observed":"2026-01-05T08:00:00Z","number_observed":1,"object_refs":["`+sid("network-traffic", 1)+`"]`+markedWith(red))},
			[]string{"red by from-references", "red by from-references", "red"}},
		{"a ring of context", amberFeed(), []string{
			`{"type":"directory","id":"` + sid("directory", 1) + `","path":"/a","contains_refs":["` + sid("directory", 2) + `"]}`,
			`{"type":"directory","id":"` + sid("directory", 2) + `","path":"/b","contains_refs":["` + sid("directory", 1) + `"]}`},
			[]string{"amber by partner-feed", "amber by partner-feed"}},
		{"granular marking on the reference", nil, []string{identity, indicator(1, by+markedWith(green)+`,"granular_markings":[{"marking_ref":"`+red+`","selectors":["created_by_ref"]}]`)},
			[]string{"red by from-references", "green"}},
		{"granular marking elsewhere", nil, []string{identity, indicator(1, by+markedWith(green)+`,"name":"n","granular_markings":[{"marking_ref":"`+red+`","selectors":["name"]}]`)},
			[]string{"green by from-references", "green"}},
		{"TLP 1.0 stays what it is", nil, []string{identity, indicator(1, by+markedWith(amber1))}, []string{"amber1 by from-references", "amber1"}},
		{"label of the referrer", nil, []string{identity, indicator(1, by+`,"labels":["tlp:red"]`)}, []string{"red by from-references", ""}},
		{"sighting", nil, []string{indicator(1, markedWith(amber)), sdo("sighting", 1, `,"sighting_of_ref":"`+sid("indicator", 1)+`"`)}, []string{"amber", "amber by from-references"}},
		{"translation", nil, []string{indicator(1, markedWith(red)), sdo("language-content", 1, `,"object_ref":"`+sid("indicator", 1)+`","contents":{"de":{"name":"x"}}`)},
			[]string{"red", "red by from-references"}},
		{"report is no context", nil, []string{sdo("report", 1, `,"name":"n","published":"2026-01-05T08:00:00Z","object_refs":["`+sid("indicator", 1)+`"]`), indicator(1, markedWith(green))},
			[]string{"held:unmarked", "green"}},
		{"its own narrower part counts", nil, []string{ip(1, handlingExt(`,"residency":["DE"]`)), observed1(1, 1, markedWith(green))}, []string{"green by from-references", "green"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, bundle(tc.objects...), tc.profile)
			taken := 0
			for i, it := range res.Items {
				got := string(it.Outcome) + ":" + string(it.Reason)
				if it.Outcome == Taken {
					got = shows(res.Taken[taken])
					taken++
				}
				if got != tc.want[i] {
					t.Errorf("object %d: got %q, want %q (%s)", i, got, tc.want[i], it.Text)
				}
			}
		})
	}
}

// What protects the referrer protects its context; what cannot be joined waits.
func TestHandlingPassesOn(t *testing.T) {
	vs := `,"origin":"DE","scheme":"de-vs","classification":"VS-NfD"`
	for _, tc := range []struct{ name, a, b, want string }{
		{"classification", vs, "", `DE de-vs VS-NfD [] [] [] [] 0 `},
		{"same classification", vs, vs, `DE de-vs VS-NfD [] [] [] [] 0 `},
		{"two classifications", vs, `,"origin":"PL","scheme":"pl-national","classification":"ZASTRZEŻONE"`, "held-for-person"},
		{"lists intersect", `,"residency":["EU","CH"],"releasable_to":["DE","PL"],"purpose":["defence","research"]`,
			`,"residency":["CH","US"],"releasable_to":["PL"],"purpose":["research"]`, `   [] [PL] [CH] [research] 0 `},
		{"one list", `,"residency":["EU"]`, "", `   [] [] [EU] [] 0 `},
		{"nothing left", `,"residency":["EU"]`, `,"residency":["US"]`, "held-for-person"},
		{"nobody left", `,"releasable_to":["DE"]`, `,"releasable_to":["US"]`, "held-for-person"},
		{"caveats add up", `,"caveats":["B","A"]`, `,"caveats":["C","A"]`, `   [A B C] [] [] [] 0 `},
		{"shorter time", `,"retain_days":90`, `,"retain_days":30`, `   [] [] [] [] 30 `},
		{"a time", `,"retain_days":90`, "", `   [] [] [] [] 90 `},
		{"contract", `,"contract":"C-1"`, "", `   [] [] [] [] 0 C-1`},
		{"two contracts", `,"contract":"C-1"`, `,"contract":"C-2"`, "held-for-person"},
		{"an origin alone", `,"origin":"DE"`, `,"origin":"PL"`, `   [] [] [] [] 0 `},
		{"personal data stays behind", `,"personal_data":true`, "", `   [] [] [] [] 0 `},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, bundle(ip(1, ""), observed1(1, 1, markedWith(green)+handlingExt(tc.a)), observed1(2, 1, markedWith(green)+handlingExt(tc.b))), nil)
			if it := res.Items[0]; it.Outcome != Taken {
				if string(it.Reason) != tc.want {
					t.Errorf("%s %s", it.Reason, it.Text)
				}
				return
			}
			h := res.Taken[0].Handling()
			got := fmt.Sprintf("%s %s %s %v %v %v %v %d %s", h.Origin, h.Scheme, h.Classification, h.Caveats, h.ReleasableTo, h.Residency, h.Purpose, h.RetainDays, h.Contract)
			if got != tc.want || h.PersonalData != nil {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	for _, bad := range []Profile{
		{}, {Name: "x"}, {Name: "x", DefaultMarking: "AMBER"}, {Name: "x", DefaultMarking: "TLP:WHITE"}, {Name: "x", DefaultMarking: "TLP:ORANGE"},
		{Name: "x", DefaultMarking: "PAP:RED"}, {Name: "", DefaultMarking: "TLP:RED"}, {Name: FromReferences, DefaultMarking: "TLP:RED"},
	} {
		if _, err := Read([]byte(bundle(indicator(1, ""))), "f", &bad, now); federation.ReasonOf(err) != federation.UnknownMarking {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, label := range []string{"TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", "tlp:green"} {
		res := read(t, bundle(indicator(1, "")), &Profile{Name: "x", DefaultMarking: label})
		if h, ok := marking.WellKnown(res.Taken[0].MarkingRefs()[0]); !ok || !strings.EqualFold(h.TLP.String(), label) {
			t.Errorf("%s became %v", label, h.TLP)
		}
	}
}

// Whatever refers to whatever, in whatever order: no context object is less
// protected than anything that refers to it, and the order does not matter.
func TestContextIsNeverWider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const identities = 3
		n := rapid.IntRange(1, 8).Draw(t, "indicators")
		var objects []string
		for i := range identities {
			objects = append(objects, sdo("identity", i, `,"name":"n"`))
		}
		refers := map[string][]string{}
		for i := range n {
			tlp := rapid.SampledFrom([]string{green, amber, red, amber1}).Draw(t, "tlp")
			who := sid("identity", rapid.IntRange(0, identities-1).Draw(t, "who"))
			objects = append(objects, indicator(i, `,"created_by_ref":"`+who+`"`+markedWith(tlp)))
			refers[who] = append(refers[who], tlp)
		}
		objects = rapid.Permutation(objects).Draw(t, "order")
		res, err := Read([]byte(bundle(objects...)), "f", nil, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range res.Taken {
			if o.Type() != "identity" {
				continue
			}
			var want, got mapping.Handling
			for _, r := range refers[o.ID()] {
				h, _ := marking.WellKnown(r)
				want = mapping.Join(want, h)
			}
			for _, r := range o.MarkingRefs() {
				h, _ := marking.WellKnown(r)
				got = mapping.Join(got, h)
			}
			if got.TLP != want.TLP {
				t.Fatalf("%s is %v, want %v", o.ID(), got.TLP, want.TLP)
			}
		}
		for _, o := range res.Held {
			if len(refers[o.ID()]) > 0 {
				t.Fatalf("%s is held", o.ID())
			}
		}
	})
}

// What tags of classification schemes say of a referrer protects its context too,
// as facts; what no fact can say keeps the context waiting.
func TestTagsPassOn(t *testing.T) {
	for _, tc := range []struct{ name, tags, want string }{
		{"a level", `nato:classification=\"NS\"`, ` nato NS []`},
		{"a level with a compartment", `nato:classification=\"CTS-A\"`, ` nato CTS [ATOMAL]`},
		{"a control", `dni-ism:dissem=\"NF\"`, `   [NF]`},
		{"a level and a control", `dni-ism:classification:us=\"S\"","dni-ism:dissem=\"NF\"`, ` us-eo13526 S [NF]`},
		{"a code word", `de-vs:Schutzwort=\"AMBOSS\"`, `   [Schutzwort AMBOSS]`},
		{"consent", `ais-marking:AISConsent=\"NONE\"`, `   [AIS CONSENT NONE]`},
		{"nothing that binds", `dni-ism:complies:with=\"USGov\"`, `   []`},
		{"two levels", `nato:classification=\"NS\"","de-vs:Einstufung=\"GEHEIM\"`, "unknown-marking"},
		{"near its spelling", `nato:classification=\"ns\"`, "unknown-marking"},
		{"a policy that is not whole", `iep2-policy:unmodified_resale=\"must-not\"`, "unknown-marking"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, bundle(ip(1, ""), observed1(1, 1, markedWith(green)+`,"labels":["`+tc.tags+`"]`)), nil)
			if it := res.Items[0]; it.Outcome != Taken {
				if string(it.Reason) != tc.want {
					t.Errorf("%s %s", it.Reason, it.Text)
				}
				return
			}
			h := res.Taken[0].Handling()
			if got := fmt.Sprintf(" %s %s %v", h.Scheme, h.Classification, h.Caveats); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
