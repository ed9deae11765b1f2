package store

import (
	"context"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
)

// HeldGroup is what waits for one cause, from one source, for one recipient.
type HeldGroup struct {
	// Peer is for whom it waits, "" for the way in. Source is where it came
	// from, of what waits at the way in.
	Peer, Source string
	Issuer       string
	Reason       federation.Reason
	Rule         string
	Count        uint64
	Oldest       time.Time
	// Sample is the id of one of the objects; Types are those of all.
	Sample string
	Types  []string
}

// HeldGroups returns what waits, grouped, the oldest first.
func (s *Store) HeldGroups(ctx context.Context) ([]HeldGroup, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT peer, source, issuer, reason, rule, count(*), min(since), min(id),
		coalesce(group_concat(DISTINCT substr(id, 1, instr(id, '--') - 1)), '')
		FROM held GROUP BY peer, source, issuer, reason, rule ORDER BY min(since), peer, source, issuer, reason, rule`)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []HeldGroup
	var ids [][5]int64
	for rows.Next() {
		var g HeldGroup
		var x [5]int64 // peer, source, issuer, reason, rule
		var oldest int64
		var types string
		if err := rows.Scan(&x[0], &x[1], &x[2], &x[3], &x[4], &g.Count, &oldest, &g.Sample, &types); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		g.Oldest = fromMicros(oldest)
		g.Types = strings.FieldsFunc(types, func(r rune) bool { return r == ',' })
		out, ids = append(out, g), append(ids, x)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	for i := range out {
		g := &out[i]
		var reason string
		for j, into := range [...]*string{&g.Peer, &g.Source, &g.Issuer, &reason, &g.Rule} {
			if *into, err = s.names.text(ctx, s.readDB, ids[i][j]); err != nil {
				return nil, s.fault(err)
			}
		}
		g.Reason = federation.Reason(reason)
	}
	return out, nil
}
