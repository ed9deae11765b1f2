package relay

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
)

// entrySeeds are one entry of each kind.
func entrySeeds(t testing.TB) [][]byte {
	t.Helper()
	at := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	var out [][]byte
	for _, e := range []*entry{
		{Kind: entryMessage, Source: "pl-cert", From: "pl-cert", At: at, Batch: "b", LinkSeq: 7, Root: "r", Message: "m", Body: []byte("a.b.c~\nhop"),
			Position: &link.Position{Cursor: []byte("cursor"), Incarnation: "i", LastSeq: 7},
			Items:    []entryItem{{Issuer: "de-cert", Digest: digest{1}, ID: "indicator--1", Version: "2026-01-06T12:00:00Z", Outcome: taken, Expires: at}}},
		{Kind: entryPending, Source: "pl-cert", From: "pl-cert", At: at, Body: []byte("x"), Items: []entryItem{{Outcome: held, Reason: federation.UnknownIssuer}}},
		{Kind: entryObject, Source: sourceSelf, At: at, Body: []byte("{}"), Items: []entryItem{{Outcome: held, Reason: federation.Unmarked}}},
		{Kind: entryMarker, Source: sourceSelf, At: at},
		{Kind: entryResend, Source: sourceSelf, At: at, Peer: "pl-cert", Refer: 3},
	} {
		data, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

// FuzzEntry: what is read from the log can be written again and reads the same.
func FuzzEntry(f *testing.F) {
	for _, data := range entrySeeds(f) {
		f.Add(data)
		if _, err := decodeEntry(data); err != nil {
			f.Fatalf("a seed does not read: %v\n%s", err, data)
		}
	}
	f.Add([]byte("{\"v\":2,\"kind\":\"message\"}\n"))
	f.Add([]byte("null\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeEntry(data)
		if err != nil {
			return
		}
		// What the node does with every entry it reads.
		e.indexed(9, &World{retention: &retention{}})
		e.intake(9)
		e.receipt()
		again, err := e.encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := decodeEntry(again)
		if err != nil {
			t.Fatalf("what was written does not read: %v\n%s", err, again)
		}
		if !bytes.Equal(back.Body, e.Body) || len(back.Items)+len(e.Items) > 0 && !reflect.DeepEqual(back.Items, e.Items) || back.Kind != e.Kind || back.Refer != e.Refer {
			t.Errorf("came back as %+v, was %+v", back, e)
		}
	})
}
