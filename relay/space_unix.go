//go:build linux || darwin

package relay

import "syscall"

// diskSpace returns the bytes of the disk under dir: what this user may still
// write, and all.
func diskSpace(dir string) (free, total uint64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, 0, false
	}
	size := uint64(s.Bsize) // its type differs between systems
	return s.Bavail * size, s.Blocks * size, true
}
