package stix

import (
	"net/netip"
	"slices"

	"github.com/entente-relay/entente/federation"
)

// What detectors find, beside e-mail addresses, telephone numbers and IP
// addresses (see content.go).
type detection uint8

const (
	nationalNumber detection = iota
	paymentData
	healthData
	subscriberRecord
	callRecord
	victimAddress
	price
	detections // how many there are
)

// detectionKinds says what kind of content each is and which category of data
// it makes. What a provider knows of its customers is personal data too.
var detectionKinds = [detections]struct {
	holds    string
	category federation.Category
	personal bool
}{
	nationalNumber:   {HoldsNationalID, federation.Personal, true},
	paymentData:      {HoldsPayment, federation.Personal, true},
	healthData:       {HoldsHealth, federation.Personal, true},
	subscriberRecord: {HoldsSubscriber, federation.Subscriber, true},
	callRecord:       {HoldsCalls, federation.Subscriber, true},
	victimAddress:    {HoldsVictim, federation.Target, false},
	price:            {HoldsPrice, federation.Commercial, false},
}

// detector looks through the texts of one unit. It is reused from unit to
// unit: begin clears it.
type detector struct {
	hits   []hit
	some   [12]hit // where hits are, while they fit
	digits int
	seen   byteKind
	said   uint64 // topics spoken of in the text, as bits
	spoken uint64 // topics spoken of in the unit, as bits
	told   uint64 // topics of the text before, if it was short: {"pesel": "..."}
	prose  bool   // what is unsure counts
	party  bool   // a number that a telephone may have
	any    bool
	// reading is the number being read, in buf.
	reading number
	buf     [maxCompact + maxShape]byte
	found   [detections]struct {
		strength strength
		evidence string
	}
}

// begin makes it ready for the next unit.
func (d *detector) begin(prose bool) {
	if d.any {
		clear(d.found[:])
	}
	d.spoken, d.told, d.prose, d.party, d.any = 0, 0, prose, false, false
}

// note keeps the surest of what was found of a kind.
func (d *detector) note(what detection, s strength, evidence string) {
	if s == unsure && !d.prose {
		return
	}
	if f := &d.found[what]; s > f.strength {
		f.strength, f.evidence = s, evidence
		d.any = true
	}
}

// fewestDigits is how many digits there are in the shortest number that is
// looked for without a word before it; fewestAnnounced with one.
const (
	fewestDigits    = 6
	fewestAnnounced = 2
)

// announcing are the topics whose words announce numbers.
const announcing = 1<<aboutDiagnosis | 1<<aboutCaller - 1<<aboutNational

// shortText is how long a text may be to announce what the next one is, as the
// name of a member does.
const shortText = 48

// read finds words and kinds of bytes in one text; what else looks through the
// text needs to look only where these say so.
func (d *detector) read(text []byte) {
	if d.hits == nil {
		d.hits = d.some[:]
	}
	d.hits, d.digits, d.seen = detectorWords.scan(text, d.hits[:0])
	d.said = 0
	for i := range d.hits {
		d.said |= 1 << d.hits[i].topic
	}
	d.spoken |= d.said
}

// text looks through the text that was read last.
func (d *detector) text(text []byte, foreign func(netip.Addr) bool) {
	if d.digits >= fewestDigits || d.digits >= fewestAnnounced && (d.told|d.said)&announcing != 0 {
		d.numbers(text)
	}
	if d.said != 0 && d.prose {
		d.health()
		d.prices(text)
		d.victims(text, foreign)
	}
	d.told = 0
	if len(text) <= shortText {
		d.told = d.said
	}
}

// number judges one number.
func (d *detector) number(n *number) {
	if len(n.compact) >= 8 && n.whole {
		d.national(n)
		d.payment(n)
	}
	d.subscriber(n)
	d.diagnosis(n)
}

// Windows of announcing words, in bytes before the number, and after it.
const (
	announceBefore = 40
	announceClose  = 16
	announceAfter  = 4
)

// announced reports whether a word of a topic announces a number.
func (d *detector) announced(n *number, t topic) bool {
	return d.says(n, t, announceBefore, announceBefore)
}

// close is announced for numbers that have no form of their own: nothing but a
// word as short as "no." or "is" may stand between.
func (d *detector) close(n *number, t topic) bool { return d.says(n, t, announceClose, 2) }

// says reports whether a word of a topic stands so many bytes before a number,
// with so many letters between, or right behind it.
func (d *detector) says(n *number, t topic, before, letters int) bool {
	if d.told&(1<<t) != 0 && n.start < announceClose {
		return true
	}
	if d.spoken&(1<<t) == 0 {
		return false
	}
	for _, h := range d.around(n.start, n.end, before) {
		switch {
		case h.topic != t:
		case h.end <= n.start && n.start-h.end <= before && lettersIn(n.text[h.end:n.start]) <= letters,
			h.start >= n.end && h.start-n.end <= announceAfter:
			return true
		}
	}
	return false
}

func lettersIn(text []byte) (n int) {
	for _, c := range text {
		if byteKinds[c]&(isLetter|isLead) != 0 {
			n++
		}
	}
	return n
}

// longestWord is more than the longest word of the lexicon has, in bytes.
const longestWord = 64

// around returns the words that are no further than most from a place, and
// perhaps some more: words come in the order of the text, so that a text full of
// them costs no more a word than any other.
func (d *detector) around(start, end, most int) []hit {
	const few = 16
	if len(d.hits) <= few {
		return d.hits
	}
	byStart := func(h hit, at int) int { return h.start - at }
	first, _ := slices.BinarySearchFunc(d.hits, start-most-longestWord, byStart)
	last, _ := slices.BinarySearchFunc(d.hits, end+most+1, byStart)
	return d.hits[first:max(first, last)]
}

// report adds what was found in a unit to the findings of its object.
func (c *categorizer) report(unit int) {
	c.detector.calls()
	if !c.detector.any {
		return
	}
	for i, f := range c.detector.found {
		k := &detectionKinds[i]
		switch {
		case f.strength == nothing:
			continue
		case k.personal && f.strength == unsure && c.stated && !c.personal:
			continue // the origin rules it out
		}
		c.holds(unit, k.category, f.evidence, k.holds, f.strength == unsure)
		if k.category == federation.Subscriber {
			c.holds(unit, federation.Personal, f.evidence, k.holds, f.strength == unsure)
		}
		c.shown = c.shown || k.personal && f.strength == sure
	}
}
