package integration

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/relay"
)

// everyWrite lists each function that writes to a disk, and what breaks it in
// both ways: a name of relay.Writes, a test, or why nothing can be lost there.
var everyWrite = map[string]string{
	"relay/fault.go Append":                       "log/append",
	"relay/record.go Append":                      "journal/append",
	"relay/store/store.go transact":               "index/commit",
	"relay/store/store.go mark":                   "index/damage-mark",
	"relay/lost.go begin":                         "data/running",
	"relay/activate.go keepStand":                 "data/policy",
	"relay/lost.go end":                           "data/running/remove",
	"relay/bus/dir.go prepareDir":                 "bus/folder",
	"relay/bus/dir.go checkWritable":              "bus/folder",
	"relay/bus/dir.go writeIdentity":              "bus/identity",
	"relay/bus/dir.go putTrust":                   "bus/trust",
	"relay/bus/dir.go writeTrust":                 "bus/trust",
	"relay/bus/embedded.go startEmbedded":         "bus/folder",
	"relay/bus/dir.go removeTrust":                "bus/trust/remove",
	"relay/files.go put":                          "TestOperatorFilesBroken",
	"relay/files.go remove":                       "TestOperatorFilesBroken",
	"relay/cli/audit.go erase":                    "TestOperatorFilesBroken",
	"relay/decisions.go keepDecision":             "decision",
	"relay/cli/approver.go approverNewCmd":        "TestSetupBroken breaks what it calls",
	"relay/keys.go createKeys":                    "TestSetupBroken",
	"federation/directory/private.go savePrivate": "TestSetupBroken",
	"relay/setup.go Setup":                        "TestSetupBroken",
	"relay/setup.go removeIfThere":                "TestSetupBroken",

	"relay/peers.go acceptPeer":             "a folder that is made again",
	"relay/participants.go knowParticipant": "a folder that is made again",
	"relay/delegations.go takeDelegation":   "a folder that is made again",
	"relay/observation.go observePeer":      "a folder that is made again",
	"relay/inforce.go writeInForce":         "a folder that is made again",
	"relay/activate.go approve":             "a folder that is made again",
	"relay/erasures.go record":              "a folder that is made again",
	"relay/node.go open":                    "a folder that is made again",
	"relay/node.go serveAdmin":              "the socket for commands, made anew at each start",
	"relay/store/open.go removeFile":        "the index, of no use: TestDeletedAndBuiltAnew",
	"relay/store/open.go openFile":          "an empty file, which SQLite fills: index/commit",
	"relay/bus/lock_unix.go openLocked":     "an empty file that only carries a lock",
	"relay/bus/lock_other.go openLocked":    "an empty file that only carries a lock",
	"relay/cli/signer.go signer":            "the signer's socket, made anew at each start",
	"relay/cli/signer.go listenAlone":       "the signer's socket, made anew at each start",
	"relay/cli/signer.go run":               "input for a command, taken away at once",
}

// writing are the calls that write, by the package they are called in, and
// methods of a name that do.
var (
	writing = map[string][]string{
		"os":       {"WriteFile", "Create", "OpenFile", "Rename", "Remove", "RemoveAll", "Mkdir", "MkdirAll", "MkdirTemp", "Truncate", "CreateTemp", "Chmod", "Link", "Symlink"},
		"renameio": {"WriteFile", "TempFile", "NewPendingFile", "Symlink"},
	}
	writingMethods = []string{"Save", "write", "disk", "Write"}
)

// TestEveryWriteIsListed finds whatever writes to a disk in the source: each
// such place is listed with what breaks it, and what breaks it exists.
func TestEveryWriteIsListed(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range []string{"../relay", "../federation", "../configs"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
			for _, not := range []string{"relay/demo/", "relay/bench/", "relay/bus/baseline/"} { // folders of their own, thrown away
				if strings.HasPrefix(name, not) {
					return nil
				}
			}
			return writesIn(name, path, found)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 20 {
		t.Fatalf("%d places found: the check itself is broken", len(found))
	}
	for place := range found {
		if everyWrite[place] == "" {
			t.Errorf("%s writes to a disk, and is not listed: break it in both ways, then list it", place)
		}
	}
	broken := map[string]bool{}
	for place, by := range everyWrite {
		if !found[place] {
			t.Errorf("%s is listed and writes nothing any more", place)
		}
		broken[by] = true
		if name, _, _ := strings.Cut(by, " "); strings.HasPrefix(name, "Test") && !testExists(t, name) {
			t.Errorf("%s is said to be broken by %s, which does not exist", place, name)
		}
	}
	for _, name := range relay.Writes() {
		if !broken[name] {
			t.Errorf("the write %s stands nowhere in the list", name)
		}
	}
}

// writesIn notes which functions of a file write.
func writesIn(name, path string, found map[string]bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(writing[x.Name], s.Sel.Name) || slices.Contains(writingMethods, s.Sel.Name) && takesName(call) {
				found[name+" "+f.Name.Name] = true
			}
			return true
		})
	}
	return nil
}

// takesName reports whether a call of a method looks like a write to a disk: a
// path or a name first, or a function last.
func takesName(call *ast.CallExpr) bool {
	if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Save" {
		return true
	}
	if len(call.Args) != 2 {
		return false
	}
	_, literal := call.Args[1].(*ast.FuncLit)
	return literal
}

// testExists looks for a test function anywhere in the repository.
func testExists(t *testing.T, name string) bool {
	t.Helper()
	there := false
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || there || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		there = bytes.Contains(raw, []byte("func "+name+"("))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// TestEveryFuzzTargetHasSeeds: what the fuzzer found interesting is kept for
// each target, and runs with every test.
func TestEveryFuzzTargetHasSeeds(t *testing.T) {
	targets := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets[filepath.Join(filepath.Dir(path), "testdata", "fuzz", f.Name.Name)] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) < 25 {
		t.Fatalf("%d fuzz targets: the check itself is broken", len(targets))
	}
	for _, dir := range slices.Sorted(maps.Keys(targets)) {
		seeds, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(seeds) == 0 {
			t.Errorf("%s: %s has no seeds", targets[dir], dir)
		}
		for _, seed := range seeds {
			if raw, err := os.ReadFile(seed); err != nil || !bytes.HasPrefix(raw, []byte("go test fuzz v1\n")) || len(raw) < 20 {
				t.Errorf("%s is no seed: %v", seed, err)
			}
		}
	}
}
