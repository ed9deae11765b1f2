package store

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Version returns the newest version taken of the object id of issuer, as
// written, and its digest. The id of an object never seen costs no reading.
func (s *Store) Version(issuer, id string) (version string, digest [32]byte, ok bool, err error) {
	m := s.memory
	key := keyOfID(issuer, id)
	m.mu.RLock()
	noted, isNoted := m.notedVersions[issuerID{issuer, id}]
	head := m.ids[key]
	m.mu.RUnlock()
	if isNoted {
		version, digest, ok = noted.version, noted.digest, true
	}
	for n := int64(head); n != 0; {
		var rowIssuer, rowID, rowVersion string
		var rowDigest []byte
		err := s.readVersion.QueryRowContext(context.Background(), n).Scan(&rowIssuer, &rowID, &rowVersion, &rowDigest, &n)
		if err != nil {
			return "", [32]byte{}, false, s.fault(missingRow(err, n))
		}
		if rowIssuer != issuer || rowID != id {
			continue
		}
		if !ok || !newer(version, rowVersion) {
			version, ok = rowVersion, true
			copy(digest[:], rowDigest)
		}
		break // the first of an object is its newest
	}
	return version, digest, ok, nil
}

const selectVersion = `SELECT names.text, objects.id, version, digest, prev FROM objects JOIN names ON names.id = issuer WHERE n = ?`

// Filter selects objects; zero fields select all.
type Filter struct {
	Issuer string
	ID     string
	Type   string
	Source string
	// After selects objects of log entries after this sequence: also those of
	// which more has come since.
	After uint64
	// ExpiresBy selects objects that expire at or before this time.
	ExpiresBy time.Time
	// Limit is the most objects returned; 0 for all.
	Limit int
}

// Stored is an object that was taken. Times are to the microsecond.
type Stored struct {
	Issuer  string
	Digest  [32]byte
	ID      string
	Version string
	Type    string
	// LogSeq, Source and JTI are those of the message that shows most of it,
	// the first of several.
	LogSeq  uint64
	Source  string
	At      time.Time // when any was first stored
	JTI     string
	Expires time.Time
	Revoked bool
	// Withdrawal says that it was withdrawn and why; nil while it stands.
	Withdrawal *Withdrawal
	Marking    string
	Verdict    federation.Verdict
}

// page is how many objects one query of Objects reads.
const page = 500

// Objects yields the objects taken, in log order. It reads in pages: objects
// applied meanwhile may or may not be among them, none comes twice.
func (s *Store) Objects(ctx context.Context, f Filter) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		left := f.Limit
		if left <= 0 {
			left = -1
		}
		for after := int64(0); left != 0; {
			limit := page
			if left > 0 {
				limit = min(limit, left)
			}
			objects, last, err := s.objectsPage(ctx, f, after, limit)
			if err != nil {
				yield(Stored{}, s.fault(err))
				return
			}
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
			}
			if len(objects) < limit {
				return
			}
			after = last
			if left > 0 {
				left -= len(objects)
			}
		}
	}
}

// objectRow is a row of objects with the ids of its names.
type objectRow struct {
	n, issuer, source, kind, marking, verdict int64
}

func (s *Store) objectsPage(ctx context.Context, f Filter, after int64, limit int) (out []Stored, last int64, err error) {
	var w where
	w.add(true, "objects.n > ?", after)
	w.add(true, "objects.id <> ?", "") // of what was erased there is nothing to tell
	w.add(f.Issuer != "", "issuer"+named, f.Issuer)
	w.add(f.Type != "", "type"+named, f.Type)
	w.add(f.Source != "", "entries.source"+named, f.Source)
	w.add(f.After != 0, "best > ?", int64(f.After))
	w.add(!f.ExpiresBy.IsZero(), "expires BETWEEN 1 AND ?", micros(f.ExpiresBy))
	w.add(f.ID != "", "objects.id = ?", f.ID)
	if f.ID != "" && f.Issuer != "" {
		// The chain of the id leads to its few rows.
		s.memory.mu.RLock()
		head := s.memory.ids[keyOfID(f.Issuer, f.ID)]
		s.memory.mu.RUnlock()
		w.add(true, `objects.n IN (WITH RECURSIVE chain (n) AS (VALUES (?) UNION ALL SELECT prev FROM objects JOIN chain USING (n) WHERE prev <> 0) SELECT n FROM chain)`, int64(head))
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT objects.n, issuer, digest, id, version, type, best, entries.source, first.at, entries.jti, expires, revoked, marking, verdict
		FROM objects JOIN entries ON entries.seq = best JOIN entries first ON first.seq = objects.seq`+w.String()+" ORDER BY objects.n LIMIT ?", append(slices.Clip(w.args), limit)...)
	if err != nil {
		return nil, 0, err
	}
	var refs []objectRow
	for rows.Next() {
		var o Stored
		var r objectRow
		var digest []byte
		var at, expires int64
		if err := rows.Scan(&r.n, &r.issuer, &digest, &o.ID, &o.Version, &r.kind, &o.LogSeq, &r.source, &at, &o.JTI, &expires, &o.Revoked, &r.marking, &r.verdict); err != nil {
			return nil, 0, closeRows(rows, err)
		}
		copy(o.Digest[:], digest)
		o.At, o.Expires = fromMicros(at), fromMicros(expires)
		out, refs = append(out, o), append(refs, r)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, 0, err
	}
	for i := range out {
		if err := s.complete(ctx, &out[i], &refs[i]); err != nil {
			return nil, 0, err
		}
		last = refs[i].n
	}
	return out, last, nil
}

// complete fills in the names and the withdrawal of an object.
func (s *Store) complete(ctx context.Context, o *Stored, r *objectRow) (err error) {
	var verdict string
	for id, into := range map[*int64]*string{&r.issuer: &o.Issuer, &r.source: &o.Source, &r.kind: &o.Type, &r.marking: &o.Marking, &r.verdict: &verdict} {
		if *into, err = s.names.text(ctx, s.readDB, *id); err != nil {
			return err
		}
	}
	o.Verdict = federation.Verdict(verdict)
	s.memory.mu.RLock()
	key := s.memory.masks[o.Issuer].of(&o.Digest)
	gone := s.memory.gone.get(&key)
	s.memory.mu.RUnlock()
	if gone == 0 {
		return nil
	}
	w, err := s.withdrawal(ctx, int64(gone))
	o.Withdrawal = &w
	return err
}

// Recipient is one recorded sending of an object to a peer.
type Recipient struct {
	Peer    string
	LogSeq  uint64
	LinkSeq uint64
	Root    string
	Verdict federation.Verdict // Share or Redact
	At      time.Time
	// Acknowledged says that a receipt was recorded, AcknowledgedAt when. The
	// counts are of the whole message that the object was in.
	Acknowledged                     bool
	AcknowledgedAt                   time.Time
	Stored, Duplicate, Held, Refused int
	Reason                           federation.Reason
	// Replaced: the peer asked for the frame again before a receipt came. It
	// may still have read it.
	Replaced bool
}

// Recipients returns every recorded sending of an object, the oldest first.
func (s *Store) Recipients(ctx context.Context, issuer string, digest [32]byte) ([]Recipient, error) {
	m := s.memory
	m.mu.RLock()
	key := m.masks[issuer].of(&digest)
	row := m.objects.get(&key)
	m.mu.RUnlock()
	if row == 0 {
		return nil, nil
	}
	return s.sendings(ctx, digest, `WITH ways (way) AS (SELECT seq FROM objects WHERE n = ?1 UNION SELECT seq FROM routes WHERE object = ?1)
		SELECT way FROM ways UNION SELECT resends.seq FROM resends JOIN ways ON refer = way`, int64(row))
}

// sendings returns every recorded sending of a digest out of the log entries
// that a query selects, the oldest first.
func (s *Store) sendings(ctx context.Context, digest [32]byte, entries string, arg int64) ([]Recipient, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT peer.text, variants.seq, link, root, frames.at, deliveries.state, deliveries.acked, stored, duplicate, held, refused,
			coalesce(reason.text, ''), variants.objects
		FROM variants JOIN deliveries ON deliveries.variant = variants.id JOIN frames ON frames.id = deliveries.frame
			JOIN names peer ON peer.id = deliveries.peer LEFT JOIN names reason ON reason.id = deliveries.reason
		WHERE variants.seq IN (`+entries+`)
		ORDER BY frames.id, link`, arg)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Recipient
	for rows.Next() {
		var r Recipient
		var at, state, acked int64
		var list sql.RawBytes
		if err := rows.Scan(&r.Peer, &r.LogSeq, &r.LinkSeq, &r.Root, &at, &state, &acked, &r.Stored, &r.Duplicate, &r.Held, &r.Refused, &r.Reason, &list); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		verdict, ok := inVariant(list, &digest)
		if !ok {
			continue
		}
		r.Verdict = verdict
		r.At, r.AcknowledgedAt = fromMicros(at), fromMicros(acked)
		r.Acknowledged = state == acknowledged || state == replacedAcknowledged
		r.Replaced = state == replaced || state == replacedAcknowledged
		out = append(out, r)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

// Delivery is one message as it was sent to a peer.
type Delivery struct {
	LinkSeq uint64
	Objects int // sent in it
	Gone    int // what it takes back
	// Acknowledged says that a receipt was recorded.
	Acknowledged bool
}

// Sent returns the messages of one frame, named by its root, among those that
// went to a peer with link sequences from first to last, in order.
func (s *Store) Sent(ctx context.Context, peer, root string, first, last uint64) ([]Delivery, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT link, objects, gone, deliveries.state FROM deliveries JOIN frames ON frames.id = deliveries.frame
		WHERE deliveries.peer`+named+` AND link BETWEEN ? AND ? AND root = ? ORDER BY link`, peer, int64(first), int64(last), root)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Delivery
	for rows.Next() {
		var d Delivery
		var state int64
		if err := rows.Scan(&d.LinkSeq, &d.Objects, &d.Gone, &state); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		d.Acknowledged = state == acknowledged || state == replacedAcknowledged
		out = append(out, d)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

// Pull is the last entry of the log from one source.
type Pull struct {
	Source  string
	LogSeq  uint64
	LinkSeq uint64
	Cursor  []byte
	At      time.Time
}

// Pulls returns the last entry from each source, ordered by source.
func (s *Store) Pulls(ctx context.Context) ([]Pull, error) {
	rows, err := s.readDB.QueryContext(ctx, "SELECT names.text, seq, link, cursor, at FROM pulls JOIN names ON names.id = source ORDER BY names.text")
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Pull
	for rows.Next() {
		var p Pull
		var at int64
		if err := rows.Scan(&p.Source, &p.LogSeq, &p.LinkSeq, &p.Cursor, &at); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		p.At = fromMicros(at)
		out = append(out, p)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}
