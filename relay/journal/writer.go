package journal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
)

var (
	// ErrUnknown says that it is not known whether a record is or will be
	// stored. The same record appended again is not stored twice.
	ErrUnknown = errors.New("not known whether the record is stored")
	// ErrForeign says that someone else writes to the stream.
	ErrForeign = errors.New("another writer appends to this journal")
	// ErrClosed says that the writer was closed.
	ErrClosed = errors.New("the journal is closed")
)

const (
	// maxBatchBytes bounds a batch, so that it fits in what a server takes.
	maxBatchBytes = 8 << 20
	// attempts is how often a batch is tried before its callers are told.
	attempts = 3
	// firstPause and lastPause bound the pause between attempts.
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
	// attemptLimit bounds one attempt and one reading of the end.
	attemptLimit = 10 * time.Second
	// maxOrphans bounds what is remembered of records whose callers left
	// without an answer.
	maxOrphans = 10_000
)

// Options are the settings of a writer. The zero value works.
type Options struct {
	// MaxBatch is the most records of a batch (default 500; a NATS server
	// takes 1,000).
	MaxBatch int
	// Few is up to how many waiting records are faster stored one after the
	// other than together (default 0: all that wait go together). Records of one
	// call always do.
	Few int
	// OnStored is called with each batch once it is stored, in order and as
	// it will be read, before the callers hear of it. It must not append.
	OnStored func([]*Record)
	// Logger is told of writes that fail. Nil: nobody.
	Logger *slog.Logger
}

// Writer appends records to a journal. Many goroutines may use it at once.
type Writer struct {
	log  Log
	o    Options
	stop context.CancelFunc
	done chan struct{} // closed when run ends
	wake chan struct{} // there may be something in queue

	mu      sync.Mutex
	queue   []*request
	orphans map[Digest][]*request // left by their callers, see unchained
	head    Head
	busy    bool          // a batch is being written
	idle    chan struct{} // closed and renewed when one is done with
	closed  bool
	fatal   error // nothing can be written any more
}

// request is what one caller wants stored, together, on its way.
type request struct {
	data    [][]byte // encoded; Prev is filled in by the writer
	records []*Record
	size    int           // bytes of data
	written bool          // taken from the queue; guarded by Writer.mu
	trouble chan error    // tells a caller that waits that it may be long
	done    chan struct{} // closed when answered
	seq     uint64        // of the last record
	err     error
}

// newRequest encodes records and checks that they fit in one batch.
func (w *Writer) newRequest(rs []*Record) (*request, error) {
	req := &request{data: make([][]byte, len(rs)), records: make([]*Record, len(rs)), trouble: make(chan error, 1), done: make(chan struct{})}
	for i, r := range rs {
		var err error
		if req.data[i], req.records[i], err = encode(r); err != nil {
			return nil, err
		}
		req.size += len(req.data[i])
	}
	if len(rs) > w.o.MaxBatch || req.size > maxBatchBytes {
		return nil, &federation.Refusal{Reason: federation.TooLarge, Where: "journal records",
			Detail: fmt.Sprintf("%d records of %d bytes, at most %d of %d fit together", len(rs), req.size, w.o.MaxBatch, maxBatchBytes), Hint: "append them in parts"}
	}
	return req, nil
}

// batch is what is being written. While it is not known whether it is stored,
// nothing else is written, and what is tried again are the same bytes: so two
// records never follow from the same one.
type batch struct {
	requests []*request
	records  [][]byte
	head     Head // once it is stored; Seq is not known before
}

// NewWriter reads the end of the journal and returns a writer that continues it.
func NewWriter(ctx context.Context, log Log, o Options) (*Writer, error) {
	if o.MaxBatch <= 0 {
		o.MaxBatch = 500
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	last, ok, err := log.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal: reading its end: %w", err)
	}
	w := &Writer{log: log, o: o, done: make(chan struct{}), wake: make(chan struct{}, 1), idle: make(chan struct{}), orphans: make(map[Digest][]*request)}
	if ok {
		if _, err := last.decode(); err != nil {
			return nil, err
		}
		w.head = Head{Seq: last.Seq, Hash: sha256.Sum256(last.Data)}
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	go w.run(life)
	return w, nil
}

// Append writes records and returns the sequence of the last when they are
// stored for good: all of them, next to each other, or none. At must be set;
// Seq, Ver and Prev are not looked at. The records must not be changed any more.
// At most [Options.MaxBatch] records and 8 MiB go together.
//
// When ctx ends first, or the log fails several times in a row, the error says
// whether they may be stored: if so it is ErrUnknown, and appending the same
// records again finds out. An error without ErrUnknown means that they are not.
func (w *Writer) Append(ctx context.Context, rs ...*Record) (last uint64, err error) {
	if len(rs) == 0 {
		return 0, badRecord("records", "there are none")
	}
	req, err := w.newRequest(rs)
	if err != nil {
		return 0, err
	}
	if req, err = w.enqueue(req); err != nil {
		return 0, err
	}
	select {
	case <-req.done:
		return req.seq, req.err
	case why := <-req.trouble:
		return w.leave(req, why)
	case <-ctx.Done():
		return w.leave(req, ctx.Err())
	}
}

// enqueue puts req in the queue, or returns the orphan with the same records.
func (w *Writer) enqueue(req *request) (*request, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fatal != nil {
		return nil, fmt.Errorf("journal: %w", w.fatal)
	}
	if w.closed {
		return nil, fmt.Errorf("journal: %w", ErrClosed)
	}
	if len(w.orphans) > 0 {
		if orphan := w.adopt(unchained(req.data)); orphan != nil {
			return orphan, nil
		}
	}
	w.queue = append(w.queue, req)
	w.signal()
	return req, nil
}

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// leave ends a caller's wait: a request that is still in the queue is taken
// out, one that was handed to the log becomes an orphan.
func (w *Writer) leave(req *request, why error) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-req.done: // the answer came meanwhile
		return req.seq, req.err
	default:
	}
	if !req.written {
		for i := range w.queue {
			if w.queue[i] == req {
				w.queue = append(w.queue[:i], w.queue[i+1:]...)
				break
			}
		}
		return 0, fmt.Errorf("journal: not written: %w", why)
	}
	w.orphan(req)
	return 0, fmt.Errorf("journal: %w: %w", ErrUnknown, why)
}

// orphan remembers a request whose caller does not know what became of it. The
// caller holds the lock.
func (w *Writer) orphan(req *request) {
	if len(w.orphans) >= maxOrphans {
		// Those that are answered have waited longest to be asked for; the
		// others are at most one batch.
		for key, reqs := range w.orphans {
			if reqs[0].answered() {
				delete(w.orphans, key)
			}
		}
	}
	key := unchained(req.data)
	w.orphans[key] = append(w.orphans[key], req)
}

// adopt returns an orphan to a caller who asks again, nil if there is none. The
// caller holds the lock.
func (w *Writer) adopt(key Digest) *request {
	reqs := w.orphans[key]
	if len(reqs) == 0 {
		return nil
	}
	if len(reqs) == 1 {
		delete(w.orphans, key)
	} else {
		w.orphans[key] = reqs[1:]
	}
	reqs[0].trouble = make(chan error, 1) // what was in it is of before
	return reqs[0]
}

// unchained is a digest of records without the place in the chain that they
// may have been given.
func unchained(records [][]byte) Digest {
	h := sha256.New()
	for _, data := range records {
		h.Write([]byte(prefix))
		h.Write(data[len(prefix)+digestText:])
	}
	return Digest(h.Sum(nil))
}

// Head returns the end of the chain as far as it is known to be stored.
func (w *Writer) Head() Head {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head
}

// Settle waits until nothing is in hand, and returns the end of the chain then.
// What callers left without an answer is stored by then, too, or never will be.
func (w *Writer) Settle(ctx context.Context) (Head, error) {
	for {
		w.mu.Lock()
		head, waits, idle, fatal := w.head, w.busy || len(w.queue) > 0, w.idle, w.fatal
		w.mu.Unlock()
		switch {
		case fatal != nil:
			return head, fmt.Errorf("journal: %w", fatal)
		case !waits:
			return head, nil
		}
		select {
		case <-idle:
		case <-w.done:
			return head, fmt.Errorf("journal: %w", ErrClosed)
		case <-ctx.Done():
			return head, ctx.Err()
		}
	}
}

// rest says that no batch is being written. The caller holds the lock.
func (w *Writer) rest() {
	w.busy = false
	close(w.idle)
	w.idle = make(chan struct{})
}

// Close takes no more records and waits until those in hand are stored, until
// storing them fails, or until ctx ends; the callers of what is not stored are
// told.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
	defer w.stop()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		w.stop()
		<-w.done
		return ctx.Err()
	}
}
