package bus

import (
	"errors"
	"syscall"
)

// errSharing is ERROR_SHARING_VIOLATION of the Windows API.
const errSharing = syscall.Errno(32)

// openLocked opens path so that nobody else can open it. Windows closes it when
// the process ends, so a crash leaves nothing to clean up.
func openLocked(path string) (release func() error, err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const shareNothing = 0
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharing) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	return func() error { return syscall.CloseHandle(h) }, nil
}
