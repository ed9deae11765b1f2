package relay

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/dashboard"
)

// search is one look through everything that lies here.
type search struct {
	node  *Node
	ask   dashboard.Ask
	value spelling
	found dashboard.Found
}

// Find says where a value lies on this node, or an object that is named by its
// id or its digest. It reads the whole log: index, lists, feeds and frames hold
// nothing that is not there.
func (n *Node) Find(ctx context.Context, ask dashboard.Ask) (dashboard.Found, error) {
	given := 0
	for _, x := range []string{ask.Value, ask.ID, ask.Digest} {
		if strings.TrimSpace(x) != "" {
			given++
		}
	}
	if given != 1 {
		return dashboard.Found{}, federation.Refuse(federation.Malformed, "find", "name one of a value, an object or a digest")
	}
	s := &search{node: n, ask: ask, value: newSpelling(ask.Value)}
	s.found = dashboard.Found{Log: n.log.Incarnation(), Places: []dashboard.Place{}}
	for from := uint64(1); ; {
		got, err := n.log.Read(ctx, from, readEntries, readBytes)
		if err != nil {
			return s.found, err
		}
		for _, st := range got {
			e, err := decodeEntry(st.Data)
			if err == nil {
				err = s.entry(ctx, st.Seq, e)
			}
			if err != nil {
				return s.found, fmt.Errorf("log sequence %d: %w", st.Seq, err)
			}
			s.found.Searched++
			from = st.Seq + 1
		}
		if len(got) == 0 {
			return s.found, nil
		}
	}
}

// entry looks through one log entry.
func (s *search) entry(ctx context.Context, seq uint64, e *entry) error {
	if e.Proof != nil && s.proofHolds(e) {
		it := e.Items[e.Proof.Item]
		s.add(seq, e, dashboard.Place{Kind: "proof", N: -1, Issuer: it.Issuer, Digest: digestText(it.Digest), ID: it.ID})
	}
	switch e.Kind {
	case entryMessage:
		return s.message(ctx, seq, e)
	case entryObject:
		return s.object(seq, e)
	case entryPending:
		if s.ask.Value != "" {
			if hit, sealed := s.anywhere(e.Body); hit {
				s.add(seq, e, dashboard.Place{Kind: "held", Type: "message that waits for a key"})
			} else if sealed {
				s.found.Sealed++
			}
		}
	}
	return nil
}

// message looks through the objects of a message.
func (s *search) message(ctx context.Context, seq uint64, e *entry) error {
	if s.ask.Value != "" {
		hit, sealed := s.anywhere(e.Body)
		if sealed {
			s.found.Sealed++
		}
		if !hit {
			return nil
		}
	}
	v, err := envelope.Verify(e.Body, envelope.VerifyOptions{Keys: s.node.world.Load().Directory, Now: e.At, Roots: s.node.roots, Dropped: e.dropped(), Secret: s.node.keys.Secret})
	if err != nil {
		if federation.ReasonOf(err) == "" {
			return err
		}
		return s.unverified(seq, e) // its signer is no longer known
	}
	for _, it := range v.Items() {
		n := slices.IndexFunc(e.Items, func(x entryItem) bool { return x.Digest == digest(it.Digest) && !x.dropped() })
		if n < 0 {
			continue
		}
		p := dashboard.Place{Kind: "log", N: n, Issuer: e.Items[n].Issuer, ID: it.Object.ID(), Type: it.Object.Type(), Digest: digestText(it.Digest)}
		if e.Items[n].Outcome == held {
			p.Kind = "held"
		}
		if s.ask.Value != "" {
			paths, _, err := s.value.paths(it.Object.Raw())
			if err != nil {
				return err
			}
			if p.Paths = paths; len(paths) == 0 {
				continue
			}
		} else if !s.named(p.ID, p.Digest) {
			continue
		}
		if err := s.recipients(ctx, &p, e.Items[n]); err != nil {
			return err
		}
		s.add(seq, e, p)
	}
	return nil
}

// unverified names every object of a message that can no longer be opened.
func (s *search) unverified(seq uint64, e *entry) error {
	for n, it := range e.Items {
		if !it.dropped() && (s.ask.Value != "" || s.named(it.ID, digestText(it.Digest))) {
			s.add(seq, e, dashboard.Place{Kind: "log", N: n, Issuer: it.Issuer, ID: it.ID, Type: it.Type, Digest: digestText(it.Digest)})
		}
	}
	return nil
}

// object looks through an object that waits for a person.
func (s *search) object(seq uint64, e *entry) error {
	if len(e.Items) == 0 {
		return nil
	}
	it := e.Items[0]
	p := dashboard.Place{Kind: "held", ID: it.ID, Type: it.Type, Digest: digestText(it.Digest)}
	if s.ask.Value != "" {
		paths, sealed, err := s.value.paths(e.Body)
		if err != nil {
			return err
		}
		if sealed {
			s.found.Sealed++
		}
		if p.Paths = paths; len(paths) == 0 {
			return nil
		}
	} else if !s.named(p.ID, p.Digest) {
		return nil
	}
	s.add(seq, e, p)
	return nil
}

func (s *search) named(id, digest string) bool {
	return s.ask.ID != "" && id == s.ask.ID || s.ask.Digest != "" && digest == s.ask.Digest
}

func (s *search) add(seq uint64, e *entry, p dashboard.Place) {
	p.Seq, p.At, p.Source = seq, e.At, e.Source
	s.found.Places = append(s.found.Places, p)
}

// recipients says to whom an object went from here.
func (s *search) recipients(ctx context.Context, p *dashboard.Place, it entryItem) error {
	rs, err := s.node.index.Recipients(ctx, it.Issuer, it.Digest)
	for _, r := range rs {
		if !slices.Contains(p.Recipients, r.Peer) {
			p.Recipients = append(p.Recipients, r.Peer)
		}
	}
	return err
}

// anywhere looks into every part of a message, whoever signed it.
func (s *search) anywhere(body []byte) (hit, sealed bool) {
	line, _, _ := strings.Cut(string(body), "\n")
	for _, part := range strings.FieldsFunc(line, func(r rune) bool { return r == '~' || r == '.' }) {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			continue // a signature, or no text at all
		}
		paths, locked, err := s.value.paths(raw)
		if err != nil {
			continue
		}
		hit, sealed = hit || len(paths) > 0, sealed || locked
	}
	return hit, sealed
}

// proofHolds reports whether a proof of an equivocation shows what is looked for.
func (s *search) proofHolds(e *entry) bool {
	if e.Proof.Item < 0 || e.Proof.Item >= len(e.Items) {
		return false
	}
	it := e.Items[e.Proof.Item]
	if s.ask.Value == "" {
		return s.named(it.ID, digestText(it.Digest)) || s.named("", digestText(it.Against))
	}
	hit, _ := s.anywhere([]byte(strings.ReplaceAll(string(e.Proof.Text), `"`, "~")))
	return hit
}
