package scheme

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// Every file under testdata/bad has one mistake; its first line says what the
// officer must read.
func TestLoadRefusesBadFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d bad files, %v", len(files), err)
	}
	load(t, base(t, "ver: 1\nsources:\n  T2: {document: test, kind: primary}\n")) // the ground itself is good
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# error: ")
			if !ok {
				t.Fatalf("the first line is %q", first)
			}
			tab, err := Load(base(t, string(data)))
			if err == nil || !strings.Contains(err.Error(), "extra.yaml:"+want) {
				t.Fatalf("got:\n%v\nwant:\nextra.yaml:%s", err, want)
			}
			if tab != nil {
				t.Error("tables in spite of an error")
			}
		})
	}
}

// All mistakes are listed at once, each on its own line.
func TestLoadListsEveryMistake(t *testing.T) {
	bad, err := os.ReadFile(filepath.Join("testdata", "bad", "missing-rung.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	fsys := base(t, string(bad))
	fsys["third.yaml"] = &fstest.MapFile{Data: []byte("ver: 1\nschemes:\n  - id: va-one\n    country: va\n    verified: true\n    sources: [T9]\n    levels: []\n")}
	_, err = Load(fsys)
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"extra.yaml:4:5: missing rung", `third.yaml:4:14: "va" is no ISO`, "third.yaml:3:5: scheme va-one has no levels", `third.yaml:6:15: source "T9"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not listed in:\n%v", part, err)
		}
	}
}

func TestLoadNeedsFiles(t *testing.T) {
	for name, c := range map[string]struct {
		fsys fstest.MapFS
		want string
	}{
		"empty folder":    {fstest.MapFS{}, "no .yaml file found"},
		"another ending":  {fstest.MapFS{"schemes.txt": {Data: []byte("ver: 1")}}, "no .yaml file found"},
		"no scheme":       {fstest.MapFS{"s.yaml": {Data: []byte("ver: 1\nsources:\n  T1: {document: d, kind: primary}\n")}}, "no scheme is defined"},
		"a giant":         {fstest.MapFS{"s.yaml": {Data: make([]byte, maxFile+1)}}, "over the limit"},
		"a binary":        {fstest.MapFS{"s.yaml": {Data: []byte{0, 1, 2, 0xff}}}, "s.yaml:"},
		"nested to death": {fstest.MapFS{"s.yaml": {Data: []byte("ver: " + strings.Repeat("[", 5000))}}, "s.yaml:"},
	} {
		if _, err := Load(c.fsys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDigestIsOfTheContent(t *testing.T) {
	one := load(t, base(t, "ver: 1\nsources:\n  T2: {document: test, kind: primary}\n"))
	same := load(t, base(t, "ver: 1\nsources:\n  T2: {document: test, kind: primary}\n"))
	other := load(t, base(t, "ver: 1\nsources:\n  T2: {document: Test, kind: primary}\n"))
	if one.Digest() != same.Digest() || one.Digest() == other.Digest() {
		t.Errorf("%s %s %s", one.Digest(), same.Digest(), other.Digest())
	}
}

// FuzzLoad: no file makes the loader panic or accept what breaks the ground
// below it: an accepted file leaves the base schemes as they are.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) == 0 {
		f.Fatal("the seed corpus is missing")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, s string) {
		tab, err := Load(base(t, s))
		if err != nil {
			return
		}
		if l, standing, err := tab.Resolve("li-one", "MITTEL", now); err != nil || standing != Classified || l.Rank != 2 {
			t.Fatalf("MITTEL became %+v, %v, %v", l, standing, err)
		}
	})
}
