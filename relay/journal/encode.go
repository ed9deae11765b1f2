package journal

import (
	"fmt"
	"strconv"
	"time"

	"github.com/entente-relay/entente/federation"
)

// prefix begins every record, followed by the digest of the record before: so
// a record is encoded by whoever appends it, and the writer, which alone knows
// what comes before, only fills the digest in.
const prefix = `{"ver":1,"prev":"`

// encode returns r as JSON, with an empty Prev, and r as it will be read back.
func encode(r *Record) ([]byte, *Record, error) {
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	x := *r
	x.Seq, x.Ver, x.Prev, x.At = 0, Version, Digest{}, r.At.UTC()
	x.Intake = x.Intake.withoutResidency()
	e := encoder{b: make([]byte, 0, x.sizeHint())}
	e.record(&x)
	if len(e.b) > MaxRecord {
		return nil, nil, &federation.Refusal{Reason: federation.TooLarge, Where: "journal record",
			Detail: fmt.Sprintf("%d bytes, at most %d fit", len(e.b), MaxRecord), Hint: "write it as several"}
	}
	if e.unfit {
		// Hand on what is really written, not what was asked for.
		y, err := Decode(e.b)
		return e.b, y, err
	}
	return e.b, &x, nil
}

// chain fills in the digest of the record before.
func chain(data []byte, prev Digest) {
	text, _ := prev.AppendText(make([]byte, 0, digestText)) // never fails
	copy(data[len(prefix):], text)
}

// sizeHint is about how many bytes a record takes.
func (r *Record) sizeHint() int {
	n := 512
	if r.Intake != nil {
		n += 256 * len(r.Intake.Objects)
	}
	for _, s := range []*Sent{r.Sent, r.Observed} {
		if s == nil {
			continue
		}
		for i := range s.Messages {
			if m := &s.Messages[i]; m.shared != nil {
				n += 128 + len(m.shared.text)
			} else {
				n += 64 + 256*len(m.Objects)
			}
		}
	}
	return n
}

// encoder writes records exactly as the JSON package would, ten times as fast:
// a frame's record has hundreds of objects and is written for each peer. No
// text needs escaping, because none that would fits its field.
type encoder struct {
	b     []byte
	unfit bool
}

func (e *encoder) begin(open byte) { e.b = append(e.b, open) }

func (e *encoder) end(close byte) { e.b = append(e.b, close) }

// next writes the comma before what is not first.
func (e *encoder) next() {
	if c := e.b[len(e.b)-1]; c != '{' && c != '[' {
		e.b = append(e.b, ',')
	}
}

func (e *encoder) name(name string) {
	e.next()
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

// text writes a string of a given shape.
func (e *encoder) text(s string, fits func(string) bool) {
	e.b = append(e.b, '"')
	if s == "" || fits(s) {
		e.b = append(e.b, s...)
	} else {
		e.b = append(e.b, Unfit...)
		e.unfit = true
	}
	e.b = append(e.b, '"')
}

// word writes a string that was checked to be one of a list.
func (e *encoder) word(name, s string) {
	if s != "" {
		e.name(name)
		e.b = append(e.b, '"')
		e.b = append(e.b, s...)
		e.b = append(e.b, '"')
	}
}

func (e *encoder) token(name string, t Token) {
	if t != "" {
		e.name(name)
		e.text(string(t), isToken)
	}
}

func (e *encoder) tokens(name string, ts []Token) {
	if ts != nil {
		e.name(name)
		e.begin('[')
		for _, t := range ts {
			e.next()
			e.text(string(t), isToken)
		}
		e.end(']')
	}
}

func (e *encoder) label(name string, l Label) {
	if l != "" {
		e.name(name)
		e.text(string(l), isLabel)
	}
}

func (e *encoder) id(i ID) {
	if i != "" {
		e.name("id")
		e.text(string(i), isID)
	}
}

func (e *encoder) digest(name string, d *Digest) {
	if *d != (Digest{}) {
		e.name(name)
		e.sum(d)
	}
}

func (e *encoder) sum(d *Digest) {
	e.b = append(e.b, '"')
	e.b, _ = d.AppendText(e.b) // never fails
	e.b = append(e.b, '"')
}

func (e *encoder) number(name string, n uint64) {
	if n != 0 {
		e.name(name)
		e.b = strconv.AppendUint(e.b, n, 10)
	}
}

func (e *encoder) count(name string, n int) {
	if n != 0 {
		e.name(name)
		e.b = strconv.AppendInt(e.b, int64(n), 10)
	}
}

func (e *encoder) time(name string, t time.Time) {
	if !t.IsZero() {
		e.name(name)
		e.b = append(e.b, '"')
		e.b = t.AppendFormat(e.b, time.RFC3339Nano)
		e.b = append(e.b, '"')
	}
}

func (e *encoder) record(r *Record) {
	e.b = append(e.b, prefix...)
	e.b, _ = r.Prev.AppendText(e.b) // never fails
	e.b = append(e.b, '"')
	e.time("at", r.At)
	switch {
	case r.Intake != nil:
		e.intake(r.Intake)
	case r.Sent != nil:
		e.sent(KindSent, r.Sent)
	case r.Observed != nil:
		e.sent(KindObserved, r.Observed)
	case r.Receipt != nil:
		e.receipt(r.Receipt)
	case r.Settle != nil:
		e.settle(r.Settle)
	case r.Link != nil:
		e.link(r.Link)
	case r.Peer != nil:
		e.peer(r.Peer)
	case r.Reload != nil:
		e.reload(r.Reload)
	case r.Cut != nil:
		e.cut(r.Cut)
	case r.Head != nil:
		e.member(KindHead)
		e.name("signed")
		e.text(string(r.Head.Signed), isCompact)
		e.end('}')
	}
	e.end('}')
}

// member begins the object that a record holds.
func (e *encoder) member(k Kind) {
	e.name(string(k))
	e.begin('{')
}

func (e *encoder) intake(in *Intake) {
	e.member(KindIntake)
	e.token("source", in.Source)
	e.number("log", in.Log)
	e.digest("message", &in.Message)
	e.token("iss", in.Issuer)
	e.token("jti", in.JTI)
	e.word("reason", string(in.Reason))
	if in.Objects != nil {
		e.name("objects")
		e.begin('[')
		for i := range in.Objects {
			o := &in.Objects[i]
			e.next()
			e.begin('{')
			e.digest("digest", &o.Digest)
			e.id(o.ID)
			e.word("outcome", string(o.Outcome))
			e.word("reason", string(o.Reason))
			e.token("rule", o.Rule)
			e.label("basis", o.Basis)
			e.label("marking", o.Marking)
			e.digest("against", &o.Against)
			e.end('}')
		}
		e.end(']')
	}
	e.gone(in.Gone)
	if in.Erased != nil {
		e.name("erased")
		e.begin('[')
		for i := range in.Erased {
			x := &in.Erased[i]
			e.next()
			e.begin('{')
			e.number("log", x.Log)
			e.token("iss", x.Issuer)
			e.digest("digest", &x.Digest)
			e.word("reason", string(x.Reason))
			e.end('}')
		}
		e.end(']')
	}
	e.label("because", in.Because)
	e.end('}')
}

func (e *encoder) gone(gone []Gone) {
	if gone == nil {
		return
	}
	e.name("gone")
	e.begin('[')
	for i := range gone {
		e.next()
		e.begin('{')
		e.digest("digest", &gone[i].Digest)
		e.token("for", gone[i].For)
		e.end('}')
	}
	e.end(']')
}

func (e *encoder) sent(k Kind, s *Sent) {
	e.member(k)
	e.token("peer", s.Peer)
	e.token("root", s.Root)
	e.number("first", s.First)
	e.number("last", s.Last)
	e.number("log_from", s.LogFrom)
	e.number("log_to", s.LogTo)
	e.token("policy", s.Policy)
	e.token("agreement", s.Agreement)
	e.tokens("purpose", s.Purpose)
	e.tokens("claims", s.Claims)
	e.grounds(s.Grounds)
	if s.Messages != nil {
		e.name("messages")
		e.begin('[')
		for i := range s.Messages {
			e.message(&s.Messages[i])
		}
		e.end(']')
	}
	e.end('}')
}

func (e *encoder) grounds(gs []Ground) {
	if gs == nil {
		return
	}
	e.name("grounds")
	e.begin('[')
	for i := range gs {
		e.next()
		e.begin('{')
		e.token("rule", gs[i].Rule)
		e.label("basis", gs[i].Basis)
		e.token("claims", gs[i].Claims)
		e.end('}')
	}
	e.end(']')
}

func (e *encoder) message(m *SentMessage) {
	e.next()
	e.begin('{')
	e.number("log", m.Log)
	e.number("link", m.Link)
	e.token("iss", m.Issuer)
	e.name("objects")
	if m.shared != nil {
		e.b = append(e.b, m.shared.text...)
		e.unfit = e.unfit || m.shared.unfit
	} else {
		e.begin('[')
		for i := range m.Objects {
			e.object(&m.Objects[i])
		}
		e.end(']')
	}
	e.gone(m.Gone)
	e.end('}')
}

func (e *encoder) object(o *SentObject) {
	e.next()
	e.begin('{')
	e.digest("digest", &o.Digest)
	e.id(o.ID)
	e.word("verdict", string(o.Verdict))
	e.label("from", o.From)
	e.label("to", o.To)
	e.levels(o.Levels)
	if o.Cited != nil {
		e.name("cited")
		e.begin('[')
		for i := range o.Cited {
			c := &o.Cited[i]
			e.next()
			e.begin('{')
			e.word("reason", string(c.Reason))
			e.token("rule", c.Rule)
			e.label("basis", c.Basis)
			e.end('}')
		}
		e.end(']')
	}
	if o.Removed != nil {
		e.name("removed")
		e.begin('[')
		for i := range o.Removed {
			r := &o.Removed[i]
			e.next()
			e.begin('{')
			e.name("path")
			e.text(string(r.Path), isPath)
			e.token("class", r.Class)
			e.word("reason", string(r.Reason))
			e.token("rule", r.Rule)
			e.end('}')
		}
		e.end(']')
	}
	if o.Grounds != nil {
		e.name("grounds")
		e.begin('[')
		for _, g := range o.Grounds {
			e.next()
			e.b = strconv.AppendInt(e.b, int64(g), 10)
		}
		e.end(']')
	}
	e.end('}')
}

func (e *encoder) levels(ls []SentLevel) {
	if ls == nil {
		return
	}
	e.name("levels")
	e.begin('[')
	for i := range ls {
		l := &ls[i]
		e.next()
		e.begin('{')
		e.label("from", l.From)
		e.label("to", l.To)
		e.token("outcome", l.Outcome)
		e.token("law", l.Law)
		if l.Rows != nil {
			e.name("rows")
			e.begin('[')
			for _, row := range l.Rows {
				e.next()
				e.text(string(row), isLabel)
			}
			e.end(']')
		}
		e.end('}')
	}
	e.end(']')
}

func (e *encoder) receipt(r *Receipt) {
	e.member(KindReceipt)
	e.token("peer", r.Peer)
	e.token("root", r.Root)
	e.number("first", r.First)
	e.number("last", r.Last)
	e.digest("signed", &r.Signed)
	e.time("at", r.At)
	if r.Outcomes != nil {
		e.name("outcomes")
		e.begin('[')
		for i := range r.Outcomes {
			o := &r.Outcomes[i]
			e.next()
			e.begin('{')
			e.number("seq", o.Seq)
			e.count("stored", o.Stored)
			e.count("duplicate", o.Duplicate)
			e.count("held", o.Held)
			e.count("refused", o.Refused)
			e.word("reason", string(o.Reason))
			e.end('}')
		}
		e.end(']')
	}
	e.end('}')
}

func (e *encoder) settle(s *Settle) {
	e.member(KindSettle)
	e.token("peer", s.Peer)
	e.number("log", s.Log)
	e.token("iss", s.Issuer)
	e.digest("digest", &s.Digest)
	e.id(s.ID)
	if s.Release {
		e.name("release")
		e.b = append(e.b, "true"...)
	}
	e.tokens("by", s.By)
	e.word("reason", string(s.Reason))
	e.token("decision", s.Decision)
	e.token("rule", s.Rule)
	e.time("until", s.Until)
	e.end('}')
}

func (e *encoder) link(l *LinkEvent) {
	e.member(KindLink)
	e.token("peer", l.Peer)
	e.token("event", l.Event)
	e.word("reason", string(l.Reason))
	e.time("since", l.Since)
	e.time("until", l.Until)
	e.end('}')
}

func (e *encoder) peer(p *PeerChange) {
	e.member(KindPeer)
	e.token("peer", p.Peer)
	e.token("change", p.Change)
	e.digest("agreement", &p.Agreement)
	e.label("fingerprint", p.Fingerprint)
	e.end('}')
}

func (e *encoder) cut(c *Cut) {
	e.member(KindCut)
	e.number("seq", c.Seq)
	e.digest("hash", &c.Hash)
	e.number("log", c.Log)
	e.end('}')
}

func (e *encoder) reload(r *Reload) {
	e.member(KindReload)
	e.token("what", r.What)
	e.token("before", r.Before)
	e.token("after", r.After)
	e.word("reason", string(r.Reason))
	e.tokens("by", r.By)
	e.end('}')
}
