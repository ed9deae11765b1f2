package scheme

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// now is the day on which the tests judge.
var now = time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)

// shipped loads the data that the project ships, once.
var shipped = sync.OnceValues(func() (*Tables, error) { return Load(shippedFS()) })

func shippedFS() fs.FS { return os.DirFS(filepath.Join("..", "..", "configs", "schemes")) }

// tables returns the shipped tables with the named rows accepted.
func tables(t testing.TB, accept ...string) *Tables {
	t.Helper()
	tab, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	if tab, err = tab.Accept(accept...); err != nil {
		t.Fatal(err)
	}
	return tab
}

// everything returns the shipped tables with every unverified row accepted.
func everything(t testing.TB) *Tables {
	t.Helper()
	return tables(t, tables(t).Unverified()...)
}

// polish are the two names by which Poland's row counts.
var polish = []string{"pl-national", "eu-2013-488-app-b-2021/PL"}

// shippedWith returns the shipped files plus one more.
func shippedWith(t testing.TB, extra string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(shippedFS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(shippedFS(), name)
		out[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out["x-operator.yaml"] = &fstest.MapFile{Data: []byte(extra)}
	return out
}

// base returns the small made-up data plus one more file.
func base(t testing.TB, extra string) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "base.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"base.yaml": {Data: data}, "extra.yaml": {Data: []byte(extra)}}
}

// load is Load, or the end of the test.
func load(t testing.TB, fsys fs.FS) *Tables {
	t.Helper()
	tab, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// level resolves a label, or ends the test.
func level(t testing.TB, tab *Tables, scheme, label string, at time.Time) mapping.Level {
	t.Helper()
	l, standing, err := tab.Resolve(scheme, label, at)
	if err != nil || standing != Classified {
		t.Fatalf("Resolve(%s, %s) = %v, %v", scheme, label, standing, err)
	}
	return l
}

// date is a day.
func date(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// dayIn returns a day on which a scheme is in force.
func dayIn(l *ladder) time.Time {
	if !l.Until.IsZero() {
		return l.Until.AddDate(0, 0, -1)
	}
	return now
}
