package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Grant is a written act that lets data of one participant or victim go to the
// peer: its consent, or a managed-service contract with it.
type Grant struct {
	// For is whom it is about: a participant id, an identity's STIX id, a domain
	// name, an address or prefix, or an autonomous system such as "AS64500".
	For string
	// Reference names the written act.
	Reference string
	// NotBefore and Until bound it, as in an agreement.
	NotBefore, Until time.Time
}

// Constituency is whom a peer serves, as an endorsed statement or the terms say
// it, never as the peer does of itself.
type Constituency struct {
	// ASN lists autonomous systems, CIDR address prefixes, TLD domain names below
	// which everything is the peer's, such as "pl" or "gov.pl"; Participants the
	// ids of participants and the STIX ids of identities.
	ASN          []uint32
	CIDR         []string
	TLD          []string
	Participants []string
	// Reference names the endorsed statement or the act it rests on.
	Reference string
}

// stated reports whether anything is known about whom the peer serves.
func (c *Constituency) stated() bool {
	return len(c.ASN)+len(c.CIDR)+len(c.TLD)+len(c.Participants) > 0
}

// served is a constituency made ready to be asked.
type served struct {
	stated   bool
	prefixes []netip.Prefix
	others   []string // in the spelling of a victim
	suffixes []string // "." and a domain name
}

// serves reads a constituency; what cannot be read serves nobody.
func (c *Constituency) serves() served {
	s := served{stated: c.stated()}
	for _, p := range c.CIDR {
		if x, err := netip.ParsePrefix(p); err == nil {
			s.prefixes = append(s.prefixes, x.Masked())
		}
	}
	for _, n := range c.ASN {
		s.others = append(s.others, asName(uint64(n)))
	}
	for _, d := range c.TLD {
		s.suffixes = append(s.suffixes, "."+strings.ToLower(d))
	}
	s.others = append(s.others, c.Participants...)
	return s
}

// reach turns whom a grant is about into what can be asked.
func (g *Grant) reach() served {
	switch v, ok := readVictim(strings.ToLower(g.For)); {
	case ok && v.prefix.IsValid():
		return served{prefixes: []netip.Prefix{v.prefix}}
	case ok && v.domain:
		return served{suffixes: []string{"." + v.name}}
	case ok:
		return served{others: []string{v.name}}
	}
	return served{others: []string{g.For}}
}

// covers reports whether a victim is among those served.
func (s *served) covers(v victim) bool {
	switch {
	case v.prefix.IsValid():
		return slices.ContainsFunc(s.prefixes, func(p netip.Prefix) bool {
			return p.Bits() <= v.prefix.Bits() && p.Contains(v.prefix.Addr())
		})
	case v.domain:
		return slices.ContainsFunc(s.suffixes, func(d string) bool { return strings.HasSuffix("."+v.name, d) })
	}
	return slices.Contains(s.others, v.name)
}

// asName is an autonomous system as a victim is called.
func asName(n uint64) string { return "AS" + strconv.FormatUint(n, 10) }

// grantFor says whether grants cover every one of the victims now: given,
// lapsed where a grant that has ended is what is missing, missing.
func grantFor(grants []Grant, victims []victim, now time.Time, s *span) string {
	word := "given"
	for _, v := range victims {
		switch grantForOne(grants, v, now, s) {
		case "missing":
			word = "missing"
		case "lapsed":
			worse(&word, "given", "lapsed")
		}
	}
	return word
}

func grantForOne(grants []Grant, v victim, now time.Time, s *span) string {
	word := "missing"
	for i := range grants {
		g := &grants[i]
		r := g.reach()
		if !r.covers(v) || g.Until.IsZero() {
			continue
		}
		switch {
		case inForce(g.NotBefore, g.Until, now, s):
			return "given"
		case !now.Before(g.Until):
			word = "lapsed"
		}
	}
	return word
}

// inForceFor lists for whom grants are in force.
func inForceFor(grants []Grant, now time.Time, s *span) []string {
	var out []string
	for _, g := range grants {
		if !g.Until.IsZero() && inForce(g.NotBefore, g.Until, now, s) {
			out = append(out, g.For)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
