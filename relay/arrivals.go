package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/entente-relay/entente/relay/dashboard"
)

// Arrivals gives every object this node took, from log sequence from on, and
// then follows the log until ctx ends or emit returns an error.
func (n *Node) Arrivals(ctx context.Context, from uint64, emit func(dashboard.Arrival) error) error {
	pos := max(from, 1)
	for {
		grown := n.news.next() // what it tells of is in memory, and the index knows of it
		log := logReader{node: n, world: n.world.Load()}
		for pos <= n.known() {
			p, err := log.at(ctx, pos)
			if err != nil {
				return err
			}
			if p == nil {
				break
			}
			if err := n.emit(ctx, log.world, p, emit); err != nil {
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
func (n *Node) emit(ctx context.Context, w *World, p *prepared, emit func(dashboard.Arrival) error) error {
	if p.kind == entryGone {
		return n.emitGone(ctx, p, emit)
	}
	if p.kind != entryMessage {
		return nil
	}
	withdrawn := n.withdrawn(p)
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
		if why, err := n.over(w, p, i, n.now()); err != nil {
			return err
		} else if why != "" {
			continue
		}
		if withdrawn[i] {
			gone, err := n.tombstone(p, i)
			if err != nil {
				return err
			}
			gone.Source, gone.Path = source, path
			if err := emit(gone); err != nil {
				return err
			}
			continue
		}
		d := w.Bundle.DecideStore(p.subjects[i], &w.Node, n.now())
		words, err := w.annotate(it.Object)
		if err != nil {
			return err
		}
		a := dashboard.Arrival{Seq: p.seq, At: p.at, Source: source, Issuer: p.items[i].Issuer, By: p.delegate(), Path: path, ID: it.Object.ID(),
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

// tombstone stands for an object that was taken back since it came.
func (n *Node) tombstone(p *prepared, i int) (dashboard.Arrival, error) {
	s := p.subjects[i]
	a := dashboard.Arrival{Seq: p.seq, At: p.at, Issuer: p.items[i].Issuer, By: p.delegate(), ID: s.Object().ID(), Type: s.Object().Type()}
	w, ok, err := n.index.Withdrawal(a.Issuer, s.Digest())
	if err == nil && ok {
		a.Withdrawn = &dashboard.Withdrawn{By: w.By, At: w.At, Reason: w.Reason}
	}
	return a, err
}

// delegate is who signed the message on its owner's behalf, "" for the owner.
func (p *prepared) delegate() string {
	if p.verified.Issuer() == p.verified.Owner() {
		return ""
	}
	return p.verified.Issuer()
}

// emitGone tells what an entry takes back of what is here.
func (n *Node) emitGone(ctx context.Context, p *prepared, emit func(dashboard.Arrival) error) error {
	if err := n.awaitIndex(ctx, p.seq, 0); err != nil {
		return err
	}
	path := []string{p.verified.Issuer()}
	for _, h := range p.verified.Hops() {
		path = append(path, h.Aud)
	}
	for _, g := range p.gone {
		id, _, ok, err := n.index.Named(ctx, g.Issuer, g.Digest)
		if err != nil {
			return err
		}
		if !ok || id == "" { // unknown, or erased meanwhile
			continue
		}
		kind, _, _ := strings.Cut(id, "--")
		a := dashboard.Arrival{Seq: p.seq, At: p.at, Source: cmp.Or(p.from, "self"), Issuer: g.Issuer, Path: path, ID: id, Type: kind,
			Withdrawn: &dashboard.Withdrawn{By: cmp.Or(g.By, g.Issuer), At: p.at, Reason: g.For}}
		if err := emit(a); err != nil {
			return err
		}
	}
	return nil
}
