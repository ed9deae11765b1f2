package envelope

import (
	"bytes"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// hopSeeds are texts of a record, of a root and of a place in its tree: right
// ones first, then some with a fault of their own.
func hopSeeds(t testing.TB, v *Verified) [][3]string {
	t.Helper()
	var right string
	addHop(t, v, "pl-cert", func(f *hopForger) {
		text, err := f.record.encode()
		if err != nil {
			t.Fatal(err)
		}
		right = string(text)
	})
	root := `{"ver":1,"iss":"de-cert","iat":1767700800,"n":1,"root":"ROOT"}`
	return [][3]string{
		{right, root, "0.1."},
		{strings.Replace(right, `"pol"`, `"out":[["`+digestString([32]byte{})+`","policy"]],"pol"`, 1), root, "0.1."},
		{right, strings.Replace(root, `"n":1`, `"n":2`, 1), "1.2." + digestString([32]byte{7})},
		{strings.Replace(right, `"n":0`, `"n":1`, 1), root, "0.1."},
		{right + "{}", root, "0.1."},
		{"{}", "{}", ".."},
		{strings.Repeat("[", 100), `{"ver":2}`, "0001.1."},
	}
}

// FuzzHop feeds the reader of hops what only a participant with a valid key
// could: any record under any root, both signed. What is accepted has one text,
// and says of itself what its record says.
func FuzzHop(f *testing.F) {
	v := issueOne(f, parse(f, identity))
	ps, keys := testParticipants(f)
	line := func(t testing.TB, record, root, place string) []byte {
		root = strings.Replace(root, "ROOT", digestString(leafHash([]byte(record))), 1)
		signed, err := directory.SignJWS(typRoot, []byte(root), ps["de-cert"])
		if err != nil {
			t.Fatal(err)
		}
		return []byte(string(v.Raw()) + "\n" + b64([]byte(record)) + "." + place + "." + string(signed))
	}
	accepted := 0
	for _, s := range hopSeeds(f, v) {
		f.Add(s[0], s[1], s[2])
		if _, err := Verify(line(f, s[0], s[1], s[2]), VerifyOptions{Keys: keys, Now: testNow}); err == nil {
			accepted++
		}
	}
	if accepted < 2 {
		f.Fatalf("%d of the seeds are accepted, want 2: the corpus tries nothing", accepted)
	}
	f.Fuzz(func(t *testing.T, record, root, place string) {
		raw := line(t, record, root, place)
		got, err := Verify(raw, VerifyOptions{Keys: keys, Now: testNow})
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		if again := reencode(got); !bytes.Equal(again, raw) {
			t.Errorf("accepted\n%q\nand its one text is\n%q", raw, again)
		}
		if h := got.Hops()[0]; h.Iss != "de-cert" || h.N != 0 || h.Seq < 1 {
			t.Errorf("accepted as the first hop: %+v", h)
		}
	})
}
