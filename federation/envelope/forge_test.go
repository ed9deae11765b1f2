package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation/directory"
)

// b64 is the one spelling of bytes.
func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// forger makes messages that Issue would not: any payload, any disclosures, with
// valid signatures.
type forger struct {
	t     testing.TB
	discs []string // texts
	by    string   // signer
}

func forge(t testing.TB) *forger { return &forger{t: t, by: "de-cert"} }

// salt is a fresh salt for the n-th disclosure.
func (f *forger) salt() string { return fmt.Sprintf("saltsaltsaltsaltsa%04d", len(f.discs)) }

// raw adds a disclosure with that text as its JSON and returns its digest.
func (f *forger) raw(text string) string {
	f.discs = append(f.discs, b64([]byte(text)))
	sum := sha256.Sum256([]byte(f.discs[len(f.discs)-1]))
	return b64(sum[:])
}

// property adds [salt, name, value].
func (f *forger) property(name, value string) string {
	return f.raw(`["` + f.salt() + `","` + name + `",` + value + `]`)
}

// element adds [salt, value].
func (f *forger) element(value string) string { return f.raw(`["` + f.salt() + `",` + value + `]`) }

// sd is the text of an _sd member.
func sd(digests ...string) string {
	slices.SortFunc(digests, func(a, b string) int { return bytes.Compare(mustDigest(a), mustDigest(b)) })
	return `"_sd":["` + strings.Join(digests, `","`) + `"]`
}

func mustDigest(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// payload is the text of a payload with these object digests.
func (f *forger) payload(objects ...string) string {
	list := make([]string, len(objects))
	for i, d := range objects {
		list[i] = `{"...":"` + d + `"}`
	}
	return fmt.Sprintf(`{"ver":1,"iss":"de-cert","jti":"01944000-0000-7000-8000-000000000001","iat":%d,"exp":%d,"_sd_alg":"sha-256","objects":[%s]}`,
		testNow.Unix(), testNow.Add(DefaultExpiry).Unix(), strings.Join(list, ","))
}

// jws signs a payload.
func (f *forger) jws(payload string) []byte {
	f.t.Helper()
	ps, _ := testParticipants(f.t)
	text, err := directory.SignJWS(typMessage, []byte(payload), ps[f.by])
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// message joins a signed payload and the disclosures, in their order.
func (f *forger) message(payload string) []byte {
	f.t.Helper()
	discs := slices.Clone(f.discs)
	slices.SortFunc(discs, func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return bytes.Compare(x[:], y[:])
	})
	return []byte(string(f.jws(payload)) + "~" + strings.Join(append(discs, ""), "~"))
}

// of makes a message of one object with the given members.
func (f *forger) of(members ...string) []byte {
	f.t.Helper()
	return f.message(f.payload(f.element("{" + strings.Join(members, ",") + "}")))
}

// Members that make up a small valid object without the named one.
func basics(without ...string) string {
	var out []string
	for _, m := range [][2]string{
		{"type", `"indicator"`}, {"spec_version", `"2.1"`}, {"id", `"` + indicatorID + `"`},
		{"created", `"2026-01-05T10:00:00.000Z"`}, {"modified", `"2026-01-05T10:00:00.000Z"`},
		{"pattern", `"[domain-name:value = 'portal.example.test']"`}, {"pattern_type", `"stix"`},
		{"valid_from", `"2026-01-05T10:00:00Z"`}, {"labels", `["phishing"]`},
		{"object_marking_refs", `["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]`},
	} {
		if !slices.Contains(without, m[0]) {
			out = append(out, `"`+m[0]+`":`+m[1])
		}
	}
	return strings.Join(out, ",")
}

// hopOf signs a hop with a record of the test's own making over a message. The
// record starts out right; edit spoils it, tree changes where its leaf stands.
type hopForger struct {
	record record
	by     string // signer of the root
	root   rootPayload
	i, n   int
	path   [][32]byte
}

// addHop appends a hop to a text. v is the text verified so far.
func addHop(t testing.TB, v *Verified, to string, edit func(*hopForger)) []byte {
	t.Helper()
	m := v.m
	from, prev := m.issuer, elementHash(m.jws.Header, m.jws.Payload, m.jws.Signature)
	if n := len(m.hops); n > 0 {
		from, prev = m.hops[n-1].Aud, m.hops[n-1].id
	}
	f := &hopForger{by: from, n: 1, record: record{Ver: 1, N: len(m.hops), Iss: from, Aud: to, Iat: testNow.Unix(), Seq: 1,
		Prev: digestString(prev), SDHash: digestString(m.sdHash), Pol: "p", Sal: b64(make([]byte, saltBytes))},
		root: rootPayload{Ver: 1, Iss: from, Iat: testNow.Unix(), N: 1}}
	if edit != nil {
		edit(f)
	}
	text, err := f.record.encode()
	if err != nil {
		t.Fatal(err)
	}
	if f.root.Root == "" {
		f.root.Root = digestString(leafHash(text))
		if f.n > 1 && len(f.path) == pathLength(f.i, f.n) {
			f.root.Root = digestString(climb(leafHash(text), f.i, f.n, f.path))
		}
	}
	payload, err := (&f.root).encode()
	if err != nil {
		t.Fatal(err)
	}
	ps, _ := testParticipants(t)
	root, err := directory.SignJWS(typRoot, payload, ps[f.by])
	if err != nil {
		t.Fatal(err)
	}
	return append(append(bytes.Clone(v.raw), '\n'), hopLine(text, f.i, f.n, f.path, root)...)
}

type dkey = directory.Key

// change edits a key in a ring.
func change(r ring, kid string, edit func(*dkey)) {
	k := r[kid]
	edit(&k)
	r[kid] = k
}

// clearRing makes a ring forget everybody.
func clearRing(r ring) { maps.DeleteFunc(r, func(string, dkey) bool { return true }) }

// panics is a key source that fails.
type panics struct{}

func (panics) Key(string) (directory.Key, bool) { panic("a fault") }

func sum(b []byte) [32]byte { return sha256.Sum256(b) }
