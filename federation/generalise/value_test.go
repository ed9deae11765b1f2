package generalise

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAddress(t *testing.T) {
	r := Default()
	r.Never = []netip.Prefix{netip.MustParsePrefix("203.0.113.128/25"), netip.MustParsePrefix("2001:db8:5:10::/60")}
	for _, c := range [][2]string{
		{"198.51.100.7", "198.51.100.0/24"},
		{"198.51.100.0/25", "198.51.100.0/24"},
		{"198.51.100.255/32", "198.51.100.0/24"},
		{"198.51.0.0/16", "198.51.0.0/16"},
		{"198.51.7.9/16", "198.51.0.0/16"},
		{"2001:db8:1:2:3::4", "2001:db8:1::/48"},
		{"2001:0DB8:0001:0002::/64", "2001:db8:1::/48"},
		{"2001:db8:8000::/33", "2001:db8:8000::/33"},
		// One organisation's: half of the network, and a piece of it.
		{"203.0.113.7", ""},
		{"203.0.0.0/8", ""},
		{"2001:db8:5::1", ""},
		// Of its own network only.
		{"10.1.2.3", ""}, {"192.168.0.1", ""}, {"127.0.0.1", ""}, {"169.254.1.1", ""}, {"224.0.0.1", ""}, {"0.1.2.3", ""},
		{"100.64.9.9", ""}, {"255.255.255.255", ""}, {"::1", ""}, {"fe80::1", ""}, {"fd00::1", ""}, {"ff02::1", ""}, {"::", ""},
		// No address.
		{"", ""}, {"198.51.100", ""}, {"fe80::1%eth0", ""}, {"2001:db8::1%sensor", ""}, {"::ffff:198.51.100.7", ""},
		{"victim.example", ""}, {"198.51.100.7 ", ""}, {"0.0.0.0/0", ""}, {"::/0", ""}, {"198.51.100.7/33", ""},
	} {
		if got := r.Address(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
}

func TestSectorsAndCountry(t *testing.T) {
	got := Sectors([]string{"water", "energy", "nuclear", "The only bank of Example Town", "energy", "government-local", "Energy"})
	if want := []string{"energy", "government", "infrastructure"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for in, want := range map[string]string{"DE": "DE", "de": "DE", "": "", "D": "", "DEU": "", "Berlin": "", "D1": "", "ſſ": ""} {
		if got := Country(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	r := Default()
	for n, told := range map[int64]bool{-9: false, 0: false, 1: false, 4: false, 5: true, 999_999_999: true} {
		if got, ok := r.Count(n); ok != told || ok && got != n {
			t.Errorf("%d: %d, %t", n, got, ok)
		}
	}
}

func TestRuleBounds(t *testing.T) {
	for _, r := range []Rule{{}, {IPv4: 25, IPv6: 48, Floor: 5}, {IPv4: 24, IPv6: 49, Floor: 5}, {IPv4: 24, IPv6: 48, Floor: 2}, {IPv4: 24, IPv6: 48, Floor: 1001}, {IPv4: 7, IPv6: 48, Floor: 5}} {
		if r.Valid() {
			t.Errorf("%+v is taken", r)
		}
	}
	if !Default().Valid() || !(Rule{IPv4: 16, IPv6: 32, Floor: 10}).Valid() {
		t.Error("a rule within its bounds is refused")
	}
}

func rules(t *rapid.T) Rule {
	r := Rule{IPv4: rapid.IntRange(minIPv4, finestIPv4).Draw(t, "ipv4"), IPv6: rapid.IntRange(minIPv6, finestIPv6).Draw(t, "ipv6"), Floor: rapid.IntRange(minFloor, 20).Draw(t, "floor")}
	if rapid.Bool().Draw(t, "never") {
		r.Never = []netip.Prefix{netip.PrefixFrom(addresses(t), rapid.IntRange(8, 32).Draw(t, "bits")).Masked()}
	}
	return r
}

func addresses(t *rapid.T) netip.Addr {
	if rapid.Bool().Draw(t, "six") {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6")
		b[0] = 0x20 // ordinary unicast, mostly
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4")))
}

// TestAddressLaws: what is told holds the address, is never narrower than the
// rule, is the same for every address in it, and itself.
func TestAddressLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, a := rules(t), addresses(t)
		got := r.Address(a.String())
		if got == "" {
			return
		}
		p := netip.MustParsePrefix(got)
		limit := r.IPv6
		if a.Is4() {
			limit = r.IPv4
		}
		if !p.Contains(a) || p.Bits() > limit || p != p.Masked() {
			t.Fatalf("%s is told as %s under %+v", a, got, r)
		}
		if again := r.Address(got); again != got {
			t.Fatalf("%s is told as %s, that as %q", a, got, again)
		}
		// Any other address of the network: nobody can tell which it was.
		raw := p.Addr().AsSlice()
		for i := range raw {
			free := byte(0xff)
			if n := p.Bits() - 8*i; n >= 8 {
				continue
			} else if n > 0 {
				free >>= n
			}
			raw[i] |= rapid.Byte().Draw(t, "host") & free
		}
		other, _ := netip.AddrFromSlice(raw)
		if o := r.Address(other.String()); o != got && o != "" {
			t.Fatalf("%s is told as %s, and %s of the same network as %s", a, got, other, o)
		}
		for _, n := range r.Never {
			if n.Overlaps(p) {
				t.Fatalf("%s touches %s", got, n)
			}
		}
	})
}

func TestDayLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).
			In(time.FixedZone("", 60*rapid.IntRange(-840, 840).Draw(t, "zone")))
		d := Day(at)
		if !Day(d).Equal(d) || d.After(at) || at.Sub(d) >= 24*time.Hour || !strings.HasSuffix(dayText(at), "T00:00:00.000Z") {
			t.Fatalf("%s is told as %s", at, d)
		}
	})
}

func TestSectorLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.OneOf(rapid.SampledFrom([]string{"energy", "water", "government-local", "insurance"}), rapid.String())).Draw(t, "sectors")
		got := Sectors(in)
		if !slices.Equal(Sectors(got), got) {
			t.Fatalf("%q is told as %q, that as %q", in, got, Sectors(got))
		}
		slices.Reverse(in)
		if back := Sectors(in); !slices.Equal(back, got) {
			t.Fatalf("the order is told: %q and %q", got, back)
		}
	})
}
