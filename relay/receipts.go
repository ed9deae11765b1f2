package relay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// sentFrames remembers the last frames that went to one peer, because their
// receipts may come before the index has read the journal. Older ones are asked
// of the index.
type sentFrames struct {
	mu     sync.Mutex
	frames []*sentFrame
}

// maxSentFrames is how many; a peer has at most 64 receipts on their way.
const maxSentFrames = 256

// sentFrame is what a receipt is held against.
type sentFrame struct {
	root    string
	first   uint64
	objects []uint16 // of each message
	gone    []uint16 // what each takes back
	told    []bool   // the journal has a receipt for it
}

func (s *sentFrames) add(f *sentFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.frames) == maxSentFrames {
		s.frames = slices.Delete(s.frames, 0, 1)
	}
	s.frames = append(s.frames, f)
}

// find returns the frame with that root, nil if it is none of the last ones.
func (s *sentFrames) find(root string) *sentFrame {
	for i := len(s.frames) - 1; i >= 0; i-- {
		if s.frames[i].root == root {
			return s.frames[i]
		}
	}
	return nil
}

// receipt checks a peer's signed receipt and writes it to the journal. One that
// speaks of what was not sent, or counts other objects than went, is told as a
// violation and changes nothing; the pull it came with is answered all the same,
// because a sender that lost its journal does not know the honest ones either.
func (n *Node) receipt(ctx context.Context, peer string, raw []byte) error {
	w := n.world.Load()
	rc, err := link.OpenReceipt(raw, w.Directory, n.now())
	if err != nil {
		return err
	}
	if rc.Link != peer || rc.Peer != n.id {
		return federation.Refuse(federation.WrongRecipient, "receipt", fmt.Sprintf("made by %s for %s, came from %s", rc.Link, rc.Peer, peer))
	}
	sent := &n.lane(peer).sent
	sent.mu.Lock()
	defer sent.mu.Unlock()
	f := sent.find(rc.Root)
	if f == nil {
		if f, err = n.sentBefore(ctx, peer, &rc); err != nil {
			return err
		}
	}
	fresh, err := f.against(&rc)
	if err != nil {
		n.violated(peer, err)
		return nil
	}
	if !fresh {
		return nil // it came before; a receiver that was killed sends it again
	}
	r := &journal.Receipt{Peer: journal.Token(peer), Root: journal.Token(rc.Root), First: rc.FirstSeq, Last: rc.LastSeq, Signed: sha256.Sum256(raw), At: rc.At}
	for _, o := range rc.Outcomes {
		r.Outcomes = append(r.Outcomes, journal.ReceiptOutcome{Seq: o.Seq, Stored: o.Stored, Duplicate: o.Duplicate, Held: o.Held, Refused: o.Refused, Reason: o.Reason})
	}
	if _, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Receipt: r}); err != nil {
		return forPeer(err)
	}
	for _, o := range rc.Outcomes {
		f.told[o.Seq-f.first] = true
	}
	return nil
}

// sentBefore finds in the index what a receipt is about.
func (n *Node) sentBefore(ctx context.Context, peer string, rc *link.Receipt) (*sentFrame, error) {
	got, err := n.index.Sent(ctx, peer, rc.Root, rc.FirstSeq, rc.LastSeq)
	if err != nil || len(got) == 0 {
		return nil, err
	}
	f := &sentFrame{root: rc.Root, first: got[0].LinkSeq}
	for i, d := range got {
		if d.LinkSeq != f.first+uint64(i) {
			return nil, fmt.Errorf("%w: the frame %s to %s is there in part", store.ErrDamaged, rc.Root, peer)
		}
		f.objects, f.gone = append(f.objects, uint16(d.Objects)), append(f.gone, uint16(d.Gone))
		f.told = append(f.told, d.Acknowledged)
	}
	return f, nil
}

// against holds a receipt against the frame it names, nil for none. It reports
// whether it tells something new.
func (f *sentFrame) against(rc *link.Receipt) (fresh bool, err error) {
	if f == nil {
		return false, federation.Refuse(federation.Malformed, "receipt", "for a frame that was not sent, root "+rc.Root)
	}
	if rc.FirstSeq < f.first || rc.LastSeq-f.first >= uint64(len(f.objects)) {
		return false, federation.Refuse(federation.Malformed, "receipt",
			fmt.Sprintf("for messages %d to %d, the frame has %d to %d", rc.FirstSeq, rc.LastSeq, f.first, f.first+uint64(len(f.objects))-1))
	}
	for _, o := range rc.Outcomes {
		sent, gone, sum := int(f.objects[o.Seq-f.first]), int(f.gone[o.Seq-f.first]), o.Stored+o.Held+o.Refused+o.Duplicate
		// A message that could not be opened counts as one object; of what is
		// taken back, only what has no effect is counted.
		unread := sum == 1 && o.Held+o.Refused == 1
		if sum != sent && !unread && (gone == 0 || sum > gone) {
			return false, federation.Refuse(federation.Malformed, "receipt",
				fmt.Sprintf("it accounts for %d objects of message %d, %d were sent", sum, o.Seq, sent))
		}
		fresh = fresh || !f.told[o.Seq-f.first]
	}
	return fresh, nil
}
