package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bus"
)

// acceptOptions are the flags of peer accept.
type acceptOptions struct {
	terms, dial, proxy, fingerprint, seal string
	observe                               bool
	lasts                                 string // of the observation
}

// sealOff is --seal for an open link.
const sealOff = "off"

func (a *app) peerAcceptCmd() *cobra.Command {
	var o acceptOptions
	c := &cobra.Command{
		Use:   "accept STATEMENT --terms FILE",
		Short: "accept a peer: its statement under written terms",
		Long: `Accept a peer: verify the statement it handed over, check the terms, and write both,
signed with this node's key, under agreements/. A running node takes it over at once.

The signature on a statement shows only that it is whole. That it is the right one,
two people find out by reading the fingerprint over the telephone: give what the
other side reads as --fingerprint, and a different statement is refused.

Terms say what this node sends to the peer; the peer accepts terms of its own for
what it sends here. One of the two dials the other: as a leaf node, over WebSocket
or as a plain client, whichever the networks between let through and the other
listens for; with --proxy through an HTTP proxy. What may cross is the same.

Where somebody else runs the servers between the two nodes, both accept each other
with --seal required: pulls, messages and receipts are then encrypted from node to
node, and nothing that comes open is taken. Who talks to whom, when and how much
stays visible.

With --observe nothing is sent to the peer yet. The node judges and records what would
go (` + "`entente peer observe PEER`" + `) until ` + "`entente peer resume PEER`" + ` begins to send.
What the peer sends is taken, and it cannot tell that anything is kept from it.`,
		Example: "  entente peer accept pl-cert.jwt --terms pl-cert.yaml --fingerprint 'A1B2-...' --dial tls://relay.example:7422",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.acceptPeer(cmd.Context(), args[0], o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.terms, "terms", "", "agreement in YAML; `entente agreement draft` writes one to edit")
	f.StringVar(&o.dial, "dial", "", "address at which to reach the peer: tls://host:port (leaf node), wss://host:port (over WebSocket), nats+tls://host:port (as a client); default: the peer dials us")
	f.StringVar(&o.proxy, "proxy", "", "HTTP proxy on the way to that address, http://[user:password@]host:port")
	f.StringVar(&o.seal, "seal", sealOff, "encrypt what crosses between the two nodes: "+relay.SealRequired+" or "+sealOff+"; both sides the same")
	f.BoolVar(&o.observe, "observe", false, "send nothing yet, and record what would go")
	f.StringVar(&o.lasts, "for", "7d", "with --observe: after which time the status reminds of it")
	f.StringVar(&o.fingerprint, "fingerprint", "", "fingerprint that the peer read to you")
	return c
}

// acceptPeer accepts a peer under terms.
func (a *app) acceptPeer(ctx context.Context, file string, o acceptOptions) error {
	if o.terms == "" {
		return usage(errNoTerms)
	}
	if err := bus.CheckDial(o.dial, o.proxy); err != nil {
		return usage(fmt.Errorf("--dial, --proxy: %w", err))
	}
	if o.seal != sealOff && o.seal != relay.SealRequired {
		return usage(fmt.Errorf("--seal %q: write %s or %s", o.seal, relay.SealRequired, sealOff))
	}
	lasts, err := observeFor(o.lasts)
	if err != nil {
		return err
	}
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	s, err := readStatement(file, a.now())
	if err != nil {
		return err
	}
	if err := compare(s, o.fingerprint); err != nil {
		return err
	}
	text, err := a.read(o.terms)
	if err != nil {
		return err
	}
	if err := checkTerms(text, o.terms, cfg, s); err != nil {
		return usage(err)
	}
	keys, err := relay.OpenKeys(cfg)
	if err != nil {
		return usage(err)
	}
	dir := relay.AgreementsDir(filepath.Dir(cfg.Path))
	t := relay.Terms{Agreement: string(text), Statement: string(s.Raw), Dial: o.dial, Proxy: o.proxy}
	if o.seal == relay.SealRequired {
		t.Seal = relay.SealRequired
	}
	if o.observe {
		if _, err := relay.ObservePeer(dir, s.ID, lasts, a.now()); err != nil {
			return usage(err)
		}
	}
	if _, err := relay.AcceptPeer(dir, t, keys.Terms, a.now()); err != nil {
		return err
	}
	if o.fingerprint == "" {
		a.say("compare the fingerprint %s with %s over the telephone; if it differs: entente peer remove %s", s.Fingerprint(), s.ID, s.ID)
	}
	if o.dial == "" && cfg.Listen.Leaf+cfg.Listen.Websocket+cfg.Listen.NATS == "" {
		a.say("nobody dials: this node does not listen, and no --dial is given")
	}
	return a.tellChange(ctx, client, cfg, change{Peer: s.ID, Done: "accepted", File: filepath.Join(dir, s.ID+".jwt"),
		Fingerprint: s.Fingerprint(), Compared: o.fingerprint != ""})
}

// compare refuses a statement whose fingerprint is not the one read out. Blanks,
// hyphens and case do not matter, nor do letters that sound like digits.
func compare(s *directory.Statement, read string) error {
	if read == "" {
		return nil
	}
	if spoken(read) == spoken(s.Fingerprint()) {
		return nil
	}
	return &federation.Refusal{Reason: federation.UnknownIssuer, Where: "statement of " + s.ID,
		Detail: fmt.Sprintf("its fingerprint is %s, not %s", s.Fingerprint(), read),
		Hint:   "this may be somebody else's statement: ask the peer for it again, by another way"}
}

// spoken reduces a fingerprint to what is heard: Crockford's base32 has no I, L
// and O.
func spoken(fingerprint string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(fingerprint))
}

// checkTerms checks that terms are this node's, with the participant of the
// statement.
func checkTerms(text []byte, file string, cfg *configs.Node, s *directory.Statement) error {
	g, err := policy.ParseAgreement(text, file)
	if err != nil {
		return err
	}
	var errs []error
	if g.Node != cfg.Node.ID {
		errs = append(errs, fmt.Errorf("%s: node: the terms are of %s, this node is %s: accept your own copy, not the peer's", file, g.Node, cfg.Node.ID))
	}
	if g.Peer != s.ID {
		errs = append(errs, fmt.Errorf("%s: peer: the terms are with %s, the statement is of %s", file, g.Peer, s.ID))
	}
	if g.Country != s.Country {
		errs = append(errs, fmt.Errorf("%s: country: %s, but the statement of %s says %s", file, g.Country, s.ID, s.Country))
	}
	return errors.Join(errs...)
}
