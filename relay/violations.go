package relay

import (
	"maps"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/journal"
)

// violationPause is the least time between two journal records of the same
// kind of violation by the same peer: one that breaks the protocol all the
// time must not fill the journal. The count in the status has all of them.
const violationPause = time.Minute

type violationKey struct {
	peer   string
	reason federation.Reason
}

// violation is what the node remembers of one kind of violation.
type violation struct {
	count uint64
	told  time.Time // when the journal was last told, by the machine's clock
}

// violated notes that a peer asked or answered against the protocol of the
// link: it is counted, and told to log and journal.
func (n *Node) violated(peer string, err error) {
	reason := federation.ReasonOf(err)
	if reason == "" || n.ctx.Err() != nil {
		return
	}
	k, now := violationKey{peer, reason}, time.Now()
	n.mu.Lock()
	v := n.violations[k]
	v.count++
	tell := v.told.IsZero() || now.Sub(v.told) >= violationPause
	if tell {
		v.told = now
	}
	n.violations[k] = v
	n.mu.Unlock()
	if !tell {
		return
	}
	n.slog.Warn("a peer breaks the protocol of the link", "peer", peer, "reason", reason, "count", v.count, "error", err)
	_, err = n.journal.Append(n.ctx, &journal.Record{At: n.now(), Link: &journal.LinkEvent{Peer: journal.Token(peer), Event: "refused", Reason: reason}})
	if err != nil && n.ctx.Err() == nil {
		n.slog.Error("the journal does not take the violation of a peer", "peer", peer, "error", err)
	}
}

// violationsOf counts a peer's violations since the start, by reason.
func (n *Node) violationsOf(peer string) map[string]uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string]uint64{}
	for k, v := range maps.All(n.violations) {
		if k.peer == peer {
			out[string(k.reason)] = v.count
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
