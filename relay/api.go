package relay

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/entente-relay/entente/relay/dashboard"
)

// statementWarning is how long before the end of a statement or an agreement
// the status begins to warn.
const statementWarning = 30 * 24 * time.Hour

// api is what the node lets its own machine ask of it.
func (n *Node) api() *dashboard.API {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &facts{n})
	return &dashboard.API{
		Publish: n.PublishFor, Status: n.Status, Arrivals: n.Arrivals, List: n.List, Message: n.Message, Proofs: n.Proofs, Proof: n.Proof,
		Withdraw: n.WithdrawFor, Withdrawals: n.Withdrawals, Reoriginate: n.Reoriginate, Opening: n.Opening, Aggregate: n.Aggregate, Reload: n.Reload, Find: n.Find, Healthy: n.Healthy,
		Activate: n.Activate, Observed: n.Observed, Simulate: n.Simulate,
		Downgrades: dashboard.Downgrades{Propose: n.ProposeDowngrade, Apply: n.Downgrade, List: n.Downgrades},
		Quarantine: dashboard.Quarantine{List: n.HeldGroups, Show: n.HeldObjects, Propose: n.Propose, Apply: n.Decide, Rules: n.DecisionRules},
		Head:       n.Head, Chain: n.Chain, Records: n.Part, Why: n.Why, WhoGot: n.WhoGot,
		Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
	}
}

// Healthy returns why the node cannot take messages, or nil.
func (n *Node) Healthy() error {
	if n.ctx.Err() != nil {
		return errors.New("stopping")
	}
	if err := n.space(wantsLog); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fault
}
