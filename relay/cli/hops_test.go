package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay"
)

// region is a node's folder, in which commands are typed.
type region struct {
	id, dir string
	t       *testing.T
}

// types runs one command and returns its exit code and what it printed.
func (r region) types(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &sink{w: &stdout}, err: &stderr, now: time.Now, getenv: func(string) string { return "" }}
	code = a.run(r.t.Context(), append(args, "--config", filepath.Join(r.dir, configFile)))
	return code, stdout.String(), stderr.String()
}

// must runs a command that has to end as done.
func (r region) must(args ...string) string {
	r.t.Helper()
	code, out, errs := r.types(args...)
	if code != exitDone {
		r.t.Fatalf("entente %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func newRegion(t *testing.T, id string) region {
	r := region{id: id, dir: filepath.Join(t.TempDir(), id), t: t}
	r.must("init", id, "--listen", "")
	return r
}

// accepts takes another region as a peer, up to a TLP label.
func (r region) accepts(other region, ceiling string) {
	r.t.Helper()
	statement := filepath.Join(other.dir, relay.StatementFile)
	terms := filepath.Join(r.dir, other.id+".yaml")
	if err := os.WriteFile(terms, []byte(r.must("agreement", "draft", statement, "--ceiling", ceiling)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.must("peer", "accept", statement, "--terms", terms)
}

// dispatches signs a file and sends it to a peer, as a node would: decided on,
// redacted, with a hop.
func (r region) dispatches(file string, peer region) []byte {
	r.t.Helper()
	now := time.Now()
	a := &app{config: filepath.Join(r.dir, configFile), now: time.Now}
	cfg, w, err := a.world(now)
	if err != nil {
		r.t.Fatal(err)
	}
	keys, err := relay.LoadKeys(relay.KeysDir(cfg))
	if err != nil {
		r.t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	messages, _, err := w.Sign(keys, data, "feed.json", "", now)
	if err != nil || len(messages) != 1 {
		r.t.Fatalf("%d messages, %v", len(messages), err)
	}
	var ds []policy.Decision
	for _, it := range messages[0].Items() {
		s := w.Reader.Subject(r.id, it.Digest, it.Object, nil)
		ds = append(ds, w.Bundle.Decide(s, w.Recipient(peer.id), now))
	}
	cleared, err := envelope.Redact(messages[0], policy.Relate(ds))
	if err != nil {
		r.t.Fatal(err)
	}
	signed, err := envelope.SignFrame([]*envelope.Cleared{cleared}, envelope.Dispatch{Self: r.id, Key: keys.Message, Peer: peer.id, Now: now, FirstSeq: 7, Tables: w.Tables.Digest()})
	if err != nil {
		r.t.Fatal(err)
	}
	return signed[0].Bytes()
}

// One object goes whole, of one a property that its origin marked higher is
// removed, one stays.
const hopFeed = `{"type": "bundle", "id": "bundle--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b01", "objects": [
  {"type": "indicator", "spec_version": "2.1", "id": "indicator--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b02",
   "created": "2026-01-05T08:00:00Z", "modified": "2026-01-05T08:00:00Z", "valid_from": "2026-01-05T08:00:00Z",
   "pattern_type": "stix", "pattern": "[domain-name:value = 'whole.example']",
   "object_marking_refs": ["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"]},
  {"type": "indicator", "spec_version": "2.1", "id": "indicator--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b03",
   "created": "2026-01-05T08:00:00Z", "modified": "2026-01-05T08:00:00Z", "valid_from": "2026-01-05T08:00:00Z",
   "description": "what only few may read",
   "pattern_type": "stix", "pattern": "[domain-name:value = 'part.example']",
   "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
   "granular_markings": [{"marking_ref": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "selectors": ["description"]}]},
  {"type": "indicator", "spec_version": "2.1", "id": "indicator--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b04",
   "created": "2026-01-05T08:00:00Z", "modified": "2026-01-05T08:00:00Z", "valid_from": "2026-01-05T08:00:00Z",
   "pattern_type": "stix", "pattern": "[domain-name:value = 'stays.example']",
   "object_marking_refs": ["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]}]}`

func TestInspectShowsHopsAndWhatWasRemoved(t *testing.T) {
	de, pl := newRegion(t, "de-cert"), newRegion(t, "pl-cert")
	de.accepts(pl, "TLP:GREEN")
	pl.accepts(de, "TLP:GREEN")
	feed := filepath.Join(t.TempDir(), "feed.json")
	if err := os.WriteFile(feed, []byte(hopFeed), 0o600); err != nil {
		t.Fatal(err)
	}
	raw := de.dispatches(feed, pl)
	file := filepath.Join(t.TempDir(), "message.txt")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := pl.must("verify", file); !strings.Contains(out, "path de-cert → pl-cert, 2 parts removed on the way") {
		t.Errorf("verify: %s", out)
	}
	out := pl.must("inspect", file)
	for _, want := range []string{
		"object indicator--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b02 [domain-name:value = 'whole.example']",
		"marking TLP:WHITE",
		"hop 0: de-cert → pl-cert, ",
		"link sequence 7",
		"indicator--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b02: TLP:WHITE → TLP:CLEAR",
		"removed by de-cert at hop 0, class policy: a whole object",
		"removed by de-cert at hop 0, class policy: a part of indicator--c31e9d0c-3f0e-4c55-9d55-0f6a3c1f7b03",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("inspect lacks %q:\n%s", want, out)
		}
	}
	both := out + pl.must("inspect", file, "--json")
	for _, never := range []string{"what only few may read", "stays.example", "7b04"} {
		if strings.Contains(both, never) {
			t.Errorf("%q was removed and is shown:\n%s", never, both)
		}
	}
	checkInspected(t, pl.must("inspect", file, "--json"))

	// A hop cut out, and a hop that names another than it was made for.
	lines := bytes.Split(raw, []byte("\n"))
	for name, bad := range map[string][]byte{
		"removed disclosure without its hop": lines[0],
		"hop twice":                          append(append([]byte{}, raw...), append([]byte("\n"), lines[1]...)...),
	} {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []string{"verify", "inspect"} {
			if code, out, _ := pl.types(c, file); code != exitRefused || !strings.Contains(out, "refused line 1: ") {
				t.Errorf("%s, %s: exit code %d\n%s", name, c, code, out)
			}
		}
	}
}

// checkInspected checks the shape that scripts read.
func checkInspected(t *testing.T, text string) {
	t.Helper()
	var doc struct{ Messages []inspected }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	m := doc.Messages[0]
	if !m.Verified || m.Issuer != "de-cert" || len(m.Objects) != 2 || len(m.Hops) != 1 || len(m.Removed) != 2 {
		t.Fatalf("%s", text)
	}
	if h := m.Hops[0]; h.From != "de-cert" || h.To != "pl-cert" || h.Seq != 7 || h.Policy == "" || h.Root == "" {
		t.Errorf("hop %+v", h)
	}
	for _, r := range m.Removed {
		if r.By != "de-cert" || r.Class != envelope.ClassPolicy || r.Digest == "" {
			t.Errorf("removed %+v", r)
		}
	}
	for _, o := range m.Objects {
		if !json.Valid(o.Object) || o.Digest == "" {
			t.Errorf("object %+v", o)
		}
	}
}

// A file that lies beside the configuration does not take the place of a peer
// whose fingerprint two people compared, whatever version it claims.
func TestLyingStatementDoesNotReplaceAcceptedPeer(t *testing.T) {
	de, pl, impostor := newRegion(t, "de-cert"), newRegion(t, "pl-cert"), newRegion(t, "de-cert")
	pl.accepts(de, "TLP:GREEN")
	a := &app{config: filepath.Join(impostor.dir, configFile), now: time.Now}
	cfg, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := relay.LoadKeys(relay.KeysDir(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if err := relay.WriteStatement(cfg, keys, nil, 99, time.Now()); err != nil {
		t.Fatal(err)
	}
	lie, err := os.ReadFile(filepath.Join(impostor.dir, relay.StatementFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pl.dir, "de-cert-new.jwt"), lie, 0o600); err != nil {
		t.Fatal(err)
	}
	feed := filepath.Join(t.TempDir(), "feed.json")
	if err := os.WriteFile(feed, []byte(hopFeed), 0o600); err != nil {
		t.Fatal(err)
	}
	for r, want := range map[region]int{de: exitDone, impostor: exitRefused} {
		file := filepath.Join(t.TempDir(), "message.txt")
		if err := os.WriteFile(file, []byte(r.must("sign", feed)), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := pl.types("verify", file); code != want {
			t.Errorf("signed by %s: exit code %d, want %d\n%s%s", r.dir, code, want, out, errs)
		}
	}
}
