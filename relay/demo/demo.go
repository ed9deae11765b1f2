package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	fed "github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
	lists "github.com/entente-relay/entente/relay/feed"
)

// Options are what `entente demo` takes.
type Options struct {
	Input string // a file to publish in place of the sample feed
	// Unmarked is the marking that DE states for input without one, such as
	// "TLP:GREEN"; "" states none, and such input is held.
	Unmarked string
	JSON     bool   // one JSON document instead of the story
	Keep     string // folder for the nodes, left behind; "" is a temporary one
	Out      io.Writer
	Log      *slog.Logger // what the nodes say; nil is silence
}

// Run sets the federation up, publishes, and tells what happened. It leaves
// nothing behind unless told to keep the nodes' folders.
func Run(ctx context.Context, o Options) (err error) {
	begun := time.Now()
	files, err := inputs(o.Input)
	if err != nil {
		return err
	}
	dir := o.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "entente-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	t := &teller{w: o.Out}
	if o.JSON {
		t.w = io.Discard
	}
	t.prologue(dir)
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f, err := newFederation(ctx, dir, o.Unmarked, begun, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop(context.WithoutCancel(ctx))) }()
	s, err := f.play(ctx, files, t)
	if err != nil {
		return err
	}
	s.Seconds = time.Since(begun).Seconds()
	s.Kept = o.Keep
	if o.JSON {
		enc := json.NewEncoder(o.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	t.epilogue(s)
	return t.err
}

func (t *teller) epilogue(s *Story) {
	t.line("")
	t.line("Done in %.1f s.", s.Seconds)
	if s.Kept != "" {
		t.line("The nodes' folders are in %s; look into one with: entente --config %s/pl-cert/entente.yaml status (after `run`)", s.Kept, s.Kept)
	} else {
		t.line("Your own file: entente demo --input FILE. Your own node: entente init REGION.")
	}
}

// play publishes the files at DE and gathers what happened.
func (f *federation) play(ctx context.Context, files []file, t *teller) (*Story, error) {
	s := &Story{}
	names := map[string]string{}
	for _, r := range f.regions() {
		s.Nodes = append(s.Nodes, Node{ID: r.id, Country: r.country, Leaf: r.node.LeafAddr(), Accepts: r.accept})
	}
	t.nodes(s.Nodes)
	for _, in := range files {
		for id, name := range namesOf(in.data) {
			names[id] = name
		}
		p, err := f.de.node.Publish(ctx, in.name, "", in.data)
		if err != nil {
			return nil, fmt.Errorf("de-cert did not take %s: %w", in.name, err)
		}
		s.Published = append(s.Published, p)
	}
	t.intake(s.Published, names)
	if err := f.settle(ctx); err != nil {
		return nil, err
	}
	for i, hop := range [][2]*region{{f.de, f.pl}, {f.pl, f.jp}} {
		b, err := border(ctx, hop[0].node, hop[1].id, names)
		if err != nil {
			return nil, err
		}
		s.Borders = append(s.Borders, b)
		t.border(2+i, b)
	}
	return s, f.finish(ctx, s, files, names, t)
}

// finish tells what the last node makes of it, and the what-if.
func (f *federation) finish(ctx context.Context, s *Story, files []file, names map[string]string, t *teller) error {
	var err error
	if s.Reader, err = reader(ctx, f.jp.node); err != nil {
		return err
	}
	t.reader(4, s.Reader)
	if s.Lists, err = blockLists(ctx, f.jp.node); err != nil {
		return err
	}
	t.list(5, s.Lists)
	if s.WhatIf, err = f.whatIf(files, names); err != nil {
		return err
	}
	t.whatIf(6, s.WhatIf)
	for _, r := range f.regions() {
		st, err := r.node.Status(ctx)
		if err != nil {
			return err
		}
		s.Counts = append(s.Counts, st)
	}
	t.counts(7, s.Counts)
	return nil
}

// blockLists are what the node gives its devices.
func blockLists(ctx context.Context, n *relay.Node) ([]BlockList, error) {
	var out []BlockList
	for _, kind := range lists.Kinds() {
		text, err := n.List(ctx, kind)
		if err != nil {
			return nil, err
		}
		l := BlockList{Kind: kind, Values: []string{}}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if head, ok := strings.CutPrefix(line, "# "); ok {
				l.Header = append(l.Header, head)
			} else if line != "" && line != "#" {
				l.Values = append(l.Values, line)
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// whatIf asks PL's policy about the objects that the carrier may have and
// the ministry may not, or not whole.
func (f *federation) whatIf(files []file, names map[string]string) ([]WhatIf, error) {
	w, now := f.pl.node.World(), time.Now()
	var out []WhatIf
	for _, in := range files {
		carrier, err := w.Explain(in.data, in.name, "", "jp-carrier", now)
		if err != nil {
			return nil, err
		}
		ministry, err := w.Explain(in.data, in.name, "", "jp-ministry", now)
		if err != nil {
			return nil, err
		}
		for i, c := range carrier.Objects {
			m := ministry.Objects[i]
			if goes(c.Verdict) && (c.Verdict != m.Verdict || len(c.Removed) != len(m.Removed)) {
				out = append(out, WhatIf{ID: c.ID, Name: title(c.ID, names), Answers: []relay.Explained{c, m}})
			}
		}
	}
	return out, nil
}

func goes(v fed.Verdict) bool { return v == fed.Share || v == fed.Redact }
