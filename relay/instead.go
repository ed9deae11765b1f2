package relay

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
)

// maxInstead bounds how deep the question goes what stands in place of what: an
// operator may publish an object that mentions what was made of another.
const maxInstead = 3

// instead says why what says less in an object's place does not go to the peer,
// "" if it may be judged: the object does not go as it is, for nothing but what
// it holds.
func (x *reach) instead(p *prepared, o origin) string {
	if why, ok := x.lesser[o]; ok {
		return why
	}
	why, err := x.standsFor(p, o)
	if err != nil {
		x.failed(err)
		return "it cannot be read what it stands for"
	}
	if x.lesser == nil {
		x.lesser = map[origin]string{}
	}
	x.lesser[o] = why
	return why
}

func (x *reach) standsFor(made *prepared, o origin) (string, error) {
	if x.depth >= maxInstead {
		return "it stands for something that mentions it", nil
	}
	ways, err := x.node.index.Routes(x.ctx, o.Issuer, o.Digest)
	if err != nil {
		return "", err
	}
	why, may := "what it stands for is not here any more", false
	for _, way := range ways {
		p, err := x.node.entryAt(x.ctx, x.world, way.LogSeq)
		if err != nil {
			return "", err
		}
		if p == nil || p.verified == nil {
			continue
		}
		i := slices.IndexFunc(p.subjects, func(s *policy.Subject) bool { return s.Digest() == o.Digest })
		if i < 0 {
			continue
		}
		// Judged by itself, as it is judged when its own turn comes.
		sub := newReach(x.ctx, x.node, x.world, x.recipient, x.peer, x.now)
		sub.depth = x.depth + 1
		ds, err := sub.judge(p)
		x.early = x.early || sub.early
		if err != nil {
			return "", err
		}
		switch {
		case p.passed(x.peer) || ds[i].Verdict() == federation.Share:
			return "the peer gets what it stands for", nil
		case !ds[i].ByContent():
			why = "what it stands for stays here for another reason than what it holds"
		case ds[i].Verdict() == federation.Redact && !made.replaces(ds[i], p.subjects[i].Object(), o):
			return "the peer gets all that it says", nil
		default:
			may = true
		}
	}
	if may {
		return "", nil
	}
	return why, nil
}

// replaces reports whether p says less in place of anything that a decision
// removes from an object.
func (p *prepared) replaces(d policy.Decision, of *stix.Object, o origin) bool {
	i := slices.IndexFunc(p.items, func(it entryItem) bool { return it.Type == of.Type() && it.Origin != nil && *it.Origin == o })
	return i >= 0 && inPlaceOf(d, p.subjects[i].Object())
}

// inPlaceOf reports whether a generalised object says less in place of anything
// that a decision removes from one of its type.
func inPlaceOf(d policy.Decision, made *stix.Object) bool {
	return slices.ContainsFunc(d.Removed(), func(r policy.Removed) bool {
		name, _, _ := strings.Cut(r.Path, ".")
		_, says := made.Get(name)
		return says && slices.Contains(generalise.Replaces(made.Type()), name)
	})
}

// insteadOf makes what would say less to a recipient in place of object i of a
// file on which was decided; none where nothing would.
func (w *World) insteadOf(objects []*stix.Object, ds []policy.Decision, i int, r *policy.Recipient, at time.Time) ([]json.RawMessage, error) {
	if len(w.generalOwn) == 0 || !ds[i].ByContent() {
		return nil, nil
	}
	s := w.Reader.Subject(w.Node.ID, ds[i].Digest(), objects[i], nil)
	if !w.mayGeneralise(s, w.Node.ID, at) {
		return nil, nil
	}
	made, err := w.lessObjects(s, newScene(objects, nil), func(string) (*stix.Object, error) { return nil, nil }, at)
	if err != nil || len(made) == 0 || ds[i].Verdict() == federation.Redact && !inPlaceOf(ds[i], made[0]) {
		return nil, err
	}
	var judged []policy.Decision
	var out []json.RawMessage
	for _, o := range made {
		judged = append(judged, w.Bundle.Decide(w.Reader.Subject(w.Node.ID, sha256.Sum256(o.Raw()), o, nil), r, at))
		out = append(out, o.Raw())
	}
	beside := func(_, id string) (st policy.Standing) {
		for j, o := range objects {
			if o.ID() == id {
				st.Decisions = append(st.Decisions, ds[j])
			}
		}
		return st
	}
	if slices.ContainsFunc(policy.NewClosure(beside).Relate(judged), func(d policy.Decision) bool { return d.Verdict() != federation.Share }) {
		return nil, nil
	}
	return out, nil
}
