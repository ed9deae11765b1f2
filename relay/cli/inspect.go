package cli

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

func (a *app) inspectCmd() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "show what is in a message: hops, markings, what was removed and by whom",
		Long: `Verify every message in a file, as "entente verify" does, and show what is in it:
its objects with their markings, each hop with the marking it mapped and the policy
it decided by, and what was removed, by whom and for which class of reason (policy,
privacy or origin; the exact rule stays in the journal of the node that removed it).

Exit code: 0 everything verifies, 3 anything does not, 1 the file cannot be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.inspect(args[0], f) },
	}
	f.add(c)
	return c
}

// inspected is one message as inspect prints it.
type inspected struct {
	verified
	Objects []inspectedObject `json:"objects,omitempty"` // in place of verified's ids
	Gone    []inspectedGone   `json:"gone,omitempty"`
	Hops    []inspectedHop    `json:"hops,omitempty"`
	Removed []inspectedOut    `json:"removed"`
}

type inspectedObject struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Digest  string          `json:"digest"`
	Marking string          `json:"marking"`
	Object  json.RawMessage `json:"object"`
}

type inspectedGone struct {
	Digest string `json:"digest"`
	Reason string `json:"reason"`
}

type inspectedHop struct {
	N      int               `json:"n"`
	From   string            `json:"from"`
	To     string            `json:"to"`
	At     time.Time         `json:"at"`
	Seq    uint64            `json:"seq"`
	Policy string            `json:"policy"`
	Root   string            `json:"root"`
	Map    []inspectedMapped `json:"map,omitempty"`
}

type inspectedMapped struct {
	Object string `json:"object"`
	From   string `json:"from"`
	To     string `json:"to"`
	Table  string `json:"table"`
}

type inspectedOut struct {
	Hop    int    `json:"hop"`
	By     string `json:"by"`
	Class  string `json:"class"`
	Object string `json:"object,omitempty"` // empty: a whole object
	In     string `json:"in,omitempty"`
	Digest string `json:"digest"`
}

// inspect shows every message of a file.
func (a *app) inspect(file string, f verifyFlags) error {
	rs, err := a.readings(file, f)
	if err != nil {
		return err
	}
	t, _, err := a.tables()
	if err != nil {
		return err
	}
	reader := policy.NewReader(t)
	shown := make([]inspected, len(rs))
	for i, r := range rs {
		shown[i] = inspected{verified: showVerified(r), Removed: []inspectedOut{}}
		if r.msg != nil {
			shown[i].fill(r.msg, reader)
		}
	}
	if a.json {
		err = a.printJSON(map[string]any{"messages": shown})
	} else {
		for i := range shown {
			a.printInspected(&shown[i])
		}
		err = a.out.err
	}
	if err != nil {
		return err
	}
	return verdict(rs)
}

// fill shows the inside of a verified message.
func (x *inspected) fill(m *envelope.Verified, reader *policy.Reader) {
	defs := map[string]*stix.Object{}
	names := map[[32]byte]string{}
	for _, it := range m.Items() {
		names[it.Digest] = it.Object.ID()
		if it.Object.Type() == "marking-definition" {
			defs[it.Object.ID()] = it.Object
		}
	}
	for _, it := range m.Items() {
		s := reader.Subject(m.Issuer(), it.Digest, it.Object, defs)
		x.Objects = append(x.Objects, inspectedObject{it.Object.ID(), it.Object.Type(), digestText(it.Digest), markingOf(s), json.RawMessage(it.Object.Raw())})
	}
	for _, g := range m.Gone() {
		x.Gone = append(x.Gone, inspectedGone{digestText(g.Digest), g.Reason})
	}
	for _, h := range m.Hops() {
		hop := inspectedHop{N: h.N, From: h.Iss, To: h.Aud, At: h.At, Seq: h.Seq, Policy: h.Policy, Root: h.Root}
		for _, mp := range h.Map {
			object, here := names[mp.Object]
			if !here {
				object = digestText(mp.Object)
			}
			hop.Map = append(hop.Map, inspectedMapped{object, mp.From, mp.To, mp.Table})
		}
		x.Hops = append(x.Hops, hop)
	}
	for _, o := range m.Missing() {
		out := inspectedOut{Hop: o.Hop, Class: o.Class, Object: o.Object, In: o.In, Digest: digestText(o.Digest)}
		if o.Hop < len(m.Hops()) {
			out.By = m.Hops()[o.Hop].Iss
		}
		x.Removed = append(x.Removed, out)
	}
}

// markingOf says an object's marking as its origin wrote it, in the words of
// `entente explain`.
func markingOf(s *policy.Subject) string {
	if p := s.Problem(); p != nil {
		return string(p.Reason) + ": " + p.Detail
	}
	h := s.Handling()
	parts := []string{h.TLP.String()}
	if old, ok := h.TLP.Version1(); ok && h.TLPVersion1 {
		parts[0] = old
	}
	if h.PAP != mapping.PAPNone {
		parts = append(parts, h.PAP.String())
	}
	for _, l := range h.Levels {
		origin := l.Country
		if origin == "" {
			origin = strings.ToUpper(l.Scheme)
		}
		parts = append(parts, l.Label+" ("+origin+")")
	}
	return joined(append(parts, h.Caveats...))
}

// digestText is a digest as it stands in a message.
func digestText(d [32]byte) string { return base64.RawURLEncoding.EncodeToString(d[:]) }

// printInspected prints one message for people.
func (a *app) printInspected(x *inspected) {
	a.printVerified(x.verified)
	for _, o := range x.Objects {
		a.printf("  object %s %s\n    marking %s\n", o.ID, nameOf(o.Object), o.Marking)
	}
	for _, g := range x.Gone {
		a.printf("  takes back %s: %s\n", g.Digest, g.Reason)
	}
	for _, h := range x.Hops {
		a.printf("  hop %d: %s → %s, %s, link sequence %d, policy %.12s\n", h.N, h.From, h.To, h.At.UTC().Format(time.RFC3339), h.Seq, h.Policy)
		for _, m := range h.Map {
			a.printf("    %s: %s\n", m.Object, changed(m.From, m.To))
		}
	}
	for _, r := range x.Removed {
		what := "a whole object"
		if r.Object != "" {
			what = "a part of " + r.Object
		}
		if r.In != "" {
			what += ", in " + r.In
		}
		a.printf("  removed by %s at hop %d, class %s: %s\n", r.By, r.Hop, r.Class, what)
	}
}
