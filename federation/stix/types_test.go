package stix

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// Every required property of every type is missed when it is absent.
func TestRequiredPropertiesAreRequired(t *testing.T) {
	for typ, raw := range examples(t) {
		o := parse1(t, string(raw))
		required := 0
		for _, u := range o.Units() {
			if u.Parent >= 0 || !u.Required {
				continue
			}
			required++
			var m map[string]json.RawMessage
			if err := json.Unmarshal(raw, &m); err != nil {
				t.Fatal(err)
			}
			delete(m, u.Name)
			less, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(less)
			if r := federation.ReasonOf(err); r != federation.Malformed {
				t.Errorf("%s without %s: %v", typ, u.Name, err)
			}
			if o.Lacks(u.Path) == "" {
				t.Errorf("%s: nothing is missed without %s", typ, u.Path)
			}
		}
		if required < 3 {
			t.Errorf("%s: only %d required properties", typ, required)
		}
	}
}

// schema is what a JSON schema of OASIS says about required properties.
type schema struct {
	Required []string          `json:"required"`
	AllOf    []json.RawMessage `json:"allOf"`
	AnyOf    []json.RawMessage `json:"anyOf"`
	OneOf    []json.RawMessage `json:"oneOf"`
}

// The table agrees with the published schemas on what each type requires.
func TestTableAgreesWithSchemas(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t), "schemas", "stix-2.1", "schemas", "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	checked := 0
	for _, file := range files {
		typ := strings.TrimSuffix(filepath.Base(file), ".json")
		info, ok := types21[typ]
		if !ok {
			continue
		}
		checked++
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		collect(t, data, want)
		for _, common := range []string{"type", "id", "spec_version", "created", "modified"} {
			delete(want, common)
		}
		got := map[string]bool{}
		for _, name := range info.required {
			got[name] = true
		}
		if typ == "email-message" {
			delete(got, "is_multipart") // the schema has it in both branches of a choice
		}
		if !maps.Equal(want, got) {
			t.Errorf("%s: schema requires %v, the table %v", typ, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
		}
	}
	if checked != len(types21) {
		t.Errorf("%d schemas for %d types", checked, len(types21))
	}
}

func collect(t *testing.T, data []byte, into map[string]bool) {
	t.Helper()
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	for _, name := range s.Required {
		into[name] = true
	}
	for _, part := range s.AllOf {
		collect(t, part, into)
	}
}

func TestLacks(t *testing.T) {
	location := `{"type":"location","spec_version":"2.1","id":"location--00000000-0000-4000-8000-000000000001",` +
		`"created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z"%s}`
	file := `{"type":"file","id":"file--00000000-0000-4000-8000-000000000001"%s}`
	report := `{"type":"report","spec_version":"2.1","id":"report--00000000-0000-4000-8000-000000000001","name":"n",` +
		`"created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z","published":"2026-01-05T08:12:31Z"` +
		`,"object_refs":["indicator--00000000-0000-4000-8000-000000000001","indicator--00000000-0000-4000-8000-000000000002"]%s}`
	process := `{"type":"process","id":"process--00000000-0000-4000-8000-000000000001","extensions":{"windows-process-ext":{"aslr_enabled":true},"` +
		HandlingExtension + `":{"extension_type":"property-extension","origin":"DE"}}%s}`
	for _, tc := range []struct {
		object, more, without, want string
	}{
		{location, `,"country":"DE"`, "", ""},
		{location, `,"country":"DE"`, "country", "one of region, country, latitude"},
		{location, `,"country":"DE","region":"western-europe"`, "country", ""},
		{location, `,"country":"DE","latitude":1,"longitude":2`, "longitude", "longitude"},
		{location, `,"country":"DE","latitude":1,"longitude":2`, "latitude longitude", ""},
		{location, `,"country":"DE","latitude":1,"longitude":2`, "country latitude longitude", "one of region, country, latitude"},
		{file, `,"name":"a","hashes":{"MD5":"b"}`, "name", ""},
		{file, `,"name":"a","hashes":{"MD5":"b"}`, "name hashes", "one of hashes, name"},
		{report, ``, "object_refs.[0]", ""},
		{report, ``, "object_refs.[0] object_refs.[1]", "object_refs"},
		{report, ``, "object_refs", "object_refs"},
		{process, ``, "extensions.windows-process-ext", "a property of its own"},
		{process, `,"pid":1`, "extensions.windows-process-ext", ""},
		{process, `,"pid":1`, "pid extensions", "a property of its own"},
	} {
		o := parse1(t, fmt.Sprintf(tc.object, tc.more))
		if got := o.Lacks(strings.Fields(tc.without)...); got != tc.want {
			t.Errorf("%s%s without %q: %q, want %q", o.Type(), tc.more, tc.without, got, tc.want)
		}
	}
}
