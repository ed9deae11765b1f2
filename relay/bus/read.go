package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Limits of one Read: JetStream answers at most that many messages, and what it
// sends at once has to fit into what the server lets wait for a connection,
// together with a read of the other stream: see maxWaiting.
const (
	maxRead      = 1000
	maxReadBytes = 4 << 20
)

// readTimeout is how long an answer to a read is waited for when the caller
// sets no nearer end.
const readTimeout = 10 * time.Second

// Headers and status values of JetStream's direct get (ADR-31).
const (
	headerSeq     = "Nats-Sequence"
	headerSubject = "Nats-Subject"
	headerTime    = "Nats-Time-Stamp"
	headerStatus  = "Status"
	statusEnd     = "204" // end of a batch
	statusNone    = "404"
)

// Read returns records from sequence from on, in order: at most max of them,
// and no more than about maxBytes of data but at least one record. It does not
// wait: an empty answer means that nothing is stored at or after from. The
// records of one Append are seen all or not at all.
func (s *Stream) Read(ctx context.Context, from uint64, max, maxBytes int) ([]Stored, error) {
	return s.read(ctx, from, "", max, maxBytes)
}

// ReadOf reads as Read does the records of one subject alone.
func (s *Stream) ReadOf(ctx context.Context, name string, from uint64, max, maxBytes int) ([]Stored, error) {
	if !subject.MatchString(name) {
		return nil, fmt.Errorf("bus: read %q of %s: not a subject", name, s.name)
	}
	return s.read(ctx, from, fmt.Sprintf(`,"next_by_subj":%q`, s.prefix+name), max, maxBytes)
}

func (s *Stream) read(ctx context.Context, from uint64, only string, max, maxBytes int) ([]Stored, error) {
	if max <= 0 || max > maxRead {
		max = maxRead
	}
	if maxBytes <= 0 || maxBytes > maxReadBytes {
		maxBytes = maxReadBytes
	}
	if from == 0 {
		from = 1
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return nil, fmt.Errorf("bus: read %s: %w", s.name, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	inbox := s.nc.NewInbox()
	sub, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("bus: read %s: %w", s.name, err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // fails on a closed connection only, which the read itself tells
	ask := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d%s}`, from, max, maxBytes, only)
	if err := s.nc.PublishRequest(s.api+".DIRECT.GET."+s.name, inbox, ask); err != nil {
		return nil, fmt.Errorf("bus: read %s: %w", s.name, err)
	}
	return s.collect(ctx, sub, from)
}

// collect takes the messages of one answer until its end.
func (s *Stream) collect(ctx context.Context, sub *nats.Subscription, from uint64) ([]Stored, error) {
	var out []Stored
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("bus: read %s from %d: %w", s.name, from, err)
		}
		switch status := m.Header.Get(headerStatus); status {
		case "":
		case statusEnd, statusNone:
			return out, nil
		default:
			return nil, fmt.Errorf("bus: read %s from %d: JetStream says %s %s", s.name, from, status, m.Header.Get("Description"))
		}
		r, err := s.stored(m)
		if err != nil {
			return nil, err
		}
		if r.Seq < from {
			return nil, fmt.Errorf("bus: read %s: record %d came where %d or later was due", s.name, r.Seq, from)
		}
		from = r.Seq + 1
		out = append(out, r)
	}
}

// stored reads what a direct get says about a message in its headers.
func (s *Stream) stored(m *nats.Msg) (Stored, error) {
	seq, err := strconv.ParseUint(m.Header.Get(headerSeq), 10, 64)
	if err != nil {
		return Stored{}, fmt.Errorf("bus: read %s: sequence: %w", s.name, err)
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(headerTime))
	if err != nil {
		return Stored{}, fmt.Errorf("bus: read %s: time of record %d: %w", s.name, seq, err)
	}
	name, ok := strings.CutPrefix(m.Header.Get(headerSubject), s.prefix)
	if !ok {
		return Stored{}, fmt.Errorf("bus: read %s: record %d has the foreign subject %q", s.name, seq, m.Header.Get(headerSubject))
	}
	return Stored{Seq: seq, Subject: name, Time: at, Data: m.Data}, nil
}

// Last returns the last record of subject, and whether there is one. It asks
// the stream's leader, so that after [ErrUnknown] it tells what was stored.
func (s *Stream) Last(ctx context.Context, name string) (Stored, bool, error) {
	if !subject.MatchString(name) {
		return Stored{}, false, fmt.Errorf("bus: last record of %q in %s: not a subject", name, s.name)
	}
	var answer struct {
		Message *struct {
			Seq  uint64    `json:"seq"`
			Data []byte    `json:"data"`
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	code, err := s.ask(ctx, "STREAM.MSG.GET", map[string]any{"last_by_subj": s.prefix + name}, &answer)
	switch {
	case code == codeNoMessage:
		return Stored{}, false, nil
	case err != nil:
		return Stored{}, false, fmt.Errorf("bus: last record of %s in %s: %w", name, s.name, err)
	case answer.Message == nil:
		return Stored{}, false, fmt.Errorf("bus: last record of %s in %s: JetStream answered without a message", name, s.name)
	}
	a := answer.Message
	return Stored{Seq: a.Seq, Subject: name, Time: a.Time.UTC(), Data: a.Data}, true, nil
}

// Delete overwrites and removes one record; it is no error when it is gone.
func (s *Stream) Delete(ctx context.Context, seq uint64) error {
	var answer struct {
		Success bool `json:"success"`
	}
	code, err := s.ask(ctx, "STREAM.MSG.DELETE", map[string]any{"seq": seq}, &answer)
	if code == codeNoSequence || code == codeNotDeleted && strings.Contains(err.Error(), server.ErrStoreMsgNotFound.Error()) {
		return nil
	}
	if err == nil && !answer.Success {
		err = errors.New("JetStream did not do it")
	}
	if err != nil {
		return fmt.Errorf("bus: delete record %d from %s: %w", seq, s.name, err)
	}
	return nil
}

// ask sends one request to the JetStream API about this stream and reads the
// answer. The code is that of JetStream's error, 0 if there was none.
func (s *Stream) ask(ctx context.Context, verb string, request, answer any) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return 0, err
	}
	m, err := s.nc.RequestWithContext(ctx, s.api+"."+verb+"."+s.name, body)
	if err != nil {
		return 0, err
	}
	var fault struct {
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &fault); err != nil {
		return 0, err
	}
	if fault.Error != nil {
		return fault.Error.Code, fmt.Errorf("%s (JetStream error %d)", fault.Error.Description, fault.Error.Code)
	}
	return 0, json.Unmarshal(m.Data, answer)
}

// Purge removes all records before a sequence, at once.
func (s *Stream) Purge(ctx context.Context, before uint64) error {
	var answer struct {
		Success bool `json:"success"`
	}
	if _, err := s.ask(ctx, "STREAM.PURGE", map[string]any{"seq": before}, &answer); err != nil {
		return fmt.Errorf("bus: purge %s before %d: %w", s.name, before, err)
	}
	if !answer.Success {
		return fmt.Errorf("bus: purge %s before %d: JetStream did not do it", s.name, before)
	}
	return nil
}
