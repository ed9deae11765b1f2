package relay

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// testSealer seals for two participants, of which the second only carries.
func testSealer(t *testing.T, property string) (*sealer, *directory.EncKey) {
	t.Helper()
	n := sealedNode(t)
	statements := []*directory.Statement{n.World().Own}
	var reader *directory.EncKey
	for _, id := range []string{"pl-cert", "jp-carrier"} {
		o := setupOptions(t.TempDir())
		o.Values.ID = id
		cfg, err := Setup(o)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := LoadKeys(KeysDir(cfg))
		if err != nil {
			t.Fatal(err)
		}
		if id == "pl-cert" {
			reader = keys.Enc
		}
		statement, err := ownStatement(filepath.Join(filepath.Dir(cfg.Path), StatementFile), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, statement)
	}
	var err error
	if n.World().Directory, err = directory.New(statements...); err != nil {
		t.Fatal(err)
	}
	return &sealer{world: n.World(), keys: n.keys, now: time.Now(), rules: []configs.Seal{{Property: property, To: []string{"pl-cert"}, Via: []string{"jp-carrier"}}}}, reader
}

func parsed(t *testing.T, text string) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const sealSample = `{"type":"indicator","spec_version":"2.1","id":"indicator--8c1e9d0c-3f0e-4c55-9d55-0f6a3c1f7b77","created":"2026-11-01T08:00:00.000Z",` +
	`"modified":"2026-11-01T08:00:00.000Z","description":"secret words","created_by_ref":"identity--8c1e9d0c-3f0e-4c55-9d55-0f6a3c1f7b77","labels":["x"],` +
	`"pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-11-01T08:00:00Z"}`

func TestSealerSeals(t *testing.T) {
	s, reader := testSealer(t, "description")
	o, err := s.object(parsed(t, sealSample))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := o.Get("description")
	v, ok := stix.SealedValue(raw)
	if !ok || len(v.For) != 3 || strings.Contains(string(o.Raw()), "secret words") {
		t.Fatalf("%s", o.Raw())
	}
	if kids, err := directory.Readers(v.JWE, typSealedProperty); err != nil || len(kids) != 2 {
		t.Errorf("it can be read by %v, %v", kids, err)
	}
	for context, want := range map[string]federation.Reason{
		propertyContext("de-cert", o.ID(), "description"): "",
		propertyContext("fr-cert", o.ID(), "description"): federation.BadSeal,
		propertyContext("de-cert", o.ID(), "name"):        federation.BadSeal,
		propertyContext("de-cert", "x", "description"):    federation.BadSeal,
	} {
		got, err := reader.OpenMany(v.JWE, typSealedProperty, context)
		if federation.ReasonOf(err) != want || want == "" && string(got) != `"secret words"` {
			t.Errorf("%q: %q, %v", context, got, err)
		}
	}
	// What is sealed already stays; so does what the rule does not name.
	if again, err := s.object(o); err != nil || again != o {
		t.Errorf("sealed twice: %v", err)
	}
	s.rules[0].Property = "name"
	if same, err := s.object(parsed(t, sealSample)); err != nil || strings.Contains(string(same.Raw()), "jwe") {
		t.Errorf("a property that is not there: %v", err)
	}
}

// What cannot be sealed is refused: it does not go open instead.
func TestSealerRefuses(t *testing.T) {
	s, _ := testSealer(t, "")
	for _, property := range []string{"pattern", "id", "valid_from", "labels", "created_by_ref"} {
		s.rules[0].Property = property
		if o, err := s.object(parsed(t, sealSample)); federation.ReasonOf(err) != federation.Unsealed {
			t.Errorf("%s: %v, %v", property, o, err)
		}
	}
	s.rules[0].Property = "value"
	if _, err := s.object(parsed(t, `{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}`)); federation.ReasonOf(err) != federation.Unsealed {
		t.Errorf("a value that the id tells: %v", err)
	}
	s.rules[0].Property = "name"
	told := strings.Replace(strings.Replace(sealSample, "-4c55-9d55-0f6a3c1f7b77", "-5c55-9d55-0f6a3c1f7b77", 1), `"labels"`, `"name":"an actor","labels"`, 1)
	if _, err := s.object(parsed(t, told)); federation.ReasonOf(err) != federation.Unsealed {
		t.Errorf("a name that the id tells: %v", err)
	}
	for name, change := range map[string]func(*sealer){
		"a reader who is not known":  func(s *sealer) { s.rules[0].To = []string{"fr-cert"} },
		"a carrier who is not known": func(s *sealer) { s.rules[0].Via = []string{"fr-cert"} },
		"no key of our own":          func(s *sealer) { s.keys.Enc = nil },
		"keys that have lapsed":      func(s *sealer) { s.now = s.now.AddDate(3, 0, 0) },
	} {
		keys := *s.keys
		x := *s
		x.keys, x.rules = &keys, []configs.Seal{{Property: "description", To: []string{"pl-cert"}, Via: []string{"jp-carrier"}}}
		change(&x)
		if o, err := x.object(parsed(t, sealSample)); federation.ReasonOf(err) != federation.Unsealed {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
}

// What an origin sealed is read in the clear as if it had arrived so: what could
// not be taken is not shown either.
func TestOpenedIsJudged(t *testing.T) {
	n := sealedNode(t)
	own, _ := n.World().Own.EncKey(time.Now())
	other, err := directory.GenerateEncKey()
	if err != nil {
		t.Fatal(err)
	}
	key := other.Key(own.NotBefore, own.NotAfter)
	for plain, want := range map[string]federation.Reason{
		`"secret words"`:              "",
		`{"_sd":["x"]}`:               federation.Malformed,
		`{"a":1,"a":2}`:               federation.Malformed,
		`not JSON`:                    federation.Malformed,
		`"\ud800"`:                    federation.Malformed,
		`[` + strings.Repeat("[", 99): federation.Malformed,
	} {
		o := parsed(t, sealSample)
		jwe, err := directory.SealMany(typSealedProperty, propertyContext("fr-cert", o.ID(), "description"), []byte(plain), []directory.Key{own, key})
		if err != nil {
			t.Fatal(err)
		}
		value, err := json.Marshal(stix.Sealed{JWE: jwe, For: []string{own.KID}})
		if err != nil {
			t.Fatal(err)
		}
		if o, err = o.With(stix.Edit{Path: "description", Value: value}, stix.Edit{Path: "object_marking_refs", Value: []byte(`["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]`)}); err != nil {
			t.Fatal(err)
		}
		got := n.opened(n.World(), "fr-cert", o, nil)
		if len(got) != 1 || got[0].Reason != string(want) || want == "" && string(got[0].Value) != plain || want != "" && got[0].Value != nil {
			t.Errorf("%.40s: %+v", plain, got)
		}
		if moved := n.opened(n.World(), "pl-cert", o, nil); len(moved) != 1 || moved[0].Value != nil || moved[0].Reason != string(federation.BadSeal) {
			t.Errorf("as another's: %+v", moved)
		}
	}
}
