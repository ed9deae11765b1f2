package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Files that are being published at the same time share maxUploads parts of
// uploadPart bytes; a file takes as many as it is long, the smallest one. Those
// for which there is no room wait in their order.
const (
	maxUploads = MaxUpload / uploadPart
	uploadPart = 256 << 10
)

// uploadWait is how long a file may take to come once it has its place: who
// sends a byte a second would keep everybody else waiting.
const uploadWait = time.Minute

// uploads bounds what lies in memory of files that are being published. The zero
// value is ready.
type uploads struct {
	once  sync.Once
	turn  chan struct{} // held by who gathers its parts
	parts chan struct{}
}

// take waits for room for a file of so many bytes, -1 if that is not known, and
// returns what gives it back.
func (u *uploads) take(ctx context.Context, size int64) (done func(), err error) {
	u.once.Do(func() { u.turn, u.parts = make(chan struct{}, 1), make(chan struct{}, maxUploads) })
	want := maxUploads
	if size >= 0 {
		want = int(min(size/uploadPart+1, maxUploads))
	}
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	have := 0
	done = func() {
		for range have {
			<-u.parts
		}
	}
	for ; have < want; have++ {
		select {
		case u.parts <- struct{}{}:
		case <-ctx.Done():
			done()
			return nil, ctx.Err()
		}
	}
	return done, nil
}

// readUpload reads a file, within its time and length.
func readUpload(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	// A writer without deadlines is a test's.
	if err := rc.SetReadDeadline(time.Now().Add(uploadWait)); err == nil {
		defer rc.SetReadDeadline(time.Time{}) //nolint:errcheck // as above
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxUpload))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &federation.Refusal{Reason: federation.TooLarge, Where: r.URL.Query().Get("name"),
			Detail: fmt.Sprintf("the file is larger than %d bytes", tooLarge.Limit), Hint: "split it into several bundles"}
	}
	return data, err
}
