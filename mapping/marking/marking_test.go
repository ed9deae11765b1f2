package marking

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// The published identifiers are repeated here in full, as a reader of the
// standards would write them down, so that a slip in the list is seen.
var wantWellKnown = map[string]mapping.Handling{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": {TLP: mapping.TLPClear, TLPVersion1: true},
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": {TLP: mapping.TLPGreen, TLPVersion1: true},
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": {TLP: mapping.TLPAmber, TLPVersion1: true},
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": {TLP: mapping.TLPRed, TLPVersion1: true},
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": {TLP: mapping.TLPClear},
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": {TLP: mapping.TLPGreen},
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": {TLP: mapping.TLPAmber},
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": {TLP: mapping.TLPAmberStrict},
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": {TLP: mapping.TLPRed},
	"marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92": {PAP: mapping.PAPClear},
	"marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9": {PAP: mapping.PAPGreen},
	"marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab": {PAP: mapping.PAPAmber},
	"marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e": {PAP: mapping.PAPRed},
	"marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730": {PAP: mapping.PAPClear},
}

func TestWellKnown(t *testing.T) {
	if len(wantWellKnown) != len(list) {
		t.Fatalf("%d identifiers listed, %d expected", len(list), len(wantWellKnown))
	}
	for id, want := range wantWellKnown {
		got, ok := WellKnown(id)
		if !ok || got.Key() != want.Key() {
			t.Errorf("WellKnown(%s) = %+v, %v", id, got, ok)
		}
		raw, ok := WellKnownObject(id)
		if !ok || !json.Valid(raw) {
			t.Fatalf("WellKnownObject(%s) = %q, %v", id, raw, ok)
		}
		back, err := Definition(id, raw)
		if err != nil || back.Key() != want.Key() {
			t.Errorf("Definition of the object shipped for %s = %+v, %v", id, back, err)
		}
	}
}

// Trap T5: identifiers that are in use and that nobody published.
func TestLookAlikeIdentifiersAreUnknown(t *testing.T) {
	for _, id := range []string{
		"marking-definition--939a9414-2ddd-4d32-a254-099d340a1628",
		"marking-definition--939a9414-2ddd-4d32-a0cd-b7c2c2b9e2c8",
		"marking-definition--bab4a63c-aed9-4b5f-a869-75b77dcc1ef3",
		"marking-definition--94868C89-83C2-464B-929B-A1A8AA3C8487", // capitals
		"94868c89-83c2-464b-929b-a1a8aa3c8487",                     // no prefix
		"marking-tlp--94868c89-83c2-464b-929b-a1a8aa3c8487",        // CACAO's prefix
		"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487 ",
		"",
	} {
		if h, ok := WellKnown(id); ok {
			t.Errorf("WellKnown(%q) = %+v, want unknown", id, h)
		}
		if _, ok := WellKnownObject(id); ok {
			t.Errorf("WellKnownObject(%q) answered", id)
		}
	}
}

func TestTLPObject(t *testing.T) {
	for _, level := range []mapping.TLP{mapping.TLPClear, mapping.TLPGreen, mapping.TLPAmber, mapping.TLPAmberStrict, mapping.TLPRed} {
		id, ok := TLPObject(level)
		h, known := WellKnown(id)
		if !ok || !known || h.TLP != level || h.TLPVersion1 {
			t.Errorf("TLPObject(%s) = %s, %v", level, id, ok)
		}
	}
	if id, ok := TLPObject(mapping.TLPUnmarked); ok {
		t.Errorf("TLPObject(unmarked) = %s", id)
	}
}

const ownID = "marking-definition--11111111-2222-4333-8444-555555555555"

// define returns a marking-definition under ownID with the given members.
func define(members string) string {
	return `{"type":"marking-definition","spec_version":"2.1","id":"` + ownID + `","created":"2024-01-10T14:52:41Z",` + members + `}`
}

func TestStatementIsCarried(t *testing.T) {
	h, err := Definition(ownID, []byte(define(`"definition_type":"statement","definition":{"statement":"Copyright 2026, Example Corp"}`)))
	if err != nil {
		t.Fatal(err)
	}
	want := mapping.Handling{Statements: []string{"Copyright 2026, Example Corp"}}
	if h.Key() != want.Key() {
		t.Errorf("got %+v, want %+v", h, want)
	}
}

func TestDefinitionRefuses(t *testing.T) {
	red := "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
	clear2 := "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	ext := func(id, body string) string {
		return `"extensions":{"` + id + `":{"extension_type":"property-extension",` + body + `}}`
	}
	for _, c := range []struct {
		name, id, raw string
		cause         mapping.Cause
		text          string
	}{
		{"not JSON", ownID, `{`, mapping.Malformed, "not readable as JSON"},
		{"duplicate key", ownID, define(`"definition_type":"statement","definition_type":"tlp","definition":{"statement":"x"}`), mapping.Malformed, "not readable as JSON"},
		{"invalid UTF-8", ownID, define("\"definition_type\":\"statement\",\"definition\":{\"statement\":\"\xff\"}"), mapping.Malformed, "not readable as JSON"},
		{"a list", ownID, `[]`, mapping.Malformed, "not readable as JSON"},
		{"another type", ownID, `{"type":"indicator","id":"` + ownID + `"}`, mapping.Malformed, "its type is"},
		{"another identifier", red, define(`"definition_type":"tlp","definition":{"tlp":"red"}`), mapping.Malformed, "the object is"},
		{"both ways at once", ownID, define(`"definition_type":"tlp","definition":{"tlp":"red"},` + ext(extensionTLP2, `"tlp_2_0":"red"`)), mapping.Malformed, "allows one of them"},
		{"neither way", ownID, define(`"name":"x"`), mapping.Malformed, "neither"},
		{"empty extensions", ownID, define(`"extensions":{}`), mapping.Malformed, "neither"},
		{"definition without its type", ownID, define(`"definition":{"tlp":"red"}`), mapping.Malformed, "without a definition_type"},
		{"empty statement", ownID, define(`"definition_type":"statement","definition":{"statement":""}`), mapping.Malformed, "statement"},
		{"statement and more", ownID, define(`"definition_type":"statement","definition":{"statement":"x","tlp":"red"}`), mapping.Malformed, "statement"},
		{"statement is a number", ownID, define(`"definition_type":"statement","definition":{"statement":7}`), mapping.Malformed, "statement"},
		{"too large", ownID, define(`"definition_type":"statement","definition":{"statement":"` + strings.Repeat("x", maxDefinition) + `"}`), mapping.Malformed, "over the limit"},

		{"TLP 1.0 body, own identifier", ownID, define(`"definition_type":"tlp","definition":{"tlp":"clear"}`), mapping.UnknownMarking, "identifier of its own"},
		{"TLP 2.0 body, own identifier", ownID, define(ext(extensionTLP2, `"tlp_2_0":"clear"`)), mapping.UnknownMarking, "identifier of its own"},
		{"PAP body, own identifier", ownID, define(ext(extensionPAP, `"pap":"clear"`)), mapping.UnknownMarking, "identifier of its own"},
		{"RED's identifier, green body", red, strings.ReplaceAll(define(`"definition_type":"tlp","definition":{"tlp":"green"}`), ownID, red), mapping.UnknownMarking, "TLP:RED with a body that says something else"},
		{"RED's identifier, statement", red, strings.ReplaceAll(define(`"definition_type":"statement","definition":{"statement":"x"}`), ownID, red), mapping.UnknownMarking, "says something else"},
		{"CLEAR's identifier and an obligation beside", clear2, strings.ReplaceAll(define(`"extensions":{"`+extensionTLP2+`":{"extension_type":"property-extension","tlp_2_0":"clear"},"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a":{}}`), ownID, clear2), mapping.UnknownMarking, "says something else"},
		{"CLEAR's identifier and a property beside", clear2, strings.ReplaceAll(define(ext(extensionTLP2, `"tlp_2_0":"clear","also":"red"`)), ownID, clear2), mapping.UnknownMarking, "says something else"},
		{"unknown definition_type", ownID, define(`"definition_type":"x-internal","definition":{"a":"b"}`), mapping.UnknownMarking, `"x-internal"`},
		{"unknown extension", ownID, define(`"name":"Secret sauce",` + ext("extension-definition--00000000-0000-4000-8000-000000000000", `"a":"b"`)), mapping.UnknownMarking, "Secret sauce"},
		{"CUI", ownID, define(ext("extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a", `"cui_name":"CUI//SP-CTI"`)), mapping.UnknownMarking, "US CUI marking"},
		{"IEP that is no object", ownID, define(`"extensions":{"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a":7}`), mapping.UnknownMarking, "IEP 2.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Definition(c.id, []byte(c.raw))
			fault, ok := errors.AsType[*mapping.Fault](err)
			if !ok || fault.Cause != c.cause || !strings.Contains(err.Error(), c.text) || fault.Law != "A8" || fault.What != c.id {
				t.Fatalf("got %v, want cause %s and %q", err, c.cause, c.text)
			}
			if h.Key() != (mapping.Handling{}).Key() {
				t.Errorf("a refused marking gave handling %+v", h)
			}
		})
	}
}

// samples returns the folder of published files, or skips.
func samples(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "samples", "markings")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs the published samples: set ENTENTE_SHARED to the folder that holds samples/")
	}
	return dir
}

// The published sample of ACS is named and left to a person; those of TLP 2.0
// and IEP 2.0 are read.
func TestPublishedSamples(t *testing.T) {
	dir := samples(t)
	for file, want := range map[string]string{
		"acs-spec-use-case-1.json":      `ACS 3.0 marking (identifier "isa:guide.19001.ACS3-3bda2f6e-cedc-4c0f-a756-c03d6b586917", control_set.classification "TS"`,
		"iep-data-marking-example.json": "",
		"tlp2-amber-strict.json":        "",
	} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		id, object := firstDefinition(t, raw)
		h, err := Definition(id, object)
		if want == "" {
			want := map[string]mapping.Handling{
				"tlp2-amber-strict.json": {TLP: mapping.TLPAmberStrict},
				"iep-data-marking-example.json": {TLP: mapping.TLPAmber, TLPVersion1: true, PAP: mapping.PAPGreen,
					Contracts: []string{"iep2-no-attribution", "iep2-no-resale"}, NotBefore: time.Date(2022, 10, 1, 0, 0, 0, 0, time.UTC)},
			}[file]
			if err != nil || h.Key() != want.Key() {
				t.Errorf("%s: %+v, %v", file, h, err)
			}
			continue
		}
		if !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "understood: no") {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}

// firstDefinition returns the object itself, or the first one of a bundle.
func firstDefinition(t *testing.T, raw []byte) (string, []byte) {
	t.Helper()
	var head struct {
		ID      string            `json:"id"`
		Objects []json.RawMessage `json:"objects"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		t.Fatal(err)
	}
	if len(head.Objects) > 0 {
		return firstDefinition(t, head.Objects[0])
	}
	return head.ID, raw
}

func TestTag(t *testing.T) {
	for tag, want := range map[string]mapping.Handling{
		"tlp:white":        {TLP: mapping.TLPClear, TLPVersion1: true},
		"tlp:clear":        {TLP: mapping.TLPClear},
		"tlp:green":        {TLP: mapping.TLPGreen},
		"TLP:AMBER":        {TLP: mapping.TLPAmber},
		"tlp:amber+strict": {TLP: mapping.TLPAmberStrict},
		"tlp:red":          {TLP: mapping.TLPRed},
		"PAP:RED":          {PAP: mapping.PAPRed},
		"pap:amber":        {PAP: mapping.PAPAmber},
		"PAP:GREEN":        {PAP: mapping.PAPGreen},
		"PAP:CLEAR":        {PAP: mapping.PAPClear},
		"PAP:WHITE":        {PAP: mapping.PAPClear},
	} {
		if got, err := Tag(tag); err != nil || got.Key() != want.Key() {
			t.Errorf("Tag(%q) = %+v, %v", tag, got, err)
		}
	}
	for tag, cause := range map[string]mapping.Cause{
		"tlp:unclear":                mapping.UnknownMarking,
		"tlp:ex:chr":                 mapping.UnknownMarking,
		"tlp:amber-strict":           mapping.UnknownMarking,
		"tlp:ambеr":                  mapping.UnknownMarking, // a Cyrillic letter
		"tlp:":                       mapping.UnknownMarking,
		"PAP:AMBER+STRICT":           mapping.UnknownMarking,
		`nato:classification="NS"`:   mapping.UnknownMarking,
		"de-vs:classification":       mapping.UnknownMarking,
		"type:OSINT":                 mapping.NotMarking,
		"tlp":                        mapping.NotMarking,
		"":                           mapping.NotMarking,
		`misp-galaxy:tool="PoisonX"`: mapping.NotMarking,
	} {
		h, err := Tag(tag)
		if !errors.Is(err, &mapping.Fault{Cause: cause}) {
			t.Errorf("Tag(%q) = %+v, %v, want cause %s", tag, h, err, cause)
		}
	}
}
