package cli

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/entente-relay/entente/relay"
)

// Whoever follows a node is told when it ends, however it ends: silence would
// be taken for "nothing came".
func TestSubscribeTellsThatTheNodeEnded(t *testing.T) {
	for name, end := range map[string]http.HandlerFunc{
		"in order":  func(http.ResponseWriter, *http.Request) {},
		"in a line": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"seq":1,"id":"indica`)) },
		"abruptly":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"after a line": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"seq":1,"id":"x","object":{}}` + "\n"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegion(t, "de-cert")
			serveAt(t, r, end)
			if code, _, errs := r.types("subscribe"); code != exitFailed || errs == "" {
				t.Errorf("exit code %d, %q", code, errs)
			} else if name != "in a line" && !strings.Contains(errs, "the node ended the connection") {
				t.Errorf("%q", errs)
			}
		})
	}
}

// serveAt answers for a node on its socket.
func serveAt(t *testing.T, r region, h http.Handler) {
	t.Helper()
	short, err := os.MkdirTemp("", "entente") //nolint:usetesting // a socket's name has to be short: that of a test's folder may not be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	config := filepath.Join(r.dir, configFile)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "data: data", "data: "+short, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{config: config}
	cfg, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", relay.SocketPath(cfg))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}
