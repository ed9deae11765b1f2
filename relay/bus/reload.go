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
	if between, some := withoutNewProxies(before, peers); some {
		if err := e.reload(ctx, between); err != nil {
			return err
		}
	}
	if err := e.reload(ctx, peers); err != nil {
		return err
	}
	if err := e.kickAll(changed(before, peers)); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.peers = map[string]Peer{}
	for _, p := range peers {
		e.peers[p.ID] = p
	}
	for _, p := range before {
		if slices.ContainsFunc(peers, func(q Peer) bool { return q.ID == p.ID }) {
			continue
		}
		delete(e.outward, p.ID)
		delete(e.links, p.ID)
		// Nothing reads the file any more: that it stays does not keep the
		// peer in.
		if err := removeTrust(e.conf, p.ID); err != nil {
			e.conf.Logger.Warn("the certificate of a removed peer stays on disk: remove the file", "peer", p.ID, "file", peerTrustFile(e.conf.Dir, p.ID), "error", err)
		}
	}
	return nil
}

// withoutNewProxies is after without the leaf connections that go through another
// proxy than before: the server takes a new proxy only with a new connection (seen
// in nats-server 2.15.2).
func withoutNewProxies(before, after []Peer) (between []Peer, some bool) {
	between = slices.Clone(after)
	for i, p := range between {
		was := slices.IndexFunc(before, func(q Peer) bool { return q.ID == p.ID })
		if was >= 0 && p.asLeaf() && before[was].asLeaf() && before[was].Proxy != p.Proxy {
			between[i].DialURL, some = "", true
		}
	}
	return between, some
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
		if i < 0 || after[i].Paused || after[i].NKeyPublic != p.NKeyPublic || after[i].DialURL != p.DialURL || after[i].Proxy != p.Proxy || !bytes.Equal(after[i].CertPEM, p.CertPEM) {
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
	return errors.Join(err, e.show(old), writeTrust(old, peers))
}

func (e *embedded) showIdentity(ctx context.Context, peers []Peer) error {
	if err := e.show(e.conf); err != nil {
		return err
	}
	// Without peers the trust file holds our own certificate.
	if err := writeTrust(e.conf, peers); err != nil {
		return err
	}
	return e.reload(ctx, peers)
}

// kick closes the connections of one peer; whoever had dialled does so again.
func (e *embedded) kick(peer string) error {
	e.mu.Lock()
	nc := e.outward[peer]
	e.mu.Unlock()
	if nc != nil {
		return nc.ForceReconnect()
	}
	return e.kickAll(map[string]bool{linkAccount(peer): true})
}

// kickAll closes the connections of peers' accounts. A reload does not close
// leaf connections, nor those of a client whose rights are as they were (seen in
// nats-server 2.15.2).
func (e *embedded) kickAll(accounts map[string]bool) error {
	if len(accounts) == 0 {
		return nil
	}
	conns, err := e.connected()
	if err != nil {
		return fmt.Errorf("bus: the links could not be closed: %w", err)
	}
	for _, c := range conns {
		if !accounts[linkAccount(c.Peer)] {
			continue
		}
		// The only error is that the connection is gone already.
		if err := e.srv.DisconnectClientByID(c.id); err != nil {
			e.conf.Logger.Debug("link was already closed", "peer", c.Peer, "cause", err)
		}
	}
	return nil
}

// connection is one connection between a peer and the embedded server.
type connection struct {
	id uint64
	LinkState
}

// connected lists the leaf connections, and the clients that peers are.
func (e *embedded) connected() ([]connection, error) {
	leafs, err := e.srv.Leafz(&server.LeafzOptions{})
	if err != nil {
		return nil, err
	}
	var out []connection
	for _, l := range leafs.Leafs {
		out = append(out, connection{l.ID, LinkState{Peer: l.Account, RTT: parseRTT(l.RTT), Dialled: l.IsSpoke, Remote: fmt.Sprintf("%s:%d", l.IP, l.Port)}})
	}
	// Without these listeners all clients are this process's own, which have no
	// address; leaf connections are in this list too.
	if e.at.clients != "" || e.at.websocket != "" {
		clients, err := e.srv.Connz(&server.ConnzOptions{Username: true, Limit: 1 << 16})
		if err != nil {
			return nil, err
		}
		for _, c := range clients.Conns {
			if c.Kind == "Client" && c.Port != 0 {
				out = append(out, connection{c.Cid, LinkState{Peer: c.Account, RTT: parseRTT(c.RTT), Remote: fmt.Sprintf("%s:%d", c.IP, c.Port)}})
			}
		}
	}
	kept := out[:0]
	for _, c := range out {
		peer, ok := strings.CutPrefix(c.Peer, linkAccount(""))
		if !ok {
			continue
		}
		c.Peer, c.Up = peer, true
		kept = append(kept, c)
	}
	return kept, nil
}

// parseRTT reads a round trip; one that was not measured yet is 0.
func parseRTT(text string) time.Duration {
	rtt, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return rtt
}

// leafs tells the state of every peer's link.
func (e *embedded) leafs() (map[string]LinkState, error) {
	conns, err := e.connected()
	if err != nil {
		return nil, err
	}
	states := map[string]LinkState{}
	for _, c := range conns {
		states[c.Peer] = c.LinkState
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for peer, nc := range e.outward {
		if nc.IsConnected() {
			states[peer] = LinkState{Peer: peer, Up: true, Dialled: true, Remote: nc.ConnectedAddr()}
		}
	}
	return states, nil
}
