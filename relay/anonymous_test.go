package relay

import (
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// What the origin said of a property goes along with it; of one that stays, not
// even its name does.
func TestBindingKeepsCategories(t *testing.T) {
	h := &stix.Handling{Categories: map[string]federation.Category{"pattern": federation.Target, "x_desk_three": federation.Source}}
	said, ok := binding(h, "c", 0, map[string]any{"pattern": "[a:b = 'c']"})["categories"].(map[string]federation.Category)
	if !ok || len(said) != 1 || said["pattern"] != federation.Target {
		t.Errorf("%v", said)
	}
	if _, ok := binding(h, "c", 0, map[string]any{"name": "n"})["categories"]; ok {
		t.Error("an empty dictionary, which nobody takes")
	}
}
