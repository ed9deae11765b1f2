package relay

import (
	"sync"
	"time"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
)

// prepared is a log entry ready to be judged for any peer: verified, its
// markings read. It is made once, at the border coming in, or again from the
// log when a peer reads further back than memory goes.
type prepared struct {
	seq      uint64
	at       time.Time
	kind     entryKind
	from     string // peer it came from, "" for our own
	verified *envelope.Verified
	subjects []*policy.Subject // one an item of verified
	items    []entryItem       // outcome of the same items
	gone     []goneItem        // what a message takes back
	peer     string            // of a resend
	refer    uint64
	bytes    int
	check    uint64 // see link.Cursor
	lost     bool   // something stood here, and the disk lost it

	unverified bool // it no longer verifies, and passes for a marker
	erased     int  // objects whose content was erased
}

// subjectsOf reads the markings of every object of a message that came from a
// peer ("" for our own). Marking definitions resolve from the same message
// only.
func subjectsOf(r *policy.Reader, v *envelope.Verified, from string) []*policy.Subject {
	items := v.Items()
	defs := definitions(items)
	out := make([]*policy.Subject, len(items))
	objects := make([]*stix.Object, len(items))
	for i, it := range items {
		objects[i] = it.Object
	}
	r = r.Among(objects)
	if from != "" {
		r = r.From(from)
	}
	for i, it := range items {
		out[i] = r.Subject(v.Issuer(), it.Digest, it.Object, defs)
		if h := it.Object.Handling(); from == "" && h != nil && h.Aggregate != "" {
			out[i] = out[i].Aggregated() // only this node itself says so of its own
		}
	}
	return out
}

// definitions are the marking-definitions of a message, by id.
func definitions(items []envelope.Item) map[string]*stix.Object {
	defs := map[string]*stix.Object{}
	for _, it := range items {
		if it.Object.Type() == "marking-definition" {
			defs[it.Object.ID()] = it.Object
		}
	}
	return defs
}

// recent keeps the newest log entries prepared, so that live peers are served
// from memory: a dense window of sequences, bounded in bytes.
type recent struct {
	mu    sync.RWMutex
	first uint64 // sequence of ring[0]
	ring  []*prepared
	bytes int
	limit int
}

func newRecent(limit int) *recent { return &recent{limit: limit} }

// add appends the next entry; a gap empties the window.
func (r *recent) add(p *prepared) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ring) > 0 && p.seq != r.first+uint64(len(r.ring)) {
		r.ring, r.bytes = nil, 0
	}
	if len(r.ring) == 0 {
		r.first = p.seq
	}
	r.ring = append(r.ring, p)
	r.bytes += p.bytes
	for r.bytes > r.limit && len(r.ring) > 1 {
		r.bytes -= r.ring[0].bytes
		r.ring[0] = nil
		r.ring = r.ring[1:]
		r.first++
	}
}

// get returns the entry at seq, or nil when it is not in memory.
func (r *recent) get(seq uint64) *prepared {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.ring) == 0 || seq < r.first || seq >= r.first+uint64(len(r.ring)) {
		return nil
	}
	return r.ring[seq-r.first]
}

// drop empties the window: what was read under other tables is read again.
func (r *recent) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring, r.bytes = nil, 0
}
