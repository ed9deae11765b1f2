package baseline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
)

// Who the two nodes of a bare framed pull are.
const senderID, receiverID = "aa", "bb"

// Foot is one node's bus without a relay, and how the other lists it.
type Foot struct {
	bus  *bus.Bus
	Peer bus.Peer `json:"peer"`
	Leaf string   `json:"leaf"` // host:port at which peers come in
}

func startFoot(ctx context.Context, name, dir string) (*Foot, error) {
	cert, key, err := bus.NewTLSIdentity(name, nil)
	if err != nil {
		return nil, err
	}
	seed, public, err := bus.NewNKey()
	if err != nil {
		return nil, err
	}
	b, err := bus.Start(ctx, bus.Config{Name: name, Dir: filepath.Join(dir, name), ListenLeaf: "127.0.0.1:0", CertPEM: cert, KeyPEM: key, Seed: seed})
	if err != nil {
		return nil, err
	}
	return &Foot{bus: b, Peer: bus.Peer{ID: name, NKeyPublic: public, CertPEM: cert}, Leaf: b.LeafAddr()}, nil
}

// Stop ends the bus.
func (f *Foot) Stop(ctx context.Context) error { return f.bus.Stop(ctx) }

// NewSender starts a node whose log holds messages.
func NewSender(ctx context.Context, dir string, messages [][]byte) (*Foot, error) {
	f, err := startFoot(ctx, senderID, dir)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(messages); i += 8 {
		var batch []bus.Record
		for _, m := range messages[i:min(i+8, len(messages))] {
			batch = append(batch, bus.Record{Subject: "self", Data: m})
		}
		if _, err := f.bus.Log().Append(ctx, batch); err != nil {
			return nil, errors.Join(err, f.Stop(ctx))
		}
	}
	return f, nil
}

// NewReceiver starts a node with an empty log.
func NewReceiver(ctx context.Context, dir string) (*Foot, error) {
	return startFoot(ctx, receiverID, dir)
}

// Serve answers the pulls of to from the log as it is.
func (f *Foot) Serve(ctx context.Context, to bus.Peer) error {
	if err := f.bus.SetPeers(ctx, []bus.Peer{to}); err != nil {
		return err
	}
	key, err := link.NewCursorKey(make([]byte, 32))
	if err != nil {
		return err
	}
	server := &link.Server{Source: logSource{f.bus.Log()}, Cursors: key}
	return f.bus.Serve(to.ID, func(ctx context.Context, req []byte) []byte { return server.Serve(ctx, to.ID, req) })
}

// Receive pulls count messages of size objects each from a sender, which is
// dialled at url, and stores them, each frame synced.
func (f *Foot) Receive(ctx context.Context, from bus.Peer, url string, count, size int) (res Result, err error) {
	from.DialURL = url
	if err := f.bus.SetPeers(ctx, []bus.Peer{from}); err != nil {
		return res, err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	sink := &logSink{log: f.bus.Log(), last: uint64(count), size: size, end: end}
	puller := &link.Puller{Peer: from.ID, Self: f.Peer.ID, Transport: transport{f.bus, from.ID}, Sink: sink}
	if err := puller.Run(ctx); puller.Status().LastSeq < uint64(count) {
		return res, fmt.Errorf("baseline: framed pull: %w", err)
	}
	res.Samples, res.Bytes = sink.seen, sink.bytes
	return res, nil
}

// frameReserve is how much of a frame's bytes is left free for its last
// message to end in.
const frameReserve = 256 << 10

// logSource sends a log as it is, without any step of the relay.
type logSource struct{ log *bus.Stream }

// Frame reads what follows the cursor.
func (s logSource) Frame(ctx context.Context, _ string, p link.Pull) (link.Frame, error) {
	f := link.Frame{Incarnation: s.log.Incarnation(), FirstSeq: p.At.Seq + 1}
	got, err := s.log.Read(ctx, p.At.Pos+1, 0, p.MaxBytes-frameReserve)
	if err != nil || len(got) == 0 {
		return f, err
	}
	for _, r := range got {
		f.Messages = append(f.Messages, r.Data)
	}
	f.More = true
	f.Then = link.Cursor{Incarnation: f.Incarnation, Pos: got[len(got)-1].Seq, Seq: p.At.Seq + uint64(len(got))}
	return f, nil
}

// logSink stores what comes, synced, and ends the pull after the last message.
type logSink struct {
	log   *bus.Stream
	last  uint64
	size  int
	end   context.CancelFunc
	seen  []Sample
	bytes uint64
}

// Position is the beginning: the sink runs once.
func (s *logSink) Position(context.Context) (link.Position, error) { return link.Position{}, nil }

// Commit stores one frame.
func (s *logSink) Commit(ctx context.Context, f link.Frame) (link.Receipt, error) {
	batch := make([]bus.Record, len(f.Messages))
	var rc link.Receipt
	for i, m := range f.Messages {
		batch[i] = bus.Record{Subject: senderID, Data: m}
		rc.Outcomes = append(rc.Outcomes, link.Outcome{Seq: f.FirstSeq + uint64(i), Stored: s.size})
		s.bytes += uint64(len(m))
	}
	if _, err := s.log.Append(ctx, batch); err != nil {
		return rc, err
	}
	s.seen = append(s.seen, Sample{time.Now(), f.After().LastSeq * uint64(s.size)})
	if f.After().LastSeq >= s.last {
		s.end()
	}
	return rc, nil
}

type transport struct {
	bus  *bus.Bus
	peer string
}

// Request asks the sender.
func (t transport) Request(ctx context.Context, req []byte) ([]byte, error) {
	return t.bus.Request(ctx, t.peer, req)
}
