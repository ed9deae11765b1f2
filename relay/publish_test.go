package relay

import (
	"context"
	"errors"
	"testing"

	"github.com/entente-relay/entente/configs"
)

// TestPublishThatIsGivenUp: a file of which something was not signed or not
// stored is never answered as done.
func TestPublishThatIsGivenUp(t *testing.T) {
	h := newHub(t, configs.Generalise{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 20 {
		if n, err := h.fill(ctx, 1+64*i, 64); n != 0 || !errors.Is(err, context.Canceled) {
			t.Fatalf("%d objects were answered as stored, %v", n, err)
		}
	}
}
