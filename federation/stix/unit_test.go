package stix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// covered checks that the units hold all of an object and nothing twice: put
// together again, they are the object, and no leaf is in two of them.
func covered(t testing.TB, o *Object) {
	t.Helper()
	units := o.Units()
	paths := map[string]bool{}
	for i, u := range units {
		if paths[u.Path] {
			t.Errorf("%s: the path %s twice", o.ID(), u.Path)
		}
		paths[u.Path] = true
		if u.Parent >= i {
			t.Errorf("%s: %s stands before its parent", o.ID(), u.Path)
		}
		if got, ok := o.Get(u.Path); !ok || !bytes.Equal(got, u.Value) {
			t.Errorf("%s: %s is not where its path says", o.ID(), u.Path)
		}
		if u.Parent >= 0 && !units[u.Parent].Container {
			t.Errorf("%s: %s is in %s, which is no container", o.ID(), u.Path, units[u.Parent].Path)
		}
	}
	var want any
	if err := json.Unmarshal(o.Raw(), &want); err != nil {
		t.Fatal(err)
	}
	if got := assemble(t, units, -1); !reflect.DeepEqual(got, want) {
		t.Errorf("%s: the units do not make up the object:\n%v\n%v", o.ID(), got, want)
	}
	findings := map[string]bool{}
	for _, f := range Categorize(o) {
		if !f.Category.Valid() || f.Evidence == "" {
			t.Errorf("%s: %+v", o.ID(), f)
		}
		findings[f.Path] = true
	}
	for p := range paths {
		if !findings[p] {
			t.Errorf("%s: nobody says what %s holds", o.ID(), p)
		}
	}
	if len(findings) != len(paths) {
		t.Errorf("%s: findings for units that are not there", o.ID())
	}
}

// assemble builds the value of a container from its parts.
func assemble(t testing.TB, units []Unit, parent int) any {
	t.Helper()
	members, elements := map[string]any{}, []any{}
	list := parent >= 0 && units[parent].Value[0] == '['
	for i, u := range units {
		if u.Parent != parent {
			continue
		}
		var v any
		if u.Container {
			v = assemble(t, units, i)
		} else if err := json.Unmarshal(u.Value, &v); err != nil {
			t.Fatal(err)
		}
		if u.Element != list || u.Element != (u.Name == "") {
			t.Errorf("%s: element %t in a list %t", u.Path, u.Element, list)
		}
		elements = append(elements, v)
		members[u.Name] = v
	}
	if list {
		return elements
	}
	return members
}

func TestUnitsCoverTheObject(t *testing.T) {
	for _, raw := range examples(t) {
		covered(t, parse1(t, string(raw)))
	}
	for _, raw := range []string{
		benchIndicator,
		handled(""),
		handled(`,"note":{}`),
		indicator(`,"extensions":{"x-ext":{"a":[1,{"b":2}]},"` + HandlingExtension + `":{"extension_type":"property-extension","note":{"abstract":"a","content":"b","contacts":["c"]}}}`),
		indicator(`,"x_\u00fc":1,"object_refs":["indicator--00000000-0000-4000-8000-000000000002"]`),
	} {
		covered(t, parse1(t, raw))
	}
}

// show renders units as path plus flags: F fixed, R required, C container, E
// element.
func show(units []Unit) string {
	var b strings.Builder
	for _, u := range units {
		fmt.Fprintf(&b, "%s ", strings.ReplaceAll(u.Path, HandlingExtension, "ours"))
		for _, f := range []struct {
			on   bool
			flag byte
		}{{u.Fixed, 'F'}, {u.Required, 'R'}, {u.Container, 'C'}, {u.Element, 'E'}} {
			if f.on {
				b.WriteByte(f.flag)
			}
		}
		fmt.Fprintf(&b, " %d\n", u.Parent)
	}
	return b.String()
}

func TestUnits(t *testing.T) {
	got := show(parse1(t, indicator(`,"labels":["a"],"revoked":false,"valid_until":"2027-01-01T00:00:00Z","name":"n",`+
		`"object_marking_refs":["marking-definition--00000000-0000-4000-8000-000000000001"],`+
		`"granular_markings":[{"lang":"de","selectors":["name"]}],"x_refs":["indicator--00000000-0000-4000-8000-000000000001"],`+
		`"extensions":{"x-ext":{"a":1},"`+HandlingExtension+`":{"extension_type":"property-extension","origin":"DE",`+
		`"note":{"abstract":"a","contacts":["c"]}}}`)).Units())
	const want = `type FR -1
spec_version FR -1
id FR -1
created FR -1
modified FR -1
pattern FR -1
pattern_type FR -1
valid_from FR -1
labels F -1
revoked F -1
valid_until F -1
name  -1
object_marking_refs F -1
granular_markings F -1
x_refs  -1
extensions FC -1
extensions.x-ext  15
extensions.ours FC 15
extensions.ours.extension_type F 17
extensions.ours.origin F 17
extensions.ours.note C 17
extensions.ours.note.abstract  20
extensions.ours.note.contacts  20
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnitsOfLists(t *testing.T) {
	report := `{"type":"report","spec_version":"2.1","id":"report--00000000-0000-4000-8000-000000000001","name":"n",` +
		`"created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z","published":"2026-01-05T08:12:31Z",` +
		`"object_refs":["indicator--00000000-0000-4000-8000-000000000001","indicator--00000000-0000-4000-8000-000000000002"],` +
		`"extensions":{"x-ext":{"a":1}}}`
	got := show(parse1(t, report).Units()[6:])
	const want = `published R -1
object_refs RC -1
object_refs.[0] E 7
object_refs.[1] E 7
extensions C -1
extensions.x-ext  10
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Nothing of a marking-definition or an extension-definition can be removed.
func TestDefinitionsAreFixed(t *testing.T) {
	all := examples(t)
	for _, typ := range []string{"marking-definition", "extension-definition"} {
		for _, u := range parse1(t, string(all[typ])).Units() {
			if !u.Fixed || u.Parent != -1 {
				t.Errorf("%s: %s can be removed", typ, u.Path)
			}
		}
	}
}

// The list of fixed properties is part of the wire format: this test holds it.
func TestFixedWire1(t *testing.T) {
	fixed := words(`type id spec_version created modified revoked valid_from valid_until pattern pattern_type labels
		object_marking_refs granular_markings`)
	for _, e := range []string{"", ".origin", ".scheme", ".classification", ".extension_type", ".anything", ".notes", ".impacts"} {
		fixed = append(fixed, "extensions."+HandlingExtension+e)
	}
	for _, p := range fixed {
		if !FixedWire1("indicator", p) {
			t.Errorf("%s can be removed", p)
		}
	}
	removable := words("name description created_by_ref external_references confidence lang object_refs object_refs.[0] " +
		"extensions extensions.x-ext pattern_version kill_chain_phases")
	for _, e := range []string{".note", ".note.abstract", ".note.content", ".note.contacts", ".impact"} {
		removable = append(removable, "extensions."+HandlingExtension+e)
	}
	removable = append(removable, "extensions."+HandlingExtension+"x")
	for _, p := range removable {
		if FixedWire1("indicator", p) {
			t.Errorf("%s cannot be removed", p)
		}
		if !FixedWire1("marking-definition", p) || !FixedWire1("extension-definition", p) {
			t.Errorf("%s of a definition can be removed", p)
		}
	}
	if !slices.Equal(fixed[:13], slices.Sorted(slices.Values(fixedWire1[:]))) {
		got := slices.Sorted(slices.Values(fixedWire1[:]))
		want := slices.Sorted(slices.Values(fixed[:13]))
		if !slices.Equal(got, want) {
			t.Errorf("the list has changed: %v, was %v", got, want)
		}
	}
}

func TestRefs(t *testing.T) {
	const a, b = "indicator--00000000-0000-4000-8000-00000000000a", "identity--00000000-0000-4000-8000-00000000000b"
	o := parse1(t, indicator(`,"created_by_ref":"`+b+`","x_refs":["`+a+`","`+b+`"],"x_deep":[{"y":{"some_ref":"`+a+`"}},{"z_refs":["`+b+`"]}],`+
		`"x_text":"`+a+`","x_other_ref":"`+a+`","object_marking_refs":["marking-definition--00000000-0000-4000-8000-000000000001"],`+
		`"granular_markings":[{"marking_ref":"marking-definition--00000000-0000-4000-8000-000000000001","selectors":["x_text"]}],`+
		`"extensions":{"x-ext":{"body_ref":"\u0069ndicator--00000000-0000-4000-8000-00000000000a","odd_ref":"no id","n_ref":1}}`))
	var got []string
	for _, r := range o.Refs() {
		got = append(got, r.Path+" "+r.Target)
		if text, _ := o.Text(r.Path); text != r.Target {
			t.Errorf("%s holds %q", r.Path, text)
		}
	}
	want := []string{"created_by_ref " + b, "x_refs.[0] " + a, "x_refs.[1] " + b, "x_deep.[0].y.some_ref " + a,
		"x_deep.[1].z_refs.[0] " + b, "x_other_ref " + a, "extensions.x-ext.body_ref " + a}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefsOfAllTypes(t *testing.T) {
	all := examples(t)
	for typ, want := range map[string]int{"relationship": 2, "sighting": 1, "note": 2, "report": 1, "observed-data": 1,
		"network-traffic": 1, "language-content": 1, "grouping": 1, "opinion": 1, "identity": 0, "url": 0} {
		if got := parse1(t, string(all[typ])).Refs(); len(got) != want {
			t.Errorf("%s: %v", typ, got)
		}
	}
}
