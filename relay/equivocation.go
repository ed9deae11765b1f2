package relay

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// entryProof is the proof, by two signatures, that the issuer of an object in
// the entry signed another content for its version.
type entryProof struct {
	Item   int             `json:"item"`   // the one that was refused
	Signer string          `json:"signer"` // of both
	Text   json.RawMessage `json:"text"`   // see envelope.CheckEquivocation
}

// maxProofBytes bounds a proof, so that it fits into a record of the log beside
// the rest of its message.
const maxProofBytes = 384 << 10

// maxProofs is how many proofs against one signer are kept: it has nothing more
// to lose, and must not fill the log.
const maxProofs = 100

// equivocates refuses an object whose issuer signed another content, with the
// digest have, for the same version. The first stays. The two signatures are
// kept, one proof a message, if what arrived may lie here and what is here can
// still be read.
func (a *arrival) equivocates(v *view, it *entryItem, i int, have digest) error {
	it.Outcome, it.Reason, it.Against = refused, federation.Equivocation, have
	it.Text = "the issuer signed another content for version " + it.Version
	if kept, _ := verdictOf(a.decisions[i]); a.proof != nil || kept == refused {
		return nil
	}
	known, err := v.index.Proven(it.Issuer, have, it.Digest)
	if err != nil || known {
		return err
	}
	if n, err := v.index.ProofsOf(a.verified.Issuer()); err != nil || n >= maxProofs {
		return err
	}
	held, err := v.holding(it.Issuer, have)
	if err != nil || held == nil {
		return err
	}
	text, err := envelope.ProveEquivocation(held, have, a.verified, it.Digest)
	switch {
	case federation.ReasonOf(err) != "": // such as by two signers, the owner and its delegate
		it.Text += ", which is not proved: " + err.Error()
	case err != nil:
		return err
	case len(text) > maxProofBytes:
		it.Text += ", and the proof is too large to be kept"
	default:
		a.proof = &entryProof{Item: i, Signer: a.verified.Issuer(), Text: text}
	}
	return nil
}

// proved is the proof of an entry as the index sees it.
func (e *entry) proved() *store.Proof {
	if e.Proof == nil || e.Proof.Item < 0 || e.Proof.Item >= len(e.Items) {
		return nil
	}
	it := e.Items[e.Proof.Item]
	return &store.Proof{Issuer: it.Issuer, Signer: e.Proof.Signer, ID: it.ID, Version: it.Version, Held: it.Against, Refused: it.Digest}
}

// Proofs lists the equivocations that this node can prove, the oldest first.
func (n *Node) Proofs(ctx context.Context) ([]dashboard.Proof, error) {
	all, err := n.index.Proofs(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]dashboard.Proof, len(all))
	for i, p := range all {
		first, _ := digest(p.Held).MarshalText() // never fails
		second, _ := digest(p.Refused).MarshalText()
		out[i] = dashboard.Proof{Seq: p.LogSeq, At: p.At, Signer: p.Signer, Issuer: p.Issuer, ID: p.ID, Version: p.Version, Kept: string(first), Refused: string(second)}
	}
	return out, nil
}

// Proof returns the text of the proof at a log sequence, for anybody to check.
func (n *Node) Proof(ctx context.Context, seq uint64) ([]byte, error) {
	where := fmt.Sprintf("log sequence %d", seq)
	st, ok, err := n.stored(ctx, seq)
	if err != nil {
		return nil, err
	}
	if ok {
		e, err := decodeEntry(st.Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if e.Proof != nil {
			return e.Proof.Text, nil
		}
	}
	return nil, &federation.Refusal{Reason: federation.UnresolvedReference, Where: where, Detail: "no equivocation is proved there", Hint: "`entente proof` lists those that are"}
}
