package baseline

import (
	"bytes"
	"context"
	"crypto/rand"
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
	// Dir is where the servers store; empty takes the system's folder for
	// temporary files. It should be on the disk that the relay uses.
	Dir string
	// Objects is how many are sent, one to a message; Size how many bytes each
	// has; Batch how many go into one atomic batch (at most 1000).
	Objects, Size, Batch int
}

// complete fills in what the relay is usually compared at.
func (o Options) complete() (Options, error) {
	if o.Objects == 0 {
		o.Objects = 20_000
	}
	if o.Size == 0 {
		o.Size = 2_600
	}
	if o.Batch == 0 {
		o.Batch = 500
	}
	if o.Objects < 0 || o.Objects > 10_000_000 || o.Size < 1 || o.Size > bus.MaxRecord || o.Batch < 1 || o.Batch > bus.MaxBatch {
		return o, errors.New("baseline: objects, size or batch is out of bounds")
	}
	return o, nil
}

// OneStream returns the objects per second that one process stores in one
// stream, in atomic batches that are each synced.
func OneStream(ctx context.Context, o Options) (rate float64, err error) {
	return run(ctx, o, func(dir string, o Options) (float64, error) {
		s, err := startServer(ctx, "one", dir, Always, "")
		if err != nil {
			return 0, err
		}
		defer s.stop()
		if _, err := s.stream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
			return 0, err
		}
		began := time.Now()
		err = s.fill(ctx, o)
		return float64(o.Objects) / time.Since(began).Seconds(), err
	})
}

// Sourced returns the objects per second that a stream copies from another
// server's over a TLS 1.3 leaf link, from the moment it begins until it has
// all. sync holds for the copying server.
func Sourced(ctx context.Context, o Options, sync Sync) (rate float64, err error) {
	return run(ctx, o, func(dir string, o Options) (float64, error) {
		tls, err := identity(dir)
		if err != nil {
			return 0, err
		}
		origin, err := startServer(ctx, "origin", dir, Default, fmt.Sprintf(
			"leafnodes { listen: \"127.0.0.1:-1\", compression: off, tls { %s, verify: true, handshake_first: true } }", tls))
		if err != nil {
			return 0, err
		}
		defer origin.stop()
		if _, err := origin.stream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
			return 0, err
		}
		if err := origin.fill(ctx, o); err != nil {
			return 0, err
		}
		v, err := origin.srv.Varz(nil)
		if err != nil {
			return 0, fmt.Errorf("baseline: %w", err)
		}
		copied, err := startServer(ctx, "copy", dir, sync, fmt.Sprintf(
			"leafnodes { remotes: [{ url: \"tls://127.0.0.1:%d\", compression: off, tls { %s, handshake_first: true } }] }", v.LeafNode.Port, tls))
		if err != nil {
			return 0, err
		}
		defer copied.stop()
		return copied.source(ctx, o)
	})
}

// run gives a measurement a folder of its own.
func run(ctx context.Context, o Options, measure func(dir string, o Options) (float64, error)) (float64, error) {
	o, err := o.complete()
	if err != nil {
		return 0, err
	}
	dir, remove, err := scratch(o.Dir)
	if err != nil {
		return 0, err
	}
	rate, err := measure(dir, o)
	return rate, errors.Join(err, remove())
}

// fill stores o.Objects random objects in atomic batches (ADR-50), one after
// the other.
func (s *started) fill(ctx context.Context, o Options) error {
	data := make([]byte, o.Size)
	rand.Read(data) // never fails (crypto/rand)
	for done, batch := 0, 0; done < o.Objects; batch++ {
		n := min(o.Batch, o.Objects-done)
		for i := 1; i <= n; i++ {
			m := &nats.Msg{Subject: "s.x", Data: data, Header: nats.Header{"Nats-Batch-Id": {"b" + strconv.Itoa(batch)}, "Nats-Batch-Sequence": {strconv.Itoa(i)}}}
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
		done += n
	}
	return nil
}

// sourcePoll is how often the copying stream is asked whether it has all.
const sourcePoll = 2 * time.Millisecond

// source makes the copying stream and waits until it has all.
func (s *started) source(ctx context.Context, o Options) (float64, error) {
	for s.srv.NumLeafNodes() == 0 {
		if err := sleep(ctx, sourcePoll); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	st, err := s.stream(ctx, jetstream.StreamConfig{Name: "C", Sources: []*jetstream.StreamSource{{Name: "S", Domain: "origin"}}})
	if err != nil {
		return 0, err
	}
	for {
		i, err := st.Info(ctx)
		if err != nil {
			return 0, fmt.Errorf("baseline: %w", err)
		}
		if i.State.Msgs >= uint64(o.Objects) {
			return float64(o.Objects) / time.Since(began).Seconds(), nil
		}
		if err := sleep(ctx, sourcePoll); err != nil {
			return 0, err
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
	c, k := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(c, cert, 0o600), os.WriteFile(k, key, 0o600)); err != nil {
		return "", fmt.Errorf("baseline: %w", err)
	}
	return fmt.Sprintf("cert_file: %q, key_file: %q, ca_file: %q, min_version: \"1.3\"", c, k, c), nil
}
