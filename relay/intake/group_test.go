package intake

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation/stix"
)

func parse(t testing.TB, raw string) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func isRed(o *stix.Object) bool { return strings.Contains(string(o.Raw()), red) }

func definition1(t testing.TB, n int, more string) *stix.Object {
	return parse(t, fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":%q,"created":"2026-01-05T08:00:00Z","definition_type":"statement","definition":{"statement":"s"}%s}`,
		sid("marking-definition", n), more))
}

// checkGroups checks what must hold of any grouping: every object in the batches of
// its lane exactly once, definitions at most once a batch and where they are
// used, no batch too large.
func checkGroups(t testing.TB, objs []*stix.Object, ordinary, restricted [][]*stix.Object, small bool) {
	t.Helper()
	seen := map[*stix.Object]int{}
	for lane, batches := range [][][]*stix.Object{ordinary, restricted} {
		for _, b := range batches {
			if len(b) == 0 || small && len(b) > 64 {
				t.Errorf("a batch of %d objects", len(b))
			}
			in := map[string]bool{}
			for _, o := range b {
				if in[o.ID()] {
					t.Errorf("%s twice in a batch", o.ID())
				}
				in[o.ID()] = true
				seen[o]++
				if !definition(o) && isRed(o) != (lane == 1) {
					t.Errorf("%s in lane %d", o.ID(), lane)
				}
			}
			for _, o := range b {
				for _, id := range o.MarkingRefs() {
					if has(objs, id) && !in[id] {
						t.Errorf("%s without its definition %s", o.ID(), id)
					}
				}
			}
		}
	}
	for _, o := range objs {
		if n := seen[o]; n == 0 || n > 1 && !definition(o) {
			t.Errorf("%s is in %d batches", o.ID(), n)
		}
	}
}

func has(objs []*stix.Object, id string) bool {
	for _, o := range objs {
		if o.ID() == id {
			return true
		}
	}
	return false
}

func TestGroupTwoLanes(t *testing.T) {
	objs := []*stix.Object{
		definition1(t, 1, ""), definition1(t, 2, markedWith(sid("marking-definition", 3))), definition1(t, 3, ""), definition1(t, 4, ""),
		parse(t, indicator(1, markedWith(green, sid("marking-definition", 1)))),
		parse(t, indicator(2, markedWith(red, sid("marking-definition", 1), sid("marking-definition", 2)))),
		parse(t, indicator(3, markedWith(green))),
	}
	ordinary, restricted := Group(objs, isRed)
	checkGroups(t, objs, ordinary, restricted, true)
	if len(ordinary) != 1 || len(ordinary[0]) != 4 || len(restricted) != 1 || len(restricted[0]) != 4 {
		t.Errorf("%d and %d batches", len(ordinary), len(restricted))
	}
	if o, r := Group(nil, isRed); o != nil || r != nil {
		t.Error("batches of nothing")
	}
}

// Definitions that only define each other are neither lost nor copied without
// end.
func TestGroupDefinitionsOfDefinitions(t *testing.T) {
	for name, objs := range map[string][]*stix.Object{
		"used first": {definition1(t, 1, ""), definition1(t, 2, markedWith(sid("marking-definition", 1)))},
		"used last":  {definition1(t, 2, markedWith(sid("marking-definition", 1))), definition1(t, 1, "")},
		"a ring":     {definition1(t, 1, markedWith(sid("marking-definition", 2))), definition1(t, 2, markedWith(sid("marking-definition", 1)))},
		"itself":     {definition1(t, 1, markedWith(sid("marking-definition", 1)))},
		"a ring with a user": {definition1(t, 1, markedWith(sid("marking-definition", 2))), definition1(t, 2, markedWith(sid("marking-definition", 1))),
			parse(t, indicator(1, markedWith(green, sid("marking-definition", 1))))},
	} {
		t.Run(name, func(t *testing.T) {
			ordinary, restricted := Group(objs, isRed)
			checkGroups(t, objs, ordinary, restricted, true)
		})
	}
}

func TestGroupCopiesGranularAndExtensionDefinitions(t *testing.T) {
	const ext = "extension-definition--00000000-0000-4000-8000-000000000009"
	objs := []*stix.Object{
		definition1(t, 1, ""),
		parse(t, sdo("extension-definition", 9, `,"name":"n","schema":"https://host.example/s","version":"1.0.0","extension_types":["property-extension"]`)),
		parse(t, indicator(1, `,"name":"n","granular_markings":[{"marking_ref":"`+sid("marking-definition", 1)+`","selectors":["name"]}]`)),
		parse(t, indicator(2, markedWith(red)+`,"extensions":{"`+ext+`":{"extension_type":"property-extension"}}`)),
	}
	ordinary, restricted := Group(objs, isRed)
	checkGroups(t, objs, ordinary, restricted, true)
	if len(ordinary[0]) != 2 || len(restricted[0]) != 2 {
		t.Errorf("%d and %d objects", len(ordinary[0]), len(restricted[0]))
	}
}

// Objects of a small cluster stay in one batch, although a producer's identity
// connects everything.
func TestGroupKeepsReferencesNear(t *testing.T) {
	by := `,"created_by_ref":"` + sid("identity", 1) + `"` + markedWith(green)
	objs := []*stix.Object{parse(t, sdo("identity", 1, `,"name":"n"`+markedWith(green)))}
	const clusters = 100
	for i := range clusters {
		objs = append(objs, parse(t, indicator(i, by)))
	}
	for i := range clusters {
		objs = append(objs, parse(t, sdo("malware", i, `,"is_family":false`+by)), parse(t, rel(i, sid("indicator", i), sid("malware", i), by)))
	}
	ordinary, restricted := Group(objs, isRed)
	checkGroups(t, objs, ordinary, restricted, true)
	if len(ordinary) != 5 {
		t.Errorf("%d batches for %d objects", len(ordinary), len(objs))
	}
	apart := 0
	for i := range clusters {
		where := map[int]bool{}
		for b, batch := range ordinary {
			for _, o := range batch {
				if o.ID() == sid("indicator", i) || o.ID() == sid("malware", i) || o.ID() == sid("relationship", i) {
					where[b] = true
				}
			}
		}
		if len(where) > 1 {
			apart++
		}
	}
	if apart > len(ordinary) {
		t.Errorf("%d of %d clusters are torn apart", apart, clusters)
	}
}

func TestGroupAnything(t *testing.T) {
	defs := []*stix.Object{definition1(t, 0, ""), definition1(t, 1, ""), definition1(t, 2, markedWith(sid("marking-definition", 1)))}
	rapid.Check(t, func(rt *rapid.T) {
		objs := append([]*stix.Object{}, defs[:rapid.IntRange(0, 3).Draw(rt, "definitions")]...)
		n := rapid.IntRange(0, 200).Draw(rt, "objects")
		for i := range n {
			marks := []string{rapid.SampledFrom([]string{green, red}).Draw(rt, "tlp")}
			if d := rapid.IntRange(0, 5).Draw(rt, "definition"); d < 3 {
				marks = append(marks, sid("marking-definition", d))
			}
			objs = append(objs, parse(t, rel(i, sid("relationship", rapid.IntRange(0, n).Draw(rt, "from")), sid("relationship", rapid.IntRange(0, n).Draw(rt, "to")), markedWith(marks...))))
		}
		ordinary, restricted := Group(objs, isRed)
		checkGroups(t, objs, ordinary, restricted, true)
	})
}
