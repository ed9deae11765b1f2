package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Apply indexes entries in one transaction. They must be in log order; those
// at or below Applied are skipped. On error nothing was applied and the same
// call may be repeated. Larger calls cost less per entry.
func (s *Store) Apply(ctx context.Context, entries []Entry) error {
	if err := checkEntries(entries); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return s.commit(ctx, func(b *batch) error {
		for len(entries) > 0 && entries[0].Seq <= b.applied {
			entries = entries[1:]
		}
		b.entries = entries
		for i := range entries {
			if err := b.entry(&entries[i]); err != nil {
				return fmt.Errorf("log entry %d: %w", entries[i].Seq, err)
			}
			b.applied = entries[i].Seq
		}
		return nil
	})
}

// checkEntries refuses what cannot be counted.
func checkEntries(entries []Entry) error {
	last := uint64(0)
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Seq <= last:
			return fmt.Errorf("log entry %d comes after %d", e.Seq, last)
		case e.Source == "":
			return fmt.Errorf("log entry %d has no source", e.Seq)
		case e.Settles >= e.Seq || e.Resends >= e.Seq:
			return fmt.Errorf("log entry %d refers to %d, which does not come before it", e.Seq, max(e.Settles, e.Resends))
		}
		last = e.Seq
		for j := range e.Objects {
			if err := e.Objects[j].check(e.Seq); err != nil {
				return fmt.Errorf("log entry %d, object %d: %w", e.Seq, j, err)
			}
		}
		for j := range e.Gone {
			if g := &e.Gone[j]; g.Issuer == "" || goneRank(g.Reason) == 0 {
				return fmt.Errorf("log entry %d, withdrawal %d: no issuer, or the reason %q", e.Seq, j, g.Reason)
			}
		}
	}
	return nil
}

func (o *Object) check(seq uint64) error {
	if o.Settles >= seq {
		return fmt.Errorf("it settles entry %d, which does not come before it", o.Settles)
	}
	switch o.Outcome {
	case Taken:
		if o.Issuer == "" || o.ID == "" && o.Erased == "" {
			return errors.New("taken without an issuer or an id")
		}
	case Held, Refused:
		if o.Reason == "" {
			return errors.New("held or refused without a reason")
		}
	case Duplicate:
	default:
		return fmt.Errorf("outcome %d is unknown", o.Outcome)
	}
	return nil
}

// entry applies one entry.
func (b *batch) entry(e *Entry) error {
	if e.Settles != 0 {
		if err := b.settleIntake("", nil, e.Settles); err != nil {
			return err
		}
	}
	if e.Resends != 0 {
		if _, err := b.exec("INSERT INTO resends (refer, seq) VALUES (?, ?)", int64(e.Resends), int64(e.Seq)); err != nil {
			return err
		}
	}
	took := false
	for i := range e.Objects {
		o := &e.Objects[i]
		if o.Settles != 0 {
			if err := b.settleIntake(o.Issuer, o.Digest[:], o.Settles); err != nil {
				return err
			}
		}
		b.count(counter{sideIn, e.Source, inReceived, ""}, 1)
		t, err := b.place(e, o, i)
		if err != nil {
			return err
		}
		took = took || t
	}
	for i := range e.Gone {
		if err := b.withdraw(e, &e.Gone[i]); err != nil {
			return err
		}
	}
	if e.Proof != nil {
		if err := b.prove(e); err != nil {
			return err
		}
	}
	if err := b.due(e.Due); err != nil {
		return err
	}
	for i := range e.Erased {
		if err := b.erase(&e.Erased[i]); err != nil {
			return err
		}
	}
	b.pulls[e.Source] = e
	if !took {
		return nil
	}
	source, err := b.name(e.Source)
	if err != nil {
		return err
	}
	_, err = b.exec("INSERT INTO entries (seq, source, at, jti) VALUES (?, ?, ?, ?)", int64(e.Seq), source, micros(e.At), e.JTI)
	return err
}

// place puts one object where its outcome says and counts it; it reports
// whether a row of objects was written.
func (b *batch) place(e *Entry, o *Object, index int) (took bool, err error) {
	switch o.Outcome {
	case Taken:
		key := b.key(o.Issuer, &o.Digest)
		if row := known(b.s.memory, b.s.memory.objects, b.objects, key); row != 0 {
			if o.Variant {
				b.count(counter{sideIn, e.Source, inTaken, ""}, 1)
				b.count(counter{sideIn, e.Source, inVariants, ""}, 1)
				return true, b.route(e.Seq, row, o)
			}
			b.count(counter{sideIn, e.Source, inDuplicate, ""}, 1)
			return false, nil
		}
		b.count(counter{sideIn, e.Source, inTaken, ""}, 1)
		return true, b.take(e, o, key)
	case Duplicate:
		b.count(counter{sideIn, e.Source, inDuplicate, ""}, 1)
	case Held:
		b.count(counter{sideIn, e.Source, inHeld, string(o.Reason)}, 1)
		return false, b.hold(heldRow{ref: e.Seq, n: int64(index), seq: e.Seq, source: e.Source, issuer: o.Issuer, digest: o.Digest,
			id: o.ID, reason: string(o.Reason), rule: o.Rule, basis: o.Basis, since: micros(e.At)})
	case Refused:
		b.count(counter{sideIn, e.Source, inRefused, string(o.Reason)}, 1)
		if o.Mark != ([16]byte{}) {
			_, err := b.exec("INSERT OR IGNORE INTO refused (mark) VALUES (?)", o.Mark[:])
			return false, err
		}
	}
	return false, nil
}

// take writes one object.
func (b *batch) take(e *Entry, o *Object, key objectKey) error {
	var ids [4]int64
	for i, text := range [...]string{o.Issuer, o.Type, o.Marking, string(o.Verdict)} {
		var err error
		if ids[i], err = b.name(text); err != nil {
			return err
		}
	}
	idk := keyOfID(o.Issuer, o.ID)
	prev, behind, err := b.link(idk, ids[0], o)
	if err != nil {
		return err
	}
	if o.Erased != "" {
		idk, behind = idKey{}, true // it stands in no chain
		if err := b.markErased(int64(b.nextObject), o.Erased); err != nil {
			return err
		}
	}
	_, err = b.exec(`INSERT INTO objects (n, issuer, id, version, digest, prev, seq, type, expires, revoked, marking, verdict, shown, parts, whole, best)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(b.nextObject), ids[0], o.ID, o.Version, o.Digest[:], prev, int64(e.Seq), ids[1], micros(o.Expires), boolInt(o.Revoked), ids[2], ids[3],
		o.Shown.Hash[:], o.Shown.Parts, boolInt(o.Shown.Whole), int64(e.Seq))
	if err != nil {
		return err
	}
	if o.MadeOf != nil {
		if err := b.derive(o); err != nil {
			return err
		}
	}
	b.addKey(ids[0], &o.Digest, idk, behind, o.Shown.Whole)
	if o.Shown.Whole {
		b.whole = append(b.whole, b.nextObject)
	}
	b.objects[key] = b.nextObject
	if !behind {
		b.ids[idk] = b.nextObject
	}
	b.nextObject++
	return nil
}

// link finds the place of the next row in the chain of its id: before all, or
// behind the newest version of the same object, so that the first row of an
// object in a chain is always its newest version.
func (b *batch) link(idk idKey, issuer int64, o *Object) (prev int64, behind bool, err error) {
	if o.Erased != "" {
		return 0, true, nil
	}
	head, ok := b.ids[idk]
	if !ok {
		head, ok = b.s.memory.head(idk)
	}
	if !ok {
		return 0, false, nil
	}
	for n := int64(head); n != 0; {
		var rowIssuer, next int64
		var id, version string
		if err := b.queryRow("SELECT issuer, id, version, prev FROM objects WHERE n = ?", n).Scan(&rowIssuer, &id, &version, &next); err != nil {
			return 0, false, missingRow(err, n)
		}
		if rowIssuer == issuer && id == o.ID {
			if newer(o.Version, version) {
				break
			}
			_, err := b.exec("UPDATE objects SET prev = ? WHERE n = ?", int64(b.nextObject), n)
			return next, true, err
		}
		n = next
	}
	return int64(head), false, nil
}

// missingRow turns the absence of a row that memory knows into damage.
func missingRow(err error, n int64) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: row %d of objects is missing", ErrDamaged, n)
	}
	return err
}
