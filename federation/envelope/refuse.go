package envelope

import (
	"errors"
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// bad makes the error for text that is not what it should be.
func bad(format string, args ...any) error {
	return federation.Refuse(federation.Malformed, "", fmt.Sprintf(format, args...))
}

// within says where a refusal arose, in front of what it says itself. An error
// that is none becomes Malformed.
func within(where string, err error) error {
	r, ok := errors.AsType[*federation.Refusal](err)
	if !ok {
		return &federation.Refusal{Reason: federation.Malformed, Where: where, Err: err}
	}
	out := *r
	out.Where = where
	if r.Where != "" {
		out.Where += ", " + r.Where
	}
	return &out
}
