package envelope

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// A record is written as the library writes it, or refused as it refuses it.
func TestRecordText(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "de-cert", "VS-NfD", "ä \u2028\"\\<>&\n", "\x00\x7f", "\xff", "😀"})
	rapid.Check(t, func(t *rapid.T) {
		r := record{Ver: rapid.Int().Draw(t, "ver"), N: rapid.Int().Draw(t, "n"), Iss: text.Draw(t, "iss"), Aud: text.Draw(t, "aud"),
			Iat: rapid.Int64().Draw(t, "iat"), Seq: rapid.Uint64().Draw(t, "seq"), Prev: text.Draw(t, "prev"), SDHash: text.Draw(t, "sd_hash"),
			Pol: text.Draw(t, "pol"), Sal: text.Draw(t, "sal"), Tab: text.Draw(t, "tab")}
		for range rapid.IntRange(0, 3).Draw(t, "out") {
			r.Out = append(r.Out, [2]string{text.Draw(t, "digest"), text.Draw(t, "class")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "map") {
			r.Map = append(r.Map, [3]string{text.Draw(t, "digest"), text.Draw(t, "from"), text.Draw(t, "to")})
		}
		want, wantErr := json.Marshal(&r)
		got, err := r.encode()
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%s (%v), and the library writes %s (%v)", got, err, want, wantErr)
		}
	})
}
