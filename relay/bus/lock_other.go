//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// openLocked makes a file that must not exist yet. Where the system has no
// lock that ends with the process, a crash leaves the file behind and the
// operator has to remove it; the error of the next start says so.
func openLocked(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w (if no other node runs, remove %s)", errLocked, path)
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}
