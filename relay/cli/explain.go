package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay"
)

func (a *app) explainCmd() *cobra.Command {
	var to []string
	var at, profile, lang string
	c := &cobra.Command{
		Use:   "explain FILE|OBJECT [--to PEER|COUNTRY]",
		Short: "say what would happen to the objects of a file on their way to a peer, or what was decided on one",
		Long: `Say what would happen to each object of a file if it were published here and the
recipient asked for it, by the code that the node runs, without publishing it.
The recipient is a peer of this node, or a country code: that stands for a national
CERT there under the sample agreement, so the question works before any peer exists.
Without --to, or with several of them, it is a table: who of all peers would get each
object, in which form, and the first reason why not; "--to all --to JP" adds a country.

An OBJECT is named by its STIX id or by its digest (43 characters of base64url, or 64
of hex), where no file has that name. Then the running node answers from its journal
what was decided on it for the recipient, up to --at: the verdict, the rules, the
markings, what was removed, the way it took, and what was missing. Where nothing was
decided, it is decided now, and the answer says so.

Exit code: 0 every object may go, at least in part; 4 any is held; else 3.`,
		Example: "  entente explain feed.json\n  entente explain feed.json --to pl-cert\n  entente explain feed.json --to JP --json\n  entente explain feed.json --to pl-cert --lang de\n  entente explain indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --to pl-cert --at 2026-11-01",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) && relay.IsObjectName(args[0]) {
				if len(to) != 1 || to[0] == everybody {
					return usage(errors.New("--to: name the one recipient for whom the object was decided on"))
				}
				return a.explainPast(cmd.Context(), args[0], to[0], at, profile)
			}
			if len(to) == 1 && to[0] != everybody {
				return a.explain(args[0], to[0], at, profile, lang)
			}
			return a.explainTable(args[0], to, at, profile)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&to, "to", nil, "peer, or ISO 3166-1 country code, or "+everybody+" for every peer (default)")
	f.StringVar(&at, "at", "", "moment to judge at, such as 2026-12-31T08:00:00Z (default now)")
	f.StringVar(&profile, "profile", "", "source profile that says how unmarked input is marked")
	f.StringVar(&lang, "lang", "en", "for a file and one recipient: language of the rules' sentences, such as de; English where a rule does not speak it")
	return c
}

// explain judges a file for a recipient and prints why.
func (a *app) explain(file, to, atText, profile, lang string) error {
	tag, err := language.Parse(lang)
	if err != nil {
		return usage(fmt.Errorf("--lang %q: write a BCP 47 language, such as de", lang))
	}
	at, err := a.moment("at", atText)
	if err != nil {
		return err
	}
	_, w, err := a.world(a.now())
	if err != nil {
		return err
	}
	to, err = recipient(w, to)
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
	var ex *relay.Explanation
	if err == nil {
		ex, err = w.Explain(data, displayName(file), profile, to, at)
	}
	if r, ok := errors.AsType[*federation.Refusal](err); ok {
		ex, err = refusedFile(w, r, to, at), nil
	}
	if err != nil {
		return err
	}
	spoken, _ := tag.Base()
	ex.Speak(spoken.String())
	if ex.Objects == nil {
		ex.Objects = []relay.Explained{}
	}
	if a.json {
		err = a.printJSON(ex)
	} else {
		err = a.printExplanation(ex)
	}
	if err != nil {
		return err
	}
	return ends(ex.ExitCode())
}

// recipient finds whom --to means: a peer, else a country.
func recipient(w *relay.World, to string) (string, error) {
	peers := make([]string, 0, len(w.Peers))
	for _, p := range w.Peers {
		if p.Agreement.Peer == to {
			return to, nil
		}
		peers = append(peers, p.Agreement.Peer)
	}
	if cc := strings.ToUpper(to); isCountry(cc) {
		return cc, nil
	}
	known := "this node has no peers yet"
	if len(peers) > 0 {
		known = "the peers are " + strings.Join(peers, ", ")
	}
	return "", fmt.Errorf("--to %q: neither a peer (%s) nor an ISO 3166-1 country code", to, known)
}

// refusedFile is the answer about a file of which nothing could be read: it
// stays as a whole, for its reason.
func refusedFile(w *relay.World, r *federation.Refusal, to string, at time.Time) *relay.Explanation {
	ex := &relay.Explanation{To: to, Country: to, Hypothetical: true, At: at, Policy: w.Bundle.Digest(), Objects: []relay.Explained{{
		Verdict: federation.Withhold, Removed: []string{},
		Reasons: []relay.ExplainedReason{{Reason: r.Reason, Rule: "intake", Text: r.Error()}}}}}
	for _, p := range w.Peers {
		if p.Agreement.Peer == to {
			ex.Country, ex.Hypothetical = p.Agreement.Country, false
		}
	}
	return ex
}

// printExplanation says it in sentences.
func (a *app) printExplanation(ex *relay.Explanation) error {
	if ex.Hypothetical {
		a.printf("to %s in %s, who is no peer: as a national CERT under the sample agreement\n", ex.To, ex.Country)
	}
	counts := map[federation.Verdict]int{}
	for i := range ex.Objects {
		counts[ex.Objects[i].Verdict]++
		a.printExplained(&ex.Objects[i], ex.To)
	}
	a.printf("%s to %s: %d shared, %d redacted, %d withheld, %d held\n", plural(len(ex.Objects), "object"), ex.To,
		counts[federation.Share], counts[federation.Redact], counts[federation.Withhold], counts[federation.Hold])
	return a.out.err
}

// printExplained prints one object: what happens, then every reason.
func (a *app) printExplained(o *relay.Explained, to string) {
	id := o.ID
	if id == "" {
		id = "the file"
	}
	switch o.Verdict {
	case federation.Share:
		a.printf("%s %s goes to %s whole\n", a.paint(green, "share"), id, to)
	case federation.Redact:
		a.printf("%s %s goes to %s without %s\n", a.paint(yellow, "redact"), id, to, strings.Join(o.Removed, ", "))
	case federation.Hold:
		a.printf("%s %s waits\n", a.paint(yellow, "hold"), id)
	default:
		a.printf("%s %s does not go to %s\n", a.paint(red, "withhold"), id, to)
	}
	if o.Marking.From != "" {
		a.printf("  marking %s\n", changed(o.Marking.From, o.Marking.To))
	}
	onPart := map[string]bool{}
	for _, r := range o.Reasons {
		onPart[r.Rule] = onPart[r.Rule] || r.Path != ""
	}
	for _, r := range o.Reasons {
		if r.Path != "" || !onPart[r.Rule] { // once is enough: with the part it is about
			a.printf("  %s\n", sentence(r))
		}
	}
	for _, made := range o.Instead {
		a.printf("  said instead: %s\n", made)
	}
	for _, path := range slices.Sorted(maps.Keys(o.Evidence)) {
		a.printf("  found in %s: %s\n", path, strings.Join(o.Evidence[path], "; "))
	}
}

// sentence words one reason: what it concerns, the stable word, the rule and
// what it cites.
func sentence(r relay.ExplainedReason) string {
	var b strings.Builder
	if r.Path != "" {
		b.WriteString(r.Path + ": ")
	}
	if r.Reason != "" {
		b.WriteString(string(r.Reason) + ": ")
	}
	switch {
	case r.Rule == "" || strings.Contains(r.Text, r.Rule):
		b.WriteString(r.Text) // the text names the rule itself
	case r.Basis == "":
		fmt.Fprintf(&b, "rule %s: %s", r.Rule, r.Text)
	default:
		fmt.Fprintf(&b, "rule %s, which cites %s: %s", r.Rule, r.Basis, r.Text)
	}
	return strings.TrimSuffix(b.String(), ": ")
}
