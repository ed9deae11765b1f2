package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Why says what was decided on an object for one recipient, one answer for each
// content of it; the newest first. Its objects have the members of `explain` for
// a file, and what the journal adds.
type Why struct {
	To           string      `json:"to"`
	Country      string      `json:"country,omitempty"` // "" for one who is no peer any more
	Hypothetical bool        `json:"hypothetical"`      // no such peer: the sample agreement stands for one
	At           time.Time   `json:"at"`
	Policy       string      `json:"policy"` // in force now
	Objects      []WhyObject `json:"objects"`
}

// WhyObject is one answer. Recorded says that the journal has it: this was
// decided then. Otherwise nothing was, and it is what would be decided now.
type WhyObject struct {
	ID       string      `json:"id"`
	Verdict  string      `json:"verdict"`
	Removed  []string    `json:"removed"`
	Marking  Marking     `json:"marking"`
	Reasons  []WhyReason `json:"reasons"`
	Missing  []string    `json:"missing,omitempty"` // what would have let it go
	Issuer   string      `json:"issuer,omitempty"`
	Digest   string      `json:"digest"`
	Recorded bool        `json:"recorded"`
	// When it was recorded, where in the journal, under which policy; Earlier
	// counts what was recorded before that for the same content and recipient.
	When    time.Time `json:"when,omitzero"`
	Journal uint64    `json:"journal,omitempty"`
	Policy  string    `json:"policy,omitempty"`
	Earlier int       `json:"earlier,omitempty"`
	// Path is the way of the message: its signer, each relay, this node, and the
	// recipient if it went there.
	Path []string `json:"path,omitempty"`
	Release
	// Withdrawn says that it was taken back from the recipient since.
	Withdrawn *TakenBack `json:"withdrawn,omitempty"`
}

// WhyReason is one reason, as in `explain` for a file.
type WhyReason struct {
	Reason string `json:"reason"`
	Rule   string `json:"rule"`
	Basis  string `json:"basis"`
	Text   string `json:"text"`
	Path   string `json:"path,omitempty"`
}

// Release says how an object left, and on what grounds.
type Release struct {
	Log     uint64   `json:"log,omitempty"`  // sequence of the log entry
	Root    string   `json:"root,omitempty"` // of the frame
	Link    uint64   `json:"link,omitempty"` // number on the link
	Purpose []string `json:"purpose,omitempty"`
	Grounds []Ground `json:"grounds,omitempty"`
	// Receipt is what the peer signed about the message, nil while there is none.
	Receipt *Receipt `json:"receipt,omitempty"`
}

// Ground is a permission that was relied upon, and the law whose protection is
// claimed by it.
type Ground struct {
	Rule   string `json:"rule"`
	Basis  string `json:"basis"`
	Claims string `json:"claims,omitempty"`
}

// Receipt counts what became of the objects of one message at a peer.
type Receipt struct {
	Journal   uint64    `json:"journal"`
	At        time.Time `json:"at"` // when it came
	Stored    int       `json:"stored"`
	Duplicate int       `json:"duplicate"`
	Held      int       `json:"held"`
	Refused   int       `json:"refused"`
	Reason    string    `json:"reason,omitempty"`
}

// GotBy says to whom an object went: every recorded sending of every content
// that has the id or digest asked for, the oldest first.
type GotBy struct {
	Asked string    `json:"asked"`
	Peers []string  `json:"peers"` // who got any
	Sent  []Sending `json:"sent"`
}

// Sending is one recorded sending. Removed lists the properties that did not
// go.
type Sending struct {
	Peer    string    `json:"peer"`
	At      time.Time `json:"at"`
	Journal uint64    `json:"journal"`
	ID      string    `json:"id"`
	Issuer  string    `json:"issuer"`
	Digest  string    `json:"digest"`
	Verdict string    `json:"verdict"` // share or redact
	Removed []string  `json:"removed"`
	Marking Marking   `json:"marking"`
	Policy  string    `json:"policy"`
	Release
	// Withdrawn says that it was taken back from the peer, nil if not.
	Withdrawn *TakenBack `json:"withdrawn,omitempty"`
}

// TakenBack is a withdrawal as it was sent to one peer.
type TakenBack struct {
	For     string    `json:"for"` // superseded, withdrawn, spill
	At      time.Time `json:"at"`
	Journal uint64    `json:"journal"`
	// State is "sent", "acknowledged", or "not taken" for Reason.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// Why asks what was decided on an object, by its id or digest, for a recipient
// up to a moment.
func (c *Client) Why(ctx context.Context, object, to string, at time.Time) (Why, error) {
	var out Why
	q := url.Values{"object": {object}, "to": {to}, "at": {at.UTC().Format(time.RFC3339Nano)}}
	err := c.call(ctx, http.MethodGet, "/v1/audit/why?"+q.Encode(), nil, &out)
	return out, err
}

// WhoGot asks to whom an object went, by its id or digest.
func (c *Client) WhoGot(ctx context.Context, object string) (GotBy, error) {
	var out GotBy
	err := c.call(ctx, http.MethodGet, "/v1/audit/who-got?"+url.Values{"object": {object}}.Encode(), nil, &out)
	return out, err
}

// past serves what is asked of one object.
func (a *API) past(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/audit/why", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		at, err := time.Parse(time.RFC3339Nano, q.Get("at"))
		if err != nil {
			http.Error(w, "at: want a time as in RFC 3339", http.StatusBadRequest)
			return
		}
		answer[Why](w)(a.Why(r.Context(), q.Get("object"), q.Get("to"), at))
	})
	mux.HandleFunc("GET /v1/audit/who-got", func(w http.ResponseWriter, r *http.Request) {
		answer[GotBy](w)(a.WhoGot(r.Context(), r.URL.Query().Get("object")))
	})
}
