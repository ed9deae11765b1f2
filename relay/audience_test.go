package relay

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
	"github.com/entente-relay/entente/relay/journal"
)

// drawnPeers are recipients with random terms: of a few kinds, and with some
// details of each peer's own.
func drawnPeers(t *rapid.T, self *policy.Node, n int) map[string]*policy.Recipient {
	type kind struct {
		country, kind string
		ceiling       mapping.TLP
		data          []string
	}
	kinds := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kind {
		return kind{rapid.SampledFrom([]string{"PL", "JP"}).Draw(t, "country"), rapid.SampledFrom([]string{"authority", "authority", "vendor"}).Draw(t, "kind"),
			rapid.SampledFrom([]mapping.TLP{mapping.TLPClear, mapping.TLPGreen, mapping.TLPAmber}).Draw(t, "ceiling"),
			rapid.SampledFrom([][]string{{"technical", "context"}, {"technical", "context", "free-text", "target", "personal"}}).Draw(t, "data")}
	}), 1, 4).Draw(t, "kinds")
	out := map[string]*policy.Recipient{}
	for i := range n {
		k := rapid.SampledFrom(kinds).Draw(t, "of")
		a := policy.SampleAgreement(k.country)
		a.Node, a.Peer, a.ID = self.ID, fmt.Sprintf("peer-%d", i), fmt.Sprintf("terms-%d", i)
		a.Kind, a.Ceiling, a.Data, a.Community = k.kind, k.ceiling, k.data, true
		if rapid.IntRange(0, 5).Draw(t, "client") == 0 {
			a.Clients = []string{a.Peer, "another"}
		}
		a.Until = time.Date(2099, 1, 1+i, 0, 0, 0, 0, time.UTC)
		if rapid.IntRange(0, 5).Draw(t, "ended") == 0 {
			a.Until = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
		}
		if rapid.IntRange(0, 5).Draw(t, "serves") == 0 {
			a.Constituency = policy.Constituency{CIDR: []string{"198.51.100.0/24"}}
		}
		out[a.Peer] = policy.NewRecipient(self, a)
		if rapid.IntRange(0, 8).Draw(t, "person") == 0 {
			out[a.Peer] = out[a.Peer].WithExceptions([]policy.Exception{{ID: "decision", Rule: "any", Peer: a.Peer, Issuer: self.ID, Types: []string{"indicator"},
				Reject: true, From: a.Until.AddDate(-200, 0, 0), Until: a.Until.AddDate(1, 0, 0)}})
		}
	}
	return out
}

// drawnObject is an indicator of which some peers get all, some a part, and some
// nothing.
func drawnObject(t *rapid.T, id int) map[string]any {
	tlp, _ := marking.TLPObject(rapid.SampledFrom([]mapping.TLP{mapping.TLPClear, mapping.TLPGreen, mapping.TLPAmber}).Draw(t, "tlp"))
	entry := map[string]any{"extension_type": "property-extension"}
	o := map[string]any{"type": "indicator", "spec_version": "2.1", "id": attackID("indicator", id), "created": "2026-01-05T01:02:03.000Z", "modified": "2026-01-05T01:02:03.000Z",
		"name": "sample", "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix", "valid_from": "2026-01-05T00:00:00Z", "object_marking_refs": []string{tlp},
		"description": rapid.SampledFrom([]string{"Seen in mail.", "mail to okapi@zebra.example", "the victim is at 198.51.100.77"}).Draw(t, "description")}
	if rapid.IntRange(0, 2).Draw(t, "mentions") == 0 {
		o["created_by_ref"] = attackID("identity", rapid.IntRange(0, 5).Draw(t, "whom"))
	}
	if rapid.IntRange(0, 2).Draw(t, "released") == 0 {
		entry["releasable_to"] = []string{rapid.SampledFrom([]string{"peer-3", "PL", "EU", "JP"}).Draw(t, "to")}
	}
	if rapid.Bool().Draw(t, "note") {
		entry["note"] = map[string]any{"abstract": "phishing", "content": "call anna.beispiel@victim.example"}
	}
	o["extensions"] = map[string]any{stix.HandlingExtension: entry}
	return o
}

// ownFrame is a draft of what one peer gets of one entry.
type ownFrame struct {
	sent *journal.Sent
	head []byte
	aud  string
}

func frameOf(t *rapid.T, h *hub, x *exporter, p *prepared, peer string, alone bool) (ownFrame, *judged) {
	d := x.draft(h.t.Context(), peer, p.seq-1)
	if alone {
		d.audience = policy.Audience{}
	}
	if err := x.judge(h.t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	d.pos = p.seq
	f := link.Frame{FirstSeq: 7, Root: "root"}
	var out ownFrame
	if len(d.cleared) > 0 {
		signed, err := envelope.SignFrame(d.cleared, envelope.Dispatch{Self: h.node.id, Key: h.node.keys.Message, Peer: peer, Now: d.now, FirstSeq: 7, Tables: d.world.Tables.Digest()})
		if err != nil {
			t.Fatal(err)
		}
		f.Tails = [][]byte{signed[0].Tail()}
		out.head = signed[0].Head()
		v, err := envelope.Verify(signed[0].Bytes(), envelope.VerifyOptions{Self: peer, From: h.node.id, Keys: d.world.Directory, Now: d.now})
		if err != nil {
			t.Fatal(err)
		}
		out.aud = v.Hops()[0].Aud
	}
	sent, err := sentRecord(d, &f, p.seq-1)
	if err != nil {
		t.Fatal(err)
	}
	out.sent = sent
	if len(d.verdicts) == 0 {
		return out, nil
	}
	return out, &d.verdicts[0]
}

// Of whatever terms the peers are, each gets byte for byte what it would get by
// itself, with a hop that names it, and the journal says the same of it.
func TestAudiencesGetWhatEachWould(t *testing.T) {
	h := setUpHub(t, "de-cert", "DE", configs.Generalise{})
	h.start()
	t.Cleanup(h.stop)
	h.publish(attack("Zebra Okapi", "198.51.100.77", h.now(), 1)[0]) // identity 1 is here; 0 and 2 to 5 are not
	x, shared, parted, id := &exporter{h.node}, 0, 0, 100
	rapid.Check(t, func(rt *rapid.T) {
		w := *h.node.world.Load()
		w.recipients = drawnPeers(rt, &w.Node, 20)
		h.node.world.Store(&w)
		var objects []map[string]any
		for range rapid.IntRange(1, 4).Draw(rt, "objects") {
			id++
			objects = append(objects, drawnObject(rt, id))
		}
		h.publish(objects...)
		p, err := h.node.entryAt(t.Context(), &w, h.node.known())
		if err != nil || p == nil {
			rt.Fatal(p, err)
		}
		seen := map[*policy.Decision]bool{}
		forms := map[string]bool{}
		for _, peer := range rapid.Permutation(slices.Sorted(maps.Keys(w.recipients))).Draw(rt, "order") {
			got, j := frameOf(rt, h, x, p, peer, false)
			want, _ := frameOf(rt, h, x, p, peer, true)
			if !bytes.Equal(got.head, want.head) || !reflect.DeepEqual(got.sent, want.sent) || got.aud != want.aud || got.head != nil && got.aud != peer {
				rt.Fatalf("%s gets\n%q for %q\n%+v\nby itself it would get\n%q for %q\n%+v", peer, got.head, got.aud, got.sent, want.head, want.aud, want.sent)
			}
			if seen[&j.decisions[0]] {
				shared++
			}
			seen[&j.decisions[0]] = true
			forms[string(got.head)] = true
		}
		parted += len(forms)
	})
	if shared < 20 || parted < 10 {
		t.Errorf("%d were shared, %d forms: the test tries too little", shared, parted)
	}
}

// alike are peers of one audience.
func alike(more string) (out []peerTerms) {
	for _, id := range []string{"pl-one", "pl-two", "pl-three"} {
		out = append(out, peerTerms{id, "PL", "authority", "technical, context, free-text", more})
	}
	return out
}

// goesToAll is an indicator that goes to everybody.
func goesToAll(id int, more map[string]any) map[string]any {
	o := map[string]any{"type": "indicator", "spec_version": "2.1", "id": attackID("indicator", id), "created": "2026-01-05T01:02:03.000Z", "modified": "2026-01-05T01:02:03.000Z",
		"name": "sample", "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix", "valid_from": "2026-01-05T00:00:00Z", "object_marking_refs": []string{markGreen}}
	maps.Copy(o, more)
	return o
}

// Between the pulls of two peers of an audience something changes, and it counts
// for the second.
func TestChangeBetweenTwoOfAnAudience(t *testing.T) {
	red, _ := marking.TLPObject(mapping.TLPRed)
	for name, c := range map[string]struct {
		object map[string]any
		change func(h *hub)
		want   string // what the second gets
	}{
		"nothing": {goesToAll(1, nil), func(*hub) {}, attackID("indicator", 1)},
		"it is withdrawn": {goesToAll(1, nil), func(h *hub) {
			_, err := h.node.Withdraw(h.t.Context(), []string{attackID("indicator", 1)}, envelope.GoneWithdrawn)
			h.op.must(err)
		}, ""},
		"its terms end":                        {goesToAll(1, nil), func(h *hub) { h.set(time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC)) }, ""},
		"the clock goes back before the terms": {goesToAll(1, nil), func(h *hub) { h.set(time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)) }, ""},
		"it is kept no longer": {goesToAll(1, map[string]any{"extensions": map[string]any{stix.HandlingExtension: map[string]any{"extension_type": "property-extension", "retain_days": 2}}}),
			func(h *hub) { h.set(h.now().AddDate(0, 0, 3)) }, ""},
		"its terms change": {goesToAll(1, nil), func(h *hub) {
			w := *h.node.world.Load()
			w.recipients = maps.Clone(w.recipients)
			w.recipients["pl-two"] = policy.Stranger(&w.Node, "pl-two")
			h.node.world.Store(&w)
		}, ""},
		"this node is told to erase it": {goesToAll(1, nil), func(h *hub) {
			w := *h.node.world.Load()
			p, err := h.node.entryAt(h.t.Context(), &w, h.node.known())
			h.op.must(err)
			w.asked = &asked{why: map[objectKey]string{{"de-cert", p.subjects[0].Digest()}: "spill"}}
			h.node.world.Store(&w)
		}, ""},
		"persons decide that it stays": {goesToAll(1, nil), func(h *hub) {
			w := *h.node.world.Load()
			w.recipients = maps.Clone(w.recipients)
			w.recipients["pl-two"] = w.recipients["pl-two"].WithExceptions([]policy.Exception{{ID: "decision", Rule: "any", Peer: "pl-two", Issuer: "de-cert",
				Types: []string{"indicator"}, Reject: true, From: h.now().Add(-time.Hour), Until: h.now().Add(time.Hour)}})
			h.node.world.Store(&w)
		}, ""},
		"what it mentions comes, and is for nobody": {goesToAll(1, map[string]any{"created_by_ref": attackID("identity", 9)}), func(h *hub) {
			h.publish(map[string]any{"type": "identity", "spec_version": "2.1", "id": attackID("identity", 9), "name": "sample", "identity_class": "organization",
				"created": "2026-01-05T01:02:03.000Z", "modified": "2026-01-05T01:02:03.000Z", "object_marking_refs": []string{red}})
		}, attackID("indicator", 1) + " without created_by_ref"},
		"what it mentions is withdrawn": {goesToAll(1, map[string]any{"created_by_ref": attackID("identity", 8)}), func(h *hub) {
			_, err := h.node.Withdraw(h.t.Context(), []string{attackID("identity", 8)}, envelope.GoneWithdrawn)
			h.op.must(err)
		}, attackID("indicator", 1) + " without created_by_ref"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, configs.Generalise{}, alike("")...)
			h.publish(map[string]any{"type": "identity", "spec_version": "2.1", "id": attackID("identity", 8), "name": "sample", "identity_class": "organization",
				"created": "2026-01-05T01:02:03.000Z", "modified": "2026-01-05T01:02:03.000Z", "object_marking_refs": []string{markGreen}})
			for _, p := range []string{"pl-one", "pl-two"} {
				h.objects(p)
			}
			h.publish(c.object)
			first, _ := h.objects("pl-one")
			if len(first) != 1 {
				t.Fatalf("the first gets %s", summary(first))
			}
			c.change(h)
			got := ""
			f, err := (&exporter{h.node}).build(t.Context(), "pl-two", h.place("pl-two"), 0)
			h.op.must(err)
			if f.Count() > 0 {
				f.Next = []byte("next")
			}
			b, err := h.codec.EncodeFrame(f)
			h.op.must(err)
			f, err = h.codec.DecodeFrame(b)
			h.op.must(err)
			for _, m := range f.Messages {
				v, err := envelope.Verify(m, envelope.VerifyOptions{Self: "pl-two", From: "de-cert", Keys: h.node.World().Directory, Now: h.now()})
				h.op.must(err)
				for _, it := range v.Items() {
					if it.Object.Type() == "indicator" {
						got = it.Object.ID()
						if _, there := c.object["created_by_ref"]; there {
							if _, there = it.Object.Get("created_by_ref"); !there {
								got += " without created_by_ref"
							}
						}
					}
				}
			}
			if got != c.want {
				t.Errorf("the second gets %q, want %q", got, c.want)
			}
		})
	}
}

// place is where a peer stands.
func (h *hub) place(peer string) link.Cursor {
	h.t.Helper()
	at, err := h.node.server.Cursors.Open(peer, h.at[peer])
	h.op.must(err)
	return at
}

// What is kept for audiences and compressed is bounded, and the oldest goes.
func TestSharedIsBounded(t *testing.T) {
	var a audiences
	var entries []*prepared
	for range 100 {
		p := &prepared{}
		entries = append(entries, p)
		s, mine := a.take(audienceKey{entry: p}, nil)
		if !mine {
			t.Fatal("it is there already")
		}
		s.bytes = sharedBytes / 10
		a.keep(s)
	}
	if len(a.kept) != 10 || len(a.order) != 10 || a.bytes > sharedBytes {
		t.Errorf("%d are kept, %d in order, %d bytes", len(a.kept), len(a.order), a.bytes)
	}
	if _, mine := a.take(audienceKey{entry: entries[99]}, nil); mine {
		t.Error("the newest is gone")
	}
	var p packs
	for i := range 8 {
		p.keep(&pack{key: packKey{count: i}, bytes: packBytes / 4})
	}
	if len(p.kept) != 4 || len(p.order) != 4 || p.bytes > packBytes || p.kept[packKey{count: 7}] == nil {
		t.Errorf("%d blocks are kept, %d bytes", len(p.kept), p.bytes)
	}
}

// A peer whose pull ends while it judges for its audience leaves nothing that
// others wait for.
func TestFirstOfAnAudienceGivesUp(t *testing.T) {
	h := newHub(t, configs.Generalise{}, alike("")...)
	h.publish(goesToAll(1, nil))
	p, err := h.node.entryAt(t.Context(), h.node.World(), h.node.known())
	h.op.must(err)
	x := &exporter{h.node}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	d := x.draft(gone, "pl-one", p.seq-1)
	if s, mine := h.node.audiences.take(audienceKey{p, d.world, d.audience}, nil); mine {
		d.reach.err = context.Canceled
		if _, _, err := x.first(gone, d, p, s); err == nil {
			t.Fatal("it was judged")
		}
	}
	if got, _ := h.objects("pl-two"); len(got) != 1 {
		t.Errorf("the second gets %s", summary(got))
	}
}

// Messages are compressed together only with those that they go with: what has
// the same beginning is not the same.
func TestBlocksHoldTheirTexts(t *testing.T) {
	h := newHub(t, configs.Generalise{}, alike("")...)
	x, first := &exporter{h.node}, h.node.known()
	for id := range 3 {
		h.publish(goesToAll(id+1, nil))
	}
	d := x.draft(t.Context(), "pl-one", first)
	for id := range 3 {
		p, err := h.node.entryAt(t.Context(), d.world, first+uint64(id)+1)
		h.op.must(err)
		h.op.must(x.judge(t.Context(), d, p))
	}
	signed, err := envelope.SignFrame(d.cleared, envelope.Dispatch{Self: h.node.id, Key: h.node.keys.Message, Peer: "pl-one", Now: d.now, FirstSeq: 1, Tables: d.world.Tables.Digest()})
	h.op.must(err)
	for range 2 {
		for _, run := range [][]*envelope.Signed{{signed[0], signed[1]}, {signed[0], signed[2]}, {signed[0]}} {
			f := link.Frame{Incarnation: "inc", FirstSeq: 1, Next: []byte("next"), Blocks: []*link.Block{h.node.packs.pack(h.codec, run)}}
			for _, s := range run {
				f.Tails = append(f.Tails, s.Tail())
			}
			b, err := h.codec.EncodeFrame(f)
			h.op.must(err)
			f, err = h.codec.DecodeFrame(b)
			h.op.must(err)
			for i, s := range run {
				if !bytes.Equal(f.Messages[i], s.Bytes()) {
					t.Errorf("message %d of %d is another", i, len(run))
				}
			}
		}
	}
	if n := len(h.node.packs.order); n > 5 {
		t.Errorf("%d blocks were made for 3 runs asked for twice", n)
	}
}

// Many peers of two audiences pull at once, while messages come and are taken
// back.
func TestManyPeersAtOnce(t *testing.T) {
	var peers []peerTerms
	for i := range 8 {
		p := alike("")[0]
		if p.id = fmt.Sprintf("pl-%d", i); i%2 == 0 {
			p.kind = "vendor"
		}
		peers = append(peers, p)
	}
	h := newHub(t, configs.Generalise{}, peers...)
	pull := NewPullers(h.node)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for _, p := range peers {
		wg.Go(func() {
			for {
				_, err := pull.Drain(t.Context(), p.id)
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					if _, err := pull.Drain(t.Context(), p.id); err != nil {
						t.Error(err)
					}
					return
				default:
				}
			}
		})
	}
	for i := range 20 {
		h.publish(goesToAll(i+1, map[string]any{"created_by_ref": attackID("identity", i%4)}))
		if i%5 == 4 {
			_, err := h.node.Withdraw(t.Context(), []string{attackID("indicator", i)}, envelope.GoneWithdrawn)
			h.op.must(err)
		}
	}
	close(done)
	wg.Wait()
	h.op.must(pull.Settle(t.Context()))
	for _, p := range peers {
		if end, ok := pull.ends.Load(p.id); !ok || end.(link.Cursor).Pos != h.node.known() || end.(link.Cursor).Seq < 20 {
			t.Errorf("%s came to %+v, the log ends at %d", p.id, end, h.node.known())
		}
	}
}

// What was decided for an audience holds for another peer of it unless something
// that it rests on is otherwise for that peer, or by now.
func TestSharedHolds(t *testing.T) {
	h := newHub(t, configs.Generalise{}, alike("")...)
	h.publish(goesToAll(1, map[string]any{"created_by_ref": attackID("identity", 9)}))
	h.objects("pl-one")
	if len(h.node.audiences.order) != 1 {
		t.Fatalf("%d verdicts are kept", len(h.node.audiences.order))
	}
	kept := h.node.audiences.order[0]
	d := (&exporter{h.node}).draft(t.Context(), "pl-two", 0)
	h.node.publishing.begin([]string{"identity--comes"})
	for name, c := range map[string]struct {
		change func(s *shared)
		want   bool
	}{
		"as it is":                           {func(*shared) {}, true},
		"it passed on what is mentioned":     {func(s *shared) { s.trail.parties = []string{"fr-cert", "pl-two"} }, false},
		"another passed it on":               {func(s *shared) { s.trail.parties = []string{"fr-cert"} }, true},
		"what is mentioned is published now": {func(s *shared) { s.trail.absent = append(s.trail.absent, "identity--comes") }, false},
		"its time is over":                   {func(s *shared) { s.trail.until = d.now }, false},
		"its time is not over":               {func(s *shared) { s.trail.until = d.now.Add(1) }, true},
		"it was decided later":               {func(s *shared) { s.at = d.now.Add(1) }, false},
		"it was for one alone":               {func(s *shared) { s.alone = true }, false},
		"nobody knows what it has in common": {func(s *shared) { s.common = nil }, false},
		"what was asked is too long ago to say": {func(s *shared) {
			s.trail.changes = append(s.trail.changes, h.node.index.ChangeOfID(attackID("indicator", 1)))
			s.since = 0
		}, false},
	} {
		s := *kept
		s.trail.absent, s.trail.changes = slices.Clone(kept.trail.absent), slices.Clone(kept.trail.changes)
		c.change(&s)
		if got := s.holds(h.node, d); got != c.want {
			t.Errorf("%s: holds %v", name, got)
		}
	}
}
