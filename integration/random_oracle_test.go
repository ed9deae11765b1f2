package integration

import (
	"fmt"
	"slices"
	"testing"
)

// The rules for random federations: what each text says that an object's
// author and a pair of regions agreed, edge by edge. An object may be where a
// way of edges leads that all let it pass.

// stage says how far an object has come: TLP:AMBER ends at the first
// recipient's clients, AMBER+STRICT at the first recipient.
type stage int

const (
	atOrigin stage = iota
	atFirst
	beyond
)

func (s stage) next() stage { return min(s+1, beyond) }

// stops says why a deal keeps an object from passing, "" if nothing does.
func (e *experiment) stops(o *thing, d deal, s stage) string {
	if why := audience(o.label(), d, s); why != "" {
		return why
	}
	if o.round > 0 && d.paused {
		return "the link is paused"
	}
	if o.classified() {
		if !d.exercise || s != atOrigin || o.class != "VS-NUR FÜR DEN DIENSTGEBRAUCH" || o.label() == "clear" {
			return "classified " + o.class
		}
	}
	for _, c := range slices.Concat([]string{e.countries[o.at], e.countries[d.to]}, d.storage, d.transit) {
		if len(o.residency) > 0 && !resides(o.residency, c) {
			return fmt.Sprintf("residency %v, and it would lie in or pass %s", o.residency, c)
		}
	}
	if len(o.releasable) > 0 && !slices.Contains(o.releasable, e.countries[d.to]) {
		return fmt.Sprintf("releasable to %v only", o.releasable)
	}
	for _, p := range d.purposes {
		if len(o.purpose) > 0 && !slices.Contains(o.purpose, p) {
			return fmt.Sprintf("for %v only, and the peer uses it for %s", o.purpose, p)
		}
	}
	if o.mail && !e.personalMay(o, d) {
		return "an e-mail address is personal data"
	}
	return ""
}

// audience is the TLP with what a deal says of it.
func audience(label string, d deal, s stage) string {
	switch {
	case label == "":
		return "nobody said how it may be shared"
	case label == "red":
		return "TLP:RED is for named persons"
	case ranks[label] > ranks[d.ceiling]:
		return label + " is above the ceiling " + d.ceiling
	case label == "strict" && s != atOrigin:
		return "TLP:AMBER+STRICT ends at the first recipient"
	case label == "strict" && d.version != "2.0":
		return "TLP 1.0 cannot say AMBER+STRICT"
	case label == "amber" && s != atOrigin && (s != atFirst || !d.client):
		return "TLP:AMBER ends at the first recipient and its clients"
	case label != "clear" && !d.community && !d.client:
		return "outside the community"
	}
	return ""
}

// personalMay says whether personal data may go: the terms name it, and
// chapter V of the GDPR lets it where the law reaches. To the outside it may
// where a decision of the Commission covers country and recipient.
func (e *experiment) personalMay(o *thing, d deal) bool {
	inside := func(i int) bool {
		return slices.Contains(union, e.countries[i]) || slices.Contains(area, e.countries[i])
	}
	if !slices.Contains(d.data, "personal") {
		return false
	}
	switch {
	case inside(d.to):
		return d.kind == "authority" || d.kind == "business-operator"
	case !inside(o.at) && !inside(d.from):
		return true // not the GDPR's matter, and no other law is in the rules
	case e.countries[d.to] == "JP":
		return d.kind == "business-operator"
	case e.countries[d.to] == "CH":
		return d.kind != "law-enforcement"
	}
	return false // the United States need a certificate, which nobody has here
}

// noteStops says why what a person wrote does not pass, although the object
// may.
func (e *experiment) noteStops(o *thing, d deal, s stage) string {
	switch why := e.stops(o, d, s); {
	case why != "":
		return why
	case o.noteRed:
		return "the note is TLP:RED"
	case !e.personalMay(o, d):
		return "the note names a person"
	}
	return ""
}

// reach returns the regions that an object can come to, where pass says which
// deals let it through.
func (e *experiment) reach(o *thing, pass func(deal, stage) bool) []bool {
	var seen [beyond + 1][]bool
	for s := range seen {
		seen[s] = make([]bool, len(e.countries))
	}
	type state struct {
		at int
		s  stage
	}
	todo := []state{{o.at, atOrigin}}
	out := make([]bool, len(e.countries))
	for len(todo) > 0 {
		x := todo[0]
		todo = todo[1:]
		if seen[x.s][x.at] {
			continue
		}
		seen[x.s][x.at], out[x.at] = true, true
		for _, d := range e.deals() {
			if d.from == x.at && pass(d, x.s) {
				todo = append(todo, state{d.to, x.s.next()})
			}
		}
	}
	return out
}

// ruling is what the oracle says of one object, for each region.
type ruling struct {
	of              *thing
	may, note, must []bool
}

// rule judges every thing. What must arrive is what nothing restricts on some
// way; for a relationship or report, where all it refers to must arrive too.
func (e *experiment) rule() map[string]ruling {
	out := map[string]ruling{}
	for i := range e.things {
		o := &e.things[i]
		v := ruling{of: o,
			may:  e.reach(o, func(d deal, s stage) bool { return e.stops(o, d, s) == "" }),
			note: e.reach(o, func(d deal, s stage) bool { return e.noteStops(o, d, s) == "" }),
			must: make([]bool, len(e.countries)),
		}
		if o.free() && (len(o.residency) == 0 || resides(o.residency, e.countries[o.at])) {
			// Where two ways lead on, TLP:AMBER may come by the client's first
			// and count as second-hand: only the first recipients are sure.
			v.must = e.reach(o, func(d deal, s stage) bool { return e.surely(o, d, s, out) })
			for _, id := range o.refs { // what its own region has not judged yet, or refused, it cannot judge
				v.must[o.at] = v.must[o.at] && out[id].must[o.at]
			}
		}
		out[o.id] = v
	}
	return out
}

// surely reports whether a deal lets an object pass, and with it all that it
// cannot go without: that has come to the same region, by whatever way, and
// would pass from there too.
func (e *experiment) surely(o *thing, d deal, s stage, rulings map[string]ruling) bool {
	if e.stops(o, d, s) != "" || s != atOrigin && ranks[o.label()] >= ranks["amber"] {
		return false
	}
	for _, id := range o.refs {
		v, ok := rulings[id]
		if !ok || !v.must[d.from] {
			return false
		}
		from := beyond
		if v.of.at == d.from {
			from = atOrigin
		}
		if !e.surely(v.of, d, from, rulings) {
			return false
		}
	}
	return true
}

// free reports whether nothing restricts an object but its label and its
// places.
func (o *thing) free() bool {
	return o.label() != "" && !o.mixed() && !o.classified() && len(o.releasable) == 0 && len(o.purpose) == 0 &&
		!o.mail && o.personal != "yes" && !o.noteRed
}

// why explains what keeps an object from a region, edge by edge.
func (e *experiment) why(o *thing, at int) string {
	out := ""
	for _, d := range e.deals() {
		if d.to == at {
			out += fmt.Sprintf("; from %s: first hand %q, second hand %q", e.name(d.from), e.noteStops(o, d, atOrigin), e.noteStops(o, d, beyond))
		}
	}
	return out
}

// TestRandomOracleSaysNo checks the rules against cases worked out by hand:
// DE -> PL -> JP, all terms generous.
func TestRandomOracleSaysNo(t *testing.T) {
	type wanted struct{ may, note, must string }
	const (
		clear = "94868c89-83c2-464b-929b-a1a8aa3c8487"
		green = "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
		amber = "f88d31f6-486f-44da-b317-01333bde0b82"
		hard  = "939a9414-2ddd-4d32-a0cd-375ea402b003"
		red   = "5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
	)
	for name, c := range map[string]struct {
		o      thing
		change func(pl, jp *deal)
		want   wanted // a digit for each region: 1 where it is
	}{
		"clear":               {thing{marks: []string{clear}}, nil, wanted{"111", "111", "111"}},
		"unmarked":            {thing{}, nil, wanted{"100", "100", "000"}},
		"green":               {thing{marks: []string{green}}, nil, wanted{"111", "111", "111"}},
		"green, no community": {thing{marks: []string{green}}, func(_, jp *deal) { jp.community = false }, wanted{"110", "110", "110"}},
		"amber":               {thing{marks: []string{amber}}, nil, wanted{"110", "110", "110"}},
		"amber, client":       {thing{marks: []string{amber}}, func(_, jp *deal) { jp.client = true }, wanted{"111", "111", "110"}},
		"strict":              {thing{marks: []string{hard}}, nil, wanted{"110", "110", "110"}},
		"strict, TLP 1.0":     {thing{marks: []string{hard}}, func(pl, _ *deal) { pl.version = "1.0" }, wanted{"100", "100", "100"}},
		"red among clear":     {thing{marks: []string{clear, red}}, nil, wanted{"100", "100", "000"}},
		"over the ceiling":    {thing{marks: []string{green}}, func(pl, _ *deal) { pl.ceiling = "clear" }, wanted{"100", "100", "100"}},
		"EU only":             {thing{marks: []string{clear}, residency: []string{"EU"}}, nil, wanted{"110", "110", "110"}},
		"EU only, by Japan":   {thing{marks: []string{clear}, residency: []string{"EU"}}, func(pl, _ *deal) { pl.transit = []string{"JP"} }, wanted{"100", "100", "100"}},
		"Poland only, at DE":  {thing{marks: []string{clear}, residency: []string{"PL"}}, nil, wanted{"100", "100", "000"}},
		"level":               {thing{marks: []string{green}, scheme: "de-vs", class: "GEHEIM"}, nil, wanted{"100", "100", "000"}},
		"VS-NfD, exercise":    {thing{marks: []string{green}, scheme: "de-vs", class: "VS-NUR FÜR DEN DIENSTGEBRAUCH"}, func(pl, _ *deal) { pl.exercise = true }, wanted{"110", "110", "000"}},
		"a word, no level":    {thing{marks: []string{green}, scheme: "de-vs", class: "OFFEN"}, nil, wanted{"111", "111", "111"}},
		"red note":            {thing{marks: []string{green}, noteRed: true}, nil, wanted{"111", "100", "000"}},
		"note, authority":     {thing{marks: []string{green}}, func(_, jp *deal) { jp.kind = "authority" }, wanted{"111", "110", "111"}},
		"note, not in terms":  {thing{marks: []string{green}}, func(pl, _ *deal) { pl.data = nil }, wanted{"111", "100", "111"}},
		"address, authority":  {thing{marks: []string{green}, mail: true}, func(_, jp *deal) { jp.kind = "authority" }, wanted{"110", "110", "000"}},
		"release list":        {thing{marks: []string{green}, releasable: []string{"PL"}}, nil, wanted{"110", "110", "000"}},
		"other purpose":       {thing{marks: []string{green}, purpose: []string{"research"}}, nil, wanted{"100", "100", "000"}},
	} {
		kind := deal{kind: "business-operator", ceiling: "strict", version: "2.0", community: true, purposes: []string{"network-security"}, data: []string{"personal"}}
		pl, jp := kind, kind
		pl.to, jp.from, jp.to = 1, 1, 2
		if c.change != nil {
			c.change(&pl, &jp)
		}
		e := &experiment{countries: []string{"DE", "PL", "JP"}, links: []link{{a: 0, b: 1, ab: pl}, {a: 1, b: 2, ab: jp}}, things: []thing{c.o}}
		v := e.rule()[""]
		if got := (wanted{digits(v.may), digits(v.note), digits(v.must)}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func digits(in []bool) string {
	out := ""
	for _, b := range in {
		if b {
			out += "1"
		} else {
			out += "0"
		}
	}
	return out
}
