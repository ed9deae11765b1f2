package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// pauseExt is the file name extension of a pause, beside the peer's terms.
const pauseExt = ".paused"

// maxPauseReason bounds the text of a pause, in bytes.
const maxPauseReason = 500

// Pause says that no traffic flows with a peer although its terms stand, since
// when and why. It is kept beside the terms and is not signed: taking it away
// gives a peer no more than its signed terms do.
type Pause struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

// PausePeer stores a pause of a peer whose terms lie under dir. A peer that is
// paused already keeps its time and gets the new reason.
func PausePeer(dir, peer, reason string, now time.Time) (*Pause, error) {
	return files{}.pausePeer(dir, peer, reason, now)
}

func (f files) pausePeer(dir, peer, reason string, now time.Time) (*Pause, error) {
	if len(reason) > maxPauseReason || !utf8.ValidString(reason) {
		return nil, fmt.Errorf("the reason has %d bytes or is not UTF-8: write at most %d bytes of text", len(reason), maxPauseReason)
	}
	if _, err := os.Stat(filepath.Join(dir, peer+termsExt)); err != nil {
		return nil, noTerms(err, peer)
	}
	p := &Pause{Since: now.UTC().Truncate(time.Second), Reason: reason}
	// A pause that cannot be read is replaced.
	if old, err := loadPause(dir, peer); err == nil && old != nil {
		p.Since = old.Since
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return p, f.put(filePause, pausePath(dir, peer), append(raw, '\n'), 0o600)
}

// ResumePeer ends the pause of a peer; was is false when there was none.
func ResumePeer(dir, peer string) (was bool, err error) { return files{}.resumePeer(dir, peer) }

func (f files) resumePeer(dir, peer string) (was bool, err error) {
	return f.remove(fileResumed, pausePath(dir, peer))
}

// loadPause reads a peer's pause, nil when there is none. One that cannot be
// read is an error and never taken for none.
func loadPause(dir, peer string) (*Pause, error) {
	path := pausePath(dir, peer)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &Pause{}
	if err := json.Unmarshal(raw, p); err != nil || p.Since.IsZero() {
		return nil, fmt.Errorf("%s is not a pause (%w): write it anew with `entente peer pause %s`, or end it with `entente peer resume %s`",
			path, errors.Join(errNoPause, err), peer, peer)
	}
	return p, nil
}

// errNoPause is what is wrong with a file that says no time.
var errNoPause = errors.New("it does not say since when")

func pausePath(dir, peer string) string { return filepath.Join(dir, peer+pauseExt) }
