package language

import (
	"fmt"

	xlanguage "golang.org/x/text/language"
)

// MaxTag is the longest language tag in bytes that is parsed. RFC 5646 section
// 4.4.1 asks for at least 35; the parser of x/text has had denial-of-service
// faults with long input (CVE-2021-38561, CVE-2022-32149).
const MaxTag = 64

// Tag is a BCP 47 language tag (RFC 5646) as it was received, with what
// matching needs of it.
type Tag struct {
	raw       string
	canonical string
	base      string // primary language, "" for und, mul, zxx and private use
	script    string // ISO 15924, stated or implied: zh is Hans, zh-TW is Hant
	region    string // stated region only
}

// Parse reads a tag. It keeps the spelling received, because canonical forms
// rewrite it (iw to he, tl to fil).
func Parse(s string) (Tag, error) {
	if s == "" || len(s) > MaxTag {
		return Tag{}, fmt.Errorf("language tag of %d bytes: use 1 to %d, such as de or pt-BR", len(s), MaxTag)
	}
	x, err := xlanguage.Parse(s)
	if err != nil {
		return Tag{}, fmt.Errorf("language tag %q: %w: use a BCP 47 tag of a language, such as ja, not of a country", s, err)
	}
	t := Tag{raw: s, canonical: x.String()}
	base, script, region := x.Raw()
	switch b := base.String(); b {
	case "und", "mul", "zxx", "mis":
		return t, nil
	default:
		t.base = b
	}
	if script.String() == "Zzzz" { // not stated: the likely script of language and region
		script, _ = x.Script()
	}
	t.script = script.String()
	if r := region.String(); r != "ZZ" {
		t.region = r
	}
	return t, nil
}

// Raw is the tag as received.
func (t Tag) Raw() string { return t.raw }

// String is the canonical form (RFC 5646 section 4.5).
func (t Tag) String() string { return t.canonical }
