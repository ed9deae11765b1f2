package stix

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Every word of the lexicon is found as it is listed, in capitals, and with
// other signs for its blanks; in front of it only what is no part of a word.
func TestLexicon(t *testing.T) {
	finds := func(text string, at int) bool {
		hits, _, _ := detectorWords.scan([]byte(text), nil)
		return slices.ContainsFunc(hits, func(h hit) bool { return int(h.word) == at })
	}
	if len(detectorWords.words) < 300 {
		t.Fatalf("only %d words", len(detectorWords.words))
	}
	for i, e := range detectorWords.words {
		for _, text := range []string{e.text, "x (" + e.text + ")", strings.ReplaceAll(e.text, " ", "_"), strings.ReplaceAll(e.text, " ", ""), e.text + " 1"} {
			if !finds(text, i) {
				t.Errorf("%q is not found in %q", e.text, text)
			}
		}
		if up := strings.ToUpper(e.text); strings.ToLower(up) == e.text && !finds(up, i) {
			t.Errorf("%q is not found in %q", e.text, up)
		}
		if first, _ := utf8.DecodeRuneInString(e.text); first < 0x800 && finds("x"+e.text, i) {
			t.Errorf("%q is found inside a word", e.text)
		}
		if e.whole && first(e.text) < utf8.RuneSelf && finds(e.text+"x", i) {
			t.Errorf("%q is found at the start of a longer word", e.text)
		}
		if len(e.text) >= longestWord {
			t.Errorf("%q is longer than longestWord", e.text)
		}
	}
}

func first(s string) rune { r, _ := utf8.DecodeRuneInString(s); return r }

// Words come in the order of the text, inside it, and around leaves none out
// that is close enough.
func TestLexiconOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"patient", "victim ", "PESEL", "c2", "12", " ", "料金", "Über", "\xff"}), rapid.String()), 0, 60).Draw(t, "parts")
		text := []byte(strings.Join(parts, ""))
		d := detector{}
		d.read(text)
		for i, h := range d.hits {
			if h.start < 0 || h.end > len(text) || h.start >= h.end || i > 0 && d.hits[i-1].start > h.start {
				t.Fatalf("%+v in %q", h, text)
			}
		}
		start := rapid.IntRange(0, len(text)).Draw(t, "start")
		near := d.around(start, start, 20)
		for _, h := range d.hits {
			if h.start-start <= 20 && start-h.end <= 20 && !slices.Contains(near, h) {
				t.Fatalf("%+v is close to %d and left out", h, start)
			}
		}
	})
}
