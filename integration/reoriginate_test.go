package integration

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/dashboard"
)

// telling is an indicator of de-cert that names its source in every way it can.
const telling = `{"type":"indicator","spec_version":"2.1","id":"indicator--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e55","created":"2026-01-03T04:05:06.789Z",
"modified":"2026-01-07T08:09:10.123Z","created_by_ref":"identity--ad3c0de5-0000-4000-8000-00000000d0e5","name":"Zebra seen by DE-CERT","description":"Zebra: our sensor at quagga.example",
"pattern":"[ domain-name:value  = 'evil.example' ] /* okapi */ OR [url:value = 'https://evil.example/it\\'s']","pattern_type":"stix","pattern_version":"2.1","indicator_types":["malicious-activity","zebra-special"],
"valid_from":"2026-01-02T03:04:05.678Z","valid_until":"2099-11-12T13:14:15.161Z","confidence":70,"labels":["zebra-label"],"lang":"de",
"kill_chain_phases":[{"kill_chain_name":"zebra-chain","phase_name":"first"}],"external_references":[{"source_name":"zebra","url":"https://zebra.example/1"}],
"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],"x_zebra":"1",
"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension","origin":"DE","scheme":"de-vs","classification":"OFFEN","personal_data":false,"retain_days":90,
"note":{"abstract":"zebra","content":"zebra","contacts":["zebra@de-cert.example"]}}}}`

const tellingID = "indicator--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e55"

// permitting is pl-cert's terms with de-cert, with what the source permits.
func permitting(t *testing.T, what string) string {
	return terms(t, "pl-cert", "de-cert") + "reoriginate: {" + what + "}\n"
}

// TestReoriginated gives on an object of an unnamed source: nothing that the
// last node has of it names the source, its key, its ids or the times it wrote;
// the opening opens it; and it goes when the original goes.
func TestReoriginated(t *testing.T) {
	t.Parallel()
	de, pl, jp := star(t)
	pl.accept(de, permitting(t, `types: [indicator, malware, relationship], ceiling: "TLP:GREEN", only: true`), "")
	pl.reload()
	malware := `{"type":"malware","spec_version":"2.1","id":"malware--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e56","created":"2026-01-03T04:05:06.789Z","modified":"2026-01-03T04:05:06.789Z",` +
		`"name":"Sample","is_family":true,"description":"zebra","object_marking_refs":["` + tlpGreen + `"]}`
	relation := `{"type":"relationship","spec_version":"2.1","id":"relationship--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e57","created":"2026-01-03T04:05:06.789Z","modified":"2026-01-03T04:05:06.789Z",` +
		`"relationship_type":"indicates","source_ref":"` + tellingID + `","target_ref":"malware--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e56","object_marking_refs":["` + tlpGreen + `"]}`
	publish(t, de, telling, malware, relation)
	settled(t, de.node, pl.id, time.Minute)
	ids := []string{tellingID, "malware--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e56", "relationship--7d1f3c5e-58a7-4f5e-9c1c-0d8f2a6b7e57"}
	made, err := pl.node.Reoriginate(t.Context(), ids)
	if err != nil || len(made) != 3 {
		t.Fatalf("%+v, %v", made, err)
	}
	eventually(t, 30*time.Second, func() string {
		if len(arrivals(t, jp.node)) < 3 {
			return "it has not come"
		}
		return ""
	})
	got := arrivals(t, jp.node)
	namesNothing(t, de, jp, got)
	at := slices.IndexFunc(got, func(a dashboard.Arrival) bool { return a.Type == "indicator" })
	o, err := stix.Parse(got[at].Object)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := o.Text("pattern"); p != `[domain-name:value = 'evil.example'] OR [url:value = 'https://evil.example/it\'s']` || got[at].Issuer != "pl-cert" || got[at].Marking.From != "TLP:GREEN" {
		t.Errorf("%s from %s, marked %s", p, got[at].Issuer, got[at].Marking.From)
	}
	opens(t, pl, made, o)
	if _, err := pl.node.Reoriginate(t.Context(), ids[:1]); federation.ReasonOf(err) != federation.Duplicate {
		t.Errorf("given on twice: %v", err)
	}
	withdraw(t, de, "withdrawn", tellingID)
	reachedAll(t, pl, o.ID(), "de-cert", "jp-carrier")
	if lives(t, jp, o.ID()) || len(domains(t, jp)) != 0 {
		t.Errorf("still live after the original went: %v", domains(t, jp))
	}
	if _, err := pl.node.Reoriginate(t.Context(), ids[:1]); federation.ReasonOf(err) != federation.UnresolvedReference {
		t.Errorf("given on after it was taken back: %v", err)
	}
	for _, r := range []*region{de, pl, jp} {
		addsUp(t, r)
	}
}

// namesNothing searches every byte that the last node has for the source.
func namesNothing(t *testing.T, de, jp *region, got []dashboard.Arrival) {
	t.Helper()
	statement := de.node.World().Own
	words := []string{"de-cert", "DE-CERT", "zebra", "quagga", "okapi", "7d1f3c5e", "ad3c0de5", "OFFEN", "de-vs", `"DE"`, "2026-01-0", "04:05:06", "08:09:10", "03:04:05", "13:14:15", "T0", "T1"}
	for _, k := range statement.Keys {
		words = append(words, k.KID)
	}
	for _, a := range got {
		raw, err := jp.node.Message(t.Context(), a.Seq)
		if err != nil {
			t.Fatal(err)
		}
		text := decoded(string(raw)) + string(a.Object) + strings.Join(a.Path, " ")
		for _, w := range words {
			// A day is written as T00:00:00.
			if i := strings.Index(strings.ReplaceAll(strings.ToLower(text), "t00:00:00.000z", ""), strings.ToLower(w)); i >= 0 && w[0] != 'T' || w[0] == 'T' && exact(text, w) {
				t.Errorf("%s holds %q", a.ID, w)
			}
		}
	}
}

// exact reports whether a time that is no whole day stands in a text.
func exact(text, hour string) bool {
	rest := strings.ReplaceAll(text, "T00:00:00.000Z", "")
	return strings.Contains(rest, `-01`+hour) || strings.Contains(rest, `-12`+hour)
}

// opens checks the opening that the relay keeps, and that others do not open.
func opens(t *testing.T, pl *region, made []dashboard.Reoriginated, o *stix.Object) {
	t.Helper()
	opening, err := pl.node.Opening(t.Context(), o.ID())
	if err != nil || opening.Issuer != "de-cert" {
		t.Fatalf("%+v, %v", opening, err)
	}
	if err := opening.Check(o.Handling().Reoriginated); err != nil {
		t.Error(err)
	}
	for _, m := range made {
		other, err := pl.node.Opening(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if (other.Check(o.Handling().Reoriginated) == nil) != (m.ID == o.ID()) {
			t.Errorf("the opening of %s: %v", m.ID, other.Check(o.Handling().Reoriginated))
		}
	}
	if _, err := pl.node.Opening(t.Context(), tellingID); err == nil {
		t.Error("the original itself was opened")
	}
}

// TestReoriginationNeedsPermission tries it without terms that permit it, for
// more than they permit, and for what cannot be said without naming the source.
func TestReoriginationNeedsPermission(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de, pl, _ := star(t)
	green, amber := indicator(1, 1, tlpGreen), indicator(2, 1, "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421")
	counted := strings.Replace(indicator(3, 1, tlpGreen), "']\"", "'] REPEATS 2 TIMES\"", 1)
	contract := strings.Replace(onlyEU(4), `"residency":["EU"]`, `"releasable_to":["DE","PL"]`, 1)
	// Times are given on as whole days, so what ends today has ended.
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	short := strings.Replace(indicator(5, 1, tlpGreen), `"valid_from":"2026-01-01T00:00:00Z"`,
		fmt.Sprintf(`"valid_from":"2026-01-01T00:00:00Z","valid_until":"%s"`, midnight.Add(-time.Second).Format(time.RFC3339)), 1)
	publish(t, de, green, amber, counted, contract, short, onlyEU(6))
	settled(t, de.node, pl.id, time.Minute)
	try := func(n int, want federation.Reason) {
		t.Helper()
		before, _ := peerOf(t, pl.node, de.id)
		if made, err := pl.node.Reoriginate(t.Context(), []string{indicatorNo(n)}); federation.ReasonOf(err) != want || made != nil {
			t.Errorf("%d: %+v, %v, want %s", n, made, err, want)
		}
		if after, _ := peerOf(t, pl.node, de.id); after.LogLast != before.LogLast {
			t.Errorf("%d: something was stored", n)
		}
	}
	try(1, federation.NoAgreement)
	try(9, federation.UnresolvedReference)
	pl.accept(de, permitting(t, `types: [malware], ceiling: "TLP:GREEN"`), "")
	pl.reload()
	try(1, federation.NoAgreement)
	pl.accept(de, permitting(t, `types: [indicator], ceiling: "TLP:CLEAR"`), "")
	pl.reload()
	try(1, federation.OverCeiling)
	pl.accept(de, permitting(t, `types: [indicator], ceiling: "TLP:GREEN"`), "")
	pl.reload()
	try(2, federation.OverCeiling)
	try(3, federation.Unsupported)
	try(4, federation.NotReleasable)
	try(5, federation.Expired)
	made, err := pl.node.Reoriginate(t.Context(), []string{indicatorNo(1), indicatorNo(6)})
	if err != nil || len(made) != 2 {
		t.Fatalf("what is permitted: %+v, %v", made, err)
	}
	for _, a := range arrivals(t, pl.node) {
		if a.ID == made[1].ID && !strings.Contains(string(a.Object), `"residency":["EU"]`) {
			t.Errorf("a duty was lost: %s", a.Object)
		}
	}
	// What was made of what is known again from the log alone.
	opening, err := pl.node.Opening(t.Context(), made[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	pl.stop()
	if err := os.Remove(filepath.Join(pl.dir, "data", "index.db")); err != nil {
		t.Fatal(err)
	}
	pl.start()
	if again, err := pl.node.Opening(t.Context(), made[0].ID); err != nil || again != opening {
		t.Errorf("built anew: %+v, %v", again, err)
	}
	try(1, federation.Duplicate)
}

// decoded is a message's text with everything that base64url hides beside it.
func decoded(text string) string {
	out := []string{text}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("~.\n", r) }) {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err == nil {
			out = append(out, string(raw))
		}
	}
	return strings.Join(out, "\n")
}
