package bench

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

var day = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// tally counts what is in a mix, by name.
func tally(t *testing.T, objects [][]byte) (counts map[string]int, bytes int) {
	t.Helper()
	counts = map[string]int{}
	for _, raw := range objects {
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			t.Fatal(err)
		}
		bytes += len(raw)
		h := o.Extensions[extension]
		kind := o.Pattern[1 : 1+strings.IndexAny(o.Pattern[1:], ":-")]
		if kind == "network" { // network-traffic to an address
			kind, counts["port"] = "ipv4", counts["port"]+1
		}
		counts[kind]++
		counts[strings.Join(o.Markings, " ")]++
		counts["of "+o.Lang]++
		counts["from "+h.Origin]++
		for name, has := range map[string]bool{"personal": h.PersonalData, "red note": len(o.Granular) > 0, "residency": h.Residency != nil,
			"note": h.Note != nil, "end": o.ValidUntil != "", "phase": len(o.Phases) > 0, "second label": len(o.Labels) > 1} {
			if has {
				counts[name]++
			}
		}
	}
	return counts, bytes
}

// The shares of the workload are those that were counted in what CERTs send, to
// within a percent of all objects, and the mean size to within a percent.
func TestWorkloadHasTheShares(t *testing.T) {
	const n = 20_000
	counts, bytes := tally(t, Workload(n, 1, day))
	for name, want := range map[string]float64{
		"domain": 24, "ipv4": 24, "port": 6, "file": 20, "url": 19, "email": 8, "ipv6": 5,
		tlpGreen: 30, tlpAmber: 23, tlpClear: 17, tlpStrict: 7, tlpRed: 3, tlp1Amber: 6, tlp1Green: 5, tlp1White: 3, "": 6,
		"personal": 18, "red note": 7.2, "residency": 35, "note": 18 + 82*.38, "end": 60, "phase": 55, "second label": 40,
		"from DE": 29.6, "from FR": 14.8, // Zipf with exponent 1 over sixteen
	} {
		if got := 100 * float64(counts[name]) / n; math.Abs(got-want) > 1 {
			t.Errorf("%q: %.2f %%, want %.2f", name, got, want)
		}
	}
	if mean := float64(bytes) / n; math.Abs(mean-1284) > 13 {
		t.Errorf("mean of %.0f bytes, want 1284", mean)
	}
}

// What flows has the same mix without what the rules keep back, and all of it
// may cross two borders of the bench.
func TestGeneratedObjectsFlow(t *testing.T) {
	const n = 32 * objectsPerMessage
	counts, _ := tally(t, Generate(n, 1, day))
	for _, name := range []string{"", tlpRed, tlpStrict, "personal", "email"} {
		if counts[name] > 0 {
			t.Errorf("%d objects are %q", counts[name], name)
		}
	}
	x, err := newSteps(n/objectsPerMessage, day)
	if err != nil {
		t.Fatal(err)
	}
	to, err := recipient(day, "de-cert", "DE", "pl-cert", "PL")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n / objectsPerMessage {
		v, err := x.issue(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range v.Items() {
			s := x.reader.Subject("de-cert", it.Digest, it.Object, nil)
			if d := x.bundle.Decide(s, to, day); d.Verdict() != federation.Share {
				t.Fatalf("%s: %v\n%s", d.Verdict(), d.Reasons(), it.Object.Raw())
			}
		}
	}
}

func TestGeneratorIsDeterministicAndValid(t *testing.T) {
	a, b, other := Workload(200, 7, day), Workload(200, 7, day), Workload(200, 8, day)
	ids := map[string]bool{}
	for i := range a {
		if string(a[i]) != string(b[i]) {
			t.Fatalf("object %d differs with the same seed", i)
		}
		o, err := stix.Parse(a[i])
		if err != nil {
			t.Fatalf("%v\n%s", err, a[i])
		}
		ids[o.ID()] = true
	}
	if string(a[0]) == string(other[0]) || len(ids) != len(a) {
		t.Errorf("another seed gives the same object, or of %d objects %d have an id of their own", len(a), len(ids))
	}
}

// Who throws messages away counts their objects all the same, as the node that
// sent them does: a receipt that counts otherwise is a violation.
func TestObjectsAreCountedWithoutOpening(t *testing.T) {
	x, err := newSteps(4, day)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range x.arrived {
		if n := objectsIn(m); n != objectsPerMessage {
			t.Errorf("message %d: %d objects, want %d", i, n, objectsPerMessage)
		}
	}
	for _, text := range []string{"", "~", "a~b~c", "\n\n"} {
		if n := objectsIn([]byte(text)); n != 0 {
			t.Errorf("%q: %d objects", text, n)
		}
	}
}
