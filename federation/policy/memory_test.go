package policy

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// ownMarking is a marking-definition of the message itself.
const ownMarking = "marking-definition--22222222-2222-4222-8222-222222222222"

// choices are what an object that is made up consists of: by name, which of the
// possible values.
type choices map[string]int

// pick returns one of some values: the one chosen, or a new choice.
func (c choices) pick(t *rapid.T, name string, values ...any) any {
	at, ok := c[name]
	if !ok {
		at = rapid.IntRange(0, len(values)-1).Draw(t, name)
		c[name] = at
	}
	return values[at]
}

// kindred makes up an object, and who issued it under which definitions. Anything
// that a decision could depend on is one of few values.
func (c choices) kindred(t *rapid.T, tb testing.TB) (o object, issuer string, defs map[string]*stix.Object) {
	o = indicator(nil)
	set := func(name string, values ...any) {
		if v := c.pick(t, name, values...); v != nil {
			o[name] = v
		}
	}
	o["id"] = c.pick(t, "id", o["id"], "indicator--11111111-1111-5111-8111-111111111111", "indicator--11111111-1111-4111-8111-111111111112")
	created := c.pick(t, "created", "2026-01-05T00:00:00.000Z", "2019-01-05T00:00:00.000Z", "1993-03-05T00:00:00.000Z")
	o["created"], o["modified"], o["valid_from"] = created, created, created
	o["object_marking_refs"] = c.pick(t, "marking", []string{tlpID(mapping.TLPGreen)}, []string{tlpID(mapping.TLPAmber)}, []string{tlpID(mapping.TLPGreen), ownMarking}, []string{ownMarking})
	if c.pick(t, "unmarked", false, false, false, true) == true {
		delete(o, "object_marking_refs")
	}
	set("labels", nil, nil, nil, []string{"phishing"}, []string{"tlp:red"}, []string{"tlp:unclear"}, []string{"rsit:phishing"}, []string{"rsit:fraud", "x:y"}, []string{`de-vs:Einstufung="VS-NfD"`}, []string{`misp:category="Targeting data"`})
	set("granular_markings", nil, nil, []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{"name"}}}, []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{"nowhere"}}},
		[]object{{"marking_ref": ownMarking, "selectors": []string{"pattern"}}})
	set("description", nil, nil, nil, "quiet", "a@b.example", "call +49 30 1234567", "PESEL 44051401359", "victim pc.bank.example at 192.0.2.7, attacker far away", "victim pc.shop.example at 192.0.2.8, attacker far away")
	set("x_victim", nil, nil, nil, nil, nil, nil, "pc.bank.example", "pc.shop.example", "nobody")
	o[c.pick(t, "kind of x", "x_person", "x_fee", "x_thing", "xx").(string)] = "a@b.example" // all of them personal
	set("x_note", nil, nil, nil, nil, object{"jwe": object{"x": "y"}, "for": []string{"key-1"}}, object{"jwe": object{"x": "y"}, "for": []string{"key-2"}}, object{"a": "b"})
	set("created_by_ref", nil, idActor, idSecondActor)
	set("object_refs", nil, []string{idActor}, []string{idActor, idSecondActor})
	if c.pick(t, "entry", true, false) == true {
		entry := object{"origin": c.pick(t, "origin", "DE", "PL")}
		optional := func(key string, values ...any) {
			if v := c.pick(t, key, values...); v != nil {
				entry[key] = v
			}
		}
		optional("scheme", nil, "de-vs", "pl-national")
		optional("classification", nil, "OFFEN", "VS-NfD", "JAWNE")
		optional("residency", nil, []string{"EU"}, []string{"DE"})
		optional("personal_data", nil, true, false)
		optional("impact", nil, "high")
		optional("caveats", nil, []string{"NOFORN"})
		optional("generalised", nil, nil, nil, "rule")
		optional("note", nil, object{"content": "quiet"}, object{"content": "call a@b.example"})
		o = merged(o, handlingOf(entry))
	}
	issuer = c.pick(t, "issuer", "de-cert", "pl-cert").(string)
	if text := c.pick(t, "definition", "", "one", "pap"); text != "" {
		def := object{"type": "marking-definition", "spec_version": "2.1", "id": ownMarking, "created": "2026-01-05T00:00:00.000Z",
			"definition_type": "statement", "definition": object{"statement": text}}
		if text == "pap" {
			def = merged(def, object{"definition_type": "tlp", "definition": object{"tlp": "red"}})
		}
		defs = map[string]*stix.Object{ownMarking: parsed(tb, def)}
	}
	return o, issuer, defs
}

const (
	idActor       = "threat-actor--33333333-3333-4333-8333-333333333333"
	idSecondActor = "threat-actor--33333333-3333-4333-8333-333333333334"
)

// sameSubject says in what two subjects differ, "" in nothing.
func sameSubject(got, want *Subject) string {
	for _, c := range []struct {
		what string
		a, b any
	}{
		{"issuer", got.issuer, want.issuer}, {"digest", got.digest, want.digest}, {"object", got.object, want.object}, {"victims of the message", got.among, want.among},
		{"handling", got.handling, want.handling}, {"problem", got.problem, want.problem}, {"dangling", got.dangling, want.dangling}, {"follows", got.follows, want.follows},
		{"mentions", got.mentions, want.mentions}, {"loose", got.loose, want.loose}, {"units", got.units, want.units}, {"classes of units", got.classOf, want.classOf},
		{"contents", got.holds, want.holds}, {"victims", got.named, want.named}, {"impact", got.impact, want.impact}, {"classes", got.classes, want.classes},
		{"handlings", got.own, want.own}, {"base", got.base, want.base}, {"key", got.key, want.key},
	} {
		if !reflect.DeepEqual(c.a, c.b) {
			return fmt.Sprintf("%s: %+v, want %+v", c.what, c.a, c.b)
		}
	}
	if n := reflect.TypeFor[marking.Said]().NumField(); n != 2 {
		return fmt.Sprintf("what tags say has %d parts, unmarkedLabels looks at two", n)
	}
	if a, b := reflect.TypeFor[Subject]().NumField(), 21; a != b {
		return fmt.Sprintf("a subject has %d fields, this compares those of %d", a, b)
	}
	return ""
}

// Whatever a reader has seen before, it reads an object as one that has seen
// nothing does; and what it reads is what the findings say, one by one.
func TestRememberedIsRead(t *testing.T) {
	d := newDemo(t)
	warm := NewReader(d.tables)
	warm.memory.kinds.limit = 40 // so that kinds are forgotten, too
	kinds := 0
	check := func(rt *rapid.T, c choices) {
		made, issuer, defs := c.kindred(rt, t)
		o := parsed(t, made)
		var among []*stix.Object
		if c.pick(rt, "among", false, false, false, false, true) == true {
			among = append(among, o, parsed(t, other("relationship", idSecond, object{"relationship_type": "targets", "source_ref": idMalware, "target_ref": "identity--11111111-1111-4111-8111-111111111111"})))
		}
		digest := sha256.Sum256(o.Raw())
		want := NewReader(d.tables).Among(among).Subject(issuer, digest, o, defs)
		for range 2 {
			if diff := sameSubject(warm.Among(among).Subject(issuer, digest, o, defs), want); diff != "" {
				rt.Fatalf("%s\n%s", o.Raw(), diff)
			}
		}
		if diff := asFound(want); diff != "" {
			rt.Fatalf("%s\n%s", o.Raw(), diff)
		}
		kinds = max(kinds, len(warm.memory.kinds.young))
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := choices{}
		check(rt, c)
		for range 20 { // the same in all but one thing
			next := maps.Clone(c)
			delete(next, rapid.SampledFrom(slices.Sorted(maps.Keys(next))).Draw(rt, "other"))
			check(rt, next)
		}
	})
	if kinds == 0 {
		t.Fatal("nothing was remembered: the test proves nothing")
	}
}

// asFound compares the classes of a subject's units with what the findings about
// them say.
func asFound(s *Subject) string {
	units := s.object.Units()
	for i := range units {
		u := &units[i]
		var m findings
		var holds contents
		var v victims
		for _, f := range stix.CategorizeAmong(s.object, units, s.among) {
			if f.Path != u.Path {
				continue
			}
			bit := 2 * slices.Index(federation.Categories(), f.Category)
			if f.Unsure {
				bit++
			}
			m |= 1 << bit
			if f.Holds != "" {
				holds |= 1 << slices.Index(stix.Contents(), f.Holds)
			}
			if more := victimsOf(s.object, u, f); !more.none() {
				v.join(&more)
			}
		}
		c := s.classes[s.classOf[i]]
		var named victims
		if c.named >= 0 {
			named = s.named[c.named]
		}
		if c.found != m || c.holds != holds || named.key() != v.key() {
			return fmt.Sprintf("%s: %b %b %q, want %b %b %q", u.Path, c.found, c.holds, named.key(), m, holds, v.key())
		}
	}
	return ""
}

// A reader of what came from a participant says so, and nothing else is
// different; what it remembers is no other reader's origin.
func TestFromIsArrived(t *testing.T) {
	d := newDemo(t)
	o := parsed(t, indicator(nil))
	r := NewReader(d.tables)
	for range 2 {
		for _, from := range []string{"de-cert", "pl-cert", ""} {
			want := r.Subject("de-cert", [32]byte{1}, o, nil).Arrived(from)
			got := r.From(from).Among([]*stix.Object{o}).Subject("de-cert", [32]byte{1}, o, nil)
			if diff := sameSubject(got, want); diff != "" || got.from != from || got.direct() != want.direct() {
				t.Errorf("from %q: %q, %s", from, got.from, diff)
			}
		}
	}
}

// What a stream of objects that are alike in nothing leaves behind is bounded.
func TestMemoryIsBounded(t *testing.T) {
	d := newDemo(t)
	r := NewReader(d.tables)
	for i := range mostKinds + 100 {
		o := parsed(t, indicator(merged(handlingOf(object{"contract": "c" + strconv.Itoa(i)}), object{"x_" + strconv.Itoa(i): 1})))
		r.Subject("de-cert", [32]byte{}, o, nil)
	}
	if n := len(r.memory.layouts.young) + len(r.memory.layouts.old); n > mostLayouts || n < mostLayouts/2 {
		t.Errorf("%d layouts", n)
	}
	if n := len(r.memory.kinds.young) + len(r.memory.kinds.old); n > mostKinds || n < mostKinds/2 {
		t.Errorf("%d kinds", n)
	}
	large := parsed(t, indicator(handlingOf(object{"contract": string(make([]byte, 0)) + fmt.Sprint(make([]int, mostKindKey))})))
	before := len(r.memory.kinds.young)
	r.Subject("de-cert", [32]byte{}, large, nil)
	if len(r.memory.kinds.young) != before {
		t.Error("a kind with a key of more than it may have is remembered")
	}
}

// The period of the tables is in the key: a word that means something else, or
// nothing, at another time is read anew.
func TestPeriodIsInTheKey(t *testing.T) {
	d := newDemo(t)
	entry := handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-NfD"})
	r := NewReader(d.tables)
	at := func(created time.Time) *Subject {
		text := created.Format("2006-01-02T15:04:05.000Z")
		o := parsed(t, indicator(merged(entry, object{"created": text, "modified": text})))
		return r.Subject("de-cert", [32]byte{}, o, nil)
	}
	first, periods := date(1990, 1, 1), map[string]bool{}
	for now := first; !now.IsZero() && now.Before(demoNow); now = d.tables.NextChange(now) {
		for _, when := range []time.Time{now, now.Add(time.Hour)} {
			got := at(when)
			text := when.Format("2006-01-02T15:04:05.000Z")
			o := parsed(t, indicator(merged(entry, object{"created": text, "modified": text})))
			if want := NewReader(d.tables).Subject("de-cert", [32]byte{}, o, nil); got.key != want.key || !reflect.DeepEqual(got.handling, want.handling) {
				t.Fatalf("at %s: %+v, want %+v", when, got.handling, want.handling)
			}
			periods[string(got.key[:])] = true
		}
	}
	if len(periods) < 3 {
		t.Fatalf("%d periods: the test proves nothing", len(periods))
	}
}
