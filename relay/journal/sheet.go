package journal

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sheet writes an export row by row and ends it with its totals.
type Sheet interface {
	Row(row *Row) error
	End(t *Totals) error
}

// NewJSONL returns a sheet of JSON, one value a line; the last has the totals.
func NewJSONL(w io.Writer) Sheet {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return jsonSheet{enc}
}

type jsonSheet struct{ enc *json.Encoder }

func (s jsonSheet) Row(row *Row) error { return s.enc.Encode(row) }

func (s jsonSheet) End(t *Totals) error {
	return s.enc.Encode(struct {
		Row string `json:"row"`
		*Totals
	}{"totals", t})
}

// NewCSV returns a sheet of comma-separated values (RFC 4180, UTF-8, a heading
// first). A cell that a spreadsheet would take for a formula begins with an
// apostrophe. Lists stand in one cell, divided by "; ". The rows at the end have
// the totals, in the columns "total" and "count".
func NewCSV(w io.Writer) Sheet {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &csvSheet{w: c}
}

type csvSheet struct {
	w     *csv.Writer
	begun bool
}

var csvHeading = []string{"row", "time", "journal", "peer", "log", "link", "frame", "issuer", "id", "digest", "verdict", "marking_from", "marking_to",
	"removed", "reasons", "rules", "basis", "grounds", "grounds_cite", "claims", "purpose", "policy", "for", "stored", "duplicate", "held", "refused", "total", "count"}

func (s *csvSheet) Row(row *Row) error {
	list := func(l []string) string { return strings.Join(l, "; ") }
	count := func(n int) string {
		if row.Row != RowReceipt {
			return ""
		}
		return strconv.Itoa(n)
	}
	return s.write([]string{row.Row, row.At.UTC().Format(time.RFC3339Nano), number(row.Journal), row.Peer, number(row.Log), number(row.Link), row.Frame,
		row.Issuer, row.ID, row.Digest, row.Verdict, row.From, row.To, list(row.Removed), list(row.Reasons), list(row.Rules), list(row.Basis),
		list(row.Grounds), list(row.Cites), list(row.Claims), list(row.Purpose), row.Policy, row.For,
		count(row.Stored), count(row.Duplicate), count(row.Held), count(row.Refused), "", ""})
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func (s *csvSheet) End(t *Totals) error {
	for _, sum := range t.Sums() {
		row := make([]string, len(csvHeading))
		row[0], row[len(row)-2], row[len(row)-1] = "total", sum.What, strconv.Itoa(sum.Count)
		if err := s.write(row); err != nil {
			return err
		}
	}
	s.w.Flush()
	return s.w.Error()
}

func (s *csvSheet) write(cells []string) error {
	if !s.begun {
		s.begun = true
		if err := s.w.Write(csvHeading); err != nil {
			return err
		}
	}
	for i, c := range cells {
		cells[i] = inert(c)
	}
	return s.w.Write(cells)
}

// inert makes a cell one that no spreadsheet takes for a formula: those begin
// with one of these, also in the wide forms of East Asian keyboards.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}

// Sum is one total with its name.
type Sum struct {
	What  string
	Count int
}

// Sums lists the totals in order; those by reason, rule, basis, ground and claim
// are called "reason tlp-audience".
func (t *Totals) Sums() []Sum {
	out := []Sum{{"judged", t.Judged}, {"shared", t.Shared}, {"redacted", t.Redacted}, {"withheld", t.Withheld}, {"held", t.Held}, {"objects", t.Objects},
		{"properties removed", t.Removed}, {"messages", t.Messages}, {"frames", t.Frames}, {"withdrawals", t.Withdrawals}, {"receipts", t.Receipts},
		{"stored there", t.Stored}, {"there already", t.Duplicate}, {"held there", t.HeldThere}, {"refused there", t.Refused}}
	for _, by := range []struct {
		what   string
		counts map[string]int
	}{{"reason", t.Reasons}, {"rule", t.Rules}, {"basis", t.Basis}, {"ground", t.Grounds}, {"claim", t.Claims}} {
		for _, name := range slices.Sorted(maps.Keys(by.counts)) {
			out = append(out, Sum{by.what + " " + name, by.counts[name]})
		}
	}
	return out
}
