package envelope

import (
	"bytes"
	"slices"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json"
)

// withDecoys issues the sample objects, each with as many digests as is a
// multiple of step.
func withDecoys(t testing.TB, step int) *Verified {
	t.Helper()
	o := issueOptions(t)
	o.Decoys = step
	vs, err := Issue(sampleObjects(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 1 {
		t.Fatalf("%d messages", len(vs))
	}
	return vs[0]
}

// digestCounts are the digests of a message's objects, and of the properties of
// each object that is there.
func digestCounts(t testing.TB, v *Verified) (objects int, properties []int) {
	t.Helper()
	for _, s := range v.m.items {
		plain, _, err := v.m.json(int(v.m.order[s.from]), nil)
		if err != nil {
			t.Fatal(err)
		}
		var parts []jsonValue
		if err := json.Unmarshal(plain, &parts); err != nil {
			t.Fatal(err)
		}
		var o struct {
			SD []string `json:"_sd"`
		}
		if err := json.Unmarshal(parts[1].raw, &o); err != nil {
			t.Fatal(err)
		}
		properties = append(properties, len(o.SD))
	}
	return len(v.m.objects), properties
}

// jsonValue keeps a JSON value as it stands.
type jsonValue struct{ raw []byte }

func (v *jsonValue) UnmarshalJSON(b []byte) error { v.raw = bytes.Clone(b); return nil }

// TestOwnDecoys issues with decoys: counts are rounded up, the message stands
// for the same objects everywhere, and every digest is accounted for.
func TestOwnDecoys(t *testing.T) {
	plain := issueOne(t, sampleObjects(t)...)
	for _, step := range []int{minDecoys, 5, maxDecoys} {
		v := withDecoys(t, step)
		objects, properties := digestCounts(t, v)
		if objects%step != 0 || len(v.Items()) != len(plain.Items()) {
			t.Errorf("%d digests of %d objects", objects, len(v.Items()))
		}
		padded := 0
		for i, n := range properties {
			if whole := v.Items()[i].Object.Type() == "marking-definition"; whole != (n == 0) || n%step != 0 {
				t.Errorf("%s has %d digests", v.Items()[i].Object.Type(), n)
			}
			padded += n
		}
		if padded == 0 {
			t.Fatal("no object has digests")
		}
		// The origin reads its own log by its secret; to all others it is not
		// accounted for before the origin has dispatched it.
		_, keys := testParticipants(t)
		if _, err := Verify(v.Raw(), VerifyOptions{Keys: keys, Now: testNow, Secret: testSecret}); err != nil {
			t.Errorf("in the origin's own log: %v", err)
		}
		for _, secret := range [][]byte{nil, []byte("the secret of another, as long as it must be")} {
			_, err := Verify(v.Raw(), VerifyOptions{Keys: keys, Now: testNow, Secret: secret})
			wantReason(t, err, federation.UnaccountedRedaction)
		}
		got := pass(t, v, "de-cert", "pl-cert", nil)
		for i, it := range got.Items() {
			if !bytes.Equal(it.Object.Raw(), v.Items()[i].Object.Raw()) || !sameJSON(t, it.Object.Raw(), plain.Items()[i].Object.Raw()) {
				t.Errorf("object %d came as %s", i, it.Object.Raw())
			}
		}
		again := pass(t, got, "pl-cert", "jp-carrier", nil)
		if len(again.Missing()) != len(got.Missing()) || len(got.Missing()) == 0 {
			t.Errorf("%d digests missing at the first, %d at the second", len(got.Missing()), len(again.Missing()))
		}
		for _, m := range again.Missing() {
			if m.Hop != 0 || m.Class != ClassOrigin {
				t.Errorf("a decoy shows as %+v", m)
			}
		}
	}
}

// TestDecoysHideRemovals: a receiver cannot tell by counts or classes how much of
// a message it did not get.
func TestDecoysHideRemovals(t *testing.T) {
	v := withDecoys(t, maxDecoys)
	whole := pass(t, v, "de-cert", "pl-cert", nil)
	cuts := map[string]cut{indicatorID: {paths: []string{"description", "name"}, class: ClassPrivacy}, identityID: {whole: true}}
	reduced := pass(t, v, "de-cert", "jp-carrier", cuts)
	wholeObjects, wholeCounts := digestCounts(t, whole)
	objects, counts := digestCounts(t, reduced)
	if objects != wholeObjects || len(counts) != len(wholeCounts)-1 {
		t.Errorf("%d of %d digests of objects, %v of %v", objects, wholeObjects, counts, wholeCounts)
	}
	for _, n := range counts {
		if n%maxDecoys != 0 {
			t.Errorf("an object shows %d digests", n)
		}
	}
	for _, o := range reduced.Hops()[0].Out {
		if o.Class != ClassOrigin {
			t.Errorf("a removal tells itself from a decoy: %+v", o)
		}
	}
	// What goes with an object is not listed beside it.
	own := map[[32]byte]bool{}
	for _, h := range v.m.decoys {
		if h.item >= 0 && v.Items()[h.item].Object.ID() == identityID {
			own[h.digest] = true
		}
	}
	if len(own) == 0 {
		t.Fatal("the object that goes has no decoys")
	}
	if slices.ContainsFunc(reduced.Hops()[0].Out, func(o Out) bool { return own[o.Digest] }) {
		t.Error("decoys of an object that went are listed")
	}
}

// TestDecoysStay: the same object has the same digest again, and another with
// another number.
func TestDecoysStay(t *testing.T) {
	first, again, other := withDecoys(t, 4), withDecoys(t, 4), withDecoys(t, 5)
	for i, it := range first.Items() {
		if it.Digest != again.Items()[i].Digest {
			t.Errorf("%s has another digest the second time", it.Object.ID())
		}
		if it.Object.Type() != "marking-definition" && it.Digest == other.Items()[i].Digest {
			t.Errorf("%s has the same digest with other decoys", it.Object.ID())
		}
	}
	o := issueOptions(t)
	for _, step := range []int{-1, 1, maxDecoys + 1} {
		o.Decoys = step
		if _, err := Issue(sampleObjects(t), o); err == nil {
			t.Errorf("decoys to a multiple of %d were made", step)
		}
	}
}

// TestOthersDecoys: nobody else makes a hole that this node takes for its own
// decoy, and a dispatched message has none but those listed.
func TestOthersDecoys(t *testing.T) {
	_, keys := testParticipants(t)
	raw := forge(t).of(basics(), sd(digestString([32]byte{1})))
	_, err := Verify(raw, VerifyOptions{Keys: keys, Now: testNow, Secret: testSecret})
	wantReason(t, err, federation.UnaccountedRedaction)
	// A decoy of ours that our own hop does not list is a hole like any other.
	hidden := sd(digestString(decoy(testSecret, 0, "x")))
	v := unreadDecoy(t, forge(t).of(basics(), hidden))
	_, err = Verify(addHop(t, v, "pl-cert", nil), VerifyOptions{Self: "pl-cert", Keys: keys, Now: testNow, Secret: testSecret})
	wantReason(t, err, federation.UnaccountedRedaction)
}

// unreadDecoy is a message that holds a decoy of the test's secret.
func unreadDecoy(t testing.TB, raw []byte) *Verified {
	t.Helper()
	_, keys := testParticipants(t)
	v, err := Verify(raw, VerifyOptions{Keys: keys, Now: testNow, Secret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Decoys fit where the message is full: 64 objects, or its last bytes.
func TestDecoysFit(t *testing.T) {
	o := issueOptions(t)
	o.Decoys = maxDecoys
	vs, err := Issue(workload(t), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		if objects, _ := digestCounts(t, v); objects > MaxObjects {
			t.Errorf("%d digests of objects", objects)
		}
		got := pass(t, v, "de-cert", "pl-cert", nil)
		t.Logf("%d objects, %d decoys, %d bytes", len(v.Items()), len(v.m.decoys), len(got.Raw()))
	}
}
