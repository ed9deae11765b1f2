package stix

import "strings"

// uuidLen is the length of the text form of a UUID (RFC 9562 §4).
const uuidLen = 36

// splitID splits "type--uuid" and reports whether it has that shape: a type of
// lower-case letters, digits and hyphens (STIX 2.1 §2.9, §3.3), a UUID in
// lower case. Upper case is refused because it would spell one id two ways.
func splitID(id string) (typ, uuid string, ok bool) {
	cut := len(id) - uuidLen
	if cut < 3 || id[cut-2:cut] != "--" {
		return "", "", false
	}
	typ, uuid = id[:cut-2], id[cut:]
	return typ, uuid, validType(typ) && validUUID(uuid)
}

func validID(id string) bool {
	_, _, ok := splitID(id)
	return ok
}

func validType(t string) bool {
	if len(t) == 0 || len(t) > 250 || strings.Contains(t, "--") {
		return false
	}
	for i := range len(t) {
		c := t[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return t[0] != '-' && t[len(t)-1] != '-'
}

func validUUID(u string) bool {
	for i := range uuidLen {
		c := u[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
