package link

import "context"

// Server answers the pulls of peers from a Source.
type Server struct {
	Source  Source
	Cursors *CursorKey
}

// Serve answers one encoded pull of an authenticated peer with an encoded
// frame or fault. It never fails: an answer is always made.
func (s *Server) Serve(ctx context.Context, peer string, req []byte) []byte { return nil }
