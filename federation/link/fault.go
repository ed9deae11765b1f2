package link

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/entente-relay/entente/federation"
)

// Fault is a peer's answer that says why there is no frame. It is the peer's
// word: Reason is one of ours, Detail is cut and cleaned, and neither is more
// than something to show.
type Fault struct {
	Reason federation.Reason
	Detail string
	// Incarnation is that of the peer's log, "" if it did not say.
	Incarnation string
	// RetryAfter is how long the peer asks to be left alone, or 0.
	RetryAfter time.Duration
}

// Error says that the peer refused, and why.
func (f *Fault) Error() string {
	return fmt.Sprintf("the peer answers: %s (%s)", f.Detail, f.Reason)
}

// Unwrap makes federation.ReasonOf work on it.
func (f *Fault) Unwrap() error {
	return federation.Refuse(f.Reason, "answer of the peer", f.Detail)
}

// maxRetryAfter bounds how long a peer can ask to be left alone.
const maxRetryAfter = time.Hour

// faultOf makes what a peer is told of err: a fault as a source made it, the
// reason and detail of a refusal, never the texts of other errors, which may
// name files or values.
func faultOf(err error, incarnation string) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return &Fault{Reason: f.Reason, Detail: f.Detail, Incarnation: incarnation, RetryAfter: f.RetryAfter}
	}
	if r, ok := errors.AsType[*federation.Refusal](err); ok {
		return &Fault{Reason: r.Reason, Detail: r.Detail, Incarnation: incarnation}
	}
	return &Fault{Reason: federation.PolicyError, Detail: "the request could not be answered now", Incarnation: incarnation}
}

// encode returns the fault as it travels.
func (f *Fault) encode() []byte {
	w := begin(kindFault)
	w.text(string(f.Reason))
	w.text(clean(f.Detail))
	w.text(f.Incarnation)
	w.uint(uint64(min(f.RetryAfter, maxRetryAfter) / time.Millisecond))
	return w
}

// decodeFault reads a fault: a *Fault, or the refusal of a malformed one.
func decodeFault(b []byte) error {
	r := open("fault", kindFault, b)
	f := &Fault{Reason: federation.Reason(r.name(maxReason)), Detail: clean(string(r.bytes(maxDetail))), Incarnation: r.name(maxIncarnation)}
	f.RetryAfter = min(time.Duration(r.uint(math.MaxInt64/uint64(time.Millisecond)))*time.Millisecond, maxRetryAfter)
	if err := r.end(); err != nil {
		return err
	}
	if !f.Reason.Valid() {
		// A newer peer has a word that we do not.
		f.Detail = clean(string(f.Reason) + ": " + f.Detail)
		f.Reason = federation.Unsupported
	}
	return f
}

// clean makes text of a peer fit to print on one line.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	for len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "")
	}
	return s
}
