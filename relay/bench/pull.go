package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
)

// pullRole is a child that is many peers: each has keys, a certificate and a
// statement of its own, enters the node's server by itself, pulls, signs
// receipts, and throws away what it gets.
type pullRole struct {
	peers []*lightPeer
	end   context.CancelFunc
	wg    sync.WaitGroup
}

// lightPeer is one of them.
type lightPeer struct {
	id    string
	conf  bus.Config
	key   *directory.PrivateKey
	link  *bus.Client
	bytes *atomic.Uint64 // of all answers, of all peers
	// last is where the link stands; only the puller uses it.
	last link.Position
}

// wanted says who is to be made, and where they pull.
type wanted struct {
	IDs       []string `json:"ids,omitempty"`
	Countries []string `json:"countries,omitempty"`

	Node string `json:"node,omitempty"`
	URL  string `json:"url,omitempty"`
	Cert string `json:"cert,omitempty"`
}

func (r *pullRole) do(ctx context.Context, do string, with json.RawMessage) (any, error) {
	var w wanted
	if err := json.Unmarshal(with, &w); err != nil {
		return nil, err
	}
	switch do {
	case "make":
		return r.make(w)
	case "pull":
		return nil, r.pull(ctx, w)
	case "bytes":
		if len(r.peers) == 0 {
			return 0, nil
		}
		return r.peers[0].bytes.Load(), nil
	}
	return nil, fmt.Errorf("peers do not know how to %s", do)
}

// make makes the peers and returns their statements.
func (r *pullRole) make(w wanted) (statements []string, err error) {
	counted := &atomic.Uint64{}
	for i, id := range w.IDs {
		p := &lightPeer{id: id, bytes: counted}
		var signed []byte
		if signed, err = p.make(w.Countries[i], time.Now()); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		r.peers = append(r.peers, p)
		statements = append(statements, string(signed))
	}
	return statements, nil
}

func (p *lightPeer) make(country string, now time.Time) ([]byte, error) {
	cert, certKey, err := bus.NewTLSIdentity(p.id, nil)
	if err != nil {
		return nil, err
	}
	seed, public, err := bus.NewNKey()
	if err != nil {
		return nil, err
	}
	p.conf = bus.Config{Name: p.id, CertPEM: cert, KeyPEM: certKey, Seed: seed}
	if p.key, err = directory.GenerateKey(); err != nil {
		return nil, err
	}
	terms, err := directory.GenerateKey()
	if err != nil {
		return nil, err
	}
	from, until := now.Add(-time.Hour), now.AddDate(1, 0, 0)
	return directory.NewStatement(directory.Statement{ID: p.id, Name: p.id, Country: country, Version: 1, IssuedAt: now, Expires: until,
		Keys:     []directory.Key{p.key.Key(directory.PurposeMessage, from, until), terms.Key(directory.PurposeAgreement, from, until)},
		LinkNKey: public, LinkCert: string(cert)}, terms)
}

// pull begins to pull, with all peers at once.
func (r *pullRole) pull(ctx context.Context, w wanted) error {
	ctx, r.end = context.WithCancel(ctx)
	codec, err := link.NewCodec()
	if err != nil {
		return err
	}
	for _, p := range r.peers {
		if p.link, err = bus.Dial(p.conf, bus.Peer{ID: w.Node, CertPEM: []byte(w.Cert), DialURL: w.URL}); err != nil {
			return err
		}
		puller := &link.Puller{Peer: w.Node, Self: p.id, Transport: p, Sink: p, Signer: p.key, Codec: codec}
		r.wg.Go(func() { _ = puller.Run(ctx) }) // ends with ctx, and with its error
	}
	return nil
}

func (r *pullRole) close() error {
	if r.end == nil {
		return nil
	}
	r.end()
	r.wg.Wait()
	var errs []error
	for _, p := range r.peers {
		if p.link != nil {
			errs = append(errs, p.link.Close(context.Background()))
		}
	}
	return errors.Join(errs...)
}

// Request asks the node, and counts what comes back.
func (p *lightPeer) Request(ctx context.Context, req []byte) ([]byte, error) {
	answer, err := p.link.Request(ctx, req)
	p.bytes.Add(uint64(len(answer)))
	return answer, err
}

// Position is where the last frame left off.
func (p *lightPeer) Position(context.Context) (link.Position, error) { return p.last, nil }

// Commit throws a frame away and says that all of it was stored: how many
// objects that is, the node knows and checks.
func (p *lightPeer) Commit(_ context.Context, f link.Frame) (link.Receipt, error) {
	p.last = f.After()
	var rc link.Receipt
	for i, m := range f.Messages {
		rc.Outcomes = append(rc.Outcomes, link.Outcome{Seq: f.FirstSeq + uint64(i), Stored: objectsIn(m)})
	}
	return rc, nil
}

// objectsIn counts the objects of a message without opening it. They are the
// disclosures of two members whose second is an object, ["salt",{...}]; salts
// have a fixed length, so that the beginning is enough to tell.
func objectsIn(message []byte) int {
	sd, _, _ := bytes.Cut(message, []byte("\n"))
	n := 0
	var head [36]byte
	for i, d := range bytes.Split(sd, []byte("~")) {
		if i == 0 || len(d) < 48 {
			continue // the JWS, the empty end, and what is too short for an object
		}
		if k, err := base64.RawURLEncoding.Decode(head[:], d[:48]); err != nil || k < len(head) || head[0] != '[' {
			continue
		}
		if end := bytes.IndexByte(head[2:], '"'); end > 0 && bytes.HasPrefix(head[2+end:], []byte(`",{`)) {
			n++
		}
	}
	return n
}
