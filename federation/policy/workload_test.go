package policy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping/scheme"
)

// demoNow is the day after the workload's.
var demoNow = time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)

// demo is the sample federation: shipped rules, tables, agreements, reviews.
type demo struct {
	bundle *Bundle
	reader *Reader
	tables *scheme.Tables
	de, pl *Node
}

// shippedDemo loads what ships once: no test changes it.
var shippedDemo = sync.OnceValues(func() (*Bundle, error) {
	tables, err := scheme.Load(os.DirFS("../../configs/schemes"))
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile("../../configs/agreements/reviews.yaml")
	if err != nil {
		return nil, err
	}
	reviewed, err := ParseReviews(raw, "reviews.yaml")
	if err != nil {
		return nil, err
	}
	return Load(os.DirFS("../../configs/policies"), os.DirFS("../../configs/jurisdictions"), tables, Options{Reviewed: reviewed})
})

func newDemo(t testing.TB) *demo {
	t.Helper()
	loaded, err := shippedDemo()
	if err != nil {
		t.Fatal(err)
	}
	b := *loaded // with caches of its own
	b.outcomes, b.answers = newCache[outcomeKey, *outcome](cacheSize), newCache[answerKey, *answer](cacheSize)
	b.peers = newCache[[32]byte, *peerView](peerCacheSize)
	until := time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)
	return &demo{
		bundle: &b, reader: NewReader(b.tables), tables: b.tables,
		de: &Node{ID: "de-cert", Country: "DE", Kind: "authority", Sector: "national-cert", Accreditation: Accreditation{Authority: "SAMPLE", ID: "EXERCISE-DE-0001",
			Ceiling: []string{"de-vs/VS-NfD"}, Until: until, Exercise: true}},
		pl: &Node{ID: "pl-cert", Country: "PL", Kind: "authority", Sector: "national-cert", Accreditation: Accreditation{Authority: "SAMPLE", ID: "EXERCISE-PL-0001",
			Ceiling: []string{"pl-national/ZASTRZEŻONE", "de-vs/VS-NfD"}, Until: until, Exercise: true}},
	}
}

func sampleAgreement(t testing.TB, name string) *Agreement {
	t.Helper()
	file := name + ".yaml"
	raw, err := os.ReadFile("../../configs/agreements/" + file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseAgreement(raw, file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sharedFolder finds the folder with the workload generator, beside the
// repository or where ENTENTE_SHARED points.
func sharedFolder(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	dir = filepath.Join(dir, "workload")
	if _, err := os.Stat(filepath.Join(dir, "main.go")); err != nil {
		t.Skipf("no workload generator at %s: set ENTENTE_SHARED to the folder that holds workload/", dir)
	}
	return dir
}

// workload generates objects, one JSON line each.
func workload(t testing.TB, n string) [][]byte {
	t.Helper()
	cmd := exec.Command("go", "run", ".", "-n", n, "-seed", "1")
	cmd.Dir = sharedFolder(t)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("workload: %v: %s", err, errs.String())
	}
	var lines [][]byte
	scan := bufio.NewScanner(&out)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		lines = append(lines, bytes.Clone(scan.Bytes()))
	}
	return lines
}

// unrestricted says, from the bytes alone, whether nothing restricts an
// indicator: TLP CLEAR or GREEN (or WHITE and GREEN of 1.0), its scheme's word
// for "not classified", and none of residency list, personal data, granular
// marking, e-mail pattern.
func unrestricted(t testing.TB, line []byte) bool {
	var o struct {
		Markings   []string          `json:"object_marking_refs"`
		Granular   []json.RawMessage `json:"granular_markings"`
		Pattern    string            `json:"pattern"`
		Extensions map[string]struct {
			Classification string   `json:"classification"`
			Residency      []string `json:"residency"`
			PersonalData   bool     `json:"personal_data"`
		} `json:"extensions"`
	}
	if err := json.Unmarshal(line, &o); err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{
		"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": true, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": true,
		"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": true, "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": true,
	}
	plain := map[string]bool{"OFFEN": true, "NON PROTÉGÉ": true, "ONGERUBRICEERD": true, "JAWNE": true, "NON CLASSIFICATO": true,
		"SIN CLASIFICAR": true, "ÖPPEN": true, "JULKINEN": true, "UNCLASSIFIED": true, "公開": true, "ВІДКРИТА": true,
		"NECLASIFICAT": true, "AVALIK": true, "NICHT KLASSIFIZIERT": true, "ΑΔΙΑΒΑΘΜΗΤΟ": true}
	x := o.Extensions["extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"]
	return len(o.Markings) == 1 && open[o.Markings[0]] && len(o.Granular) == 0 && !strings.Contains(o.Pattern, "email-addr") &&
		plain[x.Classification] && len(x.Residency) == 0 && !x.PersonalData
}

// TestUsefulOnDayOne publishes the workload from DE and counts what of the
// unrestricted indicators reaches PL, and JP through PL.
func TestUsefulOnDayOne(t *testing.T) {
	d := newDemo(t)
	pl := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	jp := NewRecipient(d.pl, sampleAgreement(t, "pl-cert--jp-carrier"))
	open, reachPL, reachJP, held := 0, 0, 0, 0
	reasons := map[string]int{}
	for _, line := range workload(t, "20000") {
		o, err := stix.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		s := d.reader.Subject("de-cert", sha256.Sum256(line), o, nil)
		first := d.bundle.Decide(s, pl, demoNow)
		second := d.bundle.Decide(s.Arrived("de-cert"), jp, demoNow)
		for _, x := range []Decision{first, second} {
			if !x.goes() && len(x.Reasons()) == 0 {
				t.Fatalf("%s: %s without a reason", o.ID(), x.Verdict())
			}
			for _, c := range x.Reasons() {
				reasons[x.Peer()+" "+string(x.Verdict())+" "+string(c.Reason)+" "+c.Rule]++
			}
		}
		if !unrestricted(t, line) {
			continue
		}
		open++
		if first.goes() {
			reachPL++
			if second.goes() {
				reachJP++
			}
		}
		if first.Verdict() == federation.Hold || second.Verdict() == federation.Hold {
			held++
		}
	}
	t.Logf("unrestricted %d, reach PL %d, reach JP %d, held %d", open, reachPL, reachJP, held)
	for k, n := range reasons {
		t.Logf("%6d %s", n, k)
	}
	if open < 2000 {
		t.Fatalf("only %d unrestricted indicators: the workload is not what it says", open)
	}
	if reachPL*100 < open*95 || reachJP*100 < open*95 {
		t.Errorf("of %d unrestricted indicators %d reach PL and %d reach JP; at least 95 %% must", open, reachPL, reachJP)
	}
	if held*100 > open*2 {
		t.Errorf("of %d unrestricted indicators %d are held; at most 2 %% may be", open, held)
	}
}
