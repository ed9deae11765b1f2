package relay

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/intake"
)

// Explanation says what would happen to each object of a file if it were
// published here and asked for by one recipient. Shape and words are those of
// `entente explain --json`.
type Explanation struct {
	To           string      `json:"to"`
	Country      string      `json:"country"`
	Hypothetical bool        `json:"hypothetical"` // no such peer: the sample agreement stands for one
	At           time.Time   `json:"at"`
	Policy       string      `json:"policy"`
	Objects      []Explained `json:"objects"`
}

// Explained is the answer for one object, in file order.
type Explained struct {
	ID      string             `json:"id"`
	Verdict federation.Verdict `json:"verdict"`
	Removed []string           `json:"removed"`
	Marking Marking            `json:"marking"`
	Reasons []ExplainedReason  `json:"reasons"`
	// Evidence is, by path of a property that a rule denied, what kinds of data
	// were found in it and what that rests on; never the data.
	Evidence map[string][]string `json:"evidence,omitempty"`
	// Instead are the objects of this node's own that would say less in its place;
	// their ids would be others.
	Instead []json.RawMessage `json:"instead,omitempty"`
}

// Marking is what the origin wrote, and what it is called at the recipient.
type Marking struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// ExplainedReason is one reason with the rule that gave it and what the rule
// cites. Path is the property it concerns, empty for the whole object.
type ExplainedReason struct {
	Reason federation.Reason `json:"reason"`
	Rule   string            `json:"rule"`
	Basis  string            `json:"basis"`
	Text   string            `json:"text"`
	Path   string            `json:"path,omitempty"`

	in func(lang string) string // Text in a language; nil if it speaks one only
}

// Speak words the reasons in a language, a BCP 47 primary language such as
// "de", as far as the rules speak it; the others stay in English.
func (e *Explanation) Speak(lang string) {
	for i := range e.Objects {
		for j := range e.Objects[i].Reasons {
			if r := &e.Objects[i].Reasons[j]; r.in != nil {
				r.Text = r.in(lang)
			}
		}
	}
}

var countryCode = regexp.MustCompile(`^[A-Za-z]{2}$`)

// Explain judges a file for a recipient without publishing it, by the same
// code that the relay runs. to is a peer's id, or a country code, which
// stands for a national CERT there under the sample agreement.
func (w *World) Explain(data []byte, name, profile, to string, at time.Time) (*Explanation, error) {
	r, ex, err := w.explained(to)
	if err != nil {
		return nil, err
	}
	res, rules, err := w.readFile(data, name, profile, at)
	if err != nil {
		return nil, err
	}
	if err := w.explainFile(ex, res, r, rules, at); err != nil {
		return nil, err
	}
	return ex, nil
}

// readFile takes a file in as publishing would, with what its source seals.
func (w *World) readFile(data []byte, name, profile string, at time.Time) (*intake.Result, []configs.Seal, error) {
	prof, err := w.Profile(profile)
	if err != nil {
		return nil, nil, err
	}
	res, err := intake.Read(data, name, prof, at)
	if err != nil || prof == nil {
		return res, nil, err
	}
	return res, w.seals[prof.Name], nil
}

// explainFile judges what was read of a file for one recipient.
func (w *World) explainFile(ex *Explanation, res *intake.Result, r *policy.Recipient, rules []configs.Seal, at time.Time) error {
	ex.At, ex.Policy = at, w.Bundle.Digest()
	decisions := w.judgeFile(res, r, rules, at)
	next := 0
	for _, it := range res.Items {
		if it.Outcome != intake.Taken {
			ex.Objects = append(ex.Objects, notTaken(it))
			continue
		}
		e := explainDecision(it.ID, decisions[next])
		var err error
		if e.Instead, err = w.insteadOf(res.Taken, decisions, next, r, at); err != nil {
			return err
		}
		ex.Objects = append(ex.Objects, e)
		next++
	}
	return nil
}

// explained finds the recipient that to names.
func (w *World) explained(to string) (*policy.Recipient, *Explanation, error) {
	if p, ok := w.peer(to); ok {
		return w.Recipient(to), &Explanation{To: to, Country: p.Agreement.Country}, nil
	}
	if !countryCode.MatchString(to) {
		return nil, nil, fmt.Errorf("%q is neither a peer of this node nor an ISO 3166-1 country code", to)
	}
	a := policy.SampleAgreement(to)
	if a == nil {
		return nil, nil, fmt.Errorf("%q is not an ISO 3166-1 country code", to)
	}
	return policy.NewRecipient(&w.Node, a), &Explanation{To: a.Peer, Country: a.Country, Hypothetical: true}, nil
}

// peer returns the accepted peer of that id.
func (w *World) peer(id string) (*Peer, bool) {
	for _, p := range w.Peers {
		if p.Agreement.Peer == id {
			return p, true
		}
	}
	return nil, false
}

// judgeFile decides on objects as if they had been issued here in one
// message: first whether this node may keep them, then whether they may go. Of
// what they mention and the file does not hold, nothing is known: a node that
// runs looks at what it has.
func (w *World) judgeFile(res *intake.Result, r *policy.Recipient, rules []configs.Seal, at time.Time) []policy.Decision {
	objects := res.Taken
	waits := map[string]bool{}
	for _, o := range res.Held {
		waits[o.ID()] = true
	}
	defs := map[string]*stix.Object{}
	for _, o := range objects {
		if o.Type() == "marking-definition" {
			defs[o.ID()] = o
		}
	}
	out := make([]policy.Decision, len(objects))
	reader := w.Reader.Among(objects)
	for i, o := range objects {
		s := reader.Subject(w.Node.ID, sha256.Sum256(o.Raw()), o, defs)
		goes, err := w.shownSealed(o, rules, at)
		if err != nil {
			out[i] = w.Bundle.Withhold(s, r, federation.Withhold, federation.ReasonOf(err), err.Error(), at)
			continue
		}
		d := w.Bundle.Decide(reader.Subject(w.Node.ID, sha256.Sum256(o.Raw()), goes, defs), r, at)
		if keep := w.Bundle.DecideStore(s, &w.Node, at); keep.Verdict() == federation.Withhold || keep.Verdict() == federation.Hold {
			var first policy.Cited
			if rs := keep.Reasons(); len(rs) > 0 {
				first = rs[0]
			}
			d = w.Bundle.Withhold(s, r, keep.Verdict(), first.Reason, first.Text, at)
		}
		out[i] = d
	}
	return policy.NewClosure(func(_, id string) policy.Standing { return policy.Standing{Held: waits[id]} }).Relate(out)
}

// notTaken explains an object that intake held or refused.
func notTaken(it intake.Item) Explained {
	v := federation.Withhold
	if it.Outcome == intake.Held {
		v = federation.Hold
	}
	return Explained{ID: it.ID, Verdict: v, Removed: []string{},
		Reasons: []ExplainedReason{{Reason: it.Reason, Rule: "intake", Basis: "", Text: it.Text}}}
}

func explainDecision(id string, d policy.Decision) Explained {
	e := Explained{ID: id, Verdict: d.Verdict(), Removed: []string{}, Marking: Marking{From: d.From(), To: d.To()}, Reasons: []ExplainedReason{},
		Evidence: d.Evidence()}
	for _, c := range d.Reasons() {
		e.Reasons = append(e.Reasons, ExplainedReason{Reason: c.Reason, Rule: c.Rule, Basis: c.Basis, Text: c.Text, in: c.In})
	}
	for _, r := range d.Removed() {
		e.Removed = append(e.Removed, r.Path)
		e.Reasons = append(e.Reasons, ExplainedReason{Reason: r.Reason, Rule: r.Rule, Basis: r.Basis, Text: r.Text, Path: r.Path, in: r.In})
	}
	return e
}

// ExitCode is what `explain` ends with: 0 when every object may go, at least
// in part; 4 when any is held; else 3.
func (e *Explanation) ExitCode() int {
	code := 0
	for _, o := range e.Objects {
		switch o.Verdict {
		case federation.Hold:
			return 4
		case federation.Withhold:
			code = 3
		}
	}
	return code
}
