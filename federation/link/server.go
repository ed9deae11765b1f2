package link

import (
	"context"
	"fmt"
	"sync"

	"github.com/entente-relay/entente/federation"
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

	once    sync.Once
	initErr error
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
// frame or fault. It never fails: an answer is always made.
func (s *Server) Serve(ctx context.Context, peer string, req []byte) []byte {
	b, err := s.answer(ctx, peer, req)
	if err != nil {
		if s.Refused != nil && federation.ReasonOf(err) != "" {
			s.Refused(peer, err)
		}
		incarnation := ""
		if s.Incarnation != nil {
			incarnation = s.Incarnation()
		}
		return faultOf(err, incarnation).encode()
	}
	return b
}

func (s *Server) answer(ctx context.Context, peer string, req []byte) ([]byte, error) {
	if err := s.init(); err != nil {
		return nil, err
	}
	p, err := DecodePull(req)
	if err != nil {
		return nil, err
	}
	if p.MaxBytes == 0 || p.MaxBytes > DefaultMaxBytes {
		p.MaxBytes = DefaultMaxBytes
	}
	if len(p.Cursor) > 0 {
		if p.At, err = s.Cursors.Open(peer, p.Cursor); err != nil {
			return nil, err
		}
	}
	f, err := s.Source.Frame(ctx, peer, p)
	if err != nil {
		return nil, err
	}
	if f.Then != (Cursor{}) {
		if want := f.FirstSeq + uint64(len(f.Messages)) - 1; f.Then.Seq != want {
			return nil, fmt.Errorf("link: frame for %s ends at seq %d, its cursor says %d", peer, want, f.Then.Seq)
		}
		if f.Next, err = s.Cursors.Seal(peer, f.Then); err != nil {
			return nil, err
		}
	}
	if len(f.Messages) > 0 && len(f.Next) == 0 {
		return nil, federation.Refuse(federation.PolicyError, "frame", "a frame with messages has no cursor")
	}
	return s.Codec.EncodeFrame(f)
}
