package baseline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/entente-relay/entente/relay/bus"
)

// Options say how much is measured.
type Options struct {
	// Dir is where the servers store. It should be on the disk that the relay
	// uses; it is not removed.
	Dir string
	// Data are the objects, one to a message; when there are fewer than
	// Objects, they come round again.
	Data [][]byte
	// Objects is how many are sent at most; Batch how many go into one atomic
	// batch (at most 1000, the relay's own limit if 0).
	Objects, Batch int
	// For is how long is measured at most. Zero: until all are there.
	For time.Duration
}

// complete fills in what was left out.
func (o Options) complete() (Options, error) {
	if o.Batch == 0 {
		o.Batch = bus.MaxBatch
	}
	if o.Objects < 1 || o.Objects > 10_000_000 || len(o.Data) == 0 || o.Batch < 1 || o.Batch > bus.MaxBatch || o.For < 0 {
		return o, errors.New("baseline: objects, data or batch is out of bounds")
	}
	return o, nil
}

// Sample is how many objects were stored at a moment.
type Sample struct {
	At      time.Time `json:"at"`
	Objects uint64    `json:"objects"`
}

// Result is what was seen while it was measured.
type Result struct {
	Samples []Sample `json:"samples"` // growing
	Bytes   uint64   `json:"bytes"`   // on disk, of all objects
}

// OneStream stores objects in one stream, in atomic batches that are each
// synced.
func OneStream(ctx context.Context, o Options) (res Result, err error) {
	if o, err = o.complete(); err != nil {
		return res, err
	}
	s, err := startServer(ctx, "one", o.Dir, Always, "")
	if err != nil {
		return res, err
	}
	defer s.stop()
	st, err := s.stream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	if err != nil {
		return res, err
	}
	began := time.Now()
	res.add(began, 0)
	err = s.fill(ctx, o, func(done int) bool {
		now := time.Now()
		res.add(now, uint64(done))
		return o.For == 0 || now.Sub(began) < o.For
	})
	return res.end(ctx, st, err)
}

// add notes a sample.
func (r *Result) add(at time.Time, n uint64) { r.Samples = append(r.Samples, Sample{at, n}) }

// end notes what is stored.
func (r *Result) end(ctx context.Context, st jetstream.Stream, err error) (Result, error) {
	if err != nil {
		return *r, err
	}
	i, err := st.Info(ctx)
	if err != nil {
		return *r, fmt.Errorf("baseline: %w", err)
	}
	r.Bytes = i.State.Bytes
	return *r, nil
}

// Origin is a server with a stream that another one copies.
type Origin struct {
	server *started
	// Leaf is the port, on loopback, at which the copying server comes in.
	Leaf int
}

// NewOrigin starts a server in o.Dir and fills its stream. Nothing of it is
// measured.
func NewOrigin(ctx context.Context, o Options) (_ *Origin, err error) {
	if o, err = o.complete(); err != nil {
		return nil, err
	}
	tls, err := identity(o.Dir)
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, "origin", o.Dir, Default, fmt.Sprintf(
		"leafnodes { listen: \"127.0.0.1:-1\", compression: off, tls { %s, verify: true, handshake_first: true } }", tls))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if _, err := s.stream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, o, func(int) bool { return true }); err != nil {
		return nil, err
	}
	v, err := s.srv.Varz(nil)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	return &Origin{s, v.LeafNode.Port}, nil
}

// Stop ends the server.
func (o *Origin) Stop() { o.server.stop() }

// Copy makes a stream that copies an origin's over a TLS 1.3 leaf link, from
// the moment it begins until it has all, or o.For is over. sync holds for the
// copying server, which stores in o.Dir; identity is the folder of the origin.
func Copy(ctx context.Context, o Options, identity string, leaf int, sync Sync) (res Result, err error) {
	if o, err = o.complete(); err != nil {
		return res, err
	}
	s, err := startServer(ctx, "copy", o.Dir, sync, fmt.Sprintf(
		"leafnodes { remotes: [{ url: \"tls://127.0.0.1:%d\", compression: off, tls { %s, handshake_first: true } }] }", leaf, tlsBlock(identity)))
	if err != nil {
		return res, err
	}
	defer s.stop()
	for s.srv.NumLeafNodes() == 0 {
		if err := sleep(ctx, sourcePoll); err != nil {
			return res, err
		}
	}
	return s.source(ctx, o)
}

// Sourced does both in this process.
func Sourced(ctx context.Context, o Options, sync Sync) (res Result, err error) {
	origin, err := NewOrigin(ctx, o)
	if err != nil {
		return res, err
	}
	defer origin.Stop()
	return Copy(ctx, o, o.Dir, origin.Leaf, sync)
}

// fill stores o.Objects objects in atomic batches (ADR-50), one after the
// other, as long as on, told how many are stored, says so.
func (s *started) fill(ctx context.Context, o Options, on func(done int) bool) error {
	for done, batch := 0, 0; done < o.Objects; batch++ {
		n := min(o.Batch, o.Objects-done)
		for i := 1; i <= n; i++ {
			m := &nats.Msg{Subject: "s.x", Data: o.Data[(done+i)%len(o.Data)], Header: nats.Header{"Nats-Batch-Id": {"b" + strconv.Itoa(batch)}, "Nats-Batch-Sequence": {strconv.Itoa(i)}}}
			if i < n {
				if err := s.nc.PublishMsg(m); err != nil {
					return fmt.Errorf("baseline: publish: %w", err)
				}
				continue
			}
			m.Header.Set("Nats-Batch-Commit", "1")
			ack, err := s.nc.RequestMsgWithContext(ctx, m)
			if err != nil {
				return fmt.Errorf("baseline: commit: %w", err)
			}
			if want := fmt.Sprintf(`"count":%d`, n); !bytes.Contains(ack.Data, []byte(want)) {
				return fmt.Errorf("baseline: commit: %s", ack.Data)
			}
		}
		if done += n; !on(done) {
			return nil
		}
	}
	return nil
}

// sourcePoll is how often the copying stream is asked what it has.
const sourcePoll = 5 * time.Millisecond

// source makes the copying stream and looks how it grows.
func (s *started) source(ctx context.Context, o Options) (res Result, err error) {
	began := time.Now()
	st, err := s.stream(ctx, jetstream.StreamConfig{Name: "C", Sources: []*jetstream.StreamSource{{Name: "S", Domain: "origin"}}})
	if err != nil {
		return res, err
	}
	for {
		i, err := st.Info(ctx)
		if err != nil {
			return res, fmt.Errorf("baseline: %w", err)
		}
		now := time.Now()
		res.add(now, i.State.Msgs)
		res.Bytes = i.State.Bytes
		if i.State.Msgs >= uint64(o.Objects) || o.For > 0 && now.Sub(began) >= o.For {
			return res, nil
		}
		if err := sleep(ctx, sourcePoll); err != nil {
			return res, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("baseline: %w", ctx.Err())
	}
}

// identity writes one certificate for both ends and returns the keys of a tls
// block that use it.
func identity(dir string) (string, error) {
	cert, key, err := bus.NewTLSIdentity("baseline", nil)
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, certFile), cert, 0o600), os.WriteFile(filepath.Join(dir, keyFile), key, 0o600)); err != nil {
		return "", fmt.Errorf("baseline: %w", err)
	}
	return tlsBlock(dir), nil
}

const certFile, keyFile = "cert.pem", "key.pem"

func tlsBlock(dir string) string {
	c, k := filepath.Join(dir, certFile), filepath.Join(dir, keyFile)
	return fmt.Sprintf("cert_file: %q, key_file: %q, ca_file: %q, min_version: \"1.3\"", c, k, c)
}
