package stix

import "bytes"

// Examiner looks through objects, one after the other, and keeps what it needs
// for the next: it serves one goroutine at a time. What it returns is good until
// the next [Examiner.Begin].
type Examiner struct {
	form form
	c    categorizer
}

// NewExaminer returns an examiner.
func NewExaminer() *Examiner {
	x := new(Examiner)
	x.c.isForeign = x.c.foreign
	return x
}

// Begin takes up an object and returns its form: what decides on its [Layout].
// Objects of one form have the same one. There is none for what is too unusual
// to be worth keeping: make a layout for it alone.
func (x *Examiner) Begin(o *Object) (form []byte, ok bool) {
	x.form.read(o)
	if x.form.rare {
		return nil, false
	}
	return x.form.text, true
}

// Examine categorises the units of the object as [CategorizeAmong] does, and
// returns a mark for each. The layout is that of the object's form.
func (x *Examiner) Examine(l *Layout, victims Victims) []Mark {
	x.c.begin(x.form.o, l, x.form.nodes)
	x.c.all(victims)
	return x.c.marks
}

// Sealed reports whether the object examined last holds a value that its origin
// sealed.
func (x *Examiner) Sealed() bool { return x.c.sealed }

// Value returns the raw value of a unit. The caller must not change it.
func (x *Examiner) Value(unit int) []byte { return x.form.o.value(int(x.form.nodes[unit])) }

// Release lets go of the object.
func (x *Examiner) Release() {
	x.form.o, x.c.o, x.c.l, x.c.out = nil, nil, nil, nil
	x.c.texts.value, x.c.detector.reading = nil, number{}
}

// EachID calls f for every identifier that stands in a unit of the object, in
// the name of an entry of extensions included, as the function of that name
// does. Of containers only the name is looked at: their parts are units. What the
// object says of itself, its type and its id, is left out.
func (x *Examiner) EachID(l *Layout, f func(unit int, id string)) {
	o := x.form.o
	plain := bytes.IndexByte(o.raw, '\\') < 0
	next := -1 // where two hyphens stand next
	for i := range l.units {
		m := l.hints[i].mentions
		if m&idsInName != 0 {
			eachIDIn([]byte(l.units[i].Name), func(id string) { f(i, id) })
		}
		if m&idsOfMarkings != 0 {
			for _, id := range o.markings {
				f(i, id)
			}
		}
		if m&idsInValue == 0 {
			continue
		}
		n := &o.nodes[x.form.nodes[i]]
		if plain && next < int(n.start) {
			next = len(o.raw)
			if at := bytes.Index(o.raw[n.start:], []byte("--")); at >= 0 {
				next = int(n.start) + at
			}
		}
		if !plain || next < int(n.end) {
			EachID(o.raw[n.start:n.end], func(id string) { f(i, id) })
		}
	}
}
