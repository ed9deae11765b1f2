package bus

import "errors"

// What a caller of the bus can tell apart with errors.Is.
var (
	// ErrConflict: a record's ExpectLastSubject does not hold. Nothing of the
	// batch was stored.
	ErrConflict = errors.New("bus: another writer was first")
	// ErrUnknown: the answer to a write was lost, so it may be stored or not.
	// Read [Stream.Last] before writing again.
	ErrUnknown = errors.New("bus: it is not known whether the batch was stored")
	// ErrTooLarge: a batch or a record is over its limit. Nothing was stored.
	ErrTooLarge = errors.New("bus: too large")
	// ErrFull: the store or the stream is at its limit. Nothing was stored.
	ErrFull = errors.New("bus: no room")
	// ErrNoPeer: the peer is not in the last SetPeers, or nobody answers at
	// its end of the link.
	ErrNoPeer = errors.New("bus: peer does not answer")
	// ErrInUse: another process has the store or the address.
	ErrInUse = errors.New("bus: in use")
	// ErrClosed: the bus was stopped.
	ErrClosed = errors.New("bus: stopped")
)
