package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// setPeers makes the running server know exactly these peers. The leaf
// connections of peers that are as before stay up.
func (e *embedded) setPeers(ctx context.Context, before, peers []Peer) error {
	if err := writeTrust(e.conf, peers); err != nil {
		return err
	}
	if err := e.reload(ctx, peers); err != nil {
		return err
	}
	if err := e.kickAll(changed(before, peers)); err != nil {
		return err
	}
	for _, p := range before {
		if slices.ContainsFunc(peers, func(q Peer) bool { return q.ID == p.ID }) {
			continue
		}
		delete(e.links, p.ID)
		// Nothing reads the file any more: that it stays does not keep the
		// peer in.
		if err := removeTrust(e.conf, p.ID); err != nil {
			e.conf.Logger.Warn("the certificate of a removed peer stays on disk: remove the file", "peer", p.ID, "file", peerTrustFile(e.conf.Dir, p.ID), "error", err)
		}
	}
	return nil
}

// reloadRetry is how long to wait when a remote that was just removed is still
// busy dialling, which makes the server refuse to add it again.
const reloadRetry = 200 * time.Millisecond

func (e *embedded) reload(ctx context.Context, peers []Peer) error {
	for {
		opts, err := e.options(peers)
		if err != nil {
			return err
		}
		err = e.srv.ReloadOptions(opts)
		if err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "try again") {
			return fmt.Errorf("bus: peers could not be changed, the old ones stay in force: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bus: peers could not be changed, the old ones stay in force: %w", errors.Join(err, ctx.Err()))
		case <-time.After(reloadRetry):
		}
	}
}

// changed names the accounts whose leaf connections may not go on as they are.
func changed(before, after []Peer) map[string]bool {
	accounts := map[string]bool{}
	for _, p := range before {
		i := slices.IndexFunc(after, func(q Peer) bool { return q.ID == p.ID })
		if i < 0 || after[i].Paused || after[i].NKeyPublic != p.NKeyPublic || after[i].DialURL != p.DialURL || !bytes.Equal(after[i].CertPEM, p.CertPEM) {
			accounts[linkAccount(p.ID)] = true
		}
	}
	return accounts
}

// setIdentity writes the new files and reloads, which reads them again. If that
// fails the old ones are put back.
func (e *embedded) setIdentity(ctx context.Context, certPEM, keyPEM []byte, peers []Peer) error {
	old := e.conf
	e.conf.CertPEM, e.conf.KeyPEM = certPEM, keyPEM
	err := e.showIdentity(ctx, peers)
	if err == nil {
		return nil
	}
	e.conf = old
	return errors.Join(err, writeIdentity(old), writeTrust(old, peers))
}

func (e *embedded) showIdentity(ctx context.Context, peers []Peer) error {
	if err := writeIdentity(e.conf); err != nil {
		return err
	}
	// Without peers the trust file holds our own certificate.
	if err := writeTrust(e.conf, peers); err != nil {
		return err
	}
	return e.reload(ctx, peers)
}

// kick closes the leaf connections of one peer; the server dials again what it
// had dialled.
func (e *embedded) kick(peer string) error {
	return e.kickAll(map[string]bool{linkAccount(peer): true})
}

// kickAll closes the leaf connections of accounts. A reload does not: it checks
// clients again, but no leaf connection (seen in nats-server 2.15.2).
func (e *embedded) kickAll(accounts map[string]bool) error {
	if len(accounts) == 0 {
		return nil
	}
	leafs, err := e.srv.Leafz(&server.LeafzOptions{})
	if err != nil {
		return fmt.Errorf("bus: the links could not be closed: %w", err)
	}
	for _, l := range leafs.Leafs {
		if !accounts[l.Account] {
			continue
		}
		// The only error is that the connection is gone already.
		if err := e.srv.DisconnectClientByID(l.ID); err != nil {
			e.conf.Logger.Debug("link was already closed", "account", l.Account, "cause", err)
		}
	}
	return nil
}

// leafs tells the state of every leaf connection by peer.
func (e *embedded) leafs() (map[string]LinkState, error) {
	z, err := e.srv.Leafz(&server.LeafzOptions{})
	if err != nil {
		return nil, err
	}
	states := map[string]LinkState{}
	for _, l := range z.Leafs {
		peer, ok := strings.CutPrefix(l.Account, linkAccount(""))
		if !ok {
			continue
		}
		rtt, err := time.ParseDuration(l.RTT)
		if err != nil {
			rtt = 0 // not measured yet
		}
		states[peer] = LinkState{Peer: peer, Up: true, RTT: rtt, Dialled: l.IsSpoke, Remote: fmt.Sprintf("%s:%d", l.IP, l.Port)}
	}
	return states, nil
}
