package policy

import (
	"strings"

	"github.com/entente-relay/entente/mapping"
)

// caveat reads an originator's addition to its marking. Those whose whole
// meaning is a list of recipients become that list; every other one is kept as
// written, and a rule holds the object for a person.
//
// Meanings: US controls as in DoDM 5200.01 vol. 2; SPÉCIAL FRANCE as in IGI
// 1300; AUSTEO and AGAO as in the Australian PSPF.
func caveat(c string) mapping.Handling {
	c = strings.ToUpper(strings.Join(strings.Fields(c), " "))
	switch c {
	case "NOFORN", "NF":
		return mapping.Handling{Releasable: mapping.SetOf("US")}
	case "SPÉCIAL FRANCE", "SPECIAL FRANCE":
		return mapping.Handling{Releasable: mapping.SetOf("FR")}
	case "AUSTEO", "AGAO":
		return mapping.Handling{Releasable: mapping.SetOf("AU")}
	}
	if rest, ok := strings.CutPrefix(c, "REL TO "); ok {
		if to, ok := countries(rest); ok {
			return mapping.Handling{Releasable: mapping.SetOf(to...)}
		}
	}
	return mapping.Handling{Caveats: []string{c}}
}

// countries reads a list such as "USA, GBR": ISO 3166-1 alpha-2 or alpha-3
// codes. A word that is neither, such as FVEY, makes the whole list unread.
func countries(list string) ([]string, bool) {
	var out []string
	for _, w := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		c, ok := alpha2(w)
		if !ok {
			return nil, false
		}
		out = append(out, c)
	}
	return out, len(out) > 0
}
