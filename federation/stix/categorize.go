package stix

import "github.com/entente-relay/entente/federation"

// Finding says what kind of data one unit holds, and why we think so.
type Finding struct {
	// Path is the unit's path.
	Path string
	// Category is the kind of data.
	Category federation.Category
	// Evidence is what the finding rests on: "type", "path", "origin says so"
	// or "content: ..." with the kind of content, never the content.
	Evidence string
	// Unsure says that it is a guess; policy decides what that means.
	Unsure bool
}

// Categorize returns at least one finding for every unit of the object; a unit
// that holds several kinds of data has several.
func Categorize(o *Object) []Finding {
	out := []Finding{}
	for _, u := range o.Units() {
		out = append(out, Finding{Path: u.Path, Category: federation.FreeText, Evidence: "path", Unsure: true})
	}
	return out
}
