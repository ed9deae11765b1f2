package stix

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// render writes comparisons one to a line.
func render(cs []Comparison) string {
	var out []string
	for _, c := range cs {
		not := ""
		if c.Negated {
			not = "NOT "
		}
		out = append(out, fmt.Sprintf("%s:%s %s%s %q", c.ObjectType, c.Path, not, c.Op, c.Values))
	}
	return strings.Join(out, "; ")
}

func TestParsePattern(t *testing.T) {
	for _, tc := range []struct{ pattern, want string }{
		{`[ipv4-addr:value = '192.0.2.1']`, `ipv4-addr:value = ["192.0.2.1"]`},
		{`[a:b == 1]`, `a:b = ["1"]`},
		{`[a:b <> -1]`, `a:b != ["-1"]`},
		{`[a:b >= +1.5 AND a:c < .5 OR a:d = -007.0]`, `a:b >= ["+1.5"]; a:c < [".5"]; a:d = ["-007.0"]`},
		{`[a:b NOT = true OR a:b != false]`, `a:b NOT = ["true"]; a:b != ["false"]`},
		{`[a:b IN ('x', 2, h'0aFF', t'2026-01-06T00:00:00Z', b'AAAA')]`, `a:b IN ["x" "2" "0aFF" "2026-01-06T00:00:00Z" "AAAA"]`},
		{`[a:b NOT IN ()]`, `a:b NOT IN []`},
		{`[a:b LIKE 'x%' OR a:b NOT MATCHES '^\\d+$' OR a:b ISSUBSET '192.0.2.0/24' OR a:b ISSUPERSET '192.0.2.1']`,
			`a:b LIKE ["x%"]; a:b NOT MATCHES ["^\\d+$"]; a:b ISSUBSET ["192.0.2.0/24"]; a:b ISSUPERSET ["192.0.2.1"]`},
		{`[EXISTS a:b AND NOT EXISTS a:c]`, `a:b EXISTS []; a:c NOT EXISTS []`},
		{`[file:hashes.'SHA-256' = 'x' AND file:hashes."MD5" = 'y']`, ``},
		{`[file:hashes.'SHA-256' = 'x' AND file:'name' = 'y']`, `file:hashes.SHA-256 = ["x"]; file:name = ["y"]`},
		{`[a:b.'c.d'.e[*].f[0][-1].'it\'s' = 1]`, `a:b.'c.d'.e[*].f[0][-1].'it\'s' = ["1"]`},
		{`[x-custom-type:a_b = 'it\'s \\ here']`, `x-custom-type:a_b = ["it's \\ here"]`},
		{"[/* why */a:b='x'// end\n]\u00a0// done", `a:b = ["x"]`},
		{`([a:b=1] OR [c:d=2] AND [e:f=3]) FOLLOWEDBY [g:h=4]`, `a:b = ["1"]; c:d = ["2"]; e:f = ["3"]; g:h = ["4"]`},
		{`[a:b=1] START t'2026-01-06T00:00:00Z' STOP t'2026-01-07T00:00:00.5Z' REPEATS 5 TIMES WITHIN 0.5 SECONDS`, `a:b = ["1"]`},
		{`[a:b='']`, `a:b = [""]`},
		{`[a:b='日本']`, `a:b = ["日本"]`},
	} {
		p, err := ParsePattern(tc.pattern)
		switch {
		case tc.want == "" && err == nil:
			t.Errorf("%s taken as %s", tc.pattern, render(p.Comparisons()))
		case tc.want != "" && err != nil:
			t.Errorf("%s: %v", tc.pattern, err)
		case tc.want != "" && render(p.Comparisons()) != tc.want:
			t.Errorf("%s: got %s, want %s", tc.pattern, render(p.Comparisons()), tc.want)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	many := func(n int, what, between string) string { return strings.Repeat(what+between, n-1) + what }
	for _, tc := range []struct {
		pattern string
		reason  federation.Reason
		says    string
	}{
		{"", federation.Malformed, "begins with [ or ("},
		{"a:b = 1", federation.Malformed, "begins with [ or ("},
		{"[", federation.Malformed, "an object type"},
		{"[]", federation.Malformed, "an object type"},
		{"[a:b = 1", federation.Malformed, `"]" is missing`},
		{"[a:b = 1]]", federation.Malformed, "should end here"},
		{"[a:b = 1] [a:b = 1]", federation.Malformed, "should end here"},
		{"([a:b = 1]", federation.Malformed, `")" is missing`},
		{"[(a:b = 1]", federation.Malformed, `")" is missing`},
		{"[a = 1]", federation.Malformed, `":" is missing`},
		{"[a: = 1]", federation.Malformed, "a property name"},
		{"[a:b-c = 1]", federation.Malformed, "with a hyphen stands in quotes"},
		{"[a:b. = 1]", federation.Malformed, "a property name"},
		{"[a:b[x] = 1]", federation.Malformed, "a number or *"},
		{"[a:b[1 = 1]", federation.Malformed, `"]" is missing`},
		{"[a:b]", federation.Malformed, "operator"},
		{"[a:b = ]", federation.Malformed, "a constant"},
		{"[a:b = c]", federation.Malformed, "a constant"},
		{"[a:b > true]", federation.Malformed, "a constant"},
		{"[a:b LIKE 1]", federation.Malformed, "needs a string"},
		{"[a:b IN 'x']", federation.Malformed, `"(" is missing`},
		{"[a:b IN ('x',)]", federation.Malformed, "a constant"},
		{"[a:b IN ('x' 'y')]", federation.Malformed, `"," is missing`},
		{"[NOT a:b = 1]", federation.Malformed, "NOT stands"},
		{"[a:b = 1 AND]", federation.Malformed, "an object type"},
		{"[a:b = 1 and a:c = 2]", federation.Malformed, `"]" is missing`},
		{"[a:b = 'x]", federation.Malformed, "does not end"},
		{`[a:b = 'x\n']`, federation.Malformed, "backslash"},
		{`[a:b = 'x\`, federation.Malformed, "backslash"},
		{"[a:b = h'abc']", federation.Malformed, "hexadecimal"},
		{"[a:b = h'']", federation.Malformed, "hexadecimal"},
		{"[a:b = b'!']", federation.Malformed, "base64"},
		{"[a:b = t'2026-01-06']", federation.Malformed, "timestamp"},
		{"[a:b = t'2026-01-06T00:00:00+01:00']", federation.Malformed, "timestamp"},
		{"[a:b = 01]", federation.Malformed, "begins with 0"},
		{"[a:b = - 1]", federation.Malformed, "sign"},
		{"[a:b = 1 /* x]", federation.Malformed, "comment"},
		{"[a:b = 1; a:c = 2]", federation.Malformed, "no meaning"},
		{"[a:b = 1] WITHIN 0 SECONDS", federation.Malformed, "above 0"},
		{"[a:b = 1] WITHIN 5", federation.Malformed, `"SECONDS" is missing`},
		{"[a:b = 1] REPEATS 1.5 TIMES", federation.Malformed, "above 0"},
		{"[a:b = 1] REPEATS -1 TIMES", federation.Malformed, "above 0"},
		{"[a:b = 1] REPEATS 2 TIMES REPEATS 3 TIMES", federation.Malformed, "twice"},
		{"[a:b = 1] START '2026-01-06T00:00:00Z' STOP t'2026-01-07T00:00:00Z'", federation.Malformed, "needs a timestamp"},
		{"[a:b = 1] START t'2026-01-06T00:00:00Z'", federation.Malformed, `"STOP" is missing`},
		{"[a:b = 1] FOLLOWEDBY", federation.Malformed, "begins with [ or ("},
		{strings.Repeat("(", 100_000), federation.TooLarge, "levels of parentheses"},
		{"[" + strings.Repeat("(", 100_000), federation.TooLarge, "levels of parentheses"},
		{strings.Repeat("[a:b=1]", 30_000), federation.TooLarge, "at most"},
		{"[" + many(4097, "a:b=1", " OR ") + "]", federation.TooLarge, "comparisons"},
		{"[a:b IN (" + many(8193, "1", ",") + ")]", federation.TooLarge, "constants"},
	} {
		_, err := ParsePattern(tc.pattern)
		if federation.ReasonOf(err) != tc.reason || !strings.Contains(fmt.Sprint(err), tc.says) {
			t.Errorf("%.60q: %v, want %s and %q", tc.pattern, err, tc.reason, tc.says)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%.60q: an error of %d bytes", tc.pattern, len(err.Error()))
		}
	}
}

func TestSpecificationExamples(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared(t), "samples", "patterns", "spec_examples.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for sc := bufio.NewScanner(bytes.NewReader(data)); sc.Scan(); n++ {
		p, err := ParsePattern(sc.Text())
		if err != nil || len(p.Comparisons()) == 0 {
			t.Errorf("line %d: %v", n+1, err)
		}
	}
	if n < 23 {
		t.Errorf("only %d examples", n)
	}
}

func TestSimple(t *testing.T) {
	for _, tc := range []struct{ pattern, want, why string }{
		{`[ipv4-addr:value = '192.0.2.1']`, `ipv4-addr:value = ["192.0.2.1"]`, ""},
		{`[ipv6-addr:value ISSUBSET '2001:db8::/32']`, `ipv6-addr:value ISSUBSET ["2001:db8::/32"]`, ""},
		{`[domain-name:value IN ('a.example', 'b.example')]`, `domain-name:value IN ["a.example" "b.example"]`, ""},
		{`[url:value = 'https://a.example/'] OR [domain-name:value = 'a.example']`, `url:value = ["https://a.example/"]; domain-name:value = ["a.example"]`, ""},
		{`([url:value = 'https://a.example/'])`, `url:value = ["https://a.example/"]`, ""},
		{`[file:hashes.'SHA-256' = 'a' AND file:hashes.MD5 = 'b']`, `file:hashes.SHA-256 = ["a"]; file:hashes.MD5 = ["b"]`, ""},
		{`[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1']`, `network-traffic:dst_ref.value = ["192.0.2.1"]`, ""},
		{`[network-traffic:dst_ref.type = 'ipv4-addr' AND (network-traffic:dst_ref.value = '192.0.2.1' OR network-traffic:dst_ref.value = '192.0.2.2')]`,
			`network-traffic:dst_ref.value = ["192.0.2.1"]; network-traffic:dst_ref.value = ["192.0.2.2"]`, ""},

		{`[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]`, "", "no list holds network-traffic:dst_port"},
		{`[network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1']`, "", "type of something else"},
		{`[network-traffic:dst_ref.type = 'ipv4-addr']`, "", "names a type but no value"},
		{`[network-traffic:dst_ref.type = 'ipv4-addr' OR network-traffic:dst_ref.value = '192.0.2.1']`, "", "depends on a type"},
		{`[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:src_ref.value = '192.0.2.2']`, "", "several values together"},
		{`[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']`, "", "no list holds"},
		{`[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']`, "", "several values together"},
		{`[file:hashes.MD5 = 'a' AND file:hashes.'SHA-256' IN ('b','c')]`, "", "several values together"},
		{`[domain-name:value = 'a.example'] AND [ipv4-addr:value = '192.0.2.1']`, "", "several observations"},
		{`[domain-name:value = 'a.example'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.1']`, "", "several observations"},
		{`[domain-name:value = 'a.example'] REPEATS 5 TIMES`, "", "counts or times"},
		{`([domain-name:value = 'a.example'] OR [domain-name:value = 'b.example']) WITHIN 5 SECONDS`, "", "counts or times"},
		{`[domain-name:value = 'a.example'] START t'2026-01-06T00:00:00Z' STOP t'2026-01-07T00:00:00Z'`, "", "counts or times"},
		{`[domain-name:value != 'a.example']`, "", "must not be there"},
		{`[domain-name:value NOT = 'a.example']`, "", "must not be there"},
		{`[domain-name:value NOT IN ('a.example')]`, "", "must not be there"},
		{`[domain-name:value LIKE '%.example']`, "", "cannot express LIKE"},
		{`[domain-name:value MATCHES 'a']`, "", "cannot express MATCHES"},
		{`[ipv4-addr:value ISSUPERSET '192.0.2.1']`, "", "cannot express ISSUPERSET"},
		{`[domain-name:value ISSUBSET 'a']`, "", "cannot express ISSUBSET"},
		{`[EXISTS domain-name:value]`, "", "cannot express EXISTS"},
		{`[domain-name:value IN ()]`, "", "cannot express IN"},
		{`[domain-name:value > 'a']`, "", "cannot express >"},
		{`[email-addr:value = 'user@host.example']`, "", "no list holds email-addr:value"},
		{`[file:name = 'a.exe']`, "", "no list holds file:name"},
		{`[url:value = 'https://a.example/' OR file:name = 'a.exe']`, "", "no list holds file:name"},
	} {
		p, err := ParsePattern(tc.pattern)
		if err != nil {
			t.Errorf("%s: %v", tc.pattern, err)
			continue
		}
		got, err := p.Simple()
		if tc.why != "" {
			if federation.ReasonOf(err) != federation.Unsupported || !strings.Contains(err.Error(), tc.why) || got != nil {
				t.Errorf("%s: %v %v, want %q", tc.pattern, got, err, tc.why)
			}
		} else if err != nil || render(got) != tc.want {
			t.Errorf("%s: %s %v, want %s", tc.pattern, render(got), err, tc.want)
		}
	}
}

func BenchmarkParsePattern(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePattern(`[domain-name:value = 'kite-portal4711.example']`); err != nil {
			b.Fatal(err)
		}
	}
}
