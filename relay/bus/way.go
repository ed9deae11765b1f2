package bus

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Schemes of [Peer].DialURL. The rights are the same with each: the account of
// the link at the other side, two subjects in either direction.
const (
	// SchemeLeaf is a leaf connection over TLS.
	SchemeLeaf = "tls"
	// SchemeWebsocket is a leaf connection over WebSocket, for networks that
	// let only HTTPS through.
	SchemeWebsocket = "wss"
	// SchemeClient is a plain NATS client, where leaf ports are refused.
	SchemeClient = "nats+tls"
)

// Schemes returns the schemes that an address of a peer can have.
func Schemes() []string { return []string{SchemeLeaf, SchemeWebsocket, SchemeClient} }

// CheckDial says what is wrong with the address of a peer and the proxy on the
// way to it. Both may be empty, but no proxy stands alone. It never repeats a
// proxy's password.
func CheckDial(dial, proxy string) error {
	if dial == "" {
		if proxy != "" {
			return errors.New("a proxy is given and no address to dial through it")
		}
		return nil
	}
	if _, err := hostOf(dial, Schemes()...); err != nil || strings.Contains(dial, "@") {
		return fmt.Errorf("url %q: want tls://host:port, wss://host:port or nats+tls://host:port", dial)
	}
	if proxy == "" {
		return nil
	}
	if _, err := hostOf(proxy, "http"); err != nil {
		return errors.New("proxy: want http://host:port, with user:password@ before the host if it asks for them")
	}
	return nil
}

// hostOf is the host:port of a URL that has nothing else but a scheme of those
// given and, perhaps, a user.
func hostOf(text string, schemes ...string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("want scheme://host:port")
	}
	for _, s := range schemes {
		if u.Scheme == s {
			_, _, err := splitAddr(u.Host)
			return u.Host, err
		}
	}
	return "", fmt.Errorf("scheme %q", u.Scheme)
}

// asClient says that this node enters the peer's server as a client.
func (p Peer) asClient() bool {
	return !p.Paused && strings.HasPrefix(p.DialURL, SchemeClient+"://")
}

// asLeaf says that this node's server opens a leaf connection to the peer's.
func (p Peer) asLeaf() bool { return !p.Paused && p.DialURL != "" && !p.asClient() }

// sameWay says that the connection by which this process reaches p is also that
// for q: its own foot in its own server, or the same client of the peer's.
func (p Peer) sameWay(q Peer) bool {
	if !p.asClient() && !q.asClient() {
		return true
	}
	return p.asClient() && q.asClient() && p.DialURL == q.DialURL && p.Proxy == q.Proxy && string(p.CertPEM) == string(q.CertPEM)
}
