package envelope

import (
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// IssueOptions say who issues, when and with what.
type IssueOptions struct {
	// Issuer is the participant's id; Key its message key.
	Issuer string
	Key    directory.Signer
	// Now is the time of issue; Expiry is how long afterwards the message may
	// be accepted for the first time (DefaultExpiry if zero).
	Now    time.Time
	Expiry time.Duration
	// Secret makes the salts, at least 32 bytes, the same for the life of the
	// node: so the same object always has the same digest, which nobody else
	// can compute.
	Secret []byte
	// NewID makes a message id (UUIDv7).
	NewID func() string
	// Gone is what the message takes back; it rides in the first message.
	Gone []Gone
}

// Issue signs objects as messages of at most 64. References are kept near and
// marking-definitions copied along, in the given order otherwise. The caller
// calls once per lane and producer, so that restricted material never shares a
// message with other. Each result carries no hop yet.
func Issue(objs []*stix.Object, o IssueOptions) ([]*Verified, error) {
	return nil, federation.Refuse(federation.Unsupported, "issue", "not built yet")
}
