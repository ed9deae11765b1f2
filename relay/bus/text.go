package bus

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// Accounts of the embedded server. Each peer has one more, linkAccount.
const (
	accountRelay  = "RELAY"
	accountSystem = "SYS"
)

func linkAccount(peer string) string { return "LINK_" + peer }

// Limits that every leaf connection of a peer is held to.
const (
	// A peer has one leaf connection; another may overlap while it reconnects.
	linkMaxLeafs = 4
	// Or it comes as a client, beside our own foot.
	linkMaxClients = 1 + linkMaxLeafs
	// One request subject and one inbox on each side, with room to spare.
	linkMaxSubs = 64
	// What waits at the server for one client: more, and it hangs up. This
	// process's own connection gets two reads at once at most, see maxReadBytes.
	// For leaf connections the server has no such bound: what waits there is
	// bounded by the relay, which asks no more of a peer that does not read, and
	// by writeWait.
	maxWaiting = 12 << 20
	// writeWait is how long what waits for a leaf connection may take to be
	// written, before it is closed; a frame is asked for again after not much
	// more. The server would else wait for one that takes a byte a second.
	writeWait = "20s"
)

// pullSubject is where node answers requests, in the account of a link.
func pullSubject(node string) string { return "px." + node + ".pull" }

// inboxPrefix is under which node gets its answers, in the account of a link.
func inboxPrefix(node string) string { return "_INBOX_" + node }

// dialDenied is what a peer's server may neither ask of nor hear from the
// account of its link at a server that dialled it. The dialling side has deny
// lists only; what is left has no listener but this node's relay, which
// subscribes to two subjects.
const dialDenied = `["$JS.>", "$KV.>", "$OBJ.>", "$SYS.>", "$SRV.>", "$G.>", "$MQTT.>", "$GR.>", "_GR_.>", "_R_.>"]`

// layout is everything that goes into the server's configuration text.
type layout struct {
	Config
	// at are the listeners' addresses as really bound.
	at listeners
	// relay and links are the public nkeys of this process's own users.
	relay string
	links map[string]string
	peers []Peer
}

// text writes the server's configuration. Everything in it was checked or made
// by us; quote guards what is left (paths, URLs).
func (l layout) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: %s\n", quote(l.Name))
	switch {
	case l.at.client != "":
		fmt.Fprintf(&b, "listen: %s\n", quote(l.at.client))
	case l.at.clients != "":
		fmt.Fprintf(&b, "listen: %s\ntls { %s, verify: true }\n", quote(listenText(l.at.clients)), l.tls(trustFile(l.Dir)))
	}
	if l.at.websocket != "" {
		// WebSocket is within TLS from its first byte on: there is no handshake to put first.
		fmt.Fprintf(&b, "websocket { listen: %s, compression: false, handshake_timeout: \"5s\", tls { %s, verify: true } }\n",
			quote(listenText(l.at.websocket)), l.plainTLS(trustFile(l.Dir)))
	}
	fmt.Fprintf(&b, "max_payload: %d\nmax_pending: %d\n", MaxRequest, maxWaiting)
	b.WriteString("ping_interval: \"20s\"\nping_max: 2\n")
	// always: an acknowledged record survives a power cut. The server's own
	// default of two minutes does not (nats-server issue 7564).
	fmt.Fprintf(&b, "jetstream { store_dir: %s, domain: %s, sync_interval: always, max_file_store: %d, max_memory_store: %d }\n",
		quote(filepath.Join(l.Dir, "store")), quote(l.Name), l.MaxStore, l.MaxMemory)
	l.leafnodes(&b)
	l.accounts(&b)
	fmt.Fprintf(&b, "system_account: %s\n", accountSystem)
	return b.String()
}

func (l layout) leafnodes(b *strings.Builder) {
	b.WriteString("leafnodes {\n")
	if l.at.leaf != "" {
		fmt.Fprintf(b, "  listen: %s\n", quote(listenText(l.at.leaf)))
	}
	b.WriteString("  no_advertise: true\n  isolate_leafnode_interest: true\n  min_version: \"2.15.0\"\n  compression: off\n  reconnect: \"1s\"\n")
	fmt.Fprintf(b, "  write_deadline: %q\n  write_timeout: close\n", writeWait)
	fmt.Fprintf(b, "  tls { %s, verify: true }\n", l.tls(trustFile(l.Dir)))
	b.WriteString("  remotes: [\n")
	for _, p := range l.peers {
		if p.asLeaf() {
			l.remote(b, p)
		}
	}
	b.WriteString("  ]\n}\n")
}

// remote writes the leaf connection to a peer that this node dials.
func (l layout) remote(b *strings.Builder, p Peer) {
	tls := l.tls(peerTrustFile(l.Dir, p.ID))
	if strings.HasPrefix(p.DialURL, SchemeWebsocket) {
		tls = l.plainTLS(peerTrustFile(l.Dir, p.ID))
	}
	fmt.Fprintf(b, "    { url: %s, account: %s, nkey: %s, compression: off, dial_timeout: \"5s\", first_info_timeout: \"5s\",\n      deny_imports: %s, deny_exports: %s,\n      tls { %s }",
		quote(p.DialURL), quote(linkAccount(p.ID)), quote(string(l.Seed)), dialDenied, dialDenied, tls)
	if u, err := url.Parse(p.Proxy); err == nil && p.Proxy != "" { // checked by CheckDial
		fmt.Fprintf(b, ",\n      proxy { url: %s, timeout: \"5s\"", quote("http://"+u.Host))
		if password, ok := u.User.Password(); ok {
			fmt.Fprintf(b, ", username: %s, password: %s", quote(u.User.Username()), quote(password))
		}
		b.WriteString(" }")
	}
	b.WriteString(" }\n")
}

// tls writes the keys that both ends of a link share: TLS 1.3, handshake before
// the first byte of NATS, and who is trusted.
func (l layout) tls(trust string) string {
	return l.plainTLS(trust) + ", handshake_first: true"
}

func (l layout) plainTLS(trust string) string {
	return fmt.Sprintf("cert_file: %s, key_file: %s, ca_file: %s, min_version: \"1.3\", timeout: 5",
		quote(certFile(l.Dir)), quote(keyFile(l.Dir)), quote(trust))
}

func (l layout) accounts(b *strings.Builder) {
	fmt.Fprintf(b, "accounts {\n  %s { users: [%s] }\n", accountSystem, l.users(accountSystem))
	fmt.Fprintf(b, "  %s { jetstream: enabled, users: [%s] }\n", accountRelay, l.users(accountRelay, l.relay))
	for _, p := range l.peers {
		in := fmt.Sprintf("[%s, %s]", quote(pullSubject(l.Name)), quote(inboxPrefix(l.Name)+".>"))
		out := fmt.Sprintf("[%s, %s]", quote(pullSubject(p.ID)), quote(inboxPrefix(p.ID)+".>"))
		fmt.Fprintf(b, "  %s { limits { max_leafnodes: %d, max_connections: %d, max_subscriptions: %d, max_payload: %d }, users: [\n",
			quote(linkAccount(p.ID)), linkMaxLeafs, linkMaxClients, linkMaxSubs, MaxRequest)
		// Our own foot in the lock chamber.
		fmt.Fprintf(b, "    { nkey: %s, permissions { publish { allow: %s }, subscribe { allow: %s } } }\n", l.links[p.ID], out, in)
		// The peer's: what it publishes comes in to us, and the other way round.
		if !p.Paused {
			fmt.Fprintf(b, "    { nkey: %s, permissions { publish { allow: %s }, subscribe { allow: %s } } }\n", p.NKeyPublic, in, out)
		}
		b.WriteString("  ] }\n")
	}
	b.WriteString("}\n")
}

// users lists nkeys and the operator's users of one account.
func (l layout) users(account string, nkeys ...string) string {
	for key, a := range l.ClientKeys {
		if a == account {
			nkeys = append(nkeys, key)
		}
	}
	slices.Sort(nkeys) // the same text each time
	for i, key := range nkeys {
		nkeys[i] = "{ nkey: " + key + " }"
	}
	return strings.Join(nkeys, ", ")
}

// listenText writes an address the way the server's parser takes it: port 0
// would mean its default, -1 means a free one.
func listenText(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && port == "0" {
		return net.JoinHostPort(host, "-1")
	}
	return addr
}

// quote makes s a string of the server's configuration language.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Files of the embedded server's TLS, all under Dir/tls.
func certFile(dir string) string            { return filepath.Join(dir, "tls", "node.crt") }
func keyFile(dir string) string             { return filepath.Join(dir, "tls", "node.key") }
func trustFile(dir string) string           { return filepath.Join(dir, "tls", "peers.pem") }
func peerTrustFile(dir, peer string) string { return filepath.Join(dir, "tls", "peer-"+peer+".pem") }
