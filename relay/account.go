package relay

import (
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// account is what the journal says of the objects of one message, as it was decided
// for one peer or for all of an audience: encoded once for all their records.
type account struct {
	objects []journal.SentObject // without their grounds
	grounds []journal.Ground     // all, in the order in which they come
	of      [][]int              // by object: places in grounds

	mu   sync.Mutex
	made map[string]*journal.Objects // by where the grounds stand in a record
}

// accountForms bounds for how many orders of grounds a message is kept encoded. The
// frames of an audience that begin at the same place have the same.
const accountForms = 4

func newAccount(subjects []*policy.Subject, decisions []policy.Decision) *account {
	t := &account{objects: make([]journal.SentObject, len(decisions)), of: make([][]int, len(decisions))}
	for i, d := range decisions {
		t.objects[i] = sentObject(subjects[i], d)
		if v := d.Verdict(); v != federation.Share && v != federation.Redact {
			continue
		}
		for _, c := range d.Allowed() {
			g := journal.Ground{Rule: journal.Token(c.Rule), Basis: journal.Label(c.Basis), Claims: journal.Token(c.Claims)}
			k := slices.Index(t.grounds, g)
			if k < 0 {
				k = len(t.grounds)
				t.grounds = append(t.grounds, g)
			}
			if !slices.Contains(t.of[i], k) {
				t.of[i] = append(t.of[i], k)
			}
		}
	}
	return t
}

// in adds the message's objects, and the grounds they left on, to a record.
func (t *account) in(s *journal.Sent, m journal.SentMessage) (journal.SentMessage, error) {
	at := make([]int, len(t.grounds))
	for i, g := range t.grounds {
		if at[i] = slices.Index(s.Grounds, g); at[i] < 0 {
			at[i] = len(s.Grounds)
			s.Grounds = append(s.Grounds, g)
			if g.Claims != "" && !slices.Contains(s.Claims, g.Claims) {
				s.Claims = append(s.Claims, g.Claims)
			}
		}
	}
	var key []byte
	if len(s.Grounds) <= 256 { // else there are more rules than a form is kept for
		key = make([]byte, 0, len(at))
		for _, k := range at {
			key = append(key, byte(k))
		}
	}
	o, err := t.form(key, at)
	if err != nil {
		return m, err
	}
	return o.In(m), nil
}

// form returns the objects with grounds that stand at these places.
func (t *account) form(key []byte, at []int) (*journal.Objects, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.made[string(key)]; o != nil && key != nil {
		return o, nil
	}
	list := slices.Clone(t.objects)
	for i, of := range t.of {
		for _, k := range of {
			list[i].Grounds = append(list[i].Grounds, at[k])
		}
	}
	o, err := journal.ShareObjects(list)
	if err == nil && key != nil && len(t.made) < accountForms {
		if t.made == nil {
			t.made = map[string]*journal.Objects{}
		}
		t.made[string(key)] = o
	}
	return o, err
}

// counted turns the messages of records into what the index counts. What
// several records tell of the same objects is worked out once.
type counted map[*journal.SentObject]*countedMessage

type countedMessage struct {
	names    []store.Key
	sent     []store.SentObject
	withheld []federation.Reason
	held     []*journal.SentObject
}

// of returns what the index counts of a message.
func (t counted) of(m *journal.SentMessage) *countedMessage {
	if len(m.Objects) == 0 {
		return &countedMessage{}
	}
	if e, ok := t[&m.Objects[0]]; ok {
		return e
	}
	e := &countedMessage{}
	for i := range m.Objects {
		o := &m.Objects[i]
		e.names = appendNames(e.names, o.ID, o.Digest)
		var first federation.Reason
		if len(o.Cited) > 0 {
			first = o.Cited[0].Reason
		}
		switch o.Verdict {
		case federation.Share, federation.Redact:
			e.sent = append(e.sent, store.SentObject{Digest: o.Digest, Verdict: o.Verdict})
		case federation.Hold:
			e.held = append(e.held, o)
		default:
			e.withheld = append(e.withheld, first)
		}
	}
	t[&m.Objects[0]] = e
	return e
}
