package vocab_test

import (
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/entente-relay/entente/translate"
	"github.com/entente-relay/entente/translate/vocab"
)

// shared returns a folder of the reference data that may lie beside the
// repository; tests that need real third-party files skip without it.
func shared(t testing.TB, path string) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, path)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the reference data: set ENTENTE_SHARED or put it at <repository>/../shared (%v)", err)
	}
	return dir
}

// only is a folder reduced to some of its files.
func only(t testing.TB, dir string, names ...string) fs.FS {
	t.Helper()
	f := fstest.MapFS{}
	for _, n := range names {
		data, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		f[n] = &fstest.MapFile{Data: data}
	}
	return f
}

var galaxies = []string{
	"360net.json", "botnet.json", "malpedia.json", "microsoft-activity-group.json", "mitre-intrusion-set.json", "mitre-malware.json",
	"producer.json", "ransomware.json", "rat.json", "stealer.json", "threat-actor.json", "tool.json",
}

func TestRealGalaxies(t *testing.T) {
	d, err := vocab.Load(only(t, shared(t, "reference/terms/misp-galaxy"), galaxies...))
	if err != nil {
		t.Fatal(err)
	}
	concepts := map[string]int{}
	for _, v := range d.Vocabularies() {
		concepts[v.Scheme] = v.Concepts
	}
	for scheme, want := range map[string]int{"threat-actor": 1041, "malpedia": 3683, "ransomware": 2135, "tool": 608, "mitre-intrusion-set": 191 - 6, "mitre-malware": 850 - 2, // less the revoked
		"microsoft-activity-group": 179, "360net-threat-actor": 42} {
		if concepts[scheme] != want {
			t.Errorf("%s: %d concepts, want %d", scheme, concepts[scheme], want)
		}
	}
	for _, tt := range []struct {
		term string
		kind translate.Kind
		to   string
		want []string // the first terms
	}{
		{"GRIZZLY STEPPE", translate.Actor, "threat-actor", []string{"APT28", "APT29"}},
		{"OilRig", translate.Actor, "threat-actor", []string{"OilRig"}},
		{"海莲花", translate.Actor, "360net-threat-actor", []string{"海莲花 - APT-C-00"}},
		{"OceanLotus", translate.Actor, "360net-threat-actor", []string{"海莲花 - APT-C-00"}},
		{"APT-C-00", translate.Actor, "360net-threat-actor", []string{"海莲花 - APT-C-00", "OceanLotus"}},
		{"Emotet", translate.Malware, "mitre-malware", []string{"Emotet - S0367", "Geodo"}},
		{"Larva-25012", translate.Actor, "threat-actor", []string{"Larva‑25012"}},
		{"Geodo", translate.Malware, "malpedia", []string{"Emotet"}},
		{"Nimbus Crab", translate.Actor, "threat-actor", nil},
	} {
		var got []string
		for _, c := range d.Lookup(tt.term, tt.kind, tt.to) {
			got = append(got, c.Term)
		}
		if len(got) < len(tt.want) || !slices.Equal(got[:len(tt.want)], tt.want) || tt.want == nil && got != nil {
			t.Errorf("%s to %s: got %q, want %q first", tt.term, tt.to, got, tt.want)
		}
	}
	if !slices.ContainsFunc(d.Lookup("APT28", translate.Actor, "threat-actor"), func(c translate.Candidate) bool { return strings.Contains(c.Source, "; used by ") }) {
		t.Error("no synonym of APT28 says who uses it")
	}
}

// revoked are the clusters that their galaxy has taken back.
var revoked = map[string]bool{
	"Dragonfly 2.0 - G0074": true, "Charming Kitten - G0058": true, "Stolen Pencil - G0086": true, "MONSOON - G0042": true,
	"APT34 - G0057": true, "UNC2452 - G0118": true, "Ngrok - S9000": true, "Darkmoon - S0209": true,
}

// TestAliasCollisions checks the measured list: every name that several
// clusters of one galaxy claim must return all of them.
func TestAliasCollisions(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared(t, "reference/terms/derived"), "alias-collisions.json"))
	if err != nil {
		t.Fatal(err)
	}
	type claim struct{ Value string }
	var file struct {
		Within map[string]struct{ Exact map[string]json.RawMessage }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	d, err := vocab.Load(only(t, shared(t, "reference/terms/misp-galaxy"), galaxies...))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for scheme, c := range file.Within {
		if _, err := d.Target(scheme); err != nil {
			continue // a list that is no galaxy, such as the Microsoft mapping
		}
		for alias, raw := range c.Exact {
			var clusters []claim
			if err := json.Unmarshal(raw, &clusters); err != nil {
				t.Fatal(err)
			}
			cs := append(d.Lookup(alias, translate.Actor, scheme), d.Lookup(alias, translate.Malware, scheme)...)
			for _, want := range clusters {
				checked++
				if revoked[want.Value] {
					continue
				}
				if !slices.ContainsFunc(cs, func(c translate.Candidate) bool { return c.Term == want.Value }) {
					t.Errorf("%s: %q does not lead to %q but to %s", scheme, alias, want.Value, short(cs))
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d pairs checked", checked)
	}
}

func TestRealTaxonomies(t *testing.T) {
	dir := shared(t, "reference/terms")
	f := only(t, filepath.Join(dir, "misp-taxonomies"), "rsit.json", "ecsirt.json", "common-taxonomy.json", "europol-incident.json", "circl.json", "enisa.json",
		"cccs.json", "acn.json", "srbcert.json", "admiralty-scale.json", "estimative-language.json", "kill-chain.json", "unified-kill-chain.json", "malware_classification.json", "ms-caro-malware.json")
	d, err := vocab.Options{}.Load(os.DirFS(shippedDir), f, only(t, filepath.Join(dir, "rsit"), "rsit-1003-upstream.json"))
	if err != nil {
		t.Fatal(err)
	}
	// The shipped identifiers and English labels are those of both published
	// files: beside them a lookup shows nothing new.
	for _, v := range d.Vocabularies() {
		if strings.HasPrefix(v.File, "rsit") && v.Concepts != 50 {
			t.Errorf("%s: %d concepts", v.File, v.Concepts)
		}
	}
	published, err := vocab.Load(only(t, filepath.Join(dir, "rsit"), "rsit-1003-upstream.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range readRows(t) {
		if row[0] != "en" {
			continue
		}
		if got := short(published.Lookup(row[1], translate.Incident, "en")); got != row[2]+"/en/exact" {
			t.Errorf("%s: shipped %q, published %s", row[1], row[2], got)
		}
	}
	for _, tag := range []string{"tlp.json", "PAP.json", "de-vs.json", "fr-classif.json"} {
		if _, err := vocab.Load(only(t, filepath.Join(dir, "misp-taxonomies"), tag)); err == nil || !strings.Contains(err.Error(), "markings") {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

// readRows returns language, notation and label of each row of rsit.csv.
func readRows(t *testing.T) [][3]string {
	t.Helper()
	f, err := os.Open(filepath.Join(shippedDir, "rsit.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) != 201 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	var rows [][3]string
	for _, r := range records[1:] {
		rows = append(rows, [3]string{r[5], r[4], r[6]})
	}
	return rows
}

// TestWorkloadLabels checks that the words of the synthetic feed, which ten
// languages mix, are understood: at least 99 of 100, for readers of each
// shipped language.
func TestWorkloadLabels(t *testing.T) {
	cmd := exec.Command("go", "run", ".", "-n", "2000", "-seed", "1")
	cmd.Dir = shared(t, "workload")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := shipped(t)
	labels, unknown := 0, map[string]int{}
	for dec := json.NewDecoder(out); ; {
		var o struct{ Labels []string }
		if dec.Decode(&o) != nil {
			break
		}
		for _, l := range o.Labels {
			labels++
			for _, to := range []string{"de", "pl", "ja", "en", "rsit"} {
				if len(d.Lookup(l, translate.Incident, to)) == 0 {
					unknown[l]++
					break
				}
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	missed := 0
	for _, n := range unknown {
		missed += n
	}
	if labels < 2000 || missed*100 > labels {
		t.Errorf("%d of %d labels not understood: %v", missed, labels, unknown)
	}
}

func BenchmarkLoadRealGalaxies(b *testing.B) {
	f := only(b, shared(b, "reference/terms/misp-galaxy"), galaxies...)
	for b.Loop() {
		if _, err := vocab.Load(f); err != nil {
			b.Fatal(err)
		}
	}
}
