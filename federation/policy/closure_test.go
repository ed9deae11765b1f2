package policy

import (
	"slices"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

const (
	idUnknown  = "malware--0a0a0a0a-0000-4000-8000-000000000001"
	idComputed = "ipv4-addr--0a0a0a0a-0000-5000-8000-000000000001"
	idSecond   = "relationship--0a0a0a0a-0000-4000-8000-000000000002"
)

// elsewhere are objects in other messages, by issuer, and what else is known
// of ids.
type elsewhere struct {
	demo     *demo
	t        *testing.T
	to       *Recipient
	objects  map[string][]object // by issuer
	standing map[string]Standing // by id, where there is no object
	asked    []string
}

func (e *elsewhere) find(issuer, id string) Standing {
	e.asked = append(e.asked, id)
	var own, others Standing
	for by, list := range e.objects {
		for _, o := range list {
			if o["id"] != id {
				continue
			}
			d := e.demo.bundle.Decide(e.demo.subject(e.t, by, o, list...), e.to, demoNow)
			if by == issuer {
				own.Decisions = append(own.Decisions, d)
			} else {
				others.Decisions = append(others.Decisions, d)
			}
		}
	}
	switch {
	case len(own.Decisions) > 0:
		return own
	case len(others.Decisions) > 0:
		return others
	}
	return e.standing[id]
}

func unmarked(o object) object {
	delete(o, "object_marking_refs")
	return o
}

// TestClosure closes messages over what other messages hold.
func TestClosure(t *testing.T) {
	d := newDemo(t)
	red, amber := marked(mapping.TLPRed), marked(mapping.TLPAmber)
	by := object{"created_by_ref": idIdentity}
	to := func(target string) object { return object{"target_ref": target} }
	type lists = map[string][]object
	for _, c := range []struct {
		name     string
		message  []object
		objects  lists
		standing map[string]Standing
		want     []string
		rule     string // of the first object that is not shared
	}{
		{"what it refers to goes", []object{relation(nil), indicator(by)}, lists{"de-cert": {malware(nil), identity(nil)}}, nil, []string{"share", "share"}, ""},
		{"an end does not go", []object{relation(nil), indicator(nil)}, lists{"de-cert": {malware(red)}}, nil, []string{"withhold", "share"}, "closed-reference"},
		{"the author does not go", []object{indicator(by)}, lists{"de-cert": {identity(red)}}, nil, []string{"redact created_by_ref"}, "closed-reference"},
		{"one of a report", []object{report([]string{idMalware, idIndicator}, nil)}, lists{"de-cert": {malware(red), indicator(nil)}}, nil, []string{"redact object_refs.[0]"}, "closed-reference"},
		{"all of a report", []object{report([]string{idMalware, idIndicator}, nil)}, lists{"de-cert": {malware(red), indicator(red)}}, nil, []string{"withhold"}, "closed-reference"},
		{"one held, one withheld of a report", []object{report([]string{idMalware, idIndicator}, nil)}, lists{"de-cert": {unmarked(malware(nil)), indicator(red)}}, nil, []string{"hold"}, "waiting-reference"},
		{"one withheld, one held of a report", []object{report([]string{idIndicator, idMalware}, nil)}, lists{"de-cert": {unmarked(malware(nil)), indicator(red)}}, nil, []string{"hold"}, "closed-reference"},
		{"an end waits for a person", []object{relation(nil), indicator(nil)}, lists{"de-cert": {unmarked(malware(nil))}}, nil, []string{"hold", "share"}, "waiting-reference"},
		{"an end waits at the way in", []object{relation(to(idUnknown)), indicator(nil)}, nil, map[string]Standing{idUnknown: {Held: true}}, []string{"hold", "share"}, "waiting-reference"},
		{"an end was refused at the way in", []object{relation(to(idUnknown)), indicator(nil)}, nil, map[string]Standing{idUnknown: {Refused: true}}, []string{"withhold", "share"}, "closed-reference"},
		{"a text names it", []object{indicator(object{"description": "see " + idMalware})}, lists{"de-cert": {malware(red)}}, nil, []string{"redact description"}, "closed-reference"},
		{"an end goes, but what that needs does not", []object{relation(to(idSecond)), indicator(nil)},
			lists{"de-cert": {other("relationship", idSecond, object{"relationship_type": "related-to", "source_ref": idIndicator, "target_ref": idMalware}), malware(red)}}, nil, []string{"withhold", "share"}, "closed-reference"},
		{"an end goes without what it need not have", []object{relation(to(idReport)), indicator(nil)},
			lists{"de-cert": {report([]string{idMalware, idIndicator}, nil), malware(red), indicator(nil)}}, nil, []string{"share", "share"}, ""},
		{"in a circle, all go", []object{relation(object{"source_ref": idReport, "target_ref": idMalware})},
			lists{"de-cert": {report([]string{idSecond}, nil), other("relationship", idSecond, object{"relationship_type": "related-to", "source_ref": idReport, "target_ref": idMalware}), malware(nil)}}, nil, []string{"share"}, ""},
		{"in a circle, one does not", []object{relation(object{"source_ref": idReport, "target_ref": idReport})},
			lists{"de-cert": {report([]string{idSecond}, nil), other("relationship", idSecond, object{"relationship_type": "related-to", "source_ref": idReport, "target_ref": idMalware}), malware(red)}}, nil, []string{"withhold"}, "closed-reference"},
		{"unknown, a random id", []object{relation(to(idUnknown)), indicator(by)}, nil, nil, []string{"share", "share"}, ""},
		{"unknown, a computed id", []object{relation(to(idComputed)), indicator(nil)}, nil, nil, []string{"hold", "share"}, "unknown-reference"},
		{"unknown, a computed id that can go", []object{indicator(object{"created_by_ref": "identity--0a0a0a0a-0000-5000-8000-000000000003"})}, nil, nil, []string{"redact created_by_ref"}, "unknown-reference"},
		{"unknown, an extension", []object{indicator(object{"extensions": object{"extension-definition--0a0a0a0a-0000-5000-8000-000000000003": object{"extension_type": "property-extension", "x": 1}}})}, nil, nil, []string{"share"}, ""},
		{"of the peer's own", []object{relation(to(idComputed)), indicator(nil)}, nil, map[string]Standing{idComputed: {Theirs: true}}, []string{"share", "share"}, ""},
		{"its own issuer's counts", []object{relation(nil), indicator(nil)}, lists{"de-cert": {malware(red)}, "fr-cert": {malware(nil)}}, nil, []string{"withhold", "share"}, "closed-reference"},
		{"of others, one that goes is enough", []object{relation(nil), indicator(nil)}, lists{"nl-cert": {malware(red)}, "fr-cert": {malware(nil)}}, nil, []string{"share", "share"}, ""},
		{"of others, second-hand amber", []object{relation(nil), indicator(nil)}, lists{"fr-cert": {malware(amber)}}, nil, []string{"withhold", "share"}, "closed-reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &elsewhere{demo: d, t: t, to: NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), objects: c.objects, standing: c.standing}
			var ds []Decision
			for _, o := range c.message {
				ds = append(ds, d.bundle.Decide(d.subject(t, "de-cert", o, c.message...), e.to, demoNow))
			}
			closure := NewClosure(e.find)
			got := closure.Relate(ds)
			if !slices.Equal(sketch(got), c.want) {
				t.Errorf("got %q, want %q", sketch(got), c.want)
			}
			asked := len(e.asked)
			if again := closure.Relate(ds); !slices.Equal(sketch(again), c.want) || len(e.asked) != asked {
				t.Errorf("asked again it says %q, after %d more questions", sketch(again), len(e.asked)-asked)
			}
			for _, x := range got {
				if x.Verdict() == federation.Share {
					continue
				}
				if rs := x.Reasons(); len(rs) == 0 || rs[0].Rule != c.rule || rs[0].Reason != federation.UnresolvedReference {
					t.Errorf("%s for %+v, want rule %s", x.Verdict(), rs, c.rule)
				}
				break
			}
		})
	}
}

// What mentions nothing asks nothing, and one id is looked up once.
func TestClosureAsksOnce(t *testing.T) {
	d := newDemo(t)
	e := &elsewhere{demo: d, t: t, to: NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), objects: map[string][]object{"de-cert": {identity(nil)}}}
	decide := func(o object) []Decision {
		return []Decision{d.bundle.Decide(d.subject(t, "de-cert", o), e.to, demoNow)}
	}
	c := NewClosure(e.find)
	if c.Relate(decide(indicator(nil))); len(e.asked) != 0 {
		t.Errorf("asked for %q", e.asked)
	}
	for range 3 {
		c.Relate(decide(indicator(object{"created_by_ref": idIdentity})))
	}
	if !slices.Equal(e.asked, []string{idIdentity}) || c.Size() != 1 {
		t.Errorf("asked for %q", e.asked)
	}
	// An object that is withheld anyway is no reason to look anything up.
	if c.Relate(decide(indicator(merged(marked(mapping.TLPRed), object{"created_by_ref": idUnknown})))); len(e.asked) != 1 {
		t.Errorf("asked for %q", e.asked)
	}
}
