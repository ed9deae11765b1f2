package relay

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/store"
)

// retention is for how long this node keeps what it holds, as the operator and
// the terms with peers say. What an object's origin says stands in the log beside
// the object.
type retention struct {
	configs.Retention
	terms map[string]int    // days, by peer
	kinds map[string]string // what each peer is in law
	holds []int             // days, by category
	rules string            // names all of it
}

const (
	kindSelf = "self"
	aDay     = 24 * time.Hour
)

// newRetention reads what the configuration says. The terms are added later.
func newRetention(cfg configs.Retention, file string) (*retention, error) {
	r := &retention{Retention: cfg, terms: map[string]int{}, kinds: map[string]string{}, holds: make([]int, len(federation.Categories()))}
	var errs []error
	for kind := range cfg.Kinds {
		if known := append(policy.Kinds(), kindSelf); !slices.Contains(known, kind) {
			errs = append(errs, fmt.Errorf("%s: retention.kinds: %q is not one of %s", file, kind, strings.Join(known, ", ")))
		}
	}
	for c, days := range cfg.Categories {
		i := slices.Index(federation.Categories(), federation.Category(c))
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: retention.categories: %q is not one of %v", file, c, federation.Categories()))
			continue
		}
		r.holds[i] = days
	}
	return r, errors.Join(errs...)
}

// add takes what the terms with a peer say.
func (r *retention) add(a *policy.Agreement) { r.terms[a.Peer], r.kinds[a.Peer] = a.RetainDays, a.Kind }

// name makes the name of all rules: when it changes, what is here gets other
// dates. Of terms that limit nothing only those count of whom kinds are asked.
func (r *retention) name() error {
	limits := r.Retention
	limits.Journal = 0
	terms := map[string]any{}
	for peer, days := range r.terms {
		if days > 0 || len(r.Kinds) > 0 {
			terms[peer] = []any{days, r.kinds[peer]}
		}
	}
	text, err := json.Marshal([]any{1, limits, terms})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	r.rules = fmt.Sprintf("sha256:%x", sum[:16])
	return nil
}

// due is the moment from which an item of a log entry must not be here, zero
// for none.
func (r *retention) due(from string, at time.Time, it *entryItem) time.Time {
	until := it.Keep
	end := func(since time.Time, days int) {
		if days <= 0 || since.IsZero() {
			return
		}
		if t := since.Add(time.Duration(days) * aDay); until.IsZero() || t.Before(until) {
			until = t
		}
	}
	end(at, r.Days)
	end(at, r.terms[from])
	if from == "" {
		end(at, r.Kinds[kindSelf])
	} else {
		end(at, r.Kinds[r.kinds[from]])
	}
	for i, days := range r.holds {
		if it.Holds&(1<<i) != 0 {
			end(at, days)
		}
	}
	if it.Outcome == held {
		end(at, r.Held)
	}
	end(it.Expires, r.AfterExpiry)
	return until
}

// dues lists until when an entry may hold what it holds. One that was judged
// again after it waited ends the copy that waited as well.
func (r *retention) dues(e *entry, seq uint64) []store.Due {
	var out []store.Due
	var first time.Time
	for i := range e.Items {
		it := &e.Items[i]
		if it.For != "" || it.Outcome != taken && it.Outcome != held {
			continue
		}
		at := r.due(e.From, e.At, it)
		if at.IsZero() {
			continue
		}
		out = append(out, store.Due{At: at, Seq: seq, N: i})
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if e.Kind != entryResend && e.Refer != 0 && !first.IsZero() {
		out = append(out, store.Due{At: first, Seq: e.Refer})
	}
	return out
}

// over reports whether the time of an object is over, or its erasure is wanted:
// then it goes to nobody and is in no list, whether it is erased already or not.
func (n *Node) over(w *World, p *prepared, i int, now time.Time) (federation.Reason, error) {
	it := &p.items[i]
	if at := w.retention.due(p.from, p.at, it); !at.IsZero() && !now.Before(at) {
		return federation.Expired, nil
	}
	if w.asked.wants(it.Issuer, it.Digest) {
		return federation.Withdrawn, nil
	}
	return n.index.ErasedFor(it.Issuer, it.Digest)
}

// wordsFor says of an object that is erased why.
func wordsFor(why federation.Reason) string {
	if why == federation.Expired {
		return "the time for which it may be kept is over"
	}
	return "its content was erased here by the operator"
}
