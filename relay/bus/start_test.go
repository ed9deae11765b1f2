package bus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/conf"
	"pgregory.net/rapid"
)

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for what, set := range map[string]func(*Config){
		"leaf listener": func(c *Config) { c.ListenLeaf = l.Addr().String() },
		"client port":   func(c *Config) { c.Client = l.Addr().String() },
	} {
		c := newID(t, "aa").config(t)
		set(&c)
		_, err := Start(within(t), c)
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDirOpenToOthers(t *testing.T) {
	c := newID(t, "aa").config(t)
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(within(t), c); err == nil || !strings.Contains(err.Error(), "chmod 700 "+c.Dir) {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(c.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, c)
	for _, name := range []string{"tls/node.key", "tls/node.crt", "tls/peers.pem", "lock"} {
		info, err := os.Stat(filepath.Join(c.Dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

func TestDirThatIsAFile(t *testing.T) {
	c := newID(t, "aa").config(t)
	if err := os.WriteFile(c.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(within(t), c); err == nil || !strings.Contains(err.Error(), c.Dir) {
		t.Errorf("got %v", err)
	}
}

func TestConfigFaultsAreNamedTogether(t *testing.T) {
	_, err := Start(within(t), Config{
		Name: "Not OK", ListenLeaf: "nowhere", Client: "192.0.2.1:4222", Seed: []byte("SU"),
		ClientKeys: map[string]string{"x": "SYS"}, MaxStore: 10, LogMaxBytes: 8, JournalMaxBytes: 8,
	})
	if err == nil {
		t.Fatal("a wrong configuration starts")
	}
	for _, want := range []string{`"Not OK"`, "no folder", "host:port", "not on loopback", "link seed", "certificate and key", `client key "x"`, "do not fit"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error:\n%v", want, err)
		}
	}
}

func TestPeerFaultsAreNamedTogether(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	b := start(t, ia.config(t))
	good := ib.peer("")
	with := func(f func(*Peer)) Peer { p := good; f(&p); return p }
	err := b.SetPeers(within(t), []Peer{
		good, good,
		with(func(p *Peer) { p.ID = "a.b" }),
		with(func(p *Peer) { p.ID = "aa" }),
		with(func(p *Peer) { p.ID, p.NKeyPublic = "c1", ia.nkey }),
		with(func(p *Peer) { p.ID, p.NKeyPublic = "c2", "U123" }),
		with(func(p *Peer) { p.ID, p.CertPEM = "c3", []byte("no") }),
		with(func(p *Peer) { p.ID, p.CertPEM = "c4", append(append([]byte{}, ia.cert...), ib.cert...) }),
		with(func(p *Peer) { p.ID, p.DialURL = "c5", "nats://x:1" }),
		with(func(p *Peer) { p.ID, p.DialURL = "c6", "tls://user:pw@x:1" }),
		with(func(p *Peer) { p.ID, p.DialURL = "c7", "tls://x" }),
	})
	if err == nil {
		t.Fatal("wrong peers are taken")
	}
	for _, want := range []string{"bb stands twice", `"a.b"`, "this node itself", "c1 has this node's own", "c2: nkey", "c3: its statement", "c4: there is something after", "c5: url", "c6: url", "c7: url", "same nkey"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error:\n%v", want, err)
		}
	}
	if got := b.Links(); len(got) != 0 {
		t.Errorf("links after the refusal: %+v", got)
	}
}

// A peer whose certificate could sign others would lend out its place.
func TestAuthorityIsNoPeer(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	b := start(t, ia.config(t))
	for name, change := range map[string]func(*x509.Certificate){
		"an authority":             func(c *x509.Certificate) { c.IsCA = true },
		"one that does not say":    func(c *x509.Certificate) { c.BasicConstraintsValid = false },
		"one that says it is none": func(*x509.Certificate) {},
	} {
		p := ib.peer("")
		p.CertPEM = selfSigned(t, change)
		if err := b.SetPeers(within(t), []Peer{p}); (err == nil) != (name == "one that says it is none") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// selfSigned makes a certificate after a change.
func selfSigned(t *testing.T, change func(*x509.Certificate)) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	change(tmpl)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// What an acknowledgement is worth: the server syncs before it answers.
func TestServerSyncsAlways(t *testing.T) {
	b := start(t, newID(t, "aa").config(t))
	if c := b.tr.(*embedded).srv.JetStreamConfig(); !c.SyncAlways || c.Domain != "aa" {
		t.Errorf("JetStream runs with %+v", c)
	}
}

// Whatever stands in a path or URL is one string to the server's parser, and
// cannot add a setting of its own.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		m, err := conf.Parse("a: " + quote(s) + "\nb: { c: " + quote(s) + " }\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := m["a"]; got != s || len(m) != 2 {
			t.Fatalf("%q came back as %q", s, got)
		}
		if got := m["b"].(map[string]any)["c"]; got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
