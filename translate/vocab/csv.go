package vocab

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/entente-relay/entente/translate"
)

// row is one line of a table: its cells by column, trimmed.
type row struct {
	cells map[string]string
	line  int
}

// get returns a cell, "" where the table has no such column.
func (r row) get(column string) string { return r.cells[column] }

// layout is one of the tables that are read.
type layout struct{ required, optional []string }

// The two tables. Which one a file is, its header tells.
var (
	termTable = layout{
		required: []string{"scheme", "version", "kind", "notation", "language", "term", "source"},
		optional: []string{"list", "rank", "relation"},
	}
	mappingTable = layout{
		required: []string{"kind", "from_scheme", "from", "to_scheme", "to", "relation", "source"},
		optional: []string{"from_version", "from_list", "to_version", "to_list", "to_kind", "note"},
	}
)

// readCSV reads a table of words or of mappings (RFC 4180, and what
// spreadsheets make of it: a byte order mark, "sep=" and ";" or tabs).
func (l *loader) readCSV(f *source, flt *faults) []translate.Vocabulary {
	data, ok := plainText(f.data, flt)
	if !ok {
		return nil
	}
	data, skipped := skipSep(data)
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = delimiter(data)
	header, err := r.Read()
	if err != nil {
		flt.add(1, "no header: "+err.Error(), "the first line names the columns")
		return nil
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	table := termTable
	if slices.Contains(header, "from_scheme") {
		table = mappingTable
	}
	if !table.check(header, 1+skipped, flt) {
		return nil
	}
	rows := l.rows(r, header, skipped, flt)
	if slices.Contains(header, "from_scheme") {
		return readMappings(f, rows, flt)
	}
	return readTerms(f, rows, flt)
}

// check compares a header with the table.
func (t layout) check(header []string, line int, flt *faults) bool {
	before := len(flt.errs)
	for i, h := range header {
		switch {
		case !slices.Contains(t.required, h) && !slices.Contains(t.optional, h):
			flt.add(line, fmt.Sprintf("unknown column %q", h), "the columns are "+strings.Join(append(slices.Clone(t.required), t.optional...), ", "))
		case slices.Contains(header[:i], h):
			flt.add(line, fmt.Sprintf("column %q stands twice", h), "")
		}
	}
	for _, c := range t.required {
		if !slices.Contains(header, c) {
			flt.add(line, fmt.Sprintf("no column %q", c), "add it to the header")
		}
	}
	return len(flt.errs) == before
}

// rows reads the lines below the header.
func (l *loader) rows(r *csv.Reader, header []string, skipped int, flt *faults) []row {
	var rows []row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			line := 0
			if p, ok := errors.AsType[*csv.ParseError](err); ok {
				line, err = p.Line+skipped, p.Err
			}
			flt.add(line, err.Error(), "every row has the cells of the header; quotes in a cell are doubled")
			if !errors.Is(err, csv.ErrFieldCount) {
				return rows
			}
			continue
		}
		line, _ := r.FieldPos(0)
		if len(rows) == l.limits.Entries {
			flt.add(line+skipped, fmt.Sprintf("over %d rows", l.limits.Entries), "split the file")
			return rows
		}
		rows = append(rows, newRow(header, record, line+skipped, flt))
	}
}

// newRow trims the cells of a record and refuses those that a spreadsheet
// would run as a formula: whoever opens or exports the table next would be the
// one attacked (CWE-1236).
func newRow(header, record []string, line int, flt *faults) row {
	r := row{cells: make(map[string]string, len(header)), line: line}
	for i, cell := range record {
		cell = strings.TrimSpace(cell)
		if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
			flt.add(line, fmt.Sprintf("the cell of column %q begins with %q, which a spreadsheet runs as a formula", header[i], cell[:1]),
				"write the word without it")
		}
		r.cells[header[i]] = cell
	}
	return r
}

// plainText strips a byte order mark and refuses what is not UTF-8: a legacy
// charset would be read as other words without an error.
func plainText(data []byte, flt *faults) ([]byte, bool) {
	const hint = "save the file as UTF-8"
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		flt.add(1, "UTF-16", hint)
		return nil, false
	case !utf8.Valid(data):
		at := 0
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		flt.add(lineAt(data, at), fmt.Sprintf("byte 0x%02x is not UTF-8", data[at]), hint)
		return nil, false
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), true
}

// skipSep skips the line "sep=;" that spreadsheets write before the header,
// and returns how many lines that was.
func skipSep(data []byte) ([]byte, int) {
	first, rest, ok := bytes.Cut(data, []byte{'\n'})
	if ok && len(bytes.TrimSpace(first)) <= len("sep=;") && bytes.HasPrefix(bytes.ToLower(first), []byte("sep=")) {
		return rest, 1
	}
	return data, 0
}

// delimiter returns the one of comma, semicolon and tab that the header has
// most of.
func delimiter(data []byte) rune {
	header, _, _ := bytes.Cut(data, []byte{'\n'})
	best := ','
	for _, c := range ";\t" {
		if bytes.ContainsRune(header, c) && bytes.Count(header, []byte(string(c))) > bytes.Count(header, []byte(string(best))) {
			best = c
		}
	}
	return best
}
