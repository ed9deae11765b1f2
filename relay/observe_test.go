package relay

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/journal"
)

// observes lets the node observe a peer on paper from now on.
func (s *solo) observes(peer, country string) {
	s.t.Helper()
	if _, err := ObservePeer(AgreementsDir(filepath.Dir(s.cfg.Path)), peer, 7*24*time.Hour, s.now); err != nil {
		s.t.Fatal(err)
	}
	s.terms(peer, country, "TLP:CLEAR")
	must(s.t, s.node.Reload(s.t.Context()))
}

// pull asks for a frame as a peer does, from where a cursor stands.
func (s *solo) pull(peer string, at link.Cursor) link.Frame {
	s.t.Helper()
	f, err := (&exporter{s.node}).Frame(s.t.Context(), peer, link.Pull{At: at, Wait: time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// seen waits until the report has judged so many objects.
func (s *solo) seen(peer string, n int) (shared, withheld int) {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		o, err := s.node.Observed(s.t.Context(), peer)
		must(s.t, err)
		if o.Judged >= n {
			if o.Judged != n || o.Judged != o.Shared+o.Redacted+o.Withheld+o.Held {
				s.t.Errorf("the counts do not add up: %+v", o)
			}
			return o.Shared, o.Withheld
		}
		select {
		case <-tick.C:
		case <-s.t.Context().Done():
			s.t.Fatalf("%+v", o)
		}
	}
}

// An observed peer gets nothing and learns nothing, the journal knows what it
// would have got, nobody becomes a recipient; sending begins when somebody says
// so, with all that was there.
func TestObserve(t *testing.T) {
	s := newSolo(t)
	s.publish("clear", 0, 5)
	s.observes("se-cert", "SE")
	s.publish("green", 100, 3)
	if shared, withheld := s.seen("se-cert", 8); shared != 5 || withheld != 3 {
		t.Errorf("%d would have gone and %d not, want 5 and 3", shared, withheld)
	}
	start := link.Cursor{Incarnation: s.node.log.Incarnation()}
	f := s.pull("se-cert", start)
	if f.Count() > 0 || f.Then != start || f.Gap != nil || f.More {
		t.Fatalf("a peer that is observed got %d messages, its cursor went from %+v to %+v", f.Count(), start, f.Then)
	}
	if _, err := journal.Find(t.Context(), s.node.journalLog(), journal.Query{}); err != nil {
		t.Fatal(err)
	}
	sent, err := journal.Find(t.Context(), s.node.journalLog(), journal.Query{Kinds: []journal.Kind{journal.KindSent}})
	if err != nil || len(sent.Records) > 0 {
		t.Errorf("something counts as sent: %v %v", sent.Records, err)
	}

	// A restart tells nothing twice and begins nothing.
	s.stop()
	s.start()
	s.publish("clear", 200, 2)
	if shared, _ := s.seen("se-cert", 10); shared != 7 {
		t.Errorf("after a restart %d would have gone, want 7", shared)
	}
	if f := s.pull("se-cert", start); f.Count() > 0 {
		t.Error("after a restart the peer got something")
	}

	// Past its time it goes on, and the status says so.
	if _, err := ObservePeer(AgreementsDir(filepath.Dir(s.cfg.Path)), "se-cert", time.Nanosecond, s.now); err != nil {
		t.Fatal(err)
	}
	must(t, s.node.Reload(t.Context()))
	if st, err := s.node.Status(t.Context()); err != nil || len(st.Warnings) != 1 {
		t.Errorf("the status warns of %q, %v", st.Warnings, err)
	}
	if f := s.pull("se-cert", start); f.Count() > 0 {
		t.Error("sending began by itself")
	}

	if was, err := BeginPeer(AgreementsDir(filepath.Dir(s.cfg.Path)), "se-cert"); err != nil || !was {
		t.Fatal(was, err)
	}
	must(t, s.node.Reload(t.Context()))
	if f := s.pull("se-cert", start); f.Count() != 2 {
		t.Errorf("%d messages when sending begins, want the 2 with what is TLP:CLEAR", f.Count())
	}
	if _, err := s.node.Observed(t.Context(), "se-cert"); err == nil {
		t.Error("one who is sent to counts as observed")
	}
}

// One who may have got something is not observed, or what it got could not be
// taken back.
func TestObserveComesFirst(t *testing.T) {
	s := newSolo(t)
	if _, err := ObservePeer(AgreementsDir(filepath.Dir(s.cfg.Path)), "pl-cert", time.Hour, s.now); err == nil {
		t.Error("a peer that is sent to is observed")
	}
}
