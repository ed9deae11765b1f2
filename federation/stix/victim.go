package stix

import "net/netip"

const byVictimWord = "content: address beside a word for a victim"

// victimNear is how close an address and a word for its role have to be.
const victimNear = 48

// victims finds addresses in prose that a word close by calls a victim's. The
// closer of the words for victims and attackers counts, and it is a guess: "the
// victims contact 192.0.2.1" names the attacker.
func (d *detector) victims(text []byte, foreign func(netip.Addr) bool) {
	if d.spoken&(1<<aboutVictim) == 0 || d.digits == 0 {
		return
	}
	addressesAt(text, func(a netip.Addr, start, end int) bool {
		if v := d.distance(text, aboutVictim, start, end); v <= victimNear && v < d.distance(text, aboutAttacker, start, end) && foreign(a) {
			d.note(victimAddress, unsure, byVictimWord)
		}
		return false
	})
}

// distance is how far the closest word of a topic is from a place. Parts of
// names ("victim.example") are no words.
func (d *detector) distance(text []byte, t topic, start, end int) int {
	least := 1 << 30
	for _, h := range d.around(start, end, victimNear) {
		if h.topic != t || inName(text, h) {
			continue
		}
		if h.end <= start {
			least = min(least, start-h.end)
		} else {
			least = min(least, max(0, h.start-end))
		}
	}
	return least
}

// inName reports whether a word is a label of a host's name.
func inName(text []byte, h hit) bool {
	return h.start > 0 && (text[h.start-1] == '.' || text[h.start-1] == '@') ||
		h.end+1 < len(text) && text[h.end] == '.' && alnum(text[h.end+1])
}
