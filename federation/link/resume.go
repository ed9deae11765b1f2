package link

import "context"

// Resumer is what a [Sink] may offer besides: the receipts of the last frames
// it stored, oldest first. A receiver that was killed does not know whether
// they got out; one that comes twice changes nothing at the sender.
type Resumer interface {
	Unacknowledged(ctx context.Context) ([]Receipt, error)
}

// resume signs again the receipts that may have been lost with an earlier
// process. Without them the link still works; what is missing is told.
func (p *Puller) resume(ctx context.Context) {
	r, ok := p.Sink.(Resumer)
	if !ok || p.Signer == nil {
		return
	}
	rcs, err := r.Unacknowledged(ctx)
	if err != nil {
		p.dropReceipt("the earlier ones could not be read", err)
		return
	}
	if len(rcs) > maxReceipts {
		rcs = rcs[len(rcs)-maxReceipts:]
	}
	for _, rc := range rcs {
		raw, err := SignReceipt(rc, p.Signer)
		if err != nil {
			p.dropReceipt("it could not be signed", err)
			continue
		}
		p.receipts = append(p.receipts, &receiptToSend{receipt: rc, raw: raw})
	}
}
