package envelope

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// encode returns the record's text: its members as they stand above, those that
// may be left out only if there is something in them.
func (r *record) encode() ([]byte, error) {
	w := textWriter{out: make([]byte, 0, 512+64*len(r.Out)+128*len(r.Map))}
	w.number(`{"ver":`, int64(r.Ver))
	w.number(`,"n":`, int64(r.N))
	w.text(`,"iss":`, r.Iss)
	w.text(`,"aud":`, r.Aud)
	w.number(`,"iat":`, r.Iat)
	w.out = strconv.AppendUint(append(w.out, `,"seq":`...), r.Seq, 10)
	w.text(`,"prev":`, r.Prev)
	w.text(`,"sd_hash":`, r.SDHash)
	w.text(`,"pol":`, r.Pol)
	w.text(`,"sal":`, r.Sal)
	for i, o := range r.Out {
		w.text(opening(i, `,"out":[[`), o[0])
		w.text(`,`, o[1])
		w.closing(i == len(r.Out)-1)
	}
	for i, m := range r.Map {
		w.text(opening(i, `,"map":[[`), m[0])
		w.text(`,`, m[1])
		w.text(`,`, m[2])
		w.closing(i == len(r.Map)-1)
	}
	if r.Tab != "" {
		w.text(`,"tab":`, r.Tab)
	}
	if w.err != nil {
		return nil, fmt.Errorf("hop record: %w", w.err)
	}
	return append(w.out, '}'), nil
}

// textWriter writes JSON piece by piece.
type textWriter struct {
	out []byte
	err error // of the first text that is none
}

func (w *textWriter) number(before string, n int64) {
	w.out = strconv.AppendInt(append(w.out, before...), n, 10)
}

func (w *textWriter) text(before, text string) {
	w.out = append(w.out, before...)
	out, err := jsontext.AppendQuote(w.out, text)
	if w.out = out; w.err == nil {
		w.err = err
	}
}

// opening is what stands before element i of a list of lists.
func opening(i int, list string) string {
	if i > 0 {
		return `,[`
	}
	return list
}

// closing ends an element, and its list after the last.
func (w *textWriter) closing(last bool) {
	if w.out = append(w.out, ']'); last {
		w.out = append(w.out, ']')
	}
}
