package journal

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

var pageOut = flag.String("page", "", "write the sample page of an export to this file, to be looked at")

// exported runs an export over stored records, as a node and a command do.
func exported(t interface{ Fatal(...any) }, log []Stored, q Selection, sheet Sheet) *Totals {
	totals := NewTotals()
	for _, s := range log {
		if !q.May(s) {
			continue
		}
		r, err := s.decode()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range q.Rows(r) {
			if err := totals.Add(&row); err != nil {
				t.Fatal(err)
			}
			if err := sheet.Row(&row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := sheet.End(totals); err != nil {
		t.Fatal(err)
	}
	return totals
}

// ledgerOf is a journal of frames for three peers, with receipts.
func ledgerOf(t testing.TB) []Stored {
	l := &ledger{t: t, node: "de-cert"}
	peers := []Token{"pl-cert", "us-isac", "jp-carrier"}
	for i := range 30 {
		r := sampleSent(i % 9)
		r.At = at.Add(time.Duration(i) * time.Minute)
		r.Sent.Peer = peers[i%3]
		r.Sent.Grounds = []Ground{{Rule: "technical-green", Basis: "FIRST TLP 2.0, section 4"}, {Rule: "us-share", Basis: "6 U.S.C. 1503", Claims: "us-cisa-2015"}}
		for j := range r.Sent.Messages[0].Objects {
			if o := &r.Sent.Messages[0].Objects[j]; o.Verdict == federation.Share || o.Verdict == federation.Redact {
				o.Grounds = []int{i % 2}
			}
		}
		l.add(r)
		if i%2 == 0 {
			l.add(&Record{At: r.At.Add(time.Second), Receipt: &Receipt{Peer: r.Sent.Peer, Root: r.Sent.Root, First: 3, Last: 3, Outcomes: []ReceiptOutcome{{Seq: 3, Stored: i, Refused: 1, Reason: federation.Residency}}}})
		}
		l.event("policy")
		if i%5 == 0 {
			l.add(&Record{At: r.At, Sent: &Sent{Peer: r.Sent.Peer, Root: "goneroot", First: 4, Last: 4, LogFrom: 7, LogTo: 8,
				Messages: []SentMessage{{Log: 8, Link: 4, Issuer: "de-cert", Objects: []SentObject{}, Gone: []Gone{{digestOf("0"), "withdrawn"}}}}}})
		}
	}
	return l.log
}

// TestExportAddsUp: the totals at the end of every form of export are those of
// its rows, and those that the records themselves give, for every selection.
func TestExportAddsUp(t *testing.T) {
	log := ledgerOf(t)
	rapid.Check(t, func(t *rapid.T) {
		q := Selection{Peer: rapid.SampledFrom([]string{"", "pl-cert", "us-isac", "nobody"}).Draw(t, "peer"),
			Basis: rapid.SampledFrom([]string{"", "first tlp", "6 U.S.C.", "Regulation (EU)", "no law"}).Draw(t, "basis")}
		if rapid.Bool().Draw(t, "bounded") {
			q.From = at.Add(time.Duration(rapid.IntRange(-5, 40).Draw(t, "from")) * time.Minute)
			q.To = q.From.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "for")) * time.Minute)
		}
		var asCSV, asJSON bytes.Buffer
		totals := exported(t, log, q, NewCSV(&asCSV))
		exported(t, log, q, NewJSONL(&asJSON))
		if err := totals.Check(); err != nil {
			t.Fatal(err)
		}
		verdicts, withdrawals, receipts := byHand(t, log, q)
		got := map[federation.Verdict]int{federation.Share: totals.Shared, federation.Redact: totals.Redacted, federation.Withhold: totals.Withheld, federation.Hold: totals.Held}
		for v, n := range got {
			if verdicts[v] != n {
				t.Errorf("%s: %d, the journal has %d", v, n, verdicts[v])
			}
		}
		if totals.Withdrawals != withdrawals || totals.Receipts != receipts {
			t.Errorf("%d withdrawals and %d receipts, the journal has %d and %d", totals.Withdrawals, totals.Receipts, withdrawals, receipts)
		}
		sumsOfCSV(t, asCSV.Bytes(), totals)
		lines := strings.Split(strings.TrimSpace(asJSON.String()), "\n")
		var last struct {
			Row    string `json:"row"`
			Judged int    `json:"judged"`
		}
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Row != "totals" || last.Judged != totals.Judged {
			t.Errorf("JSONL ends with %s, %v", lines[len(lines)-1], err)
		}
		if n := totals.Judged + totals.Withdrawals + totals.Receipts; len(lines) != n+1 {
			t.Errorf("%d lines of JSON for %d rows", len(lines), n)
		}
	})
}

// byHand counts what a selection holds by going over the records, in another
// way than the export does.
func byHand(t *rapid.T, log []Stored, q Selection) (verdicts map[federation.Verdict]int, withdrawals, receipts int) {
	verdicts = map[federation.Verdict]int{}
	for _, s := range log {
		r, err := Decode(s.Data)
		if err != nil {
			t.Fatal(err)
		}
		if q.Peer != "" && string(r.peer()) != q.Peer || r.At.Before(q.From) || !q.To.IsZero() && !r.At.Before(q.To) {
			continue
		}
		if r.Receipt != nil && q.Basis == "" {
			receipts += len(r.Receipt.Outcomes)
		}
		if r.Sent == nil {
			continue
		}
		for _, m := range r.Sent.Messages {
			if q.Basis == "" {
				withdrawals += len(m.Gone)
			}
			for _, o := range m.Objects {
				text, _ := json.Marshal(o.Cited)
				for _, g := range o.Grounds {
					text = append(text, string(r.Sent.Grounds[g].Basis)...)
				}
				if strings.Contains(strings.ToLower(string(text)), strings.ToLower(q.Basis)) {
					verdicts[o.Verdict]++
				}
			}
		}
	}
	return verdicts, withdrawals, receipts
}

// sumsOfCSV adds the rows up again and compares.
func sumsOfCSV(t *rapid.T, data []byte, want *Totals) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	counted, stated := map[string]int{}, map[string]int{}
	for _, r := range rows[1:] {
		if r[0] == "total" {
			n, err := strconv.Atoi(r[column("count")])
			if err != nil {
				t.Fatal(err)
			}
			stated[r[column("total")]] = n
			continue
		}
		counted[r[0]]++
		counted[r[column("verdict")]]++
		for _, name := range strings.Split(r[column("rules")], "; ") {
			counted["rule "+name]++
		}
	}
	for what, n := range map[string]int{"judged": counted[RowObject], "shared": counted["share"], "redacted": counted["redact"], "withheld": counted["withhold"],
		"held": counted["hold"], "withdrawals": counted[RowWithdrawal], "receipts": counted[RowReceipt], "rule tlp-amber": counted["rule tlp-amber"]} {
		if stated[what] != n {
			t.Errorf("the CSV states %d %s, its rows are %d", stated[what], what, n)
		}
	}
	if stated["judged"] != want.Judged {
		t.Errorf("the CSV states %d judged, want %d", stated["judged"], want.Judged)
	}
}

// TestCSVIsInert: no cell is a formula to a spreadsheet, and none breaks out of
// its place.
func TestCSVIsInert(t *testing.T) {
	var out bytes.Buffer
	sheet := NewCSV(&out)
	evil := []string{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", `a",=1`, "a\r\n=1,2"}
	for _, e := range evil {
		if err := sheet.Row(&Row{Row: RowObject, Peer: e, ID: e, Digest: e, Removed: []string{e}, Verdict: "share"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sheet.End(NewTotals()); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.HasSuffix(text, "\r\n") || !strings.HasPrefix(text, "row,time,") {
		t.Errorf("not as RFC 4180 has it: %.40q", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + len(evil) + len(NewTotals().Sums()); len(rows) != want {
		t.Fatalf("%d rows, want %d", len(rows), want)
	}
	for _, r := range rows {
		for _, cell := range r {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
				t.Errorf("a spreadsheet would take %q for a formula", cell)
			}
		}
	}
}

// TestPage: the page is one file without script that loads nothing, and shows
// what it is given as text.
func TestPage(t *testing.T) {
	log := ledgerOf(t)
	var out bytes.Buffer
	head := PageHead{Node: "de-cert", Selection: Selection{Basis: "<script>alert(1)</script>"}, Made: at}
	sheet, err := NewPage(&out, head)
	if err != nil {
		t.Fatal(err)
	}
	exported(t, log, Selection{}, sheet)
	text := out.String()
	for _, bad := range []string{"<script", "javascript:", "http://", "https://", "<link", "<img", "@import", "url("} {
		if strings.Contains(strings.ToLower(text), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{"default-src 'none'", "&lt;script&gt;", "@media print", "tlp-amber", "FIRST TLP 2.0, section 4", "us-cisa-2015", "x_contact", "taken back: withdrawn", "</html>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if *pageOut == "" {
		return
	}
	out.Reset()
	ring := keyring{}
	l := &ledger{t: t, node: "de-cert", key: ring.signer(t, "de-cert"), log: log}
	sheet, err = NewPage(&out, PageHead{Node: "de-cert", Selection: Selection{Peer: "us-isac", From: at, To: at.Add(time.Hour)}, Made: at, Signed: l.head(l.end(), 1)})
	if err != nil {
		t.Fatal(err)
	}
	exported(t, log, Selection{Peer: "us-isac"}, sheet)
	if err := os.WriteFile(*pageOut, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
