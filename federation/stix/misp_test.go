package stix

import (
	"fmt"
	"testing"

	"github.com/entente-relay/entente/federation"
)

func TestMISPLabels(t *testing.T) {
	for _, tc := range []struct {
		label, path string
		category    federation.Category
		holds       string
		unsure      bool
	}{
		{`misp:category=\"Targeting data\"`, "pattern", federation.Target, HoldsVictim, false},
		{`misp:category=\"Targeting data\"`, "pattern", federation.Personal, HoldsAddress, true},
		{`misp:category=\"Targeting data\"`, "name", federation.Target, "", false},
		{`misp:type=\"target-org\"`, "name", federation.Target, "", false},
		{`misp:category=\"Person\"`, "name", federation.Personal, "", false},
		{`misp:category=\"Internal reference\"`, "name", federation.Source, "", false},
		{`misp:category=\"Support Tool\"`, "name", federation.Context, "", false},
		{`misp:category=\"Financial fraud\"`, "pattern", federation.Personal, "", true},
		{`misp:category=\"Financial fraud\"","misp:type=\"text\"`, "name", federation.Personal, "", true},
		{`misp:type=\"twitter-id\"`, "name", federation.Personal, "", true},
		{`misp:type=\"iban\"`, "pattern", federation.Personal, HoldsPayment, false},
		{`misp:type=\"passport-number\"`, "name", federation.Personal, HoldsNationalID, false},
		{`misp:object=\"victim\"`, "name", federation.Target, "", false},
		{`misp:name=\"person\"`, "name", federation.Personal, "", false},
		{`misp:object=\"gtp-attack\"`, "name", federation.Subscriber, HoldsSubscriber, true},
	} {
		o := parse1(t, indicator(`,"name":"n","labels":["`+tc.label+`"]`))
		want := Finding{Path: tc.path, Category: tc.category, Evidence: byOrigin, Holds: tc.holds, Unsure: tc.unsure}
		found := false
		for _, f := range Categorize(o) {
			found = found || f == want
		}
		if !found {
			t.Errorf("%s: no %+v in %+v", tc.label, want, Categorize(o))
		}
	}
	for _, label := range []string{`misp:category=\"Network activity\"`, `misp:type=\"ip-dst\"`, `misp:category=\"Attribution\"`, `misp:category=\"Financial fraud\"","misp:type=\"btc\"`, `x:category=\"Person\"`, `Person`} {
		plain, labelled := Categorize(parse1(t, indicator(`,"name":"n","labels":["x"]`))), Categorize(parse1(t, indicator(`,"name":"n","labels":["`+label+`"]`)))
		if fmt.Sprint(plain) != fmt.Sprint(labelled) {
			t.Errorf("%s: %+v", label, labelled)
		}
	}
}

// The origin's personal_data: false drops what MISP's words make us guess, and
// not what they say.
func TestMISPGuesses(t *testing.T) {
	ours := `,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension","personal_data":false}}`
	for label, want := range map[string]bool{`misp:category=\"Person\"`: true, `misp:category=\"Social network\"`: false} {
		o := parse1(t, indicator(`,"name":"n","labels":["`+label+`"]`+ours))
		if _, got := categoriesFound(o, "name")[federation.Personal]; got != want {
			t.Errorf("%s: %t", label, got)
		}
	}
}
