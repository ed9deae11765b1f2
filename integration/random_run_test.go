package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay"
)

// trial is an experiment that runs. Its faults are collected, not reported, so
// that a smaller experiment can be tried for the same ones.
type trial struct {
	t       *testing.T
	e       *experiment
	regions []*region
	wires   []*proxy
	rulings map[string]ruling
	things  map[string]*thing
	faults  []fault
	round   int
	got     []map[string]bool // by region
	must    int               // arrivals that the oracle demanded and saw
}

// fault is what the oracle found.
type fault struct{ id, at, text string }

func (tr *trial) fault(id, at, format string, args ...any) {
	tr.faults = append(tr.faults, fault{id, at, fmt.Sprintf(format, args...)})
}

// try runs an experiment and returns what the oracle found. What keeps it from
// running at all fails t.
func try(t *testing.T, e *experiment) *trial {
	t.Helper()
	tr := &trial{t: t, e: e, rulings: e.rule(), things: map[string]*thing{}}
	for i := range e.things {
		tr.things[e.things[i].id] = &e.things[i]
	}
	tr.build()
	tr.flow()
	tr.pause()
	tr.publishAll(1)
	tr.quiet()
	for i, r := range tr.regions {
		tr.got = append(tr.got, tr.arrived(i, arrivals(t, r.node)))
		addsUp(t, r)
	}
	tr.withdraw()
	for i, r := range tr.regions {
		r.stop()
		tr.onDisk(i)
	}
	return tr
}

// build starts the regions, each behind a wire that can be cut.
func (tr *trial) build() {
	e := tr.e
	for i, c := range e.countries {
		s := regionSpec{id: e.name(i), country: c, accept: accepted, profile: labels[e.defaults[i]]}
		if c == "DE" || c == "PL" {
			s.exercise = []string{"de-vs/VS-NfD"}
		}
		tr.regions = append(tr.regions, newRegion(tr.t, s))
	}
	for i, r := range tr.regions {
		linked := map[int]bool{i: true}
		for _, l := range e.links {
			switch i {
			case l.a:
				r.accept(tr.regions[l.b], e.agreement(l.ab), "")
				linked[l.b] = true
			case l.b:
				wire := newProxy(tr.t, tr.regions[l.a].node.LeafAddr())
				r.accept(tr.regions[l.a], e.agreement(l.ba), "tls://"+wire.addr())
				linked[l.a] = true
				if l.flaps {
					tr.wires = append(tr.wires, wire)
				}
			}
		}
		for j, other := range tr.regions {
			if !linked[j] {
				r.know(other)
			}
		}
		r.start()
	}
}

// flow publishes everything while links are cut, mends the links and waits
// until nothing moves.
func (tr *trial) flow() {
	done := make(chan struct{})
	var cuts sync.WaitGroup
	for i, w := range tr.wires {
		cuts.Go(func() { flapAtRandom(w, rand.New(rand.NewPCG(tr.e.seed, uint64(i))), done) })
	}
	tr.publishAll(0)
	close(done)
	cuts.Wait()
	tr.quiet()
}

// publishAll publishes the things of one round at all regions at once.
func (tr *trial) publishAll(round int) {
	var work sync.WaitGroup
	for i := range tr.regions {
		bundles, err := tr.bundles(i, round)
		if err != nil {
			tr.t.Fatal(err)
		}
		work.Go(func() { tr.publish(i, bundles) })
	}
	work.Wait()
}

// pause lets the lower region of some links pause them for good.
func (tr *trial) pause() {
	tr.round = 1
	for _, l := range tr.e.links {
		if !l.pauses {
			continue
		}
		a, b := tr.regions[l.a], tr.regions[l.b]
		if _, err := relay.PausePeer(relay.AgreementsDir(a.dir), b.id, "oracle", time.Now()); err != nil {
			tr.t.Fatal(err)
		}
		if err := a.node.Reload(tr.t.Context()); err != nil {
			tr.t.Fatal(err)
		}
	}
}

// paused reports whether a region's link with a peer is paused.
func (tr *trial) paused(region, peer string) bool {
	return tr.round > 0 && slices.ContainsFunc(tr.e.links, func(l link) bool {
		a, b := tr.e.name(l.a), tr.e.name(l.b)
		return l.pauses && (a == region && b == peer || b == region && a == peer)
	})
}

// flapAtRandom cuts and mends a link until told to end, then leaves it whole.
func flapAtRandom(wire *proxy, r *rand.Rand, done <-chan struct{}) {
	defer wire.setCut(false)
	for cut := true; ; cut = !cut {
		wire.setCut(cut)
		wait := time.NewTimer(time.Duration(20+r.IntN(400)) * time.Millisecond)
		select {
		case <-wait.C:
		case <-done:
			wait.Stop()
			return
		}
	}
}

// bundles makes what one region publishes.
func (tr *trial) bundles(at, round int) ([][]byte, error) {
	var out [][]byte
	var objects []json.RawMessage
	end := func() error {
		if len(objects) == 0 {
			return nil
		}
		raw, err := json.Marshal(map[string]any{"type": "bundle", "id": fmt.Sprintf("bundle--00000000-0000-4000-8000-%012x", len(out)), "objects": objects})
		out, objects = append(out, raw), nil
		return err
	}
	for _, o := range tr.e.things {
		if o.at != at || o.round != round {
			continue
		}
		raw, err := o.json(time.Now(), false)
		if err != nil {
			return nil, err
		}
		objects = append(objects, raw)
		if len(objects) >= tr.e.bundle {
			if err := end(); err != nil {
				return nil, err
			}
		}
	}
	err := end()
	return out, err
}

// publish hands bundles to a region. Each object has an outcome, and what is
// free is taken.
func (tr *trial) publish(at int, bundles [][]byte) {
	for _, b := range bundles {
		res, err := tr.regions[at].node.Publish(tr.t.Context(), "random", "", b)
		if err != nil {
			tr.t.Errorf("%s publishes: %v", tr.e.name(at), err)
			return
		}
		accounted(tr.t, "random", b, res)
	}
}

// quiet waits until every region has judged and delivered all that it has, and
// nothing has changed for a while.
func (tr *trial) quiet() {
	var last []uint64
	same := 0
	eventually(tr.t, 4*time.Minute, func() string {
		var now []uint64
		busy := ""
		for _, r := range tr.regions {
			st, err := r.node.Status(tr.t.Context())
			if err != nil {
				return err.Error()
			}
			if st.Indexed != st.LogLast {
				busy = r.id + " has not indexed its log"
			}
			now = append(now, st.LogLast)
			for _, p := range st.Peers {
				now = append(now, p.Out.Judged, p.In.Received)
				if flying := p.Out.InFlight + p.Out.Withdrawals.InFlight; (p.Backlog != 0 || flying != 0) && !tr.paused(r.id, p.ID) {
					busy = fmt.Sprintf("%s to %s: link %s, backlog %d, in flight %d", r.id, p.ID, p.Link, p.Backlog, flying)
				}
			}
		}
		if busy != "" || !slices.Equal(now, last) {
			last, same = now, 0
			return "not settled: " + busy
		}
		if same++; same < 8 {
			return "not yet quiet"
		}
		return ""
	})
}

// withdrawals is how many things each region takes back at the end.
const withdrawals = 5

// withdraw lets every region take some things back, and demands that each region
// which has got them says so. Where links are paused, this need not come.
func (tr *trial) withdraw() {
	if slices.ContainsFunc(tr.e.links, func(l link) bool { return l.pauses }) {
		return
	}
	var gone []*thing
	for i, r := range tr.regions {
		var ids []string
		for k := range tr.e.things {
			o := &tr.e.things[k]
			if o.at == i && tr.got[i][o.id] && len(ids) < withdrawals && (k%7 == 0 || len(tr.e.things) < 10) {
				ids, gone = append(ids, o.id), append(gone, o)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if _, err := r.node.Withdraw(tr.t.Context(), ids, "withdrawn"); err != nil {
			tr.t.Fatalf("%s withdraws: %v", r.id, err)
		}
	}
	tr.quiet()
	for i, r := range tr.regions {
		for _, o := range gone {
			if !tr.got[i][o.id] {
				continue
			}
			if ws, err := r.node.Withdrawals(tr.t.Context(), o.id, 0); err != nil || len(ws) == 0 {
				tr.fault(o.id, r.id, "it was withdrawn, and %s does not know: %v", r.id, err)
			}
		}
	}
}

// arrived judges what a region took, and returns the ids.
func (tr *trial) arrived(at int, all []arrival) map[string]bool {
	name := tr.e.name(at)
	got, forms := map[string]bool{}, map[string]arrival{}
	for _, a := range all {
		o, known := tr.things[a.ID]
		switch form := a.ID + string(a.Object); {
		case !known:
			tr.fault(a.ID, name, "nobody published it")
			continue
		case forms[form].Seq != 0:
			b := forms[form]
			tr.fault(a.ID, name, "it arrived twice: by %v as %d without %d parts of its message, and by %v as %d without %d", b.Path, b.Seq, b.Removed, a.Path, a.Seq, a.Removed)
		case got[a.ID] && len(tr.e.links) < len(tr.regions):
			tr.fault(a.ID, name, "it arrived twice, and there is one way only")
		default:
			forms[form] = a
		}
		got[a.ID] = true
		tr.judge(o, at, a)
	}
	for i := range tr.e.things {
		o := &tr.e.things[i]
		if !tr.rulings[o.id].must[at] {
			continue
		}
		if tr.must++; !got[o.id] {
			tr.fault(o.id, name, "nothing restricts it, and it has not arrived")
		}
	}
	return got
}

// judge looks at one object that arrived.
func (tr *trial) judge(o *thing, at int, a arrival) {
	name, v := tr.e.name(at), tr.rulings[o.id]
	if !v.may[at] {
		tr.fault(o.id, name, "it may not be there%s", tr.e.why(o, at))
	}
	if o.contact != "" && !v.note[at] && bytes.Contains(a.Object, []byte(o.contact)) {
		tr.fault(o.id, name, "its note may not be there%s", tr.e.why(o, at))
	}
	if a.Issuer != tr.e.name(o.at) || a.Path[0] != a.Issuer || a.Path[len(a.Path)-1] != name || len(slices.Compact(slices.Sorted(slices.Values(a.Path)))) != len(a.Path) {
		tr.fault(o.id, name, "%s published it, and its issuer is %s, its path %v", tr.e.name(o.at), a.Issuer, a.Path)
	}
	raw, err := o.json(time.Now(), true)
	var want, have map[string]any
	if err != nil || json.Unmarshal(raw, &want) != nil || json.Unmarshal(a.Object, &have) != nil {
		tr.t.Fatalf("%s at %s is no JSON: %s", o.id, name, a.Object)
	}
	for _, k := range []string{"created", "modified", "valid_from", "published"} {
		delete(want, k)
		delete(have, k)
	}
	if !within(have, want) || !reflect.DeepEqual(have["object_marking_refs"], want["object_marking_refs"]) {
		tr.fault(o.id, name, "it changed on the way: %s", a.Object)
	}
}

// within reports whether have is want with parts left out.
func within(have, want any) bool {
	switch h := have.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		for k, v := range h {
			ok = ok && within(v, w[k])
		}
		return ok
	case []any:
		w, ok := want.([]any)
		for _, v := range h {
			ok = ok && slices.ContainsFunc(w, func(x any) bool { return within(v, x) })
		}
		return ok
	}
	return have == want
}

// tokenForm is how tokens and addresses of persons begin.
var tokenForm = regexp.MustCompile(`[on][0-9]{6}z[0-9a-f]{8}`)

// eachMark calls f for everything in a text that may be a token, an address's
// beginning or an id of this test. It does what tokenForm and idForm do, in a
// tenth of the time.
func eachMark(text []byte, f func([]byte)) {
	for i, c := range text {
		switch {
		case c == 'z' && i >= 7 && i+9 <= len(text):
			f(text[i-7 : i+9])
		case c == '-' && i+38 <= len(text) && text[i+1] == '-' && text[i+10] == '-':
			for _, kind := range kinds {
				if from := i - len(kind); from >= 0 && string(text[from:i]) == kind {
					f(text[from : i+38])
				}
			}
		}
	}
}

// kinds are the types of objects that these tests make.
var kinds = []string{"indicator", "relationship", "report"}

// onDisk looks through every byte that a stopped region has kept, as it lies
// there and decoded, for what may not be there: contents, persons, and ids, by
// which one object tells of another.
func (tr *trial) onDisk(at int) {
	why := map[string]*thing{}
	for i := range tr.e.things {
		o := &tr.e.things[i]
		if !tr.rulings[o.id].may[at] {
			why[o.token], why[o.id] = o, o
		}
		if o.contact != "" && !tr.rulings[o.id].note[at] {
			why[tokenForm.FindString(o.contact)] = o
		}
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(tr.regions[at].dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, text := range [][]byte{raw, decodeSegments(raw)} {
			eachMark(text, func(m []byte) {
				if o := why[string(m)]; o != nil && !seen[string(m)] {
					seen[string(m)] = true
					tr.fault(o.id, tr.e.name(at), "%s lies in %s%s", m, filepath.Base(path), tr.e.why(o, at))
				}
			})
		}
		return nil
	})
	if err != nil {
		tr.t.Fatal(err)
	}
}
