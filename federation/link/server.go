package link

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// Server answers the pulls of peers from a Source. Source and Cursors are
// required; the rest may be left zero.
type Server struct {
	Source  Source
	Cursors *CursorKey
	// Incarnation is told to peers whose cursor is refused, so that they can
	// see whether the log is a new one. Nil: it is not told.
	Incarnation func() string
	// Refused is told why a peer's request was refused, if that is the
	// request's fault. Nil: nobody is told.
	Refused func(peer string, err error)
	// Codec is made at the first answer if nil.
	Codec *Codec
	// Seal returns how the link with a peer is sealed, nil if it is open. With
	// an error nothing is answered but that. Nil: every link is open.
	Seal func(peer string) (*Seal, error)
	// Now is the clock for seals. Nil: time.Now.
	Now func() time.Time
	// Unread is told of a peer that was answered more than [MaxUnread] bytes and
	// has not shown to read: what waits for it on its connection is to be let go.
	// Nothing more is answered to the pull. Nil: nobody is told, and it is answered.
	Unread func(peer string)

	once    sync.Once
	initErr error
	mu      sync.Mutex
	newest  map[string]uint64 // number of the newest sealed pull, by peer
	unread  unread
}

func (s *Server) init() error {
	s.once.Do(func() {
		if s.Codec == nil {
			s.Codec, s.initErr = NewCodec()
		}
	})
	return s.initErr
}

// Serve answers one encoded pull of an authenticated peer with an encoded
// frame or fault. It never fails: an answer is always made, but for a peer that
// reads none, see [Server.Unread]; there it is nil.
//
// Where the link is sealed, nothing but a fault without any content of ours is
// ever answered open: to a pull that does not open, and so may be anybody's.
func (s *Server) Serve(ctx context.Context, peer string, req []byte) []byte {
	b := s.serve(ctx, peer, req)
	if s.Unread != nil && s.unread.add(peer, len(b)) {
		s.Unread(peer)
		return nil
	}
	return b
}

func (s *Server) serve(ctx context.Context, peer string, req []byte) []byte {
	seal, q, req, err := s.unseal(peer, req)
	if err != nil {
		s.refused(peer, err)
		return openFault(err).encode()
	}
	limit := DefaultMaxBytes
	if seal != nil {
		limit = SealedMaxBytes
	}
	b, err := s.answer(ctx, peer, req, limit)
	if seal == nil {
		// A pull that came open may have waited here while the terms changed.
		if err := s.stillOpen(peer); err != nil {
			return openFault(err).encode()
		}
	}
	if err == nil && seal != nil {
		b, err = seal.sealAnswer(b, q)
	}
	if err == nil {
		return b
	}
	s.refused(peer, err)
	incarnation := ""
	if s.Incarnation != nil {
		incarnation = s.Incarnation()
	}
	fault := faultOf(err, incarnation).encode()
	if seal == nil {
		return fault
	}
	if b, err = seal.sealAnswer(fault, q); err != nil {
		return openFault(err).encode()
	}
	return b
}

// refused tells why a request was refused.
func (s *Server) refused(peer string, err error) {
	if s.Refused != nil && federation.ReasonOf(err) != "" {
		s.Refused(peer, err)
	}
}

// openFault is what anybody may read: a word of ours, and nothing of err.
func openFault(err error) *Fault {
	f := &Fault{Reason: federation.ReasonOf(err), Detail: "the pull was not opened"}
	if f.Reason == "" {
		f.Reason = federation.PolicyError
	}
	return f
}

// stillOpen says why the answer to an open pull may not go open any more.
func (s *Server) stillOpen(peer string) error {
	if s.Seal == nil {
		return nil
	}
	seal, err := s.Seal(peer)
	if err == nil && seal != nil {
		err = errSealedMeanwhile(peer)
	}
	return err
}

// errSealedMeanwhile refuses what was asked in the open before the terms wanted a
// seal.
func errSealedMeanwhile(peer string) error {
	return federation.Refuse(federation.Unsealed, "link with "+peer, "it was asked open, and the terms want it sealed by now")
}

// unseal opens a pull, if the link with the peer is a sealed one.
func (s *Server) unseal(peer string, req []byte) (*Seal, asked, []byte, error) {
	var q asked
	if s.Seal == nil {
		return nil, q, req, nil
	}
	seal, err := s.Seal(peer)
	if err != nil || seal == nil {
		return nil, q, req, err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	pull, q, err := seal.openPull(req, now())
	if err != nil {
		return nil, q, nil, err
	}
	return seal, q, pull, s.follows(peer, q.seq, now())
}

// follows refuses a sealed pull that was seen before, or that is older than one
// that was: somebody between plays it again.
func (s *Server) follows(peer string, seq uint64, now time.Time) error {
	if sent := time.UnixMicro(int64(seq)); sent.Before(now.Add(-directory.Skew)) || sent.After(now.Add(directory.Skew)) {
		r := federation.Refuse(federation.BadSeal, "pull", "it was sealed at another time than now")
		r.Hint = "set the clocks of both nodes"
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.newest[peer] {
		return federation.Refuse(federation.BadSeal, "pull", "its number is not above that of the last one")
	}
	if s.newest == nil {
		s.newest = map[string]uint64{}
	}
	s.newest[peer] = seq
	return nil
}

// answer builds the answer to an encoded pull; messages of at most limit bytes.
func (s *Server) answer(ctx context.Context, peer string, req []byte, limit int) ([]byte, error) {
	if err := s.init(); err != nil {
		return nil, err
	}
	p, err := DecodePull(req)
	if err != nil {
		return nil, err
	}
	if p.MaxBytes == 0 || p.MaxBytes > limit {
		p.MaxBytes = limit
	}
	if len(p.Cursor) > 0 {
		if p.At, err = s.Cursors.Open(peer, p.Cursor); err != nil {
			return nil, err
		}
	}
	s.unread.shows(peer, p.Cursor)
	f, err := s.Source.Frame(ctx, peer, p)
	if err != nil {
		return nil, err
	}
	if f.Then != (Cursor{}) {
		if want := f.FirstSeq + uint64(f.Count()) - 1; f.Then.Seq != want {
			return nil, fmt.Errorf("link: frame for %s ends at seq %d, its cursor says %d", peer, want, f.Then.Seq)
		}
		if f.Next, err = s.Cursors.Seal(peer, f.Then); err != nil {
			return nil, err
		}
		s.unread.next(peer, f.Next)
	}
	if f.Count() > 0 && len(f.Next) == 0 {
		return nil, federation.Refuse(federation.PolicyError, "frame", "a frame with messages has no cursor")
	}
	return s.Codec.EncodeFrame(f)
}
