package bench

import (
	"regexp"
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
	forms := map[string]bool{}
	for _, it := range msgs[0].Items() {
		form := ""
		for _, name := range regexp.MustCompile(`"[a-z_]+":`).FindAllString(string(it.Object.Raw()), -1) {
			form += name
		}
		forms[form] = true
	}
	if len(forms) > 4 { // with a note or a residency list, or without
		t.Errorf("%d objects came out in %d forms", len(msgs[0].Items()), len(forms))
	}
}
