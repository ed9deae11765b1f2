package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxYAML bounds a file of terms, facts or examples, in bytes.
const maxYAML = 1 << 20

// document is a YAML file with the places of its keys kept.
type document struct {
	file string
	tree *ast.File
}

// readYAML decodes one YAML document into v, strictly: an unknown or repeated
// key, a wrong type or a second document is an error that names file, line and
// column, and for a slip of the hand the key that was probably meant.
func readYAML(raw []byte, file string, v any) (*document, error) {
	if len(raw) > maxYAML {
		return nil, fmt.Errorf("%s: %d bytes, over the limit of %d", file, len(raw), maxYAML)
	}
	var tree *ast.File
	err := guarded(func() (err error) {
		tree, err = parser.ParseBytes(raw, 0)
		return err
	})
	if err != nil {
		return nil, describeYAML(file, err, nil)
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, fmt.Errorf("%s: one YAML document is needed, there are %d", file, len(tree.Docs))
	}
	if n := findAlias(tree); n != nil {
		p := n.GetToken().Position
		return nil, fmt.Errorf("%s:%d:%d: anchors and aliases are not read; write the value out", file, p.Line, p.Column)
	}
	dec := yaml.NewDecoder(bytes.NewReader(nil), yaml.Strict()) // it decodes the tree: the text is read once
	if err := guarded(func() error { return dec.DecodeFromNode(tree.Docs[0].Body, v) }); err != nil && !errors.Is(err, io.EOF) {
		return nil, describeYAML(file, err, keysOf(reflect.TypeOf(v)))
	}
	return &document{file: file, tree: tree}, nil
}

// guarded calls into the YAML library, which panics on some input (a tag
// before what should be a list, for one). A panic is a refusal here.
func guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read as YAML (the reader failed: %v); write it without tags and anchors", p)
		}
	}()
	return call()
}

// at returns "file:line:column" of a YAML path such as "$.tlp.ceiling", or of
// the file when there is no such key.
func (d *document) at(path string) string {
	p, err := yaml.PathString(path)
	if err != nil {
		return d.file
	}
	n, err := p.FilterFile(d.tree)
	if err != nil || n == nil || n.GetToken() == nil {
		return d.file
	}
	pos := n.GetToken().Position
	return fmt.Sprintf("%s:%d:%d", d.file, pos.Line, pos.Column)
}

// errorf returns an error at a path of the document.
func (d *document) errorf(path, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %s", d.at(path), strings.TrimPrefix(path, "$."), fmt.Sprintf(format, args...))
}

// aliases looks for anchors and aliases, which could make a small file huge
// and let one place of a legal text change another.
type aliases struct{ found ast.Node }

// Visit implements ast.Visitor.
func (a *aliases) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.AnchorType, ast.AliasType, ast.MergeKeyType:
		if a.found == nil {
			a.found = n
		}
	}
	return a
}

func findAlias(f *ast.File) ast.Node {
	a := &aliases{}
	for _, d := range f.Docs {
		ast.Walk(a, d.Body)
	}
	return a.found
}

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// describeYAML turns a decoder error into "file:line:column: what; hint".
func describeYAML(file string, err error, keys []string) error {
	y, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", file, err)
	}
	where := file
	if tk := y.GetToken(); tk != nil && tk.Position != nil {
		where = fmt.Sprintf("%s:%d:%d", file, tk.Position.Line, tk.Position.Column)
	}
	msg := y.GetMessage()
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("unknown key %q", m[1])
		if near := nearest(m[1], keys); near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		}
	}
	return fmt.Errorf("%s: %s", where, msg)
}

// keysOf lists every YAML key a type may hold, at any depth.
func keysOf(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[day]() {
		return nil
	}
	var keys []string
	for f := range t.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); tag != "" && tag != "-" {
			keys = append(keys, tag)
			keys = append(keys, keysOf(f.Type)...)
		}
	}
	return keys
}

// nearest returns the known word at the smallest edit distance, if that is
// small enough to be a slip of the hand.
func nearest(got string, known []string) string {
	best, at := "", 4
	for _, k := range known {
		if d := distance(got, k); d < at && d*2 <= len(k) {
			best, at = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur := make([]int, len(b)+1)
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
		}
		prev = cur
	}
	return prev[len(b)]
}

// day is a calendar day in UTC, written 2026-12-31.
type day struct{ time.Time }

// UnmarshalYAML reads 2026-12-31.
func (d *day) UnmarshalYAML(b []byte) error {
	s := strings.Trim(strings.TrimSpace(string(b)), `"'`)
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return fmt.Errorf("%q is not a day: write it as 2026-12-31", s)
	}
	d.Time = t
	return nil
}
