package federation

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
)

// The list is on the wire and in stored records: this test holds it in place.
func TestReasonsAreStable(t *testing.T) {
	const want = "bad-signature unknown-issuer revoked-key wrong-recipient expired not-yet-valid malformed too-large " +
		"unaccounted-redaction not-owner equivocation duplicate stale withdrawn loop unresolved-reference " +
		"unknown-marking unmarked not-accredited no-equivalent not-releasable over-ceiling tlp-audience residency " +
		"personal-data purpose contract no-agreement policy-error quota held-for-person unsupported"
	words := strings.Fields(want)
	got := Reasons()
	if len(got) < len(words) {
		t.Fatalf("%d reasons, %d were there before", len(got), len(words))
	}
	for i, w := range words {
		if string(got[i]) != w {
			t.Errorf("reason %d is %q, was %q", i, got[i], w)
		}
	}
}

func TestReasonsAreUsable(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[Reason]bool{}
	for _, r := range Reasons() {
		if !word.MatchString(string(r)) {
			t.Errorf("%q cannot be a metric label", r)
		}
		if seen[r] {
			t.Errorf("%q twice", r)
		}
		seen[r] = true
		if m := r.Meaning(); len(m) < 20 || !strings.HasSuffix(m, ".") || strings.Count(m, ". ") > 0 {
			t.Errorf("%s: the manual needs one sentence, not %q", r, m)
		}
		if !r.Valid() {
			t.Errorf("%s is in the list but not valid", r)
		}
	}
	for _, no := range []Reason{"", "Malformed", "made-up"} {
		if no.Valid() || no.Meaning() != "" {
			t.Errorf("%q is valid", no)
		}
	}
}

func TestReasonsCannotBeChangedFromOutside(t *testing.T) {
	Reasons()[0] = "tampered"
	if Reasons()[0] != BadSignature {
		t.Error("the caller can change the list")
	}
}

func TestClosedWords(t *testing.T) {
	for _, v := range []Verdict{Share, Redact, Withhold, Hold} {
		if !v.Valid() {
			t.Errorf("%q is not valid", v)
		}
	}
	if Verdict("").Valid() || Verdict("allow").Valid() {
		t.Error("a verdict outside the list is valid")
	}
	if len(Categories()) != 8 {
		t.Errorf("%d categories", len(Categories()))
	}
	for _, c := range Categories() {
		if !c.Valid() {
			t.Errorf("%q is not valid", c)
		}
	}
	if Category("").Valid() || Category("secret").Valid() {
		t.Error("a category outside the list is valid")
	}
}

func TestRefusalText(t *testing.T) {
	for _, tc := range []struct {
		err  Refusal
		want string
	}{
		{Refusal{Reason: Malformed}, "(malformed)"},
		{Refusal{Reason: TooLarge, Where: "bundle", Detail: "80 bytes"}, "bundle: 80 bytes (too-large)"},
		{Refusal{Reason: Malformed, Where: "a.json", Detail: "cut short", Hint: "send it again", Err: io.ErrUnexpectedEOF},
			"a.json: cut short: unexpected EOF (malformed); send it again"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestReasonOf(t *testing.T) {
	inner := Refuse(Malformed, "x", "y")
	outer := &Refusal{Reason: Unsupported, Err: fmt.Errorf("reading: %w", inner)}
	for _, tc := range []struct {
		err  error
		want Reason
	}{
		{nil, ""},
		{io.EOF, ""},
		{inner, Malformed},
		{fmt.Errorf("at the border: %w", inner), Malformed},
		{outer, Unsupported},
		{errors.Join(io.EOF, inner), Malformed},
	} {
		if got := ReasonOf(tc.err); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
	if !errors.Is(outer, &Refusal{Reason: Malformed}) || errors.Is(outer, &Refusal{Reason: Malformed, Where: "z"}) {
		t.Error("errors.Is does not compare reason and place")
	}
}
