package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Waiting sums up what waits: in groups of one cause, source and recipient. Of
// those, Warnings and Alarms have waited for long.
type Waiting struct {
	Objects  uint64    `json:"objects"`
	Groups   uint64    `json:"groups"`
	Oldest   time.Time `json:"oldest,omitzero"`
	Warnings uint64    `json:"warnings"`
	Alarms   uint64    `json:"alarms"`
}

// HeldGroup is what waits for one cause, from one source, for one recipient.
type HeldGroup struct {
	ID     string    `json:"id"`
	Peer   string    `json:"peer,omitempty"`   // for whom; none for the way in
	Source string    `json:"source,omitempty"` // whose objects, or who sent them
	Reason string    `json:"reason"`
	Rule   string    `json:"rule,omitempty"`
	Count  uint64    `json:"count"`
	Oldest time.Time `json:"oldest"`
	Age    string    `json:"age"` // fresh, warn, alarm
	Sample string    `json:"sample,omitempty"`
	Types  []string  `json:"types,omitempty"`
	// Persons says how many have to decide on the group, 0 if persons cannot;
	// Needs says what it takes.
	Persons int    `json:"persons"`
	Needs   string `json:"needs"`
}

// HeldObject is one object that waits, as it would be decided now.
type HeldObject struct {
	Group   string    `json:"group"`
	ID      string    `json:"id,omitempty"`
	Digest  string    `json:"digest"`
	Peer    string    `json:"peer,omitempty"`
	Source  string    `json:"source,omitempty"`
	Seq     uint64    `json:"seq"`
	Since   time.Time `json:"since"`
	Age     string    `json:"age"`
	Marking Marking   `json:"marking"`
	Verdict string    `json:"verdict"`
	Why     []HeldWhy `json:"why"`
	// Needs says what it takes, of everything that keeps it.
	Needs []string `json:"needs"`
	// Object is there only where it was asked for.
	Object json.RawMessage `json:"object,omitempty"`
}

// HeldWhy is one rule that keeps an object.
type HeldWhy struct {
	Reason string `json:"reason"`
	Rule   string `json:"rule"`
	Basis  string `json:"basis"`
	Text   string `json:"text"`
}

// DecisionRule is what persons decided, while it counts or after.
type DecisionRule struct {
	ID      string    `json:"id"`
	Act     string    `json:"act"`
	Peer    string    `json:"peer"`
	Source  string    `json:"source"`
	Rule    string    `json:"rule"`
	Types   []string  `json:"types,omitempty"`
	Objects int       `json:"objects,omitempty"`
	By      []string  `json:"by"`
	Because string    `json:"because"`
	Taken   time.Time `json:"taken"`
	Until   time.Time `json:"until"`
	// State is "in force", "over", "ended", or why it does not count.
	State string `json:"state"`
}

// Proposal asks for the text of a decision that persons can sign.
type Proposal struct {
	Act     string    `json:"act"`  // release, reject, end
	What    string    `json:"what"` // a group, an object, or the decision to end
	Peer    string    `json:"peer,omitempty"`
	Until   time.Time `json:"until,omitzero"` // makes it a rule
	Because string    `json:"because"`
}

// Proposed is such a text, and how many persons it takes.
type Proposed struct {
	Text    string `json:"text"`
	Persons int    `json:"persons"`
	Objects int    `json:"objects"` // that wait now, and it is about
}

// Decided says what came of a decision.
type Decided struct {
	ID  string   `json:"id"`
	By  []string `json:"by"`
	Act string   `json:"act"`
	// Before says that the node had it already.
	Before   bool           `json:"before,omitempty"`
	Released int            `json:"released"`
	Rejected int            `json:"rejected"`
	Stay     []DecidedStays `json:"stay,omitempty"`
}

// DecidedStays is an object that the decision was about and that stays.
type DecidedStays struct {
	ID     string `json:"id"`
	Peer   string `json:"peer"`
	Reason string `json:"reason"`
	Rule   string `json:"rule"`
	Text   string `json:"text"`
}

// Quarantine is what the node lets its own machine ask about what waits.
type Quarantine struct {
	List    func(ctx context.Context) ([]HeldGroup, error)
	Show    func(ctx context.Context, what string, values bool) ([]HeldObject, error)
	Propose func(ctx context.Context, p Proposal) (Proposed, error)
	Apply   func(ctx context.Context, approvals []string) (Decided, error)
	Rules   func(ctx context.Context) ([]DecisionRule, error)
}

func (q *Quarantine) handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/quarantine", func(w http.ResponseWriter, r *http.Request) { answer[[]HeldGroup](w)(q.List(r.Context())) })
	mux.HandleFunc("GET /v1/quarantine/rules", func(w http.ResponseWriter, r *http.Request) { answer[[]DecisionRule](w)(q.Rules(r.Context())) })
	mux.HandleFunc("GET /v1/quarantine/show", func(w http.ResponseWriter, r *http.Request) {
		v := r.URL.Query()
		answer[[]HeldObject](w)(q.Show(r.Context(), v.Get("what"), v.Get("values") == "yes"))
	})
	mux.HandleFunc("POST /v1/quarantine/propose", func(w http.ResponseWriter, r *http.Request) {
		asked[Proposal](w, r, func(p Proposal) { answer[Proposed](w)(q.Propose(r.Context(), p)) })
	})
	mux.HandleFunc("POST /v1/quarantine/apply", func(w http.ResponseWriter, r *http.Request) {
		asked[[]string](w, r, func(a []string) { answer[Decided](w)(q.Apply(r.Context(), a)) })
	})
}

// asked reads what a command sent.
func asked[T any](w http.ResponseWriter, r *http.Request, then func(T)) {
	var v T
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		http.Error(w, "the question cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	then(v)
}

// Quarantine lists what waits.
func (c *Client) Quarantine(ctx context.Context) (out []HeldGroup, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/quarantine", nil, &out)
	return out, err
}

// HeldObjects shows the objects of a group, or those with an id.
func (c *Client) HeldObjects(ctx context.Context, what string, values bool) (out []HeldObject, err error) {
	q := url.Values{"what": {what}}
	if values {
		q.Set("values", "yes")
	}
	err = c.call(ctx, http.MethodGet, "/v1/quarantine/show?"+q.Encode(), nil, &out)
	return out, err
}

// DecisionRules lists what persons decided.
func (c *Client) DecisionRules(ctx context.Context) (out []DecisionRule, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/quarantine/rules", nil, &out)
	return out, err
}

// Propose asks for the text of a decision.
func (c *Client) Propose(ctx context.Context, p Proposal) (out Proposed, err error) {
	err = c.post(ctx, "/v1/quarantine/propose", p, &out)
	return out, err
}

// Apply hands signed decisions to the node.
func (c *Client) Apply(ctx context.Context, approvals []string) (out Decided, err error) {
	err = c.post(ctx, "/v1/quarantine/apply", approvals, &out)
	return out, err
}

func (c *Client) post(ctx context.Context, path string, question, into any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, body, into)
}
