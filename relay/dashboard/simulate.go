package dashboard

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
)

// Simulation is what would flip if another policy were in force: what the log
// holds since a moment, judged for every peer as of now by both.
//
// The counts add up: Flipped == Widened + Narrowed, and is the sum of the
// counts of the groups.
type Simulation struct {
	At     time.Time           `json:"at"`
	Since  time.Time           `json:"since,omitzero"`
	Before string              `json:"before"` // digests of the two bundles
	After  string              `json:"after"`
	Diff   []policy.Difference `json:"diff"`
	Peers  []string            `json:"peers"`
	// Messages and Objects were read; Decisions were made on them for peers,
	// twice each.
	Messages  int         `json:"messages"`
	Objects   int         `json:"objects"`
	Decisions int         `json:"decisions"`
	Flipped   int         `json:"flipped"`
	Widened   int         `json:"widened"`
	Narrowed  int         `json:"narrowed"`
	Groups    []FlipGroup `json:"groups"` // what widens first, then by count
	Unjudged  Unjudged    `json:"unjudged"`
}

// Unjudged counts what could not be judged again.
type Unjudged struct {
	Erased     int `json:"erased"`     // objects whose content was erased
	Unverified int `json:"unverified"` // messages that no longer verify
	Gone       int `json:"gone"`       // log entries that are no longer kept or were lost
	// Terms are peers whose terms the other policy does not take.
	Terms []string `json:"terms,omitempty"`
}

// FlipGroup is all that flips in one direction because of one rule.
type FlipGroup struct {
	Effect policy.Effect      `json:"effect"` // widens or narrows
	From   federation.Verdict `json:"from"`
	To     federation.Verdict `json:"to"`
	// Rule is the one that denies now and did not, or that denied and does no
	// longer; By, of what widens, a permission newly relied upon.
	Rule     string         `json:"rule"`
	Basis    string         `json:"basis"`
	Reason   string         `json:"reason"`
	By       string         `json:"by,omitempty"`
	Count    int            `json:"count"`
	Peers    map[string]int `json:"peers"`
	Examples []FlipExample  `json:"examples"`
}

// FlipExample is one object for one peer.
type FlipExample struct {
	Peer   string `json:"peer"`
	Log    uint64 `json:"log"`
	Issuer string `json:"issuer"`
	ID     string `json:"id"`
	// Shown are paths that would go and do not, Removed paths that do and would
	// not; both empty where the whole object flips.
	Shown   []string `json:"shown,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Text    string   `json:"text"`
}

// maxRules bounds a policy folder handed over, in bytes.
const maxRules = 16 << 20

func (a *API) simulate(w http.ResponseWriter, r *http.Request) {
	packed, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRules))
	if err != nil {
		fail(w, err)
		return
	}
	var since time.Time
	if s := r.URL.Query().Get("since"); s != "" {
		if since, err = time.Parse(time.RFC3339Nano, s); err != nil {
			http.Error(w, "since: want a time of RFC 3339", http.StatusBadRequest)
			return
		}
	}
	answer[Simulation](w)(a.Simulate(r.Context(), packed, since))
}

// Simulate replays what the node's log holds since a moment against the rules
// in packed (see relay.PackRules).
func (c *Client) Simulate(ctx context.Context, packed []byte, since time.Time) (Simulation, error) {
	q := url.Values{}
	if !since.IsZero() {
		q.Set("since", since.UTC().Format(time.RFC3339Nano))
	}
	var out Simulation
	err := c.call(ctx, http.MethodPost, "/v1/simulate?"+q.Encode(), packed, &out)
	return out, err
}

// Activated is what a reload put in force.
type Activated struct {
	Before  string              `json:"before"` // digests of the two bundles
	After   string              `json:"after"`
	Widens  bool                `json:"widens"` // something that was denied may be allowed
	Changes []policy.Difference `json:"changes"`
	// By are those who consented to that; "alone" where nobody else is named.
	By []string `json:"by,omitempty"`
}

// Activate makes the node read its configuration again and tells what changed.
// alone says that whoever asks decides alone, where nobody else is named.
func (c *Client) Activate(ctx context.Context, alone bool) (Activated, error) {
	var out Activated
	err := c.call(ctx, http.MethodPost, "/v1/activate?alone="+strconv.FormatBool(alone), nil, &out)
	return out, err
}
