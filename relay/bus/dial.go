package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
)

// Client is a link to one peer without a server and without logs of its own: it
// enters the peer's server as a plain client, under the same rights as a node
// that does, and can only ask. A node is more; what fetches and keeps nothing,
// such as a measurement with hundreds of peers, needs no more.
type Client struct{ link *peerLink }

// Dial makes the link of a participant to a peer, whose DialURL has
// [SchemeClient]. Of c it takes Name, CertPEM, KeyPEM, Seed and Logger. The
// connection comes about in the background, and again when it is lost.
func Dial(c Config, p Peer) (*Client, error) {
	if err := CheckDial(p.DialURL, p.Proxy); err != nil {
		return nil, fmt.Errorf("bus: %s: %w", p.ID, err)
	}
	if !p.asClient() || !nodeID.MatchString(c.Name) || !nodeID.MatchString(p.ID) {
		return nil, errors.New("bus: a client needs the names of both ends and an address of the form " + SchemeClient + "://host:port")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	pair, err := tls.X509KeyPair(c.CertPEM, c.KeyPEM)
	if err != nil {
		return nil, fmt.Errorf("bus: the link certificate and its key: %w", err)
	}
	e := &embedded{conf: c}
	e.shown.Store(&pair)
	nc, err := e.dialOut(p, linkOptions(c.Name, p.ID, c.Logger)...)
	if err != nil {
		return nil, fmt.Errorf("bus: %s: %w", p.ID, err)
	}
	return &Client{newPeerLink(c.Name, p.ID, nc, 1, c.Logger)}, nil
}

// Request asks the peer, as [Bus.Request] does.
func (c *Client) Request(ctx context.Context, req []byte) ([]byte, error) {
	return c.link.request(ctx, req)
}

// Close ends the link.
func (c *Client) Close(ctx context.Context) error { return c.link.close(ctx) }
