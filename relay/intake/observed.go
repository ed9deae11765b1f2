package intake

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// observed is what one value of a flat format (a MISP attribute, a CSV row)
// says in STIX: a pattern that looks for it, and the observables that show it.
type observed struct {
	pattern string
	kind    string // pattern_type
	version string // pattern_version
	name    string // a name that belongs to it, such as of a file
	// show makes the observables, the main one last; nil when there are none.
	show func() ([]shown, error)
}

// shown is one observable.
type shown struct {
	id  string
	raw []byte
}

// observe reads a value by its type. The types are those of MISP (its standard
// format, draft-dulaunoy-misp-core-format §2.4.2), in lower case.
func observe(typ, value string) (*observed, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil, federation.Refuse(federation.Malformed, typ, "there is no value")
	}
	if make, ok := simple[typ]; ok {
		return make(value)
	}
	if algorithm, ok := hashes[typ]; ok {
		return fileHash(algorithm, value, "")
	}
	if first, second, ok := strings.Cut(typ, "|"); ok {
		left, right, ok := strings.Cut(value, "|")
		if !ok || left == "" || right == "" {
			return nil, federation.Refuse(federation.Malformed, typ, "two parts with | between them are needed")
		}
		return observePair(first, second, left, right)
	}
	return nil, federation.Refuse(federation.Unsupported, typ, "a type that is not read")
}

// simple holds the types of one value.
var simple = map[string]func(string) (*observed, error){
	"ip-src": address, "ip-dst": address, "ip": address, "ipv4": address, "ipv6": address, "ipv4-addr": address, "ipv6-addr": address,
	"domain": domain, "hostname": domain, "domain-name": domain, "fqdn": domain,
	"url": location, "uri": location,
	"filename":    fileName,
	"email":       mailbox,
	"email-src":   mailbox,
	"email-dst":   mailbox,
	"email-addr":  mailbox,
	"mutex":       func(v string) (*observed, error) { return property("mutex", "name", v) },
	"regkey":      func(v string) (*observed, error) { return property("windows-registry-key", "key", fullHive(v)) },
	"mac-address": func(v string) (*observed, error) { return property("mac-addr", "value", strings.ToLower(v)) },
	"as":          autonomousSystem,
	"email-subject": func(v string) (*observed, error) {
		return &observed{pattern: "[email-message:subject = " + literal(v) + "]", kind: "stix", version: "2.1",
			show: one("email-message", member{"is_multipart", false}, member{"subject", v})}, nil
	},
	"user-agent": func(v string) (*observed, error) {
		return &observed{pattern: "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = " + literal(v) + "]", kind: "stix", version: "2.1"}, nil
	},
	"x509-fingerprint-md5":    certificate("MD5"),
	"x509-fingerprint-sha1":   certificate("SHA-1"),
	"x509-fingerprint-sha256": certificate("SHA-256"),
	"yara":                    rule("yara"),
	"snort":                   rule("snort"),
	"sigma":                   rule("sigma"),
}

// hashes holds the types of file hashes and their names in STIX
// (hash-algorithm-ov, §10.6).
var hashes = map[string]string{
	"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512", "sha3-256": "SHA3-256", "sha3-512": "SHA3-512",
	"ssdeep": "SSDEEP", "tlsh": "TLSH", "sha224": "SHA224", "sha384": "SHA384",
}

// digits is the length of each hash in hexadecimal digits.
var digits = map[string]int{"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128, "SHA224": 56, "SHA384": 96}

// observePair reads the types of two values.
func observePair(first, second, left, right string) (*observed, error) {
	if algorithm, ok := hashes[second]; ok && first == "filename" {
		return fileHash(algorithm, right, left)
	}
	switch first + "|" + second {
	case "ip-src|port", "ip-dst|port", "hostname|port":
		return endpoint(left, right)
	case "domain|ip":
		return resolved(left, right)
	case "regkey|value":
		left = fullHive(left)
		return &observed{pattern: "[windows-registry-key:key = " + literal(left) + " AND windows-registry-key:values[*].data = " + literal(right) + "]",
			kind: "stix", version: "2.1", show: one("windows-registry-key", member{"key", left}, member{"values", []any{map[string]string{"data": right}}})}, nil
	}
	return nil, federation.Refuse(federation.Unsupported, first+"|"+second, "a type that is not read")
}

// property is an observable with one property.
func property(typ, name, value string) (*observed, error) {
	return &observed{pattern: fmt.Sprintf("[%s:%s = %s]", typ, name, literal(value)), kind: "stix", version: "2.1", show: one(typ, member{name, value})}, nil
}

// one returns a maker of a single observable.
func one(typ string, members ...member) func() ([]shown, error) {
	return func() ([]shown, error) {
		id, raw, err := observable(typ, members...)
		return []shown{{id, raw}}, err
	}
}

// address reads an IP address or a network in CIDR form.
func address(v string) (*observed, error) {
	typ, err := addressType(v)
	if err != nil {
		return nil, err
	}
	return property(typ, "value", v)
}

func addressType(v string) (string, error) {
	a, err := netip.ParseAddr(v)
	if p, perr := netip.ParsePrefix(v); err != nil && perr == nil {
		a, err = p.Addr(), nil
	}
	switch {
	case err != nil:
		return "", federation.Refuse(federation.Malformed, "address", fmt.Sprintf("%q is neither an IP address nor a network", clip(v)))
	case a.Zone() != "":
		return "", federation.Refuse(federation.Malformed, "address", "an address with a zone means something on one machine only")
	case a.Is4():
		return "ipv4-addr", nil
	}
	return "ipv6-addr", nil
}

// domain reads a domain name. It is kept as written; only what can be none is
// refused.
func domain(v string) (*observed, error) {
	if !strings.Contains(v, ".") || strings.ContainsAny(v, " \t/:@|'\"\\") || len(v) > 253 {
		return nil, federation.Refuse(federation.Malformed, "domain", fmt.Sprintf("%q is not a domain name", clip(v)))
	}
	return property("domain-name", "value", v)
}

func location(v string) (*observed, error) {
	if strings.ContainsAny(v, " \t\r\n") {
		return nil, federation.Refuse(federation.Malformed, "url", "a URL with white space in it")
	}
	if _, err := url.Parse(v); err != nil {
		return nil, federation.Refuse(federation.Malformed, "url", "not a URL")
	}
	return property("url", "value", v)
}

func mailbox(v string) (*observed, error) {
	if strings.Count(v, "@") != 1 || strings.ContainsAny(v, " \t\r\n") {
		return nil, federation.Refuse(federation.Malformed, "e-mail address", "not one address")
	}
	return property("email-addr", "value", v)
}

func fileName(v string) (*observed, error) { return property("file", "name", v) }

func autonomousSystem(v string) (*observed, error) {
	number := strings.TrimPrefix(strings.ToUpper(v), "AS")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return nil, federation.Refuse(federation.Malformed, "AS", fmt.Sprintf("%q is not the number of an autonomous system", clip(v)))
	}
	return &observed{pattern: fmt.Sprintf("[autonomous-system:number = %d]", n), kind: "stix", version: "2.1",
		show: one("autonomous-system", member{"number", n})}, nil
}

// fileHash is a file known by its hash. Of "filename|md5" and the like the hash
// alone is looked for, as MISP itself does in its exports: the name stays
// beside it.
func fileHash(algorithm, v, name string) (*observed, error) {
	v, err := hashValue(algorithm, v)
	if err != nil {
		return nil, err
	}
	return &observed{pattern: fmt.Sprintf("[file:hashes.'%s' = %s]", algorithm, literal(v)), kind: "stix", version: "2.1", name: name,
		show: one("file", member{"hashes", map[string]string{algorithm: v}}, member{"name", name})}, nil
}

// hashValue checks a hash and writes it in lower case.
func hashValue(algorithm, v string) (string, error) {
	v = strings.TrimSpace(v)
	n, ok := digits[algorithm]
	if !ok {
		return v, nil // a fuzzy hash, not hexadecimal
	}
	v = strings.ToLower(v)
	if _, err := hex.DecodeString(v); err != nil || len(v) != n {
		return "", federation.Refuse(federation.Malformed, algorithm, fmt.Sprintf("a %s hash has %d hexadecimal digits", algorithm, n))
	}
	return v, nil
}

func certificate(algorithm string) func(string) (*observed, error) {
	return func(v string) (*observed, error) {
		v, err := hashValue(algorithm, strings.ReplaceAll(v, ":", ""))
		if err != nil {
			return nil, err
		}
		return &observed{pattern: fmt.Sprintf("[x509-certificate:hashes.'%s' = %s]", algorithm, literal(v)), kind: "stix", version: "2.1",
			show: one("x509-certificate", member{"hashes", map[string]string{algorithm: v}})}, nil
	}
}

// rule is a detection rule in a language of its own.
func rule(kind string) func(string) (*observed, error) {
	return func(v string) (*observed, error) { return &observed{pattern: v, kind: kind}, nil }
}

// fullHive writes the hive of a registry key in full, as STIX demands (§6.17.1).
func fullHive(key string) string {
	hive, rest, _ := strings.Cut(key, `\`)
	full, ok := map[string]string{"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT",
		"HKU": "HKEY_USERS", "HKCC": "HKEY_CURRENT_CONFIG"}[strings.ToUpper(hive)]
	if !ok {
		return key
	}
	return full + `\` + rest
}

// endpoint is an address or a name with a port.
func endpoint(host, port string) (*observed, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, federation.Refuse(federation.Malformed, "port", fmt.Sprintf("%q is not a port", clip(port)))
	}
	typ, err := addressType(host)
	if err != nil {
		if _, err := domain(host); err != nil {
			return nil, err
		}
		typ = "domain-name"
	}
	protocol := map[string]string{"ipv4-addr": "ipv4", "ipv6-addr": "ipv6", "domain-name": "ip"}[typ]
	pattern := fmt.Sprintf("[network-traffic:dst_ref.type = '%s' AND network-traffic:dst_ref.value = %s AND network-traffic:dst_port = %d]", typ, literal(host), n)
	return &observed{pattern: pattern, kind: "stix", version: "2.1", show: func() ([]shown, error) {
		id, raw, err := observable(typ, member{"value", host})
		if err != nil {
			return nil, err
		}
		traffic, all, err := observable("network-traffic", member{"dst_ref", id}, member{"dst_port", n}, member{"protocols", []string{protocol}})
		return []shown{{id, raw}, {traffic, all}}, err
	}}, nil
}

// resolved is a domain name with the address that it led to.
func resolved(name, ip string) (*observed, error) {
	if _, err := domain(name); err != nil {
		return nil, err
	}
	typ, err := addressType(ip)
	if err != nil {
		return nil, err
	}
	pattern := fmt.Sprintf("[domain-name:value = %s AND domain-name:resolves_to_refs[*].value = %s]", literal(name), literal(ip))
	return &observed{pattern: pattern, kind: "stix", version: "2.1", show: func() ([]shown, error) {
		id, raw, err := observable(typ, member{"value", ip})
		if err != nil {
			return nil, err
		}
		host, all, err := observable("domain-name", member{"value", name}, member{"resolves_to_refs", []string{id}})
		return []shown{{id, raw}, {host, all}}, err
	}}, nil
}
