package baseline

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ServerVersion is that of the NATS server in this program.
const ServerVersion = server.VERSION

// Sync is how often a server syncs what it stored.
type Sync string

// Sync intervals that are measured.
const (
	// Default is nats-server's own, two minutes: an acknowledged message does
	// not survive a power cut.
	Default Sync = "2m"
	// Always syncs before each acknowledgement, as the relay does.
	Always Sync = "always"
)

// started is a running server and a client in its account.
type started struct {
	srv *server.Server
	nc  *nats.Conn
	js  jetstream.JetStream
}

// startServer runs a server with JetStream and, if not empty, a block of
// leafnodes configuration. Nothing but its leaf port, on loopback, listens.
func startServer(ctx context.Context, name, dir string, sync Sync, leafnodes string) (*started, error) {
	opts := &server.Options{NoSigs: true, NoLog: true, DontListen: true}
	text := fmt.Sprintf("server_name: %s\njetstream { store_dir: %q, domain: %s, sync_interval: %q, max_file_store: %d }\n%s\n",
		name, filepath.Join(dir, name), name, sync, int64(64<<30), leafnodes)
	if err := opts.ProcessConfigString(text); err != nil {
		return nil, fmt.Errorf("baseline: configuration: %w", err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	go srv.Start()
	s := &started{srv: srv}
	for !srv.ReadyForConnections(50 * time.Millisecond) {
		if ctx.Err() != nil {
			s.stop()
			return nil, fmt.Errorf("baseline: %w", ctx.Err())
		}
	}
	if s.nc, err = nats.Connect("", nats.InProcessServer(srv)); err != nil {
		s.stop()
		return nil, fmt.Errorf("baseline: %w", err)
	}
	if s.js, err = jetstream.New(s.nc); err != nil {
		s.stop()
		return nil, fmt.Errorf("baseline: %w", err)
	}
	return s, nil
}

func (s *started) stop() {
	if s.nc != nil {
		s.nc.Close()
	}
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// stream makes a file stream that takes atomic batches.
func (s *started) stream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	c.Storage, c.AllowAtomicPublish, c.AllowDirect = jetstream.FileStorage, len(c.Sources) == 0, true
	st, err := s.js.CreateStream(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("baseline: stream %s: %w", c.Name, err)
	}
	return st, nil
}
