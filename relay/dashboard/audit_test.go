package dashboard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/entente-relay/entente/relay/journal"
)

// TestBrokenCopy: a copy of the journal that the node cannot finish does not end
// like one that is whole.
func TestBrokenCopy(t *testing.T) {
	half := func(w io.Writer) error {
		_, err := io.WriteString(w, `{"seq":1,"record":{}}`+"\n")
		return errors.Join(err, errors.New("the disk said no"))
	}
	api := echo()
	api.Chain = func(_ context.Context, _ uint64, w io.Writer) error { return half(w) }
	api.Records = func(_ context.Context, _ journal.Selection, w io.Writer) error { return half(w) }
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: api.Handler()}
	go func() { _ = s.Serve(l) }() // ends with Close
	defer s.Close()
	c := NewClient(socket)
	for name, open := range map[string]func() (io.ReadCloser, error){
		"chain":   func() (io.ReadCloser, error) { return c.Chain(t.Context(), 1) },
		"records": func() (io.ReadCloser, error) { return c.Records(t.Context(), journal.Selection{Peer: "pl-cert"}) },
	} {
		r, err := open()
		if err == nil {
			_, err = io.ReadAll(r)
			err = errors.Join(err, r.Close())
		}
		if err == nil {
			t.Errorf("%s: half a copy ended as if it were whole", name)
		}
	}
}
