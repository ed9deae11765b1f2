package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Audience stands for all recipients of whom everything is the same that a
// decision reads but who they are: the same sender, country, kind, ceiling,
// places, purposes, consents and so on, and terms that stand alike at a time.
// What was decided for one of them was decided for all, unless the object, a
// rule, what persons decided or what another message holds speaks of one of
// them ([Common] says which). Two values are equal when the audience is the same;
// the zero value is nobody's.
type Audience struct {
	key      [32]byte
	standing string
}

// Audience returns the audience that a recipient is of at a time: with the day
// on which its terms begin or end it may be of another.
func (r *Recipient) Audience(now time.Time) Audience {
	if r.common == ([32]byte{}) {
		return Audience{}
	}
	return Audience{r.common, r.standing(now, &span{})}
}

// faceless returns terms without what decisions do not read, or read only to
// find out whether the peer itself is meant: see [Subject.speaksOf] for those.
// The dates are read as [Recipient.standing].
func (a *Agreement) faceless() Agreement {
	f := *a
	f.ID, f.Peer, f.Contacts, f.NotBefore, f.Until = "", "", nil, time.Time{}, time.Time{}
	f.Clients = nil
	if slices.Contains(a.Clients, a.Peer) {
		f.Clients = []string{""}
	}
	return f
}

// Common is what was decided on one message for a whole audience. Only
// [CommonOf] makes one.
type Common struct {
	audience Audience
	subjects []*Subject
}

// CommonOf returns what decisions on one message have in common for all of the
// audience of the recipient that they were made for, or nil: they are not all
// made for it, or one of them rests on something that only this recipient is, has
// or did.
func CommonOf(ds []Decision) *Common {
	if len(ds) == 0 {
		return nil
	}
	c := &Common{subjects: make([]*Subject, len(ds))}
	for i := range ds {
		d := &ds[i]
		if !d.Valid() || d.to == nil || d.to != ds[0].to || d.own || d.outcome.names || d.subject.speaksOf() || d.to.excepts(d.subject) {
			return nil
		}
		a := Audience{d.to.common, d.outcome.standing}
		if a.key == ([32]byte{}) || i > 0 && a != c.audience {
			return nil
		}
		c.audience, c.subjects[i] = a, d.subject
	}
	return c
}

// Audience returns the audience that it was decided for.
func (c *Common) Audience() Audience { return c.audience }

// Holds reports whether the same would be decided for another recipient at a
// time at which the decisions still stand: it is of the audience then, and
// nothing that persons decided for it alone is about one of the objects.
func (c *Common) Holds(to *Recipient, now time.Time) bool {
	return c != nil && c.audience != (Audience{}) && to.Audience(now) == c.audience && !slices.ContainsFunc(c.subjects, to.excepts)
}

// excepts reports whether persons decided something for the recipient that is,
// or was, about an object.
func (r *Recipient) excepts(s *Subject) bool {
	return slices.ContainsFunc(r.exceptions, func(e Exception) bool { return e.covers(s) })
}

// speaksOf reports whether what the object says may mean one recipient and not
// another that is like it: it names organisations to which it may go, or holds
// something that was sealed to keys.
func (s *Subject) speaksOf() bool {
	for i := range s.own {
		h := &s.own[i].handling
		if h.Releasable.Restricted() && slices.ContainsFunc(h.Releasable.Members(), mayBeID) {
			return true
		}
	}
	return slices.ContainsFunc(s.classes, func(c unitClass) bool { return c.sealed != "" })
}

// mayBeID reports whether a word may be the id of a participant. Those have no
// capitals, which countries and regions are written in; recipients whose ids
// have some are of no audience.
func mayBeID(word string) bool { return strings.ToLower(word) == word }

// namesPeer reports whether a rule asks who the peer is, and not only what.
func namesPeer(p *ast.Policy) bool {
	if _, any := p.Principal.(ast.ScopeTypeAll); !any {
		return true
	}
	found := false
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeAccess:
				if v, ok := n.Arg.(ast.NodeTypeVariable); ok && v.Name == "principal" {
					found = found || n.Value == types.String("id")
					return false
				}
			case ast.NodeTypeVariable:
				found = found || n.Name == "principal" // as a whole
			}
			return true
		})
	}
	return found
}
