package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"

	fed "github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/translate/language"
)

// teller writes the story for people. The first error of the writer is kept,
// later writes do nothing.
type teller struct {
	w   io.Writer
	err error
}

func (t *teller) line(format string, args ...any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = language.Visible(text)
		}
	}
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *teller) head(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.line("")
	t.line("%s", text)
	t.line("%s", strings.Repeat("-", len([]rune(text))))
}

// prologue is printed before anything is started.
func (t *teller) prologue(dir string) {
	t.line("Entente: three nodes in one process, each with its own NATS server, store and keys.")
	t.line("Not approved for classified information; what is marked so below is an EXERCISE and made up.")
	t.line("")
	t.line("  de-cert (national CERT, DE)  ==TLS==>  pl-cert (national CERT, PL)  ==TLS==>  jp-carrier (business operator, JP)")
	t.line("")
	t.line("Setting them up in %s ...", dir)
}

func (t *teller) nodes(ns []Node) {
	for _, n := range ns {
		t.line("  %-11s %s  leaf %s", n.ID, n.Country, n.Leaf)
		if len(n.Accepts) > 0 {
			t.line("              accepts by name, though unverified in the shipped tables: %s", strings.Join(n.Accepts, ", "))
		}
	}
}

// intake tells what became of the files at the origin.
func (t *teller) intake(ps []dashboard.Published, names map[string]string) {
	t.head("1. DE publishes: read, judged, signed by de-cert")
	total := dashboard.Published{}
	for _, p := range ps {
		t.line("  %-18s %2d taken  %d held  %d refused  %d already there", p.Name, p.Taken, p.Held, p.Refused, p.Duplicate)
		total.Taken += p.Taken
		total.Messages += p.Messages
	}
	t.line("  %d objects went into %d signed messages.", total.Taken, total.Messages)
	t.notTaken(ps, names)
}

// notTaken groups what was held or refused by why.
func (t *teller) notTaken(ps []dashboard.Published, names map[string]string) {
	groups := map[string][]string{}
	unmarked := false
	for _, p := range ps {
		for _, it := range p.Items {
			if it.Outcome != "held" && it.Outcome != "refused" {
				continue
			}
			k := fmt.Sprintf("%s, %s: %s", it.Outcome, it.Reason, it.Text)
			groups[k] = append(groups[k], title(it.ID, names))
			unmarked = unmarked || it.Reason == string(fed.Unmarked)
		}
	}
	for _, k := range sorted(groups) {
		t.line("    %s", k)
		t.line("      %d: %s", len(groups[k]), sample(groups[k], 4))
	}
	if unmarked {
		t.line("  What nobody marked is held, never guessed. An operator can state what it means, as a signed act: --unmarked TLP:GREEN")
	}
}

// border tells one border.
func (t *teller) border(n int, b Border) {
	t.head("%d. The border %s -> %s", n, b.From, b.To)
	count := map[fed.Verdict]int{}
	for _, o := range b.Objects {
		count[o.Verdict]++
	}
	t.line("  %d objects judged: %d crossed whole, %d crossed with something removed, %d withheld, %d held.",
		len(b.Objects), count[fed.Share], count[fed.Redact], count[fed.Withhold], count[fed.Hold])
	t.whole(b)
	t.redacted(b)
	t.stayed(b, fed.Withhold, "Withheld:")
	t.stayed(b, fed.Hold, "Held, until a person or a missing fact decides:")
}

// whole groups what crossed untouched by its marking before and after.
func (t *teller) whole(b Border) {
	groups := map[string][]string{}
	for _, o := range b.Objects {
		if o.Verdict == fed.Share {
			k := markings(o)
			groups[k] = append(groups[k], o.Name)
		}
	}
	if len(groups) == 0 {
		return
	}
	t.line("  Crossed whole, the origin's signature intact:")
	for _, k := range sorted(groups) {
		t.line("    %-58s %3d  %s", k, len(groups[k]), sample(groups[k], 3))
	}
}

func (t *teller) redacted(b Border) {
	first := true
	for _, o := range b.Objects {
		if o.Verdict != fed.Redact {
			continue
		}
		if first {
			t.line("  Crossed with something removed; what remains still verifies against the origin's signature:")
			first = false
		}
		t.line("    %s  [%s]", o.Name, markings(o))
		for _, r := range o.Removed {
			t.line("      - %s: %s, %s", shortPath(r.Path), r.Reason.Reason, cites(r.Reason))
		}
	}
}

func (t *teller) stayed(b Border, v fed.Verdict, what string) {
	groups := map[string][]string{}
	for _, o := range b.Objects {
		if o.Verdict != v {
			continue
		}
		k := "no reason recorded"
		if len(o.Reasons) > 0 {
			k = fmt.Sprintf("%s, %s", o.Reasons[0].Reason, cites(o.Reasons[0]))
		}
		groups[k] = append(groups[k], fmt.Sprintf("%s [%s]", o.Name, markings(o)))
	}
	if len(groups) == 0 {
		return
	}
	t.line("  %s", what)
	for _, k := range sorted(groups) {
		t.line("    %s", k)
		for _, name := range groups[k] {
			t.line("      - %s", name)
		}
	}
}

// reader shows some objects as the last node's analysts read them.
func (t *teller) reader(n int, as []dashboard.Arrival) {
	t.head("%d. What an analyst at jp-carrier reads", n)
	if len(as) == 0 {
		t.line("  Nothing arrived.")
		return
	}
	t.line("  %d objects arrived. Each is as the origin signed it; the reader's words stand beside it, never in it.", len(as))
	shown := 0
	seen := map[string]bool{}
	for _, a := range as {
		kind := a.Type + fmt.Sprint(a.Removed > 0)
		for _, w := range a.Annotations {
			kind += w.Original
		}
		if len(a.Annotations) == 0 || seen[kind] || shown >= 6 {
			continue
		}
		seen[kind] = true
		shown++
		t.line("  %s", a.ID)
		t.line("    signed by %s, path %s, %s on the way", a.Issuer, strings.Join(a.Path, " -> "), removedInWords(a.Removed))
		t.line("    marking  %s", a.Marking.From)
		for _, w := range a.Annotations {
			t.line("    %-8s %s  ->  %s (%s, %s, by %s)", w.Path, w.Original, w.Term, w.Relation, w.Scheme, w.Source)
		}
	}
}

// list shows the heads and the first lines of the block lists.
func (t *teller) list(n int, lists []BlockList) {
	t.head("%d. What leaves jp-carrier for its resolvers and firewalls", n)
	const most = 5
	for _, l := range lists {
		t.line("  %s (%d): %s", l.Kind, len(l.Values), sample(l.Values, most))
		for _, h := range l.Header {
			if strings.HasPrefix(h, "left out") {
				t.line("    %s", h)
			}
		}
	}
}

// whatIf sets the two recipients beside each other, with the sentence that
// makes the difference.
func (t *teller) whatIf(n int, ws []WhatIf) {
	if len(ws) == 0 {
		return
	}
	t.head("%d. What if the same went to jp-ministry? (sample terms, no link, nothing is sent)", n)
	for _, w := range ws {
		carrier, ministry := w.Answers[0], w.Answers[1]
		t.line("  %s", w.Name)
		t.line("    to jp-carrier:  %s", inWords(carrier))
		t.line("    to jp-ministry: %s", inWords(ministry))
		if r, ok := difference(carrier, ministry); ok {
			t.line("      %s: %s", r.Reason, r.Text)
		}
	}
}

// inWords says what a recipient gets.
func inWords(e relay.Explained) string {
	switch e.Verdict {
	case fed.Share:
		return "whole"
	case fed.Redact:
		paths := make([]string, len(e.Removed))
		for i, p := range e.Removed {
			paths[i] = shortPath(p)
		}
		return "without " + strings.Join(paths, ", ")
	case fed.Hold:
		return "held"
	default:
		return "nothing of it"
	}
}

// difference is the first reason that the second recipient has and the first
// one has not.
func difference(a, b relay.Explained) (relay.ExplainedReason, bool) {
	rules := map[string]bool{}
	for _, r := range a.Reasons {
		rules[r.Rule] = true
	}
	for _, r := range b.Reasons {
		if !rules[r.Rule] {
			return r, true
		}
	}
	return relay.ExplainedReason{}, false
}

func (t *teller) counts(n int, ss []dashboard.Status) {
	t.head("%d. The counts add up", n)
	for _, s := range ss {
		t.line("  %-11s objects seen %d = taken %d + already there %d + held %d + refused %d",
			s.Node, s.Objects.Seen, s.Objects.Taken, s.Objects.Duplicate, s.Objects.Held, s.Objects.Refused)
		for _, p := range s.Peers {
			if p.Out.Judged > 0 {
				t.line("              for %s: judged %d = sent %d + withheld %d + held %d; acknowledged %d of %d sent",
					p.ID, p.Out.Judged, p.Out.Sent, p.Out.Withheld, p.Out.Held, p.Out.Acknowledged, p.Out.Sent)
			}
		}
	}
}

// markings renders a marking before and after, once when they are equal.
func markings(o Crossed) string {
	if o.Marking.From == o.Marking.To || o.Marking.To == "" {
		return o.Marking.From
	}
	return o.Marking.From + "  ->  " + o.Marking.To
}

func cites(r Reason) string {
	if r.Basis == "" {
		return "rule " + r.Rule
	}
	return fmt.Sprintf("rule %s, which cites %s", r.Rule, r.Basis)
}

// shortPath shortens the id of an extension in a path.
func shortPath(p string) string {
	const ext = "extensions.extension-definition--"
	if i := strings.Index(p, ext); i >= 0 && len(p) > i+len(ext)+36 {
		return "our extension" + p[i+len(ext)+36:]
	}
	return p
}

func title(id string, names map[string]string) string {
	if n, ok := names[id]; ok {
		return n
	}
	return id
}

func sorted(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// sample names the first few of many.
func sample(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, "; ")
	}
	return strings.Join(names[:most], "; ") + "; ..."
}

func removedInWords(n int) string {
	switch n {
	case 0:
		return "nothing removed"
	case 1:
		return "one property removed"
	default:
		return fmt.Sprintf("%d properties removed", n)
	}
}
