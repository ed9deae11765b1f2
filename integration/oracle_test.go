package integration

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The oracle says what may lie where. It is written from the rules (the TLP
// definitions, the origin's residency list, the classification words, chapter
// V of the GDPR, the terms of the sample agreements) and shares no code with
// the product: not the parser, not the tables, not the policy.

// fact is one object of the workload as the oracle reads it.
type fact struct {
	id, pattern, tlp, scheme, class string
	contacts                        []string // addresses of persons in the note
	noteRed                         bool     // a granular marking makes the note TLP:RED
	personal, granular              bool
	residency                       []string
}

// Identifiers as FIRST and OASIS published them.
var tlpOf = map[string]string{
	"94868c89-83c2-464b-929b-a1a8aa3c8487": "clear", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
	"55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber", "939a9414-2ddd-4d32-a0cd-375ea402b003": "strict",
	"e828b379-4e03-4974-9ac4-e53a884c97c1": "red", "613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
	"34098fce-860f-48ae-8e50-ebd3cc5e41da": "green", "f88d31f6-486f-44da-b317-01333bde0b82": "amber",
	"5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
}

// notClassified is each scheme's word for material that is not classified.
// OFFICIAL is missing on purpose: it is the lowest tier of the British scheme.
var notClassified = map[string]string{
	"de-vs": "OFFEN", "fr-2021": "NON PROTÉGÉ", "nl-national": "ONGERUBRICEERD", "pl-national": "JAWNE",
	"it-national": "NON CLASSIFICATO", "es-national": "SIN CLASIFICAR", "se-national": "ÖPPEN", "fi-national": "JULKINEN",
	"us-eo13526": "UNCLASSIFIED", "jp-government": "公開", "ua-state-secrets": "ВІДКРИТА", "ro-national": "NECLASIFICAT",
	"ee-national": "AVALIK", "ch-isg": "NICHT KLASSIFIZIERT", "gr-national": "ΑΔΙΑΒΑΘΜΗΤΟ",
}

// union are the member states of the European Union, area the rest of the EEA.
var (
	union = strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
	area  = strings.Fields("IS LI NO")
)

// readFacts reads workload lines: bundles or bare objects.
func readFacts(t testing.TB, lines []byte) []fact {
	t.Helper()
	type object struct {
		ID       string   `json:"id"`
		Pattern  string   `json:"pattern"`
		Refs     []string `json:"object_marking_refs"`
		Granular []struct {
			Ref       string   `json:"marking_ref"`
			Selectors []string `json:"selectors"`
		} `json:"granular_markings"`
		Ext map[string]struct {
			Scheme    string   `json:"scheme"`
			Class     string   `json:"classification"`
			Residency []string `json:"residency"`
			Personal  bool     `json:"personal_data"`
			Note      struct {
				Contacts []string `json:"contacts"`
			} `json:"note"`
		} `json:"extensions"`
	}
	var out []fact
	for line := range strings.Lines(string(lines)) {
		var b struct {
			Objects []object `json:"objects"`
		}
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatal(err)
		}
		for _, o := range b.Objects {
			f := fact{id: o.ID, pattern: o.Pattern, granular: len(o.Granular) > 0}
			for _, r := range o.Refs {
				f.tlp = tlpOf[strings.TrimPrefix(r, "marking-definition--")]
			}
			for _, g := range o.Granular {
				f.noteRed = f.noteRed || tlpOf[strings.TrimPrefix(g.Ref, "marking-definition--")] == "red"
			}
			for _, e := range o.Ext {
				f.scheme, f.class, f.residency, f.personal, f.contacts = e.Scheme, e.Class, e.Residency, e.Personal, e.Note.Contacts
			}
			out = append(out, f)
		}
	}
	return out
}

// place is a node as the oracle sees it: where what it holds has been.
type place struct {
	name     string
	visited  []string // countries on the way, its own last
	hops     int      // borders crossed from the origin
	personal bool     // may personal data be there
}

// forbidden says why the object may not be at a place, "" if it may.
func (f fact) forbidden(p place) string {
	switch {
	case f.tlp == "":
		return "nobody said how it may be shared"
	case f.tlp == "red":
		return "TLP:RED is for named persons"
	case f.tlp == "strict":
		return "TLP:AMBER+STRICT is above the ceiling TLP:AMBER of the agreements"
	case f.tlp == "amber" && p.hops > 1:
		return "TLP:AMBER ends at the first recipient"
	}
	if f.class != notClassified[f.scheme] && !(f.class == "VS-NUR FÜR DEN DIENSTGEBRAUCH" && p.hops == 1) {
		return "classified " + f.class + " of " + f.scheme
	}
	if len(f.residency) > 0 {
		for _, c := range p.visited {
			if !resides(f.residency, c) {
				return "residency " + strings.Join(f.residency, ",")
			}
		}
	}
	if !p.personal && strings.HasPrefix(f.pattern, "[email-addr:") {
		return "an e-mail address is personal data"
	}
	return ""
}

// resides reports whether a country is in a residency list.
func resides(list []string, country string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		switch entry {
		case "EU":
			return slices.Contains(union, country)
		case "EEA":
			return slices.Contains(union, country) || slices.Contains(area, country)
		}
		return entry == country
	})
}

// noteForbidden says why what persons wrote may not be at a place.
func (f fact) noteForbidden(p place) string {
	switch {
	case f.forbidden(p) != "":
		return f.forbidden(p)
	case f.noteRed:
		return "the note is TLP:RED"
	case f.personal && !p.personal:
		return "personal data"
	}
	return ""
}

// unrestricted reports whether nothing at all restricts the object: such must
// arrive.
func (f fact) unrestricted() bool {
	return (f.tlp == "clear" || f.tlp == "green") && f.class == notClassified[f.scheme] && len(f.residency) == 0 &&
		!f.personal && !f.granular && !strings.HasPrefix(f.pattern, "[email-addr:")
}

var (
	idForm   = regexp.MustCompile(`[a-z-]+--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	mailForm = regexp.MustCompile(`[a-z]+(?:\.|-)[a-z-]+[0-9]*@[a-z0-9.-]+[a-z]`)
)

// leak is one thing that lies where it may not.
type leak struct{ what, why string }

// leaks looks through text (what a node keeps or got) for anything that may
// not be at the place.
func leaks(facts []fact, p place, text []byte) []leak {
	ids, mails := map[string]string{}, map[string]string{}
	allowed := map[string]bool{}
	for _, f := range facts {
		if why := f.forbidden(p); why != "" {
			ids[f.id] = why
		}
		for _, c := range f.contacts {
			if why := f.noteForbidden(p); why != "" {
				mails[c] = why
			} else {
				allowed[c] = true
			}
		}
	}
	var out []leak
	seen := map[string]bool{}
	found := func(in map[string]string, what string) {
		if why := in[what]; why != "" && !seen[what] && !allowed[what] {
			seen[what] = true
			out = append(out, leak{what, why})
		}
	}
	for _, m := range idForm.FindAll(text, -1) {
		found(ids, string(m))
	}
	for _, m := range mailForm.FindAll(text, -1) {
		found(mails, string(m))
	}
	return out
}

// The oracle itself must be able to say no, or it proves nothing.
func TestOracleFindsPlantedLeaks(t *testing.T) {
	const id = "indicator--00000000-0000-4000-8000-000000000001"
	pl := place{name: "pl", visited: []string{"DE", "PL"}, hops: 1, personal: true}
	jp := place{name: "jp", visited: []string{"DE", "PL", "JP"}, hops: 2, personal: true}
	ministry := place{name: "ministry", visited: []string{"DE", "PL", "JP"}, hops: 2}
	base := fact{id: id, pattern: "[domain-name:value = 'a.example']", tlp: "green", scheme: "de-vs", class: "OFFEN"}
	for name, c := range map[string]struct {
		change func(*fact)
		at     place
		text   string
		leaks  int
	}{
		"green anywhere":        {func(*fact) {}, jp, id, 0},
		"red at the first":      {func(f *fact) { f.tlp = "red" }, pl, id, 1},
		"amber at the first":    {func(f *fact) { f.tlp = "amber" }, pl, id, 0},
		"amber at the second":   {func(f *fact) { f.tlp = "amber" }, jp, id, 1},
		"strict":                {func(f *fact) { f.tlp = "strict" }, pl, id, 1},
		"unmarked":              {func(f *fact) { f.tlp = "" }, pl, id, 1},
		"EU only, in Japan":     {func(f *fact) { f.residency = []string{"EU"} }, jp, id, 1},
		"EU only, in Poland":    {func(f *fact) { f.residency = []string{"EU"} }, pl, id, 0},
		"France only":           {func(f *fact) { f.residency = []string{"FR"} }, pl, id, 1},
		"VS-NfD at the first":   {func(f *fact) { f.class = "VS-NUR FÜR DEN DIENSTGEBRAUCH" }, pl, id, 0},
		"VS-NfD at the second":  {func(f *fact) { f.class = "VS-NUR FÜR DEN DIENSTGEBRAUCH" }, jp, id, 1},
		"red note":              {func(f *fact) { f.noteRed, f.contacts = true, []string{"x.beispiel1@victim.example"} }, pl, "x.beispiel1@victim.example", 1},
		"personal at ministry":  {func(f *fact) { f.personal, f.contacts = true, []string{"x.beispiel1@victim.example"} }, ministry, "x.beispiel1@victim.example", 1},
		"personal at carrier":   {func(f *fact) { f.personal, f.contacts = true, []string{"x.beispiel1@victim.example"} }, jp, "x.beispiel1@victim.example", 0},
		"mail pattern ministry": {func(f *fact) { f.pattern = "[email-addr:value = 'a@b.example']" }, ministry, id, 1},
	} {
		f := base
		c.change(&f)
		if got := leaks([]fact{f}, c.at, []byte("... "+c.text+" ...")); len(got) != c.leaks {
			t.Errorf("%s: %v, want %d", name, got, c.leaks)
		}
	}
}
