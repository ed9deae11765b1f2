package bench

import (
	"fmt"
	"syscall"
	"time"
)

// ownUsage is what this process has used.
func ownUsage() (usage, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return usage{}, fmt.Errorf("bench: this process: %w", err)
	}
	var made, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &made, &ended, &kernel, &user); err != nil {
		return usage{}, fmt.Errorf("bench: times of this process: %w", err)
	}
	// A Filetime counts 100 ns; as a duration it has no epoch.
	span := func(f syscall.Filetime) time.Duration {
		return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
	}
	return usage{CPU: span(kernel) + span(user), RSS: residentBytes()}, nil
}
