package relay

import (
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// Bounds of what a node leaves free on the disk of its data: a hundredth of
// it, within these. A log that is cut off in the middle of a write by a full
// disk stops answering until a restart; one that stops before goes on by
// itself when there is space again.
const (
	minReserve = 32 << 20
	maxReserve = 512 << 20
)

// Who wants to write. What comes in is refused first: what is in the log
// already can then still be recorded, indexed and handed out.
const (
	wantsLog     = 1
	wantsJournal = 2
)

// spaceFor refuses a write that would use up what is kept free: all of the
// reserve for the log, half of it for the journal.
func spaceFor(want uint64, dir string, free, total uint64) error {
	reserve := min(max(total/100, minReserve), maxReserve) / want
	if free >= reserve {
		return nil
	}
	return &federation.Refusal{Reason: federation.Quota, Where: dir,
		Detail: fmt.Sprintf("the disk is full: %d MiB are free, and %d MiB are kept so that the log stays whole", free>>20, reserve>>20),
		Hint:   "free space on that disk or make it larger: the node then goes on by itself"}
}

// space says whether the data folder has room for a write.
func (n *Node) space(want uint64) error {
	if n.cfg.External != nil && want == wantsLog {
		return nil // the log is elsewhere
	}
	free, total, known := diskSpace(n.cfg.Data)
	if !known {
		return nil
	}
	return spaceFor(want, n.cfg.Data, free, total)
}
