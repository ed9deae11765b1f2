package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// columns are the columns of a CSV file; value is the only one that has to be
// there. Others are refused: one that nobody reads might be a restriction.
var columns = []string{"value", "type", "tlp", "pap", "name", "description", "labels", "confidence", "valid_from", "valid_until", "lang"}

// rows are identified by value and type, in this namespace (RFC 9562 §5.5), so
// that the same row read again is a newer version and not another object. It
// is the UUID of our extension.
var rows = uuid.MustParse(stix.HandlingExtension[len(stix.HandlingExtension)-36:])

// csv reads comma-separated values (RFC 4180) with a header line; semicolons
// and tabs separate as well, as spreadsheets write them in many countries.
func (r *reader) csv(data []byte) error {
	if !utf8.Valid(data) {
		return federation.Refuse(federation.Malformed, "", "neither JSON nor UTF-8 text")
	}
	header, _, _ := bytes.Cut(bytes.TrimLeft(data, "\r\n"), []byte("\n"))
	c := csv.NewReader(bytes.NewReader(data))
	c.Comma = separator(header)
	c.FieldsPerRecord = -1
	names, err := c.Read()
	if err != nil {
		return &federation.Refusal{Reason: federation.Malformed, Where: "line 1", Detail: "neither JSON nor CSV with a header", Err: err}
	}
	index, err := columnIndex(names)
	if err != nil {
		return err
	}
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var line int
		if pe, ok := errors.AsType[*csv.ParseError](err); ok {
			line = pe.StartLine
			err = federation.Refuse(federation.Malformed, "", pe.Err.Error())
		} else if err == nil {
			line, _ = c.FieldPos(0)
			err = r.row(fields, names, index)
		}
		if federation.ReasonOf(err) == federation.TooLarge && r.full() {
			return err
		}
		if err != nil {
			if err := r.refuse("", within(fmt.Sprintf("line %d", line), err)); err != nil {
				return err
			}
		}
	}
}

// separator tells by the header what stands between fields.
func separator(header []byte) rune {
	best, most := ',', bytes.Count(header, []byte(","))
	for _, c := range []rune{';', '\t'} {
		if n := bytes.Count(header, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// columnIndex finds each column in the header.
func columnIndex(names []string) (map[string]int, error) {
	index := map[string]int{}
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		if !slices.Contains(columns, n) {
			e := federation.Refuse(federation.Unsupported, "line 1", fmt.Sprintf("neither JSON nor CSV with a known header: column %q", clip(n)))
			e.Hint = "known columns: " + strings.Join(columns, ", ")
			return nil, e
		}
		if _, twice := index[n]; twice {
			return nil, federation.Refuse(federation.Malformed, "line 1", fmt.Sprintf("the column %q twice", n))
		}
		index[n] = i
	}
	if _, ok := index["value"]; !ok {
		return nil, federation.Refuse(federation.Malformed, "line 1", "there is no column value")
	}
	return index, nil
}

// row reads one row.
func (r *reader) row(fields, names []string, index map[string]int) error {
	if len(fields) != len(names) {
		return federation.Refuse(federation.Malformed, "", fmt.Sprintf("%d fields under %d columns", len(fields), len(names)))
	}
	get := func(column string) string {
		if i, ok := index[column]; ok {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	typ := strings.ToLower(get("type"))
	if typ == "" {
		if typ = guess(get("value")); typ == "" {
			return federation.Refuse(federation.Unsupported, "value", "its type cannot be told from its form; fill the column type")
		}
	}
	o, err := observe(typ, get("value"))
	if err != nil {
		return err
	}
	h, err := rowMarking(get("tlp"), get("pap"))
	if err != nil {
		return err
	}
	times, err := rowTimes(get("valid_from"), get("valid_until"), r.now)
	if err != nil {
		return err
	}
	var confidence any
	if text := get("confidence"); text != "" {
		n, err := strconv.ParseUint(text, 10, 7)
		if err != nil || n > 100 {
			return federation.Refuse(federation.Malformed, "confidence", "not a whole number from 0 to 100")
		}
		confidence = n
	}
	labels := strings.FieldsFunc(get("labels"), func(c rune) bool { return c == '|' })
	id := "indicator--" + uuid.NewSHA1(rows, []byte(o.kind+" "+o.pattern)).String()
	now := stamp(r.now)
	raw, err := build(append([]member{{"type", "indicator"}, {"spec_version", "2.1"}, {"id", id}, {"created", now}, {"modified", now},
		{"confidence", confidence}, {"lang", get("lang")}, {"name", get("name")}, {"description", get("description")},
		{"pattern", o.pattern}, {"pattern_type", o.kind}, {"pattern_version", o.version},
		{"valid_from", times[0]}, {"valid_until", times[1]}}, tail(labels, h)...)...)
	if err != nil {
		return err
	}
	return r.add(stix.ParseEntry(len(r.entries), raw, r.limits), "")
}

// rowMarking reads the columns tlp and pap: a label with or without its prefix.
func rowMarking(tlp, pap string) (mapping.Handling, error) {
	var all mapping.Handling
	for _, f := range [...]struct{ prefix, label string }{{"tlp:", tlp}, {"pap:", pap}} {
		if f.label == "" {
			continue
		}
		label := strings.ToLower(f.label)
		h, err := marking.Tag(f.prefix + strings.TrimPrefix(label, f.prefix))
		if err != nil {
			return all, federation.Refuse(federation.UnknownMarking, f.prefix[:3], fmt.Sprintf("%q is not a label of it", clip(f.label)))
		}
		all = mapping.Join(all, h)
	}
	return all, nil
}

// rowTimes reads the validity: RFC 3339, or a day. A day as the end is still
// valid itself.
func rowTimes(from, until string, now time.Time) (out [2]string, err error) {
	out[0] = stamp(now)
	for i, text := range []string{from, until} {
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			if t, err = time.Parse(time.DateOnly, text); err == nil && i == 1 {
				t = t.AddDate(0, 0, 1)
			}
		}
		if err != nil {
			return out, federation.Refuse(federation.Malformed, "validity", fmt.Sprintf("%q is neither a time such as 2026-01-06T12:00:00Z nor a day such as 2026-01-06", clip(text)))
		}
		out[i] = stamp(t)
	}
	return out, nil
}

// guess tells the type of a value by its form, "" if it has none that is sure.
func guess(v string) string {
	if _, err := addressType(v); err == nil {
		return "ip"
	}
	switch {
	case strings.Contains(v, "://"):
		return "url"
	case strings.Contains(v, "@"):
		return "email"
	}
	for _, typ := range [...]string{"md5", "sha1", "sha256", "sha512"} {
		if _, err := fileHash(hashes[typ], v, ""); err == nil {
			return typ
		}
	}
	if _, err := domain(v); err == nil {
		return "domain"
	}
	return ""
}
