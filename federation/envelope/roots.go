package envelope

import (
	"sync"
	"time"

	"fmt"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// RootCache remembers verified hop roots, so that the root of a frame is
// verified once and not once a message. It is safe for concurrent use and holds
// between size and twice size roots; what it no longer holds is verified again.
// Whether a root's key may still be used is asked every time.
type RootCache struct {
	mu       sync.Mutex
	size     int
	now, old map[string]*root // by the text of the JWS
}

// root is a verified root.
type root struct {
	jws  *directory.JWS
	iss  string
	iat  int64
	n    int
	hash [32]byte
}

// maxRoot bounds the text of a root JWS, in bytes.
const maxRoot = 2048

// NewRootCache returns a cache of about size roots, at least one.
func NewRootCache(size int) *RootCache {
	return &RootCache{size: max(size, 1), now: map[string]*root{}, old: map[string]*root{}}
}

// open returns the verified root of a JWS text. A nil cache verifies each time.
func (c *RootCache) open(text []byte, keys directory.KeySource, now time.Time) (*root, error) {
	if r := c.get(text); r != nil {
		key, ok := keys.Key(r.jws.Key.KID)
		if ok && key.Owner == r.iss && key.Alg == r.jws.Key.Alg {
			if err := key.Usable(directory.PurposeMessage, now); err != nil {
				return nil, err
			}
			return r, nil
		}
	}
	r, err := readRoot(text, keys, now)
	if err == nil {
		c.put(text, r)
	}
	return r, err
}

// readRoot verifies a root JWS.
func readRoot(text []byte, keys directory.KeySource, now time.Time) (*root, error) {
	if len(text) > maxRoot {
		return nil, federation.Refuse(federation.TooLarge, "root", fmt.Sprintf("over %d bytes", maxRoot))
	}
	j, err := directory.OpenJWS(text, typRoot, directory.PurposeMessage, keys, now)
	if err != nil {
		return nil, err
	}
	var p rootPayload
	if err := decodeVersioned(j.Payload, "root", &p); err != nil {
		return nil, err
	}
	if p.Iss != j.Key.Owner {
		return nil, federation.Refuse(federation.BadSignature, "root",
			fmt.Sprintf("issued by %q and signed with a key of %s", p.Iss, j.Key.Owner))
	}
	hash, err := readDigest([]byte(p.Root))
	if err != nil || p.N < 1 || p.N > MaxFrame {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "root",
			Detail: fmt.Sprintf("%d leaves, 1 to %d are allowed", p.N, MaxFrame), Err: err}
	}
	return &root{jws: j, iss: p.Iss, iat: p.Iat, n: p.N, hash: hash}, nil
}

// get looks a root up.
func (c *RootCache) get(text []byte) *root {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.now[string(text)]; ok {
		return r
	}
	r := c.old[string(text)]
	if r != nil {
		c.store(text, r)
	}
	return r
}

// put keeps a verified root.
func (c *RootCache) put(text []byte, r *root) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store(text, r)
}

// store adds to the newer half; a full half becomes the older one.
func (c *RootCache) store(text []byte, r *root) {
	if len(c.now) >= c.size {
		c.old, c.now = c.now, make(map[string]*root, c.size)
	}
	c.now[string(text)] = r
}
