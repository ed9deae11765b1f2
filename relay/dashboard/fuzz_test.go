package dashboard

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/journal"
)

// echo is an API that does nothing but hand back what it was asked.
func echo() *API {
	refused := federation.Refuse(federation.Malformed, "request", "refused")
	return &API{
		Publish: func(_ context.Context, _, name, profile string, data []byte) (Published, error) {
			if profile == "refused" {
				return Published{}, refused
			}
			return Published{Name: name, Items: []Item{{Text: string(data)}}}, nil
		},
		Status: func(context.Context) (Status, error) { return Status{Node: "de-cert"}, nil },
		Arrivals: func(_ context.Context, from uint64, emit func(Arrival) error) error {
			return emit(Arrival{Seq: from, Object: []byte("{}")})
		},
		List:    func(_ context.Context, kind string) ([]byte, error) { return []byte(kind), nil },
		Message: func(_ context.Context, seq uint64) ([]byte, error) { return nil, refused },
		Proofs:  func(context.Context) ([]Proof, error) { return []Proof{{Seq: 1}}, nil },
		Proof:   func(_ context.Context, seq uint64) ([]byte, error) { return nil, refused },
		Withdraw: func(_ context.Context, _ string, ids []string, reason string) ([]Withdrawal, error) {
			return []Withdrawal{{Reason: reason}}, nil
		},
		Withdrawals: func(_ context.Context, id string, _ uint64) ([]Withdrawal, error) { return []Withdrawal{{ID: id}}, nil },
		Head:        func(context.Context) (Head, error) { return Head{}, refused },
		Chain:       func(_ context.Context, _ uint64, w io.Writer) error { _, err := io.WriteString(w, "{}"); return err },
		Records:     func(_ context.Context, _ journal.Selection, w io.Writer) error { return nil },
		Why:         func(_ context.Context, object, to string, at time.Time) (Why, error) { return Why{To: to, At: at}, nil },
		WhoGot:      func(_ context.Context, object string) (GotBy, error) { return GotBy{Asked: object}, nil },
		Reload:      func(context.Context) error { return nil },
		Activate:    func(context.Context, bool) (Activated, error) { return Activated{}, nil },
		Observed:    func(_ context.Context, peer string) (Observed, error) { return Observed{Peer: peer}, nil },
		Simulate:    func(context.Context, []byte, time.Time) (Simulation, error) { return Simulation{}, nil },
		Healthy:     func() error { return nil },
		Metrics:     http.NotFoundHandler(),
		Quarantine: Quarantine{
			List: func(context.Context) ([]HeldGroup, error) { return []HeldGroup{{ID: "held-1"}}, nil },
			Show: func(_ context.Context, what string, values bool) ([]HeldObject, error) {
				return []HeldObject{{ID: what, Age: strconv.FormatBool(values)}}, nil
			},
			Propose: func(_ context.Context, p Proposal) (Proposed, error) { return Proposed{Text: p.Because}, nil },
			Apply: func(_ context.Context, approvals []string) (Decided, error) {
				if len(approvals) == 0 {
					return Decided{}, refused
				}
				return Decided{By: approvals}, nil
			},
			Rules: func(context.Context) ([]DecisionRule, error) { return nil, nil },
		},
		Downgrades: Downgrades{
			Propose: func(_ context.Context, p DowngradeProposal) (DowngradeProposed, error) {
				return DowngradeProposed{Text: p.Because}, nil
			},
			Apply: func(_ context.Context, c DowngradeConsent) (Downgraded, error) {
				if len(c.Approvals) == 0 {
					return Downgraded{}, refused
				}
				return Downgraded{By: c.Approvals}, nil
			},
			List: func(context.Context) ([]Downgraded, error) { return nil, nil },
		},
	}
}

// FuzzRequests sends any request that is HTTP at all: it is answered, with a
// status that says whose fault it was, and never by a panic.
func FuzzRequests(f *testing.F) {
	h := echo().Handler()
	answered := 0
	for _, s := range [][3]string{
		{"GET", "/v1/status", ""}, {"GET", "/v1/arrivals?from=18446744073709551615", ""}, {"GET", "/v1/arrivals?from=-1", ""},
		{"GET", "/v1/messages/7", ""}, {"GET", "/v1/messages/x", ""}, {"GET", "/v1/lists/..%2f..", ""}, {"POST", "/v1/reload", ""},
		{"POST", "/v1/publish?name=a&profile=refused", "{}"}, {"POST", "/v1/publish?name=%ff;&profile", "\xff"}, {"PUT", "/healthz", ""},
		{"POST", "/v1/audit/head", ""}, {"GET", "/v1/audit/chain?from=x", ""}, {"GET", "/v1/audit/records?peer=%00&from=2026", ""}, {"GET", "/v1/audit/why?at=2026-01-01T00:00:00Z", ""},
		{"GET", "/v1/quarantine", ""}, {"GET", "/v1/quarantine/show?what=held-1&values=yes", ""}, {"GET", "/v1/quarantine/rules", ""},
		{"POST", "/v1/quarantine/propose", `{"act":"release","what":"held-1","because":"x"}`}, {"POST", "/v1/quarantine/propose", `{"act":1}`},
		{"POST", "/v1/quarantine/apply", `["a.b.c"]`}, {"POST", "/v1/quarantine/apply", `[]`}, {"POST", "/v1/quarantine/apply", `[`},
		{"GET", "/v1/downgrades", ""}, {"POST", "/v1/downgrades/propose", `{"name":"a","file":"e30=","because":"x"}`},
		{"POST", "/v1/downgrades/apply", `{"objects":[{}],"approvals":["a.b.c"]}`}, {"POST", "/v1/downgrades/apply", `{"objects":[`},
	} {
		f.Add(s[0], s[1], []byte(s[2]))
		if code := send(h, s[0], s[1], []byte(s[2])); code == http.StatusOK {
			answered++
		}
	}
	if answered < 3 {
		f.Fatalf("%d of the seeds are answered, want 3: the corpus tries nothing", answered)
	}
	f.Fuzz(func(t *testing.T, method, target string, body []byte) {
		switch code := send(h, method, target, body); {
		case code == 0: // no HTTP
		case code < 200 || code > 499:
			t.Errorf("%s %q: status %d", method, target, code)
		}
	})
}

// send returns the status of the answer, 0 for what is no HTTP.
func send(h http.Handler, method, target string, body []byte) int {
	r, err := http.NewRequest(method, "http://localhost"+target, bytes.NewReader(body))
	if err != nil || !strings.HasPrefix(target, "/") {
		return 0
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	_, _ = io.Copy(io.Discard, w.Result().Body) // a recorder cannot fail
	return w.Code
}
