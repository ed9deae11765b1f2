package stix

import "github.com/entente-relay/entente/federation"

// Limits bounds what a file may hold. A message has its own, smaller limits,
// which the envelope checks.
type Limits struct {
	// MaxBytes is the size of a file, in bytes.
	MaxBytes int
	// MaxObjects is how many objects it may hold.
	MaxObjects int
	// MaxDepth is how deep JSON values may nest; the object itself is 1.
	MaxDepth int
}

// DefaultLimits are the limits for files: 64 MiB, 100,000 objects, depth 16.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 64 << 20, MaxObjects: 100_000, MaxDepth: 16}
}

type node struct{}

// Parse reads one object. It keeps raw, which the caller must not change
// afterwards. The error is a *federation.Refusal.
func Parse(raw []byte) (*Object, error) {
	return nil, federation.Refuse(federation.Malformed, "object", "not read yet")
}

// Bundle is a file of objects.
type Bundle struct {
	// ID is the bundle's own id, which STIX gives no meaning.
	ID string
	// Entries are the objects in file order, the refused ones among them.
	Entries []Entry
}

// Entry is one object of a bundle, or why it was refused.
type Entry struct {
	// Index is the position in the file, from 0.
	Index int
	// ID is the object's id, as far as it could be read.
	ID string
	// Object is nil when Err is set.
	Object *Object
	// Err is a *federation.Refusal.
	Err error
	// Raw is the entry's bytes.
	Raw []byte
}

// ParseBundle reads a bundle. A fault of the whole file is the error; a bad
// object is listed among the entries.
func ParseBundle(data []byte, lim Limits) (*Bundle, error) {
	return nil, federation.Refuse(federation.Malformed, "bundle", "not read yet")
}

// Get returns the raw JSON at a STIX selector path, such as
// "extensions.extension-definition--x.note.content" or "object_refs.[0]".
func (o *Object) Get(path string) ([]byte, bool) { return nil, false }

// Text returns the string at a path; false when there is none or it is not a
// string.
func (o *Object) Text(path string) (string, bool) { return "", false }

// Edit replaces or adds one property.
type Edit struct {
	// Path is a top-level property, or "extensions.<id>", or
	// "extensions.<id>.<key>".
	Path string
	// Value is the new raw JSON value.
	Value []byte
}

// With returns a new object with the edits applied, checked as [Parse] does.
// Only intake uses it: everything later keeps an object as its issuer signed it.
func (o *Object) With(edits ...Edit) (*Object, error) {
	return nil, federation.Refuse(federation.Malformed, o.id, "not edited yet")
}
