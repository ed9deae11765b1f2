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
	"github.com/go-json-experiment/json/jsontext"
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

// cut is what a test takes out of an object: paths, or the whole object.
type cut struct {
	paths []string
	whole bool
	class string
}

// clear redacts without policy: cuts are by object id.
func clear(t testing.TB, v *Verified, peer string, cuts map[string]cut) *Cleared {
	t.Helper()
	c, err := tryClear(v, peer, cuts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryClear(v *Verified, peer string, cuts map[string]cut) (*Cleared, error) {
	c := &Cleared{variant: &variant{v: v}, peer: peer}
	ds := make([]demand, len(v.Items()))
	for i, it := range v.Items() {
		x := cuts[it.Object.ID()]
		if x.class == "" {
			x.class = ClassPolicy
		}
		ds[i] = demand{digest: it.Digest, whole: x.whole, class: x.class}
		for _, p := range x.paths {
			ds[i].parts = append(ds[i].parts, part{p, x.class})
		}
	}
	var err error
	if c.plan, err = v.m.plan(ds); err != nil {
		return nil, err
	}
	if err := c.apply(); err != nil {
		return nil, err
	}
	return c, c.room()
}

// dispatch signs one cleared message.
func dispatch(t testing.TB, c *Cleared, from, to string, seq uint64) []byte {
	t.Helper()
	ps, _ := testParticipants(t)
	s, err := SignFrame([]*Cleared{c}, Dispatch{Self: from, Key: ps[from], Peer: to, Now: testNow, FirstSeq: seq, Tables: "tables-1"})
	if err != nil {
		t.Fatal(err)
	}
	return s[0].Bytes()
}

// verifyAs verifies as a participant would on arrival; "" verifies offline.
func verifyAs(t testing.TB, raw []byte, self string) (*Verified, error) {
	t.Helper()
	_, keys := testParticipants(t)
	return Verify(raw, VerifyOptions{Self: self, Keys: keys, Now: testNow})
}

// pass dispatches v and verifies it at the other end.
func pass(t testing.TB, v *Verified, from, to string, cuts map[string]cut) *Verified {
	t.Helper()
	out, err := verifyAs(t, dispatch(t, clear(t, v, to, cuts), from, to, 1), to)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sameJSON reports whether two texts are the same JSON value. Numbers are the
// same when they are written the same.
func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	return bytes.Equal(sorted(t, a), sorted(t, b))
}

func sorted(t testing.TB, raw []byte) []byte {
	t.Helper()
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Format(jsontext.ReorderRawObjects(true)); err != nil {
		t.Fatal(err)
	}
	return v
}

// Objects of the tests.
const (
	indicatorID = "indicator--5f2c0a6e-9b1d-4c55-8f3a-0d4f6b1c2e01"
	reportID    = "report--0b7c1d52-6f0e-4b0e-9a53-1d1c1f3f7a02"
	identityID  = "identity--9d3b8a4e-2f61-4a7b-8d2c-5a6b7c8d9e03"
	markingID   = "marking-definition--3c1f2b7a-8e4d-4f5a-9b6c-7d8e9f0a1b04"

	indicator = `{
  "type": "indicator", "spec_version": "2.1", "id": "` + indicatorID + `",
  "created_by_ref": "` + identityID + `",
  "created": "2026-01-05T10:00:00.000Z", "modified": "2026-01-05T10:00:00.000Z",
  "labels": ["phishing"], "confidence": 70, "name": "Anmeldeseite \"portal\" – nachgebaut",
  "description": "gesehen bei example.test\nzweite Zeile", "indicator_types": ["malicious-activity"],
  "pattern": "[domain-name:value = 'portal.example.test']", "pattern_type": "stix", "pattern_version": "2.1",
  "valid_from": "2026-01-05T10:00:00Z",
  "external_references": [{"source_name": "advisory", "url": "https://advisory.example/1"}],
  "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
  "x_score": 1.50, "x_count": 12345678901234567890,
  "extensions": {
    "` + stix.HandlingExtension + `": {
      "extension_type": "property-extension", "origin": "DE", "personal_data": true,
      "note": {"abstract": "Kurz", "content": "Kontakt a.beispiel@victim.example", "contacts": ["a.beispiel@victim.example"]}
    },
    "extension-definition--11111111-2222-4333-8444-555555555555": {"extension_type": "property-extension", "rank": 5}
  }
}`
	report = `{"type":"report","spec_version":"2.1","id":"` + reportID + `",
  "created":"2026-01-05T11:00:00.000Z","modified":"2026-01-05T11:00:00.000Z","name":"Lage","published":"2026-01-05T11:00:00Z",
  "object_refs":["` + indicatorID + `","` + identityID + `","threat-actor--7c8d9e0f-1a2b-4c3d-9e4f-5a6b7c8d9e05"],
  "object_marking_refs":["` + markingID + `"],
  "extensions":{"extension-definition--11111111-2222-4333-8444-555555555555":{"extension_type":"property-extension","rank":1},
    "extension-definition--66666666-7777-4888-9999-aaaaaaaaaaaa":{"extension_type":"property-extension","rank":2}}}`
	identity = `{"type":"identity","spec_version":"2.1","id":"` + identityID + `",
  "created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Beispiel-CERT","identity_class":"organization"}`
	marking = `{"type":"marking-definition","spec_version":"2.1","id":"` + markingID + `",
  "created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"EXERCISE"}}`
)

// sampleObjects returns one of each.
func sampleObjects(t testing.TB) []*stix.Object {
	return []*stix.Object{parse(t, indicator), parse(t, report), parse(t, identity), parse(t, marking)}
}

// item returns the object with that id, nil if it is not there.
func item(v interface{ Items() []Item }, id string) *stix.Object {
	for _, it := range v.Items() {
		if it.Object.ID() == id {
			return it.Object
		}
	}
	return nil
}

// decode reads base64url.
func decode(text []byte) ([]byte, error) { return directory.DecodeBase64(nil, text) }
