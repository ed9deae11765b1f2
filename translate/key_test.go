package translate_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/entente-relay/entente/translate"
)

// shared returns the folder of reference data that may lie beside the
// repository; tests that need real third-party files skip without it.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the reference data: set ENTENTE_SHARED or put it at <repository>/../shared (%v)", err)
	}
	return dir
}

func TestKeyVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared(t), "reference/terms/derived/name-normalisation-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct{ A, B, Expect, Why string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 20 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		if got := compare(v.A, v.B); got != v.Expect && (v.Expect != "alias" || got != "different") {
			t.Errorf("%+q, %+q: %s, want %s (%s)", v.A, v.B, got, v.Expect, v.Why)
		}
	}
}

// compare grades two spellings as the vectors do.
func compare(a, b string) string {
	ka, errA := translate.Key(a)
	kb, errB := translate.Key(b)
	switch {
	case errA != nil || errB != nil:
		return "reject-or-warn"
	case a == b:
		return "same"
	case ka == kb, translate.Loose(ka) == translate.Loose(kb):
		return "same-folded"
	default:
		return "different"
	}
}

func TestKeyFolds(t *testing.T) {
	tests := map[string]string{
		"  Phishing ":         "phishing",
		"Fancy\u00a0 Bear":    "fancy bear",
		"Larva\u201125012":    "larva-25012",
		"a\u2014b":            "a-b",
		"\u22121":             "-1",
		"ＡＰＴ２８":               "apt28",
		"Straße":              "strasse",
		"M\u00e9lofe\u0301e":  "m\u00e9lof\u00e9e",
		"フィッシング":              "フィッシング",
		"ﾌｨｯｼﾝｸﾞ":             "フィッシング",
		"TLP:AMBER+STRICT":    "tlp:amber+strict",
		"نمی\u200cخواهم":      "نمی\u200cخواهم",
		`rsit:Fraud="spam"`:   `rsit:fraud="spam"`,
		"\tx\n":               "x",
		"\u0130stanbul":       "i\u0307stanbul",
		"Ayy\u0131ld\u0131z":  "ayy\u0131ld\u0131z",
		"\u1e9b\u0323":        "\u1e69",
		"Group   3":           "group 3",
		"\ufeff" + "x" + "\n": "", // refused below
	}
	for in, want := range tests {
		got, err := translate.Key(in)
		if want == "" {
			if err == nil {
				t.Errorf("%+q gave %q", in, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%+q: got %+q, %v; want %+q", in, got, err, want)
		}
	}
}

func TestKeyRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "blanks": " \t\u00a0\u3000 ", "too long": strings.Repeat("a", translate.MaxTerm+1), "not UTF-8": "a\xff",
		"NUL": "a\x00b", "tab inside": "a\tb", "line break": "a\nb", "DEL": "a\x7fb", "C1": "a\u0085b", "bidi override": "\u202eraeB",
		"isolate": "a\u2066b", "zero-width space": "APT28\u200b", "joiner in Latin": "AP\u200dT", "joiner first": "\u200cخ",
		"soft hyphen": "a\u00adb", "byte order mark": "\ufeffa", "line separator": "a\u2028b", "tag character": "a\U000e0041b",
		"hangul filler": "a\u3164b", "variation selector": "a\ufe0fb", "replacement": "a\ufffdb", "blank braille": "\u2800",
		"word joiner": "a\u2060b", "grapheme joiner": "a\u034fb",
	} {
		if got, err := translate.Key(in); !errors.Is(err, translate.ErrNotATerm) {
			t.Errorf("%s: %+q gave key %+q", name, in, got)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{
		"Phishing", "ﾌｨｯｼﾝｸﾞ", "Straße", "\u0345\u0399", "\u1e9b\u0323", "İ", "ｶﾞ", "a\u2011b", "\u00a8x", "نمی\u200cخواهم", "\u202e", "ﬃ", "Ⅷ", "㌀",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := translate.Key(s)
		if err != nil {
			if k != "" {
				t.Fatalf("%+q: a key %+q beside the error", s, k)
			}
			return
		}
		// What NFKC expands beyond the limit cannot be a key again.
		if again, err := translate.Key(k); len(k) <= translate.MaxTerm && (err != nil || again != k) {
			t.Fatalf("%+q: key %+q has key %+q, %v", s, k, again, err)
		}
		if translate.Loose(translate.Loose(k)) != translate.Loose(k) {
			t.Fatalf("%+q: loose key is not stable", s)
		}
	})
}

func BenchmarkKey(b *testing.B) {
	for name, term := range map[string]string{"ascii": "Malware Distribution", "japanese": "フィッシング", "tag": `rsit:fraud="phishing"`} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := translate.Key(term); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
