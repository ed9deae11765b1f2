package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	renameio "github.com/google/renameio/v2/maybe"
)

// Names of what the bus writes itself, beside the streams.
const (
	WriteFolder   = "bus/folder"
	WriteIdentity = "bus/identity"     // certificate and key for the server
	WriteTrust    = "bus/trust"        // certificates of the peers
	WriteForget   = "bus/trust/remove" // that of a peer that is gone
)

// prepareDir makes dir and its tls folder, or checks that they are this node's
// alone: they hold what peers shared and the key of the link.
func prepareDir(dir string) error {
	for _, d := range []string{dir, filepath.Join(dir, "tls"), filepath.Join(dir, "store")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("bus: folder for the store: %w: name one that this user may create", err)
		}
		info, err := os.Stat(d)
		if err != nil {
			return fmt.Errorf("bus: folder for the store: %w", err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
			return fmt.Errorf("bus: folder %s has mode %#o, so other users can enter it: run chmod 700 %s", d, mode, d)
		}
		if err := checkWritable(d); err != nil {
			return fmt.Errorf("bus: folder %s cannot be written: %w: give it to the user that runs the node", d, err)
		}
	}
	return nil
}

// checkWritable tries to make a file in dir: permission bits do not tell about
// owners, read-only mounts or full disks.
func checkWritable(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// lockDir takes the store for this process until the returned release is
// called or the process ends, however it ends.
func lockDir(dir string) (release func() error, err error) {
	path := filepath.Join(dir, "lock")
	f, err := openLocked(path)
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("%w: the store %s is used by another running node: stop that one, or give this node a folder of its own", ErrInUse, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: lock %s: %w", path, err)
	}
	return f, nil
}

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked")

// writeTrust writes who the leaf listener trusts, and who each dialled
// connection trusts: the peers' own certificates. Without peers it is our own,
// so that nobody but ourselves passes.
func writeTrust(c Config, peers []Peer) error {
	return c.Write(WriteTrust, func() error { return putTrust(c, peers) })
}

func putTrust(c Config, peers []Peer) error {
	var all []byte
	for _, p := range peers {
		pem := append(append([]byte{}, p.CertPEM...), '\n')
		if !p.Paused {
			all = append(all, pem...)
		}
		if err := renameio.WriteFile(peerTrustFile(c.Dir, p.ID), pem, 0o600); err != nil {
			return fmt.Errorf("bus: certificate of peer %s: %w", p.ID, err)
		}
	}
	if len(all) == 0 {
		all = c.CertPEM
	}
	if err := renameio.WriteFile(trustFile(c.Dir), all, 0o600); err != nil {
		return fmt.Errorf("bus: certificates of the peers: %w", err)
	}
	return nil
}

// removeTrust removes the file of a peer that is gone.
func removeTrust(c Config, peer string) error {
	return c.Write(WriteForget, func() error {
		if err := os.Remove(peerTrustFile(c.Dir, peer)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("bus: certificate of the removed peer %s: %w", peer, err)
		}
		return nil
	})
}

// writeIdentity writes the node's own certificate and key for the server.
func writeIdentity(c Config) error {
	return c.Write(WriteIdentity, func() error {
		if err := renameio.WriteFile(certFile(c.Dir), c.CertPEM, 0o600); err != nil {
			return fmt.Errorf("bus: link certificate: %w", err)
		}
		if err := renameio.WriteFile(keyFile(c.Dir), c.KeyPEM, 0o600); err != nil {
			return fmt.Errorf("bus: link key: %w", err)
		}
		return nil
	})
}
