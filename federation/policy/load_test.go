package policy

import (
	"io/fs"
	"os"
	"testing"

	"github.com/entente-relay/entente/mapping/scheme"
)

func shipped(t testing.TB, folder string) fs.FS {
	t.Helper()
	return os.DirFS("../../configs/" + folder)
}

func TestShippedBundleLoads(t *testing.T) {
	b, err := Load(shipped(t, "policies"), shipped(t, "jurisdictions"), new(scheme.Tables), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.rules) < 30 {
		t.Errorf("%d rules loaded, the shipped folder has more", len(b.rules))
	}
}
