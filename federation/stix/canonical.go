package stix

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendCanonical appends the object's JSON in one form, however it was laid out:
// members in the order of their names (RFC 8785 §3.2.3), no white space, strings
// in their shortest spelling, numbers as written.
func (o *Object) AppendCanonical(dst []byte) ([]byte, error) {
	c := canonical{o: o, out: dst}
	if c.value(0) {
		return c.out, nil
	}
	raw, err := o.canonically()
	return append(dst, raw...), err
}

// canonically returns the canonical form as the library makes it.
func (o *Object) canonically() ([]byte, error) {
	raw := jsontext.Value(bytes.Clone(o.raw))
	if err := raw.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return nil, syntax(err)
	}
	return raw, nil
}

// canonical writes the canonical form from the nodes. It leaves to the library
// every object with a member name beyond printable ASCII or with an escape.
type canonical struct {
	o   *Object
	out []byte
}

// value writes the value of a node; false means that the library has to.
func (c *canonical) value(i int) bool {
	o := c.o
	switch o.nodes[i].kind {
	case '{':
		return c.members(i)
	case '[':
		c.out = append(c.out, '[')
		for e := i + 1; e < int(o.nodes[i].next); e = int(o.nodes[e].next) {
			if e > i+1 {
				c.out = append(c.out, ',')
			}
			if !c.value(e) {
				return false
			}
		}
		c.out = append(c.out, ']')
		return true
	case '"':
		if text := o.value(i); bytes.IndexByte(text, '\\') >= 0 {
			var err error
			c.out, err = jsontext.AppendFormat(c.out, text)
			return err == nil
		}
	}
	c.out = append(c.out, o.value(i)...)
	return true
}

// members writes an object.
func (c *canonical) members(i int) bool {
	o := c.o
	var room [mostMembers]uint32 // for nearly every object
	order := room[:0]
	for m := i + 1; m < int(o.nodes[i].next); m = int(o.nodes[m].next) {
		if k := o.nodes[m].known; k == escapedName || k == unknownName && !printable(o.rawName(m)) {
			return false
		}
		order = append(order, uint32(m))
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := o.nodes[a].known, o.nodes[b].known
		if x != unknownName && y != unknownName {
			return int(nameRank[x]) - int(nameRank[y])
		}
		return bytes.Compare(o.rawName(int(a)), o.rawName(int(b)))
	})
	c.out = append(c.out, '{')
	for at, m := range order {
		if at > 0 {
			c.out = append(c.out, ',')
		}
		n := &o.nodes[m]
		c.out = append(append(c.out, o.raw[n.name:n.nend]...), ':')
		if !c.value(int(m)) {
			return false
		}
	}
	c.out = append(c.out, '}')
	return true
}

// printable reports whether a name is of printable ASCII, whose order by bytes is
// that of UTF-16.
func printable(name []byte) bool {
	for _, c := range name {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// nameRank is the place of each name of the table in the order of their bytes.
var nameRank = func() (rank [escapedName]uint8) {
	sorted := slices.Clone(names.text[1:])
	slices.Sort(sorted)
	for n, name := range names.text {
		at, _ := slices.BinarySearch(sorted, name)
		rank[n] = uint8(at)
	}
	return rank
}()
