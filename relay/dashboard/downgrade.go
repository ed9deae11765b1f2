package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// DowngradeProposal asks for the text of an act by which a newer version of an
// own object may be marked lower.
type DowngradeProposal struct {
	Name string `json:"name,omitempty"` // of the file
	File []byte `json:"file,omitempty"` // with the newer version
	// TearLine is, instead of a file, the id of an object of which a tear-line is
	// to be made, To its label.
	TearLine string    `json:"tear_line,omitempty"`
	To       string    `json:"to,omitempty"`
	Profile  string    `json:"profile,omitempty"`
	Because  string    `json:"because"`
	Until    time.Time `json:"until,omitzero"` // last moment of first acceptance
}

// DowngradeProposed is that text, and the objects as they would be signed.
type DowngradeProposed struct {
	Text    string            `json:"text"`
	Objects []json.RawMessage `json:"objects"`
	From    string            `json:"from"`
	To      string            `json:"to"`
	Axes    []string          `json:"axes"`
	Persons int               `json:"persons"` // who have to sign it
}

// DowngradeConsent is what they signed.
type DowngradeConsent struct {
	Objects   []json.RawMessage `json:"objects"`
	Approvals []string          `json:"approvals"`
}

// Downgraded is an act of an originator, in force.
type Downgraded struct {
	ID      string    `json:"id,omitempty"`
	Issuer  string    `json:"issuer,omitempty"`
	Object  string    `json:"object,omitempty"`
	Old     string    `json:"old,omitempty"`     // digest of the version that is replaced
	Version string    `json:"version,omitempty"` // of the one that may be lower
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Axes    []string  `json:"axes,omitempty"`
	By      []string  `json:"by,omitempty"`   // who agreed, as the originator names them
	Sent    string    `json:"sent,omitempty"` // the delegate who sent it, if not the originator
	Because string    `json:"because,omitempty"`
	At      time.Time `json:"at"`
	Here    bool      `json:"here"` // the lower version has come
	// TearLine is the id of the object that was made of marked parts. Nobody else
	// learns of which.
	TearLine string `json:"tear_line,omitempty"`
}

// Downgrades is what the node lets its own machine do about markings that go down.
type Downgrades struct {
	Propose func(ctx context.Context, p DowngradeProposal) (DowngradeProposed, error)
	Apply   func(ctx context.Context, c DowngradeConsent) (Downgraded, error)
	List    func(ctx context.Context) ([]Downgraded, error)
}

func (d *Downgrades) handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/downgrades", func(w http.ResponseWriter, r *http.Request) { answer[[]Downgraded](w)(d.List(r.Context())) })
	mux.HandleFunc("POST /v1/downgrades/propose", func(w http.ResponseWriter, r *http.Request) {
		asked[DowngradeProposal](w, r, func(p DowngradeProposal) { answer[DowngradeProposed](w)(d.Propose(r.Context(), p)) })
	})
	mux.HandleFunc("POST /v1/downgrades/apply", func(w http.ResponseWriter, r *http.Request) {
		asked[DowngradeConsent](w, r, func(c DowngradeConsent) { answer[Downgraded](w)(d.Apply(r.Context(), c)) })
	})
}

// ProposeDowngrade asks for the text of an act.
func (c *Client) ProposeDowngrade(ctx context.Context, p DowngradeProposal) (out DowngradeProposed, err error) {
	err = c.post(ctx, "/v1/downgrades/propose", p, &out)
	return out, err
}

// Downgrade hands over what two persons signed.
func (c *Client) Downgrade(ctx context.Context, d DowngradeConsent) (out Downgraded, err error) {
	err = c.post(ctx, "/v1/downgrades/apply", d, &out)
	return out, err
}

// Downgrades lists the acts in the log.
func (c *Client) Downgrades(ctx context.Context) (out []Downgraded, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/downgrades", nil, &out)
	return out, err
}
