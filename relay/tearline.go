package relay

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// A tear-line is what of an object may go to more readers, as its originator
// marked its parts (classification reference §5): an object of its own, with a
// new id, whole days for times, and nothing that was not marked. A part without a
// marking of its own inherits that of the whole, so it stays. Two persons agree
// to exactly this object before it is signed.

// tearLine makes the object for one label; id and at are new.
type tearLine struct {
	of *policy.Subject
	to mapping.TLP
	id string
	at time.Time
}

// object makes the tear-line, or says why there is none. The same input gives
// the same bytes, so that what persons signed can be made again.
func (t *tearLine) object() (*stix.Object, error) {
	o := t.of.Object()
	if err := t.possible(); err != nil {
		return nil, err
	}
	marked, err := t.marked()
	if err != nil {
		return nil, err
	}
	id, _ := marking.TLPObject(t.to)
	out := map[string]any{"type": o.Type(), "spec_version": "2.1", "id": t.id, "created": day(t.at), "modified": day(t.at), "object_marking_refs": []string{id}}
	if h := t.binding(); len(h) > 1 {
		out["extensions"] = map[string]any{stix.HandlingExtension: h}
	}
	switch o.Type() {
	case "indicator":
		err = t.indicator(marked, out)
	case "malware":
		err = t.malware(marked, out)
	}
	if err == nil {
		err = t.leftover(marked, out)
	}
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return stix.Parse(raw)
}

// possible refuses what has no tear-line at all.
func (t *tearLine) possible() error {
	o, h := t.of.Object(), t.of.Handling()
	no := func(r federation.Reason, detail, hint string) error {
		return &federation.Refusal{Reason: r, Where: o.ID(), Detail: detail, Hint: hint}
	}
	switch {
	case o.Type() != "indicator" && o.Type() != "malware":
		return no(federation.Unsupported, "a tear-line is made of an indicator or malware", "")
	case o.Revoked():
		return no(federation.Withdrawn, "it is revoked", "")
	case t.of.Problem() != nil:
		return t.of.Problem()
	case t.to < mapping.TLPClear || t.to >= h.TLP:
		return no(federation.Unsupported, fmt.Sprintf("%s is no lower than %s", t.to, h.TLP), "name a label for more readers")
	case len(h.Levels)+len(h.Compartments)+len(h.Caveats)+len(h.Contracts)+len(h.Statements) > 0 || h.Releasable.Restricted():
		return no(federation.NotReleasable, "it is classified, or bound by more than TLP, and its parts do not say what of that holds for them",
			"publish what may go as an object of its own, under its own marking")
	}
	return nil
}

// marked are the properties whose own marking lets them go to the label's
// readers: every marking that names them is one that is published, and no higher.
func (t *tearLine) marked() (map[string]bool, error) {
	out, above := map[string]bool{}, map[string]bool{}
	target := mapping.Handling{TLP: t.to}
	for _, g := range t.of.Object().Granular() {
		if g.MarkingRef == "" {
			continue // a language
		}
		h, known := marking.WellKnown(g.MarkingRef)
		for _, selector := range g.Selectors {
			if known && target.AtLeast(h) {
				out[selector] = true
			} else {
				above[selector] = true
			}
		}
	}
	for high := range above {
		for low := range out { // within a part that goes, or around it
			if high == low || strings.HasPrefix(high, low+".") || strings.HasPrefix(low, high+".") {
				return nil, &federation.Refusal{Reason: federation.NotReleasable, Where: t.of.Object().ID(), Detail: fmt.Sprintf("%s is marked higher than %s", high, t.to),
					Hint: "mark each part once"}
			}
		}
	}
	if len(out) == 0 {
		return nil, &federation.Refusal{Reason: federation.NotReleasable, Where: t.of.Object().ID(), Detail: fmt.Sprintf("no part of it is marked %s or lower", t.to),
			Hint: "mark its parts with granular_markings; a part without a marking has that of the whole"}
	}
	return out, nil
}

// binding are the facts of the whole that hold for every part.
func (t *tearLine) binding() map[string]any {
	out := binding(t.of.Object().Handling(), "", 1<<30, nil)
	delete(out, "reoriginated")
	return out
}

func (t *tearLine) needs(marked map[string]bool, names ...string) error {
	for _, n := range names {
		if !marked[n] {
			return &federation.Refusal{Reason: federation.NotReleasable, Where: t.of.Object().ID(), Detail: n + " is not marked, and nothing is left without it",
				Hint: "name it in granular_markings if it may go"}
		}
	}
	return nil
}

// indicator takes the pattern, written anew, and the marked texts and times.
func (t *tearLine) indicator(marked map[string]bool, into map[string]any) error {
	if err := t.needs(marked, "pattern"); err != nil {
		return err
	}
	o := t.of.Object()
	a := anonymous{now: t.at}
	if err := a.indicator(o, into); err != nil {
		return err
	}
	if !marked["indicator_types"] {
		delete(into, "indicator_types")
	}
	if !marked["valid_until"] {
		delete(into, "valid_until")
	}
	t.texts(marked, into, "name", "description")
	return nil
}

func (t *tearLine) malware(marked map[string]bool, into map[string]any) error {
	if err := t.needs(marked, "name"); err != nil {
		return err
	}
	take(t.of.Object(), into, "is_family")
	t.texts(marked, into, "name", "description")
	return nil
}

// texts copies marked texts as their author wrote them for these readers.
func (t *tearLine) texts(marked map[string]bool, into map[string]any, names ...string) {
	for _, n := range names {
		if text, ok := t.of.Object().Text(n); ok && marked[n] {
			into[n] = text
		}
	}
}

// formal are properties whose words are STIX's, not the author's.
var formal = []string{"type", "spec_version", "pattern_type", "pattern_version", "object_marking_refs", "granular_markings"}

// objectID is an id of a STIX object within a text (STIX 2.1 §2.9).
var objectID = regexp.MustCompile(`[a-z][a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// shortest is how many characters of a text that stays tell that it is meant.
const shortest = 6

// leftover refuses what still tells of a part that stays, or of the original: a
// text of such a part, an id of any object, its own id.
func (t *tearLine) leftover(marked map[string]bool, out map[string]any) error {
	o := t.of.Object()
	said := strings.Builder{}
	for _, n := range []string{"name", "description", "pattern"} {
		if text, ok := out[n].(string); ok {
			said.WriteString(plain(text) + "\n")
		}
	}
	text := said.String()
	if objectID.MatchString(text) {
		return federation.Refuse(federation.NotReleasable, o.ID(), "what may go names another object")
	}
	goes := func(path string) bool {
		for m := range marked {
			if path == m || strings.HasPrefix(path, m+".") {
				return true
			}
		}
		return false
	}
	for _, u := range o.Units() {
		if u.Container || goes(u.Path) || slices.Contains(formal, u.Path) {
			continue
		}
		for _, stays := range textsIn(u.Value) {
			if p := strings.TrimSpace(plain(stays)); len(p) >= shortest && strings.Contains(text, p) {
				return federation.Refuse(federation.NotReleasable, o.ID(), fmt.Sprintf("what may go repeats what %s says, which stays", u.Path))
			}
		}
	}
	return nil
}

// textsIn lists the strings in a JSON value.
func textsIn(raw []byte) []string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil // the object was checked: there is none
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case string:
			out = append(out, x)
		case []any:
			for _, e := range x {
				walk(e)
			}
		case map[string]any:
			for _, e := range x {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}

// newTearLine makes one of an object, under a new random id: one that is computed
// would tell which object it is of.
func newTearLine(of *policy.Subject, to mapping.TLP, now time.Time) *tearLine {
	return &tearLine{of: of, to: to, id: of.Object().Type() + "--" + uuid.NewString(), at: now}
}

// tearLineAgain is the tear-line that makes the object again that persons signed:
// what it makes is compared with that by digest.
func tearLineAgain(of *policy.Subject, signed *stix.Object) *tearLine {
	t := &tearLine{of: of, id: signed.ID(), at: signed.Created()}
	for _, ref := range signed.MarkingRefs() {
		h, _ := marking.WellKnown(ref)
		t.to = max(t.to, h.TLP)
	}
	return t
}
