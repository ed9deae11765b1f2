package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// TestBadInputIsRefusedWithItsReason publishes what a broken or hostile
// producer may hand in. Each is refused or held with its reason, the node goes
// on, and a good object beside a bad one is taken.
func TestBadInputIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE"})
	de.start()
	now := time.Now().UTC()
	object := func(k int, modified time.Time, extra string) string {
		return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":%q,"modified":%q,
			"name":"n","pattern":"[domain-name:value = 'a%d.example']","pattern_type":"stix","valid_from":%q,
			"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]%s}`,
			k, "2026-01-01T00:00:00.000Z", modified.Format("2006-01-02T15:04:05.000Z"), k, "2026-01-01T00:00:00.000Z", extra)
	}
	bundle := func(objects ...string) string {
		return `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`
	}
	good := object(1, now.Add(-time.Hour), "")
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	for _, c := range []struct {
		name, data string
		whole      federation.Reason // the file is refused whole
		item       federation.Reason // the last object is refused or held
	}{
		{name: "not JSON", data: "hello\x01", whole: federation.Unsupported},
		{name: "cut off", data: bundle(good)[:200], whole: federation.Malformed},
		{name: "not STIX", data: `{"answer":42}`, whole: federation.Unsupported},
		{name: "depth 1000", data: bundle(object(2, now, `,"x":`+deep)), item: federation.TooLarge},
		{name: "a key twice", data: bundle(good, object(3, now, `,"name":"other"`)), item: federation.Malformed},
		{name: "invalid UTF-8", data: bundle(good, object(4, now, ",\"x_a\":\"\xff\"")), item: federation.Malformed},
		{name: "a property named _sd", data: bundle(good, object(5, now, `,"_sd":["x"]`)), item: federation.Malformed},
		{name: "a property named ...", data: bundle(good, object(6, now, `,"x_a":{"...":"x"}`)), item: federation.Malformed},
		{name: "modified ten minutes from now", data: bundle(good, object(7, now.Add(10*time.Minute), "")), item: federation.NotYetValid},
		{name: "a marking nobody knows", data: bundle(good, strings.Replace(object(8, now, ""), "94868c89", "00000000", 1)), item: federation.UnknownMarking},
		{name: "no marking", data: bundle(good, strings.Replace(object(9, now, ""), `"object_marking_refs"`, `"x_refs"`, 1)), item: federation.Unmarked},
		{name: "nothing", data: "", whole: federation.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := de.node.Publish(t.Context(), c.name, "", []byte(c.data))
			if c.whole != "" {
				if federation.ReasonOf(err) == "" {
					t.Fatalf("want a refusal of the whole file, got %+v, %v", res, err)
				}
				if got := federation.ReasonOf(err); got != c.whole {
					t.Errorf("reason %s, want %s: %v", got, c.whole, err)
				}
				t.Log(err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			last := res.Items[len(res.Items)-1]
			if last.Outcome == "taken" || federation.Reason(last.Reason) != c.item || last.Text == "" {
				t.Errorf("%+v, want %s with a sentence", last, c.item)
			}
			t.Log(last.Text)
			if len(res.Items) > 1 && res.Items[0].Outcome != "taken" && res.Items[0].Outcome != "duplicate" {
				t.Errorf("the good object beside it: %+v", res.Items[0])
			}
		})
	}
	addsUp(t, de)
}
