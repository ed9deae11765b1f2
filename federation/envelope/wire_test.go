package envelope

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestWireExample holds the walked-through example of WIRE.md to the vector that
// it names: each JSON block is, line by line, what stands in the message.
func TestWireExample(t *testing.T) {
	doc, err := os.ReadFile("WIRE.md")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "vectors", "refuse-put-back.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	inside := string(plainText(t, []byte(strings.Join(v.Message, "\n"))))
	blocks := strings.Split(string(doc), "```json\n")[1:]
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of JSON, want payload, disclosures and record", len(blocks))
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		b = strings.ReplaceAll(b, "\n ", "") // continued lines
		for line := range strings.Lines(b) {
			if !strings.Contains(inside, strings.TrimSpace(line)) {
				t.Errorf("not in the vector: %s", line)
			}
		}
	}
	for part := range strings.FieldsSeq(string(doc)) { // what it says in the running text
		part = strings.Trim(part, "`.,:")
		if strings.HasPrefix(part, `["`) && strings.HasSuffix(part, `"]`) && !strings.Contains(inside, part) {
			t.Errorf("not in the vector: %s", part)
		}
	}
}

// TestWireLimits holds the table of limits to the constants.
func TestWireLimits(t *testing.T) {
	doc, err := os.ReadFile("WIRE.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, n := range map[string]int{
		"| line 1 | %s bytes |": MaxMessage, "| disclosures | %s |": MaxDisclosures, "| objects | %s |": MaxObjects,
		"| digests in `gone` | %s |": MaxGone, "| hops | %s,": MaxHops, "and %s bytes together": MaxHopBytes,
		"| a root JWS | %s bytes |": maxRoot, "| the JSON form | %s bytes |": MaxJSON, "1 to %s, are the leaves": MaxFrame, "at most %s bytes; empty": maxText,
	} {
		text := fmt.Sprint(n)
		if n >= 1000 {
			text = fmt.Sprintf("%d,%03d", n/1000, n%1000)
		}
		if want := fmt.Sprintf(row, text); !strings.Contains(string(doc), want) {
			t.Errorf("WIRE.md does not say %q", want)
		}
	}
}
