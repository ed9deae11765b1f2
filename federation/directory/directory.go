package directory

import (
	"fmt"
	"slices"
	"strings"
)

// Directory is an immutable set of statements, safe for use by several
// goroutines. A change makes a new one.
type Directory struct {
	keys         map[string]Key
	participants map[string]*Statement
	delegations  map[pair][]*Delegation
}

// New returns the directory of the given statements. A participant occurs once
// (the caller keeps the highest version it has seen), and no two participants
// list the same key.
func New(sts ...*Statement) (*Directory, error) {
	d := &Directory{keys: make(map[string]Key), participants: make(map[string]*Statement, len(sts))}
	for _, s := range sts {
		if s == nil || len(s.Raw) == 0 {
			return nil, fmt.Errorf("directory: a statement that was not read with ParseStatement")
		}
		if prev, ok := d.participants[s.ID]; ok {
			return nil, fmt.Errorf("directory: %s has two statements, versions %d and %d", s.ID, prev.Version, s.Version)
		}
		d.participants[s.ID] = s
		for _, k := range s.Keys {
			if prev, ok := d.keys[k.KID]; ok {
				return nil, fmt.Errorf("directory: key %s is listed by %s and by %s", k.KID, prev.Owner, s.ID)
			}
			d.keys[k.KID] = k
		}
	}
	return d, nil
}

// Key returns the key with that id.
func (d *Directory) Key(kid string) (Key, bool) {
	if d == nil {
		return Key{}, false
	}
	k, ok := d.keys[kid]
	return k, ok
}

// Participant returns the statement of that participant.
func (d *Directory) Participant(id string) (*Statement, bool) {
	if d == nil {
		return nil, false
	}
	s, ok := d.participants[id]
	return s, ok
}

// Participants returns all statements, by id.
func (d *Directory) Participants() []*Statement {
	if d == nil {
		return nil
	}
	out := make([]*Statement, 0, len(d.participants))
	for _, s := range d.participants {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Statement) int { return strings.Compare(a.ID, b.ID) })
	return out
}
