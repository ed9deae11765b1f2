package envelope

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"
	"testing"

	"github.com/entente-relay/entente/federation/stix"
	"pgregory.net/rapid"
)

// TestReadBack: what Issue reads back has to be what it made, disclosure by
// disclosure, and its reading finds what a receiver's finds.
func TestReadBack(t *testing.T) {
	o := issueOptions(t)
	_, keys := testParticipants(t)
	v := issueOne(t, workload(t)...)
	var all []made
	for i := range v.m.discs {
		all = append(all, made{digest: v.m.digests[i], text: bytes.Clone(v.m.text(i))})
	}
	if _, err := o.readBack(v.Raw(), all); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(all); i += 97 {
		plain, _, err := v.m.json(i, nil)
		if err != nil {
			t.Fatal(err)
		}
		plain[2] = nextInAlphabet(plain[2]) // of the salt: still a disclosure that can be read
		raw := bytes.Replace(v.Raw(), all[i].text, []byte(b64(plain)), 1)
		if _, err := o.readBack(raw, all); err == nil {
			t.Errorf("disclosure %d has another text than the one that was hashed, and is issued", i)
		}
		other := slices.Clone(all)
		other[i].digest[31] ^= 1 // another digest than that of the text
		if _, err := o.readBack(v.Raw(), other); err == nil {
			t.Errorf("disclosure %d has another digest than the message says, and is issued", i)
		}
	}
	if _, err := o.readBack(v.Raw(), append(slices.Clip(all), all[0])); err == nil {
		t.Error("a disclosure was made that is not in the message, and it is issued")
	}
	got, err := Verify(v.Raw(), VerifyOptions{Keys: keys, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.m.digests, v.m.digests) || !slices.Equal(got.m.discs, v.m.discs) || !slices.Equal(got.m.order, v.m.order) || got.m.sdHash != v.m.sdHash {
		t.Error("a receiver reads something else in it")
	}
}

// Disclosures are sorted by the whole of their digests, and none is lost.
func TestByDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []made
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			d := sha256.Sum256([]byte{rapid.Byte().Draw(t, "digest")})
			if rapid.Bool().Draw(t, "alike") {
				d = [32]byte{31: d[31]}
			}
			all = append(all, made{digest: d, text: d[30:]})
		}
		want := slices.SortedStableFunc(slices.Values(all), func(a, b made) int { return compareDigests(a.digest, b.digest) })
		same := func(a, b made) bool { return a.digest == b.digest && bytes.Equal(a.text, b.text) }
		if got := (&room{all: all}).byDigest(); !slices.EqualFunc(got, want, same) {
			t.Fatalf("%x sorted: %x", all, got)
		}
	})
}

// TestIssueTogether: calls that run at once, or after each other in the same
// memory, issue what each would alone, and what was issued does not change.
func TestIssueTogether(t *testing.T) {
	sets := [][]*stix.Object{workload(t), sampleObjects(t), append(workload(t)[:9], sampleObjects(t)...)}
	issue := func(objs []*stix.Object) []*Verified {
		vs, err := Issue(objs, issueOptions(t))
		if err != nil {
			t.Error(err)
		}
		return vs
	}
	text := func(vs []*Verified) (out []byte) {
		for _, v := range vs {
			out = append(out, v.Raw()...)
			for _, it := range v.Items() {
				out = append(out, it.Object.Raw()...)
			}
		}
		return out
	}
	var first [][]*Verified
	var was [][]byte
	for _, objs := range sets {
		first = append(first, issue(objs))
		was = append(was, text(first[len(first)-1]))
	}
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			if n := i % len(sets); !bytes.Equal(text(issue(sets[n])), was[n]) {
				t.Errorf("set %d is issued otherwise beside others", n)
			}
		})
	}
	all.Wait()
	for i, vs := range first {
		if !bytes.Equal(text(vs), was[i]) {
			t.Errorf("set %d changed while others were issued", i)
		}
	}
}
