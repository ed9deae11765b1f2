package policy

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/entente-relay/entente/mapping/scheme"
)

func shipped(t testing.TB, folder string) fs.FS {
	t.Helper()
	return os.DirFS("../../configs/" + folder)
}

func TestShippedBundleLoads(t *testing.T) {
	b, err := Load(shipped(t, "policies"), shipped(t, "jurisdictions"), new(scheme.Tables), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.rules) < 30 {
		t.Errorf("%d rules loaded, the shipped folder has more", len(b.rules))
	}
}

// The rule that the folder's README shows loads as it stands, and its table
// names every annotation.
func TestReadmeTellsTheTruth(t *testing.T) {
	text := string(readShipped(t, "policies", "README.md"))
	_, rest, ok := strings.Cut(text, "```cedar\n")
	rule, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("no rule in the README")
	}
	examples := `version: 1
rules:
  - rule: no-telecoms-abroad
    allow: [{action: share}, {action: share, set: {principal.sector: telecom, principal.country: DE}}]
    deny: [{action: share, set: {principal.sector: telecom}}]
    missing: [{action: share, drop: [principal.sector]}]
`
	if _, err := load(t, new(scheme.Tables), map[string]string{"own.cedar": rule, "own.examples.yaml": examples}, nil, Options{}); err != nil {
		t.Error(err)
	}
	for key := range annotations() {
		if !strings.Contains(text, "`@"+key+"`") {
			t.Errorf("@%s is not explained", key)
		}
	}
}
