package journal

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// drawObjects are objects of a message, some of which may not be written as they
// are.
func drawObjects(t *rapid.T) (out []SentObject) {
	label := rapid.SampledFrom([]Label{"", "TLP:GREEN", "VS-NfD", "Ünter", "a\x00b\"c"})
	for i := range rapid.IntRange(0, 6).Draw(t, "objects") {
		o := SentObject{Digest: Digest{byte(i + 1)}, ID: ID(fmt.Sprintf("indicator--8e2e2d2b-17d4-4cbf-938f-%012d", i)), From: label.Draw(t, "from"), To: label.Draw(t, "to")}
		switch o.Verdict = rapid.SampledFrom([]federation.Verdict{federation.Share, federation.Redact, federation.Withhold, federation.Hold}).Draw(t, "verdict"); o.Verdict {
		case federation.Redact:
			o.Removed = []Removed{{Path: "name", Class: "policy", Reason: federation.PersonalData, Rule: "some-rule"}}
			fallthrough
		case federation.Share:
			o.Grounds = rapid.SliceOfN(rapid.IntRange(0, 3), 0, 3).Draw(t, "grounds")
		default:
			o.Cited = []Cited{{Reason: federation.Residency, Rule: "some-rule", Basis: "a basis"}}
		}
		if len(o.Grounds) == 0 {
			o.Grounds = nil
		}
		out = append(out, o)
	}
	return out
}

// A record with objects that were encoded for many is the record that has them
// as its own: the same bytes, read back alike, refused alike.
func TestSharedObjects(t *testing.T) {
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		list := drawObjects(t)
		shared, err := ShareObjects(list)
		if err != nil {
			t.Fatal(err)
		}
		m := SentMessage{Log: 7, Issuer: "de-cert"}
		if rapid.IntRange(0, 3).Draw(t, "left") > 0 {
			m.Link = 3
		}
		s := Sent{Peer: "pl-cert", Root: "root", First: 3, Last: 3, LogFrom: 6, LogTo: 7}
		for i := range rapid.IntRange(0, 4).Draw(t, "grounds") {
			s.Grounds = append(s.Grounds, Ground{Rule: Token(fmt.Sprintf("rule-%d", i))})
		}
		record := func(m SentMessage) *Record {
			x := s
			x.Messages = []SentMessage{m}
			return &Record{At: time.Unix(1e9, 0), Sent: &x}
		}
		plain := m
		plain.Objects = list
		want, wantRead, wantErr := encode(record(plain))
		got, gotRead, gotErr := encode(record(shared.In(m)))
		if (wantErr == nil) != (gotErr == nil) || wantErr != nil && wantErr.Error() != gotErr.Error() || !bytes.Equal(got, want) {
			t.Fatalf("%s, %v\nwant %s, %v", got, gotErr, want, wantErr)
		}
		if wantErr != nil {
			refused++
			return
		}
		a, b := gotRead.Sent.Messages[0].Objects, wantRead.Sent.Messages[0].Objects
		if !reflect.DeepEqual(a, b) && len(a)+len(b) > 0 {
			t.Fatalf("read as %+v\nwant %+v", a, b)
		}
	})
	if refused == 0 {
		t.Error("nothing was refused: the test tries too little")
	}
	if _, err := ShareObjects([]SentObject{{Verdict: "perhaps"}}); err == nil {
		t.Error("a verdict that there is not was taken")
	}
	if _, err := ShareObjects([]SentObject{{Verdict: federation.Withhold}}); err == nil {
		t.Error("what stayed without a reason was taken")
	}
	if _, err := ShareObjects([]SentObject{{Verdict: federation.Share, Grounds: []int{-1}}}); err == nil {
		t.Error("a ground below the first was taken")
	}
}
