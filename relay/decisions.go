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

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
)

// typDecided is the type of the file that holds what persons decided.
const typDecided = "entente-decision+jwt"

// fileDecision is the name of the write of such a file.
const fileDecision = "decision"

// decidedFile is its content: the approvals as the persons signed them. That
// they were good when they were taken, this node's own signature says.
type decidedFile struct {
	Version   int       `json:"ver"`
	Approvals []string  `json:"approvals"`
	Taken     time.Time `json:"taken"`
}

// decisions are what persons decided about what waits for them.
type decisions struct {
	// In are those in force or over by time, by id.
	In []*takenDecision
	// Ends are the ids of those that persons ended.
	Ends map[string]*takenDecision
	// Unusable says which do not count: somebody who signed is no approver any
	// more.
	Unusable []string
}

// decisionsDir is where decisions lie, beside the configuration.
func decisionsDir(dir string) string { return filepath.Join(dir, "decisions") }

// keepDecision stores approvals, signed with this node's own key.
func (f files) keepDecision(dir, id string, approvals [][]byte, own directory.Signer, now time.Time) error {
	file := decidedFile{Version: termsVersion, Taken: now.UTC().Truncate(time.Second)}
	for _, a := range approvals {
		file.Approvals = append(file.Approvals, string(a))
	}
	payload, err := json.Marshal(file)
	if err != nil {
		return err
	}
	signed, err := directory.SignJWS(typDecided, payload, own)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return f.put(fileDecision, filepath.Join(dir, id+termsExt), append(signed, '\n'), 0o600)
}

// loadDecisions reads the decisions under dir for a node. Each was stored with
// this node's own key, which own has; all who signed it must still be approvers.
// A folder that is not there holds none.
func loadDecisions(dir, node string, own directory.KeySource, approvers *directory.Approvers) (decisions, error) {
	out := decisions{Ends: map[string]*takenDecision{}}
	paths, err := ownFiles(dir)
	if err != nil {
		return out, err
	}
	var errs []error
	for _, path := range paths {
		file := &decidedFile{}
		if err := openOwn(path, typDecided, own, file); err != nil {
			errs = append(errs, err)
			continue
		}
		d, err := file.read(node, approvers)
		switch {
		case err != nil:
			out.Unusable = append(out.Unusable, fmt.Sprintf("decision %s does not count: %v", strings.TrimSuffix(filepath.Base(path), termsExt), err))
		case d.ID+termsExt != filepath.Base(path):
			errs = append(errs, fmt.Errorf("%s holds decision %s: the file was renamed", path, d.ID))
		case d.Act == actEnd:
			out.Ends[d.Ends] = d
		default:
			out.In = append(out.In, d)
		}
	}
	return out, errors.Join(errs...)
}

// read verifies the approvals as of the moment when they were taken.
func (f *decidedFile) read(node string, approvers *directory.Approvers) (*takenDecision, error) {
	raws := make([][]byte, len(f.Approvals))
	for i, a := range f.Approvals {
		raws[i] = []byte(a)
	}
	text, by, err := approvers.Verify(directory.TypDecision, node, len(raws), f.Taken, raws...)
	if err != nil {
		return nil, err
	}
	d, err := readDecision(text)
	if err != nil {
		return nil, err
	}
	return &takenDecision{personDecision: *d, By: by, Taken: f.Taken}, nil
}

// find returns the decision with an id, and whether it was ended.
func (d *decisions) find(id string) (found *takenDecision, ended bool) {
	_, ended = d.Ends[id]
	for _, x := range d.In {
		if x.ID == id {
			return x, ended
		}
	}
	return nil, ended
}

// with returns the decisions and one more.
func (d *decisions) with(x *takenDecision) decisions {
	out := decisions{In: slices.Clone(d.In), Ends: map[string]*takenDecision{}, Unusable: d.Unusable}
	for id, e := range d.Ends {
		out.Ends[id] = e
	}
	if x.Act == actEnd {
		out.Ends[x.Ends] = x
	} else {
		out.In = append(out.In, x)
	}
	return out
}

// decided puts decisions in force: each counts for its peer, while the terms
// stand under which it was made.
func (w *World) decided(ds decisions) *World {
	c := *w
	c.decisions, c.recipients = ds, make(map[string]*policy.Recipient, len(w.recipients))
	for id, r := range w.recipients {
		p, _ := w.peer(id)
		var list []policy.Exception
		for _, d := range ds.In {
			if _, ended := ds.Ends[d.ID]; !ended && p != nil && d.counts(w.Bundle, p, ds.Ends) {
				list = append(list, d.exception())
			}
		}
		c.recipients[id] = r.WithExceptions(list)
	}
	return &c
}

// counts reports whether a decision is for a peer under the terms that stand,
// by as many persons as it takes. One that rests on rules that changed since may
// take more.
func (d *takenDecision) counts(b *policy.Bundle, p *Peer, ends map[string]*takenDecision) bool {
	return d.Peer == p.Agreement.Peer && d.Terms == p.Digest && len(d.By) >= d.persons(b, ends[d.Ends])
}
