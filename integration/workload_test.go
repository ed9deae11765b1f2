package integration

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
)

// workloadNow is the day for which the workload is made.
func workloadNow() time.Time { return time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC) }

// workloadSize is 20,000 objects, or fewer with -short (race, where the same
// code runs ten times slower).
func workloadSize() int {
	if testing.Short() {
		return 2_000
	}
	return 20_000
}

// TestWorkloadIsUsefulAndSafe publishes the workload at DE and looks at what
// reached PL and a Japanese carrier, with the shipped policy and the sample
// agreements: what nothing restricts has arrived, and nothing has that the
// oracle forbids.
func TestWorkloadIsUsefulAndSafe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, last string
		personal   bool
	}{
		{"carrier", "jp-carrier", true},
		{"ministry", "jp-ministry", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := workloadSize()
			if c.name == "ministry" {
				n /= 5
			}
			lines := workload(t, n, 1, 1000)
			facts := readFacts(t, lines)
			de, pl, jp := threeRegions(t, c.last)
			begun := time.Now()
			for line := range bytes.Lines(lines) {
				if _, err := de.node.Publish(t.Context(), "workload", "", line); err != nil {
					t.Fatal(err)
				}
			}
			settled(t, de.node, pl.id, 3*time.Minute)
			settled(t, pl.node, jp.id, 3*time.Minute)
			t.Logf("%d objects through two borders in %v", len(facts), time.Since(begun).Round(time.Millisecond))
			useful(t, facts, de, pl, jp)
			for _, r := range []*region{pl, jp} {
				r.stop()
			}
			safe(t, facts, pl, place{name: "pl", visited: []string{"DE", "PL"}, hops: 1, personal: true})
			safe(t, facts, jp, place{name: c.last, visited: []string{"DE", "PL", "JP"}, hops: 2, personal: c.personal})
		})
	}
}

// threeRegions starts DE, PL and a recipient in Japan, linked in a row.
func threeRegions(t *testing.T, last string) (de, pl, jp *region) {
	t.Helper()
	de, pl, jp = regionsInARow(t, last)
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.accept(jp, terms(t, "pl-cert", last), "")
	pl.start()
	jp.accept(pl, back(t, last, "pl-cert", "PL"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	jp.start()
	return de, pl, jp
}

// regionsInARow makes three regions that are not started. The first has terms
// with the second.
func regionsInARow(t *testing.T, last string) (de, pl, jp *region) {
	t.Helper()
	de = newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, exercise: []string{"de-vs/VS-NfD"}, now: workloadNow})
	pl = newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted, exercise: []string{"de-vs/VS-NfD", "pl-national/R"}, now: workloadNow})
	jp = newRegion(t, regionSpec{id: last, country: "JP", now: workloadNow})
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	return de, pl, jp
}

// useful checks that what nothing restricts has arrived with its pattern.
func useful(t *testing.T, facts []fact, de, pl, jp *region) {
	t.Helper()
	free := map[string]fact{}
	for _, f := range facts {
		if f.unrestricted() {
			free[f.id] = f
		}
	}
	if len(free) < len(facts)/20 {
		t.Fatalf("only %d of %d objects are unrestricted: the workload or the oracle changed", len(free), len(facts))
	}
	for _, r := range []*region{pl, jp} {
		arrived := 0
		for _, a := range arrivals(t, r.node) {
			var o struct {
				Pattern string `json:"pattern"`
			}
			if err := json.Unmarshal(a.Object, &o); err != nil {
				t.Fatal(err)
			}
			if f, ok := free[a.ID]; ok && o.Pattern == f.pattern {
				arrived++
			}
		}
		t.Logf("%s: %d of %d unrestricted objects arrived (%.1f %%)", r.id, arrived, len(free), 100*float64(arrived)/float64(len(free)))
		if arrived*100 < len(free)*95 {
			t.Errorf("%s: less than 95 %% of what nothing restricts has arrived", r.id)
		}
	}
	heldFree := map[string]bool{}
	for _, r := range []*region{de, pl, jp} {
		for id := range heldAt(t, r.node) {
			if _, ok := free[id]; ok {
				heldFree[id] = true
			}
		}
	}
	t.Logf("%d of %d unrestricted objects are held somewhere", len(heldFree), len(free))
	if len(heldFree)*100 > len(free)*2 {
		t.Errorf("more than 2 %% of what nothing restricts is held")
	}
}

// heldAt lists the ids that a node's journal says it held, coming in or going
// out.
func heldAt(t *testing.T, n *relay.Node) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for r, err := range n.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Intake != nil {
			for _, o := range r.Intake.Objects {
				if o.Outcome == "held" {
					out[string(o.ID)] = true
				}
			}
		}
		if r.Sent != nil {
			for _, m := range r.Sent.Messages {
				for _, o := range m.Objects {
					if o.Verdict == federation.Hold {
						out[string(o.ID)] = true
					}
				}
			}
		}
	}
	return out
}

// safe reads every byte that a stopped node left on disk, as it lies there and
// with its disclosures decoded, and lets the oracle look for leaks.
func safe(t *testing.T, facts []fact, r *region, p place) {
	t.Helper()
	var total, decoded int
	var found []leak
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		total += len(raw)
		text := decodeSegments(raw)
		decoded += len(text)
		for _, l := range append(leaks(facts, p, raw), leaks(facts, p, text)...) {
			found = append(found, leak{l.what, fmt.Sprintf("%s (in %s)", l.why, filepath.Base(path))})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if decoded < total/4 {
		t.Fatalf("%s: of %d bytes on disk only %d decoded from disclosures: the test no longer reads what the node keeps", r.id, total, decoded)
	}
	t.Logf("%s: read %d bytes on disk, %d of disclosures", r.id, total, decoded)
	for i, l := range found {
		if i == 10 {
			t.Errorf("... and %d more", len(found)-10)
			break
		}
		t.Errorf("%s has %s, but: %s", r.id, l.what, l.why)
	}
}

// decodeSegments decodes every run of base64url that is long enough to be a
// disclosure, a payload or a hop.
func decodeSegments(raw []byte) []byte {
	var out []byte
	start := -1
	for i := 0; i <= len(raw); i++ {
		if i < len(raw) && base64url(raw[i]) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 && i-start >= 24 {
			seg := raw[start:i]
			buf := make([]byte, base64.RawURLEncoding.DecodedLen(len(seg)))
			if k, err := base64.RawURLEncoding.Decode(buf, seg); err == nil || k > 16 {
				out = append(append(out, buf[:k]...), '\n')
			}
		}
		start = -1
	}
	return out
}

func base64url(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// back is the terms by which the last region sends to PL: nothing in these
// tests, but a link needs terms on both sides.
func back(t *testing.T, from, to, country string) string {
	t.Helper()
	return fmt.Sprintf(`version: 1
id: %[1]s/%[2]s/test
node: %[1]s
peer: %[2]s
country: %[3]s
kind: authority
sector: national-cert
from: 2026-01-01
until: 2036-12-31
tlp: {version: "2.0", ceiling: "TLP:GREEN", community: true, clients: []}
purposes: [network-security]
data: [technical]
storage: []
transit: []
contacts:
  - {role: duty officer, address: duty@%[2]s.example}
`, from, to, country)
}
