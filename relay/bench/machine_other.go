//go:build !linux

package bench

import "time"

// residentBytes is 0: only Linux says it without a library.
func residentBytes() int64 { return 0 }

// cpuModel is "": only Linux says it without a library.
func cpuModel() string { return "" }

// machineTimes are not known here.
func machineTimes() (busy, steal time.Duration, ok bool) { return 0, 0, false }
