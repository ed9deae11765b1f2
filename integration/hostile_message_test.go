package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation/directory"
	wire "github.com/entente-relay/entente/federation/link"
)

// messageAttacks are messages in frames that are right as frames: each is
// refused or held by itself, with its reason in the receipt, the journal and
// the counts.
func messageAttacks() []attack {
	return []attack{
		{name: "an honest message, so that the rest shows something", stops: "nothing: it is taken", stores: 1, run: func(h *hostile) {
			h.taken(h.sendOne(h.message(), nil))
		}},
		{name: "the same message again, with its old hop", stops: "the hop names its number on the link and its frame", stores: 1, run: func(h *hostile) {
			out, root := h.dispatch(h.seq+1, []string{h.message()}, nil)
			h.taken(h.send(out, root))
			h.refusedAs("malformed", h.send(out, root))
		}},
		{name: "the same message again, dispatched anew", stops: "an object is taken once by issuer and digest", stores: 1, run: func(h *hostile) {
			m := h.message()
			h.taken(h.sendOne(m, nil))
			if rc := h.sendOne(m, nil); rc.Outcomes[0].Duplicate != 1 {
				h.t.Errorf("the receipt says %+v", rc.Outcomes)
			}
		}},
		{name: "a message in another's name, signed by this one's key", stops: "the key's owner must be the issuer", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(issueAs(h.t, h.other.id, h.keys.Message, time.Now(), h.object()), nil))
		}},
		{name: "a message in the victim's own name", stops: "the key's owner must be the issuer", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(issueAs(h.t, h.victim.id, h.keys.Message, time.Now(), h.object()), nil))
		}},
		{name: "a message by a key that nobody stated", stops: "it waits for a statement and goes nowhere", run: func(h *hostile) {
			h.heldAs("unknown-issuer", h.sendOne(issueAs(h.t, h.id, h.stranger(), time.Now(), h.object()), nil))
		}},
		{name: "a message signed by the agreement key", stops: "a key signs what it is stated for", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(issueAs(h.t, h.id, h.keys.Terms, time.Now(), h.object()), nil))
		}},
		{name: "another node's message that it never dispatched here", stops: "hop 0 is the issuer's", run: func(h *hostile) {
			h.refusedAs("wrong-recipient", h.sendOne(issueAs(h.t, h.other.id, h.other.keys.Message, time.Now(), h.object()), nil))
		}},
		{name: "no hop at all", stops: "nobody dispatched it", run: func(h *hostile) {
			h.refusedAs("wrong-recipient", h.send([][]byte{[]byte(h.message())}, "root"))
		}},
		{name: "a hop for another audience", stops: "the last hop must name this node", run: func(h *hostile) {
			h.refusedAs("wrong-recipient", h.sendOne(h.message(), func(o *hop) { o.aud = h.other.id }))
		}},
		{name: "a hop of another's name under this one's root", stops: "record and root name the same", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.message(), func(o *hop) { o.iss = h.other.id }))
		}},
		{name: "a hop and a root in another's name, with this one's key", stops: "the key's owner must be the one the root names", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.message(), func(o *hop) { o.iss, o.rootIss = h.other.id, h.other.id }))
		}},
		{name: "a hop with another's kid and this one's signature", stops: "the signature is checked with the key of the kid", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.message(), func(o *hop) {
				o.iss, o.rootIss, o.by = h.other.id, h.other.id, impostor{h.keys.Message, h.other.keys.Message.KeyID()}
			}))
		}},
		{name: "a hop signed by a stranger's key", stops: "it waits for a statement and goes nowhere", run: func(h *hostile) {
			h.heldAs("unknown-issuer", h.sendOne(h.message(), func(o *hop) { o.by = h.stranger() }))
		}},
		{name: "a hop that follows another element", stops: "prev names the element before", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.message(), func(o *hop) { o.prev = digestOf([]byte("another")) }))
		}},
		{name: "a hop that covers other disclosures", stops: "sd_hash", run: func(h *hostile) {
			h.refusedAs("unaccounted-redaction", h.sendOne(h.message(), func(o *hop) { o.sdHash = digestOf([]byte("another")) }))
		}},
		{name: "a hop with the path of another leaf", stops: "the record must be the leaf it claims to be", run: func(h *hostile) {
			out, root := h.dispatch(h.seq+1, []string{h.message(), h.message()}, func(_ int, o *hop) { o.path = [][]byte{hash([]byte("x"))} })
			h.refusedAs("bad-signature", h.send(out, root))
		}},
		{name: "a hop made for another number of the link", stops: "the hop names its number on the link", run: func(h *hostile) {
			h.refusedAs("malformed", h.sendOne(h.message(), func(o *hop) { o.seq += 7 }))
		}},
		{name: "a frame with a root that is not that of its hops", stops: "the hop names its frame", run: func(h *hostile) {
			out, _ := h.dispatch(h.seq+1, []string{h.message()}, nil)
			h.refusedAs("malformed", h.send(out, digestOf([]byte("another root"))))
		}},
		{name: "a hop from tomorrow", stops: "it waits; more than the skew is not passed", run: func(h *hostile) {
			h.heldAs("not-yet-valid", h.sendOne(h.message(), func(o *hop) { o.iat += 86400 }))
		}},
		{name: "a hop of a newer version", stops: "newer than known is refused", run: func(h *hostile) {
			h.refusedAs("unsupported", h.sendOne(h.message(), func(o *hop) { o.ver = 2 }))
		}},
		{name: "an object left out that no hop lists", stops: "exact accounting", run: func(h *hostile) {
			h.refusedAs("unaccounted-redaction", h.sendOne(withoutLast(h.message()), nil))
		}},
		{name: "an object that is there and listed as taken out", stops: "exact accounting", run: func(h *hostile) {
			m := h.message()
			h.refusedAs("unaccounted-redaction", h.sendOne(m, func(o *hop) { o.out = [][2]string{{digestOf([]byte(disclosures(m)[0])), "policy"}} }))
		}},
		{name: "a disclosure changed by one character", stops: "digests", run: func(h *hostile) {
			m := []byte(h.message())
			at := len(m) - 10
			m[at] = map[bool]byte{true: 'B', false: 'A'}[m[at] == 'A']
			h.refused(h.sendOne(string(m), nil))
		}},
		{name: "the victim's own message sent back", stops: "who issued it does not take it again", run: func(h *hostile) {
			h.refusedAs("loop", h.sendOne(string(h.ownOfVictim()), nil))
		}},
		{name: "a message that could be taken until yesterday", stops: "exp", run: func(h *hostile) {
			then := time.Now().AddDate(0, -6, 0)
			h.refusedAs("expired", h.sendOne(issueAs(h.t, h.id, h.keys.Message, then, freeIndicator(1, then)), nil))
		}},
		{name: "a version from next year", stops: "modified must not be ahead of the clock", run: func(h *hostile) {
			h.refusedAs("malformed", h.sendOne(h.disclosed(freeIndicator(rand.IntN(1e9), time.Now().AddDate(1, 0, 0))), nil))
		}},
		{name: "two contents for one version", stops: "deterministic salts: equivocation", stores: 1, run: func(h *hostile) {
			o := h.object()
			h.taken(h.sendOne(issueAs(h.t, h.id, h.keys.Message, time.Now(), o), nil))
			h.refusedAs("equivocation", h.sendOne(issueAs(h.t, h.id, h.keys.Message, time.Now(), strings.Replace(o, `"n"`, `"another"`, 1)), nil))
		}},
		{name: "an older version over a newer one", stops: "stale", stores: 1, run: func(h *hostile) {
			n := rand.IntN(1e9)
			h.taken(h.sendOne(issueAs(h.t, h.id, h.keys.Message, time.Now(), freeIndicator(n, time.Now())), nil))
			h.refusedAs("stale", h.sendOne(issueAs(h.t, h.id, h.keys.Message, time.Now(), freeIndicator(n, time.Now().Add(-24*time.Hour))), nil))
		}},
		{name: "300 kB in one message", stops: "256 KiB", run: func(h *hostile) {
			h.refusedAs("too-large", h.sendOne(h.message()+strings.Repeat("A", 300<<10)+"~", nil))
		}},
		{name: "a hundred thousand objects in one message", stops: "64 objects", run: func(h *hostile) {
			h.refusedAs("too-large", h.sendOne(h.raw(strings.Repeat(`{"...":"x"},`, 99_999)+`{"...":"x"}`), nil))
			h.refusedAs("too-large", h.sendOne(h.raw(strings.Repeat(`{"...":"`+digestOf(nil)+`"},`, 64)+`{"...":"`+digestOf([]byte("last"))+`"}`), nil))
		}},
		{name: "three thousand disclosures", stops: "2,048 disclosures", run: func(h *hostile) {
			h.refusedAs("too-large", h.sendOne(strings.SplitN(h.message(), "~", 2)[0]+"~"+strings.Repeat("A~", 3000), nil))
		}},
		{name: "an object ten thousand levels deep", stops: "depth 16", run: func(h *hostile) {
			deep := strings.TrimSuffix(h.object(), "}") + `,"x_a":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_001)
			h.refusedAs("too-large", h.sendOne(h.disclosed(deep), nil))
		}},
		{name: "a payload ten thousand levels deep", stops: "depth", run: func(h *hostile) {
			h.refused(h.sendOne(h.raw(strings.Repeat(`{"...":`, 10_000)+"1"+strings.Repeat("}", 10_000)), nil))
		}},
		{name: "a hundred hops", stops: "16 hops", run: func(h *hostile) {
			out, root := h.dispatch(h.seq+1, []string{h.message()}, nil)
			line := strings.SplitN(string(out[0]), "\n", 2)
			h.refusedAs("too-large", h.send([][]byte{[]byte(line[0] + strings.Repeat("\n"+line[1][:20], 100))}, root))
		}},
		{name: "a message of a newer version", stops: "newer than known is refused", run: func(h *hostile) {
			h.refusedAs("unsupported", h.sendOne(h.signed(`{"ver":2,"x":1}`)+"~", nil))
		}},
		{name: "a key-binding JWT behind the message", stops: "a message has no holder", run: func(h *hostile) {
			h.refusedAs("malformed", h.sendOne(h.message()+"a.b.c", nil))
		}},
		{name: "a signature that only some verifiers take", stops: "crypto/ed25519 is the rule, without the cofactor", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.resigned(func(in []byte) []byte { h.signBy(in, false); return h.signBy(in, true) }), nil))
		}},
		{name: "a signature with the order of the group added to S", stops: "S must be reduced (RFC 8032 §5.1.7)", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.resigned(func(in []byte) []byte { return addOrder(h.signBy(in, false)) }), nil))
		}},
		{name: "a signature of all zeros", stops: "crypto/ed25519", run: func(h *hostile) {
			h.refusedAs("bad-signature", h.sendOne(h.resigned(func([]byte) []byte { return make([]byte, 64) }), nil))
		}},
		{name: "a thousand and one messages of strangers", stops: "quota: so many of one peer wait, no more", run: func(h *hostile) {
			h.strangers()
		}},
	}
}

// impostor signs with its own key under another's kid.
type impostor struct {
	directory.Signer
	kid string
}

func (i impostor) KeyID() string { return i.kid }

// stranger is a key that no statement names.
func (h *hostile) stranger() *directory.PrivateKey {
	h.t.Helper()
	k, err := directory.GenerateKey()
	if err != nil {
		h.t.Fatal(err)
	}
	return k
}

// object is a free object that nobody has seen.
func (h *hostile) object() string { return freeIndicator(rand.IntN(1e12), time.Now()) }

// message is a good message of the hostile peer's own, not yet dispatched.
func (h *hostile) message() string {
	h.t.Helper()
	return issueAs(h.t, h.id, h.keys.Message, time.Now(), h.object())
}

// sendOne dispatches and sends one message.
func (h *hostile) sendOne(m string, spoil func(*hop)) wire.Receipt {
	h.t.Helper()
	out, root := h.dispatch(h.seq+1, []string{m}, func(_ int, o *hop) {
		if spoil != nil {
			spoil(o)
		}
	})
	return h.send(out, root)
}

func (h *hostile) taken(rc wire.Receipt) {
	h.t.Helper()
	for _, o := range rc.Outcomes {
		if o.Stored != 1 || o.Reason != "" {
			h.t.Errorf("a good message: %+v", o)
		}
	}
}

// refused checks that nothing of a frame was taken, held or known.
func (h *hostile) refused(rc wire.Receipt) {
	h.t.Helper()
	for _, o := range rc.Outcomes {
		if o.Refused == 0 || o.Stored+o.Held+o.Duplicate > 0 || o.Reason == "" {
			h.t.Errorf("the receipt says %+v", o)
		}
	}
}

// refusedAs checks besides that the reason is in the receipt, in the status
// and in the journal.
func (h *hostile) refusedAs(reason string, rc wire.Receipt) {
	h.t.Helper()
	h.refused(rc)
	h.reasoned("refused", reason, rc)
}

// heldAs checks that a message waits for a reason.
func (h *hostile) heldAs(reason string, rc wire.Receipt) {
	h.t.Helper()
	if o := rc.Outcomes[0]; o.Held != 1 || o.Stored+o.Refused+o.Duplicate > 0 {
		h.t.Errorf("the receipt says %+v", o)
	}
	h.reasoned("held", reason, rc)
}

func (h *hostile) reasoned(outcome, reason string, rc wire.Receipt) {
	h.t.Helper()
	for _, o := range rc.Outcomes {
		if string(o.Reason) != reason {
			h.t.Errorf("the receipt says %s, want %s", o.Reason, reason)
		}
	}
	if st, _ := h.seen(); st.Objects.Reasons[reason] == 0 {
		h.t.Errorf("the status does not tell of %s: %v", reason, st.Objects.Reasons)
	}
	h.awaitJournal(outcome + " " + reason)
}

// disclosures are the texts behind the signed part of a message.
func disclosures(m string) []string {
	parts := strings.Split(strings.SplitN(m, "\n", 2)[0], "~")
	return parts[1 : len(parts)-1]
}

// withoutLast takes the last disclosure away.
func withoutLast(m string) string {
	return m[:strings.LastIndexByte(m[:len(m)-1], '~')+1]
}

// signed is a JWS of a payload by the hostile peer.
func (h *hostile) signed(payload string) string {
	h.t.Helper()
	jws, err := directory.SignJWS("cti+sd-jwt", []byte(payload), h.keys.Message)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(jws)
}

// raw is a message with that text as its list of objects, and no disclosure.
func (h *hostile) raw(objects string) string {
	h.t.Helper()
	now := time.Now().Unix()
	return h.signed(fmt.Sprintf(`{"ver":1,"iss":%q,"jti":"01944000-0000-7000-8000-%012d","iat":%d,"exp":%d,"_sd_alg":"sha-256","objects":[%s]}`,
		h.id, rand.IntN(1e12), now, now+86400, objects)) + "~"
}

// takesBack is a message of the hostile peer's own that withdraws a digest.
func (h *hostile) takesBack(digest string) string {
	h.t.Helper()
	now := time.Now().Unix()
	return h.signed(fmt.Sprintf(`{"ver":1,"iss":%q,"jti":"01944000-0000-7000-8000-%012d","iat":%d,"exp":%d,"_sd_alg":"sha-256","objects":[],"gone":[[%q,"withdrawn"]]}`,
		h.id, rand.IntN(1e12), now, now+86400, digest)) + "~"
}

// disclosed is a message with one object of that text, all in one disclosure.
func (h *hostile) disclosed(object string) string {
	h.t.Helper()
	d := b64([]byte(`["saltsaltsaltsaltsalt01",` + object + `]`))
	return h.raw(`{"...":"`+digestOf([]byte(d))+`"}`) + d + "~"
}

// ownOfVictim pulls from the victim, from the start, and returns a message of
// the victim's own that it dispatched to the hostile peer.
func (h *hostile) ownOfVictim() []byte {
	h.t.Helper()
	h.honest()
	f, err := h.ask(wire.Pull{})
	if err != nil || len(f.Messages) == 0 {
		h.t.Fatalf("the victim has nothing for a pull from the start: %v", err)
	}
	return f.Messages[0]
}

// strangers sends messages of nobody until one is over the quota.
func (h *hostile) strangers() {
	h.t.Helper()
	m := issueAs(h.t, h.id, h.stranger(), time.Now(), h.object())
	many := make([]string, 300)
	for i := range many {
		many[i] = m
	}
	for range 10 {
		out, root := h.dispatch(h.seq+1, many, nil)
		rc := h.send(out, root)
		last := rc.Outcomes[len(rc.Outcomes)-1]
		if last.Stored > 0 {
			h.t.Fatalf("a stranger's message is taken: %+v", last)
		}
		if last.Refused == 1 {
			if last.Reason != "quota" {
				h.t.Errorf("refused for %s", last.Reason)
			}
			_, p := h.seen()
			if p.In.Held > 1000 {
				h.t.Errorf("%d messages wait", p.In.Held)
			}
			return
		}
	}
	h.t.Errorf("three thousand messages of nobody wait")
}
