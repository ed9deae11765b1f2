package link

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/go-json-experiment/json"
)

func sampleReceipt() Receipt {
	return Receipt{
		Peer: "aa", Link: "bb", FirstSeq: 7, LastSeq: 9, Root: "r00t", At: time.Unix(1767657600, 0).UTC(),
		Outcomes: []Outcome{
			{Seq: 7, Stored: 3}, {Seq: 8, Stored: 1, Held: 2, Refused: 1, Duplicate: 4, Reason: federation.Residency}, {Seq: 9, Refused: 1, Reason: federation.Malformed},
		},
	}
}

func TestReceiptRoundTrip(t *testing.T) {
	k, keys := signer(t, "bb")
	want := sampleReceipt()
	raw, err := SignReceipt(want, k)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenReceipt(raw, keys, want.At)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// The largest frame has a receipt that fits.
func TestLargestReceipt(t *testing.T) {
	k, keys := signer(t, "bb")
	r := Receipt{Peer: strings.Repeat("p", 64), Link: "bb", FirstSeq: 1 << 62, LastSeq: 1<<62 + MaxMessages - 1, Root: strings.Repeat("r", 64), At: time.Unix(1767657600, 0).UTC()}
	for i := range MaxMessages {
		r.Outcomes = append(r.Outcomes, Outcome{Seq: r.FirstSeq + uint64(i), Stored: 64, Held: 64, Refused: 64, Duplicate: 64, Reason: federation.UnaccountedRedaction})
	}
	raw, err := SignReceipt(r, k)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenReceipt(raw, keys, r.At); err != nil || len(got.Outcomes) != MaxMessages {
		t.Error(err)
	}
}

func TestLyingReceipts(t *testing.T) {
	k, keys := signer(t, "bb")
	now := sampleReceipt().At
	sign := func(typ string, claims map[string]any) []byte {
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := directory.SignJWS(typ, payload, k)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{"ver": 1, "iss": "bb", "aud": "aa", "iat": now.Unix(), "first": 1, "root": "r", "out": [][]int{{1, 0, 0, 0}}}
		for k, v := range change {
			if v == nil {
				delete(c, k)
			} else {
				c[k] = v
			}
		}
		return c
	}
	if _, err := OpenReceipt(sign(ReceiptType, claims(nil)), keys, now); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	good := sign(ReceiptType, claims(nil))
	other, _ := signer(t, "bb")
	foreign, err := SignReceipt(sampleReceipt(), other)
	if err != nil {
		t.Fatal(err)
	}
	changed := slices.Clone(good)
	if changed[len(changed)-5] == 'A' {
		changed[len(changed)-5] = 'B'
	} else {
		changed[len(changed)-5] = 'A'
	}
	for name, c := range map[string]struct {
		raw  []byte
		want federation.Reason
	}{
		"of another signer":     {sign(ReceiptType, claims(map[string]any{"iss": "cc"})), federation.BadSignature},
		"unknown key":           {foreign, federation.UnknownIssuer},
		"changed":               {changed, federation.BadSignature},
		"another type":          {sign("cti-hop+jwt", claims(nil)), federation.Malformed},
		"newer":                 {sign(ReceiptType, claims(map[string]any{"ver": 2})), federation.Unsupported},
		"unknown member":        {sign(ReceiptType, claims(map[string]any{"extra": 1})), federation.Malformed},
		"no messages":           {sign(ReceiptType, claims(map[string]any{"out": [][]int{}})), federation.Malformed},
		"from zero":             {sign(ReceiptType, claims(map[string]any{"first": 0})), federation.Malformed},
		"range that wraps":      {sign(ReceiptType, claims(map[string]any{"first": uint64(1<<64 - 1), "out": [][]int{{1, 0, 0, 0}, {1, 0, 0, 0}}})), federation.Malformed},
		"negative count":        {sign(ReceiptType, claims(map[string]any{"out": [][]int{{-1, 0, 0, 0}}})), federation.Malformed},
		"reason for no message": {sign(ReceiptType, claims(map[string]any{"why": map[string]string{"5": "malformed"}})), federation.Malformed},
		"reason below":          {sign(ReceiptType, claims(map[string]any{"why": map[string]string{"-1": "malformed"}})), federation.Malformed},
		"too many messages":     {sign(ReceiptType, claims(map[string]any{"out": make([][4]int, MaxMessages+1)})), federation.Malformed},
		"made in the future":    {sign(ReceiptType, claims(map[string]any{"iat": now.Add(time.Hour).Unix()})), federation.NotYetValid},
		"large":                 {make([]byte, MaxReceipt+1), federation.TooLarge},
		"nothing":               {nil, federation.Malformed},
	} {
		if _, err := OpenReceipt(c.raw, keys, now); federation.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for name, r := range map[string]func(*Receipt){
		"outcome missing":  func(r *Receipt) { r.Outcomes = r.Outcomes[1:] },
		"outcome of other": func(r *Receipt) { r.Outcomes[1].Seq = 1 },
	} {
		x := sampleReceipt()
		x.Outcomes = slices.Clone(x.Outcomes)
		r(&x)
		if _, err := SignReceipt(x, k); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// checkReceipts opens what the sender heard and returns the messages covered.
func (r *rig) covered(t *testing.T, keys keySource) (seqs []uint64, stored int) {
	t.Helper()
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	seen := map[uint64]bool{}
	for _, raw := range r.log.receipts {
		rc, err := OpenReceipt(raw, keys, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if rc.Peer != "aa" || rc.Link != "bb" || rc.Root != "root" {
			t.Errorf("receipt %+v", rc)
		}
		for _, o := range rc.Outcomes {
			if !seen[o.Seq] {
				seen[o.Seq] = true
				seqs = append(seqs, o.Seq)
				stored += o.Stored
			}
		}
	}
	slices.Sort(seqs)
	return seqs, stored
}

// Every stored message is receipted, soon after it was stored and whatever gets
// lost on the way.
func TestReceiptsArrive(t *testing.T) {
	for name, arrange := range map[string]func(r *rig){
		"all works": func(*rig) {},
		"requests and answers lost": func(r *rig) {
			r.wire.before = func(n int, _ []byte) error {
				if n%3 == 2 {
					return errCut
				}
				return nil
			}
			r.wire.after = func(n int, b []byte) ([]byte, error) {
				if n%5 == 3 {
					return nil, errCut
				}
				return b, nil
			}
		},
		"commits fail": func(r *rig) {
			r.sink.fail = func(n int) fate { return map[bool]fate{true: notStored}[n%2 == 0] }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, keys := signer(t, "bb")
				r := newRig(t, 2)
				r.puller.Signer = k
				r.fill(11)
				arrange(r)
				ctx, cancel := contextWithCancel(t)
				ended := make(chan error, 1)
				go func() { ended <- r.puller.Run(ctx) }()
				for len(r.sink.got()) < 11 {
					<-r.sink.changed
				}
				time.Sleep(5 * time.Second) // of the bubble's clock: less than a long poll
				cancel()
				<-ended
				if seqs, stored := r.covered(t, keys); len(seqs) != 11 || seqs[0] != 1 || seqs[10] != 11 || stored != 11 {
					t.Errorf("receipts cover %v, %d stored", seqs, stored)
				}
				if s := r.puller.Status(); s.ReceiptsLost != 0 {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}

// A sender that refuses a receipt does not stop the link for good.
func TestRefusedReceiptIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := signer(t, "bb")
		r := newRig(t, 2)
		r.puller.Signer = k
		want := r.fill(12) // receipts go with pulls that are made when three frames have come
		r.wire.before = func(_ int, req []byte) error {
			p, err := DecodePull(req)
			if err != nil {
				return err
			}
			r.log.mu.Lock()
			defer r.log.mu.Unlock()
			r.log.refuse = nil
			if len(p.Receipt) > 0 {
				r.log.refuse = federation.Refuse(federation.BadSignature, "receipt", "that is nobody's")
			}
			return nil
		}
		r.run(t, r.has(12))
		r.all(t, want)
		if s := r.puller.Status(); s.ReceiptsLost == 0 {
			t.Errorf("status %+v", s)
		}
	})
}

// A receipt that a peer cannot judge now, because a clock is wrong, neither
// holds up the link nor is lost: it is dated anew and goes when it is taken.
func TestReceiptWaitsForTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, keys := signer(t, "bb")
		r := newRig(t, 2)
		r.puller.Signer = k
		var right atomic.Bool
		r.puller.Stamp = func() time.Time {
			if right.Load() {
				return time.Now()
			}
			return time.Now().Add(72 * time.Hour)
		}
		accepted := map[uint64]bool{}
		r.wire.before = func(_ int, req []byte) error {
			p, err := DecodePull(req)
			r.log.mu.Lock()
			defer r.log.mu.Unlock()
			r.log.refuse = nil
			if err != nil || len(p.Receipt) == 0 {
				return err
			}
			var rc Receipt
			if rc, r.log.refuse = OpenReceipt(p.Receipt, keys, time.Now()); r.log.refuse == nil {
				for seq := rc.FirstSeq; seq <= rc.LastSeq; seq++ {
					accepted[seq] = true
				}
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.puller.Run(ctx) }()
		want := r.fill(6)
		time.Sleep(time.Minute) // of the bubble's clock
		r.all(t, want)
		right.Store(true)
		time.Sleep(time.Minute)
		r.log.add("m7")
		time.Sleep(time.Minute)
		cancel()
		<-ended
		r.all(t, append(want, "m7"))
		if s := r.puller.Status(); s.ReceiptsLost != 0 || len(accepted) != 7 {
			t.Errorf("%d messages are acknowledged, want 7; status %+v", len(accepted), s)
		}
	})
}

// forgetful is a sink that knows which receipts a killed process may not have
// sent.
type forgetful struct {
	*fakeSink
	owed []Receipt
	err  error
}

func (f forgetful) Unacknowledged(context.Context) ([]Receipt, error) { return f.owed, f.err }

func TestReceiptsOfAKilledProcessAreMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, keys := signer(t, "bb")
		r := newRig(t, 2)
		r.fill(3)
		r.puller.Signer = k
		good := Receipt{Peer: "aa", Link: "bb", Root: "root", FirstSeq: 41, LastSeq: 41, Outcomes: []Outcome{{Seq: 41, Stored: 1}}, At: time.Now()}
		bad := Receipt{Peer: "aa", Link: "bb", FirstSeq: 1, LastSeq: 2}
		r.puller.Sink = forgetful{r.sink, []Receipt{bad, good}, nil}
		r.run(t, r.has(3))
		if seqs, _ := r.covered(t, keys); !slices.Contains(seqs, 41) {
			t.Errorf("receipts cover %v", seqs)
		}
		if s := r.puller.Status(); s.ReceiptsLost != 1 {
			t.Errorf("the one that cannot be signed is not told: %+v", s)
		}
		r.puller = &Puller{Peer: "aa", Self: "bb", Transport: r.wire, Sink: forgetful{r.sink, nil, errDisk}, Signer: k}
		r.log.add("m4")
		r.run(t, r.has(4))
		if s := r.puller.Status(); s.ReceiptsLost != 1 {
			t.Errorf("receipts that cannot be read are not told: %+v", s)
		}
	})
}

// brokenSigner cannot sign.
type brokenSigner struct{}

func (brokenSigner) KeyID() string               { return "k" }
func (brokenSigner) Sign([]byte) ([]byte, error) { return nil, errors.New("the HSM is gone") }

func TestSignerThatFailsDoesNotStopTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.puller.Signer = brokenSigner{}
		want := r.fill(4)
		r.run(t, r.has(4))
		r.all(t, want)
		if s := r.puller.Status(); s.ReceiptsLost == 0 {
			t.Errorf("status %+v", s)
		}
	})
}
