package configs

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// complain notes one fault: the key, what is wrong with it and what to write.
type complain func(key, format string, args ...any)

// check lists every fault of a configuration by itself, each with its key.
func (n *Node) check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s: %s", n.Path, key, fmt.Sprintf(format, args...)))
	}
	switch {
	case n.Version == 0:
		bad("version", "missing: write `version: %d`", Version)
	case n.Version > Version:
		bad("version", "%d is newer than this build knows (%d): use a newer entente", n.Version, Version)
	}
	n.Node.check(bad)
	if n.Data == "" {
		bad("data", "missing: name the folder that holds keys, log and index")
	}
	for _, c := range n.Storage {
		if !countryPattern.MatchString(c) {
			bad("storage", "%q is not an ISO 3166-1 country", c)
		}
	}
	n.Listen.check(bad)
	n.checkProfiles(bad)
	n.Retention.check(bad)
	if n.Decoys != 0 && (n.Decoys < 2 || n.Decoys > 8) {
		bad("decoys", "%d: write 0 for none, or 2 to 8", n.Decoys)
	}
	if e := n.Journal.HeadEvery; e != 0 && (e < time.Minute || e > 24*time.Hour) {
		bad("journal.head_every", "%s: write 1m to 24h, such as 1h", e)
	}
	n.checkPeople(bad)
	n.External.check(bad)
	return errors.Join(errs...)
}

// check checks who the node is.
func (i *Identity) check(bad complain) {
	if !ValidID(i.ID) {
		bad("node.id", "%q: use lower case letters, digits and single hyphens, such as de-cert", i.ID)
	}
	if !countryPattern.MatchString(i.Country) {
		bad("node.country", "%q: use the two capital letters of ISO 3166-1, such as DE", i.Country)
	}
	i.checkKind(bad)
}

// checkKind checks what the operator says it is. One that might provide
// communications to the public has to say whether it does: the law of some
// countries forbids such a provider what it allows others.
func (i *Identity) checkKind(bad complain) {
	kinds := []string{"authority", "business-operator", "vendor", "coordinator", "law-enforcement"}
	switch {
	case i.Kind != "" && !slices.Contains(kinds, i.Kind):
		bad("node.kind", "%q is not one of %s", i.Kind, strings.Join(kinds, ", "))
	case (i.Kind == "business-operator" || i.Kind == "vendor") && i.PublicProvider == nil:
		bad("node.public_provider", "missing: a %s says whether it provides communications to the public, true or false", i.Kind)
	}
}

// check checks the addresses. Those at which nobody logs in are for this machine
// alone.
func (l *Listen) check(bad complain) {
	if l.NATS != "" && l.Client != "" {
		bad("listen.nats", "the server has one port for clients, and listen.client has it: leave one of the two empty")
	}
	for key, addr := range map[string]string{"listen.leaf": l.Leaf, "listen.websocket": l.Websocket, "listen.nats": l.NATS, "listen.client": l.Client, "listen.admin": l.Admin} {
		if addr == "" {
			continue
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			bad(key, "%q: write host:port, such as 0.0.0.0:7422", addr)
			continue
		}
		ours := key == "listen.client" || key == "listen.admin"
		if ip := net.ParseIP(host); ours && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			bad(key, "%q: only loopback addresses may be opened here; put a proxy with its own login in front", addr)
		}
	}
}

func (n *Node) checkProfiles(bad complain) {
	seen := map[string]bool{}
	defaults := 0
	for _, p := range n.Profiles {
		if !ValidID(p.Name) || seen[p.Name] {
			bad("profiles", "%q: a profile needs a name of its own, lower case with hyphens", p.Name)
		}
		seen[p.Name] = true
		if p.Default {
			defaults++
		}
		if !strings.HasPrefix(p.DefaultMarking, "TLP:") {
			bad("profiles."+p.Name, "default_marking %q: write a TLP 2.0 label, such as TLP:AMBER", p.DefaultMarking)
		}
		for _, x := range p.Seal {
			if x.Property == "" || len(x.To) == 0 {
				bad("profiles."+p.Name+".seal", "each entry needs property and to")
			}
		}
	}
	if defaults > 1 {
		bad("profiles", "only one profile may say `default: true`")
	}
}

// checkPeople checks who reviewed what, who decides, and after what time they are
// to be told.
func (n *Node) checkPeople(bad complain) {
	for _, r := range n.Reviewed {
		if r.Rule == "" || r.By == "" || r.On.IsZero() {
			bad("reviewed", "each entry needs rule, by and on")
		}
	}
	people := map[string]bool{}
	for _, a := range n.Approvers {
		if !ValidID(a.ID) || a.Key == "" || people[a.ID] {
			bad("approvers", "%q: each person needs an id of their own, lower case with hyphens, and one key", a.ID)
		}
		people[a.ID] = true
	}
	if q := n.Quarantine; q.WarnAfter.Duration > 0 && q.AlarmAfter.Duration > 0 && q.AlarmAfter.Duration < q.WarnAfter.Duration {
		bad("quarantine.alarm_after", "%s is before warn_after %s", q.AlarmAfter, q.WarnAfter)
	}
}

// check checks how an external server is reached; nil is none.
func (e *External) check(bad complain) {
	if e == nil {
		return
	}
	const one = "name either url or context, not both and not neither"
	if (e.URL == "") == (e.Context == "") {
		bad("external", one)
	}
	for peer, l := range e.Links {
		if (l.URL == "") == (l.Context == "") {
			bad("external.links."+peer, one)
		}
	}
}

// check lists days that are none.
func (r *Retention) check(bad complain) {
	days := func(key string, n int) {
		if n < 0 || n > maxRetention {
			bad("retention."+key, "%d: write a number of days, 0 for no limit", n)
		}
	}
	for key, n := range map[string]int{"days": r.Days, "held": r.Held, "after_expiry": r.AfterExpiry, "journal": r.Journal} {
		days(key, n)
	}
	for kind, n := range r.Kinds {
		days("kinds."+kind, n)
	}
	for category, n := range r.Categories {
		days("categories."+category, n)
	}
}
