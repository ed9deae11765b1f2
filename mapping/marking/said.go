package marking

import (
	"slices"

	"github.com/entente-relay/entente/mapping"
)

// Said is what one marking says: the handling that needs no tables, and words
// of classification schemes, which only their tables can read (package scheme).
// Slices are read-only.
type Said struct {
	Handling mapping.Handling
	Words    []Words
}

// Words are the words of one classification scheme. Nothing in them has been
// understood yet.
type Words struct {
	Scheme string   // scheme id, such as "us-eo13526"
	Level  string   // label of the level, "" where the marking states none
	Beside []string // caveats, code words and release lists beside the level
}

// and returns what two markings say together.
func (s Said) and(o Said) Said {
	return Said{Handling: mapping.Join(s.Handling, o.Handling), Words: slices.Concat(s.Words, o.Words)}
}

// alone returns the handling of a marking that says nothing in words; for the
// others a fault, because a reader without tables would drop a classification.
func (s Said) alone(what, text string) (mapping.Handling, error) {
	if len(s.Words) == 0 {
		return s.Handling, nil
	}
	return mapping.Handling{}, unknown(what, text+"; understood: not without the tables of "+s.Words[0].Scheme, "")
}

// words is a marking that is a level of a scheme, or stands beside one.
func words(scheme, level string, beside ...string) Said {
	return Said{Words: []Words{{Scheme: scheme, Level: level, Beside: beside}}}
}
