package stix

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

func handled(more string) string {
	return indicator(`,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension"` + more + `}}`)
}

// refused is a case of what Parse has to refuse.
type refused struct {
	name, raw string
	reason    federation.Reason
	says      string
}

// refuses checks that each case is refused for its reason, in a sentence that
// says what and where.
func refuses(t *testing.T, cases []refused) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			o, err := Parse([]byte(tc.raw))
			if err == nil {
				t.Fatalf("taken: %s", o.Raw())
			}
			if r := federation.ReasonOf(err); r != tc.reason {
				t.Errorf("reason %q, want %q: %v", r, tc.reason, err)
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q does not say %q", err, tc.says)
			}
			if refusal, ok := errors.AsType[*federation.Refusal](err); !ok || refusal.Where == "" {
				t.Errorf("%q does not say where", err)
			}
		})
	}
}

func TestParseRefusesJSON(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	refuses(t, []refused{
		{"empty", "", federation.Malformed, "ends too early"},
		{"blank", " \n", federation.Malformed, "ends too early"},
		{"text", "this is not JSON", federation.Malformed, "not valid JSON"},
		{"cut short", indicator("")[:80], federation.Malformed, "ends too early"},
		{"string", `"indicator"`, federation.Malformed, "a JSON string"},
		{"list", `[]`, federation.Malformed, "a JSON list"},
		{"number", `12`, federation.Malformed, "a JSON number"},
		{"null", `null`, federation.Malformed, "a JSON null"},
		{"two objects", indicator("") + indicator(""), federation.Malformed, "something follows"},
		{"comment", "/* */" + indicator(""), federation.Malformed, "not valid JSON"},
		{"trailing comma", `{"type":"indicator",}`, federation.Malformed, "not valid JSON"},
		{"byte order mark", "\xef\xbb\xbf" + indicator(""), federation.Malformed, "not valid JSON"},
		{"invalid UTF-8", indicator(`,"name":"a` + "\xff" + `"`), federation.Malformed, "not valid JSON"},
		{"lone surrogate", indicator(`,"name":"\ud800"`), federation.Malformed, "not valid JSON"},
		{"NaN", indicator(`,"confidence":NaN`), federation.Malformed, "not valid JSON"},
		{"duplicate name", indicator(`,"name":"a","name":"a"`), federation.Malformed, "the same property name twice"},
		{"duplicate name below", indicator(`,"x_y":{"z":[{"a":1,"a":2}]}`), federation.Malformed, "the same property name twice"},
		{"duplicate name by escape", indicator(`,"name":"a","\u006eame":"b"`), federation.Malformed, "the same property name twice"},
		{"depth 1000", indicator(`,"x_deep":` + deep), federation.TooLarge, "deeper than 16"},
		{"depth 17", indicator(`,"x_deep":` + strings.Repeat("[", 16) + strings.Repeat("]", 16)), federation.TooLarge, "deeper than 16"},
		{"_sd", indicator(`,"_sd":["x"]`), federation.Malformed, "SD-JWT reserves"},
		{"_sd_alg", indicator(`,"_sd_alg":"sha-256"`), federation.Malformed, "SD-JWT reserves"},
		{"...", indicator(`,"x_list":[{"...":"x"}]`), federation.Malformed, "SD-JWT reserves"},
		{"_sd by escape", indicator(`,"x_y":{"\u005fsd":[]}`), federation.Malformed, "SD-JWT reserves"},
	})
}

func TestParseRefusesProperties(t *testing.T) {
	const id = `"id":"indicator--00000000-0000-4000-8000-000000000001"`
	refuses(t, []refused{
		{"no type", `{` + id + `}`, federation.Malformed, "there is no type"},
		{"type a number", `{"type":1,` + id + `}`, federation.Malformed, "string is needed"},
		{"a bundle", `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001"}`, federation.Malformed, "a bundle stands where"},
		{"no id", `{"type":"indicator"}`, federation.Malformed, "there is no id"},
		{"id a list", `{"type":"indicator","id":[]}`, federation.Malformed, "string is needed"},
		{"id without uuid", `{"type":"indicator","id":"indicator--1"}`, federation.Malformed, "not of the form"},
		{"id with one hyphen", `{"type":"indicator","id":"indicator-00000000-0000-4000-8000-000000000001"}`, federation.Malformed, "not of the form"},
		{"id in upper case", `{"type":"indicator","id":"indicator--0000000A-0000-4000-8000-000000000001"}`, federation.Malformed, "not of the form"},
		{"id with blanks", `{"type":"indicator","id":" indicator--00000000-0000-4000-8000-000000000001"}`, federation.Malformed, "not of the form"},
		{"id of another type", `{"type":"malware",` + id + `}`, federation.Malformed, "the id is of a indicator"},
		{"no spec_version", strings.Replace(indicator(""), `"spec_version":"2.1",`, "", 1), federation.Malformed, "STIX 2.0 and earlier"},
		{"spec_version 2.0", strings.Replace(indicator(""), `"2.1"`, `"2.0"`, 1), federation.Unsupported, "only 2.1"},
		{"spec_version a number", strings.Replace(indicator(""), `"2.1"`, `2.1`, 1), federation.Malformed, "string is needed"},
		{"time with offset", strings.Replace(indicator(""), "31.000Z", "31+01:00", 1), federation.Malformed, "not a timestamp"},
		{"time with comma", strings.Replace(indicator(""), "31.000Z", "31,000Z", 1), federation.Malformed, "not a timestamp"},
		{"time with blank", strings.Replace(indicator(""), "05T08", "05 08", 1), federation.Malformed, "not a timestamp"},
		{"time without zone", strings.Replace(indicator(""), "31.000Z", "31", 1), federation.Malformed, "not a timestamp"},
		{"30 February", strings.Replace(indicator(""), "2026-01-05", "2026-02-30", 1), federation.Malformed, "not a timestamp"},
		{"time a number", strings.Replace(indicator(""), `"2026-01-05T08:12:31.000Z"`, `1767600751`, 1), federation.Malformed, "timestamp is needed"},
		{"modified before created", strings.Replace(indicator(""), `"modified":"2026`, `"modified":"2025`, 1), federation.Malformed, "earlier than created"},
		{"valid for no time", indicator(`,"valid_until":"2026-01-05T08:12:31Z"`), federation.Malformed, "not later than valid_from"},
		{"revoked a string", indicator(`,"revoked":"true"`), federation.Malformed, "boolean is needed"},
		{"lang a list", indicator(`,"lang":["de"]`), federation.Malformed, "string is needed"},
		{"pattern a list", strings.Replace(indicator(""), `"pattern":"[ipv4-addr:value = '192.0.2.1']"`, `"pattern":[]`, 1), federation.Malformed, "string is needed"},
		{"labels a string", indicator(`,"labels":"phishing"`), federation.Malformed, "list of strings"},
		{"labels empty", indicator(`,"labels":[]`), federation.Malformed, "an empty list"},
		{"labels with a list", indicator(`,"labels":["a",["b"]]`), federation.Malformed, "not every element"},
		{"confidence 101", indicator(`,"confidence":101`), federation.Malformed, "0 to 100"},
		{"confidence a fraction", indicator(`,"confidence":0.5`), federation.Malformed, "0 to 100"},
	})
}

func TestParseRefusesMarkings(t *testing.T) {
	refuses(t, []refused{
		{"marking not an id", indicator(`,"object_marking_refs":["TLP:GREEN"]`), federation.Malformed, "not the id of a marking"},
		{"marking of another type", indicator(`,"object_marking_refs":["identity--00000000-0000-4000-8000-000000000001"]`), federation.Malformed, "not the id of a marking"},
		{"markings empty", indicator(`,"object_marking_refs":[]`), federation.Malformed, "an empty list"},
		{"granular an object", indicator(`,"granular_markings":{}`), federation.Malformed, "list is needed"},
		{"granular empty", indicator(`,"granular_markings":[]`), federation.Malformed, "an empty list"},
		{"granular without selectors", indicator(`,"granular_markings":[{"lang":"de"}]`), federation.Malformed, "without selectors"},
		{"granular without either", indicator(`,"granular_markings":[{"selectors":["pattern"]}]`), federation.Malformed, "either marking_ref or lang"},
		{"granular with both", indicator(`,"granular_markings":[{"lang":"de","marking_ref":"marking-definition--00000000-0000-4000-8000-000000000001","selectors":["pattern"]}]`),
			federation.Malformed, "either marking_ref or lang"},
		{"granular unknown key", indicator(`,"granular_markings":[{"lang":"de","selectors":["pattern"],"except":["id"]}]`), federation.Malformed, "unknown key"},
		{"granular not a marking", indicator(`,"granular_markings":[{"marking_ref":"x","selectors":["pattern"]}]`), federation.Malformed, "not the id of a marking"},
		{"selectors without end", indicator(`,"granular_markings":[{"lang":"de","selectors":[` + strings.Repeat(`"name",`, 2048) + `"name"]}]`), federation.TooLarge, "selectors"},
		{"reference not an id", indicator(`,"created_by_ref":"CERT"`), federation.Malformed, "not an id"},
		{"name with a dot", indicator(`,"extensions.x":1`), federation.Malformed, "must not be empty or hold dots"},
		{"name with a bracket", indicator(`,"labels[0]":1`), federation.Malformed, "must not be empty or hold dots"},
		{"empty name", indicator(`,"":1`), federation.Malformed, "must not be empty or hold dots"},
		{"extensions a list", indicator(`,"extensions":[]`), federation.Malformed, "dictionary is needed"},
		{"extensions empty", indicator(`,"extensions":{}`), federation.Malformed, "an empty dictionary"},
		{"extension a string", indicator(`,"extensions":{"x-ext":"y"}`), federation.Malformed, "dictionary is needed"},
		{"extension with a dot", indicator(`,"extensions":{"` + HandlingExtension + `.note":{}}`), federation.Malformed, "must not be empty or hold dots"},
	})
}

func TestParseRefusesHandling(t *testing.T) {
	refuses(t, []refused{
		{"handling without its type", indicator(`,"extensions":{"` + HandlingExtension + `":{"origin":"DE"}}`), federation.Malformed, "no extension_type"},
		{"handling of another type", indicator(`,"extensions":{"` + HandlingExtension + `":{"extension_type":"new-sdo"}}`), federation.Malformed, "property-extension"},
		{"handling unknown key", handled(`,"residancy":["EU"]`), federation.Malformed, "not known here"},
		{"origin a list", handled(`,"origin":["DE"]`), federation.Malformed, "string is needed"},
		{"origin empty", handled(`,"origin":""`), federation.Malformed, "an empty string"},
		{"classification null", handled(`,"classification":null`), federation.Malformed, "string is needed"},
		{"residency a string", handled(`,"residency":"EU"`), federation.Malformed, "list of strings"},
		{"residency with a number", handled(`,"residency":["EU",1]`), federation.Malformed, "not every element"},
		{"release list empty", handled(`,"releasable_to":[]`), federation.Malformed, "an empty list"},
		{"retain_days a string", handled(`,"retain_days":"30"`), federation.Malformed, "whole number"},
		{"retain_days a fraction", handled(`,"retain_days":1e2`), federation.Malformed, "whole number"},
		{"retain_days 0", handled(`,"retain_days":0`), federation.Malformed, "whole number"},
		{"retain_days negative", handled(`,"retain_days":-1`), federation.Malformed, "whole number"},
		{"retain_days without end", handled(`,"retain_days":99999999999999999999`), federation.Malformed, "whole number"},
		{"personal_data a string", handled(`,"personal_data":"no"`), federation.Malformed, "boolean is needed"},
		{"personal_data a number", handled(`,"personal_data":0`), federation.Malformed, "boolean is needed"},
		{"note a string", handled(`,"note":"text"`), federation.Malformed, "dictionary is needed"},
		{"note unknown key", handled(`,"note":{"text":"a"}`), federation.Malformed, "abstract, content and contacts"},
		{"contacts a string", handled(`,"note":{"contacts":"a"}`), federation.Malformed, "list of strings"},
	})
}

// An error must not repeat a long input.
func TestRefusalsAreShort(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, raw := range []string{
		indicator(`,"` + long + `.":1`),
		indicator(`,"created_by_ref":"` + long + `"`),
		`{"type":"` + long + `","id":"` + long + `"}`,
		handled(`,"` + long + `":1`),
		indicator(`,"` + long + `":1,"` + long + `":1`),
		indicator(`,"granular_markings":[{"` + long + `":1}]`),
	} {
		if _, err := Parse([]byte(raw)); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%.80s: an error of %d bytes", raw, len(fmt.Sprint(err)))
		}
	}
}

func TestParseKeepsWhatItDoesNotKnow(t *testing.T) {
	raw := indicator(`,"x_big":12345678901234567890.10,"x_exp":1E+2,"x_text":"\u00e4\/","x_null":null,"x_empty":{}`)
	o := parse1(t, "\n "+raw+" \n")
	if string(o.Raw()) != raw {
		t.Errorf("the bytes changed:\n%s\n%s", o.Raw(), raw)
	}
	for path, want := range map[string]string{"x_big": "12345678901234567890.10", "x_exp": "1E+2", "x_text": `"\u00e4\/"`} {
		if got, ok := o.Get(path); !ok || string(got) != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if text, ok := o.Text("x_text"); !ok || text != "ä/" {
		t.Errorf("x_text: %q", text)
	}
	if _, ok := o.Text("x_big"); ok {
		t.Error("a number is given as text")
	}
}

func TestParseReads(t *testing.T) {
	o := parse1(t, benchIndicator)
	until, ok := o.ValidUntil()
	confidence, stated := o.Confidence()
	from, _ := o.ValidFrom()
	for _, tc := range []struct {
		what string
		got  any
		want any
	}{
		{"id", o.ID(), "indicator--6f7a2f2c-7a5e-4a3e-9d5c-0c5f6d1e2b3a"},
		{"type", o.Type(), "indicator"},
		{"version", o.Version(), "2026-01-05T08:12:31Z"},
		{"created", o.Created(), time.Date(2026, 1, 5, 8, 12, 31, 0, time.UTC)},
		{"modified", o.Modified(), time.Date(2026, 1, 5, 8, 12, 31, 0, time.UTC)},
		{"from", from, time.Date(2026, 1, 5, 8, 12, 31, 0, time.UTC)},
		{"until", until, time.Date(2026, 3, 5, 8, 12, 31, 0, time.UTC)},
		{"until stated", ok, true},
		{"revoked", o.Revoked(), false},
		{"lang", o.Lang(), "de"},
		{"confidence", confidence, 75},
		{"confidence stated", stated, true},
		{"observable", o.Observable(), false},
		{"markings", fmt.Sprint(o.MarkingRefs()), "[marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb]"},
		{"origin", o.Handling().Origin, "DE"},
		{"scheme", o.Handling().Scheme, "de-vs"},
		{"classification", o.Handling().Classification, "offen"},
		{"retain", o.Handling().RetainDays, 90},
		{"personal", *o.Handling().PersonalData, false},
		{"note", *o.Handling().Note, Note{Abstract: "Phishing", Content: "Die Probe meldet sich alle zehn Minuten bei diesem Wert."}},
	} {
		if fmt.Sprint(tc.got) != fmt.Sprint(tc.want) {
			t.Errorf("%s: %v, want %v", tc.what, tc.got, tc.want)
		}
	}
	if _, stated := parse1(t, indicator("")).Confidence(); stated {
		t.Error("a confidence that nobody stated")
	}
	if !parse1(t, indicator(`,"revoked":true`)).Revoked() {
		t.Error("revoked is not read")
	}
}

func TestParseReadsAllOfHandling(t *testing.T) {
	h := parse1(t, handled(`,"caveats":["REL TO USA"],"releasable_to":["DE","PL"],"residency":["EU"],"purpose":["defence"],`+
		`"contract":"C-1","default_marking":"feed","note":{"contacts":["a","b"]}`)).Handling()
	got := fmt.Sprint(h.Caveats, h.ReleasableTo, h.Residency, h.Purpose, " "+h.Contract+" "+h.DefaultMarking+" ", h.Note.Contacts, h.PersonalData == nil)
	if want := "[REL TO USA] [DE PL] [EU] [defence] C-1 feed [a b] true"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if parse1(t, indicator("")).Handling() != nil {
		t.Error("a handling without the extension")
	}
}

// Two spellings of one moment are one version, so that nobody can have two
// contents for one version by spelling it twice.
func TestVersionIsTheMoment(t *testing.T) {
	versions := map[string]bool{}
	for _, m := range []string{"2026-01-06T00:00:00Z", "2026-01-06T00:00:00.0Z", "2026-01-06T00:00:00.000000Z"} {
		versions[parse1(t, strings.Replace(indicator(""), `"modified":"2026-01-05T08:12:31.000Z"`, `"modified":"`+m+`"`, 1)).Version()] = true
	}
	if len(versions) != 1 {
		t.Errorf("versions %v", versions)
	}
	ip := parse1(t, `{"type":"ipv4-addr","id":"ipv4-addr--00000000-0000-4000-8000-000000000001","value":"192.0.2.1"}`)
	if ip.Version() != "" || !ip.Observable() {
		t.Errorf("an observable of version %q", ip.Version())
	}
}

func TestParseBoundsSize(t *testing.T) {
	start := time.Now()
	_, err := Parse(make([]byte, 100<<20))
	if federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("100 MiB: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("100 MiB took %v to refuse", took)
	}
}

func TestGet(t *testing.T) {
	o := parse1(t, indicator(`,"labels":["a","b"],"x_map":{"a.b":{"c":1},"a":{"b":{"c":2},"d":3},"list":[[{"e":4}]]},"\u0078_esc":5`))
	for _, tc := range []struct{ path, want string }{
		{"labels.[1]", `"b"`},
		{"labels.[2]", ""},
		{"labels.[01]", ""},
		{"labels.1", ""},
		{"x_map.a.d", "3"},
		{"x_map.a.b.c", "1"}, // the first that matches in the order written
		{"x_map.list.[0].[0].e", "4"},
		{"x_map.list.[0].e", ""},
		{"x_esc", "5"},
		{"", ""},
		{".", ""},
		{"labels.", ""},
		{"name", ""},
	} {
		got, ok := o.Get(tc.path)
		if string(got) != tc.want || ok != (tc.want != "") {
			t.Errorf("%q: %s %t, want %s", tc.path, got, ok, tc.want)
		}
	}
}

// Parsing is safe for what it keeps: the same bytes read twice by many.
func TestParseConcurrently(t *testing.T) {
	done := make(chan error)
	for range 8 {
		go func() {
			for range 200 {
				o, err := Parse([]byte(benchIndicator))
				if err == nil && (len(o.Units()) != 31 || !bytes.Equal(o.Raw(), []byte(benchIndicator))) {
					err = errors.New("another object came out")
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
