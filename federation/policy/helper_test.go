package policy

import (
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
	"github.com/entente-relay/entente/mapping/scheme"
)

// object is a STIX object under construction.
type object map[string]any

// indicator returns an ordinary TLP:GREEN indicator with changes; a nil value
// removes a property.
func indicator(changes object) object {
	o := object{
		"type": "indicator", "spec_version": "2.1", "id": "indicator--11111111-1111-4111-8111-111111111111",
		"created": "2026-01-05T00:00:00.000Z", "modified": "2026-01-05T00:00:00.000Z", "name": "phishing site",
		"description": "Seen in mail gateway logs.", "indicator_types": []string{"malicious-activity"},
		"pattern": "[domain-name:value = 'a.example']", "pattern_type": "stix", "valid_from": "2026-01-05T00:00:00.000Z",
		"object_marking_refs": []string{tlpID(mapping.TLPGreen)},
	}
	for k, v := range changes {
		if v == nil {
			delete(o, k)
			continue
		}
		o[k] = v
	}
	return o
}

// handlingOf returns extensions with our entry.
func handlingOf(entry object) object {
	e := object{"extension_type": "property-extension"}
	maps.Copy(e, entry)
	return object{"extensions": object{stix.HandlingExtension: e}}
}

// merged joins changes.
func merged(changes ...object) object {
	out := object{}
	for _, c := range changes {
		maps.Copy(out, c)
	}
	return out
}

func tlpID(t mapping.TLP) string {
	id, ok := marking.TLPObject(t)
	if !ok {
		panic("no published object for " + t.String())
	}
	return id
}

func marked(t mapping.TLP) object {
	return object{"object_marking_refs": []string{tlpID(t)}}
}

// subject reads an object of an issuer; defs are other objects of the message.
func (d *demo) subject(t testing.TB, issuer string, o object, defs ...object) *Subject {
	t.Helper()
	known := map[string]*stix.Object{}
	for _, def := range defs {
		p := parsed(t, def)
		known[p.ID()] = p
	}
	p := parsed(t, o)
	return d.reader.Subject(issuer, sha256.Sum256(p.Raw()), p, known)
}

func parsed(t testing.TB, o object) *stix.Object {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := stix.Parse(raw)
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return p
}

// overlay returns a copy of a shipped folder with files replaced, appended to
// (name "+x") or removed (nil).
func overlay(t testing.TB, folder string, files map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	src := shipped(t, folder)
	err := fs.WalkDir(src, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(src, path)
		out[path] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		switch {
		case text == "":
			delete(out, name)
		case name[0] == '+':
			f := out[name[1:]]
			out[name[1:]] = &fstest.MapFile{Data: append(slices.Clone(f.Data), text...)}
		default:
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

// load loads shipped data with changes to rules and facts of law.
func load(t testing.TB, tables *scheme.Tables, rules, law map[string]string, o Options) (*Bundle, error) {
	t.Helper()
	return Load(overlay(t, "policies", rules), overlay(t, "jurisdictions", law), tables, o)
}

// date is midnight UTC of a day.
func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// paths lists what a decision removes.
func paths(d Decision) []string {
	var out []string
	for _, r := range d.Removed() {
		out = append(out, r.Path)
	}
	return out
}

// reasonsOf lists the reasons of a decision.
func reasonsOf(d Decision) []string {
	var out []string
	for _, c := range d.Reasons() {
		out = append(out, string(c.Reason)+" by "+c.Rule)
	}
	return out
}

func readShipped(t testing.TB, folder, name string) []byte {
	t.Helper()
	raw, err := fs.ReadFile(shipped(t, folder), name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
