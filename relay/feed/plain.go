package feed

import (
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Kinds returns the kinds of lists there are.
func Kinds() []string { return []string{"domain", "ipv4", "ipv6", "url", "hash"} }

// Entry is one indicator that the caller has judged and that may be in lists.
type Entry struct {
	Object *stix.Object
}

// Left is one indicator that the caller left out.
type Left struct {
	ID     string
	Reason federation.Reason
}

// Options say for whom, when and how large a list is.
type Options struct {
	// Node is the id of the node that makes the list.
	Node string
	// Now is the time of making: what has expired by then is left out.
	Now time.Time
	// Capacity is how many lines the device can hold, 0 for no limit; the
	// lines of highest confidence stay.
	Capacity int
}

// Plain returns a list of one kind: comment lines that begin with "#", then
// one value a line.
func Plain(kind string, in []Entry, left []Left, o Options) ([]byte, error) {
	return nil, federation.Refuse(federation.Unsupported, "list "+kind, "not made yet")
}
