package envelope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// numbered returns an identity with a number, and more members.
func numbered(t testing.TB, n int, more string) *stix.Object {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"type":"identity","spec_version":"2.1","id":"%s","created":"2026-01-01T00:00:00.000Z",
		"modified":"2026-01-01T00:00:00.000Z","name":"N%d"%s}`, numberedID(n), n, more))
}

func numberedID(n int) string { return fmt.Sprintf("identity--00000000-0000-4000-8000-%012d", n) }

// group returns a report that refers to the identities with these numbers.
func group(t testing.TB, n int, refs ...int) *stix.Object {
	t.Helper()
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = `"` + numberedID(r) + `"`
	}
	return parse(t, fmt.Sprintf(`{"type":"report","spec_version":"2.1","id":"report--00000000-0000-4000-8000-%012d",
		"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","published":"2026-01-01T00:00:00Z","name":"R",
		"object_refs":[%s]}`, n, strings.Join(ids, ",")))
}

// ids lists the ids of each message.
func ids(vs []*Verified) [][]string {
	out := make([][]string, len(vs))
	for i, v := range vs {
		for _, it := range v.Items() {
			out[i] = append(out[i], it.Object.ID())
		}
	}
	return out
}

func TestSplitByCount(t *testing.T) {
	var objs []*stix.Object
	for i := range 2*MaxObjects + 1 {
		objs = append(objs, numbered(t, i, ""))
	}
	vs, err := Issue(objs, issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(ids(vs)...)
	if len(vs) != 3 || len(all) != len(objs) || !slices.IsSortedFunc(all, strings.Compare) {
		t.Errorf("%d messages with %d objects", len(vs), len(all))
	}
	for _, v := range vs {
		if _, err := verifyAs(t, v.Raw(), ""); err != nil {
			t.Error(err)
		}
	}
}

func TestSplitBySize(t *testing.T) {
	var objs []*stix.Object
	for i := range 10 {
		objs = append(objs, numbered(t, i, `,"description":"`+strings.Repeat("x", 60<<10)+`"`))
	}
	vs, err := Issue(objs, issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(slices.Concat(ids(vs)...)) != 10 || len(vs) != 4 {
		t.Errorf("%d messages, want 4 of at most 3", len(vs))
	}
	for _, v := range vs {
		if len(v.Raw()) > MaxMessage {
			t.Errorf("a message of %d bytes", len(v.Raw()))
		}
	}
}

func TestSplitByDisclosures(t *testing.T) {
	var more strings.Builder
	for i := range 300 {
		fmt.Fprintf(&more, `,"x_%03d":1`, i)
	}
	var objs []*stix.Object
	for i := range 14 {
		objs = append(objs, numbered(t, i, more.String()))
	}
	vs, err := Issue(objs, issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		if n := len(v.m.discs); n > MaxDisclosures {
			t.Errorf("a message of %d disclosures", n)
		}
	}
	if len(vs) < 3 || len(slices.Concat(ids(vs)...)) != 14 {
		t.Errorf("messages %v", ids(vs))
	}
}

// TestReferencesStayNear: objects that refer to each other are in one message
// where they fit, even when that leaves the one before it short.
func TestReferencesStayNear(t *testing.T) {
	var objs []*stix.Object
	for i := range MaxObjects - 2 {
		objs = append(objs, numbered(t, i, ""))
	}
	objs = append(objs, group(t, 1, 900, 901, 902), numbered(t, 900, ""), numbered(t, 901, ""), numbered(t, 902, ""))
	vs, err := Issue(objs, issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	got := ids(vs)
	if len(got) != 2 || len(got[0]) != MaxObjects-2 || len(got[1]) != 4 {
		t.Errorf("messages of %d objects, want 62 and the group of 4", len(got[0]))
	}
	// A group that no message can hold is split in the given order.
	objs = objs[:0]
	var refs []int
	for i := range 70 {
		refs = append(refs, i)
		objs = append(objs, numbered(t, i, ""))
	}
	vs, err = Issue(append(objs, group(t, 1, refs...)), issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(vs); len(got) != 2 || len(got[0]) != 64 || len(got[1]) != 7 || got[0][0] != numberedID(0) {
		t.Errorf("messages %v", got)
	}
}

// TestMarkingDefinitionsAreCopied: each message holds the definitions that its
// objects need, and those that theirs need.
func TestMarkingDefinitionsAreCopied(t *testing.T) {
	const outer = "marking-definition--aaaaaaaa-0000-4000-8000-000000000001"
	def := parse(t, strings.Replace(marking, `"definition_type"`, `"object_marking_refs":["`+outer+`"],"definition_type"`, 1))
	above := parse(t, strings.Replace(marking, markingID, outer, 1))
	unused := parse(t, strings.Replace(marking, markingID, "marking-definition--aaaaaaaa-0000-4000-8000-000000000002", 1))
	objs := []*stix.Object{def, above, unused}
	for i := range 100 {
		more := `,"object_marking_refs":["` + markingID + `"]`
		if i%2 == 1 {
			more = `,"granular_markings":[{"marking_ref":"` + markingID + `","selectors":["name"]}]`
		}
		objs = append(objs, numbered(t, i, more))
	}
	vs, err := Issue(objs, issueOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 2 {
		t.Fatalf("%d messages", len(vs))
	}
	for i, v := range vs {
		if item(v, markingID) == nil || item(v, outer) == nil {
			t.Errorf("message %d lacks a marking-definition", i)
		}
		if len(v.Items()) > MaxObjects {
			t.Errorf("message %d has %d objects", i, len(v.Items()))
		}
	}
	if n := len(slices.Concat(ids(vs)...)); n != 105 { // two definitions twice
		t.Errorf("%d objects in all, want 105", n)
	}
}

func TestIssueRefusesObjects(t *testing.T) {
	huge := numbered(t, 1, `,"description":"`+strings.Repeat("x", MaxMessage)+`"`)
	late := parse(t, strings.Replace(identity, `"modified":"2026-01-01T00:00:00.000Z"`, `"modified":"2026-01-06T12:07:00.000Z"`, 1))
	other := parse(t, strings.Replace(identity, "Beispiel-CERT", "Anderes CERT", 1))
	good := parse(t, identity)
	_, err := Issue([]*stix.Object{good, huge, late, other, good}, issueOptions(t))
	refused, ok := errors.AsType[*Refused](err)
	if !ok {
		t.Fatalf("got %v, want a list", err)
	}
	want := []federation.Reason{federation.TooLarge, federation.Malformed, federation.Equivocation}
	for i, r := range refused.Objects {
		if i >= len(want) || r.Index != i+1 || federation.ReasonOf(r.Err) != want[i] || r.ID == "" {
			t.Errorf("refused %d: %s: %v", r.Index, r.ID, r.Err)
		}
	}
	if len(refused.Objects) != 3 || !strings.Contains(err.Error(), "and 2 more") || !errors.Is(err, &federation.Refusal{Reason: federation.Equivocation}) {
		t.Errorf("the list says %v", err)
	}
	if (&Refused{}).Error() == "" {
		t.Error("an empty list says nothing")
	}
	vs, err := Issue([]*stix.Object{good, good}, issueOptions(t)) // the same twice goes once
	if err != nil || len(vs) != 1 || len(vs[0].Items()) != 1 {
		t.Errorf("issued %v, %v", ids(vs), err)
	}
}

func TestIssueRefusesOptions(t *testing.T) {
	objs := []*stix.Object{parse(t, identity)}
	for name, edit := range map[string]func(*IssueOptions){
		"no issuer":        func(o *IssueOptions) { o.Issuer = "" },
		"no key":           func(o *IssueOptions) { o.Key = nil },
		"a short secret":   func(o *IssueOptions) { o.Secret = o.Secret[:31] },
		"no ids":           func(o *IssueOptions) { o.NewID = nil },
		"ids of nothing":   func(o *IssueOptions) { o.NewID = func() string { return "1" } },
		"negative expiry":  func(o *IssueOptions) { o.Expiry = -time.Second },
		"an unknown end":   func(o *IssueOptions) { o.Gone = []Gone{{Reason: "lost"}} },
		"an hour at most":  func(o *IssueOptions) { o.Expiry = time.Nanosecond },
		"a broken signer":  func(o *IssueOptions) { o.Key = brokenSigner{} },
		"beyond our times": func(o *IssueOptions) { o.Now = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) },
	} {
		o := issueOptions(t)
		edit(&o)
		if _, err := Issue(objs, o); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
	if _, err := Issue([]*stix.Object{nil}, issueOptions(t)); err == nil {
		t.Error("nil was issued")
	}
	if vs, err := Issue(nil, issueOptions(t)); err != nil || len(vs) != 0 {
		t.Errorf("nothing was issued as %v, %v", vs, err)
	}
}

// brokenSigner makes no signatures.
type brokenSigner struct{}

func (brokenSigner) KeyID() string               { return "broken" }
func (brokenSigner) Sign([]byte) ([]byte, error) { return nil, errors.New("the module is locked") }

// TestManyGone: each withdrawal is a message of its own, which lasts.
func TestManyGone(t *testing.T) {
	o := issueOptions(t)
	for i := range 3 {
		o.Gone = append(o.Gone, Gone{Digest: [32]byte{byte(i), byte(i >> 8)}, Reason: GoneSpill})
	}
	vs, err := Issue([]*stix.Object{parse(t, identity)}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 4 || len(vs[3].Items()) != 1 {
		t.Fatalf("%d messages", len(vs))
	}
	for i, v := range vs[:3] {
		if len(v.Gone()) != 1 || v.Gone()[0] != o.Gone[i] || !v.Expires().Equal(v.Issued().Add(GoneExpiry)) {
			t.Errorf("message %d takes back %v until %v", i, v.Gone(), v.Expires())
		}
	}
}

// TestSaltsAreSecret: without the secret, knowing an object whole does not give
// the digest of any of its parts; and no salt occurs twice.
func TestSaltsAreSecret(t *testing.T) {
	salts := map[string]bool{}
	n := 0
	for _, v := range []*Verified{issueOne(t, workload(t)...), issueOne(t, sampleObjects(t)...)} {
		for i := range v.m.discs {
			plain, _, err := v.m.json(i, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := scanner{b: plain}
			s.next('[')
			salt, _, _ := s.text()
			if len(salt) != 22 {
				t.Fatalf("salt %q", salt)
			}
			salts[string(salt)] = true
			n++
		}
	}
	if len(salts) != n || n < 500 {
		t.Errorf("%d salts in %d disclosures", len(salts), n)
	}
	// The same value twice in one list: two digests.
	v := issueOne(t, group(t, 1, 5, 5))
	var refs [][32]byte
	for i, d := range v.m.discs {
		if d.place == inRefs {
			refs = append(refs, v.m.digests[i])
		}
	}
	if len(refs) != 2 || refs[0] == refs[1] {
		t.Errorf("elements %x", refs)
	}
}
