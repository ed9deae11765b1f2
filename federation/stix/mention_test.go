package stix

import (
	"slices"
	"testing"
)

func TestEachID(t *testing.T) {
	const u = "--0f0f0f0f-0000-4000-8000-00000000000"
	for name, c := range map[string]struct {
		value string
		want  []string
	}{
		"a reference":         {`"indicator` + u + `1"`, []string{"indicator" + u + "1"}},
		"a list":              {`["indicator` + u + `1","x-own` + u + `2"]`, []string{"indicator" + u + "1", "x-own" + u + "2"}},
		"in a text":           {`"see indicator` + u + `1, and malware` + u + `2."`, []string{"indicator" + u + "1", "malware" + u + "2"}},
		"a member's name":     {`{"indicator` + u + `1":{"k":"malware` + u + `2"}}`, []string{"indicator" + u + "1", "malware" + u + "2"}},
		"escaped":             {`"indicator\u002d\u002D` + u[2:] + `1"`, []string{"indicator" + u + "1"}},
		"in upper case":       {`"INDICATOR--0F0F0F0F-0000-4000-8000-000000000001"`, []string{"indicator" + u + "1"}},
		"run into":            {`"seeindicator` + u + `1"`, []string{"seeindicator" + u + "1", "indicator" + u + "1"}},
		"with a long dash":    {`"a----indicator` + u + `1"`, []string{"indicator" + u + "1"}},
		"nothing before it":   {`"` + u + `1"`, nil},
		"no uuid":             {`"indicator--0f0f0f0f"`, nil},
		"cut short":           {`"indicator` + u + `"`, nil},
		"dashes":              {`"------------------------------------------------------------"`, nil},
		"a longer uuid":       {`"indicator` + u + `12"`, []string{"indicator" + u + "1"}},
		"not a string at all": {`17`, nil},
	} {
		var got []string
		EachID([]byte(c.value), func(id string) { got = append(got, id) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
