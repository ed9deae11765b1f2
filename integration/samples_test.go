package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/dashboard"
)

// TestRealFilesAreAccountedFor publishes every published sample of STIX and
// MISP, with and without a source profile: each object is taken, or held or
// refused with a reason, and what may go arrives at the neighbour.
func TestRealFilesAreAccountedFor(t *testing.T) {
	t.Parallel()
	var files []string
	for _, dir := range []string{"stix", "misp"} {
		got, err := filepath.Glob(filepath.Join(shared(t, "samples", dir), "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, got...)
	}
	if len(files) < 10 {
		t.Fatalf("only %d sample files", len(files))
	}
	for _, profile := range []string{"", "TLP:GREEN"} {
		name := "without a profile"
		if profile != "" {
			name = "with " + profile
		}
		t.Run(name, func(t *testing.T) { publishSamples(t, files, profile) })
	}
}

func publishSamples(t *testing.T, files []string, profile string) {
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, profile: profile})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.start()
	var total dashboard.Published
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		res, err := de.node.Publish(t.Context(), filepath.Base(path), "", data)
		if err != nil {
			reason := federation.ReasonOf(err)
			if !reason.Valid() {
				t.Errorf("%s: refused without a reason: %v", filepath.Base(path), err)
			}
			t.Logf("%-45s refused whole: %v", filepath.Base(path), err)
			continue
		}
		accounted(t, path, data, res)
		t.Logf("%-45s taken %3d  duplicate %3d  held %3d  refused %3d", filepath.Base(path), res.Taken, res.Duplicate, res.Held, res.Refused)
		total.Taken += res.Taken
		total.Held += res.Held
	}
	if profile == "" && total.Held == 0 {
		t.Error("without a profile unmarked objects must be held, and most real input is unmarked")
	}
	if profile != "" && total.Taken < 200 {
		t.Errorf("with a profile only %d objects were taken", total.Taken)
	}
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	addsUp(t, de)
	addsUp(t, pl)
}

// accounted checks that every object of a file has an outcome, and a reason
// unless it was taken.
func accounted(t *testing.T, path string, data []byte, res dashboard.Published) {
	t.Helper()
	var b struct {
		Type    string            `json:"type"`
		Objects []json.RawMessage `json:"objects"`
	}
	if json.Unmarshal(data, &b) == nil && b.Type == "bundle" && len(b.Objects) != len(res.Items) {
		t.Errorf("%s: %d objects in the file, %d outcomes", filepath.Base(path), len(b.Objects), len(res.Items))
	}
	if res.Taken+res.Duplicate+res.Held+res.Refused != len(res.Items) || len(res.Items) == 0 {
		t.Errorf("%s: outcomes do not add up: %+v", filepath.Base(path), res)
	}
	for _, it := range res.Items {
		if it.Outcome != "taken" && !federation.Reason(it.Reason).Valid() {
			t.Errorf("%s: object %d %s is %s for %q", filepath.Base(path), it.Index, it.ID, it.Outcome, it.Reason)
		}
		if (it.Outcome == "held" || it.Outcome == "refused") && it.Text == "" {
			t.Errorf("%s: object %d %s is %s without a sentence", filepath.Base(path), it.Index, it.ID, it.Outcome)
		}
	}
}
