package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// Defaults of a Puller.
const (
	DefaultWait       = 20 * time.Second
	DefaultMinBackoff = 100 * time.Millisecond
	DefaultMaxBackoff = time.Minute
	// answerMargin is the default of Puller.Margin.
	answerMargin = 15 * time.Second
	// maxReceipts is how many receipts wait for a pull to go with.
	maxReceipts = 64
	// receiptTries is how often a receipt is sent to a peer that answers with
	// a fault; then it is dropped, so that it cannot stop the link for good.
	receiptTries = 3
)

// Puller fetches from one peer for as long as it runs. Peer, Self, Transport
// and Sink are required; the rest may be left zero.
type Puller struct {
	// Peer is the node id of the sender, Self ours.
	Peer, Self string
	Transport  Transport
	Sink       Sink
	// Signer signs receipts. Nil: none are sent.
	Signer directory.Signer
	// Seal returns how the link is sealed, nil if it is open. With an error
	// nothing is asked. Nil: it is open.
	Seal func() (*Seal, error)
	// MaxBytes and Wait go into each pull, see [Pull].
	MaxBytes int
	Wait     time.Duration
	// Margin is how much longer than Wait an answer may take: the peer has a
	// frame to build and the net has to carry it. Zero: 15 s.
	Margin time.Duration
	// MinBackoff and MaxBackoff bound the pause after a fault; it doubles
	// with each fault in a row, and is drawn from the upper half.
	MinBackoff, MaxBackoff time.Duration
	// Rand returns a number in [0, 1) for the pauses. Nil: math/rand/v2.
	Rand func() float64
	// Now is the clock for the status and for pauses. Nil: time.Now.
	Now func() time.Time
	// Stamp is the clock by which receipts are dated. Nil: Now.
	Stamp func() time.Time
	// Codec is made at the start if nil.
	Codec *Codec
	// Log takes faults and resets, once per change. Nil: nothing is logged.
	Log *slog.Logger
	// Refused is told why an answer of the peer could not be taken, if that is
	// the answer's fault. Nil: nobody is told.
	Refused func(err error)

	mu        sync.Mutex
	status    Status
	connected chan struct{} // one place, see Connected

	// What follows belongs to Run's goroutine.
	receipts []*receiptToSend
	late     []*receiptToSend // set aside, see setAside
	lateFrom time.Time
	sealed   uint64 // number of the last sealed pull
	faults   int    // in a row
	tries    int    // of these, since there was a new connection
	forged   int    // frames in a row of which nothing was what it claims to be
	lastWord string
}

// receiptToSend is a signed receipt on its way.
type receiptToSend struct {
	receipt Receipt
	raw     []byte
	tries   int
}

// ErrHole marks a frame that does not continue the link's sequence: a message
// is missing, or came before. Such a frame is never stored.
var ErrHole = errors.New("the link's sequence has a hole")

// Run pulls until ctx is done, and returns ctx's error. Faults of the link, of
// the peer and of the sink are states (see [Puller.Status]), retried with
// back-off, never a reason to end.
func (p *Puller) Run(ctx context.Context) error {
	if err := p.prepare(); err != nil {
		return err
	}
	p.resume(ctx)
	for {
		err := p.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := p.restOrConnect(ctx, p.failed(err), err); err != nil {
			return err
		}
	}
}

// prepare fills in what was left out.
func (p *Puller) prepare() error {
	if p.Transport == nil || p.Sink == nil || p.Peer == "" || p.Self == "" {
		return errors.New("link: a puller needs Peer, Self, Transport and Sink")
	}
	if p.Wait <= 0 || p.Wait > MaxWait {
		p.Wait = DefaultWait
	}
	if p.Margin <= 0 {
		p.Margin = answerMargin
	}
	if p.MinBackoff <= 0 {
		p.MinBackoff = DefaultMinBackoff
	}
	if p.MaxBackoff < p.MinBackoff {
		p.MaxBackoff = max(DefaultMaxBackoff, p.MinBackoff)
	}
	if p.Rand == nil {
		p.Rand = rand.Float64
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if p.Codec == nil {
		p.Codec, err = NewCodec()
	}
	return err
}

// ask sends the next pull, with a receipt if one waits, in the background.
func (p *Puller) ask(ctx context.Context, pos Position) <-chan answer {
	pull := Pull{Ver: Version, Cursor: pos.Cursor, MaxBytes: p.MaxBytes, Wait: p.Wait}
	var r *receiptToSend
	p.takeUp()
	if len(p.receipts) > 0 {
		r = p.receipts[0]
		p.receipts = p.receipts[1:]
		pull.Receipt = r.raw
		if len(p.receipts) > 0 {
			pull.Wait = 0 // the others shall not wait for news
		}
	}
	// Sealed pulls are numbered by time, so that a new process goes on above
	// the last.
	p.sealed = max(p.sealed+1, uint64(p.Now().UnixMicro()))
	seq := p.sealed
	c := make(chan answer, 1)
	go func() {
		started := p.Now()
		a := p.request(ctx, pull, seq)
		a.receipt, a.took = r, p.Now().Sub(started)
		c <- a
	}()
	return c
}

// pace keeps a peer that answers "nothing new" at once, although it was asked
// to wait, from making this node spin.
func (p *Puller) pace(ctx context.Context, took time.Duration) error {
	if took >= p.MinBackoff {
		return nil
	}
	return p.rest(ctx, p.MinBackoff-took)
}

// spare keeps a peer from making this node work for nothing: frames that move
// the cursor without a message are paced, and after one of which nothing was
// what it claimed to be comes a pause as after a fault.
func (p *Puller) spare(ctx context.Context, f Frame, took time.Duration) error {
	if p.forged > 0 {
		return p.rest(ctx, p.pause(p.forged-1))
	}
	if len(f.Messages) == 0 {
		return p.pace(ctx, took)
	}
	return nil
}

// returned looks after the receipt that went with a pull: if it is not known
// to have arrived, it goes again.
func (p *Puller) returned(a answer) {
	if a.receipt == nil {
		return
	}
	if a.err == nil {
		p.lateFrom = time.Time{}
		return
	}
	if notNow(a.err) {
		p.setAside(a.receipt)
		return
	}
	// Over a link that one side wants sealed nothing gets through: that is not
	// about the receipt.
	if f, refused := errors.AsType[*Fault](a.err); refused && f.Reason != federation.Unsealed && f.Reason != federation.BadSeal {
		a.receipt.tries++
	}
	if a.receipt.tries >= receiptTries {
		p.dropReceipt("the peer refuses it", a.err)
		return
	}
	p.receipts = append([]*receiptToSend{a.receipt}, p.receipts...)
}

// answer is what came of one pull.
type answer struct {
	frame   Frame
	err     error
	receipt *receiptToSend // went with the pull
	took    time.Duration
}

// request sends one pull and reads its answer.
func (p *Puller) request(ctx context.Context, pull Pull, seq uint64) answer {
	ctx, cancel := context.WithTimeout(ctx, pull.Wait+p.Margin)
	defer cancel()
	req, err := EncodePull(pull)
	if err != nil {
		return answer{err: err}
	}
	req, seal, q, err := p.seal(req, seq)
	if err != nil {
		return answer{err: fmt.Errorf("pull from %s: %w", p.Peer, err)}
	}
	p.asked()
	resp, err := p.Transport.Request(ctx, req)
	if errors.Is(err, ErrCut) {
		p.cut()
	}
	if err != nil {
		return answer{err: unreached{fmt.Errorf("pull from %s: %w", p.Peer, err)}}
	}
	p.said()
	if seal != nil {
		resp, err = seal.openAnswer(resp, q)
	} else if p.Seal != nil {
		// The terms may have changed while the pull was on its way.
		var now *Seal
		if now, err = p.Seal(); err == nil && now != nil {
			err = errSealedMeanwhile(p.Peer)
		}
	}
	var f Frame
	if err == nil {
		f, err = p.Codec.DecodeFrame(resp)
	}
	if err != nil {
		err = fmt.Errorf("frame of %s: %w", p.Peer, err)
	}
	return answer{frame: f, err: err}
}

// seal closes a pull, if the link is a sealed one.
func (p *Puller) seal(req []byte, seq uint64) ([]byte, *Seal, asked, error) {
	if p.Seal == nil {
		return req, nil, asked{}, nil
	}
	seal, err := p.Seal()
	if err != nil || seal == nil {
		return req, nil, asked{}, err
	}
	req, q, err := seal.sealPull(req, seq, p.Now())
	return req, seal, q, err
}

// check refuses a frame that does not follow pos. A new incarnation of the
// sender's log begins again at 1.
func (p *Puller) check(f Frame, pos Position) error {
	want := pos.LastSeq + 1
	if f.Incarnation != pos.Incarnation {
		want = 1
	}
	where := "frame of " + p.Peer
	switch {
	case f.FirstSeq != want:
		p.update(func(s *Status) { s.Holes++ })
		return &federation.Refusal{Reason: federation.Malformed, Where: where, Err: ErrHole,
			Detail: fmt.Sprintf("it begins at %d, %d was due", f.FirstSeq, want), Hint: "nothing of it was stored; the link is pulled again from where it stood"}
	case len(f.Messages) > 0 && len(f.Next) == 0:
		return federation.Refuse(federation.Malformed, where, "messages without a cursor")
	}
	return nil
}

// startAgain says whether err means that the cursor is of a log that is no
// more, so that an empty one is the way on.
func (p *Puller) startAgain(err error, pos Position) bool {
	f, ok := errors.AsType[*Fault](err)
	if !ok || f.Reason != federation.Malformed || f.Incarnation == "" || pos.Incarnation == "" || f.Incarnation == pos.Incarnation {
		return false
	}
	p.update(func(s *Status) { s.Resets++ })
	p.Log.Warn("the peer's log is a new one and our cursor is not known to it, reading from the start", "peer", p.Peer, "last_seq", pos.LastSeq)
	return true
}

// stored takes what came of a frame that the sink was given, and signs its
// receipt. before is where the link stood.
func (p *Puller) stored(f Frame, before Position, rc Receipt, err error) error {
	if err != nil {
		return fmt.Errorf("store messages %d to %d of %s: %w", f.FirstSeq, f.After().LastSeq, p.Peer, err)
	}
	p.good()
	p.committed(f, before)
	switch {
	case rc.forged():
		p.forged++
	case len(f.Messages) > 0:
		p.forged = 0
	}
	if p.Signer == nil || len(f.Messages) == 0 {
		return nil
	}
	rc.Peer, rc.Link, rc.FirstSeq, rc.LastSeq, rc.Root = p.Peer, p.Self, f.FirstSeq, f.After().LastSeq, f.Root
	if rc.At.IsZero() {
		rc.At = p.stamp()
	}
	raw, err := SignReceipt(rc, p.Signer)
	if err != nil {
		// The frame is stored; a receipt that cannot be made is told, and does
		// not make it less so.
		p.dropReceipt("it could not be signed", err)
		return nil
	}
	if len(p.receipts) == maxReceipts {
		p.receipts = p.receipts[1:]
		p.dropReceipt("too many wait", nil)
	}
	p.receipts = append(p.receipts, &receiptToSend{receipt: rc, raw: raw})
	return nil
}
