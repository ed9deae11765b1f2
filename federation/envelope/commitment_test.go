package envelope

import (
	"strings"
	"testing"
)

// TestOpening: the true opening opens, and nothing that differs in any part does.
func TestOpening(t *testing.T) {
	digest := [32]byte{1, 2, 3}
	o := OpeningOf([]byte(strings.Repeat("s", 32)), "de-cert", digest)
	c, err := o.Commitment()
	if err != nil || o.Check(c) != nil {
		t.Fatal(c, err, o.Check(c))
	}
	if strings.Contains(c, o.Digest) || strings.Contains(c, o.Salt) {
		t.Errorf("the commitment %q shows what it hides", c)
	}
	for name, change := range map[string]func(*Opening){
		"another issuer":       func(o *Opening) { o.Issuer = "pl-cert" },
		"another object":       func(o *Opening) { o.Digest = digestString([32]byte{1, 2, 4}) },
		"another salt":         func(o *Opening) { o.Salt = OpeningOf([]byte("other"), o.Issuer, digest).Salt },
		"salt for digest":      func(o *Opening) { o.Salt, o.Digest = o.Digest, o.Salt },
		"no salt":              func(o *Opening) { o.Salt = "" },
		"issuer into the hash": func(o *Opening) { o.Issuer += "\x00" },
		"a stray bit":          func(o *Opening) { o.Salt = o.Salt[:42] + string(nextInAlphabet(o.Salt[42])) },
	} {
		x := o
		if change(&x); x.Check(c) == nil {
			t.Errorf("%s opens it", name)
		}
	}
	if o.Check("") == nil || o.Check(c+"A") == nil {
		t.Error("another commitment is opened")
	}
	if again := OpeningOf([]byte(strings.Repeat("s", 32)), "de-cert", digest); again != o {
		t.Error("it cannot be opened later")
	}
}
