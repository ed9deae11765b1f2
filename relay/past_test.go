package relay

import (
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// TestObjectNames: an object is named by id or digest, and nothing else passes
// for one; a file name least of all.
func TestObjectNames(t *testing.T) {
	hex := strings.Repeat("0f", 32)
	id := "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
	for _, good := range []string{id, "x-misp-object--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F", strings.Repeat("A", 43), "-_" + strings.Repeat("A", 41), hex, strings.ToUpper(hex)} {
		if !IsObjectName(good) {
			t.Errorf("%q names an object", good)
		}
	}
	a, errA := nameOf(hex)
	b, errB := nameOf(digestText(a.digest))
	if errA != nil || errB != nil || a != b || a.key() != b.key() {
		t.Errorf("one digest in two forms: %v, %v", a, b)
	}
	for _, bad := range []string{"", "feed.json", "-", id + "x", id[:40], "--" + id[11:], strings.Repeat("A", 42), strings.Repeat("A", 42) + "B", hex[:62], strings.Repeat("g", 64),
		"../" + id, id + "\n", strings.Repeat("a", 300) + id} {
		if _, err := nameOf(bad); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestMissingIsWorded: every reason for which something can be brought about is
// in the list of reasons, and its text has a place for the recipient.
func TestMissingIsWorded(t *testing.T) {
	for reason, text := range missingFor {
		if !reason.Valid() || strings.Count(text, "%s") != 1 || strings.Count(text, "%") != 1 {
			t.Errorf("%s: %q", reason, text)
		}
	}
}
