package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
)

// watcher is what a peer can measure of a node: what it pulls, in order.
type watcher struct {
	t      *testing.T
	node   *Node
	codec  *link.Codec
	peer   string
	cursor []byte
}

// shape is all of one answer but what is random in it: salts, digests,
// signatures, message ids, and the order that follows from digests.
type shape struct {
	First    uint64
	Messages [][]int // lengths of the parts of each message, sorted
	Cursor   int
	Root     int
	More     bool
	Gap      bool
}

// newWatcher starts a node with one peer, which asks only when told.
func newWatcher(t *testing.T) *watcher {
	o := newOperator(t)
	if err := o.accept(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	n, err := New(o.cfg, Options{Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	codec, err := link.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return &watcher{t: t, node: n, codec: codec, peer: "pl-cert"}
}

func (p *watcher) publish(objects ...map[string]any) {
	raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": objects})
	if err != nil {
		p.t.Error(err)
	}
	if _, err := p.node.Publish(p.t.Context(), "sample", "", raw); err != nil {
		p.t.Error(err)
	}
}

// pull asks as the peer does.
func (p *watcher) pull(wait time.Duration) shape {
	p.t.Helper()
	req, err := link.EncodePull(link.Pull{Cursor: p.cursor, Wait: wait})
	if err != nil {
		p.t.Fatal(err)
	}
	f, err := p.codec.DecodeFrame(p.node.server.Serve(p.t.Context(), p.peer, req))
	if err != nil {
		p.t.Fatal(err)
	}
	s := shape{First: f.FirstSeq, Cursor: len(f.Next), Root: len(f.Root), More: f.More, Gap: f.Gap != nil}
	for _, m := range f.Messages {
		var parts []int
		for _, part := range bytes.FieldsFunc(m, func(r rune) bool { return r == '~' || r == '\n' || r == '.' }) {
			parts = append(parts, len(part))
		}
		slices.Sort(parts)
		s.Messages = append(s.Messages, parts)
	}
	if len(f.Next) > 0 {
		if bytes.Equal(f.Next, p.cursor) {
			p.t.Error("a cursor comes again: it tells that nothing was logged")
		}
		p.cursor = f.Next
	}
	return s
}

// all pulls until nothing comes.
func (p *watcher) all() (out []shape) {
	for {
		s := p.pull(0)
		if out = append(out, s); len(s.Messages) == 0 {
			return out
		}
	}
}

func sampleObject(n int, marking string, more map[string]any) map[string]any {
	o := map[string]any{"type": "indicator", "spec_version": "2.1", "id": fmt.Sprintf("indicator--%08x-2222-4222-8222-%012x", n, n), "created": "2026-01-05T00:00:00.000Z",
		"modified": "2026-01-05T00:00:00.000Z", "name": "sample", "pattern": fmt.Sprintf("[domain-name:value = 'h%06d.example']", n), "pattern_type": "stix", "valid_from": "2026-01-05T00:00:00Z"}
	if marking != "" {
		o["object_marking_refs"] = []string{marking}
	}
	for k, v := range more {
		o[k] = v
	}
	return o
}

const (
	markClear  = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	markStrict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
	markRed    = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
)

// keptBack are objects that do not go to the peer, for as many reasons as there are
// at the way in and in the restricted lane, each mentioning what goes.
func keptBack(n int) []map[string]any {
	seen := map[string]any{"description": "compare indicator--00000001-2222-4222-8222-000000000001"}
	handled := func(h map[string]any) map[string]any {
		h["extension_type"] = "property-extension"
		return map[string]any{"extensions": map[string]any{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917": h}}
	}
	return []map[string]any{
		sampleObject(n, markRed, seen),
		sampleObject(n+1, markStrict, seen),
		sampleObject(n+2, "", seen),
		sampleObject(n+3, "marking-definition--0f0f0f0f-0000-4000-8000-000000000001", seen),
		sampleObject(n+4, markClear, handled(map[string]any{"releasable_to": []string{"FR"}})),
		sampleObject(n+5, markClear, handled(map[string]any{"scheme": "de-vs", "classification": "GEHEIM", "origin": "DE"})),
		sampleObject(n+6, markClear, map[string]any{"created": "2036-01-05T00:00:00.000Z", "modified": "2036-01-05T00:00:00.000Z"}),
	}
}

// watch publishes and pulls by turns, with or without what does not go, and
// returns all that the peer can measure.
func watch(t *testing.T, kept bool) []shape {
	p := newWatcher(t)
	publish := p.publish
	var out []shape
	number := 1
	for range 3 {
		if kept {
			publish(keptBack(10_000 + 100*number)...) // a file of its own
		}
		var objects []map[string]any
		for i := range 150 { // more than two messages
			if kept && i%20 == 10 {
				objects = append(objects, keptBack(20_000+100*number)...)
			}
			more := map[string]any{}
			if number > 1 && number%7 == 0 {
				more["description"] = fmt.Sprintf("compare indicator--%08x-2222-4222-8222-%012x", number-1, number-1)
			}
			objects = append(objects, sampleObject(number, markClear, more))
			number++
		}
		publish(objects...)
		out = append(out, p.all()...)
	}
	// A pull that waits, while something is logged that does not go.
	const wait = 400 * time.Millisecond
	begun := time.Now()
	if kept {
		after := time.AfterFunc(wait/4, func() { publish(keptBack(30_000)...) })
		defer after.Stop()
	}
	out = append(out, p.pull(wait))
	if took := time.Since(begun); took < wait {
		t.Errorf("kept %t: a pull for which there is nothing was answered after %v of %v", kept, took, wait)
	}
	return append(out, p.all()...)
}

// TestNonInterference publishes the same objects with and without others that
// the peer does not get, and compares everything that it can measure: how many
// answers and messages, their numbers and sizes, the cursors, whether a pull
// waits.
func TestNonInterference(t *testing.T) {
	without, with := watch(t, false), watch(t, true)
	if len(without) < 6 || len(without[0].Messages) < 3 {
		t.Fatalf("only %d answers: the test shows little", len(without))
	}
	if len(with) != len(without) {
		t.Fatalf("%d answers, and %d where nothing is kept back", len(with), len(without))
	}
	for i := range with {
		if !reflect.DeepEqual(with[i], without[i]) {
			t.Errorf("answer %d: %+v, and where nothing is kept back %+v", i, with[i], without[i])
		}
	}
}

// TestFaultsTellNothing lets a frame fail for a refusal that is about objects
// which the peer does not get: of it the peer reads that it failed.
func TestFaultsTellNothing(t *testing.T) {
	p := newWatcher(t)
	p.publish(sampleObject(1, markRed, nil), sampleObject(2, markRed, nil))
	e := p.node.recent.get(1)
	if e == nil || len(e.subjects) != 2 {
		t.Fatal("the log does not begin with the message")
	}
	e.subjects, e.items = e.subjects[:1], e.items[:1]
	req, err := link.EncodePull(link.Pull{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.codec.DecodeFrame(p.node.server.Serve(t.Context(), "pl-cert", req))
	fault, ok := errors.AsType[*link.Fault](err)
	if !ok || fault.Detail != "the request could not be answered now" || fault.Reason != federation.PolicyError {
		t.Errorf("the peer is told %v", err)
	}
}
