package marking

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/mapping"
)

// iepNamespace is the MISP taxonomy of FIRST IEP 2.0 policies, one field a tag.
const iepNamespace = "iep2-policy:"

// iepNames are the fields that the taxonomy calls otherwise than the STIX form.
var iepNames = map[string]string{"id": "iep_id", "attribution": "provider_attribution"}

// iepTags gathers the tags of one policy: the first is the whole, so that a
// field that is missing is seen.
type iepTags struct {
	entry   map[string]jsontext.Value
	problem string
}

// take takes a tag of the taxonomy in its exact spelling; any other one of the
// namespace is left to be refused.
func (p *iepTags) take(tag string) bool {
	rest, ok := strings.CutPrefix(tag, iepNamespace)
	if !ok {
		return false
	}
	name, quoted, ok := strings.Cut(rest, "=")
	if !ok || len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return false
	}
	value, err := json.Marshal(quoted[1 : len(quoted)-1])
	if err != nil {
		return false
	}
	if stix, ok := iepNames[name]; ok {
		name = stix
	}
	if name == "end_date" && quoted == `"null"` {
		value = []byte("null") // the taxonomy's word for a policy without an end
	}
	if p.entry == nil {
		p.entry = map[string]jsontext.Value{"extension_type": jsontext.Value(`"property-extension"`)}
	}
	if old, ok := p.entry[name]; ok && string(old) != string(value) {
		p.problem = "it states " + shorten(name) + " twice, and differently"
	}
	p.entry[name] = value
	return true
}

// read returns what the policy means, nothing when there was none.
func (p *iepTags) read() (mapping.Handling, error) {
	if p.entry == nil {
		return mapping.Handling{}, nil
	}
	h, problem := iepPolicyOf(p.entry)
	if p.problem != "" {
		problem = p.problem
	}
	if problem != "" {
		return mapping.Handling{}, unknown("iep2-policy", "a FIRST IEP 2.0 policy in tags: "+problem+"; understood: no", "a person must read it")
	}
	return h, nil
}
