package scheme

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// Read reads a marking as it is written: a level ("VS -NfD"), a level with
// caveats behind it ("OFFICIAL-SENSITIVE COMMERCIAL", "SECRET - UK EYES ONLY"), a
// banner ("SECRET//REL TO USA, GBR", "CUI//SP-PRVCY"), a portion mark
// ("(S//NF)") or a line of another authority ("//NATO SECRET//ATOMAL"). Name
// and time are those of [Tables.Resolve]. The handling has the level, if there
// is one, and what the words beside it narrow: countries, compartments, caveats.
//
// Nothing is searched for inside the text: every word of it has to be known, at
// its place, or the whole is refused, and a level that two schemes have is
// refused without an authority whatever stands beside it (laws A8, A9). The
// error is a *mapping.Fault.
//
// A text that has been read before costs no allocation.
func (t *Tables) Read(name, text string, at time.Time) (mapping.Handling, Standing, error) {
	key := written{name, text, t.epoch(at)}
	if u, ok := t.seen.get(key); ok {
		return u.handling, u.standing, nil
	}
	// The text may be a part of a whole message, which is not to be kept.
	key.name, key.text = strings.Clone(name), strings.Clone(text)
	r, err := t.readLine(key.name, key.text, at)
	if err != nil {
		return mapping.Handling{}, Unknown, err
	}
	t.seen.put(key, understood{r.handling, r.standing})
	return r.handling, r.standing, nil
}

// lineRead is a line that was understood, and in which scheme.
type lineRead struct {
	understood
	in   *ladder
	word reading // of the level at its beginning
}

// readLine is Read without memory.
func (t *Tables) readLine(name, text string, at time.Time) (lineRead, error) {
	l, r, err := t.resolve(name, text, at)
	if err == nil {
		return t.leveled(l, r, text, at), nil
	}
	fault, ok := errors.AsType[*mapping.Fault](err)
	if !ok || fault.Cause != mapping.UnknownLabel {
		return lineRead{}, err // a word, but not to be taken; or no scheme
	}
	b, err := marking.ParseBanner(text)
	if err != nil {
		return lineRead{}, err
	}
	if b.Foreign != "" {
		return t.foreign(b, at)
	}
	candidates := t.ladders
	if name != "" {
		candidates = t.named(name)
	}
	return t.line(candidates, name, b, at, fault)
}

// foreign reads a line that names its authority itself, such as "//DEU GEHEIM"
// in a document of another country. The words behind the level are those of the
// country that the document is from, so both know them.
func (t *Tables) foreign(b marking.Banner, at time.Time) (lineRead, error) {
	of := b.Foreign
	if of != "nato" {
		country, ok := alpha2(strings.ToUpper(of))
		if !ok || len(of) != 3 {
			return lineRead{}, &mapping.Fault{
				Cause: mapping.UnknownScheme, Law: "A8", What: of, Text: "the line begins with // and this is no country's three letters",
				Hint: "a person must say whose information it is",
			}
		}
		of = country
	}
	b.Foreign = ""
	return t.line(t.named(of), of, b, at, nil)
}

// line reads a banner in the one candidate that has its level.
func (t *Tables) line(candidates []*ladder, name string, b marking.Banner, at time.Time, unknown *mapping.Fault) (lineRead, error) {
	var having []*ladder
	for _, l := range candidates {
		if l.inForce(at) && l.beginsWithLevel(b.Level, at) {
			having = append(having, l)
		}
	}
	if name == "" && len(having) > 1 {
		return lineRead{}, &mapping.Fault{
			Cause: mapping.Ambiguous, Law: "A9", What: b.Level, Text: "it means something in " + idsOf(having), Hint: "name the scheme",
		}
	}
	var read []lineRead
	var problem *mapping.Fault
	for _, l := range having {
		got, fault := t.lineIn(l, b, at)
		switch {
		case fault == nil:
			read = append(read, got)
		case problem == nil:
			problem = fault
		}
	}
	switch {
	case len(read) == 1:
		return read[0], nil
	case len(read) > 1:
		problem = &mapping.Fault{Cause: mapping.Ambiguous, Law: "A9", What: b.Level, Text: "it means something in " + idsOf(having), Hint: "name the scheme"}
	case problem != nil:
	case unknown != nil:
		problem = unknown
	default:
		problem = unknownLabel(b.Level, name, candidates)
	}
	return lineRead{}, problem
}

// lineIn reads a banner in one scheme: the longest level at its beginning behind
// which every word is known.
func (t *Tables) lineIn(l *ladder, b marking.Banner, at time.Time) (lineRead, *mapping.Fault) {
	var first *mapping.Fault
	for end := range levelEnds(b.Level) {
		r, ok := l.find(b.Level[:end])
		if !ok || !r.usable(l, at) {
			continue
		}
		got := t.leveled(l, r, b.Level[:end], at)
		fault := t.besides(l, trimBeside(b.Level[end:]), b.Beside, at, &got.handling)
		if fault == nil {
			if len(got.handling.Levels) > 0 {
				got.standing = Classified
			}
			return got, nil
		}
		if first == nil {
			first = fault
		}
	}
	return lineRead{}, first
}

// leveled is what a level says alone.
func (t *Tables) leveled(l *ladder, r reading, label string, at time.Time) lineRead {
	got := lineRead{understood: understood{standing: Unclassified}, in: l, word: r}
	if r.none {
		return got
	}
	level := t.level(l, r.rank)
	level.Label, level.Created = label, t.start(t.epoch(at))
	got.handling.Levels, got.standing = []mapping.Level{level}, Classified
	return got
}

// besides joins what stands behind the level: the rest of its own segment, and
// the further segments.
func (t *Tables) besides(l *ladder, rest string, segments []string, at time.Time, h *mapping.Handling) *mapping.Fault {
	if rest != "" {
		segments = append([]string{rest}, segments...)
	}
	for _, s := range segments {
		part, ok := t.segment(l, s, at)
		if !ok {
			return &mapping.Fault{
				Cause: mapping.UnknownMarking, Law: "A8", What: s,
				Text: fmt.Sprintf("%s knows no such caveat, code word or release list", l.ID),
				Hint: "a person must read it, or add it to the caveats or compartments of the scheme",
			}
		}
		*h = mapping.Join(*h, part)
	}
	return nil
}

// segment reads one segment: one word, or several divided by slashes. A word
// that is a handling word of the scheme (FOUO) is a level.
func (t *Tables) segment(l *ladder, text string, at time.Time) (mapping.Handling, bool) {
	if h, ok := t.beside(l, text, at); ok {
		return h, true
	}
	var all mapping.Handling
	n := 0
	for part := range strings.SplitSeq(text, "/") {
		h, ok := t.beside(l, strings.TrimSpace(part), at)
		if !ok {
			return mapping.Handling{}, false
		}
		all = mapping.Join(all, h)
		n++
	}
	return all, n > 1
}

// beside reads one word beside the level.
func (t *Tables) beside(l *ladder, text string, at time.Time) (mapping.Handling, bool) {
	if h, ok := l.addition(text); ok {
		return h, true
	}
	if r, ok := l.find(text); ok && r.rank != 0 && l.rung(r.rank).Handling && r.usable(l, at) {
		return t.leveled(l, r, text, at).handling, true
	}
	return mapping.Handling{}, false
}

// beginsWithLevel reports whether a level of the scheme that may be used stands
// at the beginning of a text, as whole words.
func (l *ladder) beginsWithLevel(text string, at time.Time) bool {
	for end := range levelEnds(text) {
		if r, ok := l.find(text[:end]); ok && r.usable(l, at) {
			return true
		}
	}
	return false
}

// mostWords is how many words at the beginning of a line can belong to its level;
// the longest shipped one has seven. It bounds what a hostile line costs.
const mostWords = 16

// levelEnds lists where a level at the beginning of a text may end, longest
// first: at its end, and before a blank, comma or bracket.
func levelEnds(text string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		if !yield(len(text)) {
			return
		}
		var ends [mostWords]int
		n := 0
		for i := 1; i < len(text) && n < mostWords; i++ {
			if strings.IndexByte(" ,[", text[i]) >= 0 {
				ends[n] = i
				n++
			}
		}
		for n--; n >= 0; n-- {
			if !yield(ends[n]) {
				return
			}
		}
	}
}

// trimBeside removes what joins a level and the words behind it: "SECRET - UK
// EYES ONLY", "OFFICIAL-SENSITIVE [COMMERCIAL]".
func trimBeside(rest string) string {
	rest = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(rest), "-,:"))
	if inner, ok := strings.CutPrefix(rest, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			return strings.TrimSpace(inner)
		}
	}
	return rest
}

// Understand returns the handling of what a marking said: that which needed no
// tables, joined with its words, read in their schemes at a time. Words without
// a level ("NOFORN" as a tag) narrow what other markings say. The error is a
// *mapping.Fault.
func (t *Tables) Understand(s marking.Said, at time.Time) (mapping.Handling, error) {
	h := s.Handling
	for _, w := range s.Words {
		part, err := t.words(w, at)
		if err != nil {
			return mapping.Handling{}, err
		}
		h = mapping.Join(h, part)
	}
	return h, nil
}

// words reads the words of one scheme.
func (t *Tables) words(w marking.Words, at time.Time) (mapping.Handling, error) {
	var h mapping.Handling
	l := t.byID[w.Scheme]
	if w.Level != "" {
		level, standing, err := t.Resolve(w.Scheme, w.Level, at)
		if err != nil {
			return h, err
		}
		if standing == Classified {
			h.Levels = []mapping.Level{level}
			l = t.byID[level.Scheme]
		}
	}
	if len(w.Beside) == 0 {
		return h, nil
	}
	if l == nil {
		return mapping.Handling{}, &mapping.Fault{Cause: mapping.UnknownScheme, Law: "A8", What: w.Scheme, Text: "no loaded scheme has this id"}
	}
	if fault := t.besides(l, "", w.Beside, at, &h); fault != nil {
		return mapping.Handling{}, fault
	}
	return h, nil
}
