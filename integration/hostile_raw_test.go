package integration

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	wire "github.com/entente-relay/entente/federation/link"
)

// rawLeaf is a connection of the hostile peer to the victim's leaf port on which
// it writes the protocol by hand, so that no server of its own holds it back.
type rawLeaf struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

// dialRaw signs in with the peer's good certificate and nkey.
func (h *hostile) dialRaw() *rawLeaf {
	h.t.Helper()
	cert, err := tls.X509KeyPair(h.keys.LinkCert, h.keys.LinkKey)
	if err != nil {
		h.t.Fatal(err)
	}
	// An attacker does not care who the victim is.
	conn, err := tls.Dial("tcp", h.victim.node.LeafAddr(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() }) // the victim may have
	l := &rawLeaf{t: h.t, conn: conn, r: bufio.NewReader(conn)}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	line, err := l.r.ReadString('\n')
	if err != nil {
		h.t.Fatal(err)
	}
	var info struct{ Nonce string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil {
		h.t.Fatal(err)
	}
	kp, err := nkeys.FromSeed(h.keys.LinkSeed)
	if err != nil {
		h.t.Fatal(err)
	}
	sig, err := kp.Sign([]byte(info.Nonce))
	if err != nil {
		h.t.Fatal(err)
	}
	l.send(`CONNECT {"nkey":%q,"sig":%q,"name":"raw","server_id":"raw","version":"2.15.2","headers":true,"protocol":1}`+"\r\nPING\r\nLS+ _INBOX_%s.>\r\n",
		h.keys.LinkPublic, base64.RawURLEncoding.EncodeToString(sig), h.id)
	return l
}

func (l *rawLeaf) send(format string, v ...any) {
	_, _ = fmt.Fprintf(l.conn, format, v...) // reading shows when the victim has hung up
}

// messages reads what the victim sends until the answer at last comes, or it
// hangs up: the subjects other than last, and whether it hung up.
func (l *rawLeaf) messages(last string) (subjects []string, hungUp bool) {
	l.t.Helper()
	for {
		line, err := l.r.ReadString('\n')
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			l.t.Fatal("the victim neither answers nor hangs up")
		}
		if err != nil {
			return subjects, true
		}
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] != "LMSG" && f[0] != "HMSG":
		case f[1] == last:
			return subjects, false
		case strings.Contains(f[1], ".last"), strings.Contains(f[1], ".flood."):
			// The answer to an earlier request, late.
		case !strings.HasPrefix(f[1], "_INBOX_"):
			// The victim's own pulls go to every connection of the peer.
		default:
			subjects = append(subjects, f[1])
		}
	}
}

// inbox is where an answer may go; each is used once.
func (h *hostile) inbox() string { return fmt.Sprintf("_INBOX_%s.last%d", h.id, h.inboxes.Add(1)) }

// tried sends something, then the one request that is allowed, and returns what
// came besides its answer.
func (h *hostile) tried(attack string) (subjects []string, hungUp bool) {
	h.t.Helper()
	l := h.dialRaw()
	defer l.conn.Close()
	last := h.inbox()
	pull, err := wire.EncodePull(wire.Pull{Cursor: h.mine})
	if err != nil {
		h.t.Fatal(err)
	}
	l.send("%sLMSG px.%s.pull %s %d\r\n%s\r\n", attack, h.victim.id, last, len(pull), pull)
	return l.messages(last)
}

// foreign are subjects that are none of the peer's, in the account of its link
// and in others: the list of what a hostile leaf tried at a shared JetStream
// account, and more. The victim is pl-cert, its other peer jp-carrier.
var foreign = []string{
	"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.LOG", "$JS.API.STREAM.MSG.GET.LOG", "$JS.API.DIRECT.GET.LOG",
	"$JS.API.STREAM.PURGE.LOG", "$JS.API.STREAM.DELETE.LOG", "$JS.API.STREAM.MSG.DELETE.LOG", "$JS.API.STREAM.UPDATE.LOG", "$JS.API.STREAM.CREATE.EVIL",
	"$JS.API.STREAM.SNAPSHOT.LOG", "$JS.API.CONSUMER.CREATE.LOG", "$JS.API.CONSUMER.DELETE.LOG.x", "$JS.API.CONSUMER.MSG.NEXT.LOG.x", "$JS.API.CONSUMER.RESET.LOG.x",
	"$JS.pl-cert.API.INFO", "$JS.pl-cert.API.STREAM.NAMES", "$JS.pl-cert.API.STREAM.MSG.GET.LOG", "$JS.pl-cert.API.DIRECT.GET.LOG", "$JS.pl-cert.API.STREAM.PURGE.LOG",
	"$JS.pl-cert.API.STREAM.DELETE.LOG", "$JS.pl-cert.API.CONSUMER.CREATE.LOG", "$JS.pl-cert.API.CONSUMER.RESET.LOG.x", "$JS.ACK.LOG.x", "$JS.FC.x",
	"$KV.x.y", "$OBJ.x.y", "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.SERVER.PING.LEAFZ", "$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.ACCOUNT.PING.CONNZ",
	"$SYS.REQ.ACCOUNT.RELAY.INFO", "$SYS.REQ.USER.INFO", "$SYS.REQ.CLAIMS.UPDATE", "$SYS.ACCOUNT.RELAY.CONNECT", "$SRV.PING",
	"log.evil", "log._self", "log.jp-carrier", "journal.record", "px.jp-carrier.pull", "px.de-cert.pull", "px.pl-cert.push", "px.pl-cert.pull.x", "_INBOX_jp-carrier.x",
}
