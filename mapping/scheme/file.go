package scheme

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Version is the newest version of the data files that is read.
const Version = 1

// fileYAML is one data file. Any file may hold any of the three lists.
type fileYAML struct {
	Ver     at[int]               `yaml:"ver"`
	Sources map[string]sourceYAML `yaml:"sources"`
	Schemes []at[schemeYAML]      `yaml:"schemes"`
	Tables  []at[tableYAML]       `yaml:"tables"`
}

// sourceYAML is a document that rows rest on.
type sourceYAML struct {
	Document string `yaml:"document"`
	Section  string `yaml:"section"`
	Kind     string `yaml:"kind"`
}

// schemeYAML is one scheme as an officer writes it.
type schemeYAML struct {
	ID            at[string]        `yaml:"id"`
	Country       scalar            `yaml:"country"`
	Body          string            `yaml:"body"`
	Family        string            `yaml:"family"`
	Axis          at[string]        `yaml:"axis"`
	Authority     string            `yaml:"authority"`
	Edition       at[string]        `yaml:"edition"`
	From          at[string]        `yaml:"from"`
	To            at[string]        `yaml:"to"`
	Replaces      at[string]        `yaml:"replaces"`
	Verified      *bool             `yaml:"verified"`
	Sources       []at[string]      `yaml:"sources"`
	Levels        []at[levelYAML]   `yaml:"levels"`
	NotClassified []at[wordYAML]    `yaml:"not_classified"`
	Retired       []at[retiredYAML] `yaml:"retired"`
	Incomplete    []at[retiredYAML] `yaml:"incomplete"`
	Caveats       []at[caveatYAML]  `yaml:"caveats"`
	Compartments  []at[caveatYAML]  `yaml:"compartments"`
	Notes         []string          `yaml:"notes"`
}

// levelYAML is one rung of a ladder.
type levelYAML struct {
	Code         at[string]   `yaml:"code"`
	Label        words        `yaml:"label"`
	Also         []at[string] `yaml:"also"`
	Means        string       `yaml:"means"`
	HandlingWord bool         `yaml:"handling_word"`
	From         at[string]   `yaml:"from"`
	To           at[string]   `yaml:"to"`
	Sources      []at[string] `yaml:"sources"`
	Note         string       `yaml:"note"`
}

// wordYAML is a word for "not classified".
type wordYAML struct {
	Word     string       `yaml:"word"`
	Also     []string     `yaml:"also"`
	Verified bool         `yaml:"verified"`
	Sources  []at[string] `yaml:"sources"`
}

// retiredYAML is a label that is no longer given out.
type retiredYAML struct {
	Word  string     `yaml:"word"`
	Until at[string] `yaml:"until"`
	Note  string     `yaml:"note"`
}

// caveatYAML is an addition to a level, or a code word. A plain text is the
// word alone.
type caveatYAML struct {
	Word     string       `yaml:"word"`
	Also     []string     `yaml:"also"`
	Means    string       `yaml:"means"`
	Only     []at[string] `yaml:"only"`
	Nobody   bool         `yaml:"nobody"`
	List     bool         `yaml:"list"`
	Personal bool         `yaml:"personal"`
	Person   bool         `yaml:"person"`
	Sources  []at[string] `yaml:"sources"`
}

// UnmarshalYAML accepts a single text in place of a mapping.
func (c *caveatYAML) UnmarshalYAML(n ast.Node) error {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		type plain caveatYAML // without this method
		return yaml.NodeToValue(n, (*plain)(c), yaml.Strict())
	}
	return yaml.NodeToValue(n, &c.Word)
}

// tableYAML is one equivalence table, of kind "columns" (one row per scheme,
// one cell per level of the pivot) or "pairs" (two schemes, directed rows).
type tableYAML struct {
	ID       at[string]          `yaml:"id"`
	Kind     at[string]          `yaml:"kind"`
	Title    string              `yaml:"title"`
	Scope    string              `yaml:"scope"`
	Pivot    at[string]          `yaml:"pivot"`
	From     at[string]          `yaml:"from"`
	To       at[string]          `yaml:"to"`
	Edition  at[string]          `yaml:"edition"`
	Verified *bool               `yaml:"verified"`
	Sources  []at[string]        `yaml:"sources"`
	Notes    []string            `yaml:"notes"`
	Columns  words               `yaml:"columns"`
	Rows     []at[columnRowYAML] `yaml:"rows"`
	FromID   at[string]          `yaml:"from_scheme"`
	ToID     at[string]          `yaml:"to_scheme"`
	BothWays bool                `yaml:"both_ways"`
	Without  []at[string]        `yaml:"without"`
	There    []at[pairYAML]      `yaml:"there"`
	Back     []at[pairYAML]      `yaml:"back"`
}

// columnRowYAML relates one scheme to the pivot's columns.
type columnRowYAML struct {
	Row      string                `yaml:"row"`
	Scheme   at[string]            `yaml:"scheme"`
	Cells    map[string]at[string] `yaml:"cells"`
	Without  []at[string]          `yaml:"without"`
	From     at[string]            `yaml:"from"`
	To       at[string]            `yaml:"to"`
	Verified *bool                 `yaml:"verified"`
	Sources  []at[string]          `yaml:"sources"`
	Note     string                `yaml:"note"`
}

// pairYAML relates one level to its counterpart, to several, or to none.
type pairYAML struct {
	From     at[string]    `yaml:"from"`
	To       codes         `yaml:"to"`
	Choose   at[string]    `yaml:"choose"`
	Person   string        `yaml:"person"`
	RoundUp  bool          `yaml:"round_up"`
	Disputed *disputedYAML `yaml:"disputed"`
	Verified *bool         `yaml:"verified"`
	Sources  []at[string]  `yaml:"sources"`
	Note     string        `yaml:"note"`
}

// disputedYAML is a second reading of a row; the higher of the two counts.
type disputedYAML struct {
	Reading at[string]   `yaml:"reading"`
	Sources []at[string] `yaml:"sources"`
}

// at is a value and where it stands.
type at[T any] struct {
	V         T
	Line, Col int
}

// UnmarshalYAML decodes strictly and keeps the position.
func (a *at[T]) UnmarshalYAML(n ast.Node) error {
	a.Line, a.Col = position(n)
	return yaml.NodeToValue(n, &a.V, yaml.Strict())
}

// scalar is a plain or quoted text; YAML 1.1 readers turn some plain ones into
// something else.
type scalar struct {
	V         string
	Quoted    bool
	Line, Col int
}

// UnmarshalYAML keeps whether the text was quoted.
func (s *scalar) UnmarshalYAML(n ast.Node) error {
	s.Line, s.Col = position(n)
	tk := n.GetToken()
	s.V, s.Quoted = tk.Value, tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType
	return nil
}

// word is one entry of an ordered mapping from a key to a text.
type word struct {
	Key, Text string
	Line, Col int
}

// words is a mapping of texts in the order of the file.
type words []word

// UnmarshalYAML reads a mapping whose values are texts.
func (w *words) UnmarshalYAML(n ast.Node) error {
	var entries []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		entries = m.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{m}
	default:
		return syntax(n, "a mapping is expected here, such as {en: SECRET}")
	}
	for _, e := range entries {
		var text string
		if err := yaml.NodeToValue(e.Value, &text); err != nil {
			return err
		}
		line, col := position(e.Value)
		*w = append(*w, word{Key: e.Key.GetToken().Value, Text: text, Line: line, Col: col})
	}
	return nil
}

// codes is one level code or a list of them.
type codes []at[string]

// UnmarshalYAML accepts a single text in place of a list.
func (c *codes) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(*ast.SequenceNode); ok {
		return yaml.NodeToValue(n, (*[]at[string])(c), yaml.Strict())
	}
	var one at[string]
	if err := one.UnmarshalYAML(n); err != nil {
		return err
	}
	*c = codes{one}
	return nil
}

// position is where a node starts: a mapping starts at its first key, not at
// the colon after it.
func position(n ast.Node) (line, col int) {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			n = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		n = m.Key
	}
	p := n.GetToken().Position
	return p.Line, p.Column
}

// syntax is an error at a node.
func syntax(n ast.Node, msg string) error {
	return &yaml.SyntaxError{Message: msg, Token: n.GetToken()}
}

// decode reads one file strictly: one document, no unknown or repeated key.
func decode(path string, data []byte) (*fileYAML, error) {
	var tree *ast.File
	err := guarded(func() (err error) {
		tree, err = parser.ParseBytes(data, 0)
		return err
	})
	if err != nil {
		return nil, describe(path, err)
	}
	switch {
	case len(tree.Docs) > 1:
		return nil, fmt.Errorf("%s:1:1: %d documents in one file; write exactly one", path, len(tree.Docs))
	case len(tree.Docs) == 0 || empty(tree.Docs[0].Body):
		return nil, fmt.Errorf("%s:1:1: the file is empty; write ver: %d as the first key", path, Version)
	}
	var f fileYAML
	if err := guarded(func() error { return yaml.NodeToValue(tree.Docs[0].Body, &f, yaml.Strict()) }); err != nil {
		return nil, describe(path, err)
	}
	switch {
	case f.Ver.Line == 0:
		return nil, fmt.Errorf("%s:1:1: no ver; write ver: %d as the first key", path, Version)
	case f.Ver.V > Version:
		return nil, fmt.Errorf("%s:%d:%d: version %d is newer than this build reads (%d); install a newer one", path, f.Ver.Line, f.Ver.Col, f.Ver.V, Version)
	case f.Ver.V < 1:
		return nil, fmt.Errorf("%s:%d:%d: version %d does not exist; write ver: %d", path, f.Ver.Line, f.Ver.Col, f.Ver.V, Version)
	}
	return &f, nil
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

// empty reports whether a document holds nothing but comments.
func empty(n ast.Node) bool {
	_, comment := n.(*ast.CommentGroupNode)
	return n == nil || comment
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// describe turns a decoder's error into `file:line:column: what; hint`.
func describe(path string, err error) error {
	y, ok := errors.AsType[yaml.Error](err)
	if !ok || y.GetToken() == nil {
		return fmt.Errorf("%s:1:1: %w", path, err)
	}
	msg := y.GetMessage()
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("unknown key %q", m[1])
		if near := nearest(m[1], keysOf(reflect.TypeFor[fileYAML](), map[reflect.Type]bool{})); near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		}
	}
	p := y.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", path, p.Line, p.Column, msg)
}

// keysOf lists every key a data file may use, at any depth.
func keysOf(t reflect.Type, seen map[reflect.Type]bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var keys []string
	for f := range t.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); tag != "" {
			keys = append(keys, tag)
		}
		keys = append(keys, keysOf(f.Type, seen)...)
	}
	return keys
}

// nearest returns the known word at the smallest edit distance, "" when none
// is near enough to be a slip of the hand.
func nearest(got string, known []string) string {
	best, limit := "", 3
	for _, k := range known {
		if d := distance([]rune(got), []rune(k)); d < limit && 2*d < len([]rune(k)) {
			best, limit = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
