package generalise

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation/stix"
)

const green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

var made = time.Date(2026, 3, 4, 15, 16, 17, 0, time.UTC)

// scene is one attack told with everything that names who was hit.
type scene struct {
	name, email, sector, country, city string
	ipv4, ipv6                         string
	first, last                        time.Time
	count                              int
}

func sample() scene {
	return scene{name: "Zebra Works", email: "okapi@zebra.example", sector: "water", country: "DE", city: "Quaggaville", ipv4: "198.51.100.77", ipv6: "2001:db8:77:aaaa::99",
		first: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), last: time.Date(2026, 1, 5, 23, 59, 59, 0, time.UTC), count: 3}
}

// uuid is what the n-th object of a scene has for an id.
func uuid(n int) string { return fmt.Sprintf("5c3e0000-0000-4000-8000-%012x", n) }

func (s scene) objects(t testing.TB) []*stix.Object {
	t.Helper()
	stamp := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
	base := func(typ string, n int, more map[string]any) map[string]any {
		o := map[string]any{"type": typ, "spec_version": "2.1", "id": typ + "--" + uuid(n), "object_marking_refs": []string{green}}
		if typ != "ipv4-addr" && typ != "ipv6-addr" {
			o["created"], o["modified"], o["created_by_ref"] = stamp(s.first), stamp(s.last), "identity--"+uuid(99)
			o["labels"], o["x_note"] = []string{"about " + s.name}, s.name
			o["external_references"] = []any{map[string]any{"source_name": s.name, "external_id": s.email}}
		}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	var out []*stix.Object
	for _, o := range []map[string]any{
		base("identity", 1, map[string]any{"name": s.name, "identity_class": "organization", "sectors": []string{s.sector, "unit of " + s.name}, "contact_information": s.email, "description": s.name + " in " + s.city}),
		base("location", 2, map[string]any{"country": s.country, "city": s.city, "latitude": 50.25, "longitude": 8.75}),
		base("relationship", 3, map[string]any{"relationship_type": "located-at", "source_ref": "identity--" + uuid(1), "target_ref": "location--" + uuid(2)}),
		base("sighting", 4, map[string]any{"sighting_of_ref": "malware--" + uuid(50), "where_sighted_refs": []string{"identity--" + uuid(1)}, "observed_data_refs": []string{"observed-data--" + uuid(6)},
			"first_seen": stamp(s.first), "last_seen": stamp(s.last), "count": s.count, "description": "at " + s.name}),
		base("relationship", 5, map[string]any{"relationship_type": "targets", "source_ref": "threat-actor--" + uuid(51), "target_ref": "identity--" + uuid(1), "start_time": stamp(s.first), "stop_time": stamp(s.last.Add(24 * time.Hour))}),
		base("observed-data", 6, map[string]any{"object_refs": []string{"ipv6-addr--" + uuid(8), "ipv4-addr--" + uuid(7)}, "first_observed": stamp(s.first), "last_observed": stamp(s.last), "number_observed": s.count}),
		base("ipv4-addr", 7, map[string]any{"value": s.ipv4}),
		base("ipv6-addr", 8, map[string]any{"value": s.ipv6}),
	} {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := stix.Parse(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		out = append(out, parsed)
	}
	return out
}

func maker(around []*stix.Object) *Maker {
	n := 0
	return &Maker{Rule: Default(), Now: made, Around: around, NewID: func(typ string) string {
		n++
		return fmt.Sprintf("%s--6e1a0000-0000-4000-8000-%012x", typ, n)
	}}
}

// told is all that is made of a scene, object for object of it.
func told(t testing.TB, m *Maker) []string {
	t.Helper()
	var out []string
	for _, o := range m.Around {
		objects, err := m.Objects(o)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, x := range objects {
			text += string(x.Raw()) + "\n"
		}
		out = append(out, text)
	}
	return out
}

// TestObjects: what is told of each object of the sample.
func TestObjects(t *testing.T) {
	all := sample().objects(t)
	got := told(t, maker(all))
	for i, want := range [][]string{
		{`"identity_class":"class"`, `"name":"infrastructure"`, `"sectors":["infrastructure"]`, `"country":"DE"`, `"relationship_type":"located-at"`, green, `"generalised":"victim=sector,country time=day ipv4=/24 ipv6=/48 count=from-5"`},
		{},
		{},
		{`"sighting_of_ref":"malware--` + uuid(50), `"first_seen":"2026-01-02T00:00:00.000Z"`, `"last_seen":"2026-01-05T00:00:00.000Z"`, `"where_sighted_refs":["identity--6e1a`, `"country":"DE"`, `"created":"2026-03-04T00:00:00.000Z"`},
		{`"relationship_type":"targets"`, `"source_ref":"threat-actor--` + uuid(51), `"start_time":"2026-01-02T00:00:00.000Z"`},
		{`"number_observed":1`, `198.51.100.0/24`, `2001:db8:77::/48`, `"first_observed":"2026-01-02T00:00:00.000Z"`},
		{`"value":"198.51.100.0/24"`},
		{`"value":"2001:db8:77::/48"`},
	} {
		if len(want) == 0 && got[i] != "" {
			t.Errorf("of %s is made %s", all[i].ID(), got[i])
		}
		for _, w := range want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%s does not say %s: %s", all[i].ID(), w, got[i])
			}
		}
	}
	if strings.Contains(got[3], `"count"`) {
		t.Errorf("a count below the floor is told: %s", got[3])
	}
	objects, err := maker(all).Objects(all[4])
	if err != nil || objects[0].Type() != "relationship" {
		t.Errorf("what stands for it does not come first: %v, %v", objects, err)
	}
}

// TestNothingToSay: where nothing is known or nothing may be said, nothing is.
func TestNothingToSay(t *testing.T) {
	all := sample().objects(t)
	none := maker(nil)
	for _, i := range []int{1, 2, 4, 5} { // without the objects that they refer to
		if got, err := none.Objects(all[i]); got != nil || err != nil {
			t.Errorf("of %s is made %v, %v", all[i].ID(), got, err)
		}
	}
	edit := func(i int, path, value string) *stix.Object {
		o, err := all[i].With(stix.Edit{Path: path, Value: []byte(value)})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	ext := "extensions." + stix.HandlingExtension
	for _, o := range []*stix.Object{
		edit(0, "identity_class", `"class"`),
		edit(0, "sectors", `["the zebra keepers"]`),
		edit(3, "sighting_of_ref", `"identity--`+uuid(1)+`"`),
		edit(4, "relationship_type", `"owns"`),
		edit(4, "source_ref", `"identity--`+uuid(1)+`"`),
		edit(6, "value", `"10.0.0.7"`),
		edit(3, ext, `{"extension_type":"property-extension","generalised":"x"}`),
		edit(3, ext, `{"extension_type":"property-extension","reoriginated":"x"}`),
		edit(0, ext, `{"extension_type":"property-extension","aggregate":"x"}`),
	} {
		if got, err := maker(all).Objects(o); got != nil || err != nil {
			t.Errorf("of %s is made %v, %v", o.Raw(), got, err)
		}
	}
}

// TestDutiesGoAlong: what binds the original binds what is made of it.
func TestDutiesGoAlong(t *testing.T) {
	o, err := sample().objects(t)[3].With(stix.Edit{Path: "extensions." + stix.HandlingExtension,
		Value: []byte(`{"extension_type":"property-extension","origin":"DE","residency":["EU"],"purpose":["network-security"],"retain_days":30,"personal_data":true,"note":{"content":"zebra"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := maker(nil).Objects(o)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	h := got[0].Handling()
	if h.RetainDays != 30 || len(h.Residency) != 1 || len(h.Purpose) != 1 || h.PersonalData == nil || *h.PersonalData || h.Note != nil || h.Origin != "" {
		t.Errorf("%+v", h)
	}
}

// fresh are the parts of an object that its maker gives it, whatever it is made
// of: ids, in the order in which they were given.
var fresh = regexp.MustCompile(`6e1a0000-0000-4000-8000-[0-9a-f]{12}`)

// scenes draws attacks.
func scenes(t *rapid.T) scene {
	s := sample()
	word := rapid.StringMatching(`zq[a-z]{1,12}`)
	s.name, s.city, s.email = word.Draw(t, "name"), word.Draw(t, "city"), word.Draw(t, "local")+"@"+word.Draw(t, "domain")+".example"
	s.sector = rapid.SampledFrom([]string{"water", "energy", "dams", "insurance", "zq keepers"}).Draw(t, "sector")
	s.country = rapid.SampledFrom([]string{"DE", "pl", "Zq Land"}).Draw(t, "country")
	s.ipv4 = fmt.Sprintf("198.51.100.%d", rapid.IntRange(1, 255).Draw(t, "host"))
	s.ipv6 = fmt.Sprintf("2001:db8:77:%x::%x", rapid.IntRange(1, 0xffff).Draw(t, "subnet"), rapid.IntRange(1, 0xffff).Draw(t, "host6"))
	s.first = s.first.Truncate(24 * time.Hour).Add(time.Duration(rapid.Int64Range(1, 86_399_999).Draw(t, "first")) * time.Millisecond)
	s.last = s.first.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "last")) * time.Millisecond)
	s.count = rapid.IntRange(1, 9).Draw(t, "count")
	return s
}

// TestNothingRemovedIsTold: no removed value stands in what is made, in any
// spelling that is searched for, nor a time within a day.
func TestNothingRemovedIsTold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := scenes(rt)
		m := maker(s.objects(t))
		text := strings.ToLower(strings.Join(told(t, m), ""))
		for _, w := range []string{s.name, s.city, s.email, "zq", s.ipv4, s.ipv6, "50.25", "8.75", uuid(1), uuid(2), uuid(4), uuid(99), "observed_data_refs", "external_references", "labels", "x_note", "created_by_ref"} {
			if strings.Contains(text, strings.ToLower(w)) {
				rt.Fatalf("%q is told: %s", w, text)
			}
		}
		for _, clock := range regexp.MustCompile(`t\d\d:\d\d:\d\d[.\d]*z`).FindAllString(text, -1) {
			if clock != "t00:00:00.000z" {
				rt.Fatalf("a time of day is told: %s", text)
			}
		}
	})
}

// TestSameForAllAlike: of two attacks that differ only in what is removed, the
// same is told, byte for byte, so that nothing of that can be computed.
func TestSameForAllAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := scenes(rt), scenes(rt)
		b.sector, b.country, b.count = a.sector, a.country, a.count
		b.last = a.last
		if a.count < defaultFloor {
			b.count = rapid.IntRange(1, defaultFloor-1).Draw(rt, "other count")
		}
		if b.last.Before(b.first) {
			return
		}
		x, y := strings.Join(told(t, maker(a.objects(t))), "|"), strings.Join(told(t, maker(b.objects(t))), "|")
		if x != y {
			rt.Fatalf("%+v\nis told as\n%s\nand %+v\nas\n%s", a, x, b, y)
		}
	})
}

// TestAgain: what is made says no less when it is made again, and nothing is
// made of what says so.
func TestAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := scenes(rt)
		m := maker(s.objects(t))
		for _, o := range m.Around {
			first, err := m.Objects(o)
			if err != nil {
				rt.Fatal(err)
			}
			if len(first) == 0 {
				continue
			}
			if again, err := m.Objects(first[0]); again != nil || err != nil {
				rt.Fatalf("of %s is made %v, %v", first[0].Raw(), again, err)
			}
			var bare []*stix.Object // as if it did not say so
			for _, x := range first {
				y, err := x.With(stix.Edit{Path: "extensions." + stix.HandlingExtension, Value: []byte(`{"extension_type":"property-extension"}`)})
				if err != nil {
					rt.Fatal(err)
				}
				bare = append(bare, y)
			}
			second, err := maker(bare).Objects(bare[0])
			if err != nil {
				rt.Fatal(err)
			}
			if len(second) == 0 {
				continue // a class of victims is one already
			}
			one, two := fresh.ReplaceAllString(string(first[0].Raw()), "id"), fresh.ReplaceAllString(string(second[0].Raw()), "id")
			if one != two {
				rt.Fatalf("%s\nand again\n%s", one, two)
			}
		}
	})
}

func BenchmarkObjects(b *testing.B) {
	m := maker(sample().objects(b))
	sighting := m.Around[3]
	for b.Loop() {
		if _, err := m.Objects(sighting); err != nil {
			b.Fatal(err)
		}
	}
}
