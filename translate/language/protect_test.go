package language_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/translate/language"
)

// indicators must come through any text as one protected part or several
// touching ones, byte for byte.
var indicators = []string{
	"https://evil.example/a?b=c#d", "hxxps://evil[.]example/a", "hxxp[://]evil.example", "hxxp[:]//evil(.)example/x%20y",
	"ftp://198.51.100.7:2121/x", "http://[2001:db8::1]:8080/", "http://пример.example/путь", "mailto:a@evil.example",
	"evil.example", "evil[.]example", "evil(.)example", "evil[dot]example", "evil [.] example", "xn--e1afmkfd.example",
	"пример.test", "例え.テスト", "evil．example", "evil。example", "evil.example:8443/login", "a.b.c.evil.example",
	"user@evil.example", "user[@]evil[.]example", "user[at]evil.example", "first.last+tag@sub.evil.example",
	"192.0.2.1", "192.0.2[.]1", "192[.]0[.]2[.]1", "192.0.2.0/24", "192.0.2.1:443", "2001:db8::1", "2001:db8::/32", "::1",
	"2001:db8[:]:1", "[2001:db8::1]:443", "fe80::1%eth0", "00:53:00:12:ab:cd", "00-53-00-12-ab-cd", "AS64496",
	"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
	"3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "t13d1516h2_8daaf6152771_02713d6af862",
	"CVE-2024-12345", "GHSA-abcd-efgh-ijkl", "T1059", "T1059.001", "TA0001", "G0006", "S0012", "M1036", "APT28", "UNC1151",
	"indicator--86965443-f26d-4312-8e28-a0ed286386d7", "86965443-f26d-4312-8e28-a0ed286386d7",
	"[domain-name:value = 'evil.example']", "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
	"[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [url:value = 'http://x.example/]'] WITHIN 300 SECONDS",
	"([a:b = 1] AND [c:d = 'x y']) REPEATS 5 TIMES", "[file:name = 'it\\'s here.exe' OR file:name IN ('a b', 'c')]",
	"rule evil { strings: $a = \"x y\" condition: $a }", "`curl evil | sh`",
	`C:\Users\Public\evil file\run.exe`, `%APPDATA%\evil\run.dll`, `\\srv\share$\a.exe`, "/usr/local/bin/evil", "/etc/passwd",
	`HKLM\Software\Microsoft\Windows NT\CurrentVersion\Run`, `HKEY_CURRENT_USER\Software\Evil`, `"C:\Program Files\My App\a b.exe"`,
	"evil.exe", "invoice.pdf.exe", "libevil.so.1", "TLP:RED", "TLP:AMBER+STRICT", "tlp:clear", "TLP: AMBER", "PAP:GREEN", "ＴＬＰ：ＲＥＤ",
	`rsit:fraud="phishing"`, `misp-galaxy:threat-actor="Fancy Bear"`, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
	"alert tcp any any -> any 80 (msg:\"evil thing\"; sid:1;)", "rev:1=x", "user_name", "Mozilla/5.0", "$HOME",
}

// texts are what may stand around an indicator, in several scripts; %s is its
// place.
var texts = []string{
	"%s", "Bitte %s am Resolver sperren.", "Proszę zablokować (%s) w resolverze.", "リゾルバーで%sを遮断すること。", "「%s」、三十日分",
	"заблокувати %s, будь ласка", "حظر %s الآن", "a\n%s\nb", "„%s“", "%s;", "x %s, y", "\u2068%s\u2069",
}

// covered reports whether protected spans cover text[start:end].
func covered(spans []language.Span, start, end int) bool {
	for _, s := range spans {
		if s.Start <= start && start < s.End {
			start = s.End
		}
	}
	return start >= end
}

func TestIndicatorsAreProtectedEverywhere(t *testing.T) {
	for _, ind := range indicators {
		for _, frame := range texts {
			text := strings.Replace(frame, "%s", ind, 1)
			start := strings.Index(text, ind)
			if spans := language.Protect(text); !covered(spans, start, start+len(ind)) {
				t.Errorf("%q in %q: only %v protected", ind, text, parts(text, spans))
			}
		}
	}
}

func parts(text string, spans []language.Span) []string {
	out := make([]string, len(spans))
	for i, s := range spans {
		out[i] = string(s.Kind) + ":" + text[s.Start:s.End]
	}
	return out
}

func TestProseIsNotProtected(t *testing.T) {
	for _, text := range []string{
		"In den Protokollen mehrerer Teilnehmer am letzten Tag gesehen.",
		"Zaobserwowano w dziennikach kilku uczestników w ciągu ostatniej doby.",
		"過去一日に複数の参加組織のログで観測。", "Medium confidence: one sensor, confirmed by a partner.",
		"Hunt at night, not by day; fog is a word. Block it (please)!",
	} {
		if spans := language.Protect(text); len(spans) > 0 {
			t.Errorf("%q: %v", text, parts(text, spans))
		}
	}
}

func TestNamesAreProtected(t *testing.T) {
	text := "Fancy Bear und FANCY BEAR nutzen Fog; Fogbank und 海蓮花の検体。"
	got := parts(text, language.Protect(text, "Fancy Bear", "Fog", "海蓮花", "", "\xff"))
	want := []string{"name:Fancy Bear", "name:FANCY BEAR", "name:Fog", "name:海蓮花"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIndicatorKinds(t *testing.T) {
	tests := map[string]language.SpanKind{
		"TLP:RED": language.SpanMarking, "http://x.example/": language.SpanURL, "192.0.2.1": language.SpanAddress,
		"a@x.example": language.SpanEmail, "d41d8cd98f00b204e9800998ecf8427e": language.SpanHash,
		"[a:b = 'c']": language.SpanPattern, " PAP:RED ": language.SpanMarking,
	}
	for text, kind := range tests {
		if got, ok := language.Indicator(text); !ok || got != kind {
			t.Errorf("%q: %v, %v; want %v", text, got, ok, kind)
		}
	}
	for _, name := range []string{"Emotet", "win.xloader", "G0006", "APT28", "TEMP.Hermit", "admin@338", "M@r1a", "HELP@AUSI", "Trojan.Heur.JP.juW@ayZZvMb", "admin@338 - G0018", `rsit:fraud="phishing"`, "C&C", ""} {
		if kind, ok := language.Indicator(name); ok {
			t.Errorf("the name %q is taken for %s", name, kind)
		}
	}
}

// TestSealReturnsEveryProtectedByte is the promise of the package: whatever a
// translator does with the words and the order, each protected part comes back
// byte for byte, or the translation is refused.
func TestSealReturnsEveryProtectedByte(t *testing.T) {
	word := rapid.SampledFrom([]string{"siehe", "und", "観測した", "заблокувати", "\n", "。", ", ", "bitte", "ZQX0001Q", "zqx", "é", "\u200b"})
	piece := rapid.OneOf(word, rapid.SampledFrom(indicators), rapid.String())
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(piece, 0, 12).Draw(rt, "pieces")
		text := strings.Join(pieces, " ")
		sealed := language.Seal(text)
		if back, err := sealed.Open(sealed.Text); err != nil || back != text {
			rt.Fatalf("untouched: %q came back as %q, %v", text, back, err)
		}
		for _, p := range pieces {
			if slices.Contains(indicators, p) && strings.Contains(sealed.Text, p) {
				rt.Fatalf("the translator of %q sees %q", text, p)
			}
		}
	})
}

func TestOpenRefusesDamage(t *testing.T) {
	sealed := language.Seal("Bitte evil.example und 192.0.2.1 sperren (TLP:GREEN).")
	words := strings.Fields(sealed.Text)
	swapped := strings.Join([]string{words[3], words[2], words[1], words[4], words[5]}, " ")
	got, err := sealed.Open(swapped)
	if err != nil || got != "192.0.2.1 und evil.example sperren (TLP:GREEN)." {
		t.Errorf("another word order: %q, %v", got, err)
	}
	for name, damaged := range map[string]string{
		"lost":            strings.Replace(sealed.Text, words[1], "", 1),
		"twice":           sealed.Text + " " + words[1],
		"mangled":         strings.Replace(sealed.Text, words[1], strings.ToLower(words[1]), 1),
		"cut in two":      strings.Replace(sealed.Text, words[1], words[1][:4]+" "+words[1][4:], 1),
		"added label":     sealed.Text + " TLP:CLEAR",
		"added domain":    sealed.Text + " other.example",
		"added indicator": "203.0.113.9 " + sealed.Text,
		"empty":           "",
	} {
		if out, err := sealed.Open(damaged); !errors.Is(err, language.ErrSeal) {
			t.Errorf("%s: %q was accepted as %q", name, damaged, out)
		}
	}
}

func FuzzProtect(f *testing.F) {
	if len(indicators) < 50 {
		f.Fatal("the seed corpus is gone")
	}
	for i, ind := range indicators {
		f.Add(strings.Replace(texts[i%len(texts)], "%s", ind, 1), "Fancy Bear")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		end := 0
		for _, s := range language.Protect(text, name) {
			if s.Start < end || s.End <= s.Start || s.End > len(text) || s.Kind == "" {
				t.Fatalf("span %+v after %d of %d", s, end, len(text))
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[s.Start:s.End]) {
				t.Fatalf("span %+v cuts a character", s)
			}
			end = s.End
		}
		sealed := language.Seal(text, name)
		if back, err := sealed.Open(sealed.Text); err != nil || back != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	})
}

func BenchmarkProtect(b *testing.B) {
	text := strings.Repeat("Bitte evil.example am Resolver sperren und dreißig Tage rückwirkend suchen (TLP:GREEN). ", 5)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		language.Protect(text)
	}
}
