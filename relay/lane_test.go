package relay

import (
	"encoding/json"
	"testing"

	"github.com/entente-relay/entente/configs"
)

// TestLanesDoNotMix: what is restricted shares no message with what is not.
func TestLanesDoNotMix(t *testing.T) {
	h := setUpHub(t, "de-cert", "DE", configs.Generalise{})
	w, err := LoadWorld(h.op.cfg, h.now())
	h.op.must(err)
	strict := map[string]bool{}
	var objects []map[string]any
	for i, m := range []string{markClear, markRed, markClear, markStrict} {
		o := sampleObject(i+1, m, nil)
		strict[o["id"].(string)] = m != markClear
		objects = append(objects, o)
	}
	raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": objects})
	h.op.must(err)
	msgs, report, err := w.Sign(h.op.keys, raw, "sample", "", h.now())
	h.op.must(err)
	signed := 0
	for _, m := range msgs {
		lanes := map[bool]bool{}
		for _, it := range m.Items() {
			signed++
			lanes[strict[it.Object.ID()]] = true
		}
		if len(lanes) > 1 {
			t.Errorf("message %s mixes the lanes", m.ID())
		}
	}
	if signed != 4 {
		t.Errorf("%d objects were signed: %+v", signed, report)
	}
}
