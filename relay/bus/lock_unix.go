//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package bus

import (
	"errors"
	"os"
	"syscall"
)

// openLocked takes an advisory lock on path. The kernel drops it when the
// process ends, so a crash leaves nothing to clean up.
func openLocked(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, err
	}
	return f.Close, nil
}
