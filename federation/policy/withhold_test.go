package policy

import (
	"crypto/sha256"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Withhold can never be the way by which something goes, whatever verdict a
// caller asks for: also not for an object that the rules would release.
func TestWithholdNeverReleases(t *testing.T) {
	d := newDemo(t)
	raw := []byte(`{"type":"indicator","spec_version":"2.1","id":"indicator--11111111-1111-4111-8111-111111111111",
		"created":"2026-01-05T00:00:00.000Z","modified":"2026-01-05T00:00:00.000Z","name":"a","pattern":"[domain-name:value = 'a.example']",
		"pattern_type":"stix","valid_from":"2026-01-05T00:00:00.000Z",
		"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}`)
	o, err := stix.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := d.reader.Subject("de-cert", sha256.Sum256(raw), o, nil)
	pl := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	if free := d.bundle.Decide(s, pl, demoNow); !free.goes() {
		t.Fatalf("the rules must release it, or the test proves nothing: %v", free.Reasons())
	}
	for _, v := range []federation.Verdict{federation.Share, federation.Redact, federation.Withhold, federation.Hold, "", "anything"} {
		got := d.bundle.Withhold(s, pl, v, federation.Loop, "it came from there", demoNow)
		if got.goes() || !got.Valid() || len(got.Removed()) > 0 {
			t.Errorf("asked for %q: verdict %q", v, got.Verdict())
		}
		if rs := got.Reasons(); len(rs) == 0 || rs[0].Reason != federation.Loop {
			t.Errorf("asked for %q: reasons %v do not begin with the node's own", v, rs)
		}
	}
}
