package relay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay/bus"
)

// Files in the keys folder of a node. Every one is readable by its owner
// alone; the folder is what a backup must hold.
const (
	messageKeyFile = "message.jwk"   // Ed25519, signs messages, hops and receipts
	termsKeyFile   = "agreement.jwk" // Ed25519, signs this node's statement and the terms it accepts
	encKeyFile     = "enc.jwk"       // P-256, opens what others encrypted to this node
	linkSeedFile   = "link.nk"       // nkey seed of the leaf link
	linkCertFile   = "link.crt"      // self-signed certificate that peers pin
	linkKeyFile    = "link.key"      // its private key
	secretFile     = "secret"        // 32 random bytes: disclosure salts and sealed cursors
)

// Keys are a node's own secrets, loaded.
type Keys struct {
	Message  MessageKey
	Terms    *directory.PrivateKey
	Enc      *directory.EncKey // nil in a folder from before there was one
	LinkSeed []byte
	LinkCert []byte // PEM
	LinkKey  []byte // PEM
	Secret   []byte // 32 bytes

	// LinkPublic is the public half of LinkSeed as NATS writes it ("U...").
	LinkPublic string
}

// MessageKey signs messages, hops and receipts: a key in memory, or one that
// another process holds.
type MessageKey interface {
	directory.Signer
	// Key describes the public half, for a statement.
	Key(purpose string, notBefore, notAfter time.Time) directory.Key
}

// createKeys makes new keys for a node in its keys folder, which must not hold
// keys yet: overwriting them would orphan every message signed before. Where
// the configuration names a signer, the message key is the signer's. hosts stand
// in the link certificate.
func (f files) createKeys(cfg *configs.Node, hosts []string) (*Keys, error) {
	dir := KeysDir(cfg)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, termsKeyFile)); err == nil {
		return nil, fmt.Errorf("%s already holds keys: name another folder, or move them away first", dir)
	}
	terms, err := directory.GenerateKey()
	if err != nil {
		return nil, err
	}
	enc, err := directory.GenerateEncKey()
	if err != nil {
		return nil, err
	}
	seed, _, err := bus.NewNKey()
	if err != nil {
		return nil, err
	}
	cert, certKey, err := bus.NewTLSIdentity(cfg.Node.ID, hosts)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{linkSeedFile: seed, linkCertFile: cert, linkKeyFile: certKey, secretFile: secret} {
		if err := f.put(fileKeys, filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(dir, termsKeyFile)
	if err := f.try(fileKeys, path, func() error { return terms.Save(path) }); err != nil {
		return nil, err
	}
	path = filepath.Join(dir, encKeyFile)
	if err := f.try(fileKeys, path, func() error { return enc.Save(path) }); err != nil {
		return nil, err
	}
	if cfg.Keys.Signer != "" {
		if err := syncDir(dir); err != nil {
			return nil, err
		}
		return OpenKeys(cfg)
	}
	// The message key comes last: its presence says that the set is whole.
	key, err := directory.GenerateKey()
	if err != nil {
		return nil, err
	}
	path = filepath.Join(dir, messageKeyFile)
	if err := f.try(fileKeys, path, func() error { return errors.Join(key.Save(path), syncDir(dir)) }); err != nil {
		return nil, err
	}
	return LoadKeys(dir)
}

// OpenKeys loads a node's keys: the message key from the signer that the
// configuration names, if it does, and all others from the keys folder.
func OpenKeys(cfg *configs.Node) (*Keys, error) {
	dir := KeysDir(cfg)
	if cfg.Keys.Signer == "" {
		return LoadKeys(dir)
	}
	file := filepath.Join(dir, messageKeyFile)
	if _, err := os.Stat(file); err == nil {
		return nil, fmt.Errorf("%w: keys.signer names a signer and %s is there too: move the file to where the signer keeps it, or empty keys.signer", configs.ErrConfig, file)
	}
	remote, err := directory.NewRemoteSigner(cfg.Keys.Signer)
	if err != nil {
		return nil, fmt.Errorf("keys.signer: %w", err)
	}
	return loadKeys(dir, remote)
}

// stated checks that the node's own statement lists the message key: what
// another key signs, every peer refuses.
func (k *Keys) stated(own *directory.Statement) error {
	for _, x := range own.Keys {
		if x.KID == k.Message.KeyID() && x.Purpose == directory.PurposeMessage {
			return nil
		}
	}
	return fmt.Errorf("%w: the statement of %s does not list the message key %s: peers would refuse what it signs; use the key that is in the statement",
		configs.ErrConfig, own.ID, k.Message.KeyID())
}

// LoadKeys reads the keys under dir.
func LoadKeys(dir string) (*Keys, error) {
	message, err := directory.LoadPrivateKey(filepath.Join(dir, messageKeyFile))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no keys under %s: run `entente init` first, or correct `data` in the configuration", dir)
		}
		return nil, err
	}
	return loadKeys(dir, message)
}

// loadKeys reads all keys but the message key.
func loadKeys(dir string, message MessageKey) (*Keys, error) {
	k := &Keys{Message: message}
	var err error
	if k.Terms, err = directory.LoadPrivateKey(filepath.Join(dir, termsKeyFile)); err != nil {
		return nil, fmt.Errorf("keys under %s are not whole: %w", dir, err)
	}
	if k.Enc, err = directory.LoadEncKey(filepath.Join(dir, encKeyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("keys under %s are not whole: %w", dir, err)
	}
	for name, into := range map[string]*[]byte{linkSeedFile: &k.LinkSeed, linkCertFile: &k.LinkCert, linkKeyFile: &k.LinkKey, secretFile: &k.Secret} {
		if *into, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, fmt.Errorf("keys under %s are not whole: %w", dir, err)
		}
	}
	if _, err := tls.X509KeyPair(k.LinkCert, k.LinkKey); err != nil {
		return nil, fmt.Errorf("%s and %s do not belong together, or are not whole: %w", filepath.Join(dir, linkCertFile), linkKeyFile, err)
	}
	if len(k.Secret) != 32 {
		return nil, fmt.Errorf("%s: want 32 bytes, found %d: restore it from the backup", filepath.Join(dir, secretFile), len(k.Secret))
	}
	if k.LinkPublic, err = bus.PublicNKey(k.LinkSeed); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, linkSeedFile), err)
	}
	return k, nil
}

// mark stands for an object that was refused, in log and index: its id may not
// lie here, and a plain digest of an id made from values could be guessed at. It
// is keyed, so it says nothing to who reads the data folder alone.
func (k *Keys) mark(issuer, id string) half {
	h := hmac.New(sha256.New, k.Secret)
	_, _ = fmt.Fprintf(h, "entente refused\x00%s\x00%s", issuer, id) // never fails (package hash)
	return half(h.Sum(nil)[:16])
}
