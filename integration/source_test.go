package integration

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Limits on the size of things: what no longer fits a head is split.
const (
	maxFileLines     = 600
	maxFunctionLines = 100
)

// words that say that something is not done. They are put together here so
// that this file passes its own test.
var forbidden = []string{"TO" + "DO", "FIX" + "ME"}

// sourceFaults checks one Go file.
func sourceFaults(name string, src []byte) []string {
	var out []string
	fail := func(format string, args ...any) { out = append(out, name+": "+fmt.Sprintf(format, args...)) }
	if n := bytes.Count(src, []byte{'\n'}); n > maxFileLines {
		fail("%d lines, the limit is %d", n, maxFileLines)
	}
	for _, w := range forbidden {
		if i := bytes.Index(src, []byte(w)); i >= 0 {
			fail("line %d says %s", 1+bytes.Count(src[:i], []byte{'\n'}), w)
		}
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		fail("%v", err)
		return out
	}
	if strings.HasSuffix(name, "_test.go") && !imports(file, "testing/synctest") {
		for _, pos := range sleeps(file) {
			fail("line %d sleeps for real: wait for the event itself, or use testing/synctest", fset.Position(pos).Line)
		}
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		n := span(fset, f)
		if strings.HasSuffix(name, "_test.go") {
			n -= tableLines(fset, f)
		}
		if n > maxFunctionLines {
			fail("function %s has %d lines, the limit is %d", f.Name.Name, n, maxFunctionLines)
		}
		if f.Name.Name == "init" && f.Recv == nil {
			fail("line %d has an init function: say in main or in New what is to happen", fset.Position(f.Pos()).Line)
		}
	}
	return out
}

// span is the number of lines of a piece of source.
func span(fset *token.FileSet, n ast.Node) int {
	return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
}

// tableLines counts the inner lines of the tables in a function: rows of a
// table test are data, which a reader does not have to hold in the head.
func tableLines(fset *token.FileSet, f *ast.FuncDecl) int {
	lines := 0
	ast.Inspect(f, func(n ast.Node) bool {
		table, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		lines += max(span(fset, table)-2, 0)
		return false
	})
	return lines
}

// imports reports whether a file imports a package.
func imports(file *ast.File, path string) bool {
	return slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"`+path+`"` })
}

// sleeps returns where a file calls time.Sleep.
func sleeps(file *ast.File) []token.Pos {
	var out []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
				out = append(out, s.Pos())
			}
		}
		return true
	})
	return out
}

func TestSource(t *testing.T) {
	checked := 0
	for _, p := range packages(t) {
		for _, f := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			src, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			checked++
			for _, fault := range sourceFaults(strings.TrimPrefix(short(p.ImportPath)+"/"+f, "/"), src) {
				t.Error(fault)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d files checked", checked)
	}
}

func TestSourceCheckerNotices(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("\t_ = 1\n", n) }
	for name, tt := range map[string]struct{ src, want string }{
		"long file":     {"package x\n" + strings.Repeat("\n", maxFileLines), "601 lines"},
		"long function": {"package x\n\nfunc f() {\n" + lines(maxFunctionLines-1) + "}\n", "function f has 101 lines"},
		"long method":   {"package x\n\nfunc (t t) f() {\n" + lines(maxFunctionLines) + "}\n", "function f has 102 lines"},
		"init":          {"package x\n\nfunc init() {}\n", "line 3 has an init function"},
		"unfinished":    {"package x\n\n// " + forbidden[0] + ": later\n", "line 3 says"},
		"broken":        {"package x\n\nvar a = \"" + forbidden[1] + "\"\n", "line 3 says"},
		"no Go":         {"packge x\n", "expected 'package'"},
	} {
		if got := sourceFaults("x.go", []byte(tt.src)); len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	table := "package x\n\nfunc TestX(t *testing.T) {\n\tfor range []int{\n" + strings.Repeat("\t\t1,\n", 2*maxFunctionLines) + "\t} {\n"
	if got := sourceFaults("x_test.go", []byte(table+"\t}\n}\n")); len(got) > 0 {
		t.Errorf("a long table was refused: %q", got)
	}
	for name, src := range map[string]string{"x.go": table + "\t}\n}\n", "x_test.go": table + lines(maxFunctionLines) + "\t}\n}\n"} {
		if got := sourceFaults(name, []byte(src)); len(got) != 1 {
			t.Errorf("%s: %d faults, want one for the long function", name, len(got))
		}
	}
	sleepy := "func f() {\n\ttime.Sleep(1)\n}\n"
	if got := sourceFaults("x_test.go", []byte("package x\n\nimport \"time\"\n\n"+sleepy)); len(got) != 1 || !strings.Contains(got[0], "line 6 sleeps for real") {
		t.Errorf("a real sleep: %q", got)
	}
	if got := sourceFaults("x_test.go", []byte("package x\n\nimport (\n\t\"testing/synctest\"\n\t\"time\"\n)\n\n"+sleepy)); len(got) != 0 {
		t.Errorf("a sleep in a bubble was refused: %q", got)
	}
	fine := "package x\n\nfunc (t t) init() {}\n\nfunc f() {\n" + lines(maxFunctionLines-2) + "}\n"
	if got := sourceFaults("x.go", []byte(fine)); len(got) > 0 {
		t.Errorf("what is allowed was refused: %q", got)
	}
}
