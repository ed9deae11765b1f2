package envelope_test

import (
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// exported maps import paths to files of compiled export data.
func exported(t *testing.T) map[string]string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", ".")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files
}

// TestOrderIsInTheTypes compiles small programs of another package: signing what
// was not redacted, and making by hand what only the steps may make, do not
// compile.
func TestOrderIsInTheTypes(t *testing.T) {
	files := exported(t)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	check := func(body string) error {
		src := "package outside\nimport (\n\"github.com/entente-relay/entente/federation/envelope\"\n" +
			"\"github.com/entente-relay/entente/federation/policy\"\n)\nvar _ policy.Decision\n" +
			"func f(v *envelope.Verified, c *envelope.Cleared, s *envelope.Signed, ds []policy.Decision, raw []byte) {\n" + body + "\n}\n"
		file, err := parser.ParseFile(fset, "outside.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&types.Config{Importer: imports}).Check("outside", fset, []*ast.File{file}, nil)
		return err
	}
	for name, tt := range map[string]struct{ body, want string }{
		"sign what is cleared":        {"envelope.SignFrame([]*envelope.Cleared{c}, envelope.Dispatch{})", ""},
		"redact what is verified":     {"envelope.Redact(v, ds)", ""},
		"sign what is verified":       {"envelope.SignFrame([]*envelope.Verified{v}, envelope.Dispatch{})", "cannot use"},
		"sign one that is verified":   {"envelope.SignFrame([]*envelope.Cleared{v}, envelope.Dispatch{})", "cannot use"},
		"redact bytes":                {"envelope.Redact(raw, ds)", "cannot use"},
		"redact what is cleared":      {"envelope.Redact(c, ds)", "cannot use"},
		"redact without decisions":    {"envelope.Redact(v)", "not enough arguments"},
		"a verified message by hand":  {"_ = envelope.Verified{raw: raw}", "unexported field raw"},
		"a verified one from bytes":   {"_ = envelope.Verified(raw)", "cannot convert"},
		"a cleared message by hand":   {"_ = envelope.Cleared{variant: nil}", "unexported field variant"},
		"a cleared one from verified": {"_ = (*envelope.Cleared)(v)", "cannot convert"},
		"a signed message by hand":    {"_ = envelope.Signed{tail: raw}", "unexported field tail"},
		"a decision by hand":          {"_ = policy.Decision{peer: \"pl-cert\"}", "unexported field peer"},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(tt.body)
			if tt.want == "" && err != nil {
				t.Errorf("does not compile: %v", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}
