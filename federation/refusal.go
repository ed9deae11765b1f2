package federation

import (
	"errors"
	"strings"
)

// Refusal is an error that says no with a reason. Its text names what is
// wrong, where, and (if known) what to do about it.
type Refusal struct {
	// Reason is the stable word for it.
	Reason Reason
	// Where points at the fault: a file, an object id, a property path, a
	// byte offset. It never holds a property's value.
	Where string
	// Detail says what is wrong, in one phrase without a full stop.
	Detail string
	// Hint says what to do, or is empty.
	Hint string
	// Err is the underlying error, or nil.
	Err error
}

// Refuse returns a refusal for reason r at a place, with a detail.
func Refuse(r Reason, where, detail string) *Refusal {
	return &Refusal{Reason: r, Where: where, Detail: detail}
}

// Error renders "where: detail: cause (reason); hint".
func (e *Refusal) Error() string {
	var b strings.Builder
	for _, part := range []string{e.Where, e.Detail} {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(part)
	}
	if e.Err != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString("(" + string(e.Reason) + ")")
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the underlying error.
func (e *Refusal) Unwrap() error { return e.Err }

// Is reports whether target is a refusal with the same reason and, where the
// target states one, the same place. It lets callers write
// errors.Is(err, &federation.Refusal{Reason: federation.Malformed}).
func (e *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Reason == e.Reason && (t.Where == "" || t.Where == e.Where)
}

// ReasonOf returns the reason of the outermost refusal in err's chain, or ""
// when there is none.
func ReasonOf(err error) Reason {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Reason
	}
	return ""
}
