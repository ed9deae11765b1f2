package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// observeExt is the file name extension of an observation, beside the peer's
// terms.
const observeExt = ".observed"

// Observation says that nothing is sent to a peer although its terms stand, and
// that the journal keeps what would have been, since when and for how long that
// was meant. Sending never begins by itself: only when the file is taken away.
// Like a pause it is not signed: without it a peer gets no more than its signed
// terms allow.
type Observation struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// Over reports whether the time that was meant for it has passed.
func (o *Observation) Over(now time.Time) bool { return !now.Before(o.Until) }

// ObservePeer begins to observe a peer for a time, before its terms are stored
// under dir: so that nothing is sent in between. One who is observed already
// keeps its beginning.
func ObservePeer(dir, peer string, lasts time.Duration, now time.Time) (*Observation, error) {
	return files{}.observePeer(dir, peer, lasts, now)
}

func (f files) observePeer(dir, peer string, lasts time.Duration, now time.Time) (*Observation, error) {
	old, err := loadObservation(dir, peer)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, peer+termsExt)); err == nil && old == nil {
		return nil, fmt.Errorf("%s is a peer already, and may have been sent something: observe one before you accept it, or stop all traffic with `entente peer pause %s`", peer, peer)
	}
	since := now.UTC().Truncate(time.Second)
	o := &Observation{Since: since, Until: since.Add(lasts)}
	if old != nil {
		o.Since = old.Since
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return o, f.put(fileObserve, observePath(dir, peer), append(raw, '\n'), 0o600)
}

// BeginPeer ends the observation of a peer; was is false when there was none.
func BeginPeer(dir, peer string) (was bool, err error) { return files{}.beginPeer(dir, peer) }

func (f files) beginPeer(dir, peer string) (was bool, err error) {
	return f.remove(fileObserved, observePath(dir, peer))
}

// loadObservation reads a peer's observation, nil when there is none. One that
// cannot be read is an error and never taken for none.
func loadObservation(dir, peer string) (*Observation, error) {
	path := observePath(dir, peer)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o := &Observation{}
	if err := json.Unmarshal(raw, o); err != nil || o.Since.IsZero() || o.Until.IsZero() {
		return nil, fmt.Errorf("%s is not an observation (%w): take it away and sending to %s begins", path, errors.Join(errNoPause, err), peer)
	}
	return o, nil
}

func observePath(dir, peer string) string { return filepath.Join(dir, peer+observeExt) }

// observes reports whether a peer is only observed.
func (w *World) observes(peer string) bool {
	p, ok := w.peer(peer)
	return ok && p.Observed != nil
}
