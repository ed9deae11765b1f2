package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// shared returns the path of something in the folder of shared samples and
// tools, and skips the test when there is none.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("ENTENTE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s, which is not here: set ENTENTE_SHARED to the folder that holds samples/ and workload/", path)
	}
	return path
}

// workload makes n objects with the shared generator: JSON lines, or one
// bundle of size bundle a line.
func workload(t testing.TB, n, seed, bundle int) []byte {
	t.Helper()
	dir := shared(t, "workload")
	cmd := exec.Command("go", "run", ".", "-n", strconv.Itoa(n), "-seed", strconv.Itoa(seed), "-bundle", strconv.Itoa(bundle))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the workload generator: %v\n%s", err, errs.String())
	}
	return out
}
