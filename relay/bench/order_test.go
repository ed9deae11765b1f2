package bench

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/stix"
)

// TestObjectsOfOneKindHaveOneForm: objects that have the same properties come out
// of a message with those in the same order, or nothing that is known of the form
// of one would serve the next.
func TestObjectsOfOneKindHaveOneForm(t *testing.T) {
	var objs []*stix.Object
	for _, raw := range Generate(64, 1, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)) {
		o, err := stix.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		objs = append(objs, o)
	}
	key, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := envelope.Issue(objs, envelope.IssueOptions{Issuer: "de-cert", Key: key, Now: time.Now(), Secret: make([]byte, 32),
		NewID: func() string { return "0197b3a0-0000-7000-8000-000000000001" }})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`"[a-z_]+":`)
	forms := map[string]string{} // by what properties an object has, in any order
	for _, it := range msgs[0].Items() {
		form := names.FindAllString(string(it.Object.Raw()), -1)
		sorted := slices.Sorted(slices.Values(form))
		has, got := strings.Join(sorted, ""), strings.Join(form, "")
		if want, ok := forms[has]; ok && want != got {
			t.Errorf("two forms of the same properties:\n%s\n%s", want, got)
		}
		forms[has] = got
	}
	if len(forms) == len(msgs[0].Items()) {
		t.Error("no two objects have the same properties: nothing is compared")
	}
}
