package journal

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// keyring is a directory of a few participants' message keys.
type keyring map[string]directory.Key

func (r keyring) Key(kid string) (directory.Key, bool) {
	k, ok := r[kid]
	return k, ok
}

// signer makes a key and lists it as owner's.
func (r keyring) signer(t testing.TB, owner string) *directory.PrivateKey {
	t.Helper()
	k, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key := k.Key(directory.PurposeMessage, at.Add(-time.Hour), at.AddDate(1, 0, 0))
	key.Owner, key.Fresh = owner, key.NotAfter
	r[k.KeyID()] = key
	return k
}

// ledger builds journals by hand: also such as no writer would write.
type ledger struct {
	t    testing.TB
	log  []Stored
	node string
	key  *directory.PrivateKey
}

func (l *ledger) end() Head {
	if len(l.log) == 0 {
		return Head{}
	}
	s := l.log[len(l.log)-1]
	return Head{Seq: s.Seq, Hash: sha256.Sum256(s.Data)}
}

func (l *ledger) add(r *Record) {
	l.t.Helper()
	data, _, err := encode(r)
	if err != nil {
		l.t.Fatal(err)
	}
	chain(data, l.end().Hash)
	l.log = append(l.log, Stored{l.end().Seq + 1, data})
}

func (l *ledger) head(h Head, minutes int) *SignedHead {
	l.t.Helper()
	when := at.Add(time.Duration(minutes) * time.Minute)
	raw, err := SignHead(h, l.node, when, l.key)
	if err != nil {
		l.t.Fatal(err)
	}
	return &SignedHead{Head: h, Node: l.node, At: when, Raw: raw}
}

// sign appends a signed head of the end.
func (l *ledger) sign(minutes int) *SignedHead {
	h := l.head(l.end(), minutes)
	l.add(&Record{At: h.At, Head: &Attested{Signed: Compact(h.Raw)}})
	return h
}

// event appends a record that nobody else's equals.
func (l *ledger) event(what Token) {
	l.add(&Record{At: at, Reload: &Reload{What: what, Before: "a", After: "b"}})
}

// journal of five events with a signed head behind the second and the fourth:
// e1 e2 H(2) e3 e4 H(5) e5.
func (l *ledger) fill(third Token) (first, second *SignedHead) {
	l.event("e1")
	l.event("e2")
	first = l.sign(1)
	l.event(third)
	l.event("e4")
	second = l.sign(2)
	l.event("e5")
	return first, second
}

func TestVerifySigned(t *testing.T) {
	ring := keyring{}
	l := &ledger{t: t, node: "de-cert", key: ring.signer(t, "de-cert")}
	first, second := l.fill("e3")
	got, err := Proof{Keys: ring, Heads: []*SignedHead{second, first}}.Verify(each(l.log))
	if err != nil {
		t.Fatal(err)
	}
	if got.Node != "de-cert" || got.Records != 7 || got.Heads != 2 || got.Kept != 2 || got.Signed.Seq != 5 || got.Unsigned != 2 || got.Last != l.end() || got.First.Seq != 1 {
		t.Errorf("%+v", got)
	}
	// A part of it, read by one who holds the head before it.
	got, err = Proof{Keys: ring, Heads: []*SignedHead{first}}.Verify(each(l.log[2:]))
	if err != nil || got.First.Seq != 3 || got.Kept != 1 {
		t.Errorf("a part: %+v, %v", got, err)
	}
	// Cut by its node: with the record that says so, and not without.
	l.add(&Record{At: at, Cut: &Cut{Seq: first.Seq, Hash: first.Hash}})
	got, err = Proof{Keys: ring, Heads: []*SignedHead{second, first}}.Verify(each(l.log[2:]))
	if err != nil || got.First.Seq != 3 || got.Last != l.end() {
		t.Errorf("cut: %+v, %v", got, err)
	}
	for name, records := range map[string][]Stored{"further than it says": l.log[3:], "and nothing says so": l.log[2 : len(l.log)-1]} {
		if _, err := (Proof{Keys: ring}).Verify(each(records)); federation.ReasonOf(err) != federation.BadSignature {
			t.Errorf("cut %s: %v", name, err)
		}
	}
	back, err := OpenHead(append(bytes.Clone(first.Raw), '\n'), ring)
	if err != nil || back.Head != first.Head || back.Node != "de-cert" || !back.At.Equal(first.At) {
		t.Errorf("opened: %+v, %v", back, err)
	}
}

// TestRewrittenJournal: whoever operates the node can write a whole new
// journal with new signed heads; each way to do so is told by one who kept an
// earlier head, or by what is in the journal itself.
func TestRewrittenJournal(t *testing.T) {
	ring := keyring{}
	key, other := ring.signer(t, "de-cert"), ring.signer(t, "pl-cert")
	fresh := func() *ledger { return &ledger{t: t, node: "de-cert", key: key} }
	honest := fresh()
	first, second := honest.fill("e3")
	stranger, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		journal func() []Stored
		heads   []*SignedHead
		reason  federation.Reason
		says    []string
	}{
		"rewritten and signed anew, a head for the same place kept": {func() []Stored { l := fresh(); l.fill("other"); return l.log }, []*SignedHead{second},
			federation.Equivocation, []string{"journal record 5", "de-cert signed two ends"}},
		"rewritten between signed heads, kept head of another place": {func() []Stored {
			l := fresh()
			l.event("e1")
			l.event("e2")
			l.sign(1)
			l.event("other")
			l.event("e4")
			l.event("e5")
			return l.log
		}, []*SignedHead{first, second}, federation.BadSignature, []string{"journal record 5", "rewritten between record 3 and here"}},
		"rewritten without any signed head": {func() []Stored { l := fresh(); l.event("x"); l.event("y"); l.event("z"); return l.log }, []*SignedHead{first},
			federation.BadSignature, []string{"journal record 2", "rewritten between the beginning and here"}},
		"cut off at the end": {func() []Stored { return honest.log[:4] }, []*SignedHead{first, second},
			federation.Lost, []string{"journal record 5", "cut off"}},
		"nothing left": {func() []Stored { return nil }, []*SignedHead{first}, federation.Lost, []string{"journal record 1"}},
		"cut off at the beginning": {func() []Stored { return honest.log[3:] }, nil,
			federation.BadSignature, []string{"journal record 4", "no head is given that names the one before"}},
		"cut off at the beginning, head of further back": {func() []Stored { return honest.log[3:] }, []*SignedHead{first},
			federation.BadSignature, []string{"journal record 4"}},
		"a record changed": {func() []Stored {
			log := slices.Clone(honest.log)
			log[3] = Stored{4, bytes.Replace(log[3].Data, []byte(`"e3"`), []byte(`"e9"`), 1)}
			return log
		}, nil, federation.BadSignature, []string{"journal record 5", "does not follow from record 4"}},
		"a head signed with another's key": {func() []Stored { l := fresh(); l.event("e1"); l.key = other; l.sign(1); return l.log }, nil,
			federation.NotOwner, []string{"journal record 2", "signed with a key of pl-cert"}},
		"a head of another node": {func() []Stored {
			l := fresh()
			l.event("e1")
			l.sign(1)
			l.node, l.key = "pl-cert", other
			l.sign(2)
			return l.log
		}, nil, federation.NotOwner, []string{"journal record 3", "journal of de-cert"}},
		"a head with a key that nobody stated": {func() []Stored { l := fresh(); l.event("e1"); l.key = stranger; l.sign(1); return l.log }, nil,
			federation.UnknownIssuer, []string{"journal record 2"}},
		"an old head put again": {func() []Stored {
			l := fresh()
			l.event("e1")
			old := l.sign(1)
			l.event("e2")
			l.add(&Record{At: at, Head: &Attested{Signed: Compact(old.Raw)}})
			return l.log
		}, nil, federation.BadSignature, []string{"journal record 4", "put here again"}},
		"a head of an older place": {func() []Stored {
			l := fresh()
			l.event("e1")
			old := l.end()
			l.event("e2")
			l.sign(1)
			h := l.head(old, 2)
			l.add(&Record{At: at, Head: &Attested{Signed: Compact(h.Raw)}})
			return l.log
		}, nil, federation.BadSignature, []string{"journal record 4", "put here again"}},
		"a head of another journal": {func() []Stored {
			l := fresh()
			l.event("x")
			l.event("y")
			l.add(&Record{At: at, Head: &Attested{Signed: Compact(first.Raw)}})
			return l.log
		}, nil, federation.BadSignature, []string{"journal record 2", "signed another one there"}},
		"a head of what is to come": {func() []Stored {
			l := fresh()
			l.event("x")
			h := l.head(Head{Seq: 7, Hash: digestOf("x")}, 1)
			l.add(&Record{At: at, Head: &Attested{Signed: Compact(h.Raw)}})
			return l.log
		}, nil, federation.BadSignature, []string{"journal record 2", "does not come before it"}},
		"a head with a spoilt signature": {func() []Stored {
			l := fresh()
			l.event("e1")
			h := l.head(l.end(), 1)
			cut := bytes.LastIndexByte(h.Raw, '.')
			forged := append(bytes.Clone(h.Raw[:cut+1]), strings.Repeat("A", 86)...)
			l.add(&Record{At: at, Head: &Attested{Signed: Compact(forged)}})
			return l.log
		}, nil, federation.BadSignature, []string{"journal record 2", "does not verify"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Proof{Keys: ring, Heads: c.heads}.Verify(each(c.journal()))
			if federation.ReasonOf(err) != c.reason {
				t.Fatalf("reason %q, want %q: %+v, %v", federation.ReasonOf(err), c.reason, got, err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("it does not say %q: %v", s, err)
				}
			}
		})
	}
}

// TestHeadsContradict: two signed heads for one place need no journal to prove
// that there were two.
func TestHeadsContradict(t *testing.T) {
	ring := keyring{}
	l := &ledger{t: t, node: "de-cert", key: ring.signer(t, "de-cert")}
	a, b := l.head(Head{9, digestOf("a")}, 1), l.head(Head{9, digestOf("b")}, 2)
	if err := Contradict(a, b); federation.ReasonOf(err) != federation.Equivocation {
		t.Errorf("two ends: %v", err)
	}
	if _, err := (Proof{Keys: ring, Heads: []*SignedHead{a, b}}).Verify(each(nil)); federation.ReasonOf(err) != federation.Equivocation {
		t.Errorf("without a journal: %v", err)
	}
	for name, x := range map[string]*SignedHead{"itself": a, "another place": l.head(Head{10, digestOf("b")}, 1)} {
		if err := Contradict(a, x); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeadIsStrict(t *testing.T) {
	ring := keyring{}
	key := ring.signer(t, "de-cert")
	sign := func(typ, payload string) []byte {
		raw, err := directory.SignJWS(typ, []byte(payload), key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	hash := string(encodedDigest(digestOf("x")))
	good := `{"ver":1,"iss":"de-cert","seq":1,"hash":"` + hash + `","iat":1767700800}`
	if _, err := OpenHead(sign(TypHead, good), ring); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"another typ":     sign("cti-receipt+jwt", good),
		"unknown member":  sign(TypHead, strings.Replace(good, `"ver"`, `"x":1,"ver"`, 1)),
		"member twice":    sign(TypHead, strings.Replace(good, `"seq":1`, `"seq":1,"seq":2`, 1)),
		"no record":       sign(TypHead, strings.Replace(good, `"seq":1`, `"seq":0`, 1)),
		"no hash":         sign(TypHead, strings.Replace(good, hash, strings.Repeat("A", 43), 1)),
		"no time":         sign(TypHead, strings.Replace(good, "1767700800", "0", 1)),
		"no node":         sign(TypHead, strings.Replace(good, "de-cert", "", 1)),
		"another version": sign(TypHead, strings.Replace(good, `"ver":1`, `"ver":0`, 1)),
		"not JSON":        sign(TypHead, "x"),
		"no JWS":          []byte("x"),
		"two parts":       []byte("a.b"),
		"empty":           nil,
		"too long":        bytes.Repeat([]byte("a"), 5000),
	} {
		if h, err := OpenHead(raw, ring); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	if _, err := OpenHead(sign(TypHead, `{"ver":2,"dream":true}`), ring); federation.ReasonOf(err) != federation.Unsupported {
		t.Errorf("a newer head: %v", err)
	}
	early := strings.Replace(good, "1767700800", "1700000000", 1)
	if _, err := OpenHead(sign(TypHead, early), ring); federation.ReasonOf(err) != federation.NotYetValid {
		t.Errorf("signed before the key counted: %v", err)
	}
	if _, err := SignHead(Head{}, "de-cert", at, key); err == nil {
		t.Error("the end of nothing was signed")
	}
}

func encodedDigest(d Digest) []byte {
	text, _ := d.AppendText(nil) // never fails
	return text
}

func TestCopyOfAJournal(t *testing.T) {
	ring := keyring{}
	l := &ledger{t: t, node: "de-cert", key: ring.signer(t, "de-cert")}
	l.fill("e3")
	var text []byte
	for _, s := range l.log {
		text = AppendLine(text, s)
	}
	got, err := Proof{Keys: ring, Node: "de-cert"}.Verify(Lines("copy.jsonl", bytes.NewReader(text)))
	if err != nil || got.Records != 7 || got.Last != l.end() {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, c := range map[string]struct{ text, says string }{
		"a line is no record": {strings.Replace(string(text), `{"seq":3`, `{"sequence":3`, 1), "copy.jsonl:3"},
		"a number is none":    {strings.Replace(string(text), `{"seq":4`, `{"seq":-4`, 1), "copy.jsonl:4"},
		"a line is cut":       {string(text[:len(text)-2]), "journal record 7"},
		"a line is too long":  {string(text) + strings.Repeat("x", MaxRecord+1000), "copy.jsonl:8"},
	} {
		if _, err := (Proof{Keys: ring}).Verify(Lines("copy.jsonl", strings.NewReader(c.text))); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCopy: whatever a copy of a journal or a kept head says, it is read or
// refused with a reason, and what is read verifies as what was written.
func FuzzCopy(f *testing.F) {
	ring := keyring{}
	l := &ledger{t: f, node: "de-cert", key: ring.signer(f, "de-cert")}
	first, _ := l.fill("e3")
	var text []byte
	for _, s := range l.log {
		text = AppendLine(text, s)
	}
	seeds := 0
	for _, copied := range []string{string(text), "", "\n", `{"seq":1,"record":}`, `{"seq":1,"record":{"ver":2}}`, strings.Repeat(`{"seq":1,"record":{}}`+"\n", 3)} {
		for _, head := range []string{string(first.Raw), "", "a.b.c", "e30.e30.AA"} {
			f.Add([]byte(copied), []byte(head))
			seeds++
		}
	}
	if seeds < 20 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, copied, head []byte) {
		p := Proof{Keys: ring}
		if h, err := OpenHead(head, ring); err == nil {
			p.Heads = []*SignedHead{h}
		} else if federation.ReasonOf(err) == "" {
			t.Fatalf("refused without a reason: %v", err)
		}
		got, err := p.Verify(Lines("copy", bytes.NewReader(copied)))
		if err == nil && got.Heads > 0 && !bytes.HasPrefix(copied, text[:100]) {
			t.Fatalf("signed heads in what was never written: %+v", got)
		}
	})
}
