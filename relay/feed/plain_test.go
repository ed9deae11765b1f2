package feed

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

func options() Options { return Options{Node: "jp-carrier", Now: now} }

// entry returns an indicator with a pattern.
func entry(t testing.TB, n int, pattern, more string) Entry {
	t.Helper()
	o, err := stix.Parse(fmt.Appendf(nil, `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d",`+
		`"created":"2026-01-05T08:00:00Z","modified":"2026-01-05T08:00:00Z","pattern":%q,"pattern_type":"stix","valid_from":"2026-01-05T08:00:00Z"%s}`, n, pattern, more))
	if err != nil {
		t.Fatal(err)
	}
	return Entry{Object: o}
}

// lines returns the values of a list.
func lines(t rapid.TB, list []byte, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for l := range strings.Lines(string(list)) {
		if !strings.HasPrefix(l, "#") {
			out = append(out, strings.TrimSuffix(l, "\n"))
		}
	}
	return out
}

// sample is a set of indicators of all kinds, good and bad.
func sample(t testing.TB) []Entry {
	sha := strings.Repeat("ab", 32)
	return []Entry{
		entry(t, 1, "[domain-name:value = 'Kite.EXAMPLE.']", `,"confidence":80`),
		entry(t, 2, "[domain-name:value IN ('b.example','a.example','kite.example')]", ""),
		entry(t, 3, "[ipv4-addr:value = '203.0.113.9'] OR [ipv4-addr:value = '203.0.113.10']", ""),
		entry(t, 4, "[ipv4-addr:value = '198.51.100.33/24']", ""),
		entry(t, 5, "[ipv6-addr:value = '2001:0DB8:0::0001']", ""),
		entry(t, 6, "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'c2.example']", ""),
		entry(t, 7, "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.7']", ""),
		entry(t, 8, "[network-traffic:dst_ref.value = '192.0.2.8' AND network-traffic:dst_port = 443]", ""),
		entry(t, 9, "[url:value = 'https://kite.example/a?b=c#d']", ""),
		entry(t, 10, "[file:hashes.'SHA-256' = '"+strings.ToUpper(sha)+"' AND file:hashes.MD5 = '"+sha[:32]+"']", ""),
		entry(t, 11, "[file:name = 'a.exe']", ""),
		entry(t, 12, "[domain-name:value = 'expired.example']", `,"valid_until":"2026-01-06T12:00:00Z"`),
		entry(t, 13, "[domain-name:value = 'revoked.example']", `,"revoked":true`),
		entry(t, 14, "[domain-name:value = 'still.example']", `,"valid_until":"2026-01-06T12:00:01Z"`),
		entry(t, 15, "[domain-name:value = 'often.example'] REPEATS 5 TIMES", ""),
		entry(t, 16, "[domain-name:value = 'bücher.example']", ""),
		entry(t, 17, "[domain-name:value = 'example']", ""),
		entry(t, 18, "[ipv4-addr:value = '0.0.0.0/1'] OR [ipv4-addr:value = '203.0.113.11']", ""),
		entry(t, 19, "[email-addr:value = 'user@host.example']", ""),
		entry(t, 20, "[this is no pattern", ""),
	}
}

func TestGolden(t *testing.T) {
	left := []Left{{"indicator--x", federation.TLPAudience}, {"indicator--y", federation.Residency}, {"indicator--z", federation.TLPAudience}}
	for _, kind := range Kinds() {
		got, err := Plain(kind, sample(t), left, options())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", kind+".txt")
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", kind, got, want)
		}
	}
}

func TestPlainRefuses(t *testing.T) {
	for name, call := range map[string]func() ([]byte, error){
		"no such kind":   func() ([]byte, error) { return Plain("domains", nil, nil, options()) },
		"no kind":        func() ([]byte, error) { return Plain("", sample(t), nil, options()) },
		"no time":        func() ([]byte, error) { return Plain("domain", sample(t), nil, Options{Node: "x"}) },
		"no object":      func() ([]byte, error) { return Plain("domain", []Entry{{}}, nil, options()) },
		"below capacity": func() ([]byte, error) { return Plain("domain", nil, nil, Options{Now: now, Capacity: -1}) },
	} {
		list, err := call()
		if federation.ReasonOf(err) == "" || list != nil {
			t.Errorf("%s: %q %v", name, list, err)
		}
	}
}

// A list of nothing is a list that says so.
func TestListOfNothing(t *testing.T) {
	got, err := Plain("url", nil, nil, options())
	if err != nil || !strings.Contains(string(got), "# included: 0\n") || len(lines(t, got, err)) != 0 {
		t.Errorf("%s %v", got, err)
	}
}

func TestCapacityKeepsTheSurest(t *testing.T) {
	in := []Entry{
		entry(t, 1, "[domain-name:value = 'a.example']", ""),
		entry(t, 2, "[domain-name:value = 'd.example']", `,"confidence":90`),
		entry(t, 3, "[domain-name:value = 'c.example']", `,"confidence":50`),
		entry(t, 4, "[domain-name:value = 'b.example']", `,"confidence":50`),
		entry(t, 5, "[domain-name:value = 'a.example']", `,"confidence":95`),
	}
	for capacity, want := range map[int]string{0: "a b c d", 1: "a", 2: "a d", 3: "a b d", 4: "a b c d", 9: "a b c d"} {
		o := options()
		o.Capacity = capacity
		list, err := Plain("domain", in, nil, o)
		got := strings.ReplaceAll(strings.Join(lines(t, list, err), " "), ".example", "")
		if got != want {
			t.Errorf("capacity %d: %s, want %s", capacity, got, want)
		}
		if cut := fmt.Sprintf("# cut: %d\n", 4-len(strings.Fields(want))); !strings.Contains(string(list), cut) {
			t.Errorf("capacity %d does not say %q", capacity, cut)
		}
	}
}

// What others wrote must never become a line of its own, and no value may
// block more than a host or a network.
func TestListsCannotBeInjected(t *testing.T) {
	for _, pattern := range []string{
		"[domain-name:value = 'a.example\nevil.example']",
		"[domain-name:value = '*.example']",
		"[domain-name:value = '.']",
		"[domain-name:value = 'com.']",
		"[domain-name:value = '#a.example']",
		"[domain-name:value = 'a..example']",
		"[domain-name:value = '-a.example']",
		"[domain-name:value = '192.0.2.1']",
		"[domain-name:'a\nevil.example' = 'x']",
		"[ipv4-addr:value = '0.0.0.0/0']",
		"[ipv4-addr:value = '0.0.0.0']",
		"[ipv4-addr:value = '127.0.0.1']",
		"[ipv4-addr:value = '224.0.0.1']",
		"[ipv4-addr:value = '169.254.0.0/16']",
		"[ipv4-addr:value = '192.0.2.1 ']",
		"[ipv4-addr:value = '192.0.2.1/33']",
		"[ipv4-addr:value = '192.0.2.01']",
		"[ipv6-addr:value = '::/0']",
		"[ipv6-addr:value = '::ffff:192.0.2.0/100']",
		"[ipv6-addr:value = 'fe80::1%eth0']",
		"[url:value = 'https://host.example/\nhttps://evil.example/']",
		"[url:value = 'host.example/a']",
		"[url:value = 'javascript:alert(1)']",
		"[file:hashes.MD5 = 'zz']",
		"[file:hashes.'SHA-256' = 'aa']",
		"[file:hashes.SSDEEP = '3:a:b']",
	} {
		for _, kind := range Kinds() {
			list, err := Plain(kind, []Entry{entry(t, 1, pattern, "")}, nil, options())
			if got := lines(t, list, err); len(got) > 0 {
				t.Errorf("%q is in the %s list as %q", pattern, kind, got)
			}
		}
	}
}

// The header of a list goes to more hands than a withheld indicator may.
func TestHeaderDoesNotNameWhatIsWithheld(t *testing.T) {
	got, err := Plain("domain", nil, []Left{{"indicator--00000000-0000-5000-8000-000000000001", federation.NotReleasable}}, options())
	if err != nil || strings.Contains(string(got), "indicator--") || !strings.Contains(string(got), "# left out by policy: 1 (not-releasable 1)\n") {
		t.Errorf("%s %v", got, err)
	}
}

func TestHeaderIsBounded(t *testing.T) {
	var in []Entry
	for i := range 1000 {
		in = append(in, entry(t, i, "[domain-name:value LIKE '"+strings.Repeat("x", 1000)+"']", ""))
	}
	got, err := Plain("domain", in, nil, options())
	if err != nil || len(got) > 100_000 || !strings.Contains(string(got), "#   and 800 more\n") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A list is sorted, holds each value once, does not depend on the order of
// its entries, and holds nothing that no pattern names.
func TestListsAreSets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var in []Entry
		named := map[string]bool{}
		for i := range rapid.IntRange(0, 20).Draw(rt, "n") {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(1, 12).Draw(rt, "host"))}).String()
			named[a] = true
			in = append(in, entry(t, i, "[ipv4-addr:value = '"+a+"']", fmt.Sprintf(`,"confidence":%d`, rapid.IntRange(0, 100).Draw(rt, "c"))))
		}
		o := options()
		o.Capacity = rapid.IntRange(0, 12).Draw(rt, "capacity")
		first, err := Plain("ipv4", in, nil, o)
		got := lines(rt, first, err)
		if !slices.IsSortedFunc(got, byAddress) || len(slices.Compact(slices.Clone(got))) != len(got) {
			rt.Fatalf("not a sorted set: %q", got)
		}
		for _, l := range got {
			if !named[l] {
				rt.Fatalf("%s is in no pattern", l)
			}
		}
		if want := len(named); o.Capacity > 0 && o.Capacity < want {
			if len(got) != o.Capacity {
				rt.Fatalf("%d lines for a capacity of %d", len(got), o.Capacity)
			}
		} else if len(got) != want {
			rt.Fatalf("%d lines of %d", len(got), want)
		}
		second, err := Plain("ipv4", rapid.Permutation(in).Draw(rt, "order"), nil, o)
		if err != nil || string(first) != string(second) {
			rt.Fatalf("another order, another list: %v", err)
		}
	})
}
