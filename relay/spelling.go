package relay

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/entente-relay/entente/federation/stix"
)

// spelling finds a value however it is written: in any case of letters, made
// harmless ("evil[.]example", "hxxp://"), escaped as in patterns, inside a URL,
// an e-mail address or a sentence.
type spelling struct {
	text string
	addr netip.Addr // of an address, which has many spellings itself
}

func newSpelling(value string) spelling {
	s := spelling{text: plain(strings.TrimSpace(value))}
	s.addr, _ = netip.ParseAddr(s.text) // or it is none
	return s
}

// harmless are the ways in which people keep a value from being followed, and
// escapes of patterns.
var harmless = strings.NewReplacer(`[.]`, ".", `(.)`, ".", `{.}`, ".", `[dot]`, ".", `(dot)`, ".", `\.`, ".", `[:]`, ":", `[://]`, "://", `[@]`, "@", `[at]`, "@",
	`(at)`, "@", "hxxp", "http", "meow://", "http://", `\\`, `\`, `\'`, "'", `\/`, "/")

func plain(s string) string { return harmless.Replace(strings.ToLower(s)) }

// addresses is what an IPv6 address may look like.
var addresses = regexp.MustCompile(`[0-9a-f]*:[0-9a-f:.]*`)

// in reports whether a text holds the value as a whole: not within a longer name
// or number. A name that ends in it does ("www.evil.example").
func (s spelling) in(text string) bool {
	text = plain(text)
	if s.addr.Is6() {
		return slices.ContainsFunc(addresses.FindAllString(text, -1), func(x string) bool {
			a, err := netip.ParseAddr(strings.TrimRight(x, "."))
			return err == nil && a == s.addr
		})
	}
	for at := 0; s.text != ""; {
		i := strings.Index(text[at:], s.text)
		if i < 0 {
			return false
		}
		at += i
		if s.begins(text[:at]) && ends(text[at+len(s.text):]) {
			return true
		}
		at++
	}
	return false
}

func (s spelling) begins(before string) bool {
	if before == "" {
		return true
	}
	c := before[len(before)-1]
	if c == '.' {
		return !s.addr.IsValid() || len(before) < 2 || !digit(before[len(before)-2])
	}
	return !wordly(c)
}

func ends(after string) bool {
	if after == "" || !wordly(after[0]) && after[0] != '.' {
		return true
	}
	return after[0] == '.' && (len(after) == 1 || !wordly(after[1]))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func wordly(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c == '-' || c == '_' || c >= 0x80
}

// paths lists where in a JSON text the value stands, and reports whether
// something in it is sealed, so that nobody here can look into it.
func (s spelling) paths(raw []byte) (found []string, sealed bool, err error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, false, fmt.Errorf("searching: %w", err)
	}
	s.walk("", v, &found, &sealed)
	slices.Sort(found)
	return found, sealed, nil
}

func (s spelling) walk(path string, v any, found *[]string, sealed *bool) {
	switch v := v.(type) {
	case string:
		if s.in(v) {
			*found = append(*found, path)
		}
	case float64:
		if s.in(strconv.FormatFloat(v, 'f', -1, 64)) {
			*found = append(*found, path)
		}
	case []any:
		for i, x := range v {
			s.walk(fmt.Sprintf("%s[%d]", path, i), x, found, sealed)
		}
	case map[string]any:
		if raw, err := json.Marshal(v); err == nil && v["jwe"] != nil {
			if _, ok := stix.SealedValue(raw); ok {
				*sealed = true
				return
			}
		}
		for name, x := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			if s.in(name) {
				*found = append(*found, at)
			}
			s.walk(at, x, found, sealed)
		}
	}
}
