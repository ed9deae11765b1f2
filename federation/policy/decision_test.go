package policy

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

func TestZeroDecisionLetsNothingOut(t *testing.T) {
	var d Decision
	if d.Valid() || d.goes() || d.Verdict() != federation.Withhold || d.Removed() != nil || d.Digest() != [32]byte{} || d.Peer() != "" {
		t.Errorf("the zero decision is not a refusal: %+v", d)
	}
	_ = []any{d.Reasons(), d.Allowed(), d.From(), d.To(), d.Bundle(), d.Until()} // none may panic
}

// A decision is bound to the object, the peer and the bundle.
func TestDecisionIsBound(t *testing.T) {
	d := newDemo(t)
	s := d.subject(t, "de-cert", indicator(nil))
	got := d.bundle.Decide(s, NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), demoNow)
	if got.Digest() != sha256.Sum256(s.object.Raw()) || got.Peer() != "pl-cert" || fmt.Sprintf("%x", got.Bundle()) != d.bundle.Digest() {
		t.Error("object, peer or bundle is not that of the question")
	}
}

// Every input of a bundle is in its digest.
func TestBundleDigest(t *testing.T) {
	d := newDemo(t)
	seen := map[string]string{d.bundle.Digest(): "the sample"}
	add := func(name string, b *Bundle, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if was, twice := seen[b.Digest()]; twice {
			t.Errorf("%s has the digest of %s", name, was)
		}
		seen[b.Digest()] = name
	}
	reviewed := Options{Reviewed: d.bundle.reviewed}
	b, err := load(t, d.tables, map[string]string{"+10-agreement.cedar": "\n// a remark\n"}, nil, reviewed)
	add("another rule file", b, err)
	b, err = load(t, d.tables, nil, map[string]string{"+regions.yaml": "\n# a remark\n"}, reviewed)
	add("other facts of law", b, err)
	b, err = load(t, d.tables, nil, nil, Options{})
	add("no reviews", b, err)
	accepted, err := d.tables.Accept("pl-national")
	if err != nil {
		t.Fatal(err)
	}
	b, err = load(t, accepted, nil, nil, reviewed)
	add("other tables", b, err)
	if same, err := load(t, d.tables, nil, nil, reviewed); err != nil || same.Digest() != d.bundle.Digest() {
		t.Errorf("the same inputs give another digest (%v)", err)
	}
}

// Every field of node and agreement is in a recipient's cache key: a field
// that were not would let a decision outlive its terms.
func TestRecipientKeyCoversEveryField(t *testing.T) {
	base := func() (*Node, *Agreement) {
		a := sampleAgreement(t, "de-cert--pl-cert")
		a.Consents = []Consent{{By: "DE", Level: "de-vs/VS-NfD", To: "JP", Reference: "r", Until: date(2027, 1, 1)}}
		return &Node{ID: "de-cert", Country: "DE", Accreditation: Accreditation{Ceiling: []string{"x"}}}, a
	}
	n, a := base()
	key := NewRecipient(n, a).key
	if NewRecipient(base()).key != key {
		t.Fatal("the same terms have two keys")
	}
	for _, at := range fields(reflect.TypeFor[Node]()) {
		n, a := base()
		change(reflect.ValueOf(n).Elem().FieldByIndex(at))
		if NewRecipient(n, a).key == key {
			t.Errorf("Node.%s is not in the key", reflect.TypeFor[Node]().FieldByIndex(at).Name)
		}
	}
	for _, at := range fields(reflect.TypeFor[Agreement]()) {
		n, a := base()
		change(reflect.ValueOf(a).Elem().FieldByIndex(at))
		if NewRecipient(n, a).key == key {
			t.Errorf("Agreement.%s is not in the key", reflect.TypeFor[Agreement]().FieldByIndex(at).Name)
		}
	}
}

// fields lists the index paths of a struct's fields, those of structs in it
// included.
func fields(typ reflect.Type) [][]int {
	var out [][]int
	for i := range typ.NumField() {
		f := typ.Field(i).Type
		if f.Kind() != reflect.Struct || f == reflect.TypeFor[time.Time]() {
			out = append(out, []int{i})
			continue
		}
		for _, below := range fields(f) {
			out = append(out, append([]int{i}, below...))
		}
	}
	return out
}

// change sets a field to another value of its type.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint8, reflect.Uint:
		v.SetUint(v.Uint() + 1)
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem()))
	case reflect.Struct:
		v.Set(reflect.ValueOf(v.Interface().(time.Time).AddDate(0, 0, 1)))
	default:
		panic("a field of a kind that the test does not change: " + v.Kind().String())
	}
}

// A recipient does not share its lists with whoever made it.
func TestRecipientIsACopy(t *testing.T) {
	d := newDemo(t)
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Contracts = []string{"feed-terms-8"}
	to := NewRecipient(d.de, a)
	s := d.subject(t, "de-cert", indicator(handlingOf(object{"contract": "feed-terms-7"})))
	a.Contracts[0] = "feed-terms-7"
	if got := d.bundle.Decide(s, to, demoNow); got.goes() {
		t.Error("a change of the caller's list changed the terms")
	}
	for _, of := range []any{new(Node), new(Agreement)} {
		v := reflect.ValueOf(of).Elem()
		for _, at := range fields(v.Type()) {
			if f := v.FieldByIndex(at); f.Kind() == reflect.Slice {
				f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			}
		}
		var copied reflect.Value
		switch x := of.(type) {
		case *Node:
			copied = reflect.ValueOf(x.clone())
		case *Agreement:
			copied = reflect.ValueOf(x.clone())
		}
		for _, at := range fields(v.Type()) {
			if f := v.FieldByIndex(at); f.Kind() == reflect.Slice && f.Pointer() == copied.FieldByIndex(at).Pointer() {
				t.Errorf("%s.%s is shared with the caller", v.Type().Name(), v.Type().FieldByIndex(at).Name)
			}
		}
	}
}

// Every field of a handling that a rule can ask about is in the key of what is
// cached, and the two that none can are not (they would only cost hits).
func TestHandlingKeyCoversEveryFact(t *testing.T) {
	base := mapping.Handling{}
	free := map[string]bool{"RetainDays": true}
	typ := reflect.TypeFor[mapping.Handling]()
	for i := range typ.NumField() {
		h := base
		v := reflect.ValueOf(&h).Elem().Field(i)
		if v.Type() == reflect.TypeFor[mapping.Set]() {
			v.Set(reflect.ValueOf(mapping.SetOf("DE")))
		} else {
			change(v)
		}
		if same := canonicalKey(h) == canonicalKey(base); same != free[typ.Field(i).Name] {
			t.Errorf("%s: same key %v", typ.Field(i).Name, same)
		}
	}
}

// The table from mapping's outcomes to reasons is exhaustive and never lets a
// refusal pass for a mapping.
func TestReasonForOutcome(t *testing.T) {
	want := map[mapping.Cause][2]federation.Reason{ // of a mapping, of a reading
		mapping.UnknownScheme:  {federation.UnknownMarking, federation.UnknownMarking},
		mapping.UnknownLabel:   {federation.UnknownMarking, federation.UnknownMarking},
		mapping.UnknownMarking: {federation.UnknownMarking, federation.UnknownMarking},
		mapping.Malformed:      {federation.UnknownMarking, federation.UnknownMarking},
		mapping.Ambiguous:      {federation.UnknownMarking, federation.UnknownMarking},
		mapping.NotInForce:     {federation.NoEquivalent, federation.UnknownMarking},
		mapping.NoEquivalent:   {federation.NoEquivalent, federation.UnknownMarking},
		mapping.Unverified:     {federation.NoEquivalent, federation.UnknownMarking},
		mapping.CaseByCase:     {federation.HeldForPerson, federation.UnknownMarking},
		mapping.DifferentAxis:  {federation.UnknownMarking, federation.UnknownMarking},
		mapping.NotMarking:     {federation.UnknownMarking, federation.Unmarked},
	}
	for _, c := range mapping.Causes() {
		w, ok := want[c]
		if !ok {
			t.Errorf("cause %s is not in the table: decide what it means", c)
			continue
		}
		if got := ReasonForOutcome(mapping.Outcome{Kind: mapping.Refused, Cause: c}); got != w[0] {
			t.Errorf("mapping refused for %s: %s, want %s", c, got, w[0])
		}
		if got := ReasonForFault(c); got != w[1] {
			t.Errorf("reading refused for %s: %s, want %s", c, got, w[1])
		}
		if word := equivalentWord(mapping.Outcome{Kind: mapping.Refused, Cause: c}); word == "mapped" || word == "not-needed" {
			t.Errorf("mapping refused for %s passes as %s", c, word)
		}
	}
	if len(want) != len(mapping.Causes()) {
		t.Errorf("%d causes in the table, %d in mapping", len(want), len(mapping.Causes()))
	}
	if ReasonForOutcome(mapping.Outcome{Kind: mapping.Mapped}) != "" || ReasonForOutcome(mapping.Outcome{Kind: mapping.Hold, Cause: mapping.CaseByCase}) != federation.HeldForPerson {
		t.Error("mapped or held outcomes have the wrong reason")
	}
	for kind, word := range map[mapping.OutcomeKind]string{mapping.Mapped: "mapped", mapping.Hold: "person"} {
		if got := equivalentWord(mapping.Outcome{Kind: kind}); got != word {
			t.Errorf("%s is %q, want %q", kind, got, word)
		}
	}
	if got := ReasonForOutcome(mapping.Outcome{Cause: "a cause of tomorrow"}); got != federation.UnknownMarking {
		t.Errorf("a cause nobody knows: %q", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache[int, int](256)
	for i := range 100_000 {
		c.put(i, i)
	}
	if n := c.len(); n > 2*256 {
		t.Errorf("%d entries in a cache of 256", n)
	}
	found := 0
	for i := 100_000 - 8; i < 100_000; i++ {
		if v, ok := c.get(i); ok && v == i {
			found++
		}
	}
	if found < 6 {
		t.Errorf("only %d of the 8 newest entries are there", found)
	}
}

// Deciding from several goroutines gives what deciding alone gives. The race
// detector watches.
func TestDecideConcurrently(t *testing.T) {
	d := newDemo(t)
	a := sampleAgreement(t, "de-cert--pl-cert")
	to := NewRecipient(d.de, a)
	objects := []object{nil, marked(mapping.TLPRed), handlingOf(object{"residency": []string{"JP"}}), {"object_marking_refs": nil}}
	want := []federation.Verdict{federation.Share, federation.Withhold, federation.Withhold, federation.Hold}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 200 {
				k := (i + g) % len(objects)
				now := demoNow.Add(time.Duration(i) * time.Hour)
				if got := d.bundle.Decide(d.subject(t, "de-cert", indicator(objects[k])), to, now); got.Verdict() != want[k] {
					t.Errorf("object %d: %s", k, got.Verdict())
				}
			}
		})
	}
	wg.Wait()
}
