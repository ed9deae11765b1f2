package dashboard

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/entente-relay/entente/relay/journal"
)

// Head is the end of a node's journal as the node signed it.
type Head struct {
	Node   string    `json:"node"`
	Seq    uint64    `json:"seq"`
	Hash   string    `json:"hash"` // SHA-256 of the record, base64url
	At     time.Time `json:"at"`
	Signed string    `json:"signed"` // compact JWS
}

// audit serves what is asked of the journal.
func (a *API) audit(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/audit/head", func(w http.ResponseWriter, r *http.Request) {
		answer[Head](w)(a.Head(r.Context()))
	})
	mux.HandleFunc("GET /v1/audit/chain", a.chain)
	mux.HandleFunc("GET /v1/audit/records", a.records)
}

// records answers with the part of the journal that an export is made of.
func (a *API) records(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	part := journal.Selection{Peer: q.Get("peer")}
	for name, into := range map[string]*time.Time{"from": &part.From, "to": &part.To} {
		if s := q.Get(name); s != "" {
			var err error
			if *into, err = time.Parse(time.RFC3339Nano, s); err != nil {
				http.Error(w, name+": want a time as in RFC 3339", http.StatusBadRequest)
				return
			}
		}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	if err := a.Records(r.Context(), part, w); err != nil {
		panic(http.ErrAbortHandler) // as in chain
	}
}

func (a *API) chain(w http.ResponseWriter, r *http.Request) {
	from := uint64(1)
	if s := r.URL.Query().Get("from"); s != "" {
		var err error
		if from, err = strconv.ParseUint(s, 10, 64); err != nil {
			http.Error(w, "from: want a number of a journal record", http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	if err := a.Chain(r.Context(), from, w); err != nil {
		// Half a copy must not pass for a whole one: the connection breaks.
		panic(http.ErrAbortHandler)
	}
}

// Head makes the node sign the end of its journal.
func (c *Client) Head(ctx context.Context) (Head, error) {
	var out Head
	err := c.call(ctx, http.MethodPost, "/v1/audit/head", nil, &out)
	return out, err
}

// Chain opens a copy of the journal from a record on. The caller closes it. A
// copy that the node could not finish ends with an error.
func (c *Client) Chain(ctx context.Context, from uint64) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/audit/chain?from="+strconv.FormatUint(from, 10), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Records opens a copy of those journal records that a selection may hold; its
// basis is not looked at. The caller closes it.
func (c *Client) Records(ctx context.Context, part journal.Selection) (io.ReadCloser, error) {
	q := url.Values{"peer": {part.Peer}}
	for name, t := range map[string]time.Time{"from": part.From, "to": part.To} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	resp, err := c.do(ctx, http.MethodGet, "/v1/audit/records?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}
