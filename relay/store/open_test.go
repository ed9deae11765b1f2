package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

func openAt(t *testing.T, path string, o Options) *Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// filled makes a file with 2,000 objects in 40 entries and returns its path.
func filled(t *testing.T, o Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.db")
	s := openAt(t, path, o)
	if err := s.Apply(context.Background(), sampleEntries(1, 40, 50)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOneStoreAtATime(t *testing.T) {
	path := filled(t, Options{})
	first := openAt(t, path, Options{})
	_, err := Open(path, Options{Logger: quiet})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Fatalf("second open: %v", err)
	}
	if err := first.Apply(context.Background(), sampleEntries(41, 1, 1)); err != nil {
		t.Fatalf("the first store no longer works: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if s := openAt(t, path, Options{}); s.Applied() != 41 {
		t.Fatalf("applied %d, want 41", s.Applied())
	}
}

// TestTwoProcesses opens the file in a process of its own: it must be turned
// away while we have it, and must not have touched it.
func TestTwoProcesses(t *testing.T) {
	if path := os.Getenv("ENTENTE_TEST_OPEN_STORE"); path != "" {
		_, err := Open(path, Options{Logger: quiet})
		fmt.Fprintln(os.Stdout, "in use:", errors.Is(err, ErrInUse), err)
		return
	}
	path := filled(t, Options{})
	s := openAt(t, path, Options{})
	cmd := exec.Command(os.Args[0], "-test.run=^TestTwoProcesses$", "-test.v")
	cmd.Env = append(os.Environ(), "ENTENTE_TEST_OPEN_STORE="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "in use: true") {
		t.Fatalf("second process: %v\n%s", err, out)
	}
	if err := s.Apply(context.Background(), sampleEntries(41, 1, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	s := openAt(t, path, Options{})
	if err := s.Apply(context.Background(), sampleEntries(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 4 { // the database, its two companions, the lock
		t.Fatal(files, err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, ".lock") {
			continue // empty
		}
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

// TestDeletedAndBuiltAnew spoils a file in many ways. Each time the store must
// open empty, say why, and work.
func TestDeletedAndBuiltAnew(t *testing.T) {
	raw := func(t *testing.T, path string, stmt string) {
		t.Helper()
		db, err := sql.Open("sqlite", dsn(path))
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec(stmt)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	change := func(t *testing.T, path string, f func([]byte) []byte) {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bound := Options{Log: Stream{"log-1", 40}, Journal: Stream{"journal-1", 0}}
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		open  Options
		says  string
	}{
		{"another schema version", func(t *testing.T, p string) { raw(t, p, "PRAGMA user_version = 999") }, bound, "schema version 999"},
		{"another program's database", func(t *testing.T, p string) { raw(t, p, "PRAGMA application_id = 7") }, bound, "not an index of this program"},
		{"no position", func(t *testing.T, p string) { raw(t, p, "DELETE FROM meta") }, bound, "not whole"},
		{"lost keys", func(t *testing.T, p string) { raw(t, p, "DELETE FROM key_blocks") }, bound, "not whole"},
		{"changed keys", func(t *testing.T, p string) { raw(t, p, "UPDATE key_blocks SET keys = zeroblob(length(keys))") }, bound, "key block"},
		{"lost objects", func(t *testing.T, p string) { raw(t, p, "DELETE FROM objects WHERE n > 7") }, bound, "not whole"},
		{"lost table", func(t *testing.T, p string) { raw(t, p, "DROP TABLE key_blocks") }, bound, "key_blocks"},
		{"text", func(t *testing.T, p string) {
			change(t, p, func([]byte) []byte { return []byte("this is not a database") })
		}, bound, "damaged"},
		{"zeroes in the middle", func(t *testing.T, p string) {
			change(t, p, func(d []byte) []byte { clear(d[len(d)/2 : len(d)/2+20_000]); return d })
		}, bound, "damaged"},
		{"noise in the middle", func(t *testing.T, p string) {
			change(t, p, func(d []byte) []byte {
				for i := len(d) / 3; i < len(d)/3+9000; i++ {
					d[i] = byte(i * 7)
				}
				return d
			})
		}, bound, "damaged"},
		{"half of it", func(t *testing.T, p string) { change(t, p, func(d []byte) []byte { return d[:len(d)/2] }) }, bound, "damaged"},
		{"found damaged before", func(t *testing.T, p string) {
			if err := os.WriteFile(damageMark(p), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, bound, "while in use"},
		{"another log", func(*testing.T, string) {}, Options{Log: Stream{"log-2", 40}}, "another log"},
		{"another journal", func(*testing.T, string) {}, Options{Journal: Stream{"journal-2", 40}}, "another journal"},
		{"ahead of the log", func(*testing.T, string) {}, Options{Log: Stream{"log-1", 39}}, "ahead of the log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filled(t, bound)
			c.spoil(t, path)
			var said bytes.Buffer
			c.open.Logger = slog.New(slog.NewTextHandler(&said, nil))
			s := openAt(t, path, c.open)
			if s.Applied() != 0 {
				t.Fatalf("applied %d, want an empty store", s.Applied())
			}
			if !strings.Contains(said.String(), c.says) || !strings.Contains(said.String(), "built anew") {
				t.Errorf("it says %q, want %q in it", said.String(), c.says)
			}
			if err := s.Apply(context.Background(), sampleEntries(1, 2, 50)); err != nil {
				t.Fatal(err)
			}
			if seen := s.Seen("de-cert", [][32]byte{sampleObject("de-cert", 60).Digest, sampleObject("de-cert", 1000).Digest}); !seen[0] || seen[1] {
				t.Errorf("seen %v", seen)
			}
		})
	}
}

// TestKept: what is not spoilt is not thrown away.
func TestKept(t *testing.T) {
	bound := Options{Log: Stream{"log-1", 40}, Journal: Stream{"journal-1", 0}}
	for _, o := range []Options{bound, {}, {Log: Stream{"log-1", 99}}} {
		path := filled(t, bound)
		var said bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&said, nil))
		if s := openAt(t, path, o); s.Applied() != 40 || said.Len() > 0 {
			t.Errorf("%+v: applied %d, said %q", o.Log, s.Applied(), said.String())
		}
	}
}

// TestEveryTruncation cuts the file and its write-ahead log at many places, as a
// full disk or a lost cache may. Whatever is left, the store opens with a
// position that is true: what it holds is the log up to there.
func TestEveryTruncation(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "index.db"), Options{})
	log := sampleEntries(1, 12, 5)
	for i := range log {
		if err := s.Apply(context.Background(), log[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	main, err1 := os.ReadFile(s.path)
	wal, err2 := os.ReadFile(s.path + "-wal")
	if err := errors.Join(err1, err2); err != nil || len(wal) == 0 {
		t.Fatal(err, len(wal))
	}
	positions := make(map[uint64]int)
	for i, cut := 0, 0; cut < len(wal); i, cut = i+1, cut+len(wal)/40+1 {
		path := filepath.Join(dir, fmt.Sprintf("cut-%d.db", i))
		if err := errors.Join(os.WriteFile(path, main, 0o600), os.WriteFile(path+"-wal", wal[:cut], 0o600)); err != nil {
			t.Fatal(err)
		}
		c := openAt(t, path, Options{})
		at := c.Applied()
		positions[at]++
		n := 0
		for o, err := range c.Objects(context.Background(), Filter{}) {
			if err != nil || o.LogSeq > at {
				t.Fatal(o, err)
			}
			n++
		}
		if uint64(n) != at*5 {
			t.Fatalf("cut at %d: applied %d, %d objects", cut, at, n)
		}
		if err := c.Apply(context.Background(), log); err != nil {
			t.Fatal(err)
		}
		if counts, err := c.Counts(context.Background()); err != nil || counts.In[0].Taken != 60 {
			t.Fatal(counts, err)
		}
	}
	if len(positions) < 5 {
		t.Fatalf("the cuts led to few positions: %v", positions)
	}
}

func TestDamageWhileInUse(t *testing.T) {
	path := filled(t, Options{})
	s := openAt(t, path, Options{})
	// A chain of versions that points to a row which is not there.
	if _, err := s.conn.ExecContext(context.Background(), "DELETE FROM objects WHERE n = 2000"); err != nil {
		t.Fatal(err)
	}
	last := sampleEntries(40, 1, 50)[0].Objects[49]
	_, _, _, err := s.Version(last.Issuer, last.ID)
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("version of a lost row: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again := openAt(t, path, Options{}); again.Applied() != 0 {
		t.Fatalf("applied %d after damage", again.Applied())
	}
	if _, err := os.Stat(damageMark(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the mark of damage stayed: %v", err)
	}
}

// TestDamageMarkBroken: a mark that could not be written when the damage was
// found is written when the store is closed; one that was in spite of an error
// does no harm.
func TestDamageMarkBroken(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		path, fails := filled(t, Options{}), 1
		s := openAt(t, path, Options{Write: func(name string, do func() error) error {
			if name != WriteMark || fails == 0 {
				return do()
			}
			fails--
			if keeps {
				return errors.Join(do(), errDisk)
			}
			return errDisk
		}})
		if _, err := s.conn.ExecContext(context.Background(), "DELETE FROM objects WHERE n = 2000"); err != nil {
			t.Fatal(err)
		}
		last := sampleEntries(40, 1, 50)[0].Objects[49]
		if _, _, _, err := s.Version(last.Issuer, last.ID); !errors.Is(err, ErrDamaged) || !errors.Is(err, errDisk) {
			t.Fatalf("stored %v: %v", keeps, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if again := openAt(t, path, Options{}); again.Applied() != 0 {
			t.Errorf("stored %v: the damaged index is in use again", keeps)
		}
	}
}

func TestClosed(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "index.db"), Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(context.Background(), sampleEntries(1, 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("apply: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestPathWithOddCharacters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%41")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "index.db")
	s := openAt(t, path, Options{})
	if err := s.Apply(context.Background(), sampleEntries(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "index.db")
	if _, err := Open(path, Options{Logger: quiet}); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("open in a folder that is not there: %v", err)
	}
}

// TestRefusesWhatCannotBeCounted: each of these would make the counts or the
// positions wrong.
func TestRefusesWhatCannotBeCounted(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "index.db"), Options{})
	ok := sampleObject("de-cert", 1)
	entry := func(change func(*Entry)) []Entry {
		e := Entry{Seq: 5, Source: "self", At: start, Objects: []Object{ok}}
		change(&e)
		return []Entry{e}
	}
	object := func(change func(*Object)) []Entry {
		return entry(func(e *Entry) { change(&e.Objects[0]) })
	}
	for want, entries := range map[string][]Entry{
		"comes after":              {{Seq: 2, Source: "self"}, {Seq: 2, Source: "self"}},
		"no source":                entry(func(e *Entry) { e.Source = "" }),
		"refers to 5":              entry(func(e *Entry) { e.Settles = 5 }),
		"refers to 9":              entry(func(e *Entry) { e.Resends = 9 }),
		"outcome 0":                object(func(o *Object) { o.Outcome = 0 }),
		"outcome 5":                object(func(o *Object) { o.Outcome = 5 }),
		"without an issuer":        object(func(o *Object) { o.Issuer = "" }),
		"issuer or an id":          object(func(o *Object) { o.ID = "" }),
		"without a reason":         object(func(o *Object) { o.Outcome = Held }),
		"refused without a reason": object(func(o *Object) { o.Outcome = Refused }),
		"settles entry 5":          object(func(o *Object) { o.Settles = 5 }),
		"no issuer":                entry(func(e *Entry) { e.Gone = []Gone{{}} }),
	} {
		if err := s.Apply(context.Background(), entries); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	frame := func(change func(*Sent)) []Event {
		f := &Sent{Peer: "pl-cert", LogTo: 1, Messages: []SentMessage{{LogSeq: 1, LinkSeq: 1, Objects: []SentObject{{ok.Digest, federation.Share}}}}}
		change(f)
		return []Event{{Seq: 3, Sent: f}}
	}
	for want, events := range map[string][]Event{
		"comes after":         {{Seq: 2}, {Seq: 1}},
		"for nobody":          frame(func(f *Sent) { f.Peer = "" }),
		"judges nothing":      frame(func(f *Sent) { f.LogTo = 0 }),
		"link sequence 0":     frame(func(f *Sent) { f.Messages[0].LinkSeq = 0 }),
		`the verdict "hold"`:  frame(func(f *Sent) { f.Messages[0].Objects[0].Verdict = federation.Hold }),
		"-1 objects withheld": frame(func(f *Sent) { f.Withheld = map[federation.Reason]int{"stale": -1} }),
		`withheld for ""`:     frame(func(f *Sent) { f.Withheld = map[federation.Reason]int{"": 1} }),
		"held without":        frame(func(f *Sent) { f.Held = []HeldOut{{ID: ok.ID}} }),
		"receipt of nobody":   {{Seq: 3, Receipt: &Receipt{}}},
	} {
		if err := s.Record(context.Background(), events); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if s.Applied() != 0 || s.Journaled() != 0 {
		t.Errorf("positions %d, %d after refusals", s.Applied(), s.Journaled())
	}
	if counts, err := s.Counts(context.Background()); err != nil || len(counts.In)+len(counts.Out) != 0 {
		t.Errorf("counts after refusals: %+v, %v", counts, err)
	}
}

// TestFilters checks each filter against picking by hand.
func TestFilters(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "index.db"), Options{})
	entries := sampleEntries(1, 30, 50) // three pages
	for i := range entries {
		entries[i].Source = sources[i%3]
		for j := range entries[i].Objects {
			o := &entries[i].Objects[j]
			o.Issuer = issuers[j%2]
			o.Type = []string{"indicator", "malware", "report"}[j%3]
			if j%5 == 0 {
				o.Expires = start.AddDate(0, 0, i)
			}
			if j%10 == 0 {
				o.ID = testID(1)
				o.Version = start.AddDate(0, 0, i*50+j).Format("2006-01-02T15:04:05.000Z")
			}
		}
	}
	if err := s.Apply(context.Background(), entries); err != nil {
		t.Fatal(err)
	}
	list := func(f Filter) (out []string) {
		for o, err := range s.Objects(context.Background(), f) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%d %s %x", o.LogSeq, o.Issuer, o.Digest))
		}
		return out
	}
	for name, c := range map[string]struct {
		f    Filter
		pick func(*Entry, *Object) bool
	}{
		"all":        {Filter{}, func(*Entry, *Object) bool { return true }},
		"issuer":     {Filter{Issuer: "pl-cert"}, func(_ *Entry, o *Object) bool { return o.Issuer == "pl-cert" }},
		"type":       {Filter{Type: "report"}, func(_ *Entry, o *Object) bool { return o.Type == "report" }},
		"source":     {Filter{Source: "self"}, func(e *Entry, _ *Object) bool { return e.Source == "self" }},
		"after":      {Filter{After: 28}, func(e *Entry, _ *Object) bool { return e.Seq > 28 }},
		"expires":    {Filter{ExpiresBy: start.AddDate(0, 0, 9)}, func(_ *Entry, o *Object) bool { return !o.Expires.IsZero() && !o.Expires.After(start.AddDate(0, 0, 9)) }},
		"id":         {Filter{ID: testID(1)}, func(_ *Entry, o *Object) bool { return o.ID == testID(1) }},
		"own id":     {Filter{Issuer: "de-cert", ID: testID(1)}, func(_ *Entry, o *Object) bool { return o.ID == testID(1) && o.Issuer == "de-cert" }},
		"unknown id": {Filter{Issuer: "de-cert", ID: testID(9)}, func(*Entry, *Object) bool { return false }},
		"unknown":    {Filter{Issuer: "nobody"}, func(*Entry, *Object) bool { return false }},
	} {
		var want []string
		for i := range entries {
			for j := range entries[i].Objects {
				if o := &entries[i].Objects[j]; c.pick(&entries[i], o) {
					want = append(want, fmt.Sprintf("%d %s %x", entries[i].Seq, o.Issuer, o.Digest))
				}
			}
		}
		if got := list(c.f); !slices.Equal(got, want) {
			t.Errorf("%s: %d objects, want %d", name, len(got), len(want))
		}
		for _, limit := range []int{1, 499, 500, 501, 1499, 1500, 1501} {
			c.f.Limit = limit
			if got := list(c.f); !slices.Equal(got, want[:min(limit, len(want))]) {
				t.Errorf("%s, limit %d: %d objects", name, limit, len(got))
			}
		}
	}
}
