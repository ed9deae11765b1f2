package bus

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Times of a client connection to a peer's server; those of a leaf are the same.
const (
	dialTimeout   = 5 * time.Second
	dialAgain     = time.Second
	clientPing    = 20 * time.Second
	clientPingMax = 2
)

// dialOut enters a peer's server as a client: TLS 1.3 before the first byte of
// NATS, with this node's certificate and no other trusted than the peer's own,
// then the nkey. It comes back by itself and need not succeed at once.
func (e *embedded) dialOut(p Peer, opts ...nats.Option) (*nats.Conn, error) {
	host, err := hostOf(p.DialURL, SchemeClient)
	if err != nil {
		return nil, err
	}
	trust := x509.NewCertPool()
	if !trust.AppendCertsFromPEM(p.CertPEM) {
		return nil, errors.New("its certificate cannot be read")
	}
	key, err := nkeys.FromSeed(e.conf.Seed)
	if err != nil {
		return nil, fmt.Errorf("link seed: %w", err)
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	log := e.conf.Logger
	opts = append(opts, nats.Name("entente"), nats.Nkey(public, key.Sign), nats.TLSHandshakeFirst(), nats.Secure(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: trust,
		// Asked at every handshake, so that a new certificate is shown from the next on.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return e.shown.Load(), nil },
	}),
		nats.Timeout(dialTimeout), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(dialAgain),
		nats.PingInterval(clientPing), nats.MaxPingsOutstanding(clientPingMax),
		// The peer's server says where else it may be reached; we go where our terms say.
		nats.IgnoreDiscoveredServers(), nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(*nats.Conn) { log.Info("link as a client", "peer", p.ID) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Info("link as a client is gone", "peer", p.ID, "err", err) }))
	if p.Proxy != "" {
		opts = append(opts, nats.SetCustomDialer(proxied{p.Proxy}))
	}
	return nats.Connect("nats://"+host, opts...)
}

// proxied dials through an HTTP proxy (RFC 9110 §9.3.6).
type proxied struct{ proxy string }

// Dial opens a tunnel to address. Errors name the proxy without its password.
func (d proxied) Dial(network, address string) (_ net.Conn, err error) {
	u, err := url.Parse(d.proxy)
	if err != nil {
		return nil, errors.New("the proxy's address cannot be read")
	}
	c, err := net.DialTimeout(network, u.Host, dialTimeout)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", u.Host, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("proxy %s: %w", u.Host, err), c.Close())
		}
	}()
	if err := c.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, err
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Host: address}, Host: address, Header: http.Header{}}
	if u.User != nil {
		password, _ := u.User.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	if err := req.Write(c); err != nil {
		return nil, err
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, req)
	if err != nil {
		return nil, err
	}
	// A tunnel has no body (§9.3.6); nothing is read here.
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", strings.TrimSpace(resp.Status))
	}
	// In TLS the client speaks first: nothing can have come yet.
	if in.Buffered() > 0 {
		return nil, errors.New("it sent something of its own into the tunnel")
	}
	return c, c.SetDeadline(time.Time{})
}
