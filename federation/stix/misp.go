package stix

import (
	"bytes"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// What MISP says of an attribute, in its own words: the label misp:category and
// misp:type, and the template of the object it is part of (misp:object as this
// project writes it, misp:name as MISP's own export does). The categories and
// types are those of the MISP core format (draft-dulaunoy-misp-core-format
// §2.4.2), the templates those of the misp-objects collection. They are the
// origin's word: they add to what is found here and take nothing away.

// mispSays is what one label says about the values of its object.
type mispSays struct {
	category federation.Category
	holds    string
	unsure   bool
	// untyped says that it counts only for a text: the type of anything else
	// says what it is, such as the address of a wallet.
	untyped bool
}

// mispLabels is what labels say, by "key=value". It is never written to after
// it is made.
var mispLabels = func() map[string]mispSays {
	m := map[string]mispSays{}
	add := func(key, values string, says mispSays) {
		for v := range strings.SplitSeq(values, ",") {
			m[key+"="+strings.TrimSpace(v)] = says
		}
	}
	person := mispSays{category: federation.Personal}
	guess := mispSays{category: federation.Personal, unsure: true}
	target := mispSays{category: federation.Target}
	identity := mispSays{category: federation.Personal, holds: HoldsNationalID}
	money := mispSays{category: federation.Personal, holds: HoldsPayment}
	add("category", "Targeting data", target)
	add("category", "Person", person)
	add("category", "Social network, Financial fraud", mispSays{category: federation.Personal, unsure: true, untyped: true})
	add("category", "Internal reference", mispSays{category: federation.Source})
	add("category", "Support Tool", mispSays{category: federation.Context})
	add("type", "target-user, target-email, target-machine, target-org, target-location, target-external", target)
	add("type", `first-name, middle-name, last-name, full-name, date-of-birth, place-of-birth, gender, nationality, primary-residence,
		passenger-name-record-locator-number, frequent-flyer-number, whois-registrant-name, whois-registrant-email`, person)
	add("type", "passport-number, visa-number, redress-number, identity-card-number", identity)
	add("type", "iban, bank-account-nr, cc-number, payment-details", money)
	add("type", "github-username, twitter-id, jabber-id, eppn", guess)
	add("type", "phone-number, whois-registrant-phone", mispSays{category: federation.Personal, holds: HoldsPhone})
	for _, key := range [...]string{"object", "name"} {
		add(key, "victim", target)
		add(key, "person, employee, personification, credential", person)
		add(key, "bank-account, credit-card", money)
		add(key, "phone", mispSays{category: federation.Personal, holds: HoldsPhone, unsure: true}) // often an attacker's
		add(key, "ss7-attack, diameter-attack, gtp-attack", mispSays{category: federation.Subscriber, holds: HoldsSubscriber, unsure: true})
	}
	return m
}()

// mispSaid calls f with what each of MISP's labels of an object says.
func (o *Object) mispSaid(f func(mispSays)) {
	c := o.member(0, "labels")
	if c < 0 || !bytes.Contains(o.value(c), []byte("misp:")) {
		return
	}
	typed := false
	eachText(o.value(c), func(label []byte) {
		if kind, ok := bytes.CutPrefix(label, []byte("misp:type=")); ok {
			switch string(bytes.Trim(kind, `"`)) {
			case "text", "comment", "other", "link", "attachment":
			default:
				typed = true
			}
		}
	})
	eachText(o.value(c), func(label []byte) {
		rest, ours := bytes.CutPrefix(label, []byte("misp:"))
		if !ours {
			return
		}
		key, value, _ := bytes.Cut(rest, []byte("="))
		if says, ok := mispLabels[string(key)+"="+string(bytes.Trim(value, `"`))]; ok && !(says.untyped && typed) {
			f(says)
		}
	})
}

// mispLabelled adds what MISP's labels say about the values of the object.
func (c *categorizer) mispLabelled() {
	if c.l.labels < 0 || !bytes.Contains(c.value(c.l.labels), []byte("misp:")) {
		return
	}
	c.o.mispSaid(func(says mispSays) {
		for i := range c.l.units {
			if u := &c.l.units[i]; mispValue(u.Name) && u.Parent < 0 {
				c.mispUnit(i, says)
			}
		}
	})
}

func (c *categorizer) mispUnit(unit int, says mispSays) {
	switch {
	case says.category == federation.Target:
		c.origin(unit, federation.Target)
	case says.category == federation.Personal && says.unsure:
		c.guess(unit, byOrigin, says.holds)
	default:
		c.holds(unit, says.category, byOrigin, says.holds, says.unsure)
		if says.category == federation.Subscriber {
			c.guess(unit, byOrigin, says.holds)
		}
	}
}

// mispValue reports whether a property holds the value of an attribute, or a
// text about it.
func mispValue(name string) bool {
	switch name {
	case "pattern", "name", "description", "value", "content", "abstract", "display_name", "user_id", "account_login", "hashes",
		"path", "key", "subject", "x_misp_value", "x_misp_comment", "x_misp_attributes":
		return true
	}
	return false
}
