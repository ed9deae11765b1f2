package stix

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// quickWay looks through objects the quick way, with everything kept that may be
// kept: one examiner, and of each form the layout of the first object that had it.
type quickWay struct {
	x       *Examiner
	layouts map[string]*Layout
}

func newQuickWay() *quickWay { return &quickWay{NewExaminer(), map[string]*Layout{}} }

// differs compares the quick way with the plain one: the findings one by one,
// and the marks with what the findings come to.
func (q *quickWay) differs(o *Object, victims Victims) string {
	want := plainCategorize(o, victims)
	if got := CategorizeAmong(o, o.Units(), victims); !slices.Equal(got, want) {
		return fmt.Sprintf("findings\n%v, want\n%v", got, want)
	}
	form, common := q.x.Begin(o)
	l := q.layouts[string(form)]
	if l == nil {
		l = NewLayout(o)
		if common {
			q.layouts[string(form)] = l
		}
	}
	units := o.Units()
	marks, sums := q.x.Examine(l, victims), map[string]Mark{}
	for _, f := range want {
		m := sums[f.Path]
		m.add(markOf(f.Category, f.Holds, f.Unsure))
		sums[f.Path] = m
	}
	if len(units) != len(marks) || len(l.Units()) != len(units) {
		return fmt.Sprintf("%d units, %d of them in the layout, %d marks", len(units), len(l.Units()), len(marks))
	}
	for i, u := range units {
		if m := sums[u.Path]; marks[i] != m {
			return fmt.Sprintf("%s: %+v, want %+v", u.Path, marks[i], m)
		}
		if value := q.x.Value(i); string(value) != string(u.Value) {
			return fmt.Sprintf("%s is %s, not %s", u.Path, value, u.Value)
		}
		if u.Value = nil; fmt.Sprint(u) != fmt.Sprint(l.Units()[i]) {
			return fmt.Sprintf("unit %+v, of its layout %+v", u, l.Units()[i])
		}
		if derives := slices.Contains(o.DerivedFrom(), u.Path); derives != (o.DerivedID() && l.Derives(i)) {
			return fmt.Sprintf("%s goes into the id: %t", u.Path, derives)
		}
	}
	return q.mentions(o, l, units)
}

// mentions compares the identifiers found unit by unit, and what could go.
func (q *quickWay) mentions(o *Object, l *Layout, units []Unit) string {
	var got, want []string
	q.x.EachID(l, func(unit int, id string) { got = append(got, units[unit].Path+" "+id) })
	var spare []string
	for i, u := range units {
		if l.Spare(i) {
			spare = append(spare, u.Path)
		}
		if u.Path == "id" || u.Path == "type" {
			continue
		}
		found := func(id string) { want = append(want, u.Path+" "+id) }
		if strings.Contains(u.Name, "--") && u.Name != HandlingExtension {
			EachID([]byte(jsonText(u.Name)), found)
		}
		if !u.Container {
			EachID(u.Value, found)
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Sprintf("identifiers %v, want %v", got, want)
	}
	if lacks := o.Lacks(spare...); lacks != "" {
		return fmt.Sprintf("without %v, which are spare, it lacks %s", spare, lacks)
	}
	return ""
}

// pieces are what texts are made of: what detectors look for, what comes close,
// and what stands around it.
var pieces = []string{
	"a@b.example", "user[at]host[.]example", "user＠host．example", "x%40y.example", "@", "(at)", "+49 30 1234567", "tel. 030 123456", "Hotel 123456", "phone", "+",
	"192.0.2.1", "192[.]0[.]2[.]7", "198．51．100．7", "2001:db8::1", "::", ":", "1.2.3", "fe80::a", "12:30:45", "203.0.113.9/24",
	"44051401359", "PESEL", "pesel", "86095742719", "Steuer-ID", "4111 1111 1111 1111", "AB 12 34 56 C", "AB", "ni number", "123456 C", "DE89 3704 0044 0532 0130 00", "iban", "123-45-6789", "ssn",
	"262011234567890", "imsi", "IMEI 490154203237518", "msisdn 4915112345678", "Kundennummer 471147", "caller", "callee", "duration", "1234567",
	"patient", "diabetes", "HIV positive", "icd", "E11.9", "diagnosis", "12 EUR", "tariff", "€ 99", "offer", "price list", "ransom", "victim", "attacker", "Opfer", "被害", "料金",
	"Über", "numéro de carte", "NUMÉRO", "c2", "c&c", " ", " ", " ", "-", ".", ",", ": ", "/", "\n", `"`, `\`, "é", "\u2028", "identity--00000000-0000-4000-8000-00000000000a",
	"email-addr--00000000-0000-5000-8000-00000000000b", "x-indicator--00000000-0000-4000-8000-00000000000C", "--", "falls", "Confidence is medium", "0", "12",
}

func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 9).Draw(t, "text"), rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
}

// drawValue makes up a value of a property.
func drawValue(t *rapid.T) any {
	switch rapid.IntRange(0, 7).Draw(t, "value") {
	case 0:
		return []any{drawText(t), map[string]any{"source_name": drawText(t), drawText(t): drawText(t)}, 44051401359}
	case 1:
		return rapid.SampledFrom([]any{true, nil, 12, 44051401359, -7.5}).Draw(t, "plain")
	case 2:
		return map[string]any{"jwe": map[string]any{"x": drawText(t)}, "for": []string{"key-1"}}
	case 3:
		return map[string]any{"jwe": drawText(t), drawText(t): "x"}
	}
	return drawText(t)
}

// drawHandling makes up our entry.
func drawHandling(t *rapid.T) map[string]any {
	entry := map[string]any{"extension_type": "property-extension", "origin": rapid.SampledFrom([]string{"DE", "PL"}).Draw(t, "origin")}
	optional := func(key string, value func() any) {
		if rapid.IntRange(0, 3).Draw(t, key) == 0 {
			entry[key] = value()
		}
	}
	optional("personal_data", func() any { return rapid.Bool().Draw(t, "personal") })
	optional("generalised", func() any { return "rule" })
	optional("aggregate", func() any { return "2026 10" })
	optional("contract", func() any { return "x" + drawText(t) })
	optional("impact", func() any { return "high" })
	optional("categories", func() any {
		return map[string]any{rapid.SampledFrom([]string{"description", "value", "name", "object_refs.[1]", "extensions", "nowhere", "pattern", "hashes.MD5"}).Draw(t, "path"): string(rapid.SampledFrom(federation.Categories()).Draw(t, "category"))}
	})
	optional("note", func() any {
		return map[string]any{"abstract": drawText(t), "content": drawText(t), "contacts": []string{drawText(t)}}
	})
	return entry
}

// drawObject changes an example of one of the types.
func drawObject(t *rapid.T, all []map[string]any) []byte {
	o := maps.Clone(rapid.SampledFrom(all).Draw(t, "type"))
	if rapid.Bool().Draw(t, "derived") {
		o["id"] = strings.Replace(o["id"].(string), "-4000-", "-5000-", 1)
	}
	for range rapid.IntRange(0, 6).Draw(t, "changes") {
		name := rapid.SampledFrom([]string{"description", "name", "value", "external_references", "labels", "x_msisdn", "x_victim_ip", "x_price", "x_other", "pattern", "identity_class",
			"contact_information", "object_refs", "src_ref", "created_by_ref", "aliases", "hashes", "kill_chain_phases", "extensions", "abstract", "content"}).Draw(t, "property")
		switch name {
		case "labels":
			o[name] = []string{"phishing", rapid.SampledFrom([]string{"tlp:red", `misp:category="Targeting data"`, `misp:type="iban"`, `misp:name="ss7-attack"`, `misp:object="phone"`, drawText(t)}).Draw(t, "label")}
		case "pattern":
			o[name] = rapid.SampledFrom([]string{"[ipv4-addr:value = '192.0.2.1']", "[email-addr:value = 'a@b.example']", "[file:hashes.'SHA-256' = 'aa'] AND [user-account:user_id = 'x']",
				"[process:creator_user_ref.user_id = 'x']", "[x", "([a:b = 1] OR [c:d[*].'e.f' IN (1,2)]) WITHIN 5 SECONDS", "[url:value = 'http://a@b.example/']"}).Draw(t, "pattern")
			o["pattern_type"] = rapid.SampledFrom([]string{"stix", "yara"}).Draw(t, "kind")
		case "identity_class":
			o[name] = rapid.SampledFrom([]string{"individual", "organization", "class", "unknown"}).Draw(t, "class")
		case "object_refs":
			o[name] = rapid.SampledFrom([][]string{{"email-addr--00000000-0000-5000-8000-000000000001"}, {"indicator--00000000-0000-4000-8000-000000000001", "user-account--00000000-0000-5000-8000-000000000001"}}).Draw(t, "refs")
		case "src_ref", "created_by_ref":
			o[name] = rapid.SampledFrom([]string{"identity--00000000-0000-4000-8000-00000000000a", "email-addr--00000000-0000-5000-8000-000000000001"}).Draw(t, "ref")
		case "extensions":
			e := map[string]any{HandlingExtension: drawHandling(t)}
			if rapid.Bool().Draw(t, "foreign") {
				e[rapid.SampledFrom([]string{"windows-pebinary-ext", "extension-definition--00000000-0000-4000-8000-000000000009"}).Draw(t, "entry")] = map[string]any{"x": drawText(t)}
			}
			o[name] = e
		default:
			o[name] = drawValue(t)
		}
	}
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 9).Draw(t, "escaped") == 0 {
		raw = []byte(strings.Replace(string(raw), `"description":`, `"d\u0065scription":`, 1))
	}
	return raw
}

// What the quick way finds is what the plain one does, in whatever order objects
// come and whatever was kept from those before.
func TestQuickIsPlain(t *testing.T) {
	var all []map[string]any
	for _, typ := range slices.Sorted(maps.Keys(examples(t))) {
		var o map[string]any
		if err := json.Unmarshal(examples(t)[typ], &o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	q, read := newQuickWay(), 0
	rapid.Check(t, func(t *rapid.T) {
		for range 8 {
			raw := drawObject(t, all)
			o, err := Parse(raw)
			if err != nil {
				continue // what a change made is no valid object
			}
			read++
			var victims Victims
			if rapid.IntRange(0, 5).Draw(t, "victim") == 0 {
				victims = Victims{o.ID(): rapid.Bool().Draw(t, "sure")}
			}
			if d := q.differs(o, victims); d != "" {
				t.Fatalf("%s\n%s", raw, d)
			}
		}
	})
	if read == 0 {
		t.Fatal("no object was valid: the test proves nothing")
	}
}

// The same over what others publish, and over the mix that is measured.
func TestQuickIsPlainOverSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of objects: not with -short")
	}
	dir := shared(t)
	q, read := newQuickWay(), 0
	check := func(raw []byte) {
		if o, err := Parse(raw); err == nil {
			read++
			if d := q.differs(o, nil); d != "" {
				t.Fatalf("%s\n%s", raw, d)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "samples", "stix", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var bundle struct{ Objects []json.RawMessage }
		if json.Unmarshal(raw, &bundle) == nil {
			for _, o := range bundle.Objects {
				check(o)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", ".", "-n", "2000", "-seed", "3")
	cmd.Dir = filepath.Join(dir, "workload")
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("the workload does not run here: %v (%d sample objects were alike)", err, read)
	}
	for sc := bufio.NewScanner(strings.NewReader(string(out))); sc.Scan(); {
		check([]byte(sc.Text()))
	}
	if read < 1000 {
		t.Fatalf("only %d objects were read", read)
	}
}
