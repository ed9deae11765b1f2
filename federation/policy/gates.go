package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
)

// releaseGates are the facts that each have to open before classified material
// is sent, whatever the others say, with the words that open them: an
// equivalence is no permission to send (law A15 of the project's classification
// reference; Decision (EU, Euratom) 2019/1961 Art. 14 for the consent).
func releaseGates() map[string][]string {
	return map[string][]string{
		"principal.agreement":        {"in-force"},
		"resource.ownAccreditation":  {"covers"},
		"resource.peerAccreditation": {"covers"},
		"resource.agreedLevel":       {"within"},
		"resource.equivalent":        {"mapped"},
		"resource.consent":           {"given", "not-needed"},
	}
}

// gates checks that what a permission of classified objects allows, by its own
// examples, is no longer allowed once one of the gates is closed: by the
// permission itself, or by what forbids it.
func (t *trial) gates(r *rule, allow []example) error {
	if !r.permit || !r.restricted {
		return nil
	}
	var errs []error
	words, gates := vocabularies(), releaseGates()
	for _, x := range allow {
		action := r.actions[0]
		if x.Action != "" {
			action = types.NewEntityUID("Action", types.String(x.Action))
		}
		if action != actionShare && action != actionReshare {
			continue
		}
		for _, fact := range slices.Sorted(maps.Keys(gates)) {
			for _, closed := range words[fact].words {
				if slices.Contains(gates[fact], closed) {
					continue
				}
				set := maps.Clone(x.Set)
				set[fact] = closed
				found, err := t.try(r, example{Action: x.Action, Set: set}, &Trial{})
				if err == nil && found.allowed() {
					err = fmt.Errorf("rule %s lets classified objects go although %s is %q: an equivalence is no permission (A15); ask that fact too", r.id, fact, closed)
				}
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
