package relay

import (
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/link"
)

// Back-pressure is told by where something waits, not by an error.
func TestFlow(t *testing.T) {
	now := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const watchdog = 40 * time.Second
	long := ago(time.Hour)
	for name, c := range map[string]struct {
		m    moment
		want flow
	}{
		"down":                              {moment{pull: link.Status{Phase: link.Committing, Since: long}}, flows},
		"idle":                              {moment{up: true, since: long, asking: true, asked: long}, flows},
		"a frame is stored at once":         {moment{up: true, since: long, asking: true, pull: link.Status{Phase: link.Committing, Since: ago(time.Second)}}, flows},
		"a frame is stored slowly":          {moment{up: true, since: long, asking: true, pull: link.Status{Phase: link.Committing, Since: ago(11 * time.Second)}}, slow},
		"a frame is not stored":             {moment{up: true, since: long, asking: true, pull: link.Status{Phase: link.Committing, Since: ago(41 * time.Second)}}, stalled},
		"a pull waits as long as it was to": {moment{up: true, since: long, asking: true, wait: 20 * time.Second, pull: link.Status{Phase: link.Waiting, Unanswered: ago(21 * time.Second)}}, flows},
		"a pull waits longer":               {moment{up: true, since: long, asking: true, wait: 20 * time.Second, pull: link.Status{Phase: link.Waiting, Unanswered: ago(31 * time.Second)}}, slow},
		"the peer does not fetch":           {moment{up: true, since: long, backlog: 5, asked: ago(11 * time.Second)}, slow},
		"the peer does not fetch for long":  {moment{up: true, since: long, backlog: 5, asked: ago(time.Minute)}, stalled},
		"the peer has nothing to fetch":     {moment{up: true, since: long, asked: ago(time.Minute)}, flows},
		"the peer's pull waits here":        {moment{up: true, since: long, backlog: 5, asking: true, asked: ago(time.Minute)}, flows},
		"the link has only just come up":    {moment{up: true, since: ago(time.Second), backlog: 5, asked: ago(time.Minute)}, flows},
		"the worse of two is told":          {moment{up: true, since: long, backlog: 5, asked: ago(11 * time.Second), pull: link.Status{Phase: link.Committing, Since: ago(time.Minute)}}, stalled},
	} {
		got, why := c.m.judge(now, watchdog)
		if got != c.want || (got == flows) != (why == "") {
			t.Errorf("%s: %q (%s), want %q", name, got, why, c.want)
		}
	}
}
