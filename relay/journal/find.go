package journal

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// Query selects records; zero fields select all.
type Query struct {
	// ObjectID and Digest select what says something about one object.
	ObjectID string
	Digest   Digest
	// Peer selects what came from, went to or is about one peer.
	Peer  string
	Kinds []Kind
	// From and To select From <= At < To.
	From, To time.Time
	// Before, if set, begins the search below this sequence.
	Before uint64
	// Limit is the most records found (default 100), Scan the most looked at
	// (default 50,000).
	Limit, Scan int
}

// Found is the result of a search, the newest record first. Next, if not 0, is
// the Before with which the search goes on: it ended at a bound, not at the
// beginning of the journal.
type Found struct {
	Records []*Record
	Scanned int
	Next    uint64
}

// Find searches backwards from the end. It reads the records themselves, and
// most of them only far enough to see that they do not name what is asked for;
// an index over the journal can answer the same query.
func Find(ctx context.Context, r Reader, q Query) (Found, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	if q.Scan <= 0 {
		q.Scan = 50_000
	}
	var found Found
	first, end, err := extent(ctx, r, q.Before)
	if err != nil {
		return found, err
	}
	hint := q.hint()
	for end > first {
		begin := max(first, end-min(end, readAhead))
		records, err := readRange(ctx, r, begin, end)
		if err != nil {
			return found, err
		}
		for _, s := range slices.Backward(records) {
			if found.Scanned == q.Scan || len(found.Records) == q.Limit {
				found.Next = s.Seq + 1
				return found, nil
			}
			found.Scanned++
			if !bytes.Contains(s.Data, hint) {
				continue
			}
			rec, err := s.decode()
			if err != nil {
				return found, err
			}
			if q.matches(rec) {
				found.Records = append(found.Records, rec)
			}
		}
		end = begin
	}
	return found, nil
}

// extent returns the first sequence there is and the end below which to begin.
func extent(ctx context.Context, r Reader, before uint64) (first, end uint64, err error) {
	last, ok, err := r.Last(ctx)
	if err != nil || !ok {
		return 0, 0, wrapRead(err)
	}
	oldest, err := r.Read(ctx, 1, 1)
	if err != nil || len(oldest) == 0 {
		return 0, 0, wrapRead(err)
	}
	end = last.Seq + 1
	if before != 0 {
		end = min(end, before)
	}
	return oldest[0].Seq, end, nil
}

func wrapRead(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("journal: reading: %w", err)
}

// readRange reads the records from begin on and before end.
func readRange(ctx context.Context, r Reader, begin, end uint64) ([]Stored, error) {
	var out []Stored
	for begin < end {
		records, err := r.Read(ctx, begin, int(end-begin))
		if err != nil {
			return nil, wrapRead(err)
		}
		if len(records) == 0 {
			break
		}
		for _, s := range records {
			if s.Seq < end {
				out = append(out, s)
			}
		}
		begin = records[len(records)-1].Seq + 1
	}
	return out, nil
}

// hint is a text that every record of interest contains as it lies in the
// stream. Ids and tokens need no escaping in JSON.
func (q *Query) hint() []byte {
	switch {
	case q.ObjectID != "":
		return []byte(q.ObjectID)
	case q.Digest != Digest{}:
		text, _ := q.Digest.AppendText(nil) // never fails
		return text
	case q.Peer == "" && len(q.Kinds) == 1:
		return []byte(`"` + q.Kinds[0] + `":{`)
	default:
		return []byte(q.Peer)
	}
}

func (q *Query) matches(r *Record) bool {
	switch {
	case len(q.Kinds) > 0 && !slices.Contains(q.Kinds, r.Kind()):
		return false
	case !q.From.IsZero() && r.At.Before(q.From), !q.To.IsZero() && !r.At.Before(q.To):
		return false
	case q.Peer != "" && r.peer() != Token(q.Peer):
		return false
	case q.ObjectID == "" && q.Digest == Digest{}:
		return true
	}
	return r.names(ID(q.ObjectID), q.Digest)
}

// peer is the peer that a record is about, "" if it is about none.
func (r *Record) peer() Token {
	switch {
	case r.Intake != nil:
		return r.Intake.Source
	case r.Sent != nil:
		return r.Sent.Peer
	case r.Observed != nil:
		return r.Observed.Peer
	case r.Receipt != nil:
		return r.Receipt.Peer
	case r.Settle != nil:
		return r.Settle.Peer
	case r.Link != nil:
		return r.Link.Peer
	case r.Peer != nil:
		return r.Peer.Peer
	}
	return ""
}

// names reports whether a record says something about the object with this id
// or digest (both, where both are asked for).
func (r *Record) names(id ID, digest Digest) bool {
	is := func(i ID, d Digest) bool {
		return (id == "" || i == id) && (digest == Digest{} || d == digest)
	}
	back := func(g Gone) bool { return is("", g.Digest) }
	switch {
	case r.Intake != nil:
		return slices.ContainsFunc(r.Intake.Objects, func(o IntakeObject) bool { return is(o.ID, o.Digest) }) || slices.ContainsFunc(r.Intake.Gone, back) ||
			slices.ContainsFunc(r.Intake.Erased, func(x Erased) bool { return is("", x.Digest) })
	case r.Sent != nil || r.Observed != nil:
		s := r.Sent
		if s == nil {
			s = r.Observed
		}
		return slices.ContainsFunc(s.Messages, func(m SentMessage) bool {
			return slices.ContainsFunc(m.Objects, func(o SentObject) bool { return is(o.ID, o.Digest) }) || slices.ContainsFunc(m.Gone, back)
		})
	case r.Settle != nil:
		return is(r.Settle.ID, r.Settle.Digest)
	}
	return false
}
