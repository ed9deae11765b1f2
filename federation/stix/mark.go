package stix

import (
	"slices"

	"github.com/entente-relay/entente/federation"
)

// Mark is what was found in one unit, without the reasons: what policy decides
// by. It joins the findings of [Categorize] for the unit.
type Mark struct {
	// Categories has bit 2i for the i-th of [federation.Categories] found surely,
	// and bit 2i+1 for it as a guess.
	Categories uint16
	// Holds has bit i for the i-th of [Contents].
	Holds uint16
	// Victim says that an address in it was called a victim's.
	Victim VictimMark
}

// VictimMark says whether an address was called a victim's.
type VictimMark uint8

// How sure it is; the stronger includes the weaker.
const (
	NoVictim      VictimMark = 0
	PerhapsVictim VictimMark = 1
	SurelyVictim  VictimMark = 3
)

// Has reports whether a category, one of the list, was found, as a guess or surely.
func (m *Mark) Has(c federation.Category) bool { return m.Categories&(3<<(2*categoryIndex(c))) != 0 }

// Surely reports whether a category was found and not only guessed.
func (m *Mark) Surely(c federation.Category) bool { return m.Categories&(1<<(2*categoryIndex(c))) != 0 }

// add joins another.
func (m *Mark) add(o Mark) {
	m.Categories |= o.Categories
	m.Holds |= o.Holds
	m.Victim |= o.Victim
}

// markOf is the mark of one finding. A category that is not in the list counts as
// free text that nobody could place; a kind that is not is as good as all of
// them: a rule that forbids any of them then applies.
func markOf(c federation.Category, kind string, unsure bool) Mark {
	var m Mark
	i := categoryIndex(c)
	if i < 0 {
		i, unsure = categoryIndex(federation.FreeText), true
	}
	m.Categories = 1 << (2 * i)
	if unsure {
		m.Categories <<= 1
	}
	if kind == "" {
		return m
	}
	k := slices.Index(contentKinds[:], kind)
	if k < 0 {
		m.Holds = 1<<len(contentKinds) - 1
	} else {
		m.Holds = 1 << k
	}
	if kind == HoldsVictim {
		m.Victim = SurelyVictim
		if unsure {
			m.Victim = PerhapsVictim
		}
	}
	return m
}

// categoryIndex is the place of a category in [federation.Categories], -1 for
// what is none.
func categoryIndex(c federation.Category) int {
	switch c {
	case federation.Technical:
		return 0
	case federation.Context:
		return 1
	case federation.Target:
		return 2
	case federation.Personal:
		return 3
	case federation.Subscriber:
		return 4
	case federation.Commercial:
		return 5
	case federation.Source:
		return 6
	case federation.FreeText:
		return 7
	}
	return -1
}
