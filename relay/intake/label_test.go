package intake

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/mapping"
)

// TestLabelKeys: two labels have one key when, and only when, they say the same.
func TestLabelKeys(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "a", "b", "ab", "\x01a"})
	list := rapid.Custom(func(t *rapid.T) []string {
		if rapid.Bool().Draw(t, "stated") {
			return rapid.SliceOfN(word, 0, 2).Draw(t, "list")
		}
		return nil
	})
	draw := rapid.Custom(func(t *rapid.T) label {
		return label{tlp: mapping.TLP(rapid.IntRange(0, 1).Draw(t, "tlp")), refs: rapid.SliceOfN(word, 0, 2).Draw(t, "refs"), conflict: word.Draw(t, "conflict"),
			hand: handling{origin: word.Draw(t, "origin"), scheme: word.Draw(t, "scheme"), classification: word.Draw(t, "classification"), contract: word.Draw(t, "contract"),
				caveats: list.Draw(t, "caveats"), releasable: list.Draw(t, "releasable"), residency: list.Draw(t, "residency"), purpose: list.Draw(t, "purpose"),
				retainDays: rapid.IntRange(0, 1).Draw(t, "days")}}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if rapid.Bool().Draw(t, "nearly") { // one list apart, or nothing
			lists := b.hand
			b = a
			b.hand.purpose = lists.purpose
		}
		same := reflect.DeepEqual(a, b) || len(a.refs)+len(b.refs) == 0 && func() bool { b.refs = a.refs; return reflect.DeepEqual(a, b) }()
		if got := string(a.key(nil)) == string(b.key(nil)); got != same {
			t.Errorf("one key %v, the same %v: %+v %+v", got, same, a, b)
		}
		in := newInterned()
		if one := in.intern(a) == in.intern(b); one != same {
			t.Errorf("one label %v, the same %v: %+v %+v", one, same, a, b)
		}
	})
}
