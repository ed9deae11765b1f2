package relay

import (
	"fmt"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/link"
)

// canSeal checks that this node can do its half wherever w wants a link sealed:
// its key is there, and its own statement lists it, or no peer could encrypt to
// it.
func (k *Keys) canSeal(w *World) error {
	for _, p := range w.Peers {
		if p.Seal == "" {
			continue
		}
		if k.Enc == nil {
			return fmt.Errorf("%w: the link with %s shall be sealed and keys/%s is not there: restore it from the backup", configs.ErrConfig, p.Agreement.Peer, encKeyFile)
		}
		for _, x := range w.Own.Keys {
			if x.KID == k.Enc.KeyID() && x.Purpose == directory.PurposeEnc {
				return nil
			}
		}
		return fmt.Errorf("%w: the link with %s shall be sealed and the statement of %s does not list the key %s: peers could not encrypt to it",
			configs.ErrConfig, p.Agreement.Peer, w.Own.ID, k.Enc.KeyID())
	}
	return nil
}

// sealOf tells how the link with a peer is sealed, nil if it is open. What it
// tells changes with a reload, from one pull to the next.
func (n *Node) sealOf(peer string) (*link.Seal, error) {
	w := n.world.Load()
	p, ok := w.peer(peer)
	switch {
	case !ok:
		return nil, federation.Refuse(federation.NoAgreement, "link with "+peer, "it is no peer any more")
	case p.Seal == "":
		return nil, nil
	}
	s := &link.Seal{Self: n.id, Peer: peer, Key: n.keys.Enc, Signer: n.keys.Message, Keys: w.Directory}
	if statement, ok := w.Directory.Participant(peer); ok {
		// Without a key the seal says so, and nothing crosses.
		s.To, _ = statement.EncKey(n.now())
	}
	return s, nil
}
