package directory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
)

// WithDelegations returns a directory that also knows who may act for whom.
// The delegations were read with [ParseDelegation], the revocations with
// [ParseRevocation], which verified them. A revocation counts whatever the
// order in which the two were learned, and for ever.
func (d *Directory) WithDelegations(ds []*Delegation, ends []*Revocation) (*Directory, error) {
	out := &Directory{keys: d.keys, participants: d.participants, delegations: make(map[pair][]*Delegation)}
	type act struct{ issuer, id string }
	ended := make(map[act]bool, len(ends))
	for _, r := range ends {
		if r == nil || len(r.Raw) == 0 {
			return nil, fmt.Errorf("directory: an end of a delegation that was not read with ParseRevocation")
		}
		ended[act{r.Issuer, r.ID}] = true
	}
	seen := make(map[act]bool, len(ds))
	for _, x := range ds {
		if x == nil || len(x.Raw) == 0 {
			return nil, fmt.Errorf("directory: a delegation that was not read with ParseDelegation")
		}
		a := act{x.Issuer, x.ID}
		if ended[a] || seen[a] {
			continue
		}
		seen[a] = true
		p := pair{x.Issuer, x.Delegate}
		out.delegations[p] = append(out.delegations[p], x)
	}
	return out, nil
}

// pair is an issuer and who acts for it.
type pair struct{ issuer, delegate string }

// Delegations returns those in the directory that are not revoked, by issuer,
// delegate and id. Some may have lapsed, or not begun.
func (d *Directory) Delegations() []*Delegation {
	if d == nil {
		return nil
	}
	var out []*Delegation
	for _, ds := range d.delegations {
		out = append(out, ds...)
	}
	slices.SortFunc(out, func(a, b *Delegation) int {
		return strings.Compare(a.Issuer+" "+a.Delegate+" "+a.ID, b.Issuer+" "+b.Delegate+" "+b.ID)
	})
	return out
}

// MayAct reports why who (a participant's id) may not supersede or withdraw
// (what: [ActSupersede] or [ActWithdraw]) an object of issuer, or nil. The
// issuer itself always may. Anybody else needs a delegation that issuer itself
// signed, that names this participant, this act and this object, and that is
// in force at now, when this node first accepts the act: a delegate's delegate
// has none. id and typ are "" where the object is not known here; only a
// delegation for all objects covers such. The error is a *federation.Refusal
// with reason NotOwner.
func (d *Directory) MayAct(issuer, who, what, id, typ string, now time.Time) error {
	_, err := d.ActsBy(issuer, who, what, id, typ, now)
	return err
}

// ActsBy is [Directory.MayAct], and returns the delegation that allows it; nil
// for the issuer itself.
func (d *Directory) ActsBy(issuer, who, what, id, typ string, now time.Time) (*Delegation, error) {
	if issuer == who && issuer != "" {
		return nil, nil
	}
	where := id
	if where == "" {
		where = "an object of " + issuer
	}
	var held []*Delegation
	if d != nil {
		held = d.delegations[pair{issuer, who}]
	}
	detail := fmt.Sprintf("%s is not its issuer, and no delegation by %s is here", who, issuer)
	for _, x := range held {
		switch {
		case !slices.Contains(x.What, what):
			detail = fmt.Sprintf("delegation %s does not let %s %s", x.ID, who, what)
		case !x.Scope.covers(id, typ):
			detail = fmt.Sprintf("delegation %s to %s is for other objects", x.ID, who)
		case now.Add(Skew).Before(x.NotBefore):
			detail = fmt.Sprintf("delegation %s to %s begins only at %s", x.ID, who, stamp(x.NotBefore))
		case now.Add(-Skew).After(x.NotAfter):
			detail = fmt.Sprintf("delegation %s to %s ended at %s", x.ID, who, stamp(x.NotAfter))
		default:
			return x, nil
		}
	}
	return nil, &federation.Refusal{Reason: federation.NotOwner, Where: where, Detail: detail,
		Hint: "ask " + issuer + " for a delegation, and add it with `entente delegation add`"}
}
