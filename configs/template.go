package configs

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed entente.yaml.tmpl
var nodeTemplate string

// TemplateValues fill the commented configuration that `init` writes.
type TemplateValues struct {
	ID, Name, Country string
	Data              string // folder, relative to the file
	Leaf              string // address of the leaf port, "" for none
	Hosts             []string
	Client, Admin     string
	Signer            string // socket of the program that holds the message key, "" for a key file
	Language          string
	Kind, Sector      string // what the operator is, "" for not known
	Provider          bool   // of communications to the public
	Accept            []string
	Exercise          *Accreditation // a sample accreditation, for demonstrations only
	Reviewed          []Review
	Unmarked          string // TLP label of a default source profile, "" for none
}

// Template writes a commented entente.yaml. The text is valid configuration:
// ParseNode accepts it as it stands.
func Template(v TemplateValues) (string, error) {
	if v.Language == "" {
		v.Language = "en"
	}
	t, err := template.New("entente.yaml").Funcs(template.FuncMap{
		"list": func(s []string) string {
			q := make([]string, len(s))
			for i, x := range s {
				q[i] = fmt.Sprintf("%q", x)
			}
			return "[" + strings.Join(q, ", ") + "]"
		},
	}).Parse(nodeTemplate)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, v); err != nil {
		return "", err
	}
	return b.String(), nil
}
