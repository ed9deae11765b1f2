package feed

import (
	"cmp"
	"net/netip"
	"net/url"
	"strings"

	"github.com/entente-relay/entente/federation/stix"
)

// kindOf is one kind of list.
type kindOf struct {
	// concerns reports whether a comparison may give values for it.
	concerns func(stix.Comparison) bool
	// line turns a value into a line. mine is false for a value of another
	// kind; why says what keeps a value of this kind out of a list.
	line func(c stix.Comparison, v string) (line string, mine bool, why string)
	// order sorts the lines.
	order func(a, b string) int
}

// Kinds returns the kinds of lists there are.
func Kinds() []string { return []string{"domain", "ipv4", "ipv6", "url", "hash"} }

// kinds holds the kinds by name. It is never written to.
var kinds = map[string]kindOf{
	"domain": {of("domain-name", "network-traffic"), domainLine, cmp.Compare[string]},
	"ipv4":   {of("ipv4-addr", "network-traffic"), addressLine(netip.Addr.Is4), byAddress},
	"ipv6":   {of("ipv6-addr", "network-traffic"), addressLine(netip.Addr.Is6), byAddress},
	"url":    {of("url"), urlLine, cmp.Compare[string]},
	"hash":   {of("file"), hashLine, cmp.Compare[string]},
}

// of returns a test for the types of observables that give values for a list.
func of(types ...string) func(stix.Comparison) bool {
	return func(c stix.Comparison) bool {
		for _, t := range types {
			if c.ObjectType == t && (t != "file" || strings.HasPrefix(c.Path, "hashes.")) {
				return true
			}
		}
		return false
	}
}

// domainLine writes a domain name in lower case, without the last dot. A name
// of one label would block a whole top-level domain, and a line must be
// nothing but a host name (RFC 1123 §2.1; underscores occur in practice).
func domainLine(c stix.Comparison, v string) (string, bool, string) {
	if c.ObjectType == "network-traffic" && isAddress(v) {
		return "", false, ""
	}
	name := strings.ToLower(strings.TrimSuffix(v, "."))
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 {
		return "", true, "not a domain name below a top-level domain"
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "", true, "not a domain name"
		}
		for i := range len(l) {
			if c := l[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return "", true, "a domain name that is not in ASCII (write it in its xn-- form)"
			}
		}
	}
	if isAddress(name) {
		return "", true, "an address where a domain name should be"
	}
	return name, true, ""
}

func isAddress(v string) bool {
	if _, err := netip.ParsePrefix(v); err == nil {
		return true
	}
	_, err := netip.ParseAddr(v)
	return err == nil
}

// The widest networks that a list may hold, in bits. Anything wider is a
// mistake or an attack on whoever loads the list.
const (
	widest4 = 8
	widest6 = 16
)

// addressLine writes an address or a network in CIDR form.
func addressLine(family func(netip.Addr) bool) func(stix.Comparison, string) (string, bool, string) {
	return func(c stix.Comparison, v string) (string, bool, string) {
		p, err := netip.ParsePrefix(v)
		if a, aerr := netip.ParseAddr(v); aerr == nil {
			a = a.Unmap()
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch {
		case err != nil && c.ObjectType == "network-traffic":
			return "", false, "" // a domain name
		case err != nil || p.Addr().Zone() != "":
			return "", true, "not an address"
		case !family(p.Addr()):
			return "", false, ""
		}
		a := p.Masked().Addr()
		switch {
		case a.Is4() && p.Bits() < widest4, a.Is6() && p.Bits() < widest6:
			return "", true, "a network too wide for a list"
		case a.Is4In6(), a.IsUnspecified(), a.IsLoopback(), a.IsMulticast(), a.IsLinkLocalUnicast():
			return "", true, "not the address of a host elsewhere"
		case p.IsSingleIP():
			return a.String(), true, ""
		}
		return p.Masked().String(), true, ""
	}
}

// byAddress sorts by number, not by text.
func byAddress(a, b string) int {
	return cmp.Or(prefixOf(a).Compare(prefixOf(b)), cmp.Compare(a, b))
}

func prefixOf(line string) netip.Prefix {
	p, err := netip.ParsePrefix(line)
	if a, aerr := netip.ParseAddr(line); err != nil && aerr == nil {
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return p
}

// urlLine writes a URL as it stands in the pattern, if it can stand on a line.
func urlLine(_ stix.Comparison, v string) (string, bool, string) {
	for i := range len(v) {
		if c := v[i]; c <= ' ' || c >= 0x7f {
			return "", true, "a URL with characters that have to be encoded"
		}
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "", true, "not a URL with a scheme and a host"
	}
	return v, true, ""
}

// hashLine writes a hash in lower case.
func hashLine(c stix.Comparison, v string) (string, bool, string) {
	digits := map[string]int{"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128}
	algorithm := strings.TrimPrefix(c.Path, "hashes.")
	n, ok := digits[algorithm]
	if !ok {
		return "", true, "a hash of a kind that lists do not hold"
	}
	v = strings.ToLower(v)
	if len(v) != n || strings.Trim(v, "0123456789abcdef") != "" {
		return "", true, "not a hash of its kind"
	}
	return v, true, ""
}
