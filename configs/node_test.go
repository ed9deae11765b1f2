package configs

import (
	"errors"
	"strings"
	"testing"
)

func sample(t testing.TB) string {
	t.Helper()
	text, err := Template(TemplateValues{ID: "de-cert", Name: "Sample CERT", Country: "DE", Data: "data", Leaf: "127.0.0.1:7422", Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTemplateIsValidConfiguration(t *testing.T) {
	n, err := ParseNode([]byte(sample(t)), "/etc/entente/entente.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if n.Node.ID != "de-cert" || n.Node.Country != "DE" || n.Listen.Leaf != "127.0.0.1:7422" {
		t.Errorf("read back %+v", n)
	}
	if len(n.Profiles) != 0 {
		t.Error("a fresh configuration must have no active source profile")
	}
	if len(n.Accreditation.Ceiling) != 0 {
		t.Error("a fresh configuration must claim no accreditation")
	}
}

func TestBadConfigurationSaysWhereAndWhatToDo(t *testing.T) {
	good := sample(t)
	for name, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"misspelt key":      {"language: en", "langauge: en", []string{"n.yaml:", `unknown key "langauge"`, `did you mean "language"`}},
		"misspelt deep key": {"  leaf: ", "  laef: ", []string{`unknown key "laef"`, `did you mean "leaf"`}},
		"newer version":     {"version: 1", "version: 9", []string{"newer than this build knows"}},
		"bad id":            {"id: de-cert", "id: DE_CERT", []string{"node.id", "lower case"}},
		"bare Norway":       {`country: "DE"`, "country: NO", []string{"country"}},
		"public admin":      {`admin: ""`, `admin: "0.0.0.0:9090"`, []string{"listen.admin", "loopback"}},
		"not yaml":          {"version: 1", "version: [", []string{"n.yaml"}},
		"tag for a list":    {"profiles: []", "profiles: !x b", []string{"n.yaml", "without tags"}},
		"bad websocket":     {`websocket: ""`, `websocket: "443"`, []string{"listen.websocket", "host:port"}},
		"two client ports":  {"nats: \"\"\n", "nats: \"0.0.0.0:4222\"\n  client: \"127.0.0.1:4222\"\n", []string{"client"}},
		"many decoys":       {"decoys: 0", "decoys: 9", []string{"decoys", "2 to 8"}},
		"link to nowhere":   {"storage: []", "external: {url: x, links: {pl-cert: {}}}\nstorage: []", []string{"external.links.pl-cert", "url or context"}},
		"a kind of none":    {`kind: ""`, "kind: company", []string{"node.kind", "business-operator"}},
		"a provider or not": {`kind: ""`, "kind: business-operator", []string{"node.public_provider", "true or false"}},
		"profile no TLP":    {"profiles: []", "profiles: [{name: x, default_marking: amber}]", []string{"profiles.x", "TLP:AMBER"}},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, c.from) {
				t.Fatalf("the template no longer has %q", c.from)
			}
			n, err := ParseNode([]byte(strings.Replace(good, c.from, c.to, 1)), "n.yaml")
			if name == "bare Norway" && err == nil && n.Node.Country == "NO" {
				return // the decoder keeps NO as text: the right country came through
			}
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("accepted, error %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error lacks %q:\n%v", w, err)
				}
			}
		})
	}
}

// FuzzParseNode feeds the reader: it never panics, and says either what it
// read or what is wrong.
func FuzzParseNode(f *testing.F) {
	good := sample(f)
	if len(good) == 0 {
		f.Fatal("the seed is empty")
	}
	f.Add([]byte(good))
	f.Add([]byte("version: 1\nstorage: !x b\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := ParseNode(text, "n.yaml")
		if (n == nil) == (err == nil) {
			t.Fatal("neither a configuration nor an error, or both")
		}
		if err == nil && (!ValidID(n.Node.ID) || n.Version != 1) {
			t.Fatalf("accepted: %+v", n)
		}
	})
}

func TestEveryFaultIsListed(t *testing.T) {
	text := strings.NewReplacer("id: de-cert", "id: X", `country: "DE"`, `country: "Germany"`).Replace(sample(t))
	_, err := ParseNode([]byte(text), "n.yaml")
	if err == nil || !strings.Contains(err.Error(), "node.id") || !strings.Contains(err.Error(), "node.country") {
		t.Errorf("want both faults, got %v", err)
	}
}
