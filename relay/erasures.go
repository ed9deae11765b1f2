package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/relay/dashboard"
)

// Erasure is what an operator wants erased here for good. It names digests and
// places, and holds no content. It is kept beside the configuration: a data
// folder put back from a backup does not bring back what was erased since.
type Erasure struct {
	Version int       `json:"v"`
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Because string    `json:"because,omitempty"`
	// Objects are named by issuer ("" for what waited unsigned) and digest.
	Objects []ErasedObject `json:"objects"`
	// Log is the incarnation of the log in which Places are: copies that no
	// digest leads to.
	Log    string        `json:"log,omitempty"`
	Places []ErasedPlace `json:"places,omitempty"`
}

// ErasedObject names an object whose content is not to be here.
type ErasedObject struct {
	Issuer string `json:"iss,omitempty"`
	Digest string `json:"digest"`
}

// ErasedPlace is an item of a log entry.
type ErasedPlace struct {
	Seq uint64 `json:"seq"`
	N   int    `json:"n"`
}

// erasureVersion and holdVersion are the newest this build reads and writes.
const (
	erasureVersion = 1
	holdVersion    = 1
	recordExt      = ".json"
)

// ErasuresDir is where erasures lie, beside the configuration.
func ErasuresDir(dir string) string { return filepath.Join(dir, "erasures") }

// NewErasure names everything that was found.
func NewErasure(f dashboard.Found, because string, now time.Time) (*Erasure, error) {
	e := &Erasure{Version: erasureVersion, ID: uuid.Must(uuid.NewV7()).String(), At: now.UTC().Truncate(time.Second), Because: because, Log: f.Log}
	if len(because) > maxPauseReason || strings.ContainsAny(because, "\r\n") {
		return nil, fmt.Errorf("the reason is longer than %d bytes, or more than a line: name a reference, not the content", maxPauseReason)
	}
	for _, p := range f.Places {
		if p.N >= 0 && p.Kind != "proof" {
			e.Places = append(e.Places, ErasedPlace{p.Seq, p.N})
		}
		if o := (ErasedObject{p.Issuer, p.Digest}); p.Digest != digestText(digest{}) && p.Digest != "" && !slices.Contains(e.Objects, o) {
			e.Objects = append(e.Objects, o)
		}
	}
	return e, nil
}

// Save puts an erasure beside the configuration in dir. A node takes it up when
// it is told to reload, or starts.
func (e *Erasure) Save(dir string) error { return files{}.saveErasure(dir, e) }

func (f files) saveErasure(dir string, e *Erasure) error {
	return f.record(fileErasure, dir, e.ID, e)
}

// record writes a small file of a kind.
func (f files) record(name, dir, id string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return f.put(name, filepath.Join(dir, id+recordExt), append(raw, '\n'), 0o600)
}

// records reads all files of a kind, in the order of their names.
func records[T any](dir string, version func(*T) int, newest int) ([]*T, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+recordExt))
	if err != nil {
		return nil, err
	}
	var out []*T
	var errs []error
	for _, name := range names {
		raw, err := os.ReadFile(name)
		v := new(T)
		if err == nil {
			err = json.Unmarshal(raw, v)
		}
		if err == nil && (version(v) < 1 || version(v) > newest) {
			err = fmt.Errorf("version %d, this build reads up to %d", version(v), newest)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: put back the file as it was", name, err))
			continue
		}
		out = append(out, v)
	}
	return out, errors.Join(errs...)
}

// asked is what operators want erased.
type asked struct {
	erasures []*Erasure
	why      map[objectKey]string
}

func loadErasures(dir string) (*asked, error) {
	all, err := records(dir, func(e *Erasure) int { return e.Version }, erasureVersion)
	if err != nil {
		return nil, err
	}
	a := &asked{erasures: all, why: map[objectKey]string{}}
	for _, e := range all {
		for _, o := range e.Objects {
			var d digest
			if err := d.UnmarshalText([]byte(o.Digest)); err != nil {
				return nil, fmt.Errorf("erasure %s: %w", e.ID, err)
			}
			a.why[objectKey{o.Issuer, d}] = e.Because
		}
	}
	return a, nil
}

// wants reports whether an object is to be erased.
func (a *asked) wants(issuer string, d digest) bool {
	if a == nil || len(a.why) == 0 {
		return false
	}
	_, ok := a.why[objectKey{issuer, d}]
	return ok
}
