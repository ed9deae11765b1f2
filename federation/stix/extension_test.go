package stix

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// The definition that ships says of every key what the reader does with it.
func TestHandlingDefinition(t *testing.T) {
	o := parse1(t, string(HandlingDefinition()))
	if o.ID() != HandlingExtension {
		t.Errorf("it defines %s", o.ID())
	}
	text, ok := o.Text("schema")
	if !ok {
		t.Fatal("it has no schema")
	}
	var schema struct {
		Properties map[string]struct {
			Type                 string
			Const                string
			Enum                 []string
			Minimum              int
			Maximum              int
			Properties           map[string]struct{ Type string }
			AdditionalProperties json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"string": `"x"`, "array": `["x"]`, "integer": "30", "boolean": "true"}
	if len(schema.Properties) != 18 {
		t.Errorf("%d keys", len(schema.Properties))
	}
	for key, p := range schema.Properties {
		value := values[p.Type]
		switch {
		case p.Const != "":
			value = fmt.Sprintf("%q", p.Const)
		case len(p.Enum) > 0:
			value = fmt.Sprintf("%q", p.Enum[0])
			if !slices.Equal(p.Enum, Impacts()) {
				t.Errorf("%s: the definition has the words %v", key, p.Enum)
			}
		case key == "categories":
			value = `{"name":"target"}`
			for _, c := range federation.Categories() {
				if !strings.Contains(string(p.AdditionalProperties), `"`+string(c)+`"`) {
					t.Errorf("%s: the definition lacks %s", key, c)
				}
			}
		case p.Type == "object":
			var parts []string
			for part, pp := range p.Properties {
				parts = append(parts, fmt.Sprintf("%q:%s", part, values[pp.Type]))
			}
			value = "{" + strings.Join(parts, ",") + "}"
		}
		raw := handled(fmt.Sprintf(",%q:%s", key, value))
		if key == "extension_type" {
			raw = handled("")
		}
		if _, err := Parse([]byte(raw)); err != nil {
			t.Errorf("%s is in the definition: %v", key, err)
		}
		if p.Maximum > 0 {
			if _, err := Parse([]byte(handled(fmt.Sprintf(",%q:%d", key, p.Maximum+1)))); err == nil {
				t.Errorf("%s beyond its maximum is taken", key)
			}
		}
	}
	// A key that is read but not defined would show here: the reader refuses all others.
	for _, key := range words("origin scheme classification caveats releasable_to residency retain_days purpose contract personal_data default_marking reoriginated generalised aggregate impact categories note extension_type") {
		if _, ok := schema.Properties[key]; !ok {
			t.Errorf("%s is read but not defined", key)
		}
	}
	HandlingDefinition()[0] = 'x'
	if HandlingDefinition()[0] != '{' {
		t.Error("the caller can change the definition")
	}
}
