package intake

import (
	"os"
	"path/filepath"
	"testing"
)

// shared returns a published file to test against. The files are not part of
// the repository: without them, the tests that read them say so and skip.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no published files to test against: set ENTENTE_SHARED, or put them in %s", dir)
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}
