package relay

import (
	"context"
	"encoding/json"

	"github.com/entente-relay/entente/relay/dashboard"
)

// Arrivals gives every object this node took, from log sequence from on, and
// then follows the log until ctx ends or emit returns an error.
func (n *Node) Arrivals(ctx context.Context, from uint64, emit func(dashboard.Arrival) error) error {
	pos := max(from, 1)
	for {
		grown := n.log.Notify()
		log := logReader{node: n, world: n.world.Load()}
		for {
			p, err := log.at(ctx, pos)
			if err != nil {
				return err
			}
			if p == nil {
				break
			}
			if err := n.emit(log.world, p, emit); err != nil {
				return err
			}
			pos = p.seq + 1
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// emit shows the objects of one entry that this node took.
func (n *Node) emit(w *World, p *prepared, emit func(dashboard.Arrival) error) error {
	if p.kind != entryMessage {
		return nil
	}
	path := []string{p.verified.Issuer()}
	for _, h := range p.verified.Hops() {
		path = append(path, h.Aud)
	}
	source := p.from
	if source == "" {
		source = "self"
	}
	defs := definitions(p.verified.Items())
	for i, it := range p.verified.Items() {
		if p.items[i].Outcome != taken {
			continue
		}
		d := w.Bundle.DecideStore(p.subjects[i], &w.Node, n.now())
		words, err := w.annotate(it.Object)
		if err != nil {
			return err
		}
		a := dashboard.Arrival{Seq: p.seq, At: p.at, Source: source, Issuer: p.verified.Issuer(), Path: path, ID: it.Object.ID(),
			Type: it.Object.Type(), Marking: dashboard.Marking{From: d.From(), To: d.To()}, Object: json.RawMessage(it.Object.Raw()), Annotations: words,
			Opened: n.opened(w, p.verified.Issuer(), it.Object, defs)}
		for _, m := range p.verified.Missing() {
			if m.Object == it.Object.ID() {
				a.Removed++
			}
		}
		if err := emit(a); err != nil {
			return err
		}
	}
	return nil
}
