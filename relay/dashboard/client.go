package dashboard

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
)

// ErrNotRunning says that no node answers on the socket.
var ErrNotRunning = errors.New("no node is running here")

// Client talks to a running node over its Unix socket.
type Client struct {
	http   *http.Client
	socket string
}

// NewClient returns a client of the node whose socket is at path.
func NewClient(socket string) *Client {
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}}
}

// Publish hands data, named name, to the node under a source profile ("" for
// the configured default).
func (c *Client) Publish(ctx context.Context, name, profile string, data []byte) (Published, error) {
	return c.PublishFor(ctx, "", name, profile, data)
}

// PublishFor does the same on behalf of owner, "" for the node itself.
func (c *Client) PublishFor(ctx context.Context, owner, name, profile string, data []byte) (Published, error) {
	var out Published
	q := url.Values{"for": {owner}, "name": {name}, "profile": {profile}}
	err := c.call(ctx, http.MethodPost, "/v1/publish?"+q.Encode(), data, &out)
	return out, err
}

// Status asks for one screen about the node.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var out Status
	err := c.call(ctx, http.MethodGet, "/v1/status", nil, &out)
	return out, err
}

// Withdraw takes own objects back.
func (c *Client) Withdraw(ctx context.Context, ids []string, reason string) ([]Withdrawal, error) {
	return c.WithdrawFor(ctx, "", ids, reason)
}

// WithdrawFor takes objects of owner back, "" for the node's own.
func (c *Client) WithdrawFor(ctx context.Context, owner string, ids []string, reason string) ([]Withdrawal, error) {
	var out []Withdrawal
	q := url.Values{"for": {owner}, "id": ids, "reason": {reason}}
	err := c.call(ctx, http.MethodPost, "/v1/withdraw?"+q.Encode(), nil, &out)
	return out, err
}

// Withdrawals lists what was taken back: of one object ("" for all), or of the
// objects at a log sequence (0 for all).
func (c *Client) Withdrawals(ctx context.Context, id string, seq uint64) ([]Withdrawal, error) {
	var out []Withdrawal
	q := url.Values{}
	if id != "" {
		q.Set("id", id)
	}
	if seq != 0 {
		q.Set("seq", strconv.FormatUint(seq, 10))
	}
	err := c.call(ctx, http.MethodGet, "/v1/withdrawals?"+q.Encode(), nil, &out)
	return out, err
}

// Reoriginate gives on others' objects as the node's own.
func (c *Client) Reoriginate(ctx context.Context, ids []string) ([]Reoriginated, error) {
	var out []Reoriginated
	err := c.call(ctx, http.MethodPost, "/v1/reoriginate?"+url.Values{"id": ids}.Encode(), nil, &out)
	return out, err
}

// Opening asks for what opens the commitment of a re-originated object.
func (c *Client) Opening(ctx context.Context, id string) (envelope.Opening, error) {
	var out envelope.Opening
	err := c.call(ctx, http.MethodGet, "/v1/openings/"+url.PathEscape(id), nil, &out)
	return out, err
}

// Aggregate counts a period, from the day of first to that of last, and
// publishes the counts if asked to.
func (c *Client) Aggregate(ctx context.Context, first, last time.Time, tlp string, publish bool) (Aggregate, error) {
	var out Aggregate
	q := url.Values{"from": {first.Format(time.DateOnly)}, "to": {last.Format(time.DateOnly)}, "tlp": {tlp}, "publish": {strconv.FormatBool(publish)}}
	err := c.call(ctx, http.MethodPost, "/v1/aggregate?"+q.Encode(), nil, &out)
	return out, err
}

// Reload makes the node read its configuration, policies and agreements again.
func (c *Client) Reload(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/v1/reload", nil, nil)
}

// List fetches a plain block list.
func (c *Client) List(ctx context.Context, kind string) ([]byte, error) {
	return c.text(ctx, "/v1/lists/"+url.PathEscape(kind))
}

// Message fetches the signed message at a log sequence, with its hops, as the
// node stores it.
func (c *Client) Message(ctx context.Context, seq uint64) ([]byte, error) {
	return c.text(ctx, "/v1/messages/"+strconv.FormatUint(seq, 10))
}

// Proofs lists the equivocations that the node can prove.
func (c *Client) Proofs(ctx context.Context) ([]Proof, error) {
	var out []Proof
	err := c.call(ctx, http.MethodGet, "/v1/proofs", nil, &out)
	return out, err
}

// Proof fetches the text of the one at a log sequence.
func (c *Client) Proof(ctx context.Context, seq uint64) ([]byte, error) {
	return c.text(ctx, "/v1/proofs/"+strconv.FormatUint(seq, 10))
}

func (c *Client) text(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// Arrivals follows what the node took from log sequence from on, until ctx
// ends or emit returns an error.
func (c *Client) Arrivals(ctx context.Context, from uint64, emit func(Arrival) error) error {
	resp, err := c.do(ctx, http.MethodGet, "/v1/arrivals?from="+strconv.FormatUint(from, 10), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewReaderSize(resp.Body, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var x struct {
				Arrival
				problem
			}
			if err := json.Unmarshal(line, &x); err != nil {
				return fmt.Errorf("the node's answer cannot be read: %w", err)
			}
			if x.Error != "" {
				return x.err()
			}
			if err := emit(x.Arrival); err != nil {
				return err
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, into any) error {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// do sends one request; an answer outside 2xx becomes an error.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://node"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" || errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: nothing answers on %s: start it with `entente run`", ErrNotRunning, c.socket)
		}
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	var p problem
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(text, &p) != nil || p.Error == "" {
		p.Error = string(bytes.TrimSpace(text))
	}
	return nil, p.err()
}

// answered is an error that the node answered: its text as the node wrote it,
// and the reason for those who ask.
type answered struct {
	text    string
	refusal *federation.Refusal
}

// Error returns the node's words.
func (e *answered) Error() string { return e.text }

// Unwrap returns the refusal, so that federation.ReasonOf finds its reason.
func (e *answered) Unwrap() error { return e.refusal }

// err turns an error answer back into an error of the same reason.
func (p problem) err() error {
	if p.Reason != "" {
		return &answered{p.Error, &federation.Refusal{Reason: federation.Reason(p.Reason)}}
	}
	return errors.New(p.Error)
}
