package link

import (
	"errors"
	"time"

	"github.com/entente-relay/entente/federation"
)

// lateReceipts is how long a receipt waits that the peer cannot judge now.
const lateReceipts = 5 * time.Second

// notNow reports whether a peer refused a receipt for a cause that passes: one
// of the two clocks is wrong, or it does not know the key yet.
func notNow(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && (f.Reason == federation.NotYetValid || f.Reason == federation.UnknownIssuer)
}

// setAside keeps a receipt for later: sent again and again it would hold up the
// link, dropped it would leave what it acknowledges in flight for good.
func (p *Puller) setAside(r *receiptToSend) {
	if len(p.late) == maxReceipts {
		p.late = p.late[1:]
		p.dropReceipt("too many wait", nil)
	}
	p.late = append(p.late, r)
	p.lateFrom = p.Now().Add(lateReceipts)
}

// takeUp makes one of the receipts that were set aside anew, as of now, and
// sends it with the next pull. When it is taken, the others follow.
func (p *Puller) takeUp() {
	if len(p.late) == 0 || len(p.receipts) > 0 || p.Now().Before(p.lateFrom) {
		return
	}
	r := p.late[0]
	p.late = p.late[1:]
	r.receipt.At = p.stamp()
	raw, err := SignReceipt(r.receipt, p.Signer)
	if err != nil {
		p.dropReceipt("it could not be signed", err)
		return
	}
	r.raw = raw
	p.receipts = append(p.receipts, r)
}

// stamp is the time for receipts.
func (p *Puller) stamp() time.Time {
	if p.Stamp != nil {
		return p.Stamp()
	}
	return p.Now()
}
