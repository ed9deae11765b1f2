package journal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Selection says which records an export is made of: what was judged for peers,
// what left, what was taken back, and what peers acknowledged. Zero fields
// select all.
type Selection struct {
	Peer string
	// From and To select From <= At < To.
	From, To time.Time
	// Basis selects the objects on which a rule decided, or by which one was
	// released, that cites a text with this in it, in any case of letters.
	// Receipts and withdrawals are then left out: no rule is behind them.
	Basis string
}

// May reports whether a stored record can be one of them, by looking at as
// little of it as possible: a whole journal is gone through for an export.
func (q Selection) May(s Stored) bool {
	rest, ok := bytes.CutPrefix(s.Data, []byte(prefix))
	if !ok || len(rest) < digestText {
		return false
	}
	when, rest, ok := bytes.Cut(bytes.TrimPrefix(rest[digestText:], []byte(`","at":"`)), []byte(`","`))
	if !ok {
		return false
	}
	kind, rest, _ := bytes.Cut(rest, []byte(`":{"peer":"`))
	peer, _, _ := bytes.Cut(rest, []byte{'"'})
	if string(kind) != string(KindSent) && string(kind) != string(KindReceipt) || q.Peer != "" && string(peer) != q.Peer {
		return false
	}
	at, err := time.Parse(time.RFC3339Nano, string(when))
	return err != nil || q.at(at) // what does not read is for the decoder to say
}

func (q Selection) at(at time.Time) bool {
	return (q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || at.Before(q.To))
}

// Kinds of rows.
const (
	RowObject     = "object"     // a decision on one object
	RowWithdrawal = "withdrawal" // an object that was taken back from the peer
	RowReceipt    = "receipt"    // what the peer signed about one message
)

// Row is one line of an export. Which members are set depends on its kind.
type Row struct {
	Row     string    `json:"row"`
	At      time.Time `json:"at"`
	Journal uint64    `json:"journal"`
	Peer    string    `json:"peer"`
	Log     uint64    `json:"log,omitzero"`
	Link    uint64    `json:"link,omitzero"` // number on the link; none: it stayed
	Frame   string    `json:"frame,omitzero"`
	Issuer  string    `json:"issuer,omitzero"`
	ID      string    `json:"id,omitzero"`
	Digest  string    `json:"digest,omitzero"`
	Verdict string    `json:"verdict,omitzero"`
	From    string    `json:"marking_from,omitzero"`
	To      string    `json:"marking_to,omitzero"`
	Removed []string  `json:"removed,omitempty"`
	Reasons []string  `json:"reasons,omitempty"`
	Rules   []string  `json:"rules,omitempty"` // that denied something
	Basis   []string  `json:"basis,omitempty"` // what those cite
	// Grounds are the rules by which it was released, Cites what those cite.
	Grounds []string `json:"grounds,omitempty"`
	Cites   []string `json:"grounds_cite,omitempty"`
	Claims  []string `json:"claims,omitempty"`
	Purpose []string `json:"purpose,omitempty"`
	Policy  string   `json:"policy,omitzero"`
	// Of a withdrawal: why. Of a receipt: what became of the message's objects.
	For       string `json:"for,omitzero"`
	Stored    int    `json:"stored,omitzero"`
	Duplicate int    `json:"duplicate,omitzero"`
	Held      int    `json:"held,omitzero"`
	Refused   int    `json:"refused,omitzero"`
}

// Rows returns the lines that a record gives.
func (q Selection) Rows(r *Record) []Row {
	if !q.at(r.At) || q.Peer != "" && string(r.peer()) != q.Peer {
		return nil
	}
	switch {
	case r.Sent != nil:
		return q.sent(r)
	case r.Receipt != nil && q.Basis == "":
		return receiptRows(r)
	}
	return nil
}

func (q Selection) sent(r *Record) []Row {
	var out []Row
	s := r.Sent
	for i := range s.Messages {
		m := &s.Messages[i]
		base := Row{At: r.At, Journal: r.Seq, Peer: string(s.Peer), Log: m.Log, Link: m.Link, Issuer: string(m.Issuer)}
		if m.Link != 0 {
			base.Frame = string(s.Root)
		}
		for j := range m.Objects {
			row := base
			row.object(s, &m.Objects[j])
			if q.cited(&row) {
				out = append(out, row)
			}
		}
		if q.Basis != "" {
			continue
		}
		for _, g := range m.Gone {
			row := base
			row.Row, row.Digest, row.For = RowWithdrawal, textOf(g.Digest), string(g.For)
			out = append(out, row)
		}
	}
	return out
}

// object fills in a decision.
func (row *Row) object(s *Sent, o *SentObject) {
	row.Row, row.ID, row.Digest, row.Verdict = RowObject, string(o.ID), textOf(o.Digest), string(o.Verdict)
	row.From, row.To, row.Policy = string(o.From), string(o.To), string(s.Policy)
	for _, c := range o.Cited {
		row.Reasons, row.Rules, row.Basis = once(row.Reasons, string(c.Reason)), once(row.Rules, string(c.Rule)), once(row.Basis, string(c.Basis))
	}
	for _, p := range o.Removed {
		row.Removed = append(row.Removed, string(p.Path))
		row.Reasons, row.Rules = once(row.Reasons, string(p.Reason)), once(row.Rules, string(p.Rule))
	}
	if o.Verdict != federation.Share && o.Verdict != federation.Redact {
		row.Link, row.Frame = 0, "" // others of its message left
		return
	}
	for _, p := range s.Purpose {
		row.Purpose = append(row.Purpose, string(p))
	}
	for _, i := range o.Grounds {
		g := s.Grounds[i]
		row.Grounds, row.Cites, row.Claims = once(row.Grounds, string(g.Rule)), once(row.Cites, string(g.Basis)), once(row.Claims, string(g.Claims))
	}
}

// cited reports whether a rule that took part cites what is asked for.
func (q Selection) cited(row *Row) bool {
	want := strings.ToLower(q.Basis)
	has := func(b string) bool { return strings.Contains(strings.ToLower(b), want) }
	return want == "" || slices.ContainsFunc(row.Basis, has) || slices.ContainsFunc(row.Cites, has)
}

func receiptRows(r *Record) []Row {
	var out []Row
	for _, o := range r.Receipt.Outcomes {
		row := Row{Row: RowReceipt, At: r.At, Journal: r.Seq, Peer: string(r.Receipt.Peer), Link: o.Seq, Frame: string(r.Receipt.Root),
			Stored: o.Stored, Duplicate: o.Duplicate, Held: o.Held, Refused: o.Refused}
		if o.Reason != "" {
			row.Reasons = []string{string(o.Reason)}
		}
		out = append(out, row)
	}
	return out
}

// once adds a text that is not there yet.
func once(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func textOf(d Digest) string {
	text, _ := d.AppendText(nil) // never fails
	return string(text)
}

// Totals are the sums over the rows of an export.
//
//	Judged   == Shared + Redacted + Withheld + Held
//	Messages are those of which something left, Frames those in which it did
//
// What a peer asked for again was judged again, and counts again; Objects are
// the different contents.
type Totals struct {
	Judged   int `json:"judged"`
	Shared   int `json:"shared"`
	Redacted int `json:"redacted"`
	Withheld int `json:"withheld"`
	Held     int `json:"held"`
	Objects  int `json:"objects"`
	Removed  int `json:"removed"` // properties
	Messages int `json:"messages"`
	Frames   int `json:"frames"`

	Withdrawals int `json:"withdrawals"`
	// Receipts counts messages that were acknowledged; the others their objects.
	Receipts  int `json:"receipts"`
	Stored    int `json:"stored"`
	Duplicate int `json:"duplicate"`
	HeldThere int `json:"held_there"`
	Refused   int `json:"refused"`

	// How many objects each reason, rule and basis took part in keeping back,
	// whole or in part, and each ground in releasing.
	Reasons map[string]int `json:"reasons"`
	Rules   map[string]int `json:"rules"`
	Basis   map[string]int `json:"basis"`
	Grounds map[string]int `json:"grounds"`
	Claims  map[string]int `json:"claims"`

	digests  map[string]bool
	messages map[string]bool
	frames   map[string]bool
}

// NewTotals returns totals of nothing.
func NewTotals() *Totals {
	return &Totals{Reasons: map[string]int{}, Rules: map[string]int{}, Basis: map[string]int{}, Grounds: map[string]int{}, Claims: map[string]int{},
		digests: map[string]bool{}, messages: map[string]bool{}, frames: map[string]bool{}}
}

// Add counts a row.
func (t *Totals) Add(row *Row) error {
	switch row.Row {
	case RowObject:
		return t.addObject(row)
	case RowWithdrawal:
		t.Withdrawals++
		t.left(row)
	case RowReceipt:
		t.Receipts++
		t.Stored += row.Stored
		t.Duplicate += row.Duplicate
		t.HeldThere += row.Held
		t.Refused += row.Refused
	default:
		return fmt.Errorf("a row of the kind %q cannot be counted", row.Row)
	}
	return nil
}

func (t *Totals) addObject(row *Row) error {
	switch federation.Verdict(row.Verdict) {
	case federation.Share:
		t.Shared++
	case federation.Redact:
		t.Redacted++
	case federation.Withhold:
		t.Withheld++
	case federation.Hold:
		t.Held++
	default:
		return fmt.Errorf("the verdict %q of journal record %d cannot be counted", row.Verdict, row.Journal)
	}
	t.Judged++
	t.Removed += len(row.Removed)
	t.digests[row.Digest] = true
	t.Objects = len(t.digests)
	if row.Verdict == string(federation.Share) || row.Verdict == string(federation.Redact) {
		t.left(row)
	}
	for into, list := range map[*map[string]int][]string{&t.Reasons: row.Reasons, &t.Rules: row.Rules, &t.Basis: row.Basis, &t.Grounds: row.Grounds, &t.Claims: row.Claims} {
		for _, s := range list {
			(*into)[s]++
		}
	}
	return nil
}

// left counts the message and the frame in which something left.
func (t *Totals) left(row *Row) {
	frame := fmt.Sprintf("%s %d", row.Peer, row.Journal)
	t.frames[frame] = true
	t.messages[fmt.Sprintf("%s %d", frame, row.Link)] = true
	t.Frames, t.Messages = len(t.frames), len(t.messages)
}

// Check returns an error if the sums do not add up.
func (t *Totals) Check() error {
	if sum := t.Shared + t.Redacted + t.Withheld + t.Held; sum != t.Judged {
		return fmt.Errorf("the counts do not add up: %d judged, but %d shared + %d redacted + %d withheld + %d held are %d",
			t.Judged, t.Shared, t.Redacted, t.Withheld, t.Held, sum)
	}
	return nil
}
