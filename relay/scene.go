package relay

import (
	"context"
	"strings"

	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
)

// scene are the objects that others are told with.
type scene struct {
	byID map[string]*stix.Object
	at   map[string][]*stix.Object // located-at relationships, by what is located
}

func newScene(objects []*stix.Object, arrivals []*arrival) *scene {
	s := &scene{map[string]*stix.Object{}, map[string][]*stix.Object{}}
	for _, o := range objects {
		s.add(o)
	}
	for _, a := range arrivals {
		for _, x := range a.subjects {
			s.add(x.Object())
		}
	}
	return s
}

func (s *scene) add(o *stix.Object) {
	if _, ok := s.byID[o.ID()]; ok {
		return
	}
	s.byID[o.ID()] = o
	if kind, _ := o.Text("relationship_type"); o.Type() == "relationship" && kind == "located-at" {
		from, _ := o.Text("source_ref")
		s.at[from] = append(s.at[from], o)
	}
}

// finder finds what was published before, nil if it was not.
type finder func(id string) (*stix.Object, error)

// victims finds what an object refers to and what may be told of it may be made
// of: told with it or published before, and no better protected than itself.
func (w *World) victims(of *policy.Subject, around *scene, earlier finder) ([]*stix.Object, error) {
	out := []*stix.Object{of.Object()}
	find := func(id string) (err error) {
		x := around.byID[id]
		if x == nil {
			if x, err = earlier(id); err != nil {
				return err
			}
		}
		if x != nil && w.noBetterProtected(x, of) {
			out = append(out, x)
		}
		return nil
	}
	located := []string{of.Object().ID()}
	for _, ref := range of.Object().Refs() {
		switch typ, _, _ := strings.Cut(ref.Target, "--"); typ {
		case "identity", "location", "ipv4-addr", "ipv6-addr":
			located = append(located, ref.Target)
			if err := find(ref.Target); err != nil {
				return nil, err
			}
		}
	}
	for _, id := range located {
		for _, r := range around.at[id] {
			if !w.noBetterProtected(r, of) {
				continue
			}
			out = append(out, r)
			place, _ := r.Text("target_ref")
			if err := find(place); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// newest returns an object of owner's as it was last taken here, nil if it was
// not, was taken back, or may not be here any more.
func (n *Node) newest(ctx context.Context, w *World, owner, id string) (*stix.Object, error) {
	_, digest, ok, err := n.index.Version(owner, id)
	if err != nil || !ok || n.index.Withdrawn(owner, [][32]byte{digest})[0] {
		return nil, err
	}
	ways, err := n.index.Routes(ctx, owner, digest)
	if err != nil {
		return nil, err
	}
	for _, way := range ways {
		p, err := n.entryAt(ctx, w, way.LogSeq)
		if err != nil {
			return nil, err
		}
		if p == nil || p.verified == nil {
			continue
		}
		i := itemOf(p.verified, digest)
		if i < 0 {
			continue
		}
		if why, err := n.over(w, p, i, n.now()); err != nil || why != "" {
			return nil, err
		}
		return p.verified.Items()[i].Object, nil
	}
	return nil, nil
}

// noBetterProtected reports whether what is told of x may be told where an
// object may be.
func (w *World) noBetterProtected(x *stix.Object, than *policy.Subject) bool {
	s := w.Reader.Subject(w.Node.ID, [32]byte{}, x, nil)
	h := s.Handling()
	h.PersonalData = false
	return s.Problem() == nil && tellable(s) == nil && than.Handling().AtLeast(h)
}
