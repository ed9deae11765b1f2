package envelope

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// testNow is the moment at which everything in the tests happens.
var testNow = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

// testSecret makes the salts in the tests.
var testSecret = []byte("a secret of the tests, and of nothing else: 32 bytes and more")

// testKeyPair returns a key that is always the same for a seed.
func testKeyPair(t testing.TB, seed byte) *directory.PrivateKey {
	t.Helper()
	k, err := directory.ParsePrivateKey(seedJWK(seed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ring is a key source by key id.
type ring map[string]directory.Key

func (r ring) Key(kid string) (directory.Key, bool) { k, ok := r[kid]; return k, ok }

// participants of the tests, by id.
type participants map[string]*directory.PrivateKey

// testParticipants returns the participants of the tests and a key source that
// knows them.
func testParticipants(t testing.TB) (participants, ring) {
	t.Helper()
	ps, keys := participants{}, ring{}
	for i, id := range []string{"de-cert", "pl-cert", "jp-carrier", "fr-cert"} {
		k := testKeyPair(t, byte(i+1))
		ps[id] = k
		pub := k.Key(directory.PurposeMessage, testNow.AddDate(0, -1, 0), testNow.AddDate(0, 6, 0))
		pub.Owner, pub.Fresh = id, testNow.AddDate(1, 0, 0)
		keys[k.KeyID()] = pub
	}
	return ps, keys
}

// testIDs returns a source of message ids that counts.
func testIDs() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("01944000-0000-7000-8000-%012x", n)
	}
}

// issueOptions returns options for de-cert.
func issueOptions(t testing.TB) IssueOptions {
	ps, _ := testParticipants(t)
	return IssueOptions{Issuer: "de-cert", Key: ps["de-cert"], Now: testNow, Secret: testSecret, NewID: testIDs()}
}

// workload returns 64 objects of the workload generator (-n 64 -seed 1).
func workload(t testing.TB) []*stix.Object {
	t.Helper()
	data, err := os.ReadFile("testdata/workload.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var objs []*stix.Object
	for line := range bytes.Lines(data) {
		objs = append(objs, parse(t, string(bytes.TrimSpace(line))))
	}
	if len(objs) != 64 {
		t.Fatalf("testdata/workload.jsonl has %d objects, want 64", len(objs))
	}
	return objs
}

// parse reads one object.
func parse(t testing.TB, text string) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// issueOne issues objects that fit into one message.
func issueOne(t testing.TB, objs ...*stix.Object) *Verified {
	t.Helper()
	vs, err := Issue(objs, issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 1 {
		t.Fatalf("issued %d messages, want 1", len(vs))
	}
	return vs[0]
}

// wantReason fails unless err is a refusal for that reason ("" for no error).
func wantReason(t testing.TB, err error, want federation.Reason) {
	t.Helper()
	if got := federation.ReasonOf(err); got != want || (want == "") != (err == nil) {
		t.Fatalf("got reason %q from error %v, want %q", got, err, want)
	}
}
