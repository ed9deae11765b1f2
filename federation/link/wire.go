package link

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Every encoded value of this package begins with these two bytes, then one for
// its kind, then its version.
const (
	magic     = "eL"
	kindPull  = 'P'
	kindFrame = 'F'
	kindFault = 'X'
)

// Bounds of single fields, in bytes. They are far above what nodes write and
// keep a hostile peer from claiming memory.
const (
	maxCursor      = 512
	maxIncarnation = 64
	maxRoot        = 256
	maxReason      = 40
	maxDetail      = 512
	// MaxReceipt bounds a signed receipt: 512 outcomes of about 60 bytes, in
	// base64url.
	MaxReceipt = 64 << 10
)

// writer appends fields: unsigned varints (LEB128, as encoding/binary has them)
// and strings with their length before them.
type writer []byte

func begin(kind byte) writer {
	return append(writer(magic), kind, Version)
}

func (w *writer) uint(n uint64)  { *w = binary.AppendUvarint(*w, n) }
func (w *writer) bytes(b []byte) { w.uint(uint64(len(b))); *w = append(*w, b...) }
func (w *writer) text(s string)  { w.uint(uint64(len(s))); *w = append(*w, s...) }
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.uint(0)
		return
	}
	w.uint(uint64(max(t.UnixMilli(), 1)))
}

// reader takes fields off the front. After the first fault everything reads as
// zero and err says what and where it was.
type reader struct {
	what string // for errors: "pull", "frame", ...
	all  int
	b    []byte
	err  error
}

// open checks what stands at the beginning of every encoded value.
func open(what string, kind byte, b []byte) *reader {
	r := &reader{what: what, all: len(b), b: b}
	switch {
	case len(b) < len(magic)+2 || string(b[:len(magic)]) != magic:
		r.fail(federation.Malformed, "not a message of the link protocol")
	case b[2] != kind:
		r.fail(federation.Malformed, fmt.Sprintf("another kind of message (%q)", b[2]))
	case b[3] != Version:
		r.fail(federation.Unsupported, fmt.Sprintf("version %d of the link protocol, this node knows %d", b[3], Version))
	default:
		r.b = b[4:]
	}
	return r
}

func (r *reader) fail(reason federation.Reason, detail string) {
	if r.err == nil {
		e := federation.Refuse(reason, fmt.Sprintf("%s at byte %d", r.what, r.all-len(r.b)), detail)
		if reason == federation.Unsupported {
			e.Hint = "update the older of the two nodes"
		}
		r.err = e
	}
	r.b = nil
}

// uint reads a varint of at most limit; only the shortest spelling is taken.
func (r *reader) uint(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.b)
	switch {
	case size <= 0 || (size > 1 && r.b[size-1] == 0):
		r.fail(federation.Malformed, "not a number")
		return 0
	case n > limit:
		r.fail(federation.TooLarge, fmt.Sprintf("number %d, the limit is %d", n, limit))
		return 0
	}
	r.b = r.b[size:]
	return n
}

// bytes reads a string of at most limit bytes, without copying.
func (r *reader) bytes(limit int) []byte {
	n := r.uint(uint64(limit))
	if n > uint64(len(r.b)) {
		r.fail(federation.Malformed, fmt.Sprintf("%d bytes announced, %d left", n, len(r.b)))
	}
	if r.err != nil || n == 0 {
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// name reads a short string of printable ASCII.
func (r *reader) name(limit int) string {
	b := r.bytes(limit)
	for _, c := range b {
		if c <= ' ' || c > '~' {
			r.fail(federation.Malformed, "a name with blanks or control characters")
			return ""
		}
	}
	return string(b)
}

// maxMilli is the end of the year 9999 in milliseconds of Unix time.
const maxMilli = 253402300799999

func (r *reader) time() time.Time {
	n := r.uint(maxMilli)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(n)).UTC()
}

func (r *reader) millis(limit time.Duration) time.Duration {
	return time.Duration(r.uint(uint64(limit/time.Millisecond))) * time.Millisecond
}

// end returns the fault, or one if something is left.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail(federation.Malformed, fmt.Sprintf("%d bytes after its end", len(r.b)))
	}
	return r.err
}
