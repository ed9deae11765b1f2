package relay

import (
	"context"

	"github.com/entente-relay/entente/federation/link"
)

// resumeEntries is how far back a node looks, when it starts, for frames whose
// receipt may not have reached the sender: more than what can be on its way.
const resumeEntries = 2000

// Unacknowledged makes the receipts of the frames at the end of the log anew.
// A node that was killed after a commit does not know whether its receipt got
// out; a receipt that comes twice changes nothing.
func (im *importer) Unacknowledged(ctx context.Context) ([]link.Receipt, error) {
	n := im.node
	last, ok, err := n.log.Last(ctx, im.peer)
	if err != nil || !ok {
		return nil, err
	}
	from := uint64(1)
	if last.Seq > resumeEntries {
		from = last.Seq - resumeEntries
	}
	var out []link.Receipt
	whole := from == 1 // the first frame found may have begun further back
	for from <= last.Seq {
		got, err := n.log.Read(ctx, from, readEntries, readBytes)
		if err != nil {
			return nil, err
		}
		if len(got) == 0 {
			break
		}
		for _, st := range got {
			from = st.Seq + 1
			if st.Subject != im.peer {
				continue
			}
			e, err := decodeEntry(st.Data)
			if err != nil {
				return nil, err
			}
			if e.Root == "" {
				continue // no message: it only keeps the position
			}
			if k := len(out); k == 0 || out[k-1].Root != e.Root {
				out = append(out, link.Receipt{Peer: im.peer, Link: n.id, FirstSeq: e.LinkSeq, Root: e.Root})
			}
			r := &out[len(out)-1]
			r.LastSeq, r.At = e.LinkSeq, e.At
			r.Outcomes = append(r.Outcomes, e.receipt())
		}
	}
	if !whole && len(out) > 0 {
		out = out[1:]
	}
	return out, nil
}
