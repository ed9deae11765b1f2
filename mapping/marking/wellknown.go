package marking

import "github.com/entente-relay/entente/mapping"

// WellKnown returns the handling of a published STIX marking-definition: TLP
// 1.0, TLP 2.0 and PAP, by exact identifier.
func WellKnown(id string) (mapping.Handling, bool) {
	return mapping.Handling{}, false
}

// WellKnownObject returns the published marking-definition object of id as
// JSON.
func WellKnownObject(id string) ([]byte, bool) {
	return nil, false
}

// Definition reads the body of a marking-definition with the given id. The
// error is a *mapping.Fault: cause Malformed for what is no
// marking-definition, UnknownMarking for one that is not understood.
func Definition(id string, raw []byte) (mapping.Handling, error) {
	return mapping.Handling{}, &mapping.Fault{Cause: mapping.UnknownMarking, Law: "A8", What: id, Text: "not understood"}
}

// Tag reads a MISP machine tag. The error is a *mapping.Fault: cause
// NotMarking for a tag that states no handling and may be ignored as a
// marking, UnknownMarking for one that states handling we do not understand.
func Tag(tag string) (mapping.Handling, error) {
	return mapping.Handling{}, &mapping.Fault{Cause: mapping.UnknownMarking, Law: "A8", What: tag, Text: "not understood"}
}
