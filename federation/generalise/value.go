package generalise

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Bounds and defaults of a rule, in bits and in how many.
const (
	// finestIPv4 and finestIPv6 are the prefixes that are usual for addresses
	// of persons: 256 IPv4 addresses; for IPv6 what a whole site may be given
	// (RFC 6177 is about /48 and less), so that it hides a subscriber, and not always an
	// organisation. An operator writes less, or names networks in Never.
	finestIPv4, finestIPv6 = 24, 48
	minIPv4, minIPv6       = 8, 16
	// defaultFloor is the smallest count that is said: below it a reader could
	// be one of those counted and know the others.
	defaultFloor = 5
	minFloor     = 3
	maxFloor     = 1000
)

// Rule says how far values are generalised.
type Rule struct {
	// IPv4 and IPv6 are the longest prefixes that are told, in bits.
	IPv4, IPv6 int
	// Floor is the smallest count that is told.
	Floor int
	// Never lists networks that name one organisation: of what touches them, not
	// even the prefix is told.
	Never []netip.Prefix
}

// Default returns the rule that is in force where nothing else is written.
func Default() Rule { return Rule{IPv4: finestIPv4, IPv6: finestIPv6, Floor: defaultFloor} }

// Valid reports whether the rule is within its bounds: never finer than the
// defaults.
func (r Rule) Valid() bool {
	return r.IPv4 >= minIPv4 && r.IPv4 <= finestIPv4 && r.IPv6 >= minIPv6 && r.IPv6 <= finestIPv6 && r.Floor >= minFloor && r.Floor <= maxFloor
}

// Address returns the network around an address or a network, as written, "" if
// none is told: for what is no address, for what means something on its own
// network only (private, loopback, link-local and such), and for what touches a
// network that names one organisation.
func (r Rule) Address(text string) string {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return ""
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	a := p.Addr()
	bits := r.IPv6
	if a.Is4() {
		bits = r.IPv4
	}
	if a.Is4In6() || special(a) {
		return ""
	}
	wide, err := a.Prefix(min(bits, p.Bits()))
	if err != nil || wide.Bits() < 1 {
		return ""
	}
	if slices.ContainsFunc(r.Never, wide.Overlaps) {
		return ""
	}
	return wide.String()
}

// special reports whether an address has a meaning on its own network only
// (RFC 6890): it says which site it stands for, and nothing to anybody else.
func special(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() ||
		slices.ContainsFunc(ownNetworks[:], func(p netip.Prefix) bool { return p.Contains(a) })
}

// ownNetworks are those that net/netip has no question for: "this network",
// shared address space (RFC 6598), future use. It is never written to.
var ownNetworks = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("240.0.0.0/4"),
}

// Day returns the first moment of a moment's day in UTC.
func Day(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// dayText is a day as STIX writes a time (2.1, section 3.10).
func dayText(t time.Time) string { return Day(t).Format("2006-01-02") + "T00:00:00.000Z" }

// Count returns a count if it may be told; false says "fewer than the floor".
func (r Rule) Count(n int64) (int64, bool) { return n, n >= int64(r.Floor) }

// sectorOf leads from the words of STIX's industry-sector-ov (2.1, section 10)
// to those that are told: where a country has one bearer of a narrow
// word, such as a nuclear operator, the word would be its name. It is never
// written to.
var sectorOf = func() map[string]string {
	m := map[string]string{}
	for _, w := range strings.Fields(`agriculture aerospace automotive chemical commercial communications construction
		defense education energy entertainment financial-services government healthcare hospitality-leisure infrastructure
		insurance manufacturing mining non-profit pharmaceuticals retail technology telecommunications transportation utilities`) {
		m[w] = w
	}
	for _, w := range strings.Fields("emergency-services government-local government-national government-public-services government-regional") {
		m[w] = "government"
	}
	for _, w := range strings.Fields("dams nuclear water") {
		m[w] = "infrastructure"
	}
	return m
}()

// Sectors returns what is told of sectors, sorted: words of the vocabulary, the
// narrow ones as the wider ones that hold them, and no others.
func Sectors(words []string) []string {
	var out []string
	for _, w := range words {
		if s, ok := sectorOf[w]; ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Country returns a country in two letters (ISO 3166-1), "" for anything else:
// STIX wants a code there, and people write cities.
func Country(text string) string {
	if len(text) != 2 {
		return ""
	}
	up := strings.ToUpper(text)
	if up[0] < 'A' || up[0] > 'Z' || up[1] < 'A' || up[1] > 'Z' {
		return ""
	}
	return up
}
