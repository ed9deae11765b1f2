package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/entente-relay/entente/relay/journal"
)

// identity is a TLS certificate and its key, PEM, by which peers know a node's
// link.
type identity struct{ cert, key []byte }

// newIdentity reads the certificate of the links again: nil when it is the one
// in use. Peers take it from this node's statement, so one that is not in w's
// statement would only shut them out.
func (n *Node) newIdentity(w *World) (*identity, error) {
	dir := KeysDir(n.cfg)
	keys, err := loadKeys(dir, n.keys.Message)
	if err != nil {
		return nil, err
	}
	next := identity{keys.LinkCert, keys.LinkKey}
	if bytes.Equal(next.cert, n.shown.cert) && bytes.Equal(next.key, n.shown.key) {
		return nil, nil
	}
	path := filepath.Join(dir, linkCertFile)
	if !bytes.Equal(bytes.TrimSpace(next.cert), bytes.TrimSpace([]byte(w.Own.LinkCert))) {
		return nil, fmt.Errorf("%s is not the certificate in %s: peers would refuse it; put both in place, then reload", path, StatementFile)
	}
	return &next, nil
}

// showIdentity puts a new certificate in force, if there is one, and journals
// it by digest.
func (n *Node) showIdentity(ctx context.Context, next *identity) error {
	if next == nil {
		return nil
	}
	if err := n.bus.SetIdentity(ctx, next.cert, next.key); err != nil {
		return err
	}
	before := n.shown
	n.shown = *next
	n.slog.Info("links made from now on show another certificate")
	_, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Reload: &journal.Reload{What: "link-certificate",
		Before: certDigest(before.cert), After: certDigest(next.cert)}})
	return err
}

// certDigest names a certificate in the journal.
func certDigest(certPEM []byte) journal.Token {
	sum := sha256.Sum256(bytes.TrimSpace(certPEM))
	return journal.Token(hex.EncodeToString(sum[:]))
}
