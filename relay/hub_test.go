package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/federation/stix"
)

// hub is one node with several peers, which ask when told.
type hub struct {
	t     *testing.T
	op    *operator
	node  *Node
	codec *link.Codec
	at    map[string][]byte // cursors
	clock atomic.Int64      // nanoseconds
}

// peerTerms are what the node's terms with a peer say of it.
type peerTerms struct{ id, country, kind, data, more string }

// The victim's CERT, another one, and a carrier.
var (
	theirCERT = peerTerms{"pl-cert", "PL", "authority", "technical, context, free-text, target, personal, source", "foi: exempt\nconstituency: {cidr: [198.51.100.0/24], reference: sample}\n"}
	otherCERT = peerTerms{"jp-cert", "JP", "authority", "technical, context, free-text, target", ""}
	carrier   = peerTerms{"jp-carrier", "JP", "business-operator", "technical, context, free-text", ""}
)

func newHub(t *testing.T, general configs.Generalise, peers ...peerTerms) *hub {
	t.Helper()
	h := setUpHub(t, "de-cert", "DE", general)
	for _, p := range peers {
		o := setupOptions(t.TempDir())
		o.Values.ID, o.Values.Country = p.id, p.country
		cfg, err := Setup(o)
		h.op.must(err)
		h.accept(p, cfg)
	}
	h.start()
	t.Cleanup(h.stop)
	return h
}

// setUpHub makes a node that has no peers and does not run.
func setUpHub(t *testing.T, id, country string, general configs.Generalise) *hub {
	t.Helper()
	h := &hub{t: t, op: &operator{t: t}, at: map[string][]byte{}}
	h.set(time.Now())
	o := setupOptions(t.TempDir())
	o.Values.ID, o.Values.Country, o.Values.Kind = id, country, "authority"
	var err error
	if h.op.cfg, err = Setup(o); err != nil {
		t.Fatal(err)
	}
	h.op.cfg.Generalise = general
	h.op.cfg.Reviewed = []configs.Review{{Rule: "gdpr-eea", By: "duty lawyer (sample)", On: configs.Date{Time: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}}}
	if h.op.keys, err = LoadKeys(KeysDir(h.op.cfg)); err != nil {
		t.Fatal(err)
	}
	if h.codec, err = link.NewCodec(); err != nil {
		t.Fatal(err)
	}
	return h
}

// accept accepts the node that was set up as cfg, in place of its terms until now.
func (h *hub) accept(p peerTerms, cfg *configs.Node) {
	h.t.Helper()
	statement, err := os.ReadFile(filepath.Join(filepath.Dir(cfg.Path), StatementFile))
	h.op.must(err)
	text := fmt.Sprintf("version: 1\nid: %[6]s/%[1]s/2026\nnode: %[6]s\npeer: %[1]s\ncountry: %[2]s\nkind: %[3]s\nsector: sample\nfrom: 2026-01-01\nuntil: 2099-12-31\n"+
		"tlp: {version: \"2.0\", ceiling: \"TLP:AMBER\", community: true, clients: []}\npurposes: [network-security]\ndata: [%[4]s]\n"+
		"contacts: [{role: duty, address: duty@%[1]s.example}]\n%[5]s", p.id, p.country, p.kind, p.data, p.more, h.op.cfg.Node.ID)
	_, err = h.op.disk.acceptPeer(AgreementsDir(h.op.dir()), Terms{Agreement: text, Statement: string(statement)}, h.op.keys.Terms, h.now())
	h.op.must(err)
}

// set sets the clock of the node.
func (h *hub) set(at time.Time) { h.clock.Store(at.UnixNano()) }

func (h *hub) now() time.Time { return time.Unix(0, h.clock.Load()) }

func (h *hub) start() {
	h.t.Helper()
	n, err := New(h.op.cfg, Options{Logger: slog.New(slog.DiscardHandler), Now: h.now})
	h.op.must(err)
	h.op.must(n.Start(h.t.Context()))
	h.node = n
}

func (h *hub) stop() {
	if err := h.node.Stop(context.WithoutCancel(h.t.Context())); err != nil {
		h.t.Error(err)
	}
}

func (h *hub) publish(objects ...map[string]any) {
	h.t.Helper()
	raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": objects})
	h.op.must(err)
	got, err := h.node.Publish(h.t.Context(), "sample", "", raw)
	if err != nil || got.Taken != len(objects) {
		h.t.Fatalf("%+v, %v", got, err)
	}
}

// pull asks once as a peer does.
func (h *hub) pull(peer string) link.Frame {
	h.t.Helper()
	req, err := link.EncodePull(link.Pull{Cursor: h.at[peer]})
	h.op.must(err)
	f, err := h.codec.DecodeFrame(h.node.server.Serve(h.t.Context(), peer, req))
	h.op.must(err)
	if len(f.Next) > 0 {
		h.at[peer] = f.Next
	}
	return f
}

// objects pulls until nothing comes and returns what came, and the messages.
func (h *hub) objects(peer string) (objects []*stix.Object, messages [][]byte) {
	h.t.Helper()
	for {
		f := h.pull(peer)
		if len(f.Messages) == 0 {
			return objects, messages
		}
		for _, m := range f.Messages {
			messages = append(messages, slices.Clone(m))
			v, err := envelope.Verify(m, envelope.VerifyOptions{Self: peer, From: "de-cert", Keys: h.node.World().Directory, Now: h.now()})
			h.op.must(err)
			for _, it := range v.Items() {
				objects = append(objects, it.Object)
			}
		}
	}
}
