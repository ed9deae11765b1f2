package relay

import (
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

func TestSpaceIsKept(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	for _, c := range []struct {
		want        uint64
		free, total uint64
		refused     bool
	}{
		{wantsLog, 32 * mib, 100 * mib, false},
		{wantsLog, 32*mib - 1, 100 * mib, true},
		{wantsJournal, 32*mib - 1, 100 * mib, false},
		{wantsJournal, 16*mib - 1, 100 * mib, true},
		{wantsLog, 100*mib - 1, 10 * gib, true},
		{wantsLog, 110 * mib, 10 * gib, false},
		{wantsLog, 512 * mib, 10_000 * gib, false},
		{wantsLog, 0, 0, true},
	} {
		err := spaceFor(c.want, "/data", c.free, c.total)
		if (err != nil) != c.refused {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil && (federation.ReasonOf(err) != federation.Quota || !strings.Contains(err.Error(), "/data") || !strings.Contains(err.Error(), "free space")) {
			t.Errorf("%+v: does not say what, where and what to do: %v", c, err)
		}
	}
	if free, total, known := diskSpace(t.TempDir()); known && (free == 0 || free > total) {
		t.Errorf("%d of %d bytes free", free, total)
	}
}
