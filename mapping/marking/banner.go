package marking

import (
	"fmt"
	"strings"
)

// MaxBanner is the longest classification line that is read, in bytes.
const MaxBanner = 512

// Banner is a classification line, or the mark of a portion, taken apart as
// DoDM 5200.01 vol. 2 lays it out: LEVEL//SEGMENT//SEGMENT. Lines of other
// authorities are a level with words behind it; they come as one level.
type Banner struct {
	Foreign string   // the trigraph or organisation before the level of a line that begins with "//"
	Level   string   // as written, blanks at the ends removed
	Beside  []string // the segments behind it, as written
}

// ParseBanner takes a line apart; nothing of it is understood yet. The error
// is a *mapping.Fault: a line that is empty, too long, or has an empty segment
// or brackets that do not close.
func ParseBanner(line string) (Banner, error) {
	bad := func(format string, args ...any) (Banner, error) {
		return Banner{}, malformed(shorten(line), fmt.Sprintf(format, args...))
	}
	if len(line) > MaxBanner {
		return bad("%d bytes, over the limit of %d for a classification line", len(line), MaxBanner)
	}
	var b Banner
	text := strings.TrimSpace(line)
	if strings.HasPrefix(text, "(") {
		inner, closed := strings.CutSuffix(text[1:], ")")
		if !closed || strings.ContainsAny(inner, "()") {
			return bad("the brackets of the portion mark do not close where it ends")
		}
		text = inner
	}
	segments := strings.Split(text, "//")
	foreign := len(segments) > 1 && strings.TrimSpace(segments[0]) == ""
	if foreign {
		segments = segments[1:]
	}
	for i, s := range segments {
		if segments[i] = strings.TrimSpace(s); segments[i] == "" {
			return bad("part %d of the classification line is empty", i+1)
		}
	}
	b.Level, b.Beside = segments[0], segments[1:]
	if foreign {
		if err := b.foreign(line); err != nil {
			return Banner{}, err
		}
	}
	return b, nil
}

// natoMarks are the first words of NATO marks: they name the authority
// themselves.
var natoMarks = map[string]bool{"NATO": true, "COSMIC": true, "NU": true, "NR": true, "NC": true, "NS": true, "CTS": true}

// foreign finds the authority of a line that begins with "//": NATO's own marks,
// or a country's code before the level, as in "//DEU S".
func (b *Banner) foreign(line string) error {
	first, rest, _ := strings.Cut(b.Level, " ")
	switch rest = strings.TrimSpace(rest); {
	case natoMarks[first]:
		b.Foreign = "nato"
	case rest == "":
		return unknown(shorten(line), "it begins with // and names no authority before the level", "write the country's code, as in //DEU GEHEIM")
	default:
		b.Foreign, b.Level = first, rest
	}
	return nil
}
