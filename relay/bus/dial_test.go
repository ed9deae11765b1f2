package bus

import (
	"context"
	"errors"
	"testing"
	"time"
)

// dialled is how others list a node that they dial at a URL.
func dialled(i id, url string) Peer {
	p := i.peer("")
	p.DialURL = url
	return p
}

// A client without a server asks and is answered as a node that dials the same
// way is, and nobody else's key lets it in.
func TestDialAsksWithoutAServer(t *testing.T) {
	a, peer, stranger := newID(t, "aa"), newID(t, "bb"), newID(t, "cc")
	server := openHub(t, a)
	setPeers(t, server, peer.peer(""))
	if err := server.Serve("bb", func(_ context.Context, req []byte) []byte { return append([]byte("heard "), req...) }); err != nil {
		t.Fatal(err)
	}
	to := dialled(a, ways[SchemeClient](server))
	dial := func(i id, name string) *Client {
		conf := i.config(t)
		conf.Name = name
		client, err := Dial(conf, to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := client.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return client
	}
	client := dial(peer, "bb")
	for {
		answer, err := client.Request(within(t), []byte("me"))
		if err == nil && string(answer) == "heard me" {
			break
		}
		if within(t).Err() != nil || err == nil {
			t.Fatalf("%q, %v", answer, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if answer, err := dial(stranger, "bb").Request(ctx, []byte("me")); err == nil {
		t.Errorf("a stranger under the peer's name was answered %q", answer)
	}
	if err := client.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := client.Request(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed link: %v", err)
	}
}

func TestDialRefuses(t *testing.T) {
	a, b := newID(t, "aa"), newID(t, "bb")
	noKey := b.config(t)
	noKey.KeyPEM = nil
	for name, x := range map[string]struct {
		conf Config
		peer Peer
	}{
		"a leaf":         {b.config(t), dialled(a, SchemeLeaf+"://127.0.0.1:1")},
		"no address":     {b.config(t), a.peer("")},
		"no name":        {Config{}, dialled(a, SchemeClient+"://127.0.0.1:1")},
		"no certificate": {noKey, dialled(a, SchemeClient+"://127.0.0.1:1")},
	} {
		if _, err := Dial(x.conf, x.peer); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
