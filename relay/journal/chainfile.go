package journal

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/entente-relay/entente/federation"
)

// A copy of a journal is text, one record a line, in which each record stands
// exactly as it was hashed:
//
//	{"seq":12,"record":{"ver":1,"prev":"...", ...}}
const (
	lineSeq    = `{"seq":`
	lineRecord = `,"record":`
)

// AppendLine appends a record as one line of a copy.
func AppendLine(b []byte, s Stored) []byte {
	b = append(b, lineSeq...)
	b = strconv.AppendUint(b, s.Seq, 10)
	b = append(b, lineRecord...)
	b = append(b, s.Data...)
	return append(b, '}', '\n')
}

// Lines yields the records of a copy, as [Proof.Verify] takes them. A line that
// is none ends it with an error that names it.
func Lines(name string, r io.Reader) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 1<<16), MaxRecord+128)
		n := 0
		for lines.Scan() {
			n++
			s, err := readLine(lines.Bytes())
			if err != nil {
				err = &federation.Refusal{Reason: federation.Malformed, Where: fmt.Sprintf("%s:%d", name, n), Err: err,
					Hint: "give what `entente audit export --chain` wrote"}
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Stored{}, fmt.Errorf("%s:%d: %w", name, n+1, err))
		}
	}
}

// readLine cuts one line.
func readLine(line []byte) (s Stored, err error) {
	rest, ok := bytes.CutPrefix(line, []byte(lineSeq))
	number, record, found := bytes.Cut(rest, []byte(lineRecord))
	record, closed := bytes.CutSuffix(record, []byte("}"))
	if !ok || !found || !closed {
		return s, fmt.Errorf("not a line of a copy of a journal")
	}
	if s.Seq, err = strconv.ParseUint(string(number), 10, 64); err != nil {
		return s, fmt.Errorf("its number: %w", err)
	}
	s.Data = bytes.Clone(record)
	return s, nil
}
