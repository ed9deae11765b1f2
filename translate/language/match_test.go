package language_test

import (
	"slices"
	"testing"

	"github.com/entente-relay/entente/translate/language"
)

// pick returns the tags that a reader of want is shown.
func pick(t *testing.T, r language.Rules, want string, have ...string) []string {
	t.Helper()
	indices, ok := r.Match(want, have)
	if !ok {
		t.Fatalf("Match(%q) says it is no language tag", want)
	}
	var out []string
	for _, i := range indices {
		out = append(out, have[i])
	}
	return out
}

func TestNeighboursNeverStandIn(t *testing.T) {
	// Each of these is answered with the second language by the default
	// matcher of golang.org/x/text.
	pairs := [][2]string{
		{"uk", "ru"}, {"be", "ru"}, {"kk", "ru"}, {"hy", "ru"}, {"az", "ru"}, {"uz", "ru"}, {"tt", "ru"},
		{"ug", "zh"}, {"ur", "en"}, {"ur", "hi"}, {"bs", "hr"}, {"zh-Hant", "zh-CN"}, {"zh-TW", "zh"},
		{"sr", "sr-Latn"}, {"sh", "sr"}, {"nn", "nb"}, {"gsw", "de"}, {"ca", "es"}, {"gl", "es"}, {"eu", "es"},
	}
	for _, p := range pairs {
		if got := pick(t, language.Rules{}, p[0], "en", p[1]); len(got) > 0 {
			t.Errorf("a reader of %s is shown %v", p[0], got)
		}
	}
}

func TestSameLanguageStandsIn(t *testing.T) {
	tests := []struct {
		want string
		have []string
		get  []string
	}{
		{"de", []string{"en", "de"}, []string{"de"}},
		{"de-AT", []string{"de-DE", "de", "de-AT"}, []string{"de-AT", "de", "de-DE"}},
		{"pt-BR", []string{"pt-PT", "pt"}, []string{"pt", "pt-PT"}},
		{"en", []string{"en-US", "en-GB"}, []string{"en-US", "en-GB"}},
		{"zh-Hant", []string{"zh-CN", "zh-HK", "zh-TW"}, []string{"zh-HK", "zh-TW"}},
		{"zh", []string{"zh-Hant", "zh-Hans"}, []string{"zh-Hans"}},
		{"sh", []string{"sr", "sr-Latn"}, []string{"sr-Latn"}},
		{"iw", []string{"he"}, []string{"he"}},
		{"EN_us", []string{"en"}, []string{"en"}},
		{"und", []string{"de", "und"}, []string{"und"}},
		{"x-private", []string{"de", "x-private"}, []string{"x-private"}},
		{"de", []string{"no tag at all", "", "de"}, []string{"de"}},
		{"ja", []string{"und", "zxx", "mul"}, nil},
	}
	for _, tt := range tests {
		if got := pick(t, language.Rules{}, tt.want, tt.have...); !slices.Equal(got, tt.get) {
			t.Errorf("%s from %v: got %v, want %v", tt.want, tt.have, got, tt.get)
		}
	}
}

func TestOperatorStatesFallbacks(t *testing.T) {
	r := language.Rules{Fallbacks: map[string][]string{"uk": {"en", "pl"}}}
	if got, want := pick(t, r, "uk", "ru", "pl", "en-GB", "uk"), []string{"uk", "en-GB", "pl"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := pick(t, r, "be", "en"); got != nil {
		t.Errorf("a fallback of uk served be: %v", got)
	}
}

func TestMatchRefusesWhatIsNoTag(t *testing.T) {
	long := "en-" + string(make([]byte, language.MaxTag))
	for _, s := range []string{"", "rsit", "jp", "cn", "English", "e", "de--AT", "de AT", long} {
		if _, ok := (language.Rules{}).Match(s, []string{"en", "ja", "zh"}); ok {
			t.Errorf("%.20q was taken for a language tag", s)
		}
	}
}

func TestParseKeepsSpelling(t *testing.T) {
	for raw, canonical := range map[string]string{"iw": "he", "sh": "sr-Latn", "tl": "fil", "EN_us": "en-US", "de": "de"} {
		tag, err := language.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if tag.Raw() != raw || tag.String() != canonical {
			t.Errorf("%q: raw %q, canonical %q, want %q", raw, tag.Raw(), tag.String(), canonical)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"de", "zh-Hant-TW", "en-US-u-rg-uszzzz", "i-klingon", "x-y", "en-t-ja", "de-1996-1901", "EN_us"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tag, err := language.Parse(s)
		if err != nil {
			return
		}
		if tag.Raw() != s {
			t.Fatalf("%q came back as %q", s, tag.Raw())
		}
		if got, ok := (language.Rules{}).Match(s, []string{s}); !ok || len(got) != 1 {
			t.Fatalf("%q does not serve its own reader", s)
		}
	})
}
