package stix

import (
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// testdata/types.jsonl has deterministic ids made by another implementation.
func TestObservableID(t *testing.T) {
	checked := 0
	for typ, raw := range examples(t) {
		o := parse1(t, string(raw))
		if !o.Observable() || typ == "process" {
			continue
		}
		checked++
		if id, err := ObservableID(raw); err != nil || id != o.ID() {
			t.Errorf("%s: %s, want %s (%v)", typ, id, o.ID(), err)
		}
	}
	if checked < 17 {
		t.Errorf("%d ids", checked)
	}
	one, err := ObservableID([]byte(`{"type":"file","size":1,"name":"a","hashes":{"SHA-256":"x","MD5":"y"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if two, err := ObservableID([]byte(`{"type":"file","hashes":{"MD5":"y"},"name":"a"}`)); two != one {
		t.Errorf("%s, want %s (%v)", two, one, err)
	}
	for raw, want := range map[string]federation.Reason{
		`{"type":"indicator","name":"x"}`: federation.Unsupported,
		`{"type":"url"}`:                  federation.Malformed,
		`{"type":"process","pid":1}`:      federation.Malformed,
		`{"type":"url","value":"x"`:       federation.Malformed,
		`[]`:                              federation.Malformed,
	} {
		if _, err := ObservableID([]byte(raw)); federation.ReasonOf(err) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestDerivedFrom(t *testing.T) {
	all := examples(t)
	for typ, want := range map[string]string{
		"ipv4-addr": "value", "domain-name": "value", "network-traffic": "src_ref protocols", "file": "hashes",
		"user-account": "user_id", "process": "", "indicator": "", "identity": "",
	} {
		o := parse1(t, string(all[typ]))
		if got := strings.Join(o.DerivedFrom(), " "); got != want || o.DerivedID() != (want != "") {
			t.Errorf("%s: %q %t, want %q", typ, got, o.DerivedID(), want)
		}
	}
	file := parse1(t, `{"type":"file","id":"file--00000000-0000-5000-8000-000000000001","name":"a","extensions":{"pdf-ext":{"version":"1.7"},"`+
		HandlingExtension+`":{"extension_type":"property-extension","note":{"content":"x"}}}}`)
	if got := file.DerivedFrom(); !slices.Equal(got, []string{"name", "extensions", "extensions.pdf-ext"}) {
		t.Errorf("file: %v", got)
	}
	person := parse1(t, `{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-5000-8000-000000000001","name":"A. N. Other",`+
		`"identity_class":"individual","created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z"}`)
	if got := person.DerivedFrom(); !slices.Equal(got, []string{"name", "identity_class"}) {
		t.Errorf("identity: %v", got)
	}
}

// Only the versions of UUIDs that are random or made from time are taken as
// not derived.
func TestDerivedIDByVersion(t *testing.T) {
	for _, v := range "0123456789abcdef" {
		id := "ipv4-addr--00000000-0000-" + string(v) + "000-8000-000000000001"
		o := parse1(t, `{"type":"ipv4-addr","id":"`+id+`","value":"192.0.2.1"}`)
		if got, want := o.DerivedID(), !strings.ContainsRune("1467", v); got != want {
			t.Errorf("version %c: %t", v, got)
		}
	}
}
