package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// externalServer is a NATS server that somebody else runs for node name: an
// account for its logs, one for the link with peer, and a leaf connection from
// there to the peer's node.
func externalServer(t *testing.T, i id, peer id, peerAddr string) *server.Server {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{"c": i.cert, "k": i.key, "ca": peer.cert} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts := &server.Options{NoSigs: true, NoLog: true}
	if err := opts.ProcessConfigString(fmt.Sprintf(`server_name: ext
listen: "127.0.0.1:-1"
jetstream { store_dir: %q, domain: hub, sync_interval: always, max_file_store: 1073741824 }
leafnodes { remotes: [{ url: "tls://%s", account: LINK, nkey: %s,
  tls { cert_file: %q, key_file: %q, ca_file: %q, handshake_first: true } }] }
accounts { SYS {}, RELAY { jetstream: enabled, users: [{user: relay, password: pw1}] }, LINK { users: [{user: link, password: pw2}] } }
system_account: SYS`, dir+"/js", peerAddr, i.seed, dir+"/c", dir+"/k", dir+"/ca")); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	poll(t, "the external server", func() bool { return s.ReadyForConnections(10 * time.Millisecond) })
	return s
}

func TestExternalServerTakesThePlaceOfTheEmbedded(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	b := start(t, ib.config(t))
	setPeers(t, b, ia.peer(""))
	ext := externalServer(t, ia, ib, b.LeafAddr())
	at := func(user string) string { return strings.Replace(ext.ClientURL(), "nats://", "nats://"+user+"@", 1) }

	// The link by URL, the logs by a context of the nats command, through the
	// server's domain.
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	if err := os.MkdirAll(filepath.Join(home, "nats", "context"), 0o700); err != nil {
		t.Fatal(err)
	}
	context := fmt.Sprintf(`{"url":%q,"user":"relay","password":"pw1","jetstream_domain":"hub","description":"test"}`, ext.ClientURL())
	if err := os.WriteFile(filepath.Join(home, "nats", "context", "region.json"), []byte(context), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Name: "aa", External: &External{
		Relay: Endpoint{Context: "region"},
		Links: map[string]Endpoint{"bb": {URL: at("link:pw2")}},
	}, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	a := start(t, c)
	if _, err := a.Log().Append(within(t), records(5, "s", 10)); err != nil {
		t.Fatal(err)
	}
	got, err := a.Log().Read(within(t), 2, 10, 0)
	if err != nil || len(got) != 4 || got[0].Subject != "s" {
		t.Errorf("read: %d records, %v", len(got), err)
	}
	if l, ok, err := a.Log().Last(within(t), "s"); err != nil || !ok || l.Seq != 5 {
		t.Errorf("last: %+v %v %v", l, ok, err)
	}
	if err := a.SetPeers(within(t), []Peer{{ID: "zz"}}); err == nil || !strings.Contains(err.Error(), "no link is configured") {
		t.Errorf("peer without a link: %v", err)
	}
	setPeers(t, a, Peer{ID: "bb"})
	if err := a.Serve("bb", echo("a")); err != nil {
		t.Fatal(err)
	}
	if err := b.Serve("aa", echo("b")); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, a, "bb", "x"); got != "b heard x" {
		t.Error(got)
	}
	if got := answers(t, b, "aa", "x"); got != "a heard x" {
		t.Error(got)
	}
	up(t, a, "bb", true)
	incarnation := a.Log().Incarnation()
	stop(t, a)
	if a = start(t, c); a.Log().Incarnation() != incarnation {
		t.Error("another incarnation on the same external server")
	}
	setPeers(t, a)
	if _, err := a.Request(within(t), "bb", nil); !errors.Is(err, ErrNoPeer) {
		t.Errorf("request to a removed peer: %v", err)
	}
}

func TestExternalFaults(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	dir := filepath.Join(home, "nats", "context")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"broken": "{", "nsc": `{"url":"nats://127.0.0.1:1","nsc":"x"}`, "empty": `{}`} {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		e    Endpoint
		want string
	}{
		"nothing":         {Endpoint{}, "neither"},
		"both":            {Endpoint{Context: "x", URL: "nats://127.0.0.1:1"}, "one of the two"},
		"missing context": {Endpoint{Context: "nowhere"}, "nats context add"},
		"path as context": {Endpoint{Context: "../x"}, "not a path"},
		"broken context":  {Endpoint{Context: "broken"}, "broken.json"},
		"nsc context":     {Endpoint{Context: "nsc"}, "nsc"},
		"empty context":   {Endpoint{Context: "empty"}, "no url"},
		"nobody there":    {Endpoint{URL: "nats://secret:word@127.0.0.1:1"}, "127.0.0.1:1"},
		"no such seed":    {Endpoint{URL: "nats://127.0.0.1:1", SeedFile: filepath.Join(home, "none")}, "nkey seed"},
	} {
		_, err := Start(within(t), Config{Name: "aa", External: &External{Relay: c.e}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "word") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}

func TestExternalWithoutJetStream(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	poll(t, "the server", func() bool { return s.ReadyForConnections(10 * time.Millisecond) })
	_, err = Start(within(t), Config{Name: "aa", External: &External{Relay: Endpoint{URL: s.ClientURL()}}})
	if err == nil || !strings.Contains(err.Error(), "JetStream") {
		t.Errorf("got %v", err)
	}
}
