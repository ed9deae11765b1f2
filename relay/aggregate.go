package relay

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
	"github.com/entente-relay/entente/relay/dashboard"
)

// An aggregate counts what this node took in a period that is over, as an
// object of its own, which may go where what it counts may not. No count below
// the floor is in it. A period is published once, and none that overlaps it: of
// two counts of nearly the same, the difference would be a small one.

// Aggregate counts what came in a closed period, up to the protection that a TLP
// label gives; with publish it is issued as this node's own object.
func (n *Node) Aggregate(ctx context.Context, first, last time.Time, label string, publish bool) (dashboard.Aggregate, error) {
	period, err := generalise.NewPeriod(first, last)
	if err != nil {
		return dashboard.Aggregate{}, &federation.Refusal{Reason: federation.Unsupported, Where: "period", Detail: err.Error(), Hint: "only whole periods of the calendar are counted, so that none overlaps another by a part"}
	}
	now := n.now()
	if !period.Closed(now) {
		return dashboard.Aggregate{}, federation.Refuse(federation.NotYetValid, period.String(), "the period is not over")
	}
	ref, err := aggregateMarking(label)
	if err != nil {
		return dashboard.Aggregate{}, err
	}
	state, err := n.log.State(ctx)
	if err != nil {
		return dashboard.Aggregate{}, err
	}
	if err := n.awaitIndex(ctx, state.Last, 0); err != nil {
		return dashboard.Aggregate{}, err
	}
	w := n.world.Load()
	handling, _ := marking.WellKnown(ref)
	c := newCensus(n, w, period, handling)
	if err := c.count(ctx); err != nil {
		return dashboard.Aggregate{}, err
	}
	out := c.tell()
	out.Marking = handling.TLP.String()
	if !publish {
		return out, nil
	}
	if len(out.Tables) == 0 {
		return out, federation.Refuse(federation.Unsupported, period.String(), fmt.Sprintf("no count reaches %d: there is nothing to publish", w.general.Floor))
	}
	return out, n.publishAggregate(ctx, w, period, ref, &out)
}

// aggregateMarking returns the marking of a label that an aggregate can have.
func aggregateMarking(label string) (string, error) {
	h, err := marking.Tag(label)
	if err == nil && h.TLP <= mapping.TLPAmber {
		if ref, ok := marking.TLPObject(h.TLP); ok && strings.EqualFold(h.TLP.String(), label) {
			return ref, nil
		}
	}
	return "", &federation.Refusal{Reason: federation.UnknownMarking, Where: "tlp", Detail: fmt.Sprintf("%q", label), Hint: "write TLP:CLEAR, TLP:GREEN or TLP:AMBER"}
}

// publishAggregate issues an aggregate, unless one that overlaps it was issued,
// also one that was taken back since: who got it knows it.
func (n *Node) publishAggregate(ctx context.Context, w *World, period generalise.Period, ref string, out *dashboard.Aggregate) error {
	if err := w.maySign(n.keys, n.now()); err != nil {
		return err
	}
	objects, err := n.aggregateObjects(w, period, ref, out)
	if err != nil {
		return err
	}
	signed, err := n.signOwn(w, objects)
	if err != nil {
		return err
	}
	now := n.now()
	res, err := n.committer.commit(ctx, sourceSelf, func(v *view) ([]*entry, error) {
		for _, p := range period.Overlapping() {
			id := n.keys.aggregateID(p)
			if _, ok, err := v.version(n.id, id); err != nil {
				return nil, err
			} else if ok {
				return nil, &federation.Refusal{Reason: federation.Duplicate, Where: period.String(), Detail: "days of it are counted in " + id + ", of " + p.String(), Hint: "each day is published once"}
			}
		}
		var entries []*entry
		for _, a := range signed {
			e, err := a.entry(v)
			if err != nil {
				return nil, err
			}
			if e.Kind != entryMessage {
				return nil, errors.New("relay: a new object was not taken")
			}
			e.Source, e.At = sourceSelf, now
			entries = append(entries, e)
		}
		return entries, nil
	})
	if err != nil {
		return err
	}
	out.ID, out.Seq = objects[0].ID(), res.seqs[0]
	return nil
}

// aggregateID is the id of the aggregate of a period: always the same one here,
// and random to everybody else.
func (k *Keys) aggregateID(p generalise.Period) string {
	h := hmac.New(sha256.New, k.Secret)
	_, _ = fmt.Fprintf(h, "entente aggregate\x00%s", p) // never fails (package hash)
	id := uuid.UUID(h.Sum(nil)[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // random, in the sense of RFC 9562: nobody can compute it
	return "note--" + id.String()
}

// aggregateObjects makes the note, and what STIX wants it to be about: the
// country of this node.
func (n *Node) aggregateObjects(w *World, period generalise.Period, ref string, out *dashboard.Aggregate) ([]*stix.Object, error) {
	var text bytes.Buffer
	c := csv.NewWriter(&text)
	rows := [][]string{{"table", "name", "count"}}
	for _, t := range out.Tables {
		for _, cell := range t.Cells {
			rows = append(rows, []string{t.Name, cell.Name, strconv.FormatInt(cell.Count, 10)})
		}
	}
	if err := c.WriteAll(rows); err != nil {
		return nil, err
	}
	stamp := n.now().UTC().Format("2006-01-02T15:04:05.000Z")
	ext := func() map[string]any {
		return map[string]any{stix.HandlingExtension: map[string]any{"extension_type": "property-extension", "personal_data": false,
			"aggregate": fmt.Sprintf("%s floor=%d", period, w.general.Floor)}}
	}
	base := func(typ, id string) map[string]any {
		return map[string]any{"type": typ, "spec_version": "2.1", "id": id, "created": stamp, "modified": stamp, "object_marking_refs": []string{ref}, "extensions": ext()}
	}
	place := base("location", "location--"+uuid.NewString())
	place["country"] = w.Node.Country
	note := base("note", n.keys.aggregateID(period))
	note["abstract"], note["content"], note["object_refs"] = "Counts of "+period.String(), text.String(), []any{place["id"]}
	var objects []*stix.Object
	for _, props := range []map[string]any{note, place} {
		raw, err := json.Marshal(props)
		if err != nil {
			return nil, err
		}
		o, err := stix.Parse(raw)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}
