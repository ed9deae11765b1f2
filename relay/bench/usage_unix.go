//go:build unix

package bench

import (
	"fmt"
	"syscall"
	"time"
)

// ownUsage is what this process has used.
func ownUsage() (usage, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{}, fmt.Errorf("bench: getrusage: %w", err)
	}
	return usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), RSS: residentBytes()}, nil
}
