package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// fakeLog is a sender's log: a Source that sends every message to every peer,
// but for those that a peer may not have.
type fakeLog struct {
	incarnation string
	perFrame    int

	mu       sync.Mutex
	messages []string
	withheld map[int]bool // by index in messages
	first    int          // index of the first message still kept
	grown    chan struct{}
	receipts [][]byte
	refuse   error // answer with this
	frames   int
}

func newFakeLog(incarnation string, perFrame int) *fakeLog {
	return &fakeLog{incarnation: incarnation, perFrame: perFrame, grown: make(chan struct{}), withheld: map[int]bool{}}
}

func (l *fakeLog) add(messages ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages = append(l.messages, messages...)
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *fakeLog) Frame(ctx context.Context, peer string, p Pull) (Frame, error) {
	l.mu.Lock()
	if len(p.Receipt) > 0 {
		l.receipts = append(l.receipts, bytes.Clone(p.Receipt))
	}
	l.mu.Unlock()
	wait := time.NewTimer(p.Wait)
	defer wait.Stop()
	for {
		f, grown, err := l.build(p.At)
		if err != nil || f.Then != (Cursor{}) || p.Wait == 0 {
			return f, err
		}
		select {
		case <-grown:
		case <-wait.C:
			return f, nil
		case <-ctx.Done():
			return f, nil
		}
	}
}

func (l *fakeLog) build(at Cursor) (Frame, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames++
	if l.refuse != nil {
		return Frame{}, nil, l.refuse
	}
	if at.Incarnation != l.incarnation {
		at = Cursor{Incarnation: l.incarnation}
	}
	f := Frame{Incarnation: l.incarnation, FirstSeq: at.Seq + 1, Root: "root"}
	pos := int(at.Pos)
	if pos < l.first {
		f.Gap = &Gap{Until: time.UnixMilli(1000).UTC(), Reason: federation.Expired}
		pos = l.first
	}
	for ; pos < len(l.messages) && len(f.Messages) < l.perFrame; pos++ {
		if !l.withheld[pos] {
			f.Messages = append(f.Messages, []byte(l.messages[pos]))
		}
	}
	f.More = pos < len(l.messages)
	if pos != int(at.Pos) {
		f.Then = Cursor{Incarnation: l.incarnation, Pos: uint64(pos), Seq: at.Seq + uint64(len(f.Messages))}
	}
	return f, l.grown, nil
}

// fakeSink is a receiver's log. What it holds survives a puller, as a disk does.
type fakeSink struct {
	mu       sync.Mutex
	stored   []string
	twice    int // messages that came again and were dropped
	seen     map[string]bool
	position Position
	gaps     []Gap
	commits  int
	// fail is asked at each commit, with its number from 1.
	fail func(n int) fate
	// slow is how long a commit takes.
	slow time.Duration
	// changed gets a token after every commit.
	changed chan struct{}
}

type fate int

const (
	works        fate = iota
	notStored         // fails, and nothing is stored
	storedAnyway      // fails, but everything is stored
)

var errDisk = errors.New("the disk fails")

func newFakeSink() *fakeSink {
	return &fakeSink{seen: map[string]bool{}, changed: make(chan struct{}, 1000), fail: func(int) fate { return works }}
}

func (s *fakeSink) Position(context.Context) (Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position, nil
}

func (s *fakeSink) Commit(ctx context.Context, f Frame) (Receipt, error) {
	if s.slow > 0 {
		time.Sleep(s.slow) // in a bubble, this is a step of its clock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.changed <- struct{}{} }()
	s.commits++
	fate := s.fail(s.commits)
	if fate == notStored {
		return Receipt{}, errDisk
	}
	var r Receipt
	for i, m := range f.Messages {
		o := Outcome{Seq: f.FirstSeq + uint64(i), Stored: 1}
		if s.seen[string(m)] {
			s.twice++
			o = Outcome{Seq: o.Seq, Duplicate: 1}
		} else {
			s.seen[string(m)] = true
			s.stored = append(s.stored, string(m))
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	if f.Gap != nil {
		s.gaps = append(s.gaps, *f.Gap)
	}
	s.position = f.After()
	if fate == storedAnyway {
		return Receipt{}, errDisk
	}
	return r, nil
}

func (s *fakeSink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.stored...)
}

// wire is a Transport that passes requests to a server, unless told otherwise.
type wire struct {
	server *Server
	peer   string // who the server thinks is asking

	mu sync.Mutex
	n  int
	// before decides on request n (from 1): an error loses it.
	before func(n int, req []byte) error
	// after may change or, with an error, lose the answer to request n.
	after func(n int, resp []byte) ([]byte, error)
}

var errCut = errors.New("the link is cut")

func (w *wire) Request(ctx context.Context, req []byte) ([]byte, error) {
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	if w.before != nil {
		if err := w.before(n, req); err != nil {
			return nil, err
		}
	}
	done := make(chan []byte, 1)
	go func() { done <- w.server.Serve(ctx, w.peer, req) }()
	select {
	case resp := <-done:
		if w.after != nil {
			return w.after(n, resp)
		}
		return resp, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rig is a sender aa and a receiver bb that pulls from it.
type rig struct {
	log    *fakeLog
	sink   *fakeSink
	wire   *wire
	puller *Puller
}

func newRig(t *testing.T, perFrame int) *rig {
	t.Helper()
	key, err := NewCursorKey(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{log: newFakeLog("inc-1", perFrame), sink: newFakeSink()}
	server := &Server{Source: r.log, Cursors: key, Incarnation: func() string { return r.log.incarnation }}
	r.wire = &wire{server: server, peer: "bb"}
	r.puller = &Puller{Peer: "aa", Self: "bb", Transport: r.wire, Sink: r.sink, Rand: func() float64 { return 0.5 }}
	return r
}

// fill adds messages m1 to mN.
func (r *rig) fill(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("m%d", i+1))
	}
	r.log.add(all...)
	return all
}

// run pulls until the sink has n messages (or ok says so), then stops.
func (r *rig) run(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.puller.Run(ctx) }()
	for !ok() {
		select {
		case <-r.sink.changed:
		case err := <-ended:
			t.Fatalf("the puller ended: %v (status %+v)", err, r.puller.Status())
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the puller ended with %v", err)
	}
	synctest.Wait() // for the sender's side of the last pull
}

// signer makes a key of a participant and the source that knows it.
func signer(t testing.TB, owner string) (*directory.PrivateKey, keySource) {
	t.Helper()
	k, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	pub := k.Key(directory.PurposeMessage, time.Unix(0, 0), time.Unix(1<<40, 0))
	pub.Owner, pub.Fresh = owner, time.Unix(1<<40, 0)
	return k, keySource{pub.KID: pub}
}

type keySource map[string]directory.Key

func (s keySource) Key(kid string) (directory.Key, bool) { k, ok := s[kid]; return k, ok }
