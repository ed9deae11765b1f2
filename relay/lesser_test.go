package relay

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/dashboard"
)

const markGreen = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

func attackID(typ string, n int) string {
	return fmt.Sprintf("%s--5c3e0000-0000-4000-8000-%012x", typ, n)
}

// attack are the objects of one attack on a person, as a CERT would tell it.
func attack(name, address string, at time.Time, count int) []map[string]any {
	stamp := at.UTC().Format("2006-01-02T15:04:05.000Z")
	object := func(typ string, n int, more map[string]any) map[string]any {
		o := map[string]any{"type": typ, "spec_version": "2.1", "id": attackID(typ, n), "object_marking_refs": []string{markGreen}}
		if typ != "ipv4-addr" {
			o["created"], o["modified"] = "2026-01-05T01:02:03.000Z", "2026-01-05T01:02:03.000Z"
		}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	return []map[string]any{
		object("identity", 1, map[string]any{"name": name, "identity_class": "individual", "sectors": []string{"energy"}}),
		object("location", 2, map[string]any{"country": "DE"}),
		object("relationship", 3, map[string]any{"relationship_type": "located-at", "source_ref": attackID("identity", 1), "target_ref": attackID("location", 2)}),
		object("malware", 4, map[string]any{"name": "Sample", "is_family": true}),
		object("relationship", 5, map[string]any{"relationship_type": "targets", "source_ref": attackID("malware", 4), "target_ref": attackID("identity", 1)}),
		object("sighting", 6, map[string]any{"sighting_of_ref": attackID("malware", 4), "where_sighted_refs": []string{attackID("identity", 1)}, "first_seen": stamp, "last_seen": stamp, "count": count,
			"x_victim_address": address}),
		object("ipv4-addr", 7, map[string]any{"value": address}),
		object("indicator", 8, map[string]any{"name": "sample", "description": "mail to okapi@zebra.example", "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix", "valid_from": "2026-01-05T00:00:00Z"}),
	}
}

var general = configs.Generalise{Types: generalise.Types()}

// summary says what came: originals by type, and what stands for others.
func summary(objects []*stix.Object) string {
	var out []string
	for _, o := range objects {
		text := o.Type()
		if h := o.Handling(); h != nil && h.Generalised != "" {
			text = "less:" + text
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestVictimNotification publishes an attack to three: the CERT that serves the
// victim gets it whole, another one gets who was hit as a sector and a country,
// a carrier gets what the attacker uses and no more.
func TestVictimNotification(t *testing.T) {
	h := newHub(t, general, theirCERT, otherCERT, carrier)
	h.publish(attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)...)

	whole, _ := h.objects(theirCERT.id)
	if got := summary(whole); got != "identity indicator ipv4-addr location malware relationship relationship sighting" {
		t.Errorf("the victim's CERT gets %s", got)
	}
	for _, o := range whole {
		if text := string(o.Raw()); o.Type() == "sighting" && !(strings.Contains(text, `"where_sighted_refs":["`+attackID("identity", 1)) && strings.Contains(text, `"x_victim_address":"198.51.100.77"`)) {
			t.Errorf("the victim's CERT is not told where: %s", o.Raw())
		}
	}
	less, messages := h.objects(otherCERT.id)
	if got := summary(less); got != "indicator less:identity less:identity less:identity less:ipv4-addr less:location less:location less:location less:relationship less:relationship less:relationship less:sighting location malware sighting" {
		t.Errorf("another CERT gets %s", got)
	}
	namesNobody(t, messages, "Zebra", "Okapi", "198.51.100.77", "okapi@", attackID("identity", 1)[10:], attackID("relationship", 5)[14:])
	for _, o := range less {
		switch h := o.Handling(); {
		case h == nil || h.Generalised == "":
		case o.Type() == "identity" && !strings.Contains(string(o.Raw()), `"sectors":["energy"]`),
			o.Type() == "sighting" && !strings.Contains(string(o.Raw()), `"first_seen":"2026-01-05T00:00:00.000Z"`),
			o.Type() == "ipv4-addr" && !strings.Contains(string(o.Raw()), `"value":"198.51.100.0/24"`),
			!slices.Equal(o.MarkingRefs(), []string{markGreen}):
			t.Errorf("another CERT is told %s", o.Raw())
		}
	}
	pattern, messages := h.objects(carrier.id)
	if got := summary(pattern); got != "indicator location malware sighting" {
		t.Errorf("a carrier gets %s", got)
	}
	namesNobody(t, messages, "Zebra", "Okapi", "198.51.100", "energy", "generalised")
	for _, o := range pattern {
		if _, ok := o.Get("where_sighted_refs"); ok {
			t.Errorf("a carrier is told where: %s", o.Raw())
		}
	}
}

// TestVictimNotificationByConstituency: terms that do not cover data about
// targets let it go where the peer serves those who are named, and nowhere else;
// the sighting without it goes there.
func TestVictimNotificationByConstituency(t *testing.T) {
	serves, other := theirCERT, otherCERT
	serves.data = carrier.data + ", personal" // an address may be a person's
	other.data = serves.data
	other.country = "PL"
	h := newHub(t, general, serves, other)
	h.publish(attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)...)
	for _, p := range []peerTerms{serves, other} {
		got, _ := h.objects(p.id)
		for _, o := range got {
			if _, told := o.Get("x_victim_address"); o.Type() == "sighting" && told != (p.id == serves.id) {
				t.Errorf("%s is told %s", p.id, o.Raw())
			}
		}
		if !strings.Contains(summary(got), "sighting") || strings.Contains(summary(got), "less:") {
			t.Errorf("%s gets %s", p.id, summary(got))
		}
	}
}

// made counts what the node made in place of objects.
func (h *hub) made() int {
	h.t.Helper()
	h.op.must(h.node.awaitIndex(h.t.Context(), h.node.known(), 0))
	all, err := h.node.index.Derived(h.t.Context())
	h.op.must(err)
	return len(all)
}

// namesNobody searches all that left for words, also where base64url hides them.
func namesNobody(t *testing.T, messages [][]byte, words ...string) {
	t.Helper()
	for _, m := range messages {
		text := string(m)
		for _, part := range strings.FieldsFunc(string(m), func(r rune) bool { return strings.ContainsRune("~.\n", r) }) {
			if raw, err := base64.RawURLEncoding.DecodeString(part); err == nil {
				text += "\n" + string(raw)
			}
		}
		for _, w := range words {
			if strings.Contains(strings.ToLower(text), strings.ToLower(w)) {
				t.Errorf("%q left: %s", w, text)
			}
		}
	}
}

// TestLesserNeedsPermission: nothing is made that the configuration does not ask
// for, nothing of what is for one organisation, and nothing that a producer says
// is made here.
func TestLesserNeedsPermission(t *testing.T) {
	h := newHub(t, configs.Generalise{Types: []string{"sighting"}}, otherCERT)
	objects := attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)
	strict := attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 6, 14, 15, 16, 0, time.UTC), 3)
	strict[5]["id"], strict[5]["object_marking_refs"] = attackID("sighting", 16), []string{markStrict}
	h.publish(append(objects, strict[5])...)
	got, _ := h.objects(otherCERT.id)
	if s := summary(got); s != "indicator less:identity less:location less:sighting location malware sighting" {
		t.Errorf("the peer gets %s", s)
	}
	if n := h.made(); n != 3 {
		t.Errorf("%d objects are made, also of what is for one organisation", n)
	}
	for _, key := range []string{"generalised", "aggregate"} {
		claims := sampleObject(1, markGreen, map[string]any{"extensions": map[string]any{stix.HandlingExtension: map[string]any{"extension_type": "property-extension", key: "by hand"}}})
		raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000002", "objects": []any{claims}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.node.Publish(t.Context(), "sample", "", raw); err != nil || got.Refused != 1 || got.Items[0].Reason != string(federation.Unsupported) {
			t.Errorf("a producer says %s: %+v, %v", key, got, err)
		}
	}
}

// TestLesserGoesWithItsOriginal: a newer version replaces what was made of the
// older one, and a withdrawal takes it back from whom it went to.
func TestLesserGoesWithItsOriginal(t *testing.T) {
	h := newHub(t, configs.Generalise{Types: []string{"sighting"}}, otherCERT)
	objects := attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)
	h.publish(objects...)
	first, _ := h.objects(otherCERT.id)
	next := objects[5]
	next["modified"], next["count"] = "2026-01-06T01:02:03.000Z", 7
	h.publish(next)
	second, _ := h.objects(otherCERT.id)
	lessOf := func(objects []*stix.Object) (out []string) {
		for _, o := range objects {
			if x := o.Handling(); x != nil && x.Generalised != "" {
				out = append(out, o.ID())
			}
		}
		return out
	}
	one, two := lessOf(first), lessOf(second)
	if len(one) != 3 || len(two) == 0 {
		t.Fatalf("%v, then %v", one, two)
	}
	if _, err := h.node.Withdraw(t.Context(), []string{objects[5]["id"].(string)}, envelope.GoneWithdrawn); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for _, id := range slices.Concat(one, two) {
		for {
			ws, err := h.node.Withdrawals(t.Context(), id, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(ws) == 1 && len(ws[0].Recipients) == 1 && ws[0].Recipients[0].Peer == otherCERT.id {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is not taken back: %+v", id, ws)
			}
		}
	}
	// Another peer, that comes later, gets nothing of it.
	o := setupOptions(t.TempDir())
	o.Values.ID, o.Values.Country = carrier.id, carrier.country
	late, err := Setup(o)
	h.op.must(err)
	h.accept(carrier, late)
	h.op.must(h.node.Reload(t.Context()))
	if got, _ := h.objects(carrier.id); strings.Contains(summary(got), "sighting") {
		t.Errorf("what was taken back goes: %s", summary(got))
	}
}

// TestVictimsInAnotherFile: who was hit may have been published before; what is
// better protected than the object is not told in its place, nor what was taken
// back.
func TestVictimsInAnotherFile(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	for _, c := range []struct{ marking, want string }{
		{markGreen, "less:identity less:location less:sighting location malware sighting"},
		{"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "location malware sighting"},
		{markStrict, "location malware sighting"},
		{"withdrawn", "location malware sighting"},
		{"erased", "location malware sighting"},
		{"over", "location malware sighting"},
	} {
		h := newHub(t, configs.Generalise{Types: []string{"sighting"}}, otherCERT)
		objects := attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)
		victim, place, at, malware, sighting := objects[0], objects[1], objects[2], objects[3], objects[5]
		if victim["object_marking_refs"] = []string{c.marking}; !strings.HasPrefix(c.marking, "marking-definition--") {
			victim["object_marking_refs"] = []string{markGreen}
		}
		at["relationship_type"] = "uses" // the country is told beside, not by a later file
		sighting["where_sighted_refs"] = []string{attackID("identity", 1), attackID("location", 2)}
		h.publish(victim)
		switch c.marking {
		case "over": // its time is, and nobody has looked yet
			h.stop()
			h.op.cfg.Retention.Days = 1
			h.start()
			h.set(h.now().Add(25 * time.Hour))
		case "withdrawn":
			_, err := h.node.Withdraw(t.Context(), []string{attackID("identity", 1)}, envelope.GoneWithdrawn)
			h.op.must(err)
		case "erased":
			found, err := h.node.Find(t.Context(), dashboard.Ask{ID: attackID("identity", 1)})
			h.op.must(err)
			e, err := NewErasure(found, "", h.now())
			h.op.must(err)
			h.op.must(e.Save(ErasuresDir(h.op.dir())))
			h.op.must(h.node.Reload(t.Context()))
		}
		if c.marking != markGreen {
			sighting["where_sighted_refs"] = []string{attackID("identity", 1)}
		}
		h.publish(malware, sighting, place)
		got, messages := h.objects(otherCERT.id)
		if s := summary(got); s != c.want {
			t.Errorf("%s: the peer gets %s, want %s", c.marking, s, c.want)
		}
		if c.marking != markGreen {
			namesNobody(t, messages, "energy")
		}
	}
}

// TestNothingOfWhatIsRemovedCanBeComputed publishes two attacks that differ in
// nothing but what is removed, and compares everything that the peer can measure
// of what it is told: numbers, sizes, and the text but for what is random.
func TestNothingOfWhatIsRemovedCanBeComputed(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	seen := func(name, address string, clock time.Duration, count int) (shapes []shape, texts []string) {
		h := newHub(t, general, otherCERT)
		objects := attack(name, address, time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).Add(clock), count)
		sighting := objects[5]
		sighting["description"] = "mail to " + strings.ReplaceAll(name, " ", ".") + "@zebra.example" // personal, as all that names it
		sighting["where_sighted_refs"] = []string{attackID("identity", 1)}
		delete(sighting, "first_seen") // times alone would go as they are
		delete(sighting, "last_seen")
		delete(sighting, "count")
		h.publish(objects...)
		w := &watcher{t: t, node: h.node, codec: h.codec, peer: otherCERT.id}
		shapes = w.all()
		got, _ := h.objects(otherCERT.id)
		for _, o := range got {
			if x := o.Handling(); x != nil && x.Generalised != "" {
				texts = append(texts, h.plain(o.Raw()))
			}
		}
		slices.Sort(texts)
		return shapes, texts
	}
	shapes, texts := seen("Zebra", "198.51.100.7", time.Second, 3)
	if len(texts) < 10 || len(shapes) < 2 {
		t.Fatalf("%d answers, %d objects: the test shows little", len(shapes), len(texts))
	}
	for _, x := range []struct {
		name, address string
		clock         time.Duration
		count         int
	}{{"A much longer name of a person", "198.51.100.250", 23 * time.Hour, 1}, {"Z", "198.51.100.0", 12*time.Hour + 30*time.Second, 4}} {
		s, got := seen(x.name, x.address, x.clock, x.count)
		if !slices.Equal(got, texts) {
			t.Errorf("of %+v is told\n%s\nof the other\n%s", x, strings.Join(got, "\n"), strings.Join(texts, "\n"))
		}
		if !reflect.DeepEqual(s, shapes) {
			t.Errorf("%+v shows as %+v, the other as %+v", x, s, shapes)
		}
	}
}

// plain is an object without what is random in it: ids, and the order of its
// properties, which is that of digests.
func (h *hub) plain(raw []byte) string {
	h.t.Helper()
	var properties map[string]any
	h.op.must(json.Unmarshal(raw, &properties))
	sorted, err := json.Marshal(properties)
	h.op.must(err)
	return random.ReplaceAllString(string(sorted), "random")
}

// random are the ids of what is made.
var random = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// TestLesserOfOthers: of a source's objects less is said as far as its terms
// permit, also about what its own marking lets go no further.
func TestLesserOfOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	const amber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	pl := setUpHub(t, "pl-cert", "PL", configs.Generalise{})
	de := setUpHub(t, "de-cert", "DE", general) // for its own objects: of others' that says nothing
	jp := setUpHub(t, "jp-cert", "JP", configs.Generalise{})
	from := func(more string) {
		de.accept(peerTerms{"pl-cert", "PL", "authority", theirCERT.data, more}, pl.op.cfg)
	}
	from("")
	de.accept(otherCERT, jp.op.cfg)
	pl.accept(peerTerms{"de-cert", "DE", "authority", "technical, context, free-text, target, personal, source", "foi: exempt\n"}, de.op.cfg)
	for _, h := range []*hub{pl, de} {
		h.start()
		t.Cleanup(h.stop)
	}
	number, made := 0, 0
	more := func(want int, of string) {
		t.Helper()
		if n := de.made(); n-made != want {
			t.Errorf("%s: %d objects are made, want %d", of, n-made, want)
		}
		made = de.made()
	}
	passed := func(marking string) string {
		t.Helper()
		number++
		objects := attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)
		for _, o := range objects {
			o["object_marking_refs"] = []string{marking}
			for _, key := range []string{"id", "source_ref", "target_ref", "sighting_of_ref"} {
				if id, ok := o[key].(string); ok {
					o[key] = strings.Replace(id, "5c3e0000", fmt.Sprintf("5c3e%04x", number), 1)
				}
			}
			if o["type"] == "sighting" {
				o["where_sighted_refs"] = []string{strings.Replace(attackID("identity", 1), "5c3e0000", fmt.Sprintf("5c3e%04x", number), 1)}
			}
		}
		pl.publish(objects...)
		sink := &importer{node: de.node, peer: "pl-cert"}
		_, err := sink.Position(t.Context())
		de.op.must(err)
		rc, err := sink.Commit(t.Context(), pl.pull("de-cert"))
		de.op.must(err)
		if len(rc.Outcomes) != 1 || rc.Outcomes[0].Stored != len(objects) {
			t.Fatalf("the receipt speaks of %+v", rc.Outcomes)
		}
		if pos, err := sink.position(t.Context()); err != nil || pos.LastSeq != uint64(number) {
			t.Fatalf("after %d frames the link stands at %+v, %v", number, pos, err)
		}
		got, _ := de.objects("jp-cert")
		return summary(got)
	}
	permit := func(what string) {
		from(what)
		de.op.must(de.node.Reload(t.Context()))
	}
	if got := passed(markGreen); strings.Contains(got, "less:") || !strings.Contains(got, "indicator") {
		t.Errorf("without permission goes %s", got)
	}
	more(0, "without permission")
	permit("generalise: {types: [sighting], ceiling: \"TLP:GREEN\"}\n")
	if got := passed(markGreen); !strings.Contains(got, "less:identity less:location less:sighting location") {
		t.Errorf("with permission goes %s", got)
	}
	more(3, "with permission")
	if got := passed(amber); strings.Contains(got, "less:") {
		t.Errorf("above the permission goes %s", got)
	}
	more(0, "above the permission")
	permit("generalise: {types: [sighting, identity], ceiling: \"TLP:AMBER\"}\n")
	if got := passed(amber); got != "" {
		t.Errorf("what goes no further than here goes as %s", got)
	}
	more(6, "what goes no further") // and stays here
	permit("generalise: {types: [sighting], ceiling: \"TLP:GREEN\"}\nreoriginate: {types: [malware], ceiling: \"TLP:GREEN\", only: true}\n")
	if got := passed(markGreen); got != "" {
		t.Errorf("of a source that stays unnamed goes %s", got)
	}
	more(0, "of a source that stays unnamed")
}

// TestExplainInstead: what explain says would be told in place of objects is what
// is told.
func TestExplainInstead(t *testing.T) {
	h := newHub(t, general, theirCERT, otherCERT, carrier)
	objects := attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)
	raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": objects})
	h.op.must(err)
	h.publish(objects...)
	for _, p := range []peerTerms{theirCERT, otherCERT, carrier} {
		ex, err := h.node.World().Explain(raw, "sample", "", p.id, h.now())
		h.op.must(err)
		var said, told []string
		for _, o := range ex.Objects {
			for _, x := range o.Instead {
				said = append(said, h.plain(x))
			}
		}
		got, _ := h.objects(p.id)
		for _, o := range got {
			if x := o.Handling(); x != nil && x.Generalised != "" {
				told = append(told, h.plain(o.Raw()))
			}
		}
		slices.Sort(said)
		slices.Sort(told)
		if !slices.Equal(said, told) || (len(told) > 0) != (p.id == otherCERT.id) {
			t.Errorf("%s is said to be told\n%s\nand is told\n%s", p.id, strings.Join(said, "\n"), strings.Join(told, "\n"))
		}
	}
}
