package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/bus"
)

// Bounds of one atomic batch. A frame makes at most maxJobEntries entries, so
// two jobs always fit; the bytes keep a commit's sync within tens of
// milliseconds on ordinary disks.
const (
	maxJobEntries  = bus.MaxBatch / 2
	maxBatchBytes  = 16 << 20
	appendDeadline = 20 * time.Second
)

// logStream is what the committer needs of the log.
type logStream interface {
	Append(ctx context.Context, records []bus.Record) (last uint64, err error)
	Last(ctx context.Context, subject string) (bus.Stored, bool, error)
	Read(ctx context.Context, from uint64, max, maxBytes int) ([]bus.Stored, error)
}

// job is one unit of commit: the entries of one source that must be stored
// together or not at all, unless they may stand apart.
type job struct {
	source string
	// apart: what is stored of it may be a part of its entries, from the first
	// on; the rest is then asked for again.
	apart bool
	// build makes the entries. It runs in the committer, one job at a time,
	// so that what v shows cannot change before they are stored.
	build func(v *view) ([]*entry, error)
	done  chan result
}

// result is what became of a job. Seqs are the log sequences of its entries.
type result struct {
	entries []*entry
	seqs    []uint64
	err     error
}

// committer is the one writer of the log: it groups frames, intake and
// releases of all sources into atomic batches.
type committer struct {
	log    logStream
	index  seenIndex
	stored func(seqs []uint64, entries []*entry) // called in log order after each commit
	slog   *slog.Logger
	fault  func(step string) // see Options.Fault
	read   func(ctx context.Context, seq uint64) (*envelope.Verified, error)
	mark   func(issuer, id string) half

	jobs chan job
	last map[string]uint64 // sequence of the last entry of each source, as far as known

	end    uint64 // up to which stored was told of every entry
	unsure bool   // the log may hold more than that, see catchUp
}

func newCommitter(log logStream, index seenIndex, logger *slog.Logger, stored func([]uint64, []*entry)) *committer {
	return &committer{log: log, index: index, stored: stored, slog: logger, fault: func(string) {}, jobs: make(chan job), last: map[string]uint64{}}
}

// commit hands a job to the committer and waits until it is stored, refused,
// or ctx ends. After ctx ended the job may still be stored.
func (c *committer) commit(ctx context.Context, source string, build func(*view) ([]*entry, error)) (result, error) {
	return c.do(ctx, job{source: source, build: build, done: make(chan result, 1)})
}

// do is commit of a job.
func (c *committer) do(ctx context.Context, j job) (result, error) {
	select {
	case c.jobs <- j:
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
	select {
	case r := <-j.done:
		return r, r.err
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
}

// run works until ctx ends.
func (c *committer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-c.jobs:
			c.batch(ctx, &built{job: j})
		}
	}
}

// built is a job on its way into a batch.
type built struct {
	job
	entries []*entry
	records []bus.Record
	bytes   int
}

// batch commits first and what else waits, as far as it fits.
func (c *committer) batch(ctx context.Context, first *built) {
	if c.unsure {
		if err := c.catchUp(ctx, math.MaxUint64); err != nil {
			first.done <- result{err: fmt.Errorf("the log does not say what it stored last: %w", err)}
			return
		}
		c.unsure = false
	}
	id := uuid.NewString()
	v := newView(c.index)
	v.mark = c.mark
	v.read = func(seq uint64) (*envelope.Verified, error) { return c.read(ctx, seq) }
	var members []*built
	records, size := 0, 0
	for next := first; next != nil; {
		if err := c.build(ctx, next, v, id); err != nil {
			next.done <- result{err: err}
		} else {
			members = append(members, next)
			records += len(next.records)
			size += next.bytes
		}
		if records > bus.MaxBatch-maxJobEntries || size > maxBatchBytes {
			break
		}
		next = nil
		select {
		case j := <-c.jobs:
			next = &built{job: j}
		default:
		}
	}
	c.store(ctx, id, members)
}

// build makes a job's entries and records, and lets v see them.
func (c *committer) build(ctx context.Context, b *built, v *view, id string) error {
	entries, err := b.job.build(v)
	if err != nil {
		return err
	}
	if len(entries) > maxJobEntries {
		return fmt.Errorf("%d log entries in one commit, at most %d fit: the caller must split", len(entries), maxJobEntries)
	}
	for _, e := range entries {
		e.Batch = id
		data, err := e.encode()
		if err != nil {
			return err
		}
		b.bytes += len(data)
		b.records = append(b.records, bus.Record{Subject: e.Source, Data: data})
	}
	b.entries = entries
	v.add(entries)
	return nil
}

// store appends the members' records as one batch, finds out what happened
// when the answer got lost, and tells every member.
func (c *committer) store(ctx context.Context, id string, members []*built) {
	var records []bus.Record
	for _, m := range members {
		records = append(records, m.records...)
	}
	switch {
	case len(records) == 0:
		for _, m := range members {
			m.done <- result{}
		}
		return
	case len(records) > 1 && len(records) <= bus.Few && !slices.ContainsFunc(members, (*built).together):
		c.storeApart(ctx, id, members)
		return
	}
	c.fault(stepBeforeCommit)
	last, err := c.append(ctx, id, records)
	c.fault(stepAfterCommit)
	seq := last - uint64(len(records)) + 1
	if err == nil && c.end != 0 && seq > c.end+1 {
		// What was given up as not stored came late, and stands before this.
		err = c.catchUp(ctx, seq-1)
	}
	if err != nil {
		c.fail(members, err)
		return
	}
	for _, m := range members {
		c.tell(m, seq)
		seq += uint64(len(m.entries))
	}
}

// together reports whether a member's entries have to be stored in one batch.
func (b *built) together() bool { return len(b.records) > 1 && !b.apart }

// storeApart stores few records one by one, which is faster, see [bus.Few]. A
// member is told of when all its entries are stored; after a fault, what is
// stored of it is found before the next commit, like all else that failed.
func (c *committer) storeApart(ctx context.Context, id string, members []*built) {
	for i, m := range members {
		c.fault(stepBeforeCommit)
		first := uint64(0)
		for k := range m.records {
			seq, err := c.append(ctx, id, m.records[k:k+1])
			switch {
			case err != nil:
			case k > 0 && seq != first+uint64(k):
				err = errors.New("something that was given up as not stored came between the entries of a commit")
			case k == 0 && c.end != 0 && seq > c.end+1:
				err = c.catchUp(ctx, seq-1)
			}
			if err != nil {
				c.fail(members[i:], err)
				return
			}
			if k == 0 {
				first = seq
			}
			c.last[m.records[k].Subject] = seq
		}
		c.fault(stepAfterCommit)
		c.tell(m, first)
	}
}

// fail tells members that they are not stored, as far as known.
func (c *committer) fail(members []*built, err error) {
	c.unsure = true
	c.slog.Error("log commit failed; what of it is stored after all is found before the next one", "commits", len(members), "error", err)
	for _, m := range members {
		m.done <- result{err: err}
	}
}

// tell tells a member and the node that it is stored from a sequence on.
func (c *committer) tell(m *built, seq uint64) {
	r := result{entries: m.entries, seqs: make([]uint64, len(m.entries))}
	for i, e := range m.entries {
		r.seqs[i] = seq
		c.last[e.Source] = seq
		c.end = seq
		seq++
	}
	if len(r.entries) > 0 {
		c.stored(r.seqs, r.entries)
	}
	m.done <- r
}

// append writes one batch. Each source's first record states which entry of
// that source must be the last, so that a commit whose fate is unknown can
// never be doubled by the next.
func (c *committer) append(ctx context.Context, id string, records []bus.Record) (uint64, error) {
	marked := map[string]bool{}
	for i := range records {
		subject := records[i].Subject
		if marked[subject] {
			continue
		}
		marked[subject] = true
		seq, err := c.lastOf(ctx, subject)
		if err != nil {
			return 0, err
		}
		records[i].ExpectLastSubject = &seq
	}
	actx, cancel := context.WithTimeout(ctx, appendDeadline)
	defer cancel()
	last, err := c.log.Append(actx, records)
	if err == nil {
		return last, nil
	}
	return c.fate(ctx, id, records, err)
}

// fate asks the log whether a batch whose append failed was stored after all:
// the last entry of its last subject then carries the batch's id. When the
// log does not answer either, the sources' positions are forgotten and read
// anew before the next commit.
func (c *committer) fate(ctx context.Context, id string, records []bus.Record, failed error) (uint64, error) {
	for _, r := range records {
		delete(c.last, r.Subject)
	}
	fctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendDeadline)
	defer cancel()
	final := records[len(records)-1].Subject
	st, ok, err := c.log.Last(fctx, final)
	if err != nil {
		return 0, errors.Join(failed, fmt.Errorf("and the log cannot say whether it was stored: %w", err))
	}
	if !ok {
		return 0, failed
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return 0, errors.Join(failed, err)
	}
	if e.Batch != id || st.Seq <= before(records, final) {
		return 0, failed
	}
	c.slog.Warn("a log commit was answered with an error but is stored", "error", failed)
	return st.Seq, nil
}

// before is the sequence that the last entry of a subject had to have for
// records to be stored.
func before(records []bus.Record, subject string) uint64 {
	for _, r := range records {
		if r.Subject == subject && r.ExpectLastSubject != nil {
			return *r.ExpectLastSubject
		}
	}
	return 0
}

func (c *committer) lastOf(ctx context.Context, source string) (uint64, error) {
	if seq, ok := c.last[source]; ok {
		return seq, nil
	}
	st, ok, err := c.log.Last(ctx, source)
	if err != nil {
		return 0, err
	}
	if ok {
		c.last[source] = st.Seq
	}
	return st.Seq, nil
}
