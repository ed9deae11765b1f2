package link

import (
	"context"
	"errors"
)

// ErrCut is what a [Transport] returns, or wraps, when the connection that a
// request went over is no more: the answer can no longer come.
var ErrCut = errors.New("the link went down while the peer was asked")

// Transport asks one peer and returns its answer. Any error means that it is
// not known whether the peer saw the request.
type Transport interface {
	Request(ctx context.Context, req []byte) ([]byte, error)
}

// Source builds frames for peers. The node implements it over its log.
//
// Frame returns what follows p.At for peer, waiting up to p.Wait for the log to
// grow when there is nothing. It sets FirstSeq to p.At.Seq+1 and Then to the
// cursor after the frame; Then left zero means nothing new. An error with a
// [federation.Refusal] inside reaches the peer as that reason (and its detail),
// any other error only as "policy-error".
type Source interface {
	Frame(ctx context.Context, peer string, p Pull) (Frame, error)
}

// Sink takes frames from one peer. The node implements it over verify, decide
// and its log.
//
// Position returns where the last commit left off. Commit stores what of the
// frame may be stored, and f.After() in the same write as the last of it, and
// tells what became of each message; messages that are already there count as
// duplicates. When it returns an error the frame may be stored, or not, or in
// part: Position is asked again before anything else.
type Sink interface {
	Position(ctx context.Context) (Position, error)
	Commit(ctx context.Context, f Frame) (Receipt, error)
}
