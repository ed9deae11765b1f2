package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay"
)

// signs signs an indicator with some pattern and reads the message back.
func (r region) signs(pattern string) *envelope.Verified {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "in.json")
	text := `{"type":"bundle","id":"bundle--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4aff","objects":[{"type":"indicator","spec_version":"2.1",
		"id":"indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a01","created":"2026-01-05T10:00:00Z","modified":"2026-01-05T10:00:00Z","valid_from":"2026-01-05T10:00:00Z",
		"pattern_type":"stix","pattern":"` + pattern + `","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(r.dir, relay.StatementFile))
	if err != nil {
		r.t.Fatal(err)
	}
	st, err := directory.ParseStatement(raw, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	keys, err := directory.New(st)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := envelope.Verify([]byte(strings.TrimSpace(r.must("sign", file))), envelope.VerifyOptions{Keys: keys, Now: time.Now()})
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// TestProofIsVerifiedOffline: whoever has the signer's statement checks a proof
// without any node, and a forged one is refused.
func TestProofIsVerifiedOffline(t *testing.T) {
	de, pl := newRegion(t, "de-cert"), newRegion(t, "pl-cert")
	one, two := de.signs("[domain-name:value = 'a.example']"), de.signs("[domain-name:value = 'b.example']")
	text, err := envelope.ProveEquivocation(one, one.Items()[0].Digest, two, two.Items()[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "proof.json")
	check := func(who region, text []byte, want int, says string) {
		t.Helper()
		if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"verify", file}, {"verify", "--json", file}, {"inspect", file}} {
			if code, out, errs := who.types(args...); code != want || !strings.Contains(out, says) {
				t.Errorf("%s: exit code %d, want %d\n%s%s", args[0], code, want, out, errs)
			}
		}
	}
	check(de, text, exitDone, "indicator--3b0c1d52-8a40-4f1e-9d5b-6a1c2e3f4a01")
	check(pl, text, exitRefused, "unknown-issuer")
	pl.must("statement", "add", filepath.Join(de.dir, relay.StatementFile))
	check(pl, text, exitDone, "de-cert")
	check(pl, bytes.Replace(text, []byte(`cti-equivocation`), []byte(`cti-equivocation2`), 1), exitRefused, "malformed")
	broken := bytes.Clone(text)
	at := bytes.IndexByte(broken, '~') - 20 // in the signature
	broken[at] = map[bool]byte{true: 'B', false: 'A'}[broken[at] == 'A']
	check(pl, broken, exitRefused, "bad-signature")
	// Beside messages in one file.
	both := append(append(bytes.Clone(one.Raw()), '\n'), text...)
	check(pl, both, exitDone, "de-cert")
}
