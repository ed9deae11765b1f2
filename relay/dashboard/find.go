package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Ask names what to look for: a value, or an object by its id or digest. Exactly
// one is set.
type Ask struct{ Value, ID, Digest string }

// Found says where it lies.
type Found struct {
	// Log is the incarnation of the log, in which Places are.
	Log    string  `json:"log"`
	Places []Place `json:"places"`
	// Searched counts the log entries looked at, Sealed the messages and objects
	// of which something is sealed and cannot be searched.
	Searched uint64 `json:"searched"`
	Sealed   uint64 `json:"sealed"`
}

// Place is one place at which an object lies.
type Place struct {
	Kind   string    `json:"kind"` // log, held or proof
	Seq    uint64    `json:"seq"`
	N      int       `json:"n"` // item of the log entry
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Issuer string    `json:"issuer,omitempty"`
	ID     string    `json:"id,omitempty"`
	Type   string    `json:"type,omitempty"`
	Digest string    `json:"digest,omitempty"`
	// Paths are where in the object the value stands.
	Paths []string `json:"paths,omitempty"`
	// Recipients are the peers to whom it went from here.
	Recipients []string `json:"recipients,omitempty"`
}

// Find asks where something lies. The value goes in the body: nothing that
// watches requests sees it.
func (c *Client) Find(ctx context.Context, ask Ask) (Found, error) {
	var out Found
	q := url.Values{"id": {ask.ID}, "digest": {ask.Digest}}
	err := c.call(ctx, http.MethodPost, "/v1/audit/find?"+q.Encode(), []byte(ask.Value), &out)
	return out, err
}
