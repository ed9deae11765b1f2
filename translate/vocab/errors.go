package vocab

import (
	"fmt"
	"strings"
)

// Error is one fault of one file: what, where, what to do.
type Error struct {
	// File as it was named to the loader; Line counts from 1, 0 is the file as
	// a whole.
	File string
	Line int
	// Detail says what is wrong, Hint what to do.
	Detail, Hint string
}

// Error prints file:line: detail: hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(where(e.File, e.Line))
	b.WriteString(": ")
	b.WriteString(e.Detail)
	if e.Hint != "" {
		b.WriteString(": ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// where prints a place as file:line.
func where(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// maxErrors bounds how many faults of one file are listed.
const maxErrors = 50

// faults gathers the faults of one file.
type faults struct {
	file string
	errs []error
}

// add notes a fault.
func (f *faults) add(line int, detail, hint string) {
	switch {
	case len(f.errs) < maxErrors:
		f.errs = append(f.errs, &Error{File: f.file, Line: line, Detail: detail, Hint: hint})
	case len(f.errs) == maxErrors:
		f.errs = append(f.errs, &Error{File: f.file, Detail: "more faults follow", Hint: "correct these first"})
	}
}
