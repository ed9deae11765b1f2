package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	protocol "github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// hub is a NATS server that a third party runs between de-cert and pl-cert. It
// keeps everything that crosses.
type hub struct {
	srv *server.Server
	tap *nats.Conn

	mu      sync.Mutex
	crossed [][]byte
}

func newHub(t *testing.T) *hub {
	t.Helper()
	opts := &server.Options{NoSigs: true, NoLog: true}
	// The logs are the nodes' own and would be elsewhere; only LINK is shared.
	if err := opts.ProcessConfigString(fmt.Sprintf(`server_name: hub
listen: "127.0.0.1:-1"
jetstream { store_dir: %q, sync_interval: always, max_file_store: 2147483648 }
accounts { SYS {}
  LOG_DE { jetstream: enabled, users: [{user: "log-de-cert", password: pw}] }
  LOG_PL { jetstream: enabled, users: [{user: "log-pl-cert", password: pw}] }
  LINK { users: [{user: "de-cert", password: pw}, {user: "pl-cert", password: pw}, {user: tap, password: pw}] } }
system_account: SYS`, t.TempDir())); err != nil {
		t.Fatal(err)
	}
	h := &hub{}
	var err error
	if h.srv, err = server.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	go h.srv.Start()
	t.Cleanup(func() { h.srv.Shutdown(); h.srv.WaitForShutdown() })
	eventually(t, 10*time.Second, func() string {
		if !h.srv.ReadyForConnections(10 * time.Millisecond) {
			return "the hub is not ready"
		}
		return ""
	})
	if h.tap, err = nats.Connect(h.url("tap")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.tap.Close)
	return h
}

func (h *hub) url(user string) string {
	return strings.Replace(h.srv.ClientURL(), "nats://", "nats://"+user+":pw@", 1)
}

// listen keeps what crosses from now on. Not before both nodes are there: with a
// listener the server no longer tells the first that nobody answers.
func (h *hub) listen(t *testing.T) {
	t.Helper()
	if _, err := h.tap.Subscribe(">", func(m *nats.Msg) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.crossed = append(h.crossed, m.Data)
	}); err != nil {
		t.Fatal(err)
	}
	if err := h.tap.Flush(); err != nil {
		t.Fatal(err)
	}
}

// recorded is what crossed so far.
func (h *hub) recorded() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([][]byte(nil), h.crossed...)
}

// region is a node that has its link with peer over the hub.
func (h *hub) region(t *testing.T, id, country, peer string) *region {
	r := newRegion(t, regionSpec{id: id, country: country, accept: accepted})
	r.edit("storage: []", fmt.Sprintf("external:\n  url: %q\n  links: { %s: { url: %q } }\nstorage: []", h.url("log-"+id), peer, h.url(id)))
	return r
}

// acceptSeal is accept with a seal.
func (r *region) acceptSeal(peer *region, agreement, seal string) {
	r.t.Helper()
	statement, err := os.ReadFile(filepath.Join(peer.dir, relay.StatementFile))
	if err != nil {
		r.t.Fatal(err)
	}
	t := relay.Terms{Agreement: agreement, Statement: string(statement), Seal: seal}
	if _, err := relay.AcceptPeer(relay.AgreementsDir(r.dir), t, r.keys.Terms, r.now()); err != nil {
		r.t.Fatal(err)
	}
}

// overHub is de-cert and pl-cert over a hub, with what each says of the seal.
func overHub(t *testing.T, deSeal, plSeal string) (*hub, *region, *region) {
	t.Helper()
	h := newHub(t)
	de, pl := h.region(t, "de-cert", "DE", "pl-cert"), h.region(t, "pl-cert", "PL", "de-cert")
	de.acceptSeal(pl, terms(t, "de-cert", "pl-cert"), deSeal)
	pl.acceptSeal(de, terms(t, "pl-cert", "de-cert"), plSeal)
	de.start()
	pl.start()
	return h, de, pl
}

// values are the strings of a published file that must not be read by others:
// every value, id and property name of some length.
func values(t *testing.T, file []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if len(v) >= 8 {
				out = append(out, v)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for name, x := range v {
				if len(name) >= 8 {
					out = append(out, name)
				}
				walk(x)
			}
		}
	}
	walk(v)
	return out
}

// views are the ways in which somebody may look at bytes: as they are, unpacked
// as a frame, and each part of a compact text decoded.
func views(t *testing.T, c *protocol.Codec, b []byte) []byte {
	all := bytes.Clone(b)
	if f, err := c.DecodeFrame(b); err == nil {
		for _, m := range f.Messages {
			all = append(all, m...)
		}
	}
	for _, part := range bytes.FieldsFunc(all, func(r rune) bool { return strings.ContainsRune(".~\n\"", r) }) {
		if d, err := directory.DecodeBase64(nil, part); err == nil {
			all = append(all, d...)
		}
	}
	return all
}

// TestThirdPartyReadsNothing sends both ways over somebody else's server, once
// open and once sealed, and looks for what was sent in everything that crossed.
func TestThirdPartyReadsNothing(t *testing.T) {
	t.Parallel()
	codec, err := protocol.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for name, seal := range map[string]string{"open": "", "sealed": relay.SealRequired} {
		t.Run(name, func(t *testing.T) {
			h, de, pl := overHub(t, seal, seal)
			publishSingly(t, de, 1)
			publishSingly(t, pl, 1)
			settled(t, de.node, pl.id, 30*time.Second)
			settled(t, pl.node, de.id, 30*time.Second)
			h.listen(t)
			feed := sampleFeed(t, "4-audiences.json")
			for _, r := range []*region{de, pl} {
				if _, err := r.node.Publish(t.Context(), "feed", "", feed); err != nil {
					t.Fatal(err)
				}
			}
			settled(t, de.node, pl.id, 30*time.Second)
			settled(t, pl.node, de.id, 30*time.Second)
			if len(arrivals(t, pl.node)) < 4 || len(arrivals(t, de.node)) < 4 {
				t.Fatal("nothing arrived")
			}
			if err := h.tap.Flush(); err != nil {
				t.Fatal(err)
			}
			secrets := append(values(t, feed), "de-cert", "pl-cert", "indicator--", "cti+sd-jwt", "cti-receipt", de.keys.Message.KeyID(), pl.keys.Message.KeyID())
			recorded, found, bytesSeen := h.recorded(), map[string]bool{}, 0
			for _, b := range recorded {
				seen := views(t, codec, b)
				bytesSeen += len(b)
				for _, s := range secrets {
					if bytes.Contains(seen, []byte(s)) {
						found[s] = true
					}
				}
			}
			if len(recorded) < 4 || bytesSeen < 10_000 {
				t.Fatalf("%d messages of %d bytes crossed", len(recorded), bytesSeen)
			}
			t.Logf("%d messages of %d bytes crossed, %d of %d secrets read", len(recorded), bytesSeen, len(found), len(secrets))
			switch {
			case seal == "" && len(found) < 20:
				t.Errorf("the test reads only %d of %d in what crossed open: it would not notice", len(found), len(secrets))
			case seal != "" && len(found) > 0:
				t.Errorf("read in what crossed sealed: %v", found)
			}
		})
	}
}

// TestSealIsTurnedOnWhileRunning seals a link that stands, first on one side,
// which stops it, then on both; the journal tells of it, and of its end.
func TestSealIsTurnedOnWhileRunning(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several reloads: not with -short")
	}
	_, de, pl := overHub(t, "", "")
	publishSingly(t, de, 1)
	settled(t, de.node, pl.id, 30*time.Second)
	turn := func(r, peer *region, seal string) {
		t.Helper()
		r.acceptSeal(peer, terms(t, r.id, peer.id), seal)
		if err := r.node.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	turn(de, pl, relay.SealRequired)
	publishMore(t, de)
	eventually(t, 30*time.Second, func() string {
		if _, p := peerOf(t, pl.node, de.id); !strings.Contains(p.State, string(federation.Unsealed)) {
			return "PL says of the link: " + p.State
		}
		return ""
	})
	if got := arrivals(t, pl.node); len(got) != 1 {
		t.Errorf("%d objects arrived over a link that one side wants sealed", len(got))
	}
	turn(pl, de, relay.SealRequired)
	settled(t, de.node, pl.id, 60*time.Second)
	if got := arrivals(t, pl.node); len(got) < 3 {
		t.Errorf("%d objects arrived", len(got))
	}
	turn(pl, de, "")
	var changes []string
	for r, err := range pl.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Peer != nil {
			changes = append(changes, string(r.Peer.Change))
		}
	}
	if got := strings.Join(changes, " "); !strings.Contains(got, "sealed unsealed") {
		t.Errorf("the journal tells %q", got)
	}
}

// TestThirdPartyDowngrade lets the third party ask and answer open where a link
// is sealed, and one side forget to seal.
func TestThirdPartyDowngrade(t *testing.T) {
	t.Parallel()
	h, de, pl := overHub(t, relay.SealRequired, "")
	if _, err := de.node.Publish(t.Context(), "feed", "", sampleFeed(t, "4-audiences.json")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		r    *region
		peer string
	}{{de, pl.id}, {pl, de.id}} {
		eventually(t, 20*time.Second, func() string {
			_, p := peerOf(t, x.r.node, x.peer)
			if !strings.Contains(p.State, string(federation.Unsealed)) {
				return fmt.Sprintf("%s says of the link: %q", x.r.id, p.State)
			}
			return ""
		})
	}
	pull, err := protocol.EncodePull(protocol.Pull{})
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := h.tap.SubscribeSync("_INBOX_pl-cert.stolen")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.tap.PublishRequest("px.de-cert.pull", "_INBOX_pl-cert.stolen", pull); err != nil {
		t.Fatal(err)
	}
	m, err := inbox.NextMsg(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := protocol.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.DecodeFrame(m.Data); federation.ReasonOf(err) != federation.Unsealed {
		t.Errorf("an open pull is answered: %v, %d bytes", err, len(m.Data))
	}
	if got := arrivals(t, pl.node); len(got) != 0 {
		t.Errorf("%d objects arrived", len(got))
	}
	var st dashboard.Status
	if st, err = de.node.Status(t.Context()); err != nil || st.Objects.Taken == 0 {
		t.Errorf("nothing was there to leave: %+v, %v", st.Objects, err)
	}
}
