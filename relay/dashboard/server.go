package dashboard

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/journal"
)

// MaxUpload bounds one published file in bytes; a larger one is refused
// before it is read to the end.
const MaxUpload = 64 << 20

// maxAsked bounds a value that is looked for, in bytes.
const maxAsked = 64 << 10

// API is what a node lets its own machine ask of it.
type API struct {
	// Publish takes a file on behalf of owner, "" for the node itself; so does
	// Withdraw.
	Publish  func(ctx context.Context, owner, name, profile string, data []byte) (Published, error)
	Status   func(ctx context.Context) (Status, error)
	Arrivals func(ctx context.Context, from uint64, emit func(Arrival) error) error
	List     func(ctx context.Context, kind string) ([]byte, error)
	Message  func(ctx context.Context, seq uint64) ([]byte, error)
	Proofs   func(ctx context.Context) ([]Proof, error)
	Proof    func(ctx context.Context, seq uint64) ([]byte, error)
	// Withdraw takes own objects back; Withdrawals lists what was: of one id, of
	// the objects of one log sequence, or of all.
	Withdraw    func(ctx context.Context, owner string, ids []string, reason string) ([]Withdrawal, error)
	Withdrawals func(ctx context.Context, id string, seq uint64) ([]Withdrawal, error)
	// Reoriginate gives on others' objects as the node's own; Opening opens the
	// commitment of one.
	Reoriginate func(ctx context.Context, ids []string) ([]Reoriginated, error)
	Opening     func(ctx context.Context, id string) (envelope.Opening, error)
	// Aggregate counts a closed period, and issues the counts with publish.
	Aggregate  func(ctx context.Context, first, last time.Time, tlp string, publish bool) (Aggregate, error)
	Quarantine Quarantine
	Downgrades Downgrades
	// Head signs the end of the journal; Chain writes the journal as it is chained,
	// one record a line, Records the part of it that an export is made of.
	Head    func(ctx context.Context) (Head, error)
	Chain   func(ctx context.Context, from uint64, w io.Writer) error
	Records func(ctx context.Context, part journal.Selection, w io.Writer) error
	// Why explains what was decided on an object for a recipient up to a moment;
	// WhoGot lists who got it.
	Why    func(ctx context.Context, object, to string, at time.Time) (Why, error)
	WhoGot func(ctx context.Context, object string) (GotBy, error)
	// Find says where a value or an object lies.
	Find   func(ctx context.Context, ask Ask) (Found, error)
	Reload func(ctx context.Context) error
	// Activate is Reload; alone says that one person decides for others too.
	Activate func(ctx context.Context, alone bool) (Activated, error)
	// Observed tells what a peer that is observed would have got.
	Observed func(ctx context.Context, peer string) (Observed, error)
	// Simulate replays the log since a moment against packed rules.
	Simulate func(ctx context.Context, packed []byte, since time.Time) (Simulation, error)
	Healthy  func() error
	Metrics  http.Handler

	uploads uploads
}

// Handler serves the whole API, for the Unix socket.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	a.probes(mux)
	mux.HandleFunc("POST /v1/publish", a.publish)
	mux.HandleFunc("GET /v1/status", a.status)
	mux.HandleFunc("GET /v1/arrivals", a.arrivals)
	mux.HandleFunc("GET /v1/lists/{kind}", a.list)
	mux.HandleFunc("GET /v1/messages/{seq}", a.text(a.Message))
	mux.HandleFunc("GET /v1/proofs/{seq}", a.text(a.Proof))
	mux.HandleFunc("GET /v1/proofs", func(w http.ResponseWriter, r *http.Request) {
		answer[[]Proof](w)(a.Proofs(r.Context()))
	})
	mux.HandleFunc("POST /v1/withdraw", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		answer[[]Withdrawal](w)(a.Withdraw(r.Context(), q.Get("for"), q["id"], q.Get("reason")))
	})
	mux.HandleFunc("GET /v1/withdrawals", a.withdrawals)
	a.Quarantine.handle(mux)
	a.Downgrades.handle(mux)
	mux.HandleFunc("POST /v1/reoriginate", func(w http.ResponseWriter, r *http.Request) {
		answer[[]Reoriginated](w)(a.Reoriginate(r.Context(), r.URL.Query()["id"]))
	})
	mux.HandleFunc("GET /v1/openings/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer[envelope.Opening](w)(a.Opening(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("POST /v1/aggregate", a.aggregate)
	mux.HandleFunc("POST /v1/activate", func(w http.ResponseWriter, r *http.Request) {
		answer[Activated](w)(a.Activate(r.Context(), r.URL.Query().Get("alone") == "true"))
	})
	mux.HandleFunc("GET /v1/observed/{peer}", func(w http.ResponseWriter, r *http.Request) {
		answer[Observed](w)(a.Observed(r.Context(), r.PathValue("peer")))
	})
	mux.HandleFunc("POST /v1/simulate", a.simulate)
	mux.HandleFunc("POST /v1/audit/find", func(w http.ResponseWriter, r *http.Request) {
		value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAsked))
		if err != nil {
			fail(w, err)
			return
		}
		q := r.URL.Query()
		answer[Found](w)(a.Find(r.Context(), Ask{Value: string(value), ID: q.Get("id"), Digest: q.Get("digest")}))
	})
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Reload(r.Context()); err != nil {
			fail(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	a.audit(mux)
	a.past(mux)
	return mux
}

// Probes serves /healthz and /metrics alone, for a loopback address.
func (a *API) Probes() http.Handler {
	mux := http.NewServeMux()
	a.probes(mux)
	return mux
}

func (a *API) probes(mux *http.ServeMux) {
	mux.Handle("GET /metrics", a.Metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := a.Healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // the caller left: nothing to mend
	})
}

func (a *API) publish(w http.ResponseWriter, r *http.Request) {
	done, err := a.uploads.take(r.Context(), r.ContentLength)
	if err != nil {
		fail(w, err)
		return
	}
	defer done()
	data, err := readUpload(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	q := r.URL.Query()
	res, err := a.Publish(r.Context(), q.Get("for"), q.Get("name"), q.Get("profile"), data)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, res)
}

func (a *API) aggregate(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var days [2]time.Time
	for i, name := range [...]string{"from", "to"} {
		var err error
		if days[i], err = time.Parse(time.DateOnly, q.Get(name)); err != nil {
			http.Error(w, name+": want a day, such as 2026-12-31", http.StatusBadRequest)
			return
		}
	}
	answer[Aggregate](w)(a.Aggregate(r.Context(), days[0], days[1], q.Get("tlp"), q.Get("publish") == "true"))
}

func (a *API) status(w http.ResponseWriter, r *http.Request) {
	st, err := a.Status(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, st)
}

func (a *API) arrivals(w http.ResponseWriter, r *http.Request) {
	from := uint64(0)
	if s := r.URL.Query().Get("from"); s != "" {
		var err error
		if from, err = strconv.ParseUint(s, 10, 64); err != nil {
			http.Error(w, "from: want a log sequence number", http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err := a.Arrivals(r.Context(), from, func(x Arrival) error {
		if err := enc.Encode(x); err != nil {
			return err
		}
		return flush.Flush()
	})
	if err != nil && r.Context().Err() == nil {
		// The status line is out: the last line carries the error.
		_ = enc.Encode(problemOf(err))
	}
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	text, err := a.List(r.Context(), r.PathValue("kind"))
	if err != nil {
		// Never an empty list in place of an error: a firewall would take it
		// for "block nothing".
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(text) // the caller left: nothing to mend
}

// text answers with what stands at a log sequence.
func (a *API) text(of func(ctx context.Context, seq uint64) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
		if err != nil {
			http.Error(w, "want a log sequence number", http.StatusBadRequest)
			return
		}
		text, err := of(r.Context(), seq)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(text) // the caller left: nothing to mend
	}
}

func (a *API) withdrawals(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	seq := uint64(0)
	if s := q.Get("seq"); s != "" {
		var err error
		if seq, err = strconv.ParseUint(s, 10, 64); err != nil {
			http.Error(w, "seq: want a log sequence number", http.StatusBadRequest)
			return
		}
	}
	answer[[]Withdrawal](w)(a.Withdrawals(r.Context(), q.Get("id"), seq))
}

// answer writes a result or the error in its place.
func answer[T any](w http.ResponseWriter) func(T, error) {
	return func(v T, err error) {
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, v)
	}
}

// problem is the JSON of an error: its whole text and, of a refusal, the
// reason.
type problem struct {
	Error  string `json:"error"`
	Reason string `json:"reason,omitempty"`
}

func problemOf(err error) problem {
	return problem{Error: err.Error(), Reason: string(federation.ReasonOf(err))}
}

func fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	p := problemOf(err)
	if p.Reason != "" {
		code = http.StatusUnprocessableEntity
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(p) // the caller left: nothing to mend
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the caller left: nothing to mend
}
