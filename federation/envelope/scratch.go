package envelope

import "sync"

// scratch is memory in which a message is read, or what is left of one is put
// together. Nothing that outlives that may point into it: it is used again.
type scratch struct {
	plain []byte     // the JSON of all disclosures
	json  []byte     // that of a few, decoded anew
	out   []byte     // the object being written
	sd    [][32]byte // digests of the containers being written, outermost first

	pieces [][2]int // of out: what was taken for a value, ascending
}

var scratches sync.Pool

func newScratch() *scratch {
	if s, ok := scratches.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

// release gives s back; it may be nil. What it holds is bounded by the limits of
// a message.
func (s *scratch) release() {
	if s != nil {
		scratches.Put(s)
	}
}
