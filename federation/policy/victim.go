package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// victim is somebody whom an object names as attacked: by an address, a domain
// name, an autonomous system or the id of an identity.
type victim struct {
	name   string // in lower case, but for AS numbers
	domain bool
	prefix netip.Prefix // of an address or a network
}

// victims is what a unit, or an object, says about them.
type victims struct {
	named  []victim
	sure   bool // not only guesses
	unread bool // something is there that holds one, and none could be read
}

// join adds what another unit says.
func (v *victims) join(o *victims) {
	for _, n := range o.named {
		if !slices.Contains(v.named, n) {
			v.named = append(v.named, n)
		}
	}
	v.sure, v.unread = v.sure || o.sure, v.unread || o.unread
}

// none reports whether no victim is named.
func (v *victims) none() bool { return len(v.named) == 0 && !v.unread }

// key is a canonical form for caches.
func (v *victims) key() string {
	if v.none() {
		return ""
	}
	var b strings.Builder
	b.WriteByte(flag(v.sure))
	b.WriteByte(flag(v.unread))
	for _, n := range v.named {
		b.WriteString(n.name)
		b.WriteByte(' ') // in no name
	}
	return b.String()
}

// facts returns the words of the schema for what is said about victims, before
// a recipient at a time: whether the peer serves them, whether they consented,
// whether a managed-service contract covers them.
func (v *victims) facts(to *peerView, now time.Time, s *span) (serves, consent, contract string) {
	switch {
	case v.none():
		return "none", "not-needed", "not-needed"
	case v.unread:
		return "unknown", "unknown", "unknown"
	}
	a := &to.to.agreement
	if !to.to.agreed {
		return "unknown", "missing", "missing"
	}
	serves = "theirs"
	switch others := slices.ContainsFunc(v.named, func(n victim) bool { return !to.serves.covers(n) }); {
	case !to.serves.stated, others && !v.sure:
		serves = "unknown"
	case others:
		serves = "others"
	}
	return serves, grantFor(a.VictimConsents, v.named, now, s), grantFor(a.Managed, v.named, now, s)
}

// victimsOf reads whom a unit names, as one finding about it says: where its
// text was found to hold victims' addresses, where its place says that it is
// about the target, and where a relationship targets an identity. An identity
// that is found to be one names itself.
func victimsOf(o *stix.Object, u *stix.Unit, f stix.Finding) victims {
	if h := o.Handling(); h != nil && (h.Generalised != "" || h.Aggregate != "") {
		return victims{} // a class, a network, a count: nobody in particular
	}
	if u.Path == "target_ref" && o.Type() == "relationship" {
		if targets(o) {
			return victims{named: identitiesIn(u.Value), sure: true}
		}
		return victims{}
	}
	holds := f.Holds == stix.HoldsVictim
	if !holds && f.Category != federation.Target {
		return victims{}
	}
	if o.Type() == "identity" {
		return victims{named: []victim{{name: o.ID()}}, sure: !f.Unsure}
	}
	named := namedIn(u.Value)
	return victims{named: named, sure: holds && !f.Unsure, unread: holds && len(named) == 0}
}

// identitiesIn returns the identity that a reference names.
func identitiesIn(value []byte) []victim {
	var ref string
	if json.Unmarshal(value, &ref) != nil || !strings.HasPrefix(ref, "identity--") {
		return nil
	}
	return []victim{{name: ref}}
}

// namedIn reads addresses, networks, domain names, autonomous systems and
// identities from the texts of a JSON value. A word that only looks like one,
// such as a file's name, counts too: it belongs to nobody's constituency, and
// so errs to the safe side.
func namedIn(value []byte) []victim {
	var out []victim
	for _, text := range textsIn(value) {
		for word := range strings.FieldsFuncSeq(rearmed(text), betweenNames) {
			if v, ok := readVictim(word); ok && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// textsIn returns the texts of a JSON value at any depth.
func textsIn(value []byte) []string {
	var v any
	if json.Unmarshal(value, &v) != nil {
		return nil
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	slices.Sort(out) // the members of an object come in no order
	return out
}

// disarmed are the ways people write a name so that nobody follows it.
var disarmed = strings.NewReplacer("[.]", ".", "(.)", ".", "\\.", ".", "．", ".", "[:]", ":", "[at]", "@", "(at)", "@", "＠", "@")

func rearmed(text string) string { return disarmed.Replace(strings.ToLower(text)) }

// betweenNames reports whether a character separates names in running text.
func betweenNames(r rune) bool {
	return r <= ' ' || strings.ContainsRune("\"'`<>(){}[],;|=\u00a0、。，", r)
}

// readVictim reads one word.
func readVictim(word string) (victim, bool) {
	if _, rest, ok := strings.Cut(word, "://"); ok {
		word = rest
		word, _, _ = strings.Cut(word, "/")
	}
	word = strings.Trim(word[strings.LastIndexByte(word, '@')+1:], ".!?")
	if a, err := netip.ParseAddr(word); err == nil {
		return victimAt(a), true
	}
	word = strings.TrimRight(word, ":.")
	if p, err := netip.ParsePrefix(word); err == nil {
		return victim{name: word, prefix: p.Masked()}, true
	}
	word, _, _ = strings.Cut(word, "/")
	if a, err := netip.ParseAddr(word); err == nil {
		return victimAt(a), true
	}
	if a, err := netip.ParseAddrPort(word); err == nil {
		return victimAt(a.Addr()), true
	}
	if n, ok := strings.CutPrefix(word, "as"); ok {
		if x, err := strconv.ParseUint(n, 10, 32); err == nil {
			return victim{name: asName(x)}, true
		}
	}
	if strings.HasPrefix(word, "identity--") {
		return victim{name: word}, true
	}
	host, _, _ := strings.Cut(word, ":")
	return victim{name: host, domain: true}, isDomain(host)
}

func victimAt(a netip.Addr) victim {
	a = a.Unmap().WithZone("")
	return victim{name: a.String(), prefix: netip.PrefixFrom(a, a.BitLen())}
}

// isDomain reports whether a word has the form of a domain name: two labels or
// more, the last one not a number.
func isDomain(word string) bool {
	labels := strings.Split(word, ".")
	if len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(last) > 1 && strings.Trim(last, "0123456789") != ""
}
