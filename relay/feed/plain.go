package feed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Entry is one indicator that the caller has judged and that may be in lists.
type Entry struct {
	Object *stix.Object
}

// Left is one indicator that the caller left out. Its id is not written into a
// list, which goes to more hands than the indicator may.
type Left struct {
	ID     string
	Reason federation.Reason
}

// Options say for whom, when and how large a list is.
type Options struct {
	// Node is the id of the node that makes the list.
	Node string
	// Now is the time of making: what has expired by then is left out.
	Now time.Time
	// Capacity is how many lines the device can hold, 0 for no limit; the
	// lines of highest confidence stay, because devices cut the tail.
	Capacity int
}

// maxNamed bounds how many indicators a header names one by one.
const maxNamed = 200

// Plain returns a list of one kind: comment lines that begin with "#", then
// one value a line, sorted, each once. It holds the values that the patterns
// name, never more than they match. Revoked and expired indicators, and those
// that are not valid yet, are not in it. A list without values says so in its
// header; a list that cannot be made is an error.
func Plain(kind string, in []Entry, left []Left, o Options) ([]byte, error) {
	k, ok := kinds[kind]
	switch {
	case !ok:
		r := federation.Refuse(federation.Unsupported, "list "+kind, "there is no such kind of list")
		r.Hint = "kinds: " + strings.Join(Kinds(), ", ")
		return nil, r
	case o.Now.IsZero():
		return nil, federation.Refuse(federation.Malformed, "list "+kind, "without a time nobody can tell what has expired")
	case o.Capacity < 0:
		return nil, federation.Refuse(federation.Malformed, "list "+kind, "a capacity below 0")
	}
	l := list{kind: kind, k: k, o: o, best: map[string]int{}}
	for i, e := range in {
		if e.Object == nil {
			return nil, federation.Refuse(federation.Malformed, "list "+kind, fmt.Sprintf("entry %d holds no object", i))
		}
		l.take(e.Object)
	}
	return l.write(left), nil
}

// list collects the values of one list.
type list struct {
	kind    string
	k       kindOf
	o       Options
	best    map[string]int // value to the highest confidence in it
	expired int
	named   []string // indicators that are not exportable, and why
}

// take adds the values of one indicator.
func (l *list) take(o *stix.Object) {
	until, ends := o.ValidUntil()
	from, begins := o.ValidFrom()
	if o.Revoked() || ends && !until.After(l.o.Now) || begins && from.After(l.o.Now) {
		l.expired++
		return
	}
	values, why := l.values(o)
	if why != "" {
		l.named = append(l.named, oneLine(o.ID()+": "+why))
	}
	confidence, _ := o.Confidence()
	for _, v := range values {
		l.best[v] = max(l.best[v], confidence)
	}
}

// values returns what an indicator has for this kind of list, and why a list
// cannot hold all of it. Alternatives that can be held stay: fewer of them never
// match more. An indicator of other things has no values and no reason.
func (l *list) values(o *stix.Object) (values []string, why string) {
	pattern, _ := o.Text("pattern")
	if o.Type() != "indicator" || pattern == "" {
		return nil, "not an indicator"
	}
	if kind, _ := o.Text("pattern_type"); kind != "stix" {
		return nil, "not exportable as a list: a rule in a language of its own"
	}
	p, err := stix.ParsePattern(pattern)
	if err != nil {
		return nil, "not exportable as a list: its pattern cannot be read"
	}
	if !slices.ContainsFunc(p.Comparisons(), l.k.concerns) {
		return nil, ""
	}
	simple, err := p.Simple()
	if err != nil {
		return nil, strings.TrimPrefix(detail(err), "pattern: ")
	}
	for _, c := range simple {
		if !l.k.concerns(c) {
			continue
		}
		for _, v := range c.Values {
			line, mine, bad := l.k.line(c, v)
			switch {
			case bad != "":
				why = "not exportable as a list: " + bad
			case mine:
				values = append(values, line)
			}
		}
	}
	return values, why
}

// detail returns what a refusal says, without its place and reason.
func detail(err error) string {
	if r, ok := errors.AsType[*federation.Refusal](err); ok {
		return r.Detail
	}
	return err.Error()
}

// write renders the list.
func (l *list) write(left []Left) []byte {
	lines := slices.Collect(maps.Keys(l.best))
	slices.SortFunc(lines, func(a, b string) int {
		return cmp.Or(cmp.Compare(l.best[b], l.best[a]), cmp.Compare(a, b))
	})
	cut := 0
	if l.o.Capacity > 0 && len(lines) > l.o.Capacity {
		cut = len(lines) - l.o.Capacity
		lines = lines[:l.o.Capacity]
	}
	slices.SortFunc(lines, l.k.order)
	var b bytes.Buffer
	head := func(format string, args ...any) { b.WriteString("# " + oneLine(fmt.Sprintf(format, args...)) + "\n") }
	head("Entente block list")
	head("kind: %s", l.kind)
	head("node: %s", l.o.Node)
	head("made: %s", l.o.Now.UTC().Format(time.RFC3339))
	head("included: %d", len(lines))
	head("cut: %d", cut)
	head("expired, revoked or not yet valid: %d", l.expired)
	head("left out by policy: %s", reasons(left))
	head("not exportable: %d", len(l.named))
	slices.Sort(l.named)
	for _, n := range l.named[:min(len(l.named), maxNamed)] {
		head("  %s", n)
	}
	if rest := len(l.named) - maxNamed; rest > 0 {
		head("  and %d more", rest)
	}
	for _, v := range lines {
		b.WriteString(v)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// oneLine keeps text that others wrote from becoming a line of the list, and
// short.
func oneLine(s string) string {
	const most = 300
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// reasons counts why the caller left indicators out: "3 (residency 1,
// tlp-audience 2)".
func reasons(left []Left) string {
	count := map[federation.Reason]int{}
	for _, l := range left {
		count[l.Reason]++
	}
	var parts []string
	for _, r := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s %d", r, count[r]))
	}
	if len(parts) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", len(left), strings.Join(parts, ", "))
}
