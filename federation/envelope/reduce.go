package envelope

// reduction works out which disclosures of a message go when some are taken
// out.
type reduction struct {
	m       *message
	removed []bool         // by index into discs
	class   map[int]string // of those that are listed as taken out
}

// reduce completes the removals within one object: what is below something
// removed goes with it and is not listed, and a container that is left with
// nothing in it goes too, because STIX allows no empty ones. It returns the
// first disclosure of the object that is listed, or -1.
func (r *reduction) reduce(s span) (first int) {
	in := r.m.order[s.from:s.to]
	first = -1
	for _, at := range in {
		if r.removed[at] {
			first = int(at)
			break
		}
	}
	if first < 0 {
		return -1
	}
	// Children stand after their parents: the innermost containers are emptied
	// first from the end, then removals spread downwards from the start.
	for i := len(in) - 1; i > 0; i-- {
		at := int(in[i])
		if !r.removed[at] && r.m.discs[at].holds && r.emptied(at, in[i+1:]) {
			r.removed[at] = true
			r.class[at] = r.class[firstChild(r, at, in[i+1:])]
		}
	}
	for _, at := range in[1:] {
		if r.removed[r.m.discs[at].parent] {
			r.removed[at] = true
			delete(r.class, int(at))
		}
	}
	for _, at := range in {
		if _, listed := r.class[int(at)]; listed {
			return int(at)
		}
	}
	return first
}

// emptied reports whether everything that is there in a container is removed.
func (r *reduction) emptied(at int, after []int16) bool {
	d := &r.m.discs[at]
	if d.open {
		return false
	}
	any := false
	for _, c := range after {
		if int(r.m.discs[c].parent) == at {
			if !r.removed[c] {
				return false
			}
			any = true
		}
	}
	return any
}

// firstChild returns the first disclosure whose parent is at.
func firstChild(r *reduction, at int, after []int16) int {
	for _, c := range after {
		if int(r.m.discs[c].parent) == at {
			return int(c)
		}
	}
	return -1
}

// takeWhole removes an object with all its parts.
func (r *reduction) takeWhole(s span, class string) {
	for _, at := range r.m.order[s.from:s.to] {
		r.removed[at] = true
		delete(r.class, int(at))
	}
	r.class[int(r.m.order[s.from])] = class
}

// out lists what is taken out, top-most only.
func (r *reduction) out() []Out {
	out := make([]Out, 0, len(r.class))
	for at, class := range r.class {
		out = append(out, Out{Digest: r.m.digests[at], Class: class})
	}
	return out
}

// text returns line 1 without what is removed.
func (r *reduction) text() []byte {
	m := r.m
	sd := append(make([]byte, 0, len(m.sd)), m.sd[:m.head+1]...)
	for i := range m.discs {
		if !r.removed[i] {
			sd = append(append(sd, m.text(i)...), '~')
		}
	}
	return sd
}
