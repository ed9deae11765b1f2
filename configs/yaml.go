package configs

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// describeYAML turns a decoder error into `file:line:column: what; hint`.
func describeYAML(path string, err error) string {
	var y yaml.Error
	if !errors.As(err, &y) {
		return fmt.Sprintf("%s: %v", path, err)
	}
	where := path
	if tk := y.GetToken(); tk != nil && tk.Position != nil {
		where = fmt.Sprintf("%s:%d:%d", path, tk.Position.Line, tk.Position.Column)
	}
	msg := y.GetMessage()
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("unknown key %q", m[1])
		if near := nearestKey(m[1], keysOf(reflect.TypeFor[Node]())); near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		}
	}
	return where + ": " + msg
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

// keysOf lists every YAML key that a configuration may use, at any depth.
func keysOf(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for f := range t.Fields() {
		if tag := strings.Split(f.Tag.Get("yaml"), ",")[0]; tag != "" && tag != "-" {
			keys = append(keys, tag)
			keys = append(keys, keysOf(f.Type)...)
		}
	}
	return keys
}

// nearestKey returns the known key at the smallest edit distance, if that
// is small enough to be a slip of the hand.
func nearestKey(got string, known []string) string {
	best, at := "", 4
	for _, k := range known {
		if d := distance(got, k); d < at && d*2 <= len(k) {
			best, at = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
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
