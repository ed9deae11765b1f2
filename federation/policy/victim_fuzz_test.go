package policy

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
)

// FuzzVictims reads names from any text: whatever is taken for a peer's own lies
// in its constituency by the strictest reading, and nothing panics.
func FuzzVictims(f *testing.F) {
	seeds := []string{"attacked 192[.]0[.]2[.]7:443", "hxxps://user:pw@bank.example.pl:8443/a?b=1", "::ffff:192.0.2.7", "2001:db8::/32", "AS64500, as64501",
		"anna.beispiel@bank.example.pl.", "identity--44444444-4444-4444-8444-444444444444", "fe80::1%eth0", "a..pl", ".pl", "pl", "xn--bnk-sample.pl", "１９２.0.2.7"}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	c := Constituency{CIDR: []string{"192.0.2.0/24"}, TLD: []string{"pl"}, ASN: []uint32{64500}}
	serves := c.serves()
	ours := netip.MustParsePrefix("192.0.2.0/24")
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := json.Marshal(map[string]any{"x": []string{text}})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range namedIn(raw) {
			if v.name == "" {
				t.Fatalf("%q names nobody", text)
			}
			if !serves.covers(v) {
				continue
			}
			switch {
			case v.prefix.IsValid():
				if !ours.Contains(v.prefix.Addr()) || v.prefix.Bits() < ours.Bits() {
					t.Fatalf("%q: %s is taken for one in %s", text, v.prefix, ours)
				}
			case v.domain:
				if !strings.HasSuffix(v.name, ".pl") || strings.Contains(v.name, "..") {
					t.Fatalf("%q: %s is taken for one below pl", text, v.name)
				}
			case v.name != "AS64500":
				t.Fatalf("%q: %s is taken for AS64500", text, v.name)
			}
		}
	})
}
