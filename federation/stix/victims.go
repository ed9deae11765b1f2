package stix

import (
	"strings"

	"github.com/entente-relay/entente/federation"
)

// Victims says which observables the other objects of a message show to be a
// victim's, and which identities to be victims: by id, and whether that is sure.
// By themselves they tell nothing: the same properties hold an attacker's.
type Victims map[string]bool

const (
	byTargeted = "reference: called a target"
	byOtherEnd = "reference: the other end of an attacker's traffic"
)

// VictimsAmong reads the structure of the objects of one message:
//
//   - What a relationship of type targets leads to is a victim's, surely, and so
//     is what observed data refers to that MISP calls targeting data. An identity
//     of class "class" is a sector and nobody in particular.
//   - Of network traffic with one end that is an attacker's, the other end is a
//     victim's, as a guess: it may be a second attacker's.
//   - What an indicator matches or is based on, and what infrastructure or
//     malware is said to consist of, use or talk to, is the attacker's, and no
//     guess makes it a victim's.
func VictimsAmong(objects []*Object) Victims {
	s := scene{attackers: map[string]bool{}, sectors: map[string]bool{}, out: Victims{}}
	for _, o := range objects {
		switch {
		case addressType(o.typ):
			s.addresses = append(s.addresses, o)
		case o.typ == "identity":
			class, _ := o.Text("identity_class")
			s.named = s.named || class != "class"
			s.sectors[o.id] = class == "class"
		}
	}
	if len(s.addresses) == 0 && !s.named {
		return nil
	}
	for _, o := range objects {
		if len(s.addresses) > 0 && o.typ == "indicator" {
			pattern, _ := o.Text("pattern")
			s.patterns = append(s.patterns, pattern)
		}
	}
	for _, o := range s.addresses {
		s.matched(o)
	}
	for _, o := range objects {
		s.relationship(o)
		s.observed(o)
	}
	for _, o := range objects {
		s.traffic(o)
	}
	return s.out
}

// scene collects who is who in one message.
type scene struct {
	addresses []*Object
	patterns  []string
	attackers map[string]bool
	named     bool            // an identity that is no sector
	sectors   map[string]bool // identities that are
	out       Victims
}

// addressType reports whether an observable of a type is where somebody can be
// reached.
func addressType(typ string) bool {
	switch typ {
	case "ipv4-addr", "ipv6-addr", "mac-addr", "domain-name", "email-addr", "url":
		return true
	}
	return false
}

// matched notes an observable that an indicator looks for.
func (s *scene) matched(o *Object) {
	value, _ := o.Text("value")
	for _, p := range s.patterns {
		if value != "" && strings.Contains(p, "'"+value+"'") {
			s.attackers[o.id] = true
		}
	}
}

// relationship reads who targets, uses or consists of what.
func (s *scene) relationship(o *Object) {
	if o.typ != "relationship" {
		return
	}
	kind, _ := o.Text("relationship_type")
	source, _ := o.Text("source_ref")
	target, _ := o.Text("target_ref")
	from, _, _ := strings.Cut(source, "--")
	to, _, _ := strings.Cut(target, "--")
	switch {
	case to == "identity" && kind == "targets" && !s.sectors[target]:
		s.out[target] = true
	case !addressType(to):
	case kind == "targets":
		s.out[target] = true
	case from == "indicator" && kind == "based-on",
		from == "infrastructure" && (kind == "consists-of" || kind == "communicates-with"),
		from == "malware" && (kind == "communicates-with" || kind == "beacons-to" || kind == "exfiltrates-to" || kind == "downloads"):
		s.attackers[target] = true
	}
}

// observed reads observed data that MISP calls targeting data.
func (s *scene) observed(o *Object) {
	if o.typ != "observed-data" {
		return
	}
	o.mispSaid(func(says mispSays) {
		if says.category != federation.Target {
			return
		}
		for _, r := range o.Refs() {
			if typ, _, _ := strings.Cut(r.Target, "--"); addressType(typ) {
				s.out[r.Target] = true
			}
		}
	})
}

// traffic guesses who is at the other end.
func (s *scene) traffic(o *Object) {
	if o.typ != "network-traffic" {
		return
	}
	source, _ := o.Text("src_ref")
	target, _ := o.Text("dst_ref")
	for _, ends := range [...][2]string{{source, target}, {target, source}} {
		if other := ends[1]; s.attackers[ends[0]] && other != "" && !s.attackers[other] && !s.out[other] {
			s.out[other] = false
		}
	}
}

// victim adds that an observable is a victim's, or an identity one.
func (c *categorizer) victim(sure bool) {
	evidence := byTargeted
	if !sure {
		evidence = byOtherEnd
	}
	for i := range c.l.units {
		u := &c.l.units[i]
		switch {
		case u.Parent >= 0:
		case c.o.typ == "identity" && (u.Name == "name" || u.Name == "contact_information" || u.Name == "description"):
			c.holds(i, federation.Target, evidence, "", !sure)
		case c.o.typ != "identity" && u.Name == "value":
			c.holds(i, federation.Target, evidence, HoldsVictim, !sure)
		}
	}
}
