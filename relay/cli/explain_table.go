package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
)

// everybody is --to for every peer.
const everybody = "all"

// explainTable judges a file for several recipients and prints who would get
// what of it.
func (a *app) explainTable(file string, to []string, atText, profile string) error {
	at, err := a.moment("at", atText)
	if err != nil {
		return err
	}
	_, w, err := a.world(a.now())
	if err != nil {
		return err
	}
	ids, err := recipients(w, to)
	if err != nil {
		return usage(err)
	}
	if _, err := w.Profile(profile); err != nil {
		return usage(err)
	}
	data, err := a.read(file)
	if err != nil && federation.ReasonOf(err) == "" {
		return err
	}
	var t *relay.Table
	if err == nil {
		t, err = w.ExplainTo(data, displayName(file), profile, ids, at)
	}
	if r, ok := errors.AsType[*federation.Refusal](err); ok {
		// Nothing of it could be read: it stays as a whole, whoever asks.
		t, err = &relay.Table{At: at, Policy: w.Bundle.Digest(), Objects: []relay.TableRow{{}}}, nil
		for _, id := range ids {
			ex := refusedFile(w, r, id, at)
			t.Objects[0].Recipients = append(t.Objects[0].Recipients, relay.TableRecipient{To: id, Country: ex.Country, Hypothetical: ex.Hypothetical,
				Verdict: federation.Withhold, Removed: []string{}, Reasons: ex.Objects[0].Reasons})
		}
	}
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(t)
	} else {
		err = a.printTable(t)
	}
	if err != nil {
		return err
	}
	return ends(t.ExitCode())
}

// recipients finds whom several --to mean: every peer for none or "all", and
// each that is named, once.
func recipients(w *relay.World, to []string) ([]string, error) {
	var out []string
	add := func(id string) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if len(to) == 0 || slices.Contains(to, everybody) {
		for _, p := range w.Peers {
			add(p.Agreement.Peer)
		}
	}
	for _, name := range to {
		if name == everybody {
			continue
		}
		id, err := recipient(w, name)
		if err != nil {
			return nil, err
		}
		add(id)
	}
	if len(out) == 0 {
		return nil, errors.New("this node has no peers yet: name a country with --to, such as --to JP")
	}
	return out, nil
}

// screen is how wide a table is that is read on a terminal.
const screen = 80

// printTable prints for each object a line for each recipient, and below it the
// reason why it gets less than all.
func (a *app) printTable(t *relay.Table) error {
	name := 0
	for _, o := range t.Objects {
		for _, r := range o.Recipients {
			name = max(name, utf8.RuneCountInString(r.To))
		}
	}
	name = min(name, 26)
	counts := map[federation.Verdict]int{}
	for _, o := range t.Objects {
		id := o.ID
		if id == "" {
			id = "the file"
		}
		a.printf("%s  %s\n", id, o.Marking)
		for i := range o.Recipients {
			counts[o.Recipients[i].Verdict]++
			a.printRecipient(&o.Recipients[i], name)
		}
	}
	n := 0
	if len(t.Objects) > 0 {
		n = len(t.Objects[0].Recipients)
	}
	a.printf("%s, %s: %d shared, %d redacted, %d withheld, %d held\n", plural(len(t.Objects), "object"), plural(n, "recipient"),
		counts[federation.Share], counts[federation.Redact], counts[federation.Withhold], counts[federation.Hold])
	return a.out.err
}

// printRecipient prints one line of a table.
func (a *app) printRecipient(r *relay.TableRecipient, name int) {
	colours := map[federation.Verdict]string{federation.Share: green, federation.Redact: yellow, federation.Hold: yellow}
	colour, ok := colours[r.Verdict]
	if !ok {
		colour = red
	}
	goes := ""
	if r.Verdict == federation.Share || r.Verdict == federation.Redact {
		goes = "as " + r.Marking
	}
	if len(r.Removed) > 0 {
		goes += ", without " + joined(r.Removed)
	}
	if r.Hypothetical {
		goes = strings.TrimPrefix(goes+" (sample terms)", " ")
	}
	indent := 2 + name + 2 + len("withhold") + 2
	pad := strings.Repeat(" ", max(0, len("withhold")-len(r.Verdict)))
	for i, l := range wrapped(clean(goes), screen-indent) {
		if i == 0 {
			if l != "" {
				l = pad + "  " + l
			}
			a.printf("  %-*s  %s%s\n", name, r.To, a.paint(colour, string(r.Verdict)), l)
			continue
		}
		a.printf("%*s%s\n", indent, "", l)
	}
	if first := r.First(); first != nil {
		for _, l := range wrapped(clean(sentence(*first)), screen-6) {
			a.printf("      %s\n", l)
		}
	}
}

// wrapped breaks text into lines of at most width characters, at blanks where it
// can. There is always one line.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > width { // no blank to break it at
			if line != "" {
				lines, line = append(lines, line), ""
			}
			runes := []rune(word)
			lines, word = append(lines, string(runes[:width])), string(runes[width:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines, line = append(lines, line), word
		default:
			line = fmt.Sprintf("%s %s", line, word)
		}
	}
	return append(lines, line)
}
