package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Observed is what a peer would have got while nothing is sent to it.
// Judged == Shared + Redacted + Withheld + Held.
type Observed struct {
	Peer  string    `json:"peer"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"` // as it was meant
	Over  bool      `json:"over"`  // that time has passed; nothing begins by itself
	// Through is the log sequence up to which it was judged.
	Through  uint64 `json:"through"`
	Messages int    `json:"messages"` // that would have gone
	Judged   int    `json:"judged"`   // objects
	Shared   int    `json:"shared"`
	Redacted int    `json:"redacted"`
	Withheld int    `json:"withheld"`
	Held     int    `json:"held"`
	// Rules are what kept objects back, Removed what took parts out, the most
	// frequent first.
	Rules   []ObservedRule `json:"rules"`
	Removed []ObservedRule `json:"removed"`
}

// ObservedRule counts what one rule did.
type ObservedRule struct {
	Reason  string `json:"reason"`
	Rule    string `json:"rule"`
	Basis   string `json:"basis,omitempty"`
	Count   int    `json:"count"`
	Example string `json:"example"` // id of an object; of what is taken out, with its path
}

// Observed asks what a peer would have got.
func (c *Client) Observed(ctx context.Context, peer string) (Observed, error) {
	var out Observed
	err := c.call(ctx, http.MethodGet, "/v1/observed/"+url.PathEscape(peer), nil, &out)
	return out, err
}
