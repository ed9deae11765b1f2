package bus

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// rawLeaf is a hostile peer that speaks the leaf protocol by hand, so that no
// client library holds it back.
type rawLeaf struct {
	conn net.Conn
	r    *bufio.Reader
}

// dialLeaf opens TLS to a leaf listener, with a certificate or none.
func dialLeaf(t *testing.T, addr string, certs ...tls.Certificate) (*rawLeaf, error) {
	t.Helper()
	d := &net.Dialer{Timeout: 5 * time.Second}
	conn, err := tls.DialWithDialer(d, "tcp", addr, &tls.Config{
		InsecureSkipVerify: true, // an attacker does not care who the victim is
		MinVersion:         tls.VersionTLS13,
		// Present the certificate even though the server does not ask for its issuer.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certs) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certs[0], nil
		},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &rawLeaf{conn: conn, r: bufio.NewReader(conn)}, nil
}

// signIn reads INFO and answers its nonce with seed; it returns the server's
// first line that is not a PING.
func (l *rawLeaf) signIn(seed []byte) (string, error) {
	line, err := l.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	var info struct{ Nonce string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil {
		return "", fmt.Errorf("INFO: %w", err)
	}
	kp, err := nkeys.FromSeed(seed)
	if err != nil {
		return "", err
	}
	public, err := kp.PublicKey()
	if err != nil {
		return "", err
	}
	sig, err := kp.Sign([]byte(info.Nonce))
	if err != nil {
		return "", err
	}
	if err := l.send(`CONNECT {"nkey":%q,"sig":%q,"name":"evil","server_id":"evil","version":"2.15.2","headers":true,"protocol":1}`+"\r\nPING\r\n",
		public, base64.RawURLEncoding.EncodeToString(sig)); err != nil {
		return "", err
	}
	return l.line()
}

func (l *rawLeaf) send(format string, v ...any) error {
	_, err := fmt.Fprintf(l.conn, format, v...)
	return err
}

// line returns the next protocol line that is not keep-alive or a new INFO.
func (l *rawLeaf) line() (string, error) {
	for {
		s, err := l.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		s = strings.TrimSpace(s)
		if s == "PING" || strings.HasPrefix(s, "INFO ") || strings.HasPrefix(s, "LS-") {
			continue
		}
		return s, nil
	}
}

func keyPair(t *testing.T, cert, key []byte) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// childOf makes a certificate that the peer's key signed.
func childOf(t *testing.T, parent tls.Certificate) tls.Certificate {
	t.Helper()
	ca, err := x509.ParseCertificate(parent.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "child"}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, key.Public(), parent.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der, parent.Certificate[0]}, PrivateKey: key}
}

// Nobody but the peer itself, with both its certificate and its nkey, gets as
// far as a NATS session.
func TestStrangersStayOut(t *testing.T) {
	ia, ib, stranger := newID(t, "aa"), newID(t, "bb"), newID(t, "xx")
	a := start(t, ia.config(t))
	setPeers(t, a, ib.peer(""))
	good := keyPair(t, ib.cert, ib.key)

	l, err := dialLeaf(t, a.LeafAddr(), good)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.signIn(ib.seed); err != nil || strings.HasPrefix(got, "-ERR") {
		t.Fatalf("the peer itself is not let in, so this test shows nothing: %q, %v", got, err)
	}

	for name, certs := range map[string][]tls.Certificate{
		"no certificate":                nil,
		"a stranger's certificate":      {keyPair(t, stranger.cert, stranger.key)},
		"a certificate the peer signed": {childOf(t, good)},
		"the node's own certificate":    {keyPair(t, ia.cert, ia.key)},
	} {
		l, err := dialLeaf(t, a.LeafAddr(), certs...)
		if err != nil {
			continue // refused in the handshake
		}
		// With TLS 1.3 the client learns of the refusal by its first read.
		if got, err := io.ReadAll(l.conn); err == nil || len(got) > 0 {
			t.Errorf("%s: the server said %q (%v)", name, got, err)
		}
	}

	l, err = dialLeaf(t, a.LeafAddr(), good)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.signIn(stranger.seed); err == nil && !strings.Contains(got, "Authorization Violation") {
		t.Errorf("the peer's certificate with another nkey: server said %q", got)
	}
}

// Bytes of NATS before TLS are not even looked at.
func TestNothingBeforeTLS(t *testing.T) {
	a := start(t, newID(t, "aa").config(t))
	conn, err := net.Dial("tcp", a.LeafAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "CONNECT {}\r\nPING\r\n"); err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(conn) // a TLS alert, or the connection is reset
	if bytes.Contains(got, []byte("INFO")) || bytes.Contains(got, []byte("PONG")) {
		t.Errorf("the server spoke NATS in the clear: %q", got)
	}
}

// attacks are requests that a hostile peer tries in the account of its link.
// The node is "aa", the attacker "bb", a third peer "cc".
var attacks = []string{
	"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.LOG",
	"$JS.API.STREAM.MSG.GET.LOG", "$JS.API.DIRECT.GET.LOG", "$JS.API.STREAM.PURGE.LOG", "$JS.API.STREAM.DELETE.LOG",
	"$JS.API.STREAM.CREATE.EVIL", "$JS.API.CONSUMER.CREATE.LOG", "$JS.API.CONSUMER.RESET.LOG.x", "$JS.API.STREAM.SNAPSHOT.LOG",
	"$JS.aa.API.INFO", "$JS.aa.API.STREAM.NAMES", "$JS.aa.API.STREAM.MSG.GET.LOG", "$JS.aa.API.DIRECT.GET.LOG",
	"$JS.aa.API.STREAM.PURGE.LOG", "$JS.aa.API.STREAM.DELETE.LOG", "$JS.aa.API.CONSUMER.CREATE.LOG", "$JS.aa.API.CONSUMER.RESET.LOG.x",
	"$JS.ACK.LOG.x", "$JS.FC.x", "$KV.x.y", "$OBJ.x.y",
	"$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.SERVER.PING.LEAFZ", "$SYS.REQ.SERVER.PING.CONNZ",
	"$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.ACCOUNT.PING.STATZ", "$SYS.REQ.ACCOUNT.RELAY.INFO", "$SYS.REQ.ACCOUNT.LINK_bb.INFO",
	"$SYS.REQ.USER.INFO", "$SYS.REQ.CLAIMS.UPDATE", "$SRV.PING", "$G.x",
	"log.evil", "journal.evil", "px.cc.pull", "px.bb.pull", "_INBOX_cc.1", "px.aa.push", "px.aa.pull.x",
}

// victim is a node with a log, another peer, and a counter of what its handler
// heard from the attacker.
func victim(t *testing.T) (a *Bus, ib id, heard chan string) {
	t.Helper()
	ia, ib, ic := newID(t, "aa"), newID(t, "bb"), newID(t, "cc")
	a = start(t, ia.config(t))
	setPeers(t, a, ib.peer(""), ic.peer(""))
	if _, err := a.Log().Append(within(t), records(3, "secret", 64)); err != nil {
		t.Fatal(err)
	}
	heard = make(chan string, 1000)
	for _, p := range []string{"bb", "cc"} {
		if err := a.Serve(p, func(_ context.Context, req []byte) []byte { heard <- p + ":" + string(req); return []byte("answer") }); err != nil {
			t.Fatal(err)
		}
	}
	return a, ib, heard
}

// unharmed checks that nothing was written, removed or heard in another's name.
func unharmed(t *testing.T, a *Bus, heard chan string) {
	t.Helper()
	for name, s := range map[string]*Stream{"log": a.Log(), "journal": a.Journal()} {
		st, err := s.State(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]uint64{"log": 3}[name]; st.Messages != want || st.Last != want {
			t.Errorf("%s has %d records up to %d, want %d", name, st.Messages, st.Last, want)
		}
	}
	for {
		select {
		case h := <-heard:
			if h != "bb:hello" {
				t.Errorf("a handler heard %q", h)
			}
		default:
			return
		}
	}
}

// tried is what came of one attack over a connection of its own: what the node
// sent back other than the answer to the allowed request that follows it, and
// whether the node hung up.
func tried(t *testing.T, addr string, ib id, attack string) (leaked []string, hungUp bool) {
	t.Helper()
	l, err := dialLeaf(t, addr, keyPair(t, ib.cert, ib.key))
	if err != nil {
		t.Fatal(err)
	}
	defer l.conn.Close()
	if got, err := l.signIn(ib.seed); err != nil || strings.HasPrefix(got, "-ERR") {
		t.Fatalf("sign in: %q %v", got, err)
	}
	// The one thing a peer may do comes last, and shows that all before it was
	// read. Its error is that of a node that hung up, which reading shows too.
	last := "_INBOX_bb.last." + rand.Text()
	if err := l.send("%sLS+ _INBOX_bb.>\r\nLMSG px.aa.pull %s 5\r\nhello\r\n", attack, last); err != nil {
		return nil, true
	}
	for {
		line, err := l.line()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%q: the node neither answers nor hangs up", attack)
		}
		if err != nil {
			return leaked, true
		}
		f := strings.Fields(line)
		switch {
		case f[0] != "LMSG": // interest of the node in its two subjects, errors, answers
		case strings.HasPrefix(f[1], "_INBOX_bb.last.") && f[1] != last:
			// The allowed request of an attempt before, answered late.
		case f[1] == last:
			return leaked, false
		default:
			leaked = append(leaked, line)
		}
	}
}

func TestHostileLeafReachesNothing(t *testing.T) {
	a, ib, heard := victim(t)
	if leaked, hungUp := tried(t, a.LeafAddr(), ib, ""); hungUp || leaked != nil {
		t.Fatalf("the allowed request alone was not answered, so this test shows nothing: %q", leaked)
	}
	var closed int
	try := func(attack string) {
		leaked, hungUp := tried(t, a.LeafAddr(), ib, attack)
		if leaked != nil {
			t.Errorf("%q was answered: %q", attack, leaked)
		}
		if hungUp {
			closed++
		}
	}
	for _, s := range attacks {
		try("LMSG " + s + " _INBOX_bb.evil 2\r\n{}\r\n")
	}
	for _, s := range []string{">", "*", "log.>", "journal.>", "$JS.>", "$SYS.>", "_INBOX_aa.>", "_INBOX_cc.>", "px.cc.pull", "px.aa.pull", "px.*.pull", "px.>"} {
		try("LS+ " + s + "\r\n")
	}
	// Make the node itself publish where it should not.
	for _, reply := range []string{"log.evil", "px.cc.pull", "px.bb.pull", "px.aa.pull", "_INBOX_cc.1", "_INBOX_aa.1", "$JS.API.STREAM.DELETE.LOG", "_INBOX_bbb.1", "_INBOX_bb"} {
		try("LMSG px.aa.pull " + reply + " 7\r\nforeign\r\n")
	}
	if closed == 0 {
		t.Error("the node hung up on none of the attacks")
	}
	unharmed(t, a, heard)
}

// A node that dials a hostile hub is no better off for the hub: it gets the
// same two subjects and nothing of the server behind.
func TestHostileHubReachesNothing(t *testing.T) {
	ia, ib, ic := newID(t, "aa"), newID(t, "bb"), newID(t, "cc")
	a := start(t, ia.config(t))
	hub, evil := hostileHub(t, ib, ia)
	setPeers(t, a, ib.peer(hub), ic.peer(""))
	if _, err := a.Log().Append(within(t), records(3, "secret", 64)); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1000)
	for _, p := range []string{"bb", "cc"} {
		if err := a.Serve(p, func(_ context.Context, req []byte) []byte { heard <- p + ":" + string(req); return []byte("answer") }); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() (string, error) {
		m, err := evil.Request("px.aa.pull", []byte("hello"), 2*time.Second)
		if err != nil {
			return "", err
		}
		return string(m.Data), nil
	}
	poll(t, "the hub's own request", func() bool { got, err := ask(); return err == nil && got == "answer" })
	sub, err := evil.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range attacks {
		if err := evil.PublishRequest(s, fmt.Sprintf("_INBOX_bb.evil.%d", i), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := evil.PublishRequest("px.aa.pull", s, []byte("foreign")); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ask(); err != nil || got != "answer" {
		t.Fatalf("the hub's own request at the end: %q %v", got, err)
	}
	for {
		m, err := sub.NextMsg(200 * time.Millisecond)
		if err != nil {
			break
		}
		// The hub's own server answers some attacks, about itself; what comes
		// from the node would say so, or be JetStream's.
		from := attackOf(m.Subject)
		if bytes.Contains(m.Data, []byte(`"name":"aa","host"`)) || strings.HasPrefix(from, "$JS") || bytes.Contains(m.Data, []byte("secret")) {
			t.Errorf("attack %s: the hub heard %s: %.200q", from, m.Subject, m.Data)
		}
	}
	unharmed(t, a, heard)
}

// attackOf is the attack that an answer is for, "" if for none.
func attackOf(inbox string) string {
	var i int
	if _, err := fmt.Sscanf(inbox, "_INBOX_bb.evil.%d", &i); err != nil || i >= len(attacks) {
		return ""
	}
	return attacks[i]
}

// hostileHub is a NATS server of the attacker bb, with everything that the
// victim's certificate and nkey open, and a client in the link's account.
func hostileHub(t *testing.T, bb, victim id) (addr string, evil *nats.Conn) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{"c": bb.cert, "k": bb.key, "ca": victim.cert} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts := &server.Options{NoSigs: true, NoLog: true, DontListen: true}
	if err := opts.ProcessConfigString(fmt.Sprintf(`server_name: evil
leafnodes { listen: "127.0.0.1:-1", tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true, handshake_first: true } }
accounts { SYS {}, HUB { users: [{nkey: %s}, {user: evil, password: evil}] } }
system_account: SYS`, dir+"/c", dir+"/k", dir+"/ca", victim.nkey)); err != nil {
		t.Fatal(err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("hostile hub is not ready")
	}
	evil, err = nats.Connect("", nats.InProcessServer(srv), nats.UserInfo("evil", "evil"), nats.CustomInboxPrefix("_INBOX_bb"),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // the attacks are refused, as they should be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(evil.Close)
	v, err := srv.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", v.LeafNode.Port), evil
}
