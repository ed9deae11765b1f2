package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the path that every import of ours begins with.
const module = "github.com/entente-relay/entente"

// listed is what `go list -json` says of a package, as far as it is used here.
type listed struct {
	ImportPath   string
	Dir          string
	Doc          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
}

// arrows says for each package which of ours it may import: those at its left.
// It is the layout of the design, written as data; a package that is not here
// is not part of the layout.
var arrows = map[string][]string{
	"configs": nil,

	"mapping":         nil,
	"mapping/marking": {"mapping"},
	"mapping/scheme":  {"mapping", "mapping/marking"},

	"translate":          nil,
	"translate/language": {"translate"},
	"translate/vocab":    {"translate", "translate/language"},

	"federation":           pureSteps,
	"federation/stix":      append([]string{"federation"}, pureSteps...),
	"federation/directory": append([]string{"federation"}, pureSteps...),
	"federation/policy":    append([]string{"federation", "federation/stix", "federation/directory", "federation/generalise"}, pureSteps...),
	"federation/envelope":  append([]string{"federation", "federation/stix", "federation/directory", "federation/policy"}, pureSteps...),
	"federation/link":      append([]string{"federation", "federation/stix", "federation/directory", "federation/policy", "federation/envelope"}, pureSteps...),
	"federation/health":    append([]string{"federation", "federation/stix", "federation/directory", "federation/policy", "federation/envelope"}, pureSteps...),

	"federation/generalise": append([]string{"federation", "federation/stix"}, pureSteps...),

	"relay/bus":          belowRelay,
	"relay/bus/baseline": append([]string{"relay/bus"}, belowRelay...),
	"relay/store":        belowRelay,
	"relay/journal":      belowRelay,
	"relay/intake":       append([]string{"relay/bus", "relay/store", "relay/journal"}, belowRelay...),
	"relay/feed":         append([]string{"relay/bus", "relay/store", "relay/journal"}, belowRelay...),
	"relay/dashboard":    append([]string{"relay/bus", "relay/store", "relay/journal"}, belowRelay...),
	"relay":              append(relayChildren[:6:6], belowRelay...),
	"relay/demo":         append(append([]string{"relay"}, relayChildren...), belowRelay...),
	"relay/bench":        append(append([]string{"relay"}, relayChildren...), belowRelay...),
	"relay/cli":          append(append([]string{"relay", "relay/demo", "relay/bench"}, relayChildren...), belowRelay...),

	"": {"relay/cli"}, // main.go
}

// pureSteps are the groups left of federation.
var pureSteps = []string{"mapping", "mapping/marking", "mapping/scheme", "translate", "translate/language", "translate/vocab"}

// belowRelay are the groups left of relay.
var belowRelay = append([]string{
	"configs", "federation", "federation/stix", "federation/directory", "federation/policy", "federation/envelope", "federation/link",
	"federation/health", "federation/generalise",
}, pureSteps...)

// relayChildren are what the node is built of, then what measures it.
var relayChildren = []string{"relay/bus", "relay/store", "relay/journal", "relay/intake", "relay/feed", "relay/dashboard", "relay/bus/baseline"}

// folders are the top-level folders there may be.
var folders = []string{"mapping", "translate", "federation", "relay", "configs", "integration"}

// mayUseNATS are the packages that may import anything of NATS.
var mayUseNATS = []string{"relay/bus", "relay/bus/baseline", "integration"}

// noIO are imports that the pure steps may not have: they decide on values and
// touch neither disk nor net (translate/vocab reads an fs.FS it is given).
var noIO = []string{"os", "os/exec", "net", "net/http", "syscall", "database/sql", "log", "log/slog", "math/rand", "math/rand/v2"}

// short is the path of a package within the module.
func short(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

// ours reports whether a package belongs to the module.
func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// inGroup reports whether a package is a group or within it.
func inGroup(path, group string) bool { return path == group || strings.HasPrefix(path, group+"/") }

// violations checks packages against the layout.
func violations(pkgs []listed) []string {
	var out []string
	for _, p := range pkgs {
		name := short(p.ImportPath)
		allowed, known := arrows[name]
		free := inGroup(name, "integration")
		if !known && !free {
			out = append(out, fmt.Sprintf("%q is no package of the layout", name))
		}
		for _, i := range p.Imports {
			if ours(i) && !free && !slices.Contains(allowed, short(i)) {
				out = append(out, fmt.Sprintf("%q may not import %q", name, short(i)))
			}
			if (inGroup(name, "mapping") || inGroup(name, "translate")) && slices.Contains(noIO, i) {
				out = append(out, fmt.Sprintf("%q is a pure step and imports %q", name, i))
			}
		}
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if strings.HasPrefix(i, "github.com/nats-io/") && !slices.Contains(mayUseNATS, name) {
				out = append(out, fmt.Sprintf("%q may not import %q: NATS is spoken in relay/bus only", name, i))
			}
			if inGroup(short(i), "integration") && ours(i) {
				out = append(out, fmt.Sprintf("%q may not import integration", name))
			}
		}
		if strings.TrimSpace(p.Doc) == "" && len(p.GoFiles) > 0 {
			out = append(out, fmt.Sprintf("%q has no package comment", name))
		}
	}
	return out
}

// packages lists every package of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		detail := ""
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			detail = string(e.Stderr)
		}
		t.Fatalf("go list: %v\n%s", err, detail)
	}
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 15 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	return pkgs
}

func TestArrowsPointOneWay(t *testing.T) {
	for _, v := range violations(packages(t)) {
		t.Error(v)
	}
}

func TestTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range strangeFolders(entries) {
		t.Error(v)
	}
}

// strangeFolders returns the folders that are neither of the layout nor hidden
// nor made by a build.
func strangeFolders(entries []os.DirEntry) []string {
	var out []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "build" && !slices.Contains(folders, e.Name()) {
			out = append(out, fmt.Sprintf("%q is no folder of the layout: %v", e.Name(), folders))
		}
	}
	return out
}

// TestArrowsCheckerNotices plants each violation and expects it to be found.
func TestArrowsCheckerNotices(t *testing.T) {
	pkg := func(name string, imports ...string) listed {
		p := listed{ImportPath: strings.TrimSuffix(module+"/"+name, "/"), Doc: "Package x.", GoFiles: []string{"x.go"}}
		for _, i := range imports {
			if _, isOurs := arrows[i]; isOurs || strings.HasPrefix(i, "integration") {
				i = module + "/" + i
			}
			p.Imports = append(p.Imports, i)
		}
		return p
	}
	inTest := func(p listed, i string) listed { p.XTestImports = []string{i}; return p }
	undocumented := pkg("relay/store")
	undocumented.Doc = " "
	for name, tt := range map[string]struct {
		pkg  listed
		want string
	}{
		"a group to its right":         {pkg("mapping", "federation"), `"mapping" may not import "federation"`},
		"federation sees relay":        {pkg("federation/link", "relay/bus"), `may not import "relay/bus"`},
		"configs sees ours":            {pkg("configs", "mapping"), `"configs" may not import "mapping"`},
		"federation sees configs":      {pkg("federation/policy", "configs"), `may not import "configs"`},
		"the root sees a child":        {pkg("federation", "federation/stix"), `"federation" may not import "federation/stix"`},
		"mapping root sees a child":    {pkg("mapping", "mapping/marking"), "may not import"},
		"translate root sees a child":  {pkg("translate", "translate/language"), "may not import"},
		"siblings of one level":        {pkg("federation/stix", "federation/directory"), "may not import"},
		"a sibling to its right":       {pkg("federation/policy", "federation/envelope"), "may not import"},
		"store sees intake":            {pkg("relay/store", "relay/intake"), "may not import"},
		"relay sees its demo":          {pkg("relay", "relay/demo"), `"relay" may not import "relay/demo"`},
		"relay sees the baseline":      {pkg("relay", "relay/bus/baseline"), "may not import"},
		"main sees more than cli":      {pkg("", "relay"), `"" may not import "relay"`},
		"an unknown package":           {pkg("relay/utils"), `"relay/utils" is no package of the layout`},
		"a new group":                  {pkg("common"), "is no package of the layout"},
		"NATS outside the bus":         {pkg("relay/store", "github.com/nats-io/nats.go"), "NATS is spoken in relay/bus only"},
		"nkeys outside the bus":        {pkg("federation/directory", "github.com/nats-io/nkeys"), "NATS is spoken"},
		"jwt outside the bus":          {pkg("relay", "github.com/nats-io/jwt/v2"), "NATS is spoken"},
		"NATS in a test":               {inTest(pkg("relay"), "github.com/nats-io/nats-server/v2/server"), "NATS is spoken"},
		"disk in a pure step":          {pkg("translate/vocab", "os"), `is a pure step and imports "os"`},
		"net in a pure step":           {pkg("mapping/scheme", "net/http"), "is a pure step"},
		"product code sees the tests":  {pkg("relay/cli", "integration"), "may not import"},
		"a test sees the integrations": {inTest(pkg("relay/cli"), module+"/integration"), "may not import integration"},
		"no package comment":           {undocumented, `"relay/store" has no package comment`},
	} {
		if got := violations([]listed{tt.pkg}); !slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, tt.want) }) {
			t.Errorf("%s: nobody noticed (%v)", name, got)
		}
	}
	fine := []listed{
		pkg("relay", "relay/bus", "translate/vocab", "configs"), pkg("integration", "relay/cli", "github.com/nats-io/nats.go"), pkg("", "relay/cli"),
		pkg("relay/bus", "github.com/nats-io/nkeys", "federation"), inTest(pkg("federation/policy"), module+"/configs"), pkg("translate/vocab", "io/fs"),
	}
	if got := violations(fine); len(got) > 0 {
		t.Errorf("what is allowed was refused: %v", got)
	}
}

func TestFolderCheckerNotices(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"relay", ".ci", "build", "utils", "docs"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := strangeFolders(entries); len(got) != 2 || !strings.Contains(got[0], "docs") || !strings.Contains(got[1], "utils") {
		t.Errorf("got %v", got)
	}
}
