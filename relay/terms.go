package relay

import (
	"encoding/json"

	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/translate"
)

// wordsOf lists the words of an object that stand in typed properties and
// may be looked up. Running text is not among them: words in it are not
// terms (an actor named "Play" is not every "play").
func wordsOf(o *stix.Object) []translate.Term {
	lang := o.Lang()
	var out []translate.Term
	list := func(path string, kind translate.Kind) {
		raw, ok := o.Get(path)
		if !ok {
			return
		}
		var words []string
		if json.Unmarshal(raw, &words) != nil {
			return // not a list of words: nothing to look up
		}
		for _, w := range words {
			out = append(out, translate.Term{Path: path, Text: w, Language: lang, Kind: kind})
		}
	}
	name := func(kind translate.Kind) {
		if text, ok := o.Text("name"); ok {
			out = append(out, translate.Term{Path: "name", Text: text, Language: lang, Kind: kind})
		}
		list("aliases", kind)
	}
	list("labels", translate.Incident)
	switch o.Type() {
	case "malware", "tool":
		name(translate.Malware)
	case "threat-actor", "intrusion-set", "campaign":
		name(translate.Actor)
	case "indicator":
		list("indicator_types", translate.Indicator)
	}
	var phases []struct {
		Phase string `json:"phase_name"`
	}
	if raw, ok := o.Get("kill_chain_phases"); ok && json.Unmarshal(raw, &phases) == nil {
		for _, p := range phases {
			out = append(out, translate.Term{Path: "kill_chain_phases", Text: p.Phase, Language: "en", Kind: translate.KillChain})
		}
	}
	return out
}

// annotate looks the words of an object up for readers of this node. Every
// candidate is given; a word that nobody knows gives none.
func (w *World) annotate(o *stix.Object) ([]dashboard.Annotation, error) {
	notes, err := w.Dictionary.Annotate(wordsOf(o), w.Language)
	if err != nil {
		return nil, err
	}
	var out []dashboard.Annotation
	for _, a := range notes {
		for _, c := range a.Candidates {
			if c.Term == a.Original {
				continue
			}
			out = append(out, dashboard.Annotation{Path: a.Path, Original: a.Original, Term: c.Term, Language: c.Language,
				Scheme: c.Scheme, Relation: string(c.Relation), Source: c.Source})
		}
	}
	return out, nil
}
