package relay

import (
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
)

// What one peer may cost this node. Honest peers stay far below; one that does
// not is answered "quota" and asked to come back later.
const (
	// pullsPerSecond and pullsBurst bound how often a peer asks. A peer that
	// commits each single message before it asks again does not reach it.
	pullsPerSecond = 2000
	pullsBurst     = 4000

	// A peer that goes back has log entries judged and journalled again. It may
	// have the whole log againLogs times at once (a store that was lost, an
	// incarnation that changed) and once more each day, and at least these
	// numbers of entries, for links that break all the time.
	againLogs      = 2
	againBurst     = 100_000
	againPerSecond = 20

	// maxPending is how many messages of one peer wait for a fact, such as a
	// key. They are kept whole although nobody can say yet whose they are.
	maxPending = 1000

	// quotaRetry is how long a peer that has used up its share is asked to wait.
	quotaRetry = 30 * time.Second
)

// budget is an amount that grows with time up to a bound. All times are of the
// machine's clock.
type budget struct {
	left float64
	at   time.Time
}

// refill adds what has grown since the last call; the first call fills it.
func (b *budget) refill(now time.Time, perSecond, most float64) {
	if b.at.IsZero() {
		b.left = most
	} else if d := now.Sub(b.at).Seconds(); d > 0 {
		b.left = min(most, b.left+d*perSecond)
	}
	b.at = now
}

// overQuota is the answer to a peer that has used up its share.
func overQuota(what string) *link.Fault {
	return &link.Fault{Reason: federation.Quota, Detail: what, RetryAfter: quotaRetry}
}

// admit counts a pull that begins at a log position, and refuses it when the
// peer has asked too often, or has gone back too far too often. The lane is locked.
func (l *lane) admit(pos, logLast uint64, now time.Time) error {
	l.pulls.refill(now, pullsPerSecond, pullsBurst)
	if l.pulls.left < 1 {
		return overQuota(fmt.Sprintf("more than %d requests a second", pullsPerSecond))
	}
	l.pulls.left--
	l.again.refill(now, max(againPerSecond, float64(logLast)/86400), max(againBurst, againLogs*float64(logLast)))
	if pos < l.high && l.again.left < 1 {
		return overQuota("the same part of the log was asked for again and again")
	}
	return nil
}

// served notes up to where the log was judged for a pull that began at from.
// The lane is locked.
func (l *lane) served(from, to uint64) {
	if from < l.high {
		l.again.left -= float64(min(to, l.high) - from)
	}
	l.high = max(l.high, to)
}
