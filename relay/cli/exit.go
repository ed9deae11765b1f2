package cli

import (
	"errors"
	"strings"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
)

// Exit codes. Scripts rely on them; they do not change.
const (
	exitDone    = 0 // done
	exitFailed  = 1 // failed: a file that cannot be read, no node running, a fault of ours
	exitUsage   = 2 // wrong usage or configuration
	exitRefused = 3 // verification or policy says no
	exitHeld    = 4 // something waits for a person, or (status) needs one
)

// ending is an error that knows its exit code. Without an error in it nothing
// is printed: the result on stdout has said it all.
type ending struct {
	code int
	err  error
}

// Error returns the text of the error inside.
func (e *ending) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// Unwrap returns the error inside.
func (e *ending) Unwrap() error { return e.err }

// ends returns an ending without a text, or nil for code 0.
func ends(code int) error {
	if code == exitDone {
		return nil
	}
	return &ending{code: code}
}

// usage marks an error as wrong usage.
func usage(err error) error { return &ending{code: exitUsage, err: err} }

// codeOf tells the exit code of an error. What an error says about itself goes
// first; a broken configuration is wrong usage even where a refusal says so.
func codeOf(err error) int {
	if err == nil {
		return exitDone
	}
	if e, ok := errors.AsType[*ending](err); ok {
		return e.code
	}
	if errors.Is(err, configs.ErrConfig) {
		return exitUsage
	}
	switch federation.ReasonOf(err) {
	case "":
		return exitFailed
	case federation.HeldForPerson:
		return exitHeld
	default:
		return exitRefused
	}
}

// complain prints an error, one line for each fault it joins.
func (a *app) complain(err error) {
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		a.say("%s", line)
	}
}
