package stix

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// shared returns the folder of published files to test against. It is not part
// of the repository: without it, the tests that read it say so and skip.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no published files to test against: set ENTENTE_SHARED, or put them in %s", dir)
	}
	return dir
}

// examples returns one small valid object of each type of STIX 2.1.
func examples(t testing.TB) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile("testdata/types.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for sc := bufio.NewScanner(bytes.NewReader(data)); sc.Scan(); {
		o, err := Parse(bytes.Clone(sc.Bytes()))
		if err != nil {
			t.Fatalf("testdata/types.jsonl: %v", err)
		}
		out[o.Type()] = o.Raw()
	}
	if len(out) != len(types21) {
		t.Fatalf("%d types in testdata/types.jsonl, %d in the table", len(out), len(types21))
	}
	return out
}

// parse1 parses an object that has to be good.
func parse1(t testing.TB, raw string) *Object {
	t.Helper()
	o, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// indicator returns an indicator with more members ("" or `,"name":...`).
func indicator(more string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001",` +
		`"created":"2026-01-05T08:12:31.000Z","modified":"2026-01-05T08:12:31.000Z",` +
		`"pattern":"[ipv4-addr:value = '192.0.2.1']","pattern_type":"stix","valid_from":"2026-01-05T08:12:31Z"` + more + `}`
}
