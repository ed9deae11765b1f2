package relay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/dashboard"
)

// season publishes n attacks on as many victims of a sector.
func (h *hub) season(first, n int, sector, country string) {
	h.t.Helper()
	var objects []map[string]any
	for i := first; i < first+n; i++ {
		for _, o := range attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3) {
			for _, key := range []string{"id", "source_ref", "target_ref", "sighting_of_ref"} {
				if id, ok := o[key].(string); ok && !strings.HasPrefix(id, "malware--") && len(id) > 36 {
					o[key] = id[:len(id)-36] + fmt.Sprintf("5c3e%04x-0000-4000-8000-%s", i, id[len(id)-12:])
				}
			}
			switch o["type"] {
			case "identity":
				o["sectors"] = []string{sector}
			case "location":
				o["country"] = country
			case "malware", "indicator", "ipv4-addr":
				if i > first || first > 1 {
					continue
				}
			case "sighting":
				o["where_sighted_refs"] = []string{fmt.Sprintf("identity--5c3e%04x-0000-4000-8000-%012x", i, 1)}
			}
			objects = append(objects, o)
		}
	}
	h.publish(objects...)
}

// tables writes what an aggregate tells in one line.
func (h *hub) tables(first, last, tlp string, publish bool) (text, id string, err error) {
	h.t.Helper()
	a, err := h.node.Aggregate(h.t.Context(), day0(first), day0(last), tlp, publish)
	var out []string
	for _, t := range a.Tables {
		for _, c := range t.Cells {
			out = append(out, fmt.Sprintf("%s/%s=%d", t.Name, c.Name, c.Count))
		}
	}
	return strings.Join(out, " "), a.ID, err
}

func day0(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// days are the first and the last day of periods around a moment.
func days(at time.Time) (day, week, month, quarter, year [2]string) {
	y, m, d := at.UTC().Date()
	write := func(a, b time.Time) [2]string { return [2]string{a.Format(time.DateOnly), b.Format(time.DateOnly)} }
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	monday := date(y, m, d-(int(at.UTC().Weekday())+6)%7)
	q := (m-1)/3*3 + 1
	return write(date(y, m, d), date(y, m, d)), write(monday, monday.AddDate(0, 0, 6)), write(date(y, m, 1), date(y, m+1, 0)),
		write(date(y, q, 1), date(y, q+3, 0)), write(date(y, 1, 1), date(y, 12, 31))
}

// TestAggregate counts a month: victims and not sightings, nothing below the
// floor nor what it could be computed from, and publishes each day once.
func TestAggregate(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	h := newHub(t, configs.Generalise{}, otherCERT)
	at := h.now()
	_, _, month, _, _ := days(at)
	h.season(1, 8, "energy", "DE")
	h.season(20, 7, "insurance", "DE")
	h.season(40, 2, "mining", "FR") // too few: the smallest of the others hides them
	h.season(60, 6, "education", "PL")
	if _, _, err := h.tables(month[0], month[1], "TLP:GREEN", false); federation.ReasonOf(err) != federation.NotYetValid {
		t.Errorf("a month that is not over: %v", err)
	}
	h.set(day0(month[1]).AddDate(0, 0, 1))
	// Malware, indicators and addresses are few, so identities go with them.
	const want = "type/location=23 type/relationship=46 type/sighting=23 sector/energy=8 sector/insurance=7 country/DE=15 malware/Sample=46"
	got, _, err := h.tables(month[0], month[1], "TLP:GREEN", false)
	if err != nil || got != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
	if got, _, err := h.tables(month[0], month[1], "TLP:CLEAR", false); err != nil || got != "" {
		t.Errorf("GREEN objects are counted for everybody: %s, %v", got, err)
	}
	for _, bad := range [][3]string{{month[0], month[0][:8] + "02", "TLP:GREEN"}, {month[0], month[1], "TLP:RED"}, {month[0], month[1], "green"}, {month[0], month[1], "PAP:GREEN"}} {
		if got, _, err := h.tables(bad[0], bad[1], bad[2], true); err == nil {
			t.Errorf("%v: %s", bad, got)
		}
	}
	found, err := h.node.Find(t.Context(), dashboard.Ask{ID: fmt.Sprintf("identity--5c3e%04x-0000-4000-8000-%012x", 1, 1)})
	h.op.must(err)
	erase, err := NewErasure(found, "", h.now())
	h.op.must(err)
	h.op.must(erase.Save(ErasuresDir(h.op.dir())))
	h.op.must(h.node.Reload(t.Context()))
	if got, _, err := h.tables(month[0], month[1], "TLP:GREEN", false); err != nil || !strings.Contains(got, "sector/energy=7 ") {
		t.Errorf("one of eight is erased, and is counted: %s, %v", got, err)
	}
	_, id, err := h.tables(month[0], month[1], "TLP:GREEN", true)
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	h.objects(otherCERT.id) // what is counted
	today, _, _, _, _ := days(h.now())
	h.set(h.now().AddDate(0, 0, 1))
	if a, err := h.node.Aggregate(t.Context(), day0(today[0]), day0(today[1]), "TLP:AMBER", false); err != nil || a.Counted != 0 {
		t.Errorf("an aggregate is counted itself: %+v, %v", a, err)
	}
	h.publishedOnce(id, at)
}

// publishedOnce tries to publish what overlaps an aggregate of this month.
func (h *hub) publishedOnce(id string, at time.Time) {
	h.t.Helper()
	day, week, month, quarter, year := days(at)
	h.set(day0(year[1]).AddDate(0, 0, 7))
	again := func(when string) {
		h.t.Helper()
		for _, p := range [][2]string{day, week, month, quarter, year} {
			if got, _, err := h.tables(p[0], p[1], "TLP:GREEN", true); federation.ReasonOf(err) != federation.Duplicate {
				h.t.Errorf("%s: %v is published: %s, %v", when, p, got, err)
			}
		}
	}
	again("as it is")
	if _, err := h.node.Withdraw(h.t.Context(), []string{id}, envelope.GoneWithdrawn); err != nil {
		h.t.Fatal(err)
	}
	again("taken back")
	h.stop()
	h.start()
	again("after a restart")
	_, _, next, _, _ := days(day0(month[1]).AddDate(0, 0, -40))
	if got, _, err := h.tables(next[0], next[1], "TLP:GREEN", true); federation.ReasonOf(err) != federation.Unsupported {
		h.t.Errorf("a month in which nothing came: %s, %v", got, err)
	}
}

// TestAggregateGoes publishes counts to a peer that may not know who was hit:
// it gets the note, and of what is counted nothing stands in it but the counts.
func TestAggregateGoes(t *testing.T) {
	h := newHub(t, configs.Generalise{}, carrier)
	day, _, _, _, _ := days(h.now())
	h.season(1, 8, "energy", "DE")
	h.season(20, 1, "mining", "FR")
	h.objects(carrier.id)
	h.set(day0(day[1]).AddDate(0, 0, 1))
	_, id, err := h.tables(day[0], day[1], "TLP:GREEN", true)
	if err != nil {
		t.Fatal(err)
	}
	got, messages := h.objects(carrier.id)
	if s := summary(got); s != "location note" {
		t.Fatalf("the peer gets %s", s)
	}
	for _, o := range got {
		if o.Type() == "note" {
			content, _ := o.Text("content")
			if o.ID() != id || content != "table,name,count\ntype,location,9\ntype,relationship,18\ntype,sighting,9\nmalware,Sample,18\n" || o.Handling().Aggregate != day[0]+"/"+day[1]+" floor=5" {
				t.Errorf("%s", o.Raw())
			}
		}
	}
	namesNobody(t, messages, "Zebra", "mining", "energy", "5c3e")
}
