package intake

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

var now = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

const (
	green  = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
	amber  = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	red    = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
	amber1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
)

func amberFeed() *Profile { return &Profile{Name: "partner-feed", DefaultMarking: "TLP:AMBER"} }

// sid returns a STIX id with a random UUID.
func sid(typ string, n int) string { return fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", typ, n) }

// sdo returns a STIX domain or relationship object.
func sdo(typ string, n int, more string) string {
	return fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":%q,"created":"2026-01-05T08:00:00Z","modified":"2026-01-05T08:00:00Z"%s}`, typ, sid(typ, n), more)
}

func indicator(n int, more string) string {
	return sdo("indicator", n, fmt.Sprintf(`,"pattern":"[ipv4-addr:value = '192.0.2.%d']","pattern_type":"stix","valid_from":"2026-01-05T08:00:00Z"`, n)+more)
}

func markedWith(ids ...string) string {
	raw, _ := json.Marshal(ids)
	return `,"object_marking_refs":` + string(raw)
}

func bundle(objects ...string) string {
	return `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`
}

// read reads a file that as a whole is good, and checks that its items add up.
func read(t testing.TB, data string, p *Profile) *Result {
	t.Helper()
	res, err := Read([]byte(data), "input", p, now)
	if err != nil {
		t.Fatal(err)
	}
	addUp(t, res)
	return res
}

// addUp checks that nothing was dropped or counted twice: the objects taken
// and held stand in the order of their items, and all else has a reason.
func addUp(t testing.TB, res *Result) {
	t.Helper()
	taken, held := 0, 0
	for i, it := range res.Items {
		if it.Index != i {
			t.Errorf("item %d has index %d", i, it.Index)
		}
		switch it.Outcome {
		case Taken:
			if it.Reason != "" || it.Text != "" || it.ID == "" {
				t.Errorf("taken, but %+v", it)
			}
			if taken >= len(res.Taken) || res.Taken[taken].ID() != it.ID {
				t.Fatalf("item %d is taken, but not the object %d", i, taken)
			}
			taken++
			continue
		case Held:
			if held >= len(res.Held) || res.Held[held].ID() != it.ID {
				t.Fatalf("item %d is held, but not the object %d", i, held)
			}
			held++
		case Refused, Duplicate:
		default:
			t.Errorf("item %d: outcome %q", i, it.Outcome)
		}
		if !it.Reason.Valid() || it.Text == "" {
			t.Errorf("item %d is %s without a reason: %+v", i, it.Outcome, it)
		}
	}
	if taken != len(res.Taken) || held != len(res.Held) {
		t.Errorf("%d taken and %d held items for %d and %d objects", taken, held, len(res.Taken), len(res.Held))
	}
}

// outcomes renders the items: "taken held:unmarked refused:malformed".
func outcomes(res *Result) string {
	var out []string
	for _, it := range res.Items {
		s := string(it.Outcome)
		if it.Reason != "" && it.Outcome != Duplicate {
			s += ":" + string(it.Reason)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestReadFormats(t *testing.T) {
	a, b := indicator(1, markedWith(green)), indicator(2, markedWith(green))
	for name, data := range map[string]string{
		"bundle":             bundle(a, b),
		"bundle, pretty":     strings.ReplaceAll(bundle(a, b), ",", " ,\n\t"),
		"byte order mark":    "\xef\xbb\xbf" + bundle(a, b),
		"list":               "[" + a + ",\n" + b + "]",
		"JSON lines":         a + "\n" + b + "\n",
		"with blank lines":   "\r\n" + a + "\r\n\r\n" + b,
		"lines of bundles":   bundle(a) + "\n" + bundle(b),
		"object and bundle":  a + "\n" + bundle(b),
		"list with a bundle": "[" + bundle(a, b) + "]",
	} {
		t.Run(name, func(t *testing.T) {
			if got := outcomes(read(t, data, nil)); got != "taken taken" {
				t.Error(got)
			}
		})
	}
	if got := outcomes(read(t, a, nil)); got != "taken" {
		t.Errorf("bare object: %s", got)
	}
}

func TestReadRefusesFiles(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		reason     federation.Reason
		says       string
	}{
		{"empty", "", federation.Malformed, "empty"},
		{"blank", " \n\t", federation.Malformed, "empty"},
		{"binary", "PK\x03\x04\xff\xfe", federation.Malformed, "neither JSON nor UTF-8"},
		{"prose", "Dear colleagues,\nplease block this.", federation.Unsupported, "known columns"},
		{"cut short", bundle(indicator(1, ""))[:100], federation.Malformed, "not valid JSON"},
		{"pretty and cut short", "{\n\"type\": \"bundle\",\n\"objects\": [", federation.Malformed, "not valid JSON"},
		{"two values on many lines", "{\n}\n{\n}", federation.Malformed, "one value a line"},
		{"something else", `{"hello":"world"}`, federation.Unsupported, "members hello"},
		{"STIX 2.0", `{"type":"bundle","spec_version":"2.0","objects":[]}`, federation.Unsupported, "2.0"},
		{"TAXII", `{"/discovery":{}}`, federation.Unsupported, "TAXII"},
		{"depth", strings.Repeat("[", 100_000), federation.Malformed, "JSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, err := Read([]byte(tc.data), "feed.json", amberFeed(), now)
			if federation.ReasonOf(err) != tc.reason || !strings.Contains(fmt.Sprint(err), tc.says) || res != nil {
				t.Errorf("%v, want %s and %q", err, tc.reason, tc.says)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "feed.json") {
				t.Errorf("%v does not name the file", err)
			}
		})
	}
}

func TestReadListsBadObjects(t *testing.T) {
	good := indicator(9, markedWith(green))
	for _, tc := range []struct {
		name, data, want, says string
	}{
		{"in a bundle", bundle("1", indicator(1, `,"name":"a","name":"b"`), good, `{"type":"malware"}`), "refused:malformed refused:malformed taken refused:malformed", "no id"},
		{"depth 1000", bundle(indicator(1, `,"x":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)), good), "refused:too-large taken", "nested"},
		{"invalid UTF-8", bundle(indicator(1, `,"name":"`+"\xff"+`"`), good), "refused:malformed taken", "JSON"},
		{"reserved name", bundle(indicator(1, `,"_sd":[]`), indicator(2, `,"x":{"...":""}`), good), "refused:malformed refused:malformed taken", "SD-JWT"},
		{"handling of a wrong type", bundle(indicator(1, `,"extensions":{"`+stix.HandlingExtension+`":{"extension_type":"property-extension","residency":"EU"}}`), good),
			"refused:malformed taken", "residency"},
		{"on a line", good + "\n{broken\n" + "[]\n17\n", "taken refused:malformed refused:malformed", "line 4"},
		{"two on a line", good + "\n" + indicator(1, "") + indicator(2, ""), "taken refused:malformed", "line 2"},
		{"a line that is something else", good + "\n" + `{"a":1}`, "taken refused:unsupported", "line 2"},
		{"STIX 2.0 among others", bundle(good, strings.Replace(indicator(1, ""), `"spec_version":"2.1",`, "", 1)), "taken refused:malformed", "STIX 2.0"},
		{"selector of nothing", bundle(indicator(1, markedWith(green)+`,"granular_markings":[{"marking_ref":"`+red+`","selectors":["name"]}]`), good),
			"refused:malformed taken", `selects "name"`},
		{"selector beyond a list", bundle(indicator(1, markedWith(green)+`,"labels":["a"],"granular_markings":[{"lang":"de","selectors":["labels.[1]"]}]`), good),
			"refused:malformed taken", `labels.[1]`},
		{"from the future", bundle(strings.Replace(good, `"modified":"2026-01-05T08:00:00Z"`, `"modified":"2026-01-06T12:07:00Z"`, 1)), "refused:not-yet-valid", "future"},
		{"a little ahead", bundle(strings.Replace(good, `"modified":"2026-01-05T08:00:00Z"`, `"modified":"2026-01-06T12:05:00Z"`, 1), "{}"), "taken refused:malformed", "no type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, tc.data, nil)
			if got := outcomes(res); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			found := false
			for _, it := range res.Items {
				found = found || strings.Contains(it.Text, tc.says)
			}
			if !found {
				t.Errorf("no item says %q: %+v", tc.says, res.Items)
			}
		})
	}
}

func TestReadFindsRepeats(t *testing.T) {
	a := indicator(1, markedWith(green)+`,"name":"\u00e4","confidence":50`)
	statement := func(text string) string {
		return `{"type":"marking-definition","spec_version":"2.1","id":"` + sid("marking-definition", 1) + `","created":"2026-01-05T08:00:00Z",` +
			`"definition_type":"statement","definition":{"statement":"` + text + `"}}`
	}
	for _, tc := range []struct{ name, data, want string }{
		{"the same", bundle(a, a), "taken duplicate"},
		{"another layout", bundle(a, strings.ReplaceAll(a, ",", " , ")), "taken duplicate"},
		{"another order and escape", bundle(a, indicator(1, `,"confidence":50,"name":"ä"`+markedWith(green))), "taken duplicate"},
		{"another version", bundle(a, strings.Replace(a, `"modified":"2026-01-05`, `"modified":"2026-01-06`, 1)), "taken taken"},
		{"other content", bundle(a, strings.Replace(a, "50", "60", 1)), "taken refused:equivocation"},
		{"other number", bundle(a, strings.Replace(a, "50", "5e1", 1)), "taken refused:malformed"},
		{"same moment, other spelling", bundle(a, strings.Replace(a, `"modified":"2026-01-05T08:00:00Z"`, `"modified":"2026-01-05T08:00:00.0Z"`, 1)), "taken refused:equivocation"},
		{"definition", bundle(statement("a"), statement("a")), "taken duplicate"},
		{"definition twice", bundle(statement("a"), strings.Replace(statement("b"), "2026-01-05", "2026-01-06", 1)), "taken refused:equivocation"},
		{"third is the same again", bundle(a, strings.Replace(a, "50", "60", 1), a), "taken refused:equivocation duplicate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := outcomes(read(t, tc.data, nil)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// What is taken has no white space between its tokens, and its numbers and
// escapes as they were written.
func TestReadKeepsSpelling(t *testing.T) {
	res := read(t, strings.ReplaceAll(bundle(indicator(1, markedWith(green)+`,"x_num":1.50,"x_text":"\u00e4 , b"`)), `","`, "\" ,\n \""), nil)
	got := string(res.Taken[0].Raw())
	if strings.Contains(got, "\n") || !strings.Contains(got, `"x_num":1.50`) || !strings.Contains(got, `"x_text":"\u00e4 , b"`) {
		t.Error(got)
	}
}

func TestReadBounds(t *testing.T) {
	start := time.Now()
	if _, err := Read(make([]byte, 100<<20), "big", nil, now); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("100 MiB: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("100 MiB took %v to refuse", took)
	}
	const most = 100_000
	var b strings.Builder
	for i := range most {
		fmt.Fprintf(&b, `{"type":"mutex","id":%q,"name":"m"}`+"\n", sid("mutex", i))
	}
	res := read(t, b.String(), amberFeed())
	if len(res.Taken) != most {
		t.Errorf("%d of %d taken", len(res.Taken), most)
	}
	if _, err := Read([]byte(b.String()+"{}"), "many", nil, now); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("one more: %v", err)
	}
}

// Every published file is taken, held or refused, object by object; with a
// source profile most of it is taken, without one all that is unmarked waits.
func TestPublishedFiles(t *testing.T) {
	for _, folder := range []string{"stix", "misp"} {
		files, err := filepath.Glob(filepath.Join(shared(t, "samples", folder), "*.json"))
		if err != nil || len(files) < 4 {
			t.Fatalf("%d files: %v", len(files), err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []*Profile{nil, amberFeed()} {
				res, err := Read(data, filepath.Base(file), p, now.AddDate(1, 0, 0)) // some files are of later in 2026
				if strings.HasPrefix(filepath.Base(file), "medallion") {
					if federation.ReasonOf(err) != federation.Unsupported {
						t.Errorf("%s: %v", file, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", file, err)
					continue
				}
				addUp(t, res)
				if n := res.Count(Held); p != nil && n > 0 {
					t.Errorf("%s: %d objects held in spite of a profile", file, n)
				}
				if p != nil && res.Count(Taken) == 0 {
					t.Errorf("%s: nothing taken", file)
				}
				for _, o := range res.Taken {
					if len(o.MarkingRefs()) == 0 && o.Type() != "marking-definition" {
						t.Errorf("%s: %s is taken without a marking", file, o.ID())
					}
				}
			}
		}
	}
}
