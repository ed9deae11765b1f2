package stix

// uuidLen is the length of the text form of a UUID (RFC 9562 §4).
const uuidLen = 36

// splitID splits "type--uuid" and reports whether it has that shape: a type of
// lower-case letters, digits and hyphens (STIX 2.1 §2.9, §3.3), a UUID in
// lower case. Upper case is refused because it would spell one id two ways.
func splitID[T string | []byte](id T) (typ, uuid T, ok bool) {
	cut := len(id) - uuidLen
	if cut < 3 || id[cut-2] != '-' || id[cut-1] != '-' {
		return typ, uuid, false
	}
	typ, uuid = id[:cut-2], id[cut:]
	return typ, uuid, validType(typ) && validUUID(uuid)
}

func validID[T string | []byte](id T) bool {
	_, _, ok := splitID(id)
	return ok
}

func validType[T string | []byte](t T) bool {
	if len(t) == 0 || len(t) > 250 {
		return false
	}
	before := byte('-') // a hyphen stands between two other characters
	for i := range len(t) {
		c := t[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || before == '-') {
			return false
		}
		before = c
	}
	return before != '-'
}

func validUUID[T string | []byte](u T) bool {
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
