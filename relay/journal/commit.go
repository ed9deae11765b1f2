package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"
)

// run writes batch after batch until the writer is closed. What came while
// one batch was being synced is the next: under load many callers share one
// sync, and a lone caller waits for nobody.
func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	for {
		b := w.next(ctx)
		if b == nil {
			break
		}
		w.write(ctx, b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	why := fmt.Errorf("journal: %w", ErrClosed)
	if w.fatal != nil {
		why = fmt.Errorf("journal: %w", w.fatal)
	}
	for _, req := range w.queue {
		req.answer(0, why)
	}
	w.queue = nil
}

// next waits for records and returns them chained, nil when there is nothing
// more to write.
func (w *Writer) next(ctx context.Context) *batch {
	for {
		if b := w.take(); b != nil {
			return b
		}
		if w.ended() {
			return nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// ended reports whether no more records will come.
func (w *Writer) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fatal != nil || w.closed
}

// take removes a batch from the queue and chains it.
func (w *Writer) take() *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 || w.fatal != nil {
		return nil
	}
	n := w.together()
	b := &batch{requests: append([]*request(nil), w.queue[:n]...), head: w.head}
	w.queue = slices.Delete(w.queue, 0, n)
	w.busy = true
	for _, req := range b.requests {
		req.written = true
		for i, data := range req.data {
			chain(data, b.head.Hash)
			req.records[i].Prev = b.head.Hash
			b.head.Hash = sha256.Sum256(data)
		}
		b.records = append(b.records, req.data...)
	}
	return b
}

// together says how many requests of the queue are written as one batch. The
// caller holds the lock.
func (w *Writer) together() int {
	n, count, size := 0, 0, 0
	for n < len(w.queue) && (n == 0 || count+len(w.queue[n].data) <= w.o.MaxBatch && size+w.queue[n].size <= maxBatchBytes) {
		count += len(w.queue[n].data)
		size += w.queue[n].size
		n++
	}
	if count <= w.o.Few && len(w.queue[0].data) == 1 {
		return 1
	}
	return n
}

// write stores one batch, however often it takes.
func (w *Writer) write(ctx context.Context, b *batch) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		last, err := w.try(ctx, b)
		if err == nil {
			w.finish(b, last)
			return
		}
		if errors.Is(err, ErrForeign) || w.ended() || ctx.Err() != nil {
			w.abandon(b, err)
			return
		}
		w.o.Logger.Warn("the journal was not written, trying again", "records", len(b.records), "attempt", attempt, "error", err)
		if attempt%attempts == 0 {
			w.tell(b, err)
		}
		select {
		case <-time.After(pause):
			pause = min(pause*2, lastPause)
		case <-ctx.Done():
		}
	}
}

// try appends a batch once, and when that fails finds out whether it is stored
// all the same.
func (w *Writer) try(ctx context.Context, b *batch) (last uint64, err error) {
	after := w.Head().Seq
	limited, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	last, err = w.log.Append(limited, after, b.records)
	if err == nil && last < after+uint64(len(b.records)) {
		err = fmt.Errorf("the log says that %d records after %d end at %d", len(b.records), after, last)
	}
	if err == nil {
		return last, nil
	}
	// The limit of the attempt may be why it failed.
	reading, cancelReading := context.WithTimeout(ctx, attemptLimit)
	defer cancelReading()
	last, stored, rerr := w.find(reading, b, after)
	if rerr != nil {
		return 0, errors.Join(err, rerr)
	}
	if stored {
		w.o.Logger.Warn("a write to the journal was answered with an error but is stored", "records", len(b.records), "error", err)
		return last, nil
	}
	return 0, err
}

// find looks for the batch behind the head.
func (w *Writer) find(ctx context.Context, b *batch, after uint64) (last uint64, stored bool, err error) {
	i := 0
	for s, err := range Entries(ctx, w.log, after+1) {
		if err != nil {
			return 0, false, err
		}
		if i >= len(b.records) || !bytes.Equal(s.Data, b.records[i]) {
			return 0, false, fmt.Errorf("%w: record %d is not ours", ErrForeign, s.Seq)
		}
		last = s.Seq
		i++
	}
	if i != 0 && i != len(b.records) {
		return 0, false, fmt.Errorf("%w: %d of %d records of a batch are stored, up to %d", ErrForeign, i, len(b.records), last)
	}
	return last, i > 0, nil
}

// finish answers a batch that is stored.
func (w *Writer) finish(b *batch, last uint64) {
	b.head.Seq = last
	seq := last - uint64(len(b.records))
	stored := make([]*Record, 0, len(b.records))
	for _, req := range b.requests {
		for _, r := range req.records {
			seq++
			r.Seq = seq
			stored = append(stored, r)
		}
	}
	if w.o.OnStored != nil {
		w.o.OnStored(stored)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest()
	w.head = b.head
	seq = last - uint64(len(b.records))
	for _, req := range b.requests {
		seq += uint64(len(req.data))
		req.data, req.records = nil, nil // an orphan may stay for long
		req.answer(seq, nil)
	}
}

// tell lets the callers know that the log fails. Those of the batch leave with
// ErrUnknown, since it is tried again; those in the queue take their records
// out and know that nothing was written.
func (w *Writer) tell(b *batch, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, reqs := range [...][]*request{b.requests, w.queue} {
		for _, req := range reqs {
			select {
			case req.trouble <- why:
			default: // told before, and nobody is there
			}
		}
	}
}

// abandon ends a batch that will not be tried again, and with it the writer:
// as long as the batch may be stored, nothing else may follow the head.
func (w *Writer) abandon(b *batch, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest()
	if !errors.Is(err, ErrForeign) {
		err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	w.fatal = err
	for _, req := range b.requests {
		req.answer(0, fmt.Errorf("journal: %w: %w", ErrUnknown, err))
	}
}

// answer ends a request.
func (r *request) answer(seq uint64, err error) {
	if r.answered() {
		return
	}
	r.seq, r.err = seq, err
	close(r.done)
}

func (r *request) answered() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
