package relay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation/directory"
)

// TestFilesOfANewerBuild: what a newer build accepted may hold a limit that this
// one does not know, so no kind of file is read in part.
func TestFilesOfANewerBuild(t *testing.T) {
	o := newOperator(t)
	for _, typ := range []string{typTerms, typKnown, typTaken, typDecided, typInForce} {
		for version, want := range map[int]string{termsVersion: "", termsVersion + 1: "use a newer entente"} {
			signed, err := directory.SignJWS(typ, fmt.Appendf(nil, `{"ver":%d}`, version), o.keys.Terms)
			o.must(err)
			path := filepath.Join(t.TempDir(), "file"+termsExt)
			o.must(os.WriteFile(path, signed, 0o600))
			err = openOwn(path, typ, o.ring(), &struct{}{})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s of version %d: %v, want %q", typ, version, err, want)
			}
		}
	}
}
