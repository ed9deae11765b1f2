package relay

import (
	"fmt"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/stix"
)

// ownerOf returns whose object it is: the message's owner's, but for the
// definitions that a delegate copies along, which are the signer's.
func ownerOf(m *envelope.Verified, o *stix.Object) string {
	switch o.Type() {
	case "marking-definition", "extension-definition":
		return m.Issuer()
	}
	return m.Owner()
}

// mayReplace refuses an object that its signer may not supersede: it is neither
// the owner nor a delegate for it. To supersede is not to create: there must be
// an earlier version here, unless the owner's own act names the object.
func (a *arrival) mayReplace(v *view, it *entryItem) error {
	signer := a.verified.Issuer()
	if it.Issuer == signer {
		return nil
	}
	by, err := a.world.Directory.ActsBy(it.Issuer, signer, directory.ActSupersede, it.ID, it.Type, a.now)
	if err != nil || by.Scope.Names(it.ID) {
		return err
	}
	_, ok, err := v.version(it.Issuer, it.ID)
	if err != nil || ok {
		return err
	}
	return federation.Refuse(federation.NotOwner, it.ID, fmt.Sprintf("%s supersedes what is not here, and delegation %s does not name it", signer, by.ID))
}

// mayTakeBack refuses a withdrawal of an object of owner by somebody who is
// neither the owner nor a delegate for it.
func (a *arrival) mayTakeBack(v *view, owner string, g envelope.Gone) error {
	signer := a.verified.Issuer()
	if owner == signer {
		return nil
	}
	id, typ, err := v.named(owner, g.Digest)
	if err != nil {
		return err
	}
	what := directory.ActWithdraw
	if g.Reason == envelope.GoneSuperseded || g.Reason == envelope.GoneLowered {
		what = directory.ActSupersede
	}
	return a.world.Directory.MayAct(owner, signer, what, id, typ, a.now)
}
