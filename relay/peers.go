package relay

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/bus"
)

// typTerms is the type of the file that binds a peer's statement to the
// terms this node accepted, signed with the node's own agreement key.
const typTerms = "entente-agreement+jwt"

// termsExt is the file name extension of accepted terms.
const termsExt = ".jwt"

// Terms is what this node accepted about one peer: who it is (its statement,
// compared by fingerprint), on which conditions (the agreement, as its people
// wrote it), and how to reach it.
type Terms struct {
	Version   int       `json:"ver"`
	Agreement string    `json:"agreement"`           // YAML
	Statement string    `json:"statement,omitempty"` // compact JWS of the peer; none for a recipient without traffic
	Dial      string    `json:"dial,omitempty"`      // tls, wss or nats+tls://host:port, or "" when the peer dials us
	Proxy     string    `json:"proxy,omitempty"`     // http://host:port of a proxy on the way there, or ""
	Seal      string    `json:"seal,omitempty"`      // SealRequired, or "" for an open link
	Accepted  time.Time `json:"accepted"`
}

// SealRequired says that pulls, frames and receipts of a link are encrypted
// between the two nodes, and that nothing else is taken or given.
const SealRequired = "required"

// termsVersion is the newest version of the file that this build knows.
const termsVersion = 1

// Peer is one accepted peer, read back and checked.
type Peer struct {
	Agreement *policy.Agreement
	Statement *directory.Statement // nil for a recipient without traffic
	Dial      string
	Proxy     string // may hold a password
	Seal      string
	Paused    *Pause       // nil while traffic may flow
	Observed  *Observation // nil while what the rules allow is sent
	Digest    [32]byte     // SHA-256 of the agreement's text as it was signed
}

// AgreementsDir is where accepted terms of the node whose configuration is
// in dir lie: one signed file a peer.
func AgreementsDir(dir string) string { return filepath.Join(dir, "agreements") }

// AcceptPeer checks terms and stores them under dir, signed with the node's
// own key, replacing earlier terms with the same peer.
func AcceptPeer(dir string, t Terms, key directory.Signer, now time.Time) (*Peer, error) {
	return files{}.acceptPeer(dir, t, key, now)
}

func (f files) acceptPeer(dir string, t Terms, key directory.Signer, now time.Time) (*Peer, error) {
	t.Version, t.Accepted = termsVersion, now.UTC().Truncate(time.Second)
	p, err := t.read("agreement")
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	signed, err := directory.SignJWS(typTerms, raw, key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, p.Agreement.Peer+termsExt)
	return p, f.put(fileTerms, path, append(signed, '\n'), 0o600)
}

// RemovePeer takes back the terms with a peer, and with them its pause. It
// fails when there are none.
func RemovePeer(dir, peer string) error { return files{}.removePeer(dir, peer) }

// removePeer takes the terms first: a peer must not flow again, unpaused, when
// the second file cannot be removed. Asked again, it removes what is left.
func (f files) removePeer(dir, peer string) error {
	was, err := f.remove(fileRemoved, filepath.Join(dir, peer+termsExt))
	if err != nil {
		return err
	}
	paused, err := f.resumePeer(dir, peer)
	observed, err2 := f.beginPeer(dir, peer)
	if err = errors.Join(err, err2); err == nil && !was && !paused && !observed {
		return noTerms(fs.ErrNotExist, peer)
	}
	return err
}

// noTerms says what to do when a peer has no file.
func noTerms(err error, peer string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are no terms with %s: `entente peer list` shows the peers", peer)
	}
	return err
}

// LoadPeers reads every accepted peer under dir, by id. Each file must be
// signed by own, this node's agreement key: terms changed by another hand are
// refused. A folder that does not exist holds no peers.
func LoadPeers(dir string, own directory.KeySource) ([]*Peer, error) {
	paths, err := ownFiles(dir)
	if err != nil {
		return nil, err
	}
	var peers []*Peer
	var errs []error
	for _, path := range paths {
		p, err := loadTerms(path, own)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if p.Agreement.Peer+termsExt != filepath.Base(path) {
			errs = append(errs, fmt.Errorf("%s holds the terms with %s: rename it", path, p.Agreement.Peer))
			continue
		}
		if p.Paused, err = loadPause(dir, p.Agreement.Peer); err != nil {
			errs = append(errs, err)
			continue
		}
		if p.Observed, err = loadObservation(dir, p.Agreement.Peer); err != nil {
			errs = append(errs, err)
			continue
		}
		peers = append(peers, p)
	}
	slices.SortFunc(peers, func(a, b *Peer) int { return strings.Compare(a.Agreement.Peer, b.Agreement.Peer) })
	return peers, errors.Join(errs...)
}

// ReadTerms reads one signed file of accepted terms.
func ReadTerms(path string, own directory.KeySource) (*Terms, error) {
	t := &Terms{}
	if err := openOwn(path, typTerms, own, t); err != nil {
		return nil, err
	}
	return t, nil
}

func loadTerms(path string, own directory.KeySource) (*Peer, error) {
	t, err := ReadTerms(path, own)
	if err != nil {
		return nil, err
	}
	return t.read(path)
}

// read checks what terms hold. The statement is judged at the moment of
// acceptance: when it lapses later, what its keys signed before stays good and
// what they sign then waits (directory.Key.Usable).
func (t *Terms) read(where string) (*Peer, error) {
	a, err := policy.ParseAgreement([]byte(t.Agreement), where)
	if err != nil {
		return nil, err
	}
	p := &Peer{Agreement: a, Dial: t.Dial, Proxy: t.Proxy, Seal: t.Seal, Digest: sha256.Sum256([]byte(t.Agreement))}
	if err := bus.CheckDial(t.Dial, t.Proxy); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if t.Seal != "" && t.Seal != SealRequired {
		return nil, fmt.Errorf("%s: seal %q: this build knows %q: use a newer entente", where, t.Seal, SealRequired)
	}
	if t.Statement == "" {
		return p, nil
	}
	if p.Statement, err = directory.ParseStatement([]byte(t.Statement), t.Accepted); err != nil {
		return nil, fmt.Errorf("%s: the peer's statement: %w", where, err)
	}
	if p.Statement.ID != a.Peer {
		return nil, fmt.Errorf("%s: the agreement is with %q, the statement is of %q", where, a.Peer, p.Statement.ID)
	}
	if p.Statement.Country != a.Country {
		return nil, fmt.Errorf("%s: the agreement says %s is in %s, its statement says %s", where, a.Peer, a.Country, p.Statement.Country)
	}
	if _, ok := p.Statement.EncKey(t.Accepted); t.Seal != "" && !ok {
		return nil, fmt.Errorf("%s: the link with %s shall be sealed, and its statement has no key to encrypt to: ask for a newer statement", where, a.Peer)
	}
	return p, nil
}

// keepUsable shows this node's own keys without their end: terms accepted
// under a key that has since been rotated remain accepted.
type keepUsable struct{ own directory.KeySource }

// Key returns the key without its end.
func (k keepUsable) Key(kid string) (directory.Key, bool) {
	key, ok := k.own.Key(kid)
	if ok {
		far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		key.NotAfter, key.Fresh = far, far
	}
	return key, ok
}
