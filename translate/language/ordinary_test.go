package language

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is passed over as ordinary is no indicator, however it is put together.
func TestOrdinaryIsNoIndicator(t *testing.T) {
	pieces := []string{"TLP", "ＴＬＰ", ":", "：", "RED", "[", "]", "x:y = 'z'", "`", "rule a", "{", "}", "alert tcp a", "->", ")", "https", "://", "mailto:", "a.example", "a", "@",
		"(at)", "[at]", "192", ".", "．", "｡", "(dot)", "[dot]", "fe80", "::", "ab", "-", "cd", "0123456789abcdef", "abcdef", "12:abc:def", "/", "_", ",", "'", " ", "é", "e\u0301",
		"料金", "GEHEIM", "T1566", "detection:", "\n", "7"}
	ordinaries := 0
	rapid.Check(t, func(t *rapid.T) {
		text := strings.TrimSpace(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(t, "pieces"), ""))
		kind, is := indicator(text)
		if got, gotIs := Indicator(text); got != kind || gotIs != is {
			t.Fatalf("%q: %q %t, want %q %t", text, got, gotIs, kind, is)
		}
		if ordinary(text) {
			ordinaries++
		}
	})
	for _, text := range []string{"ab-cd-ef-01-23-45", "ABCDEFABCDEFABCD", "0123456789abcdef", "ＴＬＰ：ＲＥＤ", "192.0.2.1", "192｡0｡2｡1", "a@b.example", "`x`"} {
		if _, is := Indicator(text); !is {
			t.Errorf("%q is none", text)
		}
	}
	if ordinaries == 0 {
		t.Error("nothing was ordinary: the test proves nothing")
	}
}
