package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
)

// What persons decide about what waits for them.
const (
	actRelease = "release"
	actReject  = "reject"
	actEnd     = "end" // an earlier decision counts no more
)

// decisionVersion is the version of the text that persons sign.
const decisionVersion = 1

// Bounds of a decision: how long one may last, and how many objects it may list
// one by one. Of one object the release lasts so long if nobody says otherwise.
const (
	longestDecision = 366 * 24 * time.Hour
	usualRelease    = 30 * 24 * time.Hour
	maxDecided      = 1000
)

// personDecision is what persons sign, about what waits for one cause, from one
// source, for one peer. It fits nothing else: not another peer or source, not
// the peer under other terms, not the rule after a change.
type personDecision struct {
	Version int    `json:"ver"`
	ID      string `json:"id"` // UUIDv7
	Node    string `json:"node"`
	Act     string `json:"act"`
	// Ends is the id of the decision that counts no more.
	Ends string `json:"ends,omitempty"`

	// Peer is for whom it waits, Terms the digest of what was agreed with it.
	Peer   string            `json:"peer,omitempty"`
	Terms  digest            `json:"terms,omitzero"`
	Source string            `json:"source,omitempty"` // issuer
	Reason federation.Reason `json:"reason,omitempty"`
	Rule   string            `json:"rule,omitempty"`
	Print  digest            `json:"rule_digest,omitzero"`

	// Objects lists what is decided on, Types makes it a rule for all of these
	// types of the source. One of the two is there.
	Objects []digest `json:"objects,omitempty"`
	Types   []string `json:"types,omitempty"`
	// In lists what waits at the way in, of Source, and is rejected.
	In []waitsIn `json:"in,omitempty"`

	Made    time.Time `json:"made"`
	Until   time.Time `json:"until"`
	Because string    `json:"because"`
}

// waitsIn is an object that waits at the way in: the log entry, the digest where
// it is known.
type waitsIn struct {
	Log    uint64 `json:"log"`
	Digest digest `json:"digest,omitzero"`
}

// takenDecision is a decision with who signed it.
type takenDecision struct {
	personDecision
	By    []string
	Taken time.Time // when this node took it
}

// Text is the decision as persons sign it.
func (d *personDecision) Text() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return json.Marshal(d)
}

// readDecision reads the text of a decision.
func readDecision(text []byte) (*personDecision, error) {
	d := &personDecision{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(d)
	if err == nil && d.Version > decisionVersion {
		return nil, federation.Refuse(federation.Unsupported, "decision", fmt.Sprintf("version %d, this program reads version %d", d.Version, decisionVersion))
	}
	if err == nil {
		err = d.check()
	}
	if again, e := json.Marshal(d); err == nil && (e != nil || !bytes.Equal(again, text)) {
		err = errors.New("it is written in another way than this program writes it, so the persons may have read something else")
	}
	if err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "decision", Err: err}
	}
	return d, nil
}

func (d *personDecision) check() error {
	id, err := uuid.Parse(d.ID)
	switch {
	case err != nil || id.Version() != 7 || id.String() != d.ID:
		return fmt.Errorf("id %q: want a UUID of version 7", d.ID)
	case d.Version < 1 || !directory.ValidID(d.Node):
		return errors.New("no version or no node")
	case strings.TrimSpace(d.Because) == "" || len(d.Because) > 1000:
		return errors.New("because: say why, in at most 1,000 bytes")
	case d.Made.IsZero() || !d.Until.After(d.Made) || d.Until.Sub(d.Made) > longestDecision:
		return fmt.Errorf("until %s: want an end, at most %d days on", d.Until.Format(time.RFC3339), longestDecision/(24*time.Hour))
	case d.Act == actEnd:
		return d.checkEnd()
	case len(d.In) > 0:
		return d.checkIn()
	case d.Act != actRelease && d.Act != actReject:
		return fmt.Errorf("act %q: want release, reject or end", d.Act)
	case !directory.ValidID(d.Peer) || !directory.ValidID(d.Source) || !d.Reason.Valid() || d.Rule == "" || d.Ends != "":
		return errors.New("peer, source, reason and rule are all needed")
	case (len(d.Objects) == 0) == (len(d.Types) == 0) || len(d.Objects) > maxDecided || len(d.Types) > 50:
		return fmt.Errorf("objects, at most %d, or types: one of the two", maxDecided)
	case slices.Contains(d.Types, "") || d.Act == actRelease && d.Print == (digest{}):
		return errors.New("an empty type, or a rule without its digest")
	}
	return nil
}

func (d *personDecision) checkIn() error {
	if d.Act != actReject || d.Peer != "" || d.Source == "" || !d.Reason.Valid() || len(d.Objects)+len(d.Types) > 0 || len(d.In) > maxDecided {
		return fmt.Errorf("at the way in, at most %d objects of a source can be rejected, and nothing else", maxDecided)
	}
	return nil
}

func (d *personDecision) checkEnd() error {
	if d.Ends == "" || d.Peer != "" || d.Source != "" || d.Rule != "" || len(d.Objects)+len(d.Types)+len(d.In) > 0 {
		return errors.New("an end names the decision that it ends, and nothing else")
	}
	return nil
}

// rule reports whether the decision goes on for what comes later.
func (d *personDecision) rule() bool { return len(d.Types) > 0 }

// persons is how many have to sign: two for a rule, for more than one object,
// for what the origin's own words left to people, and to end a rejection.
func (d *personDecision) persons(b *policy.Bundle, ended *takenDecision) int {
	if d.Act == actEnd {
		if ended != nil && ended.Act == actReject {
			return 2
		}
		return 1
	}
	l, err := b.Liftable(d.Rule)
	if d.rule() || len(d.Objects)+len(d.In) > 1 || d.Act == actRelease && (err != nil || l.Origin) {
		return 2
	}
	return 1
}

// exception is the decision as policy sees it.
func (d *takenDecision) exception() policy.Exception {
	e := policy.Exception{ID: d.ID, By: d.By, Rule: d.Rule, Print: d.Print, Peer: d.Peer, Issuer: d.Source, Types: d.Types,
		Reject: d.Act == actReject, From: d.Made.Add(-directory.Skew), Until: d.Until}
	if len(d.Objects) > 0 {
		e.Objects = make(map[[32]byte]bool, len(d.Objects))
		for _, o := range d.Objects {
			e.Objects[o] = true
		}
	}
	return e
}

// in reports whether the decision is about something that is held.
func (d *personDecision) in(peer, issuer, id, rule string, reason federation.Reason, object [32]byte) bool {
	if d.Peer != peer || d.Source != issuer || d.Rule != rule || d.Reason != reason {
		return false
	}
	typ, _, _ := strings.Cut(id, "--")
	return slices.Contains(d.Objects, digest(object)) || slices.Contains(d.Types, typ)
}
