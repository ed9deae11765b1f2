package relay

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Hold is a legal hold: what it names is not erased, whether its time is over or
// an operator wants it, until the hold is lifted. It goes to nobody meanwhile,
// once its time is over.
type Hold struct {
	Version int       `json:"v"`
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Because string    `json:"because"` // a reference, such as a court's
	By      string    `json:"by"`      // the role that ordered it
	// What it names: objects by id or digest, what came from a peer, what came in
	// from a moment on until another. Of several kinds all must fit.
	Object string    `json:"object,omitempty"`
	Digest string    `json:"digest,omitempty"`
	Peer   string    `json:"peer,omitempty"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`

	Lifted *Lift `json:"lifted,omitempty"`
}

// Lift is the end of a hold.
type Lift struct {
	At      time.Time `json:"at"`
	Because string    `json:"because"`
	By      string    `json:"by"`
}

// HoldsDir is where holds lie, beside the configuration.
func HoldsDir(dir string) string { return filepath.Join(dir, "holds") }

// AddHold puts a hold beside the configuration, in dir, and gives it its id.
func AddHold(dir string, h *Hold, now time.Time) error { return files{}.addHold(dir, h, now) }

func (f files) addHold(dir string, h *Hold, now time.Time) error {
	h.Version, h.ID, h.At = holdVersion, uuid.Must(uuid.NewV7()).String(), now.UTC().Truncate(time.Second)
	if err := said(h.Because, h.By); err != nil {
		return err
	}
	if h.Object == "" && h.Digest == "" && h.Peer == "" && h.From.IsZero() && h.To.IsZero() {
		return fmt.Errorf("a hold names an object, a digest, a peer or a time")
	}
	if h.Digest != "" {
		if err := new(digest).UnmarshalText([]byte(h.Digest)); err != nil {
			return err
		}
	}
	return f.record(fileHold, dir, h.ID, h)
}

// said refuses a hold of which nobody could say later who ordered it and why.
func said(texts ...string) error {
	for _, s := range texts {
		if strings.TrimSpace(s) == "" || len(s) > maxPauseReason || strings.ContainsAny(s, "\r\n") {
			return fmt.Errorf("%q: say by which reference and in which role, each in one line of at most %d bytes", s, maxPauseReason)
		}
	}
	return nil
}

// LiftHold ends the hold with an id, or with the only id that begins so. The file
// stays, and says who lifted it.
func LiftHold(dir, id string, l Lift, now time.Time) (*Hold, error) {
	return files{}.liftHold(dir, id, l, now)
}

func (f files) liftHold(dir, id string, l Lift, now time.Time) (*Hold, error) {
	if err := said(l.Because, l.By); err != nil {
		return nil, err
	}
	all, err := LoadHolds(dir)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(h *Hold) bool { return h.Lifted != nil || id == "" || !strings.HasPrefix(h.ID, id) })
	if len(all) != 1 {
		return nil, fmt.Errorf("%d holds in force have an id that begins with %q: `entente audit hold list` shows them", len(all), id)
	}
	h := all[0]
	l.At = now.UTC().Truncate(time.Second)
	h.Lifted = &l
	return h, f.record(fileLift, dir, h.ID, h)
}

// LoadHolds reads the holds in dir, in the order in which they were added. One
// that cannot be read is an error: it must never be taken for none.
func LoadHolds(dir string) ([]*Hold, error) {
	return records(dir, func(h *Hold) int { return h.Version }, holdVersion)
}

// inForce are the holds that were not lifted.
func inForce(all []*Hold) []*Hold {
	return slices.DeleteFunc(all, func(h *Hold) bool { return h.Lifted != nil })
}

// covers reports whether a hold names an item of a log entry.
func (h *Hold) covers(e *entry, it *entryItem) bool {
	return (h.Object == "" || h.Object == it.ID) && (h.Digest == "" || h.Digest == digestText(it.Digest)) &&
		(h.Peer == "" || h.Peer == e.From || h.Peer == it.Issuer) &&
		(h.From.IsZero() || !e.At.Before(h.From)) && (h.To.IsZero() || e.At.Before(h.To))
}

// onHold returns the hold that keeps an item from being erased, nil for none.
func (w *World) onHold(e *entry, it *entryItem) *Hold {
	for _, h := range w.holds {
		if h.covers(e, it) {
			return h
		}
	}
	return nil
}
