package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
)

var update = flag.Bool("update", false, "write the generated parts of README.md")

const readmePath = "../../README.md"

func readReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is a fenced block of the README.
type block struct{ info, text string }

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

func blocks(text string) []block {
	var out []block
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		out = append(out, block{m[1], m[2]})
	}
	return out
}

// notTyped are commands of the README that this test does not type, and why.
var notTyped = map[string]string{
	"go run . demo": "TestScript/demo types it",
	"go test ./...": "it is running",
}

var exitNote = regexp.MustCompile(`^(.*?)\s+# exits (\d)$`)

// typist turns the shell blocks of the README into a script: a line that ends
// with & starts a node, "# exits N" says which exit code is right.
type typist struct {
	script       strings.Builder
	typed, nodes int
	carried      string // assignments: typed together with the next command
}

var assignment = regexp.MustCompile(`^[a-z]+=`)

func (p *typist) line(l string) {
	l = strings.TrimSpace(l)
	node, background := strings.CutSuffix(l, " &")
	switch {
	case l == "" || strings.HasPrefix(l, "#") || notTyped[l] != "":
	case background:
		p.nodes++
		fmt.Fprintf(&p.script, "start node%d%s\n", p.nodes, strings.TrimPrefix(node, "entente"))
	case assignment.MatchString(l):
		p.carried += l + "; "
	default:
		p.typed++
		code := "0"
		if m := exitNote.FindStringSubmatch(l); m != nil {
			l, code = m[1], m[2]
		}
		fmt.Fprintf(&p.script, "exits %s sh -euc '%s'\n", code, strings.ReplaceAll(p.carried+l, "'", "''"))
		p.carried = ""
	}
}

// Every shell block of the README is typed, in its order, in one folder.
func TestReadmeRuns(t *testing.T) {
	dir := t.TempDir()
	var files strings.Builder
	p := &typist{}
	for _, b := range blocks(readReadme(t)) {
		if kind, name, ok := strings.Cut(b.info, " "); ok && kind == "json" {
			fmt.Fprintf(&files, "-- %s --\n%s", name, b.text)
		}
		if b.info == "sh" {
			for l := range strings.Lines(b.text) {
				p.line(l)
			}
		}
	}
	for n := range p.nodes {
		fmt.Fprintf(&p.script, "halt node%d\n", n+1)
	}
	if p.typed < 20 || p.nodes != 2 || files.Len() == 0 {
		t.Fatalf("%d commands and %d nodes in the README: the blocks are not found any more", p.typed, p.nodes)
	}
	// The ports of the manual may be taken on this machine.
	text := "ports LEAF1 LEAF2\n" + p.script.String() + files.String()
	text = strings.NewReplacer("127.0.0.1:7422", "127.0.0.1:$LEAF1", "127.0.0.1:7423", "127.0.0.1:$LEAF2").Replace(text)
	if err := os.WriteFile(filepath.Join(dir, "readme.txtar"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params(dir))
}

// The generated parts of the README are those of this program.
func TestReadmeIsGenerated(t *testing.T) {
	text := readReadme(t)
	for name, want := range map[string]string{"reasons": reasonsTable(), "configuration": configurationText(t), "commands": commandsTable()} {
		part := regexp.MustCompile(`(?s)(<!-- ` + name + `: generated [^\n]* -->\n).*?(<!-- end -->)`)
		m := part.FindStringSubmatchIndex(text)
		if m == nil {
			t.Fatalf("README.md has no part %q", name)
		}
		got := text[m[3]:m[4]]
		if got == want {
			continue
		}
		if !*update {
			t.Errorf("the %s in README.md are not those of the program: run go test ./relay/cli -update and read the diff", name)
		}
		text = text[:m[3]] + want + text[m[4]:]
	}
	if *update {
		if err := os.WriteFile(readmePath, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func reasonsTable() string {
	var b strings.Builder
	b.WriteString("\n| reason | means |\n|---|---|\n")
	for _, r := range federation.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r, r.Meaning())
	}
	return b.String() + "\n"
}

func configurationText(t *testing.T) string {
	text, err := configs.Template(configs.TemplateValues{ID: "de-cert", Name: "Sample CERT", Country: "DE", Data: "data",
		Leaf: defaultListen, Hosts: []string{"relay.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return "\n```yaml\n" + strings.TrimSpace(text) + "\n```\n\n"
}

func commandsTable() string {
	var b strings.Builder
	b.WriteString("\n| command | does |\n|---|---|\n")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
		if c.Annotations[onlyGroups] == "" {
			use := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(c.CommandPath(), "entente"), c.Name()) + c.Use)
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(use, "|", "\\|"), c.Short)
		}
	}
	walk((&app{out: &sink{w: &bytes.Buffer{}}, err: &bytes.Buffer{}}).root())
	return b.String() + "\n"
}

// Commands in the README exist, also those in running text.
func TestReadmeCommandsExist(t *testing.T) {
	root := (&app{out: &sink{w: &bytes.Buffer{}}, err: &bytes.Buffer{}}).root()
	found := 0
	for _, m := range regexp.MustCompile("`entente ((?:[a-z]+ ?)+)").FindAllStringSubmatch(readReadme(t), -1) {
		found++
		c, rest, err := root.Find(strings.Fields(m[1]))
		if err != nil || c == root || c.HasSubCommands() && len(rest) > 0 {
			t.Errorf("README.md names `entente %s`, which does not exist", m[1])
		}
	}
	if found == 0 {
		t.Error("no command found in the README")
	}
}

// Every section of the manual stands in its table of contents, in its order.
func TestReadmeListsItsSections(t *testing.T) {
	_, manual, _ := strings.Cut(readReadme(t), "\n# Manual\n")
	contents, rest, _ := strings.Cut(manual, "\n## ")
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch("\n## "+rest, -1) {
		want = append(want, m[1])
	}
	var got []string
	for _, m := range regexp.MustCompile(`\[([^\]]+)\]\(#([a-z-]+)\)`).FindAllStringSubmatch(contents, -1) {
		if anchor := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"); anchor != m[2] {
			t.Errorf("%q leads to #%s", m[1], m[2])
		}
		if m[1] != "Reference" {
			got = append(got, m[1])
		}
	}
	if len(want) == 0 {
		t.Fatal("the manual has no sections")
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.EqualFold(got[i], want[i]) {
			t.Fatalf("contents %q, sections %q", got, want)
		}
	}
}
