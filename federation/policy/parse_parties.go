package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// grantFile is a consent or a managed-service contract as written.
type grantFile struct {
	For       string `yaml:"for"`
	Reference string `yaml:"reference"`
	From      day    `yaml:"from"`
	Until     day    `yaml:"until"`
}

// constituencyFile is whom the peer serves, as written.
type constituencyFile struct {
	ASN          []uint32 `yaml:"asn"`
	CIDR         []string `yaml:"cidr"`
	TLD          []string `yaml:"tld"`
	Participants []string `yaml:"participants"`
	Reference    string   `yaml:"reference"`
}

func grants(list []grantFile) []Grant {
	var out []Grant
	for _, g := range list {
		out = append(out, Grant{For: g.For, Reference: g.Reference, NotBefore: g.From.Time, Until: dayAfter(g.Until)})
	}
	return out
}

// checkParties checks what the terms say about groups, exposure, resale and
// those whom the peer serves or acts for.
func (f *agreementFile) checkParties(bad func(string, string, ...any)) {
	for _, g := range f.Groups {
		if !participantID.MatchString(g) {
			bad("$.groups", "%q is not the id of a sharing group", g)
		}
	}
	for _, p := range [...]struct {
		path, got string
		words     []string
	}{{"$.foi", f.FOI, []string{"exposed", "exempt"}}, {"$.resale", f.Resale, []string{"forbidden", "allowed"}}} {
		if p.got != "" && !slices.Contains(p.words, p.got) {
			bad(p.path, "%q is not one of %s%s; leave it out if it is not known", p.got, strings.Join(p.words, ", "), didYouMean(p.got, p.words))
		}
	}
	for _, p := range [...]struct {
		path string
		list []grantFile
	}{{"$.managed", f.Managed}, {"$.victim_consents", f.VictimConsents}} {
		for i, g := range p.list {
			g.check(fmt.Sprintf("%s[%d]", p.path, i), bad)
		}
	}
	if f.Constituency != nil {
		f.Constituency.check(bad)
	}
}

func (g *grantFile) check(at string, bad func(string, string, ...any)) {
	if g.For == "" || g.Reference == "" || g.From.IsZero() || g.Until.IsZero() {
		bad(at, "for, reference, from and until are all needed")
		return
	}
	if g.Until.Before(g.From.Time) {
		bad(at, "it ends before it begins")
	}
	word := strings.ToLower(g.For)
	if _, ok := readVictim(word); !ok && !participantID.MatchString(g.For) {
		bad(at, "for: %q is neither a participant or identity id nor an address, prefix, domain name or AS number", g.For)
	}
}

func (c *constituencyFile) check(bad func(string, string, ...any)) {
	if len(c.ASN)+len(c.CIDR)+len(c.TLD)+len(c.Participants) == 0 {
		bad("$.constituency", "it names nobody: leave it out if it is not known whom the peer serves")
	}
	for _, p := range c.CIDR {
		x, err := netip.ParsePrefix(p)
		switch {
		case err != nil:
			bad("$.constituency.cidr", "%q is not a prefix such as 192.0.2.0/24", p)
		case x.Masked() != x:
			bad("$.constituency.cidr", "%q has bits beyond its length: write %s", p, x.Masked())
		case x.Bits() == 0:
			bad("$.constituency.cidr", "%q is every address there is", p)
		}
	}
	for _, d := range c.TLD {
		for _, l := range strings.Split(d, ".") {
			if l == "" || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				bad("$.constituency.tld", "%q is not a domain name in lower-case ASCII, such as pl or gov.pl", d)
				break
			}
		}
	}
	for _, id := range c.Participants {
		if !participantID.MatchString(id) && !strings.HasPrefix(id, "identity--") {
			bad("$.constituency.participants", "%q is neither a participant id nor the id of an identity", id)
		}
	}
}
