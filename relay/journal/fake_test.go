package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
)

// fault is what happens to one call of the log.
type fault int

const (
	works fault = iota
	failsNotStored
	failsButStored
	failsStoredLate // stored half a second after the error, if nothing came between
	hangs           // until the context ends; not stored
	hangsButStored
)

var errFault = errors.New("the disk said no")

// memLog is a log in memory that takes its time and breaks as told.
type memLog struct {
	mu      sync.Mutex
	records []Stored
	skip    uint64        // sequences that are gone from the beginning
	delay   time.Duration // of each Append
	appends int
	faults  []fault // of the coming Appends
	reads   []error // of the coming Reads
}

func (l *memLog) Append(ctx context.Context, after uint64, records [][]byte) (uint64, error) {
	if l.delay > 0 {
		<-time.After(l.delay) // virtual, in a bubble
	}
	l.mu.Lock()
	l.appends++
	f := works
	if len(l.faults) > 0 {
		f, l.faults = l.faults[0], l.faults[1:]
	}
	l.mu.Unlock()
	kept := make([][]byte, len(records))
	for i := range records {
		kept[i] = bytes.Clone(records[i])
	}
	switch f {
	case works:
		return l.store(after, kept)
	case failsNotStored:
		return 0, errFault
	case failsButStored:
		if _, err := l.store(after, kept); err != nil {
			return 0, err
		}
		return 0, errFault
	case failsStoredLate:
		time.AfterFunc(500*time.Millisecond, func() { _, _ = l.store(after, kept) }) // too late is fine
		return 0, errFault
	case hangsButStored:
		if _, err := l.store(after, kept); err != nil {
			return 0, err
		}
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func (l *memLog) store(after uint64, records [][]byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := l.last(); last != after {
		return 0, fmt.Errorf("the last record is %d, not %d", last, after)
	}
	for _, r := range records {
		l.records = append(l.records, Stored{l.last() + 1, r})
	}
	return l.last(), nil
}

func (l *memLog) last() uint64 {
	if len(l.records) == 0 {
		return l.skip
	}
	return l.records[len(l.records)-1].Seq
}

func (l *memLog) Read(_ context.Context, from uint64, max int) ([]Stored, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reads) > 0 {
		err := l.reads[0]
		if l.reads = l.reads[1:]; err != nil {
			return nil, err
		}
	}
	var out []Stored
	if len(l.records) > 0 {
		first := l.records[0].Seq
		for i := int(from - min(from, first)); i < len(l.records) && len(out) < max; i++ {
			if l.records[i].Seq >= from {
				out = append(out, l.records[i])
			}
		}
	}
	return out, nil
}

func (l *memLog) Last(context.Context) (Stored, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) == 0 {
		return Stored{}, false, nil
	}
	return l.records[len(l.records)-1], true, nil
}

var at = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

func digestOf(s string) Digest { return sha256.Sum256([]byte(s)) }

const indicatorID = "indicator--0c9b1d3e-58a7-4f5e-9c1c-0d8f2a6b7e11"

// sampleSent is a frame of a message with n objects, some of which are
// redacted or stay.
func sampleSent(n int) *Record {
	m := SentMessage{Log: 7, Link: 3, Issuer: "de-cert"}
	for i := range n {
		o := SentObject{Digest: digestOf(fmt.Sprint(i)), ID: ID(fmt.Sprintf("indicator--%08d-58a7-4f5e-9c1c-0d8f2a6b7e11", i)), Verdict: federation.Share, From: "TLP:GREEN", To: "TLP:GREEN"}
		switch i % 4 {
		case 1:
			o.Verdict = federation.Redact
			o.Removed = []Removed{{Path: "x_contact", Class: "privacy", Reason: federation.PersonalData, Rule: "eu-transfer-personal"}}
			o.Cited = []Cited{{Reason: federation.PersonalData, Rule: "eu-transfer-personal", Basis: "Regulation (EU) 2016/679, Art. 44"}}
		case 2:
			o.Verdict = federation.Withhold
			o.Cited = []Cited{{Reason: federation.TLPAudience, Rule: "tlp-amber", Basis: "FIRST TLP 2.0, section 4"}}
		}
		m.Objects = append(m.Objects, o)
	}
	return &Record{At: at, Sent: &Sent{Peer: "pl-cert", Root: "8J-y9fXv", First: 3, Last: 3, LogFrom: 6, LogTo: 7, Policy: "sha256:3f2a", Purpose: []Token{"network-defence"},
		Messages: []SentMessage{m}}}
}

// samples has one record of each kind, and some with little in them.
func samples() []*Record {
	return []*Record{
		{At: at, Intake: &Intake{Source: "de-cert", Log: 12, Message: digestOf("message"), Issuer: "de-cert", JTI: "0194a5c0-0000-7000-8000-000000000001", Objects: []IntakeObject{
			{Digest: digestOf("a"), ID: indicatorID, Outcome: Taken, Marking: "TLP:GREEN"},
			{Digest: digestOf("b"), ID: indicatorID, Outcome: Held, Reason: federation.UnknownMarking},
			{Digest: digestOf("c"), Outcome: Refused, Reason: federation.Residency, Rule: "pl-store", Basis: "ustawa o KSC, art. 37"},
			{Digest: digestOf("d"), ID: indicatorID, Outcome: Duplicate, Reason: federation.Duplicate},
			{Digest: digestOf("e"), ID: indicatorID, Outcome: Refused, Reason: federation.Equivocation, Against: digestOf("d")},
		}}},
		{At: at, Intake: &Intake{Source: "self", Reason: federation.Malformed, Message: digestOf("noise")}},
		sampleSent(4),
		{At: at, Receipt: &Receipt{Peer: "pl-cert", Root: "8J-y9fXv", First: 3, Last: 4, Signed: digestOf("receipt"), At: at.Add(time.Second),
			Outcomes: []ReceiptOutcome{{Seq: 3, Stored: 2, Duplicate: 1, Refused: 1, Reason: federation.Residency}, {Seq: 4}}}},
		{At: at, Settle: &Settle{Peer: "jp-carrier", Log: 7, Issuer: "de-cert", Digest: digestOf("b"), ID: indicatorID, Release: true, By: []Token{"duty-officer", "second-officer"},
			Decision: "01944000-0000-7000-8000-000000000001", Rule: "caveat-for-people", Until: at.Add(24 * time.Hour)}},
		{At: at, Settle: &Settle{Peer: "jp-carrier", Log: 8, Issuer: "de-cert", Digest: digestOf("b"), ID: indicatorID, Reason: federation.Expired}},
		{At: at, Link: &LinkEvent{Peer: "pl-cert", Event: "gap", Reason: federation.Expired, Since: at.Add(-time.Hour), Until: at}},
		{At: at, Peer: &PeerChange{Peer: "pl-cert", Change: "added", Agreement: digestOf("agreement"), Fingerprint: "4821 0934 5520 7718"}},
		{At: at, Cut: &Cut{Seq: 5, Hash: digestOf("the fifth"), Log: 9}},
		{At: at, Reload: &Reload{What: "policy", Before: "sha256:3f2a", After: "sha256:77c0", By: []Token{"anna", "ben"}}},
		{At: at, Observed: &Sent{Peer: "fr-cert", First: 1, Last: 1, LogFrom: 7, LogTo: 8, Messages: []SentMessage{{Log: 8, Link: 1, Issuer: "de-cert",
			Objects: []SentObject{{Digest: digestOf("a"), ID: indicatorID, Verdict: federation.Share, From: "TLP:GREEN", To: "TLP:GREEN"}}}}}},
		{At: at, Intake: &Intake{Source: "de-cert", Log: 13, Issuer: "de-cert", Gone: []Gone{{digestOf("a"), "spill"}, {digestOf("b"), "withdrawn"}}}},
		{At: at, Intake: &Intake{Source: "_erased", Log: 14, Because: "court order 7 of 2026", Erased: []Erased{{Log: 3, Issuer: "de-cert", Digest: digestOf("a"), Reason: federation.Expired},
			{Log: 4, Reason: federation.Withdrawn}}}},
		{At: at, Sent: &Sent{Peer: "pl-cert", Root: "8J-y9fXv", First: 4, Last: 4, LogFrom: 7, LogTo: 8,
			Messages: []SentMessage{{Log: 8, Link: 4, Issuer: "de-cert", Objects: []SentObject{}, Gone: []Gone{{digestOf("a"), "superseded"}}}}}},
		{At: at, Sent: &Sent{Peer: "us-isac", Root: "8J-y9fXv", First: 5, Last: 5, LogFrom: 8, LogTo: 9, Purpose: []Token{"network-defence"},
			Claims: []Token{"us-cisa-2015"}, Grounds: []Ground{{Rule: "technical-green", Basis: "FIRST TLP 2.0, section 4"}, {Rule: "cisa", Basis: "6 U.S.C. 1503", Claims: "us-cisa-2015"}},
			Messages: []SentMessage{{Log: 9, Link: 5, Issuer: "de-cert", Objects: []SentObject{
				{Digest: digestOf("f"), ID: indicatorID, Verdict: federation.Share, From: "TLP:GREEN", To: "TLP:GREEN", Grounds: []int{0, 1}}}}}}},
		{At: at, Head: &Attested{Signed: "eyJhbGciOiJFZERTQSJ9.e30.AA"}},
	}
}
