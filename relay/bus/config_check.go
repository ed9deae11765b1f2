package bus

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"

	"github.com/nats-io/nkeys"
)

// Sizes that hold when a Config leaves them out.
const (
	defaultMaxStore   = 64 << 30
	defaultMaxMemory  = 64 << 20
	defaultServeLimit = 8
)

// nodeID is what a node's id may look like: it is a token of NATS subjects and
// a part of account names, so it has no '.', '*', '>', '$' or blank.
var nodeID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// complete checks the configuration and fills in what was left out.
func (c Config) complete() (Config, error) {
	var errs []error
	if !nodeID.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("bus: node id %q: use lower-case letters, digits, '-' and '_', at most 63", c.Name))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Write == nil {
		c.Write = func(_ string, do func() error) error { return do() }
	}
	if c.ServeLimit <= 0 {
		c.ServeLimit = defaultServeLimit
	}
	if c.MaxMemory <= 0 {
		c.MaxMemory = defaultMaxMemory
	}
	if c.MaxStore <= 0 {
		c.MaxStore = defaultMaxStore
	}
	if c.External == nil {
		if c.LogMaxBytes <= 0 {
			c.LogMaxBytes = c.MaxStore / 2
		}
		if c.JournalMaxBytes <= 0 {
			c.JournalMaxBytes = c.MaxStore / 4
		}
		if c.LogMaxBytes+c.JournalMaxBytes > c.MaxStore {
			errs = append(errs, fmt.Errorf("bus: log (%d bytes) and journal (%d) do not fit into the store (%d): raise the store's limit or lower theirs",
				c.LogMaxBytes, c.JournalMaxBytes, c.MaxStore))
		}
	}
	if c.External == nil {
		errs = append(errs, c.checkEmbedded()...)
	}
	return c, errors.Join(errs...)
}

// checkEmbedded checks what only the embedded server needs.
func (c Config) checkEmbedded() []error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("bus: no folder given for the store"))
	}
	if _, err := PublicNKey(c.Seed); err != nil {
		errs = append(errs, fmt.Errorf("bus: link seed: %w", err))
	}
	if _, err := tls.X509KeyPair(c.CertPEM, c.KeyPEM); err != nil {
		errs = append(errs, fmt.Errorf("bus: link certificate and key: %w", err))
	}
	for _, l := range []struct{ what, addr string }{{"leaf listener", c.ListenLeaf}, {"WebSocket listener", c.ListenWebsocket}, {"listener for clients of peers", c.ListenClients}} {
		if l.addr == "" {
			continue
		}
		if _, _, err := splitAddr(l.addr); err != nil {
			errs = append(errs, fmt.Errorf("bus: %s: %w", l.what, err))
		}
	}
	if c.Client != "" && c.ListenClients != "" {
		errs = append(errs, fmt.Errorf("bus: client port %s and listener for clients of peers %s: the server has one port for clients: leave one of them out, or let peers come over WebSocket", c.Client, c.ListenClients))
	}
	if c.Client != "" {
		host, _, err := splitAddr(c.Client)
		if err != nil {
			errs = append(errs, fmt.Errorf("bus: client port: %w", err))
		} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("bus: client port %s is not on loopback: it has no TLS; use 127.0.0.1 and a tunnel", c.Client))
		}
	}
	for key, account := range c.ClientKeys {
		if !nkeys.IsValidPublicUserKey(key) {
			errs = append(errs, fmt.Errorf("bus: client key %q is not the public nkey of a user (U...)", key))
		}
		if account != accountRelay && account != accountSystem {
			errs = append(errs, fmt.Errorf("bus: client key %s: account %q: use %s or %s", key, account, accountRelay, accountSystem))
		}
	}
	return errs
}

// splitAddr splits host:port; the host may be empty for all interfaces.
func splitAddr(addr string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(addr)
	if err != nil {
		return "", "", fmt.Errorf("address %q: want host:port, for example 127.0.0.1:7422", addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", "", fmt.Errorf("address %q: port %q is not a number from 0 to 65535", addr, port)
	}
	return host, port, nil
}

// checkPeers checks a whole list of peers and names every fault in it.
func (c Config) checkPeers(peers []Peer) error {
	var errs []error
	ids, keys := map[string]bool{}, map[string]string{}
	own := ""
	if c.External == nil {
		own, _ = PublicNKey(c.Seed) // checked by complete
	}
	for _, p := range peers {
		switch {
		case !nodeID.MatchString(p.ID):
			errs = append(errs, fmt.Errorf("bus: peer id %q: use lower-case letters, digits, '-' and '_', at most 63", p.ID))
			continue
		case p.ID == c.Name:
			errs = append(errs, fmt.Errorf("bus: peer %s is this node itself", p.ID))
		case ids[p.ID]:
			errs = append(errs, fmt.Errorf("bus: peer %s stands twice in the list", p.ID))
		}
		ids[p.ID] = true
		if c.External != nil {
			if _, ok := c.External.Links[p.ID]; !ok {
				errs = append(errs, fmt.Errorf("bus: peer %s: no link is configured on the external NATS: add one under its id", p.ID))
			}
			continue
		}
		if err := p.checkKeys(); err != nil {
			errs = append(errs, fmt.Errorf("bus: peer %s: %w", p.ID, err))
		}
		if p.NKeyPublic == own {
			errs = append(errs, fmt.Errorf("bus: peer %s has this node's own nkey", p.ID))
		}
		if other, ok := keys[p.NKeyPublic]; ok {
			errs = append(errs, fmt.Errorf("bus: peers %s and %s have the same nkey", other, p.ID))
		}
		keys[p.NKeyPublic] = p.ID
	}
	return errors.Join(errs...)
}

// checkKeys checks what identifies the peer and where it is dialled.
func (p Peer) checkKeys() error {
	if !nkeys.IsValidPublicUserKey(p.NKeyPublic) {
		return fmt.Errorf("nkey %q is not the public nkey of a user (U...)", p.NKeyPublic)
	}
	if err := checkPinnable(p.CertPEM); err != nil {
		return err
	}
	return CheckDial(p.DialURL, p.Proxy)
}

// checkPinnable says whether exactly this one certificate can be trusted. A
// certificate in a trust store vouches for what it signed if it is marked as an
// authority, or is too old to say (RFC 5280 section 4.2.1.9); such a one would
// let the peer lend its identity, so it is refused.
func checkPinnable(certPEM []byte) error {
	block, rest := pem.Decode(certPEM)
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("its statement has no certificate in PEM")
	}
	if len(strings.TrimSpace(string(rest))) > 0 {
		return errors.New("there is something after its certificate: want one certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if cert.Version != 3 || !cert.BasicConstraintsValid || cert.IsCA {
		return errors.New("its certificate is, or may be, an authority: want a self-signed one that cannot sign others (basicConstraints CA:FALSE)")
	}
	return nil
}
