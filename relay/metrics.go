package relay

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/entente-relay/entente/federation"
)

// facts collects the node's own metrics when they are asked for: what the
// index counted, and the state of the links. Labels are peers and reasons,
// never a value of an indicator.
type facts struct{ node *Node }

var (
	descIn = prometheus.NewDesc("entente_objects_in",
		"Objects that reached this node, by source and what became of them.", []string{"source", "outcome"}, nil)
	descInReason = prometheus.NewDesc("entente_objects_in_reasons",
		"Objects held or refused on the way in, by source and reason.", []string{"source", "outcome", "reason"}, nil)
	descOut = prometheus.NewDesc("entente_objects_out",
		"Objects judged for a peer, by verdict.", []string{"peer", "verdict"}, nil)
	descOutReason = prometheus.NewDesc("entente_objects_out_reasons",
		"Objects withheld from or held for a peer, by reason.", []string{"peer", "verdict", "reason"}, nil)
	descAcked = prometheus.NewDesc("entente_objects_acknowledged",
		"Objects that a peer's signed receipts account for.", []string{"peer"}, nil)
	descGone = prometheus.NewDesc("entente_withdrawals_out",
		"Withdrawals for a peer: acknowledged, in flight, or not taken there; outstanding are all that it has not obeyed, sent or not.", []string{"peer", "state"}, nil)
	descGoneIn = prometheus.NewDesc("entente_withdrawals_in",
		"Withdrawals that took effect, by source.", []string{"source"}, nil)
	descLag = prometheus.NewDesc("entente_backlog_entries",
		"Log entries not yet judged for a peer.", []string{"peer"}, nil)
	descUp   = prometheus.NewDesc("entente_link_up", "Whether the link to a peer stands.", []string{"peer"}, nil)
	descLast = prometheus.NewDesc("entente_last_pull_timestamp_seconds",
		"When a pull from a peer was last answered.", []string{"peer"}, nil)
	descFlow = prometheus.NewDesc("entente_link_flow",
		"How traffic moves over a link that stands: 0 as it should, 1 slow, 2 stalled.", []string{"peer"}, nil)
	descViolations = prometheus.NewDesc("entente_link_violations",
		"What a peer asked or answered against the protocol of the link, by reason.", []string{"peer", "reason"}, nil)
	descHeld = prometheus.NewDesc("entente_held_objects",
		"Objects that wait, by recipient (none: at the way in), reason and how long the oldest of their group waits.", []string{"peer", "reason", "age"}, nil)
	descOldest = prometheus.NewDesc("entente_held_oldest_timestamp_seconds",
		"Since when the oldest object waits, by recipient and reason.", []string{"peer", "reason"}, nil)
	descLog = prometheus.NewDesc("entente_log_sequence", "Last sequence of the log and of what is indexed.", []string{"of"}, nil)
)

// Describe names the metrics.
func (f *facts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descIn, descInReason, descOut, descOutReason, descAcked, descGone, descGoneIn, descLag, descUp, descLast, descFlow, descViolations, descHeld, descOldest, descLog} {
		ch <- d
	}
}

// Collect reads them. A fault is reported as an invalid metric, which makes
// the scrape fail visibly.
func (f *facts) Collect(ch chan<- prometheus.Metric) {
	n := f.node
	counts, err := n.index.Counts(n.ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(descIn, err)
		return
	}
	st, err := n.Status(n.ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(descLog, err)
		return
	}
	gauge := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	reasons := func(d *prometheus.Desc, by map[federation.Reason]uint64, labels ...string) {
		for r, v := range by {
			gauge(d, v, append(labels[:len(labels):len(labels)], string(r))...)
		}
	}
	gauge(descLog, st.LogLast, "log")
	gauge(descLog, st.Indexed, "index")
	for _, in := range counts.In {
		gauge(descIn, in.Taken, in.Source, "taken")
		gauge(descIn, in.Duplicate, in.Source, "duplicate")
		gauge(descIn, in.Held, in.Source, "held")
		gauge(descIn, in.Refused, in.Source, "refused")
		gauge(descGoneIn, in.Withdrawn, in.Source)
		reasons(descInReason, in.HeldFor, in.Source, "held")
		reasons(descInReason, in.RefusedFor, in.Source, "refused")
	}
	for _, out := range counts.Out {
		gauge(descOut, out.Sent-out.Redacted, out.Peer, "share")
		gauge(descOut, out.Redacted, out.Peer, "redact")
		gauge(descOut, out.Withheld, out.Peer, "withhold")
		gauge(descOut, out.Held, out.Peer, "hold")
		gauge(descAcked, out.Acknowledged, out.Peer)
		reasons(descOutReason, out.WithheldFor, out.Peer, "withhold")
		reasons(descOutReason, out.HeldFor, out.Peer, "hold")
	}
	if err := f.held(ch); err != nil {
		ch <- prometheus.NewInvalidMetric(descHeld, err)
		return
	}
	for _, p := range st.Peers {
		up := uint64(0)
		if p.Link == "up" {
			up = 1
		}
		gauge(descUp, up, p.ID)
		gauge(descGone, p.Out.Withdrawals.Acknowledged, p.ID, "acknowledged")
		gauge(descGone, p.Out.Withdrawals.InFlight, p.ID, "in_flight")
		gauge(descGone, p.Out.Withdrawals.NotTaken, p.ID, "not_taken")
		gauge(descGone, p.Out.Withdrawals.Outstanding, p.ID, "outstanding")
		gauge(descLag, p.Backlog, p.ID)
		gauge(descFlow, map[string]uint64{string(slow): 1, string(stalled): 2}[p.Flow], p.ID)
		for reason, count := range p.Violations {
			gauge(descViolations, count, p.ID, reason)
		}
		if !p.LastPull.IsZero() {
			ch <- prometheus.MustNewConstMetric(descLast, prometheus.GaugeValue, float64(p.LastPull.Unix()), p.ID)
		}
	}
}

// held collects what waits: groups differ in source and rule, which are no
// labels, so those of one recipient, reason and age are added up.
func (f *facts) held(ch chan<- prometheus.Metric) error {
	groups, err := f.node.index.HeldGroups(f.node.ctx)
	if err != nil {
		return err
	}
	w, now := f.node.world.Load(), f.node.now()
	count, oldest := map[[3]string]uint64{}, map[[2]string]time.Time{}
	for _, g := range groups {
		count[[3]string{g.Peer, string(g.Reason), w.age(g.Oldest, now)}] += g.Count
		k := [2]string{g.Peer, string(g.Reason)}
		if t, ok := oldest[k]; !ok || g.Oldest.Before(t) {
			oldest[k] = g.Oldest
		}
	}
	for k, v := range count {
		ch <- prometheus.MustNewConstMetric(descHeld, prometheus.GaugeValue, float64(v), k[:]...)
	}
	for k, t := range oldest {
		ch <- prometheus.MustNewConstMetric(descOldest, prometheus.GaugeValue, float64(t.Unix()), k[:]...)
	}
	return nil
}
