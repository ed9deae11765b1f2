package cli

import "encoding/json"

// nameOf is what a person would call an object: its name, else its pattern or
// value, shortened; "" if it has none of them.
func nameOf(raw []byte) string {
	var o map[string]json.RawMessage
	if json.Unmarshal(raw, &o) != nil {
		return "" // the id names it
	}
	for _, key := range []string{"name", "pattern", "value"} {
		var s string
		if json.Unmarshal(o[key], &s) == nil && s != "" {
			return shorten(s, 72)
		}
	}
	return ""
}

// shorten cuts a text to n characters.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
