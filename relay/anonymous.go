package relay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

// anonymous makes, from an object of a source that stays unnamed, an object of
// this node's own. What it takes over is a closed list: everything else, such
// as names, texts, references and identifiers, could name the source.
type anonymous struct {
	now   time.Time
	newID map[string]string // of the originals that are done in the same call
}

// object returns the new object. Times are whole days, so that they tell
// nothing of when the source saw what.
func (a *anonymous) object(s *policy.Subject, commitment string, keep time.Time) (*stix.Object, error) {
	o := s.Object()
	if err := tellable(s); err != nil {
		return nil, err
	}
	left := int(keep.Sub(a.now) / aDay)
	if !keep.IsZero() && left < 1 {
		return nil, federation.Refuse(federation.Expired, o.ID(), "less than a day is left of the time for which it may be kept")
	}
	today := day(a.now)
	out := map[string]any{"type": o.Type(), "spec_version": "2.1", "id": a.newID[o.ID()], "created": today, "modified": today}
	if refs := o.MarkingRefs(); len(refs) > 0 {
		out["object_marking_refs"] = refs
	}
	if n, ok := o.Confidence(); ok {
		out["confidence"] = n
	}
	var err error
	switch o.Type() {
	case "indicator":
		err = a.indicator(o, out)
	case "malware":
		take(o, out, "name", "is_family")
	case "relationship":
		err = a.relationship(o, out)
	}
	if err != nil {
		return nil, err
	}
	out["extensions"] = map[string]any{stix.HandlingExtension: binding(o.Handling(), commitment, left, out)}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("%s, re-originated: %w", o.ID(), err)
	}
	return stix.Parse(raw)
}

// tellable refuses what cannot be said without the source's own words, or not at
// all.
func tellable(s *policy.Subject) error {
	o, h := s.Object(), s.Handling()
	refuse := func(r federation.Reason, detail string) error { return federation.Refuse(r, o.ID(), detail) }
	switch {
	case o.Revoked():
		return refuse(federation.Withdrawn, "its issuer revoked it")
	case len(o.Granular()) > 0:
		return refuse(federation.NotReleasable, "parts of it are marked apart, and the parts do not go along")
	case h.TLP >= mapping.TLPAmberStrict:
		return refuse(federation.TLPAudience, "it is for this organisation only")
	case len(h.Levels)+len(h.Compartments)+len(h.Caveats)+len(h.Contracts)+len(h.Statements) > 0 || h.Releasable.Restricted():
		return refuse(federation.NotReleasable, "its protection is said in words that name the source")
	}
	return nil
}

// day is the first moment of a day in UTC, as STIX writes it.
func day(t time.Time) string { return t.UTC().Format("2006-01-02") + "T00:00:00.000Z" }

// binding are the handling facts of the new object: those of the original that
// bind and do not name it, and of the categories those of properties that went
// along.
func binding(h *stix.Handling, commitment string, left int, object map[string]any) map[string]any {
	out := map[string]any{"extension_type": "property-extension", "reoriginated": commitment}
	if h == nil {
		return out
	}
	if len(h.Residency) > 0 {
		out["residency"] = h.Residency
	}
	if len(h.Purpose) > 0 {
		out["purpose"] = h.Purpose
	}
	if h.RetainDays > 0 {
		out["retain_days"] = min(h.RetainDays, left)
	}
	if h.PersonalData != nil {
		out["personal_data"] = *h.PersonalData
	}
	said := map[string]federation.Category{}
	for path, category := range h.Categories {
		if _, taken := object[path]; taken {
			said[path] = category
		}
	}
	if len(said) > 0 {
		out["categories"] = said
	}
	return out
}

// take copies properties as they are.
func take(o *stix.Object, into map[string]any, names ...string) {
	for _, n := range names {
		if raw, ok := o.Get(n); ok {
			into[n] = json.RawMessage(raw)
		}
	}
}

// indicator takes over what the indicator is about. The pattern is written
// anew, because spacing, order and comments are as good as a name.
func (a *anonymous) indicator(o *stix.Object, into map[string]any) error {
	text, _ := o.Text("pattern")
	if kind, _ := o.Text("pattern_type"); kind != "stix" {
		return federation.Refuse(federation.Unsupported, o.ID(), "a pattern of another kind than STIX may hold its author's words")
	}
	p, err := stix.ParsePattern(text)
	if err != nil {
		return err
	}
	simple, err := p.Simple()
	if err != nil {
		return err
	}
	if into["pattern"], err = rewrite(simple); err != nil {
		return err
	}
	into["pattern_type"] = "stix"
	from := a.now.UTC().Truncate(24 * time.Hour)
	if at, ok := o.ValidFrom(); ok && at.After(from) {
		from = at.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1) // never before the source says
	}
	into["valid_from"] = day(from)
	if at, ok := o.ValidUntil(); ok {
		// Never longer than the source says.
		until := at.UTC().Truncate(24 * time.Hour)
		if !until.After(from) {
			return federation.Refuse(federation.Expired, o.ID(), "it is valid for less than a day more")
		}
		into["valid_until"] = day(until)
	}
	if words := vocabularyWords(o, "indicator_types", "anomalous-activity", "anonymization", "attribution", "benign", "compromised", "malicious-activity", "unknown"); len(words) > 0 {
		into["indicator_types"] = words
	}
	return nil
}

// vocabularyWords returns those words of a list that are in STIX's own vocabulary (2.1,
// section 10): others may be the source's.
func vocabularyWords(o *stix.Object, name string, vocabulary ...string) []string {
	raw, ok := o.Get(name)
	var words []string
	if !ok || json.Unmarshal(raw, &words) != nil {
		return nil // the object was checked: there is none
	}
	return slices.DeleteFunc(words, func(w string) bool { return !slices.Contains(vocabulary, w) })
}

// rewrite writes comparisons as a pattern that says the same: any of these.
func rewrite(cs []stix.Comparison) (string, error) {
	var out []string
	for _, c := range cs {
		if c.Negated || c.Op != "=" && c.Op != "IN" {
			return "", federation.Refuse(federation.Unsupported, "pattern", "only plain values can be written anew, not "+c.Op)
		}
		for _, v := range c.Values {
			out = append(out, "["+c.ObjectType+":"+quoted(c.Path)+" = '"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v)+"']")
		}
	}
	slices.Sort(out)
	text := strings.Join(slices.Compact(out), " OR ")
	if _, err := stix.ParsePattern(text); err != nil {
		return "", err
	}
	return text, nil
}

// quoted puts quotes around the steps of a path that need them.
func quoted(path string) string {
	steps := strings.Split(path, ".")
	for i, s := range steps {
		if strings.ContainsAny(s, "-") {
			steps[i] = "'" + s + "'"
		}
	}
	return strings.Join(steps, ".")
}

// relationship maps both ends to the new objects. An end that is not among
// them would have to be named as the source names it.
func (a *anonymous) relationship(o *stix.Object, into map[string]any) error {
	take(o, into, "relationship_type")
	for _, end := range []string{"source_ref", "target_ref"} {
		old, _ := o.Text(end)
		id, ok := a.newID[old]
		if !ok {
			return &federation.Refusal{Reason: federation.UnresolvedReference, Where: o.ID(), Detail: end + " is not re-originated with it", Hint: "name both ends in one call"}
		}
		into[end] = id
	}
	return nil
}

// name gives an original its new id.
func (a *anonymous) name(o *stix.Object) {
	a.newID[o.ID()] = o.Type() + "--" + uuid.NewString()
}
