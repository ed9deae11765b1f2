package relay

import (
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
)

// TestDue takes the shortest of everything that limits an object.
func TestDue(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return at.Add(time.Duration(n) * aDay) }
	personal := uint32(1 << 3) // the fourth of federation.Categories
	if federation.Categories()[3] != federation.Personal {
		t.Fatal("the list of categories changed: so did the meaning of the log")
	}
	r, err := newRetention(configs.Retention{Days: 300, AfterExpiry: 10, Held: 5, Kinds: map[string]int{"vendor": 90, kindSelf: 200},
		Categories: map[string]int{"personal": 30}}, "entente.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r.add(&policy.Agreement{Peer: "vendor-one", Kind: "vendor"})
	r.add(&policy.Agreement{Peer: "pl-cert", Kind: "authority", RetainDays: 60})
	for name, c := range map[string]struct {
		from string
		it   entryItem
		want time.Time
	}{
		"everything":               {"jp-carrier", entryItem{Outcome: taken}, day(300)},
		"own":                      {"", entryItem{Outcome: taken}, day(200)},
		"by kind of source":        {"vendor-one", entryItem{Outcome: taken}, day(90)},
		"by the terms":             {"pl-cert", entryItem{Outcome: taken}, day(60)},
		"by category":              {"pl-cert", entryItem{Outcome: taken, Holds: personal | 1}, day(30)},
		"another category":         {"pl-cert", entryItem{Outcome: taken, Holds: 1}, day(60)},
		"the origin's is shorter":  {"pl-cert", entryItem{Outcome: taken, Keep: day(7)}, day(7)},
		"the origin's is longer":   {"pl-cert", entryItem{Outcome: taken, Keep: day(700)}, day(60)},
		"the origin's is past":     {"pl-cert", entryItem{Outcome: taken, Keep: day(-7)}, day(-7)},
		"after the end of its use": {"pl-cert", entryItem{Outcome: taken, Expires: day(20)}, day(30)},
		"what waits":               {"pl-cert", entryItem{Outcome: held}, day(5)},
	} {
		if got := r.due(c.from, at, &c.it); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := (&retention{}).due("pl-cert", at, &entryItem{Outcome: taken, Expires: day(1)}); !got.IsZero() {
		t.Errorf("nothing limits it, and it ends at %v", got)
	}
	if _, err := newRetention(configs.Retention{Kinds: map[string]int{"wizard": 1}, Categories: map[string]int{"personnel": 1}}, "entente.yaml"); err == nil {
		t.Error("a kind and a category that do not exist were taken")
	}
}

// TestOverWhenItComes refuses what comes when its time is over, or after it was
// erased, and keeps nothing of it but digest and reason.
func TestOverWhenItComes(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	v := newView(&fakeIndex{})
	for name, c := range map[string]struct {
		it   entryItem
		want federation.Reason
	}{
		"the last moment":   {entryItem{Keep: at.Add(time.Nanosecond)}, ""},
		"over":              {entryItem{Keep: at}, federation.Expired},
		"wanted erased":     {entryItem{Issuer: "de-cert", Digest: digest{1}}, federation.Withdrawn},
		"another's of that": {entryItem{Issuer: "pl-cert", Digest: digest{1}}, ""},
	} {
		a := &arrival{now: at, world: &World{retention: &retention{}, asked: &asked{why: map[objectKey]string{{"de-cert", digest{1}}: "order"}}}}
		got, err := a.over(v, &c.it)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	it := entryItem{Issuer: "de-cert", Digest: digest{1}, ID: "indicator--1", Version: "2026", Type: "indicator", Marking: "TLP:GREEN", Outcome: refused, Reason: federation.Expired}
	it.forget()
	if data, err := (&entry{Kind: entryMarker, Items: []entryItem{it}}).encode(); err != nil || strings.Contains(string(data), "indicator") || strings.Contains(string(data), "GREEN") {
		t.Errorf("of what was over stays %s, %v", data, err)
	}
}

// TestRulesHaveNames gives other rules another name, so that what is here gets
// other dates, and the same rules the same.
func TestRulesHaveNames(t *testing.T) {
	name := func(c configs.Retention, days int) string {
		r, err := newRetention(c, "")
		if err != nil {
			t.Fatal(err)
		}
		r.add(&policy.Agreement{Peer: "pl-cert", Kind: "vendor", RetainDays: days})
		if err := r.name(); err != nil {
			t.Fatal(err)
		}
		return r.rules
	}
	seen := map[string]bool{}
	for _, c := range []configs.Retention{{}, {Days: 1}, {Held: 1}, {AfterExpiry: 1}, {Kinds: map[string]int{"vendor": 1}}, {Categories: map[string]int{"personal": 1}}} {
		first := name(c, 0)
		seen[first], seen[name(c, 5)] = true, true
		if again := name(c, 0); again != first {
			t.Errorf("%+v has two names, %s and %s", c, first, again)
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d names for twelve sets of rules", len(seen))
	}
	if name(configs.Retention{Journal: 3}, 0) != name(configs.Retention{}, 0) {
		t.Error("the journal's days are no rule for what the log holds")
	}
}

// TestSpelling finds a value as a whole in whatever spelling, and nothing else.
func TestSpelling(t *testing.T) {
	for value, texts := range map[string][]string{
		"Evil.Example":       {"evil.example", "EVIL[.]EXAMPLE", "hxxps://www.evil(.)example/x?y", "user@evil[dot]example", `[domain-name:value = 'evil.example']`, `evil\.example`, "see evil.example.", "EVIL.EXAMPLE:443"},
		"evil[.]example":     {"evil.example"},
		"192.0.2.7":          {"192.0.2.7", "192.0.2[.]7:80", "[ipv4-addr:value = '192.0.2.7/32']", "http://192.0.2.7/"},
		"2001:db8::1":        {"2001:DB8:0:0:0:0:0:1", "[ipv6-addr:value = '2001:db8::1']", "https://[2001:0db8::0001]:443/"},
		"user@example.org":   {"USER[at]example.org", "mailto:user@example.org", "User(at)Example[.]org"},
		"http://a.example/b": {"hxxp://a[.]example/b", `http:\/\/a.example\/b`},
	} {
		for _, text := range texts {
			if !newSpelling(value).in(text) {
				t.Errorf("%s is not found in %q", value, text)
			}
		}
	}
	for value, texts := range map[string][]string{
		"evil.example": {"evil.example.org", "notevil.example", "evil.examples", "evil-example", ""},
		"192.0.2.7":    {"192.0.2.77", "1192.0.2.7", "10.192.0.2.7", "192.0.2.7.1"},
		"2001:db8::1":  {"2001:db8::11", "2001:db8::1:1"},
		"":             {"anything", ""},
	} {
		for _, text := range texts {
			if newSpelling(value).in(text) {
				t.Errorf("%s is found in %q", value, text)
			}
		}
	}
	found, sealed, err := newSpelling("evil.example").paths([]byte(`{"a":["x",{"url":"http:\/\/\u0065vil.example/"}],"evil.example":1,"n":{"jwe":{"protected":"x"},"for":["k"]}}`))
	if err != nil || len(found) != 2 || found[0] != "a[1].url" || found[1] != "evil.example" || !sealed {
		t.Errorf("found at %v, sealed %v, %v", found, sealed, err)
	}
}
