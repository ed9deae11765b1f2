package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	fed "github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// Story is everything the demonstration tells; `--json` prints it.
type Story struct {
	Nodes     []Node                `json:"nodes"`
	Published []dashboard.Published `json:"published"`
	Borders   []Border              `json:"borders"`
	Reader    []dashboard.Arrival   `json:"reader"` // as the last node's analysts read it
	Lists     []BlockList           `json:"lists"`  // what the last node gives its devices
	WhatIf    []WhatIf              `json:"what_if"`
	Counts    []dashboard.Status    `json:"counts"`
	Seconds   float64               `json:"seconds"`
	Kept      string                `json:"kept,omitempty"`
}

// Node is one region of the federation.
type Node struct {
	ID      string   `json:"id"`
	Country string   `json:"country"`
	Leaf    string   `json:"leaf"`
	Accepts []string `json:"accepts,omitempty"` // unverified rows accepted by name
}

// BlockList is one plain list.
type BlockList struct {
	Kind   string   `json:"kind"`
	Header []string `json:"header"`
	Values []string `json:"values"`
}

// Border is what one node decided for one peer.
type Border struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	Objects []Crossed `json:"objects"`
}

// Crossed is the decision on one object at one border.
type Crossed struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Verdict fed.Verdict   `json:"verdict"`
	Marking relay.Marking `json:"marking"`
	Reasons []Reason      `json:"reasons,omitempty"`
	Removed []Removed     `json:"removed,omitempty"`
}

// Reason is why, by which rule, citing what.
type Reason struct {
	Reason fed.Reason `json:"reason"`
	Rule   string     `json:"rule"`
	Basis  string     `json:"basis"`
}

// Removed is a property that stayed behind.
type Removed struct {
	Path string `json:"path"`
	Reason
}

// WhatIf sets two recipients beside each other for one object.
type WhatIf struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Answers []relay.Explained `json:"answers"`
}

// settle waits until everything published has been judged and acknowledged at
// both borders.
func (f *federation) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		de, err := quiet(ctx, f.de.node, f.pl.id)
		if err != nil {
			return err
		}
		pl, err := quiet(ctx, f.pl.node, f.jp.id)
		if err != nil {
			return err
		}
		jp, err := indexed(ctx, f.jp.node)
		if err != nil {
			return err
		}
		if de && pl && jp {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the federation did not settle: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// quiet reports whether a node has nothing left to send to a peer.
func quiet(ctx context.Context, n *relay.Node, peer string) (bool, error) {
	st, err := n.Status(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range st.Peers {
		if p.ID == peer {
			return st.Indexed == st.LogLast && p.Backlog == 0 && p.Out.InFlight == 0, nil
		}
	}
	return false, fmt.Errorf("%s does not know %s", n.ID(), peer)
}

// indexed reports whether a node's index has caught up with its log.
func indexed(ctx context.Context, n *relay.Node) (bool, error) {
	st, err := n.Status(ctx)
	return err == nil && st.Indexed == st.LogLast, err
}

// border reads back from a node's journal what it decided for a peer.
func border(ctx context.Context, n *relay.Node, peer string, names map[string]string) (Border, error) {
	b := Border{From: n.ID(), To: peer}
	basis := map[string]string{}
	for _, r := range n.World().Bundle.Rules() {
		basis[r.ID] = r.Basis
	}
	for r, err := range n.Records(ctx, 1) {
		if err != nil {
			return b, err
		}
		if r.Sent == nil || string(r.Sent.Peer) != peer {
			continue
		}
		for _, m := range r.Sent.Messages {
			for _, o := range m.Objects {
				b.Objects = append(b.Objects, crossed(o, names, basis))
			}
		}
	}
	slices.SortStableFunc(b.Objects, func(x, y Crossed) int { return strings.Compare(order(x), order(y)) })
	return b, nil
}

// order groups objects for the reader: whole ones, reduced ones, then what
// stayed, by reason.
func order(c Crossed) string {
	key := map[fed.Verdict]string{fed.Share: "0", fed.Redact: "1", fed.Withhold: "2", fed.Hold: "3"}[c.Verdict]
	if len(c.Reasons) > 0 && c.Verdict != fed.Share {
		key += string(c.Reasons[0].Reason)
	}
	return key
}

func crossed(o journal.SentObject, names, basis map[string]string) Crossed {
	c := Crossed{ID: string(o.ID), Name: names[string(o.ID)], Verdict: o.Verdict, Marking: relay.Marking{From: string(o.From), To: string(o.To)}}
	if c.Name == "" {
		c.Name = c.ID
	}
	for _, r := range o.Cited {
		c.Reasons = append(c.Reasons, Reason{r.Reason, string(r.Rule), string(r.Basis)})
	}
	for _, r := range o.Removed {
		c.Removed = append(c.Removed, Removed{string(r.Path), Reason{Reason: r.Reason, Rule: string(r.Rule), Basis: basis[string(r.Rule)]}})
	}
	return c
}

// errEnough ends the reading of arrivals once all of them are read.
var errEnough = errors.New("enough")

// reader collects what a node took, as its analysts read it.
func reader(ctx context.Context, n *relay.Node) ([]dashboard.Arrival, error) {
	st, err := n.Status(ctx)
	if err != nil {
		return nil, err
	}
	if st.Objects.Taken == 0 {
		return nil, nil
	}
	var out []dashboard.Arrival
	err = n.Arrivals(ctx, 1, func(a dashboard.Arrival) error {
		if out = append(out, a); uint64(len(out)) >= st.Objects.Taken {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return out, nil
}
