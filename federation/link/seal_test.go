package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// party is a participant with the keys that sealing needs.
type party struct {
	id   string
	sign *directory.PrivateKey
	enc  *directory.EncKey
	pub  directory.Key // of enc
	keys keySource
}

func newParty(t testing.TB, id string) party {
	t.Helper()
	p := party{id: id}
	p.sign, p.keys = signer(t, id)
	var err error
	if p.enc, err = directory.GenerateEncKey(); err != nil {
		t.Fatal(err)
	}
	p.pub = p.enc.Key(time.Unix(0, 0), time.Unix(1<<40, 0))
	p.pub.Owner, p.pub.Fresh = id, time.Unix(1<<40, 0)
	return p
}

// seal is the party's end of a sealed link with another.
func (p party) seal(peer party) *Seal {
	keys := keySource{}
	maps.Copy(keys, p.keys)
	maps.Copy(keys, peer.keys)
	return &Seal{Self: p.id, Peer: peer.id, Key: p.enc, To: peer.pub, Signer: p.sign, Keys: keys}
}

// sealedRig is a rig whose link is sealed; everything that crosses is recorded.
type sealedRig struct {
	*rig
	aa, bb party
	mu     sync.Mutex
	pulls  [][]byte
	frames [][]byte
}

func newSealedRig(t *testing.T, perFrame int) *sealedRig {
	t.Helper()
	r := &sealedRig{rig: newRig(t, perFrame), aa: newParty(t, "aa"), bb: newParty(t, "bb")}
	r.wire.server.Seal = func(peer string) (*Seal, error) {
		if peer != "bb" {
			return nil, errors.New("no such peer")
		}
		return r.aa.seal(r.bb), nil
	}
	r.puller.Seal = func() (*Seal, error) { return r.bb.seal(r.aa), nil }
	r.puller.Signer = r.bb.sign
	r.wire.before = func(_ int, req []byte) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pulls = append(r.pulls, bytes.Clone(req))
		return nil
	}
	r.wire.after = func(_ int, resp []byte) ([]byte, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.frames = append(r.frames, bytes.Clone(resp))
		return resp, nil
	}
	return r
}

// recorded is all that somebody between has seen.
func (r *sealedRig) recorded() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.pulls, r.frames)
}

func TestSealedLinkShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSealedRig(t, 1) // receipts go with pulls that are made when three frames have come
		sent := []string{"indicator--a", "198.51.100.7", strings.Repeat("readable words ", 200), "m4", "m5"}
		r.log.add(sent...)
		r.run(t, func() bool { return len(r.sink.got()) == len(sent) })
		if len(r.log.receipts) == 0 {
			t.Fatal("no receipt arrived")
		}
		if got := r.sink.got(); !slices.Equal(got, sent) {
			t.Errorf("stored %q", got)
		}
		if _, err := OpenReceipt(r.log.receipts[0], r.bb.keys, time.Now()); err != nil {
			t.Errorf("the receipt that arrived: %v", err)
		}
		recorded := r.recorded()
		if len(recorded) < 4 {
			t.Fatalf("%d messages were recorded", len(recorded))
		}
		secret := append(sent, "inc-1", "root", "indicator", "readable", "eyJvdXQi", "cti-receipt", magic, string(r.sink.position.Cursor), r.bb.sign.KeyID())
		for _, b := range recorded {
			if header, _, ok := bytes.Cut(b, []byte(".")); ok {
				if head, err := directory.DecodeBase64(nil, header); err == nil {
					b = append(bytes.Clone(b), head...)
				}
			}
			for _, s := range append(secret, `"aa"`, `"bb"`, "\naa\n", "\nbb") {
				if len(s) > 2 && bytes.Contains(b, []byte(s)) {
					t.Errorf("%q can be read in %.300q", s, b)
				}
			}
		}
	})
}

// TestSealedLinkAttacks lets who runs the servers between try what it can. The
// link may stop, that is in its power; nothing it makes, changes or plays again
// counts.
func TestSealedLinkAttacks(t *testing.T) {
	type attack struct {
		after func(r *sealedRig, n int, resp []byte) []byte
		want  federation.Reason
	}
	codec := codec(t)
	forged := func(t *testing.T) []byte {
		b, err := codec.EncodeFrame(Frame{Incarnation: "inc-9", FirstSeq: 1, Messages: [][]byte{[]byte("forged")}, Next: []byte("cursor")})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, x := range map[string]attack{
		"an open frame": {after: func(*sealedRig, int, []byte) []byte { return forged(t) }, want: federation.Unsealed},
		"an open fault": {after: func(*sealedRig, int, []byte) []byte {
			return (&Fault{Reason: federation.Malformed, Detail: "start again", Incarnation: "inc-9", RetryAfter: time.Hour}).encode()
		}, want: federation.Unsealed},
		"nothing":  {after: func(*sealedRig, int, []byte) []byte { return nil }, want: federation.BadSeal},
		"cut off":  {after: func(_ *sealedRig, _ int, b []byte) []byte { return b[:len(b)-1] }, want: federation.BadSeal},
		"too much": {after: func(*sealedRig, int, []byte) []byte { return make([]byte, MaxWire+1) }, want: federation.TooLarge},
		"one bit": {after: func(_ *sealedRig, _ int, b []byte) []byte {
			b = bytes.Clone(b)
			b[len(b)-30] ^= 1
			return b
		}, want: federation.BadSeal},
		"the answer to an earlier pull": {after: func(r *sealedRig, n int, b []byte) []byte {
			if n == 1 {
				return b
			}
			return r.frames[0]
		}, want: federation.BadSeal},
		"its own pull": {after: func(r *sealedRig, n int, _ []byte) []byte { return r.pulls[n-1] }, want: federation.BadSeal},
		"an answer of the same two the other way": {after: func(r *sealedRig, n int, _ []byte) []byte {
			b, err := r.bb.seal(r.aa).sealAnswer(forged(t), asked{seq: 1, echo: make([]byte, echoSize)})
			if err != nil {
				t.Error(err)
			}
			return b
		}, want: federation.WrongRecipient},
		"an answer to another": {after: func(r *sealedRig, _ int, _ []byte) []byte {
			b, err := r.aa.seal(newParty(t, "cc")).sealAnswer(forged(t), asked{echo: make([]byte, echoSize)})
			if err != nil {
				t.Error(err)
			}
			return b
		}, want: federation.WrongRecipient},
		"an answer of another": {after: func(r *sealedRig, _ int, _ []byte) []byte {
			b, err := newParty(t, "cc").seal(r.bb).sealAnswer(forged(t), asked{echo: make([]byte, echoSize)})
			if err != nil {
				t.Error(err)
			}
			return b
		}, want: federation.BadSeal},
		"a frame of its own": {after: func(r *sealedRig, n int, _ []byte) []byte {
			// All that is visible of the pull is known, and the peer's name.
			seq := readSeq(t, r.pulls[n-1])
			b, err := r.aa.seal(r.bb).sealAnswer(forged(t), asked{seq: seq, echo: make([]byte, echoSize)})
			if err != nil {
				t.Error(err)
			}
			return b
		}, want: federation.BadSeal},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newSealedRig(t, 1)
				first := r.fill(2)
				record := r.wire.after
				r.wire.after = func(n int, resp []byte) ([]byte, error) {
					resp, _ = record(n, resp)
					r.mu.Lock()
					defer r.mu.Unlock()
					if n == 1 && name != "the answer to an earlier pull" {
						return resp, nil // the link has worked
					}
					return x.after(r, n, resp), nil
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- r.puller.Run(ctx) }()
				for range 6 {
					time.Sleep(time.Minute) // of the bubble: several tries
					synctest.Wait()
				}
				status := r.puller.Status()
				cancel()
				<-ended
				synctest.Wait()
				if federation.ReasonOf(status.Err) != x.want || status.Faults < 3 || status.Resets != 0 {
					t.Errorf("status %+v", status)
				}
				if got := r.sink.got(); !slices.Equal(got, first[:1]) {
					t.Errorf("stored %q", got)
				}
			})
		})
	}
}

func readSeq(t *testing.T, sealed []byte) uint64 {
	t.Helper()
	header, _, _ := bytes.Cut(sealed, []byte("."))
	head, err := directory.DecodeBase64(nil, header)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(head), `"seq":`)
	var n uint64
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A server that wants its link sealed asks its source only for the peer's own,
// fresh, sealed pulls.
func TestServerWantsSealedPulls(t *testing.T) {
	aa, bb, cc := newParty(t, "aa"), newParty(t, "bb"), newParty(t, "cc")
	now := time.Now()
	plain, err := EncodePull(Pull{})
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(now.UnixMicro())
	sealed := func(s *Seal, seq uint64) []byte {
		t.Helper()
		b, _, err := s.sealPull(plain, seq, now)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := sealed(bb.seal(aa), seq)
	// What aa's other peer gets of bb, it closes again for aa.
	toCC, _, err := bb.seal(cc).sealPull(plain, seq+5, now)
	if err != nil {
		t.Fatal(err)
	}
	_, signed, err := cc.enc.Open(toCC, SealedPullType, sealContext("pull", "bb", "cc"))
	if err != nil {
		t.Fatal(err)
	}
	passedOn, err := directory.SealJWE(SealedPullType, directory.Place{Context: sealContext("pull", "bb", "aa"), Seq: seq + 5}, signed, aa.pub)
	if err != nil {
		t.Fatal(err)
	}
	_, signed, err = aa.enc.Open(good, SealedPullType, sealContext("pull", "bb", "aa"))
	if err != nil {
		t.Fatal(err)
	}
	renumbered, err := directory.SealJWE(SealedPullType, directory.Place{Context: sealContext("pull", "bb", "aa"), Seq: seq + 6}, signed, aa.pub)
	if err != nil {
		t.Fatal(err)
	}
	asBB := cc.seal(aa)
	asBB.Self = "bb"
	stranger := newParty(t, "bb").seal(aa)
	source := 0
	s := &Server{Cursors: cursorKey(t, 1), Now: func() time.Time { return now }, Incarnation: func() string { return "secret-incarnation" },
		Source: sourceFunc(func(Pull) (Frame, error) { source++; return Frame{Incarnation: "inc", FirstSeq: 1}, nil }),
		Seal: func(peer string) (*Seal, error) {
			if peer == "dd" {
				return nil, federation.Refuse(federation.Unsealed, "link", "names of ours")
			}
			seal := aa.seal(bb)
			maps.Copy(seal.Keys.(keySource), cc.keys)
			return seal, nil
		}}
	c := codec(t)
	for _, x := range []struct {
		name, peer string
		pull       []byte
		want       federation.Reason
	}{
		{"open", "bb", plain, federation.Unsealed},
		{"nothing", "bb", nil, federation.BadSeal},
		{"no keys for it", "dd", good, federation.Unsealed},
		{"by another peer in its name", "bb", sealed(asBB, seq), federation.BadSeal},
		{"by an unknown key in its name", "bb", sealed(stranger, seq), federation.UnknownIssuer},
		{"to another", "bb", sealed(bb.seal(cc), seq), federation.WrongRecipient},
		{"signed for another peer, passed on", "bb", passedOn, federation.BadSeal},
		{"signed under another number", "bb", renumbered, federation.BadSeal},
		{"too early", "bb", sealed(bb.seal(aa), uint64(now.Add(7*time.Minute).UnixMicro())), federation.BadSeal},
		{"too late", "bb", sealed(bb.seal(aa), uint64(now.Add(-7*time.Minute).UnixMicro())), federation.BadSeal},
		{"good", "bb", good, ""},
		{"good, again", "bb", good, federation.BadSeal},
		{"older than good", "bb", sealed(bb.seal(aa), seq-1), federation.BadSeal},
	} {
		before := source
		b := s.Serve(t.Context(), x.peer, x.pull)
		if x.want == "" {
			if source != before+1 || bytes.HasPrefix(b, []byte(magic)) {
				t.Errorf("%s: not answered sealed: %q", x.name, b)
			}
			continue
		}
		if source != before {
			t.Errorf("%s: the source was asked", x.name)
		}
		if _, err := c.DecodeFrame(b); federation.ReasonOf(err) != x.want {
			t.Errorf("%s: %v", x.name, err)
		}
		for _, secret := range []string{"secret-incarnation", "names of ours", bb.sign.KeyID(), cc.sign.KeyID()} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s: the open answer tells %q", x.name, secret)
			}
		}
	}
	if source != 1 {
		t.Errorf("the source was asked %d times", source)
	}
}

// One side that wants the link sealed and one that does not have no link, in
// either direction, and both say why.
func TestSealedOnOneSideOnly(t *testing.T) {
	for name, change := range map[string]func(*sealedRig){
		"the sender only":   func(r *sealedRig) { r.puller.Seal = nil },
		"the receiver only": func(r *sealedRig) { r.wire.server.Seal = nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newSealedRig(t, 1)
			r.fill(1)
			change(r)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.puller.Run(ctx) }()
			time.Sleep(time.Minute)
			synctest.Wait()
			err := r.puller.Status().Err
			cancel()
			<-ended
			if federation.ReasonOf(err) != federation.Unsealed || len(r.sink.got()) != 0 {
				t.Errorf("%s: %v, stored %q", name, err, r.sink.got())
			}
		})
	}
}

// Without keys that hold now, a link that must be sealed is silent.
func TestSealNeedsKeys(t *testing.T) {
	aa, bb := newParty(t, "aa"), newParty(t, "bb")
	now := time.Now()
	for name, change := range map[string]func(*Seal){
		"no key of ours":     func(s *Seal) { s.Key = nil },
		"no signer":          func(s *Seal) { s.Signer = nil },
		"no key of the peer": func(s *Seal) { s.To = directory.Key{} },
		"a key that signs":   func(s *Seal) { s.To = aa.keys[aa.sign.KeyID()] },
		"an old key":         func(s *Seal) { s.To.NotAfter = now.Add(-time.Hour) },
		"a revoked key":      func(s *Seal) { s.To.RevokedAt = now.Add(-time.Hour) },
		"a lapsed statement": func(s *Seal) { s.To.Fresh = now.Add(-time.Hour) },
	} {
		s := bb.seal(aa)
		change(s)
		if b, _, err := s.sealPull([]byte("pull"), 1, now); err == nil || b != nil || federation.ReasonOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := s.openPull([]byte("x"), now); err == nil || federation.ReasonOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The largest frame that a sealed link asks for fits when it is sealed.
func TestSealedFrameFits(t *testing.T) {
	aa, bb := newParty(t, "aa"), newParty(t, "bb")
	c := codec(t)
	f := Frame{Incarnation: strings.Repeat("i", maxIncarnation), FirstSeq: 1, Root: strings.Repeat("r", maxRoot), Next: make([]byte, maxCursor)}
	for range MaxMessages {
		f.Messages = append(f.Messages, incompressible(SealedMaxBytes/MaxMessages))
	}
	b, err := c.EncodeFrame(f)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := aa.seal(bb).sealAnswer(b, asked{seq: 1 << 60, echo: make([]byte, echoSize)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes of frame, %d sealed", len(b), len(sealed))
	if _, err := aa.seal(bb).sealAnswer(make([]byte, MaxWire), asked{echo: make([]byte, echoSize)}); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("a frame that does not fit: %v", err)
	}
}

// Terms may come to want a seal while an open pull waits at the sender, or its
// answer is on the way: neither goes through.
func TestSealedMeanwhile(t *testing.T) {
	aa, bb := newParty(t, "aa"), newParty(t, "bb")
	sealed := false
	at := func(seal *Seal) func() (*Seal, error) {
		return func() (*Seal, error) {
			if sealed {
				return seal, nil
			}
			return nil, nil
		}
	}
	s := &Server{Cursors: cursorKey(t, 1), Seal: func(string) (*Seal, error) { return at(aa.seal(bb))() },
		Source: sourceFunc(func(Pull) (Frame, error) {
			sealed = true
			return Frame{Incarnation: "inc", FirstSeq: 1, Messages: [][]byte{[]byte("secret words")}, Then: Cursor{Incarnation: "inc", Pos: 1, Seq: 1}}, nil
		})}
	req, err := EncodePull(Pull{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.Serve(t.Context(), "bb", req)
	if _, err := codec(t).DecodeFrame(b); federation.ReasonOf(err) != federation.Unsealed || bytes.Contains(b, []byte("secret words")) {
		t.Errorf("the sender answers %q, %v", b, err)
	}

	sealed = false
	r := newRig(t, 1)
	r.wire.after = func(_ int, resp []byte) ([]byte, error) { sealed = true; return resp, nil }
	r.puller.Seal, r.puller.Signer = at(bb.seal(aa)), bb.sign
	r.fill(1)
	if err := r.puller.prepare(); err != nil {
		t.Fatal(err)
	}
	if a := r.puller.request(t.Context(), Pull{}, 1); federation.ReasonOf(a.err) != federation.Unsealed || len(a.frame.Messages) != 0 {
		t.Errorf("the receiver takes %+v, %v", a.frame, a.err)
	}
}
