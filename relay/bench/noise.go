package bench

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/entente-relay/entente/relay/bus/baseline"
)

// Noise says how much else the machine did while it was measured.
type Noise struct {
	// Verdict is "quiet" or "noisy".
	Verdict string `json:"verdict"`
	// SpreadPercent is by how much nine of ten probes at most took longer than the
	// fastest: the same arithmetic each time, before, between and after the rows.
	// FsyncSpreadPercent is the same of the medians of 4 KiB synced.
	SpreadPercent      float64 `json:"cpu_spread_percent"`
	FsyncSpreadPercent float64 `json:"fsync_spread_percent"`
	FsyncMS            float64 `json:"fsync_ms"`
	Probes             int     `json:"probes"`
	// StealPercent is what other guests of the host took of this machine's
	// processors; nil
	// where the system does not say.
	StealPercent *float64 `json:"steal_percent"`
	// Text is what that means, in one sentence.
	Text string `json:"text"`
}

// prober measures the machine itself, again and again.
type prober struct {
	cpu, fsync []float64 // milliseconds
	began      time.Time
	steal      time.Duration
	known      bool
	fault      error
}

const (
	probeBytes = 8 << 20 // hashed in each probe, about 10 ms
	probeSyncs = 5
	// quietPercent is up to which spread a machine counts as quiet.
	quietPercent = 15
)

// begin makes the first probe.
func (p *prober) begin(dir string) {
	p.began = time.Now()
	_, p.steal, p.known = machineTimes()
	p.probe(dir)
}

// probe times the same arithmetic and the same writes as each time.
func (p *prober) probe(dir string) {
	data := make([]byte, probeBytes)
	began := time.Now()
	sum := sha256.Sum256(data)
	p.cpu = append(p.cpu, time.Since(began).Seconds()*1000)
	runtime.KeepAlive(sum)
	took, err := syncs(filepath.Join(dir, "probe"))
	p.fault = errors.Join(p.fault, err)
	p.fsync = append(p.fsync, took)
}

// syncs writes 4 KiB and syncs them, some times, and returns the median in
// milliseconds.
func syncs(path string) (_ float64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	var all []float64
	page := make([]byte, 4<<10)
	for range probeSyncs {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("bench: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("bench: %w", err)
		}
		all = append(all, time.Since(began).Seconds()*1000)
	}
	return median(all), nil
}

// end makes the last probe and sums up.
func (p *prober) end(dir string) Noise {
	p.probe(dir)
	n := Noise{Verdict: "quiet", Probes: len(p.cpu), SpreadPercent: spread(p.cpu), FsyncSpreadPercent: spread(p.fsync), FsyncMS: round(median(p.fsync), 3)}
	if _, steal, ok := machineTimes(); ok && p.known {
		s := round(100*(steal-p.steal).Seconds()/time.Since(p.began).Seconds()/float64(runtime.NumCPU()), 1)
		n.StealPercent = &s
	}
	stolen := n.StealPercent != nil && *n.StealPercent >= 2
	if n.SpreadPercent > quietPercent || stolen {
		n.Verdict = "noisy"
	}
	n.Text = n.sentence()
	return n
}

// spread is by how many percent nine of ten values at most exceed the smallest:
// one probe that was hit by chance says little.
func spread(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 || s[0] <= 0 {
		return 0
	}
	return round(100*(s[(len(s)-1)*9/10]/s[0]-1), 0)
}

func (n *Noise) sentence() string {
	if n.Verdict == "quiet" {
		return fmt.Sprintf("quiet: the same arithmetic took the same time within %.0f %% nearly always, so figures and ratios can be relied on", n.SpreadPercent)
	}
	text := fmt.Sprintf("noisy (±%.0f %%): the same arithmetic took up to %.0f %% longer at times", n.SpreadPercent/2, n.SpreadPercent)
	if n.StealPercent != nil && *n.StealPercent > 0 {
		text += fmt.Sprintf(" and %.1f %% of the processors was taken by other guests", *n.StealPercent)
	}
	return text + ", so rates are too low and only ratios of rows measured in turn, and CPU per object, mean something"
}

// machine says what is measured on.
func (b *bench) machine() Machine {
	return Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), CPU: cpuModel(), Go: runtime.Version(),
		NATSServer: baseline.ServerVersion, Entente: b.o.Version}
}
