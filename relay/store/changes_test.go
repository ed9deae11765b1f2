package store

import (
	"fmt"
	"testing"
)

// What entries tell of has changed since before them and not since after, and
// what is forgotten counts as changed.
func TestChanges(t *testing.T) {
	s := &Store{changes: newChanges(), memory: newMemory()}
	d, gone, erased := [32]byte{1}, [32]byte{2}, [32]byte{3}
	mark := [16]byte{4}
	keys := map[string]Change{"taken": s.ChangeOfID("indicator--a"), "held": s.ChangeOfID("malware--b"), "refused": s.ChangeOfMark(mark),
		"withdrawn": s.ChangeOfDigest(gone), "erased": s.ChangeOfDigest(erased)}
	before := s.Moment()
	s.Note([]Entry{{Seq: 1, Source: "self", Objects: []Object{{Issuer: "de-cert", Digest: d, ID: "indicator--a", Outcome: Taken}, {ID: "malware--b", Outcome: Held}, {Mark: mark, Outcome: Refused}},
		Gone: []Gone{{Issuer: "de-cert", Digest: gone, Reason: "withdrawn"}}, Erased: []Erasure{{Issuer: "de-cert", Digest: erased, Reason: "expired"}}}})
	after := s.Moment()
	for name, k := range keys {
		if !s.Changed(before, []Change{1, k}) || s.Changed(after, []Change{k}) {
			t.Errorf("%s: changed since before %v, since after %v", name, s.Changed(before, []Change{k}), s.Changed(after, []Change{k}))
		}
	}
	other := []Change{s.ChangeOfID("indicator--z"), s.ChangeOfDigest([32]byte{9})}
	if s.Changed(before, other) {
		t.Error("what nothing tells of has changed")
	}
	for i := range 3 * maxChanges {
		s.changes.tell([]Entry{{Objects: []Object{{ID: fmt.Sprint("indicator--", i)}}}})
	}
	if !s.Changed(after, other) {
		t.Error("what was forgotten counts as unchanged")
	}
	if n := len(s.changes.young) + len(s.changes.old); n > 2*maxChanges {
		t.Errorf("%d changes are remembered", n)
	}
	late := s.Moment()
	s.changes.tell([]Entry{{Objects: []Object{{ID: "indicator--late"}}}})
	if s.Changed(late, other) || !s.Changed(late, []Change{s.ChangeOfID("indicator--late")}) {
		t.Error("after forgetting, the newest changes are not told apart")
	}
}
