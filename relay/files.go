package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	renameio "github.com/google/renameio/v2/maybe"
)

// files keeps a node's small files: keys, terms, pauses, statements. One is
// written whole or not at all, and what was reported as done outlives a power
// cut. The zero value writes; tests put a failing disk in its place.
type files struct {
	write func(name string, do func() error) error
}

// Names of what an operator's commands write. Tests break each in both ways.
const (
	fileKeys        = "keys"
	fileStatement   = "statement"
	fileConfig      = "configuration"
	fileTerms       = "terms"
	fileRemoved     = "terms/remove"
	filePause       = "pause"
	fileResumed     = "pause/remove"
	fileObserve     = "observation"
	fileObserved    = "observation/remove"
	fileParticipant = "participant"
	fileForgotten   = "participant/remove"
	fileDelegation  = "delegation"
	fileApproval    = "approval"
	fileInForce     = "policy"
	fileErasure     = "erasure"
	fileHold        = "hold"
	fileLift        = "hold/lift"
)

func (f files) try(name, path string, do func() error) error {
	write := f.write
	if write == nil {
		write = func(_ string, do func() error) error { return do() }
	}
	if err := write(name, do); err != nil {
		return fmt.Errorf("%s could not be written safely, so it may be there or not: %w: mend the disk, then give the same command again", path, err)
	}
	return nil
}

// put writes a file in place of the one that is there.
func (f files) put(name, path string, data []byte, mode fs.FileMode) error {
	return f.try(name, path, func() error {
		if err := renameio.WriteFile(path, data, mode); err != nil {
			return err
		}
		return syncDir(filepath.Dir(path))
	})
}

// remove takes a file away; was is false when there was none.
func (f files) remove(name, path string) (was bool, err error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return true, f.try(name, path, func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncDir(filepath.Dir(path))
	})
}

// syncDir makes the names in a folder outlive a power cut: a file's own sync
// does not. Windows has no such call, and NTFS keeps a journal of names.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
