package demo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the demonstration promises to a newcomer, sentence by sentence.
func TestDemoTellsTheStory(t *testing.T) {
	var out bytes.Buffer
	begun := time.Now()
	if err := Run(t.Context(), Options{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Logf("took %v", time.Since(begun).Round(time.Millisecond))
	text := out.String()
	for _, want := range []string{
		"EXERCISE",
		"VS-NUR FÜR DEN DIENSTGEBRAUCH (DE)  ->  TLP:AMBER, ZASTRZEŻONE (PL)", // mapped at the first border
		"not-releasable, rule originator-consent, which cites",                // and stops at the second for want of DE's consent
		"accepts by name, though unverified",
		"our extension.note: tlp-audience, rule tlp-red-nobody, which cites FIRST TLP 2.0",
		"held, unmarked:", "held, unknown-marking:", "refused, not-accredited:",
		"residency, rule residency-recipient",
		"path de-cert -> pl-cert -> jp-carrier, one property removed on the way", // the signature survives the redaction
		"フィッシング", // in the words of a Japanese analyst
		"domain (", "ipv4 (",
		"to jp-carrier:  whole", "to jp-ministry: nothing of it", "covers recipients of kind business-operator only",
		"acknowledged 43 of 43 sent",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the story lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Scripts get the same as one JSON document, and the nodes' folders stay when
// asked for.
func TestDemoForScripts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, JSON: true, Keep: dir}); err != nil {
		t.Fatal(err)
	}
	var s Story
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Nodes) != 3 || len(s.Borders) != 2 || len(s.Reader) == 0 || len(s.WhatIf) == 0 || len(s.Counts) != 3 {
		t.Errorf("the story is not whole: %d nodes, %d borders, %d arrivals, %d what-ifs, %d counts", len(s.Nodes), len(s.Borders), len(s.Reader), len(s.WhatIf), len(s.Counts))
	}
	for _, c := range s.Counts {
		if c.Objects.Seen != c.Objects.Taken+c.Objects.Duplicate+c.Objects.Held+c.Objects.Refused {
			t.Errorf("%s: the counts do not add up: %+v", c.Node, c.Objects)
		}
	}
	for _, id := range []string{"de-cert", "pl-cert", "jp-carrier"} {
		if _, err := os.Stat(filepath.Join(dir, id, "entente.yaml")); err != nil {
			t.Error(err)
		}
	}
}

// A file of the user's own: unmarked input is held, or marked as the user says.
func TestDemoTakesAnyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.json")
	const own = `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00Z",
		"modified":"2026-01-01T00:00:00Z","name":"own\u001b[2J","pattern":"[domain-name:value = 'own.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`
	if err := os.WriteFile(path, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	for marking, want := range map[string]string{"": "held, unmarked", "TLP:GREEN": "own.example"} {
		var out bytes.Buffer
		if err := Run(t.Context(), Options{Out: &out, Input: path, Unmarked: marking}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("with %q the story lacks %q:\n%s", marking, want, out.String())
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Error("an escape sequence of the file reached the terminal")
		}
	}
	if err := Run(t.Context(), Options{Out: &bytes.Buffer{}, Input: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a file that is not there was published")
	}
}
