package language

import "testing"

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                 "plain",
		"フィッシング, Ś":             "フィッシング, Ś",
		"a\x1b[2Jb":             `a\x1b[2Jb`,
		"first\nsecond":         `first\nsecond`,
		"abc\u202edef":          `abc\u202edef`,
		"zero\u200bwidth":       `zero\u200bwidth`,
		"bad \xff byte":         `bad \ufffd byte`,
		"separator\u2028inside": `separator\u2028inside`,
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
}
