package marking

import (
	"bytes"
	"errors"
	"testing"

	"github.com/entente-relay/entente/mapping"
)

// definitionSeeds are bodies near the edge between understood and not.
func definitionSeeds() [][2]string {
	seeds := [][2]string{
		{ownID, define(`"definition_type":"statement","definition":{"statement":"x"}`)},
		{ownID, define(`"definition_type":"tlp","definition":{"tlp":"red"}`)},
		{ownID, define(`"extensions":{"` + extensionPAP + `":{"extension_type":"property-extension","pap":"red"}}`)},
		{ownID, define(`"extensions":{"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce":{"control_set":{"classification":"TS"}}}`)},
		{ownID, `[[[[[[[[`},
		{ownID, "{\"type\":\"\xff\"}"},
	}
	seeds = append(seeds, [2]string{ownID, iepPolicy(nil)}, [2]string{ownID, iepPolicy(map[string]string{"tlp": `"amber+strict"`})})
	for _, id := range WellKnownIDs() {
		raw, _ := WellKnownObject(id)
		seeds = append(seeds, [2]string{id, string(raw)})
	}
	return seeds
}

// FuzzDefinition: whatever the body, the answer is a handling that the
// published objects and statements allow, or a Fault that names the marking;
// never both, never a panic.
func FuzzDefinition(f *testing.F) {
	seeds := definitionSeeds()
	if len(seeds) < len(list) {
		f.Fatal("the seed corpus is missing")
	}
	for _, s := range seeds {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, id string, raw []byte) {
		h, err := Definition(id, raw)
		if err != nil {
			fault, ok := errors.AsType[*mapping.Fault](err)
			if !ok || fault.What != id || fault.Cause != mapping.Malformed && fault.Cause != mapping.UnknownMarking {
				t.Fatalf("error without a cause: %v", err)
			}
			if h.Key() != (mapping.Handling{}).Key() {
				t.Fatalf("refused, and yet handling %+v", h)
			}
			return
		}
		want, published := WellKnown(id)
		switch {
		case published && h.Key() != want.Key():
			t.Fatalf("%s means %+v, read as %+v", id, want, h)
		case bytes.Contains(raw, []byte(extensionIEP)) && h.TLP != 0 && h.TLPVersion1 && h.PAP != 0 && !h.NotBefore.IsZero():
			// a FIRST IEP 2.0 policy
		case !published && (h.TLP != 0 || h.PAP != 0 || len(h.Statements) != 1):
			t.Fatalf("an unpublished identifier %q was read as %+v", id, h)
		}
	})
}
