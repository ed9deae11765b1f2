package stix

// Unit is one part of an object that policy decides on and that the envelope
// can disclose or remove by itself.
type Unit struct {
	// Path is the unit's STIX selector: "name", "object_refs.[0]",
	// "extensions.<id>", "extensions.<id>.note.content".
	Path string
	// Name is the property's own name, or "" for a list element.
	Name string
	// Parent is the index of the enclosing unit, or -1.
	Parent int
	// Element says that the unit is a list element.
	Element bool
	// Container says that other units of the object have it as parent.
	Container bool
	// Fixed says that the unit can never be removed: it is always signed in
	// the open.
	Fixed bool
	// Required says that STIX 2.1 requires the property for this type, so
	// that the object is not valid without it.
	Required bool
	// Value is the raw JSON value. The caller must not change it.
	Value []byte
}

// Units returns every unit of the object, parents before their children, in
// the order written.
func (o *Object) Units() []Unit { return nil }

// Ref is one reference from the object to another.
type Ref struct {
	// Path is the selector of the reference: "created_by_ref",
	// "object_refs.[3]".
	Path string
	// Target is the id it names.
	Target string
}

// Refs returns every reference of the object (properties that end in _ref or
// _refs), marking references excluded.
func (o *Object) Refs() []Ref { return nil }

// DerivedID reports whether the object's id can be computed from its values,
// so that the id alone lets a reader test a guess at them.
func (o *Object) DerivedID() bool { return true }

// DerivedFrom returns the paths of the units whose values go into a derived
// id, or nil.
func (o *Object) DerivedFrom() []string { return nil }
