package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

const (
	idIndicator = "indicator--11111111-1111-4111-8111-111111111111"
	idMalware   = "malware--22222222-2222-4222-8222-222222222222"
	idIdentity  = "identity--33333333-3333-4333-8333-333333333333"
	idRelation  = "relationship--44444444-4444-4444-8444-444444444444"
	idReport    = "report--55555555-5555-4555-8555-555555555555"
	idMarking   = "marking-definition--66666666-6666-4666-8666-666666666666"
	idExtension = "extension-definition--77777777-7777-4777-8777-777777777777"
)

// other returns an object of a type with the common properties, TLP:GREEN.
func other(typ, id string, more object) object {
	return merged(object{
		"type": typ, "spec_version": "2.1", "id": id, "created": "2026-01-05T00:00:00.000Z", "modified": "2026-01-05T00:00:00.000Z",
		"object_marking_refs": []string{tlpID(mapping.TLPGreen)},
	}, more)
}

func identity(more object) object {
	return other("identity", idIdentity, merged(object{"name": "CERT Nordwald", "identity_class": "organization"}, more))
}

func malware(more object) object {
	return other("malware", idMalware, merged(object{"name": "loader", "is_family": false}, more))
}

func relation(more object) object {
	return other("relationship", idRelation, merged(object{"relationship_type": "indicates", "source_ref": idIndicator, "target_ref": idMalware}, more))
}

func report(refs []string, more object) object {
	return other("report", idReport, merged(object{"name": "weekly", "published": "2026-01-05T00:00:00.000Z", "object_refs": refs}, more))
}

func statement() object {
	return object{"type": "marking-definition", "spec_version": "2.1", "id": idMarking, "created": "2026-01-05T00:00:00.000Z",
		"definition_type": "statement", "definition": object{"statement": "Sample for an exercise."}}
}

// message decides on the objects of one message, DE to PL, and closes it.
func (d *demo) message(t *testing.T, objects ...object) []Decision {
	t.Helper()
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	var ds []Decision
	for _, o := range objects {
		ds = append(ds, d.bundle.Decide(d.subject(t, "de-cert", o, objects...), to, demoNow))
	}
	return Relate(ds)
}

// sketch words decisions: "share", "withhold", "redact created_by_ref".
func sketch(ds []Decision) []string {
	var out []string
	for _, d := range ds {
		out = append(out, strings.TrimSpace(string(d.Verdict())+" "+strings.Join(paths(d), " ")))
	}
	return out
}

func TestRelate(t *testing.T) {
	d := newDemo(t)
	red := marked(mapping.TLPRed)
	by := object{"created_by_ref": idIdentity}
	for _, c := range []struct {
		name    string
		objects []object
		want    []string
	}{
		{"nothing is withheld", []object{indicator(by), malware(by), relation(by), identity(nil)}, []string{"share", "share", "share", "share"}},
		{"the author is withheld", []object{indicator(by), identity(red)}, []string{"redact created_by_ref", "withhold"}},
		{"an end of a relationship is withheld", []object{indicator(nil), malware(red), relation(nil)}, []string{"share", "withhold", "withhold"}},
		{"and what refers to the relationship", []object{indicator(nil), malware(red), relation(nil), report([]string{idIndicator, idRelation}, nil)},
			[]string{"share", "withhold", "withhold", "redact object_refs.[1]"}},
		{"all of a report is withheld", []object{indicator(red), malware(red), report([]string{idIndicator, idMalware}, nil)}, []string{"withhold", "withhold", "withhold"}},
		{"one of a report", []object{indicator(nil), malware(red), report([]string{idMalware, idIndicator}, nil)}, []string{"share", "withhold", "redact object_refs.[0]"}},
		{"what a report is held for", []object{indicator(object{"object_marking_refs": nil}), report([]string{idIndicator}, nil)}, []string{"hold", "withhold"}},
		{"a reference that an id may be computed from", []object{indicator(merged(by, object{"id": "indicator--0b0c3a3e-8d0f-5c3a-9a4e-2f5f3b1c7d11"})), identity(red)}, []string{"withhold", "withhold"}},
		{"outside the message", []object{indicator(by), relation(nil)}, []string{"share", "share"}},
		{"a definition goes with what it marks", []object{statement(), indicator(object{"object_marking_refs": []string{tlpID(mapping.TLPGreen), idMarking}})}, []string{"share", "share"}},
		{"a definition stays with what it marks", []object{statement(), indicator(object{"object_marking_refs": []string{tlpID(mapping.TLPRed), idMarking}})}, []string{"withhold", "withhold"}},
		{"a definition of a part", []object{statement(), indicator(object{"granular_markings": []object{{"marking_ref": idMarking, "selectors": []string{"name"}}}})}, []string{"share", "share"}},
		{"a definition that nothing uses", []object{statement(), indicator(nil)}, []string{"withhold", "share"}},
		{"a definition marked by itself", []object{merged(statement(), marked(mapping.TLPClear)), indicator(nil)}, []string{"share", "share"}},
		{"a definition marked red keeps what it marks", []object{merged(statement(), red), indicator(object{"object_marking_refs": []string{tlpID(mapping.TLPGreen), idMarking}})}, []string{"withhold", "withhold"}},
		{"an id in a text", []object{indicator(object{"description": "dropped by " + idMalware + ", it seems"}), malware(red)}, []string{"redact description", "withhold"}},
		{"an id in a property of the producer's own", []object{indicator(object{"x_about": object{"which": []string{"a", idMalware}}}), malware(red)}, []string{"redact x_about", "withhold"}},
		{"an id as the name of a member", []object{indicator(object{"x_scores": object{idMalware: 7}}), malware(red)}, []string{"redact x_scores", "withhold"}},
		{"an id in what is always open", []object{indicator(object{"labels": []string{idMalware}}), malware(red)}, []string{"withhold", "withhold"}},
		{"an id in a selector", []object{indicator(object{"x_scores": object{idMalware: 7}, "granular_markings": []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{"x_scores." + idMalware}}}}), malware(red)},
			[]string{"withhold", "withhold"}},
		{"its own id", []object{identity(object{"created_by_ref": idIdentity, "description": idIdentity}), malware(red)}, []string{"share", "withhold"}},
		{"an extension's definition", []object{
			{"type": "extension-definition", "spec_version": "2.1", "id": idExtension, "created": "2026-01-05T00:00:00.000Z", "modified": "2026-01-05T00:00:00.000Z",
				"created_by_ref": idIdentity, "name": "score", "schema": "https://schema.example/score", "version": "1.0", "extension_types": []string{"property-extension"}},
			indicator(object{"extensions": object{idExtension: object{"extension_type": "property-extension", "score": 7}}})}, []string{"share", "share"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ds := d.message(t, c.objects...)
			if got := sketch(ds); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, x := range ds {
				if x.Verdict() != federation.Share && len(x.Reasons()) == 0 {
					t.Errorf("%s without a reason", x.Verdict())
				}
			}
			if got := sketch(Relate(ds)); !slices.Equal(got, c.want) {
				t.Errorf("closing it again gives %q", got)
			}
		})
	}
}

// Decide alone never lets a definition out that has no marking of its own, and
// what the node itself keeps back is not released by closing the message.
func TestDefinitionWaits(t *testing.T) {
	d := newDemo(t)
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	def := d.subject(t, "de-cert", statement())
	alone := d.bundle.Decide(def, to, demoNow)
	if alone.goes() || len(alone.Reasons()) == 0 {
		t.Fatalf("alone: %s", alone.Verdict())
	}
	user := d.bundle.Decide(d.subject(t, "de-cert", indicator(object{"object_marking_refs": []string{tlpID(mapping.TLPGreen), idMarking}}), statement()), to, demoNow)
	if got := sketch(Relate([]Decision{alone, user})); !slices.Equal(got, []string{"share", "share"}) {
		t.Errorf("together: %q", got)
	}
	kept := d.bundle.Withhold(def, to, federation.Withhold, federation.Duplicate, "here already", demoNow)
	if got := sketch(Relate([]Decision{kept, user})); !slices.Equal(got, []string{"withhold", "withhold"}) {
		t.Errorf("kept back by the node: %q", got)
	}
	if got := Relate([]Decision{{}, user}); got[0].Valid() || got[0].goes() || !got[1].goes() {
		t.Error("an invalid decision became valid, or spoilt another")
	}
}

// A redaction that leaves nothing of what STIX requires takes the object.
func TestRedactionLimits(t *testing.T) {
	d := newDemo(t)
	mark := func(paths ...string) object {
		return object{"granular_markings": []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": paths}}}
	}
	email := object{"type": "email-addr", "spec_version": "2.1", "value": "anna.beispiel@victim.example", "display_name": "Anna",
		"id": "email-addr--0b0c3a3e-8d0f-5c3a-9a4e-2f5f3b1c7d11", "object_marking_refs": []string{tlpID(mapping.TLPGreen)}}
	for _, c := range []struct {
		name   string
		object object
		want   string
	}{
		{"an optional property", indicator(mark("description")), "redact description"},
		{"a required one", malware(mark("is_family")), "withhold"},
		{"a fixed one", indicator(merged(mark("labels"), object{"labels": []string{"phishing"}})), "withhold"},
		{"a part of a fixed one", indicator(merged(mark("labels.[0]"), object{"labels": []string{"phishing", "spam"}})), "withhold"},
		{"every part of the note", indicator(merged(mark(note+".abstract", note+".content"), handlingOf(object{"note": object{"abstract": "a", "content": "b"}}))), "redact " + note},
		{"one part of the note", indicator(merged(mark(note+".content"), handlingOf(object{"note": object{"abstract": "a", "content": "b"}}))), "redact " + note + ".content"},
		{"inside one part of the note", indicator(merged(mark(note+".contacts.[1]"), handlingOf(object{"note": object{"abstract": "a", "contacts": []string{"soc@a.example", "soc@b.example"}}}))), "redact " + note + ".contacts"},
		{"an entry of extensions", indicator(merged(mark("extensions."+idExtension), object{"extensions": object{idExtension: object{"extension_type": "property-extension", "score": 7}}})), "redact extensions"},
		{"one of two entries", indicator(merged(mark("extensions."+idExtension+".score"), object{"extensions": object{
			idExtension: object{"extension_type": "property-extension", "score": 7}, "extension-definition--88888888-8888-4888-8888-888888888888": object{"extension_type": "property-extension", "x": 1}}})), "redact extensions." + idExtension},
		{"all of extensions, ours among them", indicator(merged(mark("extensions"), handlingOf(object{"origin": "DE"}))), "withhold"},
		{"one element of a list marks all: relays renumber", report([]string{idIndicator, idMalware}, mark("object_refs.[1]")), "withhold"},
		{"what one of a group must stay of", other("location", "location--99999999-9999-4999-8999-999999999999", merged(object{"country": "DE", "region": "western-europe"}, mark("country", "region"))), "withhold"},
		{"one of the group", other("location", "location--99999999-9999-4999-8999-999999999999", merged(object{"country": "DE", "region": "western-europe"}, mark("region"))), "redact region"},
		{"an optional property that the id may be computed from", indicator(merged(mark("name"), object{"id": "indicator--0b0c3a3e-8d0f-5c3a-9a4e-2f5f3b1c7d11"})), "withhold"},
		{"a value that the id is computed from", merged(email, mark("value")), "withhold"},
		{"beside a value that the id is computed from", merged(email, mark("display_name")), "redact display_name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := d.message(t, c.object)
			if s := sketch(got); s[0] != c.want {
				t.Errorf("%q, want %q: %v", s[0], c.want, reasonsOf(got[0]))
			}
		})
	}
}

// An id computed from a denied value gives the value away, so the object and
// every reference to it stay.
func TestDerivedIDIsNotRevealed(t *testing.T) {
	d := newDemo(t)
	const idEmail = "email-addr--0b0c3a3e-8d0f-5c3a-9a4e-2f5f3b1c7d11"
	email := object{"type": "email-addr", "spec_version": "2.1", "id": idEmail, "value": "anna.beispiel@victim.example", "object_marking_refs": []string{tlpID(mapping.TLPGreen)}}
	seen := relation(object{"relationship_type": "based-on", "target_ref": idEmail})
	to := NewRecipient(d.pl, sampleAgreement(t, "pl-cert--jp-ministry"))
	for _, in := range [][]object{{email, seen}, {seen}} { // also where the address itself is not in the message
		var ds []Decision
		for _, o := range in {
			ds = append(ds, d.bundle.Decide(d.subject(t, "de-cert", o), to, demoNow))
		}
		for _, x := range Relate(ds) {
			if x.goes() {
				t.Errorf("%s goes: %s %v", x.subject.object.Type(), x.Verdict(), paths(x))
			} else if x.Reasons()[0].Reason != federation.PersonalData {
				t.Errorf("%s: %v", x.subject.object.Type(), reasonsOf(x))
			}
		}
	}
}
