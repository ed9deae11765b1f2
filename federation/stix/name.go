package stix

// names numbers the property names of frequent objects, so that a node says by
// one byte which it has, and its name costs neither a search nor memory. It is
// never written to after it is made.
var names = newNameTable(`type spec_version id created_by_ref created modified revoked labels confidence lang
	external_references object_marking_refs granular_markings extensions name description indicator_types
	pattern pattern_type pattern_version valid_from valid_until kill_chain_phases value hashes object_refs
	relationship_type source_ref target_ref is_family malware_types aliases first_seen last_seen
	identity_class sectors contact_information content abstract note contacts extension_type origin scheme
	classification caveats releasable_to residency retain_days purpose contract personal_data impact categories
	default_marking reoriginated generalised aggregate kill_chain_name phase_name source_name external_id url selectors marking_ref
	first_observed last_observed number_observed published report_types definition definition_type
	region country latitude longitude precision product context sighting_of_ref result
	opinion number path resolves_to_refs hash_algorithm SHA-256 MD5 SHA-1 ` + HandlingExtension)

// Numbers of names that the table does not hold.
const (
	unknownName = 0
	escapedName = 255 // written with a backslash: what it means is not its bytes
)

// nameTable finds the number of a name by a hash of its length and four of its
// bytes. Numbers count from 1.
type nameTable struct {
	text [escapedName]string
	slot [nameSlots]uint8 // the number at a hash, or one of those behind it; 0 ends a row
}

// nameSlots is a power of two and several times the number of names, so that
// rows are short.
const nameSlots = 1024

func newNameTable(list string) *nameTable {
	t := new(nameTable)
	for i, n := range words(list) {
		t.text[i+1] = n
		h := nameHash(n)
		for t.slot[h] != 0 {
			h = (h + 1) % nameSlots
		}
		t.slot[h] = uint8(i + 1)
	}
	return t
}

func nameHash[T string | []byte](name T) uint {
	n := uint(len(name))
	if n == 0 {
		return 0
	}
	return (n*67 + uint(name[0])*3 + uint(name[n/2])*31 + uint(name[n-1])*7 + uint(name[n*3/4])*127) % nameSlots
}

// number returns the number of a name, or unknownName.
func (t *nameTable) number(name string) uint8 {
	for h := nameHash(name); t.slot[h] != 0; h = (h + 1) % nameSlots {
		if n := t.slot[h]; t.text[n] == name {
			return n
		}
	}
	return unknownName
}

// numberOf is number for the bytes of a name.
func (t *nameTable) numberOf(name []byte) uint8 {
	for h := nameHash(name); t.slot[h] != 0; h = (h + 1) % nameSlots {
		if n := t.slot[h]; t.text[n] == string(name) {
			return n
		}
	}
	return unknownName
}
