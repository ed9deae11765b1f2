package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// MaxBatch is the most records one Append takes (nats-server's default limit
// for an atomic batch, ADR-50).
const MaxBatch = 1000

// Few is up to how many records are stored faster by an Append each than by one
// of all, if they need not be stored together: the server stages a batch in files
// of its own. On two cores an Append of one record of 3 KB takes 0.15 ms of CPU
// and 0.25 ms in all, of two to eight 1.1 to 2.5 and 2.2 to 3.7 (BenchmarkFew). It
// would be eight there; where a sync takes longer, it is the syncs that count, of
// which a batch needs about three.
const Few = 5

// MaxRecord is the most bytes of Data in one record; it leaves room for the
// headers within NATS's max_payload of 1 MiB.
const MaxRecord = MaxRequest - 16<<10

// Headers of an atomic batch (ADR-50): every record names the batch and its
// place in it, the last one also commits.
const (
	headerBatch    = "Nats-Batch-Id"
	headerPlace    = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"
	headerExpected = "Nats-Expected-Last-Subject-Sequence"
)

// appendTimeout is how long the answer to a commit is waited for when the
// caller sets no nearer end: a server whose disk fails does not answer at all.
const appendTimeout = 30 * time.Second

// Codes of JetStream errors (nats-server's errors.json).
const (
	codeNoMessage      = 10037
	codeNoSequence     = 10043
	codeNotDeleted     = 10057 // with the store's own words: that it has no such record, or a fault
	codeMemoryFull     = 10028
	codeStorageFull    = 10047
	codeNoResources    = 10023
	codeAccountFull    = 10002
	codeTooBig         = 10054
	codeWrongLast      = 10071
	codeWrongLastConst = 10164
	codeStoreFailed    = 10077
	codeBatchTooLarge  = 10199
)

// Append stores the records as one atomic batch, in order and synced to disk
// before it returns, and returns the sequence of the last. Sequences of a
// batch are consecutive. An error other than [ErrUnknown] means that nothing
// was stored.
func (s *Stream) Append(ctx context.Context, records []Record) (last uint64, err error) {
	if err := s.check(records); err != nil || len(records) == 0 {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	batch := s.batchID + "-" + strconv.FormatUint(s.batches.Add(1), 36)
	for i, r := range records[:len(records)-1] {
		if err := s.nc.PublishMsg(s.message(r, batch, i+1, len(records))); err != nil {
			return 0, fmt.Errorf("bus: append to %s: %w: nothing was stored", s.name, err)
		}
	}
	answer, err := s.nc.RequestMsgWithContext(ctx, s.message(records[len(records)-1], batch, len(records), len(records)))
	if errors.Is(err, nats.ErrNoResponders) {
		return 0, fmt.Errorf("bus: append to %s: JetStream does not answer: nothing was stored", s.name)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: append to %s: %w", ErrUnknown, s.name, err)
	}
	return s.ack(answer.Data, len(records))
}

// check refuses what the server would refuse late, or would not.
func (s *Stream) check(records []Record) error {
	if len(records) > MaxBatch {
		return fmt.Errorf("%w: batch of %d records, the limit is %d: split it", ErrTooLarge, len(records), MaxBatch)
	}
	seen := make(map[string]bool, len(records))
	for i, r := range records {
		if len(r.Data) > MaxRecord {
			return fmt.Errorf("%w: record %d of the batch has %d bytes, the limit is %d", ErrTooLarge, i, len(r.Data), MaxRecord)
		}
		if !subject.MatchString(r.Subject) {
			return fmt.Errorf("bus: append to %s: record %d: %q is no subject: use letters, digits, '-' and '_', in up to 8 parts joined by dots", s.name, i, r.Subject)
		}
		if r.ExpectLastSubject != nil && seen[r.Subject] {
			return fmt.Errorf("bus: append to %s: record %d: subject %s stands earlier in the batch, so its last sequence cannot be expected", s.name, i, r.Subject)
		}
		seen[r.Subject] = true
	}
	return nil
}

// message is the NATS message of one record: place n, from 1, in a batch of
// size. A batch of one is a plain publish, which costs no staging.
func (s *Stream) message(r Record, batch string, n, size int) *nats.Msg {
	m := &nats.Msg{Subject: s.prefix + r.Subject, Data: r.Data}
	if size > 1 {
		m.Header = nats.Header{headerBatch: {batch}, headerPlace: {strconv.Itoa(n)}}
		if n == size {
			m.Header[headerCommit] = []string{"1"}
		}
	}
	if r.ExpectLastSubject != nil {
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		m.Header[headerExpected] = []string{strconv.FormatUint(*r.ExpectLastSubject, 10)}
	}
	return m
}

// ack reads the server's answer to a commit of n records.
func (s *Stream) ack(data []byte, n int) (uint64, error) {
	var a struct {
		Stream string `json:"stream"`
		Seq    uint64 `json:"seq"`
		Count  int    `json:"count"`
		Error  *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return 0, fmt.Errorf("%w: append to %s: answer of the server: %w", ErrUnknown, s.name, err)
	}
	if a.Error != nil {
		return 0, s.refused(a.Error.Code, a.Error.Description)
	}
	if a.Stream != s.name || a.Seq == 0 || (n > 1 && a.Count != n) {
		return 0, fmt.Errorf("%w: append to %s: the server acknowledged %d records of %d, on %q", ErrUnknown, s.name, a.Count, n, a.Stream)
	}
	return a.Seq, nil
}

// refused turns an error of JetStream into one of ours.
func (s *Stream) refused(code int, text string) error {
	kind := errors.New("bus: append refused")
	switch code {
	case codeWrongLast, codeWrongLastConst:
		kind = ErrConflict
	case codeTooBig, codeBatchTooLarge:
		kind = ErrTooLarge
	case codeMemoryFull, codeStorageFull, codeNoResources, codeAccountFull:
		kind = ErrFull
	case codeStoreFailed:
		// The store failed while it wrote: only a limit that was checked
		// before the first byte leaves no doubt.
		kind = ErrUnknown
		if strings.HasPrefix(text, "maximum ") {
			kind = ErrFull
		}
	}
	return fmt.Errorf("%w: stream %s: %s (JetStream error %d)", kind, s.name, text, code)
}
