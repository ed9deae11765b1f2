package relay

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/journal"
)

// benchRecords is how many journal records a benchmark makes: as many as
// ENTENTE_BENCH_RECORDS says (200000 and 1000000 are what the project promises
// something about), else a few.
func benchRecords(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("ENTENTE_BENCH_RECORDS"))
	if err != nil || n < 1000 {
		b.Log("ENTENTE_BENCH_RECORDS says how many records; without it few")
		return 20_000
	}
	return n
}

// sampleJournal appends records of a node with four peers: of every ten, two of
// messages that came in, and four each of frames and of their receipts.
func sampleJournal(b *testing.B, n *Node, records int) {
	const batch = 500
	at := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	var some []*journal.Record
	log, link := uint64(0), uint64(0)
	for i := range records {
		r := &journal.Record{At: at.Add(time.Duration(i) * time.Second)}
		peer := journal.Token(fmt.Sprintf("peer-%d", (i%5-1)/2+i/5%2*2)) // with its receipt behind it
		root := journal.Token(fmt.Sprintf("8J-y9fXvroot%027d", i/5*2+(i%5-1)/2))
		switch {
		case i%5 == 0:
			log++
			in := &journal.Intake{Source: "self", Log: log, Message: sampleDigest(i), Issuer: "de-cert", JTI: "0194a5c0-0000-7000-8000-000000000001"}
			for j := range 3 {
				in.Objects = append(in.Objects, journal.IntakeObject{Digest: sampleDigest(int(log)*3 + j), ID: sampleID(int(log)*3 + j), Outcome: journal.Taken, Marking: "TLP:GREEN"})
			}
			r.Intake = in
		case i%5%2 == 1:
			link++
			m := journal.SentMessage{Log: log, Link: link, Issuer: "de-cert"}
			for j := range 3 {
				m.Objects = append(m.Objects, journal.SentObject{Digest: sampleDigest(int(log)*3 + j), ID: sampleID(int(log)*3 + j), Verdict: federation.Share,
					From: "TLP:GREEN", To: "TLP:GREEN", Grounds: []int{0}})
			}
			r.Sent = &journal.Sent{Peer: peer, Root: root, First: link, Last: link, LogFrom: log - 1, LogTo: log, Policy: "8689fad7ffb98412dd55f457f58f2966",
				Purpose: []journal.Token{"network-security"}, Grounds: []journal.Ground{{Rule: "technical-data", Basis: "the agreement with the peer"}}, Messages: []journal.SentMessage{m}}
		default:
			r.Receipt = &journal.Receipt{Peer: peer, Root: root, First: link, Last: link, Signed: sampleDigest(i), At: r.At, Outcomes: []journal.ReceiptOutcome{{Seq: link, Stored: 3}}}
		}
		if some = append(some, r); len(some) == batch || i == records-1 {
			if _, err := n.journal.Append(b.Context(), some...); err != nil {
				b.Fatal(err)
			}
			some = nil
		}
	}
}

func sampleDigest(i int) (d journal.Digest) {
	copy(d[:], fmt.Sprintf("%016x", uint64(i)*0x9e3779b97f4a7c15))
	return d
}

func sampleID(i int) journal.ID {
	return journal.ID(fmt.Sprintf("indicator--8e2e2d2b-17d4-4cbf-938f-%012d", i))
}

// benchNode is a node without peers.
func benchNode(b *testing.B) *configs.Node {
	cfg, err := Setup(SetupOptions{Dir: filepath.Join(b.TempDir(), "node"), Now: time.Now(),
		Values: configs.TemplateValues{ID: "de-cert", Name: "de-cert", Country: "DE", Data: "data"}})
	if err != nil {
		b.Fatal(err)
	}
	return cfg
}

// started runs a node, and says how long it took to be ready.
func started(b *testing.B, cfg *configs.Node) (*Node, time.Duration) {
	n, err := New(cfg, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	if err := n.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return n, time.Since(begun)
}

func stopped(b *testing.B, n *Node) {
	if err := n.Stop(context.WithoutCancel(b.Context())); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPast indexes a journal anew, as a node does that lost its index, and
// asks it about objects: what was decided for a peer, and who got it.
func BenchmarkPast(b *testing.B) {
	records := benchRecords(b)
	cfg := benchNode(b)
	n, _ := started(b, cfg)
	begun := time.Now()
	sampleJournal(b, n, records)
	b.Logf("%d records made in %s", records, time.Since(begun).Round(time.Millisecond))
	if err := n.awaitIndex(b.Context(), 0, n.journal.Head().Seq); err != nil {
		b.Fatal(err)
	}
	stopped(b, n)
	n, with := started(b, cfg)
	stopped(b, n)
	if err := os.Remove(filepath.Join(cfg.Data, "index.db")); err != nil {
		b.Fatal(err)
	}
	n, without := started(b, cfg)
	defer stopped(b, n)
	b.Logf("ready in %s with the index, in %s without it", with.Round(time.Millisecond), without.Round(time.Millisecond))
	i := 0
	timed := func(b *testing.B, ask func(log int) error) {
		var took []time.Duration
		for b.Loop() {
			i += 7919
			one := time.Now()
			if err := ask(1 + i%(records/5)); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(one))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
		b.ReportMetric(without.Seconds()-with.Seconds(), "index-s")
		b.ReportMetric(float64(records), "records")
	}
	b.Run("explain", func(b *testing.B) {
		timed(b, func(log int) error {
			why, err := n.Why(b.Context(), string(sampleID(log*3)), fmt.Sprintf("peer-%d", (log-1)%2*2), time.Now())
			if err == nil && (len(why.Objects) != 1 || why.Objects[0].Receipt == nil) {
				err = fmt.Errorf("entry %d: %+v", log, why)
			}
			return err
		})
	})
	b.Run("who-got", func(b *testing.B) {
		timed(b, func(log int) error {
			got, err := n.WhoGot(b.Context(), string(sampleID(log*3)))
			if err == nil && len(got.Peers) != 2 {
				err = fmt.Errorf("entry %d: %+v", log, got)
			}
			return err
		})
	})
}
