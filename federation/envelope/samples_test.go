package envelope

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/stix"
)

// samples is the folder with STIX files of many origins, beside the repository
// or where ENTENTE_SHARED points.
func samples(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "samples", "stix")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no sample files at %s: set ENTENTE_SHARED to the folder that holds samples/", dir)
	}
	return dir
}

// TestSamplesRoundTrip issues every object of the sample files that is STIX 2.1:
// each comes back as it was.
func TestSamplesRoundTrip(t *testing.T) {
	o := issueOptions(t)
	o.Now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	_, keys := testParticipants(t)
	change(keys, o.Key.KeyID(), func(k *dkey) { k.NotAfter = o.Now.AddDate(1, 0, 0) })
	files, err := filepath.Glob(filepath.Join(samples(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	objects := 0
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			objs := sampleFile(t, path)
			vs, err := Issue(objs, o)
			if err != nil {
				t.Fatal(err)
			}
			back := map[string]*stix.Object{}
			for _, v := range vs {
				got, err := Verify(v.Raw(), VerifyOptions{Keys: keys, Now: o.Now})
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range got.Items() {
					back[it.Object.ID()+" "+it.Object.Version()] = it.Object
				}
			}
			for _, x := range objs {
				if y := back[x.ID()+" "+x.Version()]; y == nil || !sameJSON(t, x.Raw(), y.Raw()) {
					t.Errorf("%s did not come back as it was", x.ID())
				}
			}
			objects += len(objs)
		})
	}
	if objects < 300 {
		t.Errorf("only %d objects in the sample files", objects)
	}
}

// sampleFile returns the objects of a file that stix reads.
func sampleFile(t *testing.T, path string) []*stix.Object {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := stix.ParseBundle(raw, stix.DefaultLimits())
	if err != nil {
		t.Logf("not a bundle of STIX 2.1: %v", err)
		return nil
	}
	var objs []*stix.Object
	for _, e := range bundle.Entries {
		if e.Object != nil {
			objs = append(objs, e.Object)
		}
	}
	return objs
}
