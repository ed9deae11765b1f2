package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// region is one node: its folder and, while it runs, its process.
type region struct {
	id, country string
	dir         string
	cfg         *configs.Node
	keys        *relay.Keys
	process     *process
	leaf, nats  string // where it listens
	client      *dashboard.Client
	ready       time.Duration // from the start of the process until it said so
}

// newRegion writes the folder of a node.
func newRegion(dir, id, country string, more configs.TemplateValues) (*region, error) {
	r := &region{id: id, country: country, dir: filepath.Join(dir, id)}
	more.ID, more.Name, more.Country, more.Data, more.Leaf, more.Hosts = id, id, country, "data", "127.0.0.1:0", []string{"localhost"}
	more.Kind, more.Sector = "authority", "national-cert"
	var err error
	if r.cfg, err = relay.Setup(relay.SetupOptions{Dir: r.dir, Now: time.Now(), Values: more}); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", id, err)
	}
	r.keys, err = relay.LoadKeys(relay.KeysDir(r.cfg))
	return r, err
}

// letIn makes the node listen for peers that come as plain NATS clients.
func (r *region) letIn() error {
	var err error
	if r.nats, err = freePort(); err != nil {
		return err
	}
	text, err := os.ReadFile(r.cfg.Path)
	if err != nil {
		return err
	}
	with := strings.Replace(string(text), "\n  nats: \"\"\n", "\n  nats: \""+r.nats+"\"\n", 1)
	if with == string(text) {
		return errors.New("bench: the configuration has no line for plain clients any more")
	}
	return os.WriteFile(r.cfg.Path, []byte(with), 0o600)
}

// statement is the node's own, signed.
func (r *region) statement() ([]byte, error) {
	return os.ReadFile(filepath.Join(r.dir, relay.StatementFile))
}

// offer is what differs between the terms of peers.
type offer struct {
	peer, country     string
	community, client bool     // in the sense of TLP:GREEN and TLP:AMBER
	data              []string // categories
}

// all is an offer of everything.
func all(peer, country string) offer {
	return offer{peer: peer, country: country, community: true, client: true, data: []string{"technical", "context", "free-text", "target", "personal"}}
}

// terms are those under which node makes an offer, in force around now.
func terms(now time.Time, node string, o offer) string {
	clients := ""
	if o.client {
		clients = o.peer
	}
	now = now.UTC()
	return fmt.Sprintf(`version: 1
id: %[1]s/%[2]s/bench
node: %[1]s
peer: %[2]s
country: %[3]q
kind: authority
sector: national-cert
from: %[4]s
until: %[5]s
tlp: {version: "2.0", ceiling: "TLP:AMBER", community: %[6]t, clients: [%[7]s]}
purposes: [network-security]
data: [%[8]s]
storage: []
transit: []
contacts:
  - {role: duty officer, address: duty@%[2]s.example}
`, node, o.peer, o.country, now.AddDate(0, 0, -1).Format(time.DateOnly), now.AddDate(0, 6, 0).Format(time.DateOnly), o.community, clients, strings.Join(o.data, ", "))
}

// accept takes a peer whom this node dials, or that dials it if dial is "".
func (r *region) accept(peer *region, dial string) error {
	statement, err := peer.statement()
	if err != nil {
		return err
	}
	return r.acceptTerms(all(peer.id, peer.country), string(statement), dial)
}

func (r *region) acceptTerms(o offer, statement, dial string) error {
	_, err := relay.AcceptPeer(relay.AgreementsDir(r.dir), relay.Terms{Agreement: terms(time.Now(), r.id, o), Statement: statement, Dial: dial}, r.keys.Terms, time.Now())
	return err
}

// know takes the statement of an origin without a link.
func (r *region) know(origin *region) error {
	statement, err := origin.statement()
	if err != nil {
		return err
	}
	_, err = relay.KnowParticipant(relay.StatementsDir(r.dir), statement, r.keys.Terms, time.Now())
	return err
}

// start runs the node in a process of its own until it says that it is ready.
func (b *bench) start(ctx context.Context, r *region) error {
	began := time.Now()
	p, err := b.spawn(r.id, "node", r.cfg.Path)
	if err != nil {
		return err
	}
	r.process = p
	raw, err := p.line(ctx)
	if err != nil {
		return err
	}
	r.ready = time.Since(began)
	var said struct{ Ready, Leaf, Socket string }
	if err := json.Unmarshal(raw, &said); err != nil || said.Ready != r.id {
		return fmt.Errorf("bench: %s said %s", r.id, raw)
	}
	r.leaf, r.client = said.Leaf, dashboard.NewClient(said.Socket)
	return nil
}

// stored is how many bytes the node's log, journal and index take.
func (r *region) stored() (uint64, error) {
	var sum uint64
	err := filepath.WalkDir(r.cfg.Data, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a file that was on its way out
			}
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += uint64(info.Size())
		}
		return nil
	})
	return sum, err
}

// chain makes nodes each of which passes on to the next, and starts them.
func (b *bench) chain(ctx context.Context, dir string, n int) ([]*region, error) {
	names := []struct{ id, country string }{{"de-cert", "DE"}, {"pl-cert", "PL"}, {"fr-cert", "FR"}}
	var rs []*region
	for _, c := range names[:n] {
		r, err := newRegion(dir, c.id, c.country, configs.TemplateValues{})
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	for i, r := range rs {
		if i+1 < n {
			if err := r.accept(rs[i+1], ""); err != nil {
				return nil, err
			}
		}
		for j := range max(i-1, 0) {
			if err := r.know(rs[j]); err != nil {
				return nil, err
			}
		}
		if i > 0 {
			if err := r.accept(rs[i-1], "tls://"+rs[i-1].leaf); err != nil {
				return nil, err
			}
		}
		if err := b.start(ctx, r); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// freePort is an address on loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return l.Addr().String(), l.Close()
}
