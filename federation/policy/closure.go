package policy

import (
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Standing is what a node knows of an id that an object mentions, as far as
// one peer is concerned. The zero value says that nothing with it is here.
type Standing struct {
	// Decisions are those of [Bundle.Decide] on the objects with this id, made
	// for the peer: that of the mentioning object's own issuer where it has
	// one, else those of all other issuers that do.
	Decisions []Decision
	// Theirs says that the peer has it: it issued or forwarded it.
	Theirs bool
	// Refused says that it was refused here, so that nobody gets it from here.
	Refused bool
	// Held says that it waits here for a fact or a person, so that nobody gets
	// it, and nobody can say yet who may.
	Held bool
}

// maxReach bounds how many ids outside their messages one closure follows. It
// is far above what a frame can mention; what is beyond is not known to go.
const maxReach = 50_000

// Closure closes the decisions on messages for one peer at one time, and
// remembers what it found of the objects that they mention in others. It is
// for one goroutine.
type Closure struct {
	find  func(issuer, id string) Standing
	known map[mentioned]*standing
	own   bool // something found is the peer's alone: see CommonOf
}

// mentioned is an id as one issuer mentions it.
type mentioned struct{ issuer, id string }

// standing is a [Standing] on its way to be closed itself: an object goes only
// if what it cannot go without does.
type standing struct {
	Standing
	unsure bool // nothing is here, and the id may have been computed
	beyond bool // not looked at, see maxReach
}

// NewClosure returns a closure that asks find about ids that a message mentions
// and does not hold: as mentioned by an object of that issuer. Without find
// nothing is known of them.
func NewClosure(find func(issuer, id string) Standing) *Closure {
	if find == nil {
		find = func(string, string) Standing { return Standing{} }
	}
	return &Closure{find: find, known: map[mentioned]*standing{}}
}

// Size returns how many ids outside their messages were looked at.
func (c *Closure) Size() int { return len(c.known) }

// outside says why d may not mention an id that its message does not hold, nil
// when it may.
func (c *Closure) outside(d *Decision, id string) *Cited {
	s := c.reach(mentioned{d.subject.issuer, id})
	no := s.no()
	if no == nil {
		return nil
	}
	out := *no
	out.Text += d.peer + "."
	return &out
}

// reach finds how an id stands, with everything that this hangs on.
func (c *Closure) reach(k mentioned) *standing {
	if s, ok := c.known[k]; ok {
		return s
	}
	fresh := c.collect(k)
	// All begin as going, and lose it until nothing changes: objects that
	// mention each other go together unless something else keeps one.
	for changed := true; changed; {
		changed = false
		for _, s := range fresh {
			for i := range s.Decisions {
				d := &s.Decisions[i]
				changed = d.goes() && !d.subject.loose && d.cut(c.between) || changed
			}
		}
	}
	return c.known[k]
}

// between is what cut asks of objects that were collected.
func (c *Closure) between(d *Decision, id string) *Cited {
	if s, ok := c.known[mentioned{d.subject.issuer, id}]; ok {
		return s.no()
	}
	return nil // not reached: collect has been there
}

// collect finds an id and all that objects with it need to go, and returns
// what was not known before.
func (c *Closure) collect(first mentioned) []*standing {
	var fresh []*standing
	for todo := []mentioned{first}; len(todo) > 0; {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if _, ok := c.known[k]; ok {
			continue
		}
		s := &standing{}
		if c.known[k] = s; len(c.known) > maxReach {
			s.beyond = true
			continue
		}
		s.Standing = c.find(k.issuer, k.id)
		s.Decisions = slices.Clone(s.Decisions) // they are closed here, and the finder may keep them
		for i := range s.Decisions {
			s.Decisions[i].gone, s.Decisions[i].extra = slices.Clone(s.Decisions[i].gone), slices.Clip(s.Decisions[i].extra)
		}
		s.unsure = len(s.Decisions) == 0 && !s.Theirs && !s.Held && !s.Refused && !isDefinition(k.id) && stix.Derived(k.id)
		c.own = c.own || s.Theirs || len(s.Decisions) > 0 && CommonOf(s.Decisions) == nil
		fresh = append(fresh, s)
		for i := range s.Decisions {
			d := &s.Decisions[i]
			if !d.Valid() || !d.goes() || d.subject.loose {
				continue
			}
			for _, m := range d.subject.mentions {
				todo = append(todo, mentioned{d.subject.issuer, m.target})
			}
		}
	}
	return fresh
}

// no says why an object may not be mentioned, nil when it may.
func (s *standing) no() *Cited {
	switch {
	case s.Theirs:
		return nil
	case s.beyond:
		return &notReached
	case s.unsure:
		return &notHere
	case s.Held:
		return &waitsElsewhere
	case s.Refused:
		return &staysElsewhere
	case len(s.Decisions) == 0:
		return nil
	}
	held := false
	for i := range s.Decisions {
		d := &s.Decisions[i]
		if d.Valid() && (d.goes() || d.waiting()) {
			return nil
		}
		held = held || d.Valid() && d.verdict == federation.Hold
	}
	if held {
		return &waitsElsewhere
	}
	return &staysElsewhere
}

// What is cited for objects outside the message. The peer's name is added to
// the text. They are never written to.
var (
	staysElsewhere = Cited{Reason: federation.UnresolvedReference, Rule: "closed-reference", Kind: "custom", Class: ClassPolicy,
		Basis: "a reference names what it refers to",
		Text:  "Rule closed-reference: it refers to an object of another message that does not go to "}
	waitsElsewhere = Cited{Reason: federation.UnresolvedReference, Rule: "waiting-reference", Kind: "custom", Class: ClassPolicy, Hold: true,
		Basis: "a reference names what it refers to",
		Text:  "Rule waiting-reference: it refers to an object that waits here for a fact or a person before it may go to "}
	notHere = Cited{Reason: federation.UnresolvedReference, Rule: "unknown-reference", Kind: "custom", Class: ClassPolicy, Hold: true,
		Basis: "an id made from a value tells the value",
		Text:  "Rule unknown-reference: it refers to an object that is not here, by an id that may be computed from its values, so nobody here can say whether it may go to "}
	notReached = Cited{Reason: federation.UnresolvedReference, Rule: "unknown-reference", Kind: "custom", Class: ClassPolicy, Hold: true,
		Basis: "a reference names what it refers to",
		Text:  "Rule unknown-reference: it refers to more objects than are looked at for one frame to "}
)

// Lacking counts the parts that a decision removes only because what they
// mention waits or is not here: later they may go.
func (d Decision) Lacking() int {
	n := 0
	if d.Verdict() == federation.Redact {
		for _, g := range d.gone {
			if g.cited.Hold && g.cited.Reason == federation.UnresolvedReference {
				n++
			}
		}
	}
	return n
}

// Waits lists the ids that a decision waits for: those that it mentions, or
// that what it mentions cannot go without, and that nothing here answers to yet
// or whose bearer is held itself.
func (c *Closure) Waits(d Decision) []string {
	if !d.Valid() {
		return nil
	}
	seen := map[mentioned]bool{}
	var out []string
	for todo := []*Subject{d.subject}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, m := range s.mentions {
			k := mentioned{s.issuer, m.target}
			found, ok := c.known[k]
			if !ok || seen[k] {
				continue
			}
			seen[k] = true
			if no := found.no(); no != nil && no.Hold {
				out = append(out, m.target)
			}
			for i := range found.Decisions {
				if f := found.Decisions[i].subject; f != nil && !f.loose {
					todo = append(todo, f)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
