package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	start = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

	issuers  = []string{"de-cert", "pl-cert"}
	sources  = []string{"self", "pl-cert", "jp-carrier"}
	peers    = []string{"pl-cert", "jp-carrier"}
	reasons  = []federation.Reason{federation.UnknownMarking, federation.Residency, federation.HeldForPerson}
	versions = []string{"", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00.000Z", "2026-01-05T10:00:00.5Z", "2026-01-06T00:00:00.000Z"}
)

func TestMain(m *testing.M) {
	// Before the flags are read, so that -rapid.checks still wins.
	if err := flag.Set("rapid.checks", modelChecks); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func testID(i int) string { return fmt.Sprintf("indicator--%08d-0000-4000-8000-000000000000", i) }

// testMark is what stands for a refused object of that id.
func testMark(i int) [16]byte { return [16]byte{1, byte(i)} }

// testDigest differs from others early and late, so that nothing can rest on
// one half of it.
func testDigest(i int) (d [32]byte) {
	d[0], d[15], d[31] = byte(i), byte(i)|1, byte(i)
	return d
}

func genObject(t *rapid.T, seq uint64) Object {
	n := rapid.IntRange(0, 11).Draw(t, "object")
	o := Object{
		Issuer:  rapid.SampledFrom(issuers).Draw(t, "issuer"),
		Digest:  testDigest(n),
		ID:      testID(n % 4),
		Version: versions[n%len(versions)], // the digest is over it, as over the id
		Type:    rapid.SampledFrom([]string{"indicator", "malware"}).Draw(t, "type"),
		Revoked: rapid.Bool().Draw(t, "revoked"),
		Marking: rapid.SampledFrom([]string{"TLP:GREEN", "TLP:AMBER", ""}).Draw(t, "marking"),
		Outcome: rapid.SampledFrom([]Outcome{Taken, Taken, Taken, Duplicate, Held, Held, Refused}).Draw(t, "outcome"),
		Verdict: federation.Share,
	}
	if o.Outcome == Refused && rapid.Bool().Draw(t, "marked") {
		o.Mark = testMark(n % 4)
	}
	if rapid.Bool().Draw(t, "expires") {
		o.Expires = start.Add(time.Duration(n) * time.Hour)
	}
	if o.Outcome == Held || o.Outcome == Refused {
		o.Reason = rapid.SampledFrom(reasons).Draw(t, "reason")
		o.Rule, o.Basis = "rule-1", "GDPR Art. 6"
	}
	if o.Outcome == Held && rapid.Bool().Draw(t, "unread") {
		o = Object{Outcome: Held, Reason: federation.UnknownIssuer}
	}
	if o.Outcome == Taken {
		parts := rapid.IntRange(1, 5).Draw(t, "parts")
		o.Shown = Shown{Hash: [16]byte{byte(parts)}, Parts: parts, Whole: parts == 5}
		o.Variant = rapid.Bool().Draw(t, "variant")
	}
	if seq > 1 && rapid.IntRange(0, 3).Draw(t, "settles") == 0 {
		o.Settles = rapid.Uint64Range(1, seq-1).Draw(t, "settled")
	}
	return o
}

func genEntry(t *rapid.T, seq uint64) Entry {
	e := Entry{Seq: seq, Source: rapid.SampledFrom(sources).Draw(t, "source"), At: start.Add(time.Duration(seq) * time.Second), JTI: fmt.Sprint("jti-", seq)}
	e.LinkSeq, e.Cursor = seq*2, []byte{byte(seq)}
	for range rapid.IntRange(0, 4).Draw(t, "objects") {
		o := genObject(t, seq)
		// No digest stands in a message twice, so none is its own variant.
		o.Variant = o.Variant && !slices.ContainsFunc(e.Objects, func(x Object) bool { return x.Digest == o.Digest })
		e.Objects = append(e.Objects, o)
	}
	if rapid.IntRange(0, 4).Draw(t, "withdraws") == 0 {
		e.Gone = append(e.Gone, Gone{rapid.SampledFrom(issuers).Draw(t, "owner"), testDigest(rapid.IntRange(0, 13).Draw(t, "gone")), rapid.SampledFrom(goneReasons).Draw(t, "why"), rapid.SampledFrom([]string{"", "pl-cert"}).Draw(t, "by")})
	}
	if seq > 1 {
		switch rapid.IntRange(0, 5).Draw(t, "refers") {
		case 0:
			e.Settles = rapid.Uint64Range(1, seq-1).Draw(t, "settles")
		case 1:
			e.Resends = rapid.Uint64Range(1, seq-1).Draw(t, "resends")
		}
	}
	return e
}

// genEvent makes what a relay could write next, and now and then what only a
// lying peer or a restart brings: an old root, wrong sums, a pull from far back.
func genEvent(t *rapid.T, seq uint64, before []Event) Event {
	e := Event{Seq: seq, At: start.Add(time.Duration(seq) * time.Minute)}
	peer := rapid.SampledFrom(peers).Draw(t, "peer")
	var last *Sent
	var sent []*Sent
	for _, b := range before {
		if b.Sent != nil && b.Sent.Peer == peer {
			last = b.Sent
			sent = append(sent, last)
		}
	}
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 5:
		e.Sent = genSent(t, seq, peer, last)
	case kind < 8 && len(sent) > 0:
		f := rapid.SampledFrom(sent).Draw(t, "frame")
		e.Receipt = &Receipt{Peer: peer, Root: f.Root}
		for _, m := range f.Messages {
			if rapid.IntRange(0, 5).Draw(t, "silent") > 0 {
				e.Receipt.Outcomes = append(e.Receipt.Outcomes, genOutcome(t, m))
			}
		}
	case kind < 9 && len(sent) > 0:
		f := rapid.SampledFrom(sent).Draw(t, "frame")
		for _, h := range f.Held {
			e.Settled = append(e.Settled, Settled{peer, h.LogSeq, h.Digest})
		}
	}
	return e
}

func genSent(t *rapid.T, seq uint64, peer string, last *Sent) *Sent {
	f := &Sent{Peer: peer, Root: fmt.Sprintf("root-%d", seq-seq%uint64(rapid.IntRange(1, 2).Draw(t, "same root")))}
	link := uint64(0)
	if last != nil {
		f.LogFrom = last.LogTo
		if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
			f.LogFrom = rapid.Uint64Range(0, last.LogTo-1).Draw(t, "from")
		}
		link = rapid.Uint64Range(0, 6).Draw(t, "link")
	}
	f.LogTo = f.LogFrom + rapid.Uint64Range(1, 5).Draw(t, "span")
	for range rapid.IntRange(0, 3).Draw(t, "messages") {
		link++
		m := SentMessage{LogSeq: rapid.Uint64Range(f.LogFrom+1, f.LogTo).Draw(t, "log"), LinkSeq: link}
		takesBack := rapid.IntRange(0, 5).Draw(t, "takes back") == 0
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 11), 1, 4, rapid.ID).Draw(t, "sent") {
			if takesBack {
				m.Gone = append(m.Gone, testDigest(n))
				continue
			}
			m.Objects = append(m.Objects, SentObject{testDigest(n), rapid.SampledFrom([]federation.Verdict{federation.Share, federation.Redact}).Draw(t, "verdict")})
		}
		f.Messages = append(f.Messages, m)
	}
	f.Withheld = rapid.MapOfN(rapid.SampledFrom(reasons), rapid.IntRange(0, 3), 0, 2).Draw(t, "withheld")
	for range rapid.IntRange(0, 2).Draw(t, "held out") {
		n := rapid.IntRange(0, 11).Draw(t, "waits")
		f.Held = append(f.Held, HeldOut{LogSeq: f.LogTo, Issuer: issuers[n%2], Digest: testDigest(n), ID: testID(n % 4), Reason: federation.PersonalData, Rule: "rule-2"})
	}
	return f
}

func genOutcome(t *rapid.T, m SentMessage) ReceiptOutcome {
	o := ReceiptOutcome{LinkSeq: m.LinkSeq, Stored: len(m.Objects) + len(m.Gone)}
	for _, into := range []*int{&o.Duplicate, &o.Held, &o.Refused} {
		n := rapid.IntRange(0, o.Stored).Draw(t, "part")
		*into, o.Stored = n, o.Stored-n
	}
	if rapid.IntRange(0, 5).Draw(t, "lies") == 0 {
		o.Refused = rapid.SampledFrom([]int{-1, 1 << 40, o.Refused + 1}).Draw(t, "lie")
	}
	if o.Refused != 0 {
		o.Reason = federation.Residency
	}
	return o
}

// answers is all that a store says.
type answers struct {
	Counts     Counts
	Objects    []Stored
	Held       []HeldObject
	Pulls      []Pull
	Recipients map[string][]Recipient
	Versions   map[string]string
	Seen       map[string][]bool
	Withdrawn  map[string][]bool
	Routes     map[string][]Route
	Whole      map[string]bool
}

func allDigests() (all [][32]byte) {
	for n := range 14 {
		all = append(all, testDigest(n))
	}
	return all
}

// ask asks for all of it, with the recipients of the objects of whom.
func ask(t rapid.TB, s *Store, whom [][32]byte) answers {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a := answers{Recipients: make(map[string][]Recipient), Versions: make(map[string]string), Seen: make(map[string][]bool), Withdrawn: make(map[string][]bool), Routes: make(map[string][]Route), Whole: make(map[string]bool)}
	var err error
	a.Counts, err = s.Counts(ctx)
	must(err)
	must(a.Counts.Check())
	for o, err := range s.Objects(ctx, Filter{}) {
		must(err)
		a.Objects = append(a.Objects, o)
	}
	a.Held, err = s.Held(ctx, HeldFilter{})
	must(err)
	groups, err := s.HeldGroups(ctx)
	must(err)
	for _, h := range a.Held {
		at := slices.IndexFunc(groups, func(g HeldGroup) bool {
			return g.Peer == h.Peer && g.Source == h.Source && g.Issuer == h.Issuer && g.Reason == h.Reason && g.Rule == h.Rule
		})
		if at < 0 || groups[at].Count == 0 || h.Since.Before(groups[at].Oldest) {
			t.Fatalf("%+v is in no group of %+v, or one that is too young", h, groups)
		}
		groups[at].Count--
	}
	for _, g := range groups {
		if g.Count != 0 {
			t.Fatalf("%+v counts what is not held", g)
		}
	}
	a.Pulls, err = s.Pulls(ctx)
	must(err)
	for _, issuer := range issuers {
		a.Seen[issuer] = s.Seen(issuer, allDigests())
		a.Withdrawn[issuer] = s.Withdrawn(issuer, allDigests())
		for _, d := range whom {
			r, err := s.Recipients(ctx, issuer, d)
			must(err)
			a.Recipients[fmt.Sprint(issuer, d[0])] = r
			w, err := s.Routes(ctx, issuer, d)
			must(err)
			a.Routes[fmt.Sprint(issuer, d[0])] = w
			a.Whole[fmt.Sprint(issuer, d[0])] = s.Whole(issuer, d)
		}
		for n := range 4 {
			v, d, ok, err := s.Version(issuer, testID(n))
			must(err)
			places, err := s.Places(issuer, testID(n))
			must(err)
			for i := range places { // any message that it came by
				ways, err := s.Routes(ctx, places[i].Issuer, places[i].Digest)
				must(err)
				if !slices.ContainsFunc(ways, func(r Route) bool { return r.LogSeq == places[i].LogSeq }) {
					t.Fatalf("%+v is not among its ways %+v", places[i], ways)
				}
				places[i].LogSeq = 0
			}
			waits, err := s.Waits(testID(n))
			must(err)
			refused, err := s.Refused(testMark(n))
			must(err)
			a.Versions[issuer+testID(n)] = fmt.Sprint(v, d, ok, places, waits, refused)
		}
	}
	return a
}

// expect is what it must say when log and journal were applied up to two
// positions and the log was noted up to a third.
func expect(log []Entry, applied, noted uint64, journal []Event, journaled uint64, whom [][32]byte) answers {
	m := newModel(log[:applied], journal[:journaled])
	a := answers{Recipients: make(map[string][]Recipient), Versions: make(map[string]string), Seen: make(map[string][]bool), Withdrawn: make(map[string][]bool), Routes: make(map[string][]Route), Whole: make(map[string]bool)}
	a.Counts = m.counts(applied, journaled)
	a.Objects, a.Held = m.objects, m.held()
	for _, source := range slices.Sorted(maps.Keys(m.pulls)) {
		a.Pulls = append(a.Pulls, m.pulls[source])
	}
	ahead := newModel(log[:noted], nil)
	for _, issuer := range issuers {
		for _, d := range allDigests() {
			k := modelKey{issuer, d}
			_, gone := ahead.gone[k]
			a.Seen[issuer] = append(a.Seen[issuer], ahead.seen[k])
			a.Withdrawn[issuer] = append(a.Withdrawn[issuer], gone)
		}
		for _, d := range whom {
			a.Recipients[fmt.Sprint(issuer, d[0])] = m.recipients(issuer, d)
			ways := ahead.routes[modelKey{issuer, d}]
			a.Routes[fmt.Sprint(issuer, d[0])] = ways
			a.Whole[fmt.Sprint(issuer, d[0])] = slices.ContainsFunc(ways, func(r Route) bool { return r.Whole })
		}
		for n := range 4 {
			o, ok := ahead.version(issuer, testID(n))
			a.Versions[issuer+testID(n)] = fmt.Sprint(o.Version, o.Digest, ok, ahead.places(issuer, testID(n)), m.waits(testID(n)) || holds(log[applied:noted], testID(n)), refuses(log[:noted], testMark(n)))
		}
	}
	return a
}

func compare(t rapid.TB, got, want answers) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Fatalf("%s:\n got %+v\nwant %+v", g.Type().Field(i).Name, g.Field(i).Interface(), w.Field(i).Interface())
		}
	}
}

// run is a store under test with the streams behind it.
type run struct {
	t       *rapid.T
	dir     string
	copies  int
	store   *Store
	log     []Entry
	journal []Event
	noted   uint64
}

func (r *run) open(path string) {
	s, err := Open(path, Options{Logger: quiet, Log: Stream{"log-1", uint64(len(r.log))}, Journal: Stream{"journal-1", uint64(len(r.journal))}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.store = s
	r.store.Note(r.log[s.Applied():])
	r.noted = uint64(len(r.log))
}

// batchOf draws a batch that ends after position at, and may begin with what
// was there before.
func (r *run) batchOf(at uint64, length int) (from, to int) {
	from = rapid.IntRange(0, int(at)).Draw(r.t, "from")
	return from, rapid.IntRange(int(at), length).Draw(r.t, "to")
}

func (r *run) applySome() error {
	from, to := r.batchOf(r.store.Applied(), len(r.log))
	return r.store.Apply(context.Background(), r.log[from:to])
}

func (r *run) recordSome() error {
	from, to := r.batchOf(r.store.Journaled(), len(r.journal))
	return r.store.Record(context.Background(), r.journal[from:to])
}

// copyFiles copies the files as a killed process leaves them.
func (r *run) copyFiles() string {
	r.copies++
	to := filepath.Join(r.dir, fmt.Sprintf("copy-%d.db", r.copies))
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(r.store.path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	return to
}

func (r *run) close() {
	if err := r.store.Close(); err != nil {
		r.t.Fatal(err)
	}
}

var errDisk = errors.New("disk on fire")

// failCommit makes the next commit fail, stored or not.
func (r *run) failCommit(stored bool) {
	r.store.write = func(_ string, commit func() error) error {
		r.store.write = func(_ string, commit func() error) error { return commit() }
		if stored {
			if err := commit(); err != nil {
				return err
			}
		}
		return errDisk
	}
}

// TestAgainstModel drives a store through any split of its streams into
// batches, with repeats, crashes, reopening and failing commits between them,
// and compares every answer with the model. In the end a store built in one go
// must say the same as the one that went through all that.
func TestAgainstModel(t *testing.T) {
	root, runs := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		dir := filepath.Join(root, fmt.Sprint(runs))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		r := &run{t: t, dir: dir}
		r.open(filepath.Join(dir, "index.db"))
		defer func() { r.close() }()
		t.Repeat(map[string]func(*rapid.T){
			"commit to the log": func(t *rapid.T) {
				r.t = t
				e := genEntry(t, uint64(len(r.log)+1))
				r.log = append(r.log, e)
				r.store.Note([]Entry{e})
				r.noted = e.Seq
			},
			"journal": func(t *rapid.T) {
				r.t = t
				r.journal = append(r.journal, genEvent(t, uint64(len(r.journal)+1), r.journal))
			},
			"apply": func(t *rapid.T) {
				r.t = t
				if err := r.applySome(); err != nil {
					t.Fatal(err)
				}
			},
			"record": func(t *rapid.T) {
				r.t = t
				if err := r.recordSome(); err != nil {
					t.Fatal(err)
				}
			},
			"failing commit": func(t *rapid.T) {
				r.t = t
				stored := rapid.Bool().Draw(t, "stored")
				applied, journaled := r.store.Applied(), r.store.Journaled()
				r.failCommit(stored)
				err := r.applySome()
				if err == nil {
					r.failCommit(stored)
					err = r.recordSome()
				}
				moved := r.store.Applied() > applied || r.store.Journaled() > journaled
				if !stored && (moved || !errors.Is(err, errDisk)) {
					t.Fatalf("nothing was stored, moved %v, error %v", moved, err)
				}
			},
			"reopen": func(t *rapid.T) {
				r.t = t
				r.close()
				r.open(r.store.path)
			},
			"crash": func(t *rapid.T) {
				r.t = t
				path := r.copyFiles()
				r.close()
				r.open(path)
			},
			"": func(t *rapid.T) {
				whom := [][32]byte{testDigest(rapid.IntRange(0, 11).Draw(t, "whose recipients"))}
				compare(t, ask(t, r.store, whom), expect(r.log, r.store.Applied(), r.noted, r.journal, r.store.Journaled(), whom))
			},
		})
		finish(t, r)
	})
}

// finish brings the store up to date and compares it with one built anew,
// which takes the journal before the log.
func finish(t *rapid.T, r *run) {
	ctx := context.Background()
	if err := errors.Join(r.store.Apply(ctx, r.log), r.store.Record(ctx, r.journal)); err != nil {
		t.Fatal(err)
	}
	incremental := ask(t, r.store, allDigests())
	compare(t, incremental, expect(r.log, r.noted, r.noted, r.journal, uint64(len(r.journal)), allDigests()))
	r.close()
	r.open(filepath.Join(r.dir, "anew.db"))
	if err := errors.Join(r.store.Record(ctx, r.journal), r.store.Apply(ctx, r.log)); err != nil {
		t.Fatal(err)
	}
	compare(t, ask(t, r.store, allDigests()), incremental)
}
