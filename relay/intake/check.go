package intake

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// version identifies one version of one object.
type version struct{ id, version string }

// check refuses what is well-formed but cannot be issued, and finds what is in
// the file twice.
func (r *reader) check() {
	first := make(map[version]int, len(r.entries))
	for i := range r.entries {
		e := &r.entries[i]
		if e.object == nil {
			continue
		}
		if err := issuable(e.object, r.now); err != nil {
			e.reject(err)
			continue
		}
		v := version{e.object.ID(), e.object.Version()}
		if e.object.Type() == "marking-definition" {
			v.version = "" // it has no versions (STIX 2.1 §7.2.1)
		}
		j, seen := first[v]
		switch {
		case !seen:
			first[v] = i
		case sameContent(r.entries[j].object, e.object):
			e.outcome, e.reason = Duplicate, federation.Duplicate
			e.text = fmt.Sprintf("the same as object %d of the file", j)
		default:
			e.reject(federation.Refuse(federation.Equivocation, e.id, fmt.Sprintf("the same version as object %d of the file, with other content", j)))
		}
	}
}

// reject turns an entry into a refused one.
func (e *entry) reject(err error) {
	e.outcome, e.reason, e.text = Refused, reasonOf(err), err.Error()
}

// reasonOf returns the reason of a refusal; an error without one comes from
// reading or writing JSON.
func reasonOf(err error) federation.Reason {
	if r := federation.ReasonOf(err); r != "" {
		return r
	}
	return federation.Malformed
}

// issuable reports why a node must not sign an object as it is.
func issuable(o *stix.Object, now time.Time) error {
	if m := o.Modified(); m.After(now.Add(directory.Skew)) {
		return federation.Refuse(federation.NotYetValid, o.ID(), "modified lies in the future: "+m.Format(time.RFC3339))
	}
	for _, g := range o.Granular() {
		for _, s := range g.Selectors {
			// A marking on nothing would protect nothing (STIX 2.1 §7.2.3.1).
			if _, ok := o.Get(s); !ok {
				return federation.Refuse(federation.Malformed, o.ID(), fmt.Sprintf("a granular marking selects %q, which is not there", clip(s)))
			}
		}
	}
	return nil
}

// sameContent reports whether two objects say the same, whatever the order of
// their properties. Numbers and strings are compared as they are written.
func sameContent(a, b *stix.Object) bool {
	if bytes.Equal(a.Raw(), b.Raw()) {
		return true
	}
	x, err := sorted(a)
	if err != nil {
		return false
	}
	y, err := sorted(b)
	return err == nil && bytes.Equal(x, y)
}

func sorted(o *stix.Object) ([]byte, error) {
	return jsontext.AppendFormat(nil, o.Raw(), jsontext.ReorderRawObjects(true),
		jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
}

// clip bounds what a text repeats of its input.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
