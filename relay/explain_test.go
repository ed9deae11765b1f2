package relay

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// TestExplainReferences explains objects that mention others: in the file, held
// at the way in, and nowhere.
func TestExplainReferences(t *testing.T) {
	o := newOperator(t)
	w, err := LoadWorld(o.cfg, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	relation := func(n int, target string) map[string]any {
		r := sampleObject(n, markClear, map[string]any{"type": "relationship", "relationship_type": "related-to", "source_ref": sampleObject(1, "", nil)["id"], "target_ref": target})
		r["id"] = fmt.Sprintf("relationship--%08x-2222-4222-8222-%012x", n, n)
		for _, k := range []string{"name", "pattern", "pattern_type", "valid_from"} {
			delete(r, k)
		}
		return r
	}
	id := func(n int) string { s, _ := sampleObject(n, "", nil)["id"].(string); return s }
	raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": []any{
		sampleObject(1, markClear, nil), sampleObject(2, markRed, nil), sampleObject(3, "", nil),
		relation(4, id(1)), relation(5, id(2)), relation(6, id(3)), relation(7, id(900)), relation(8, "ipv4-addr--00000001-2222-5222-8222-000000000001"),
		sampleObject(9, markClear, map[string]any{"description": "like " + id(2)}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	ex, err := w.Explain(raw, "sample", "", "PL", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		verdict federation.Verdict
		rule    string
	}{
		{federation.Share, ""}, {federation.Withhold, ""}, {federation.Hold, "intake"},
		{federation.Share, ""}, {federation.Withhold, "closed-message"}, {federation.Hold, "waiting-reference"}, {federation.Share, ""}, {federation.Hold, "unknown-reference"},
		{federation.Redact, "closed-message"},
	} {
		got := ex.Objects[i]
		if got.Verdict != want.verdict || want.rule != "" && (len(got.Reasons) == 0 || got.Reasons[0].Rule != want.rule || got.Reasons[0].Text == "") {
			t.Errorf("object %d: %s for %+v, want %s for %s", i+1, got.Verdict, got.Reasons, want.verdict, want.rule)
		}
	}
}
