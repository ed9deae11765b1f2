package stix

import (
	"slices"
	"testing"
)

func TestHolds(t *testing.T) {
	for text, want := range map[string]string{
		"user@host.example":     HoldsEmail,
		"tel. 030 1234567":      HoldsPhone,
		"seen at 198.51.100.23": HoldsAddress,
		"nothing of the kind":   "",
	} {
		var got []string
		for _, f := range Categorize(parse1(t, indicator(`,"description":"`+text+`"`))) {
			if f.Path == "description" && f.Holds != "" {
				got = append(got, f.Holds)
			}
		}
		if want == "" && got != nil || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
