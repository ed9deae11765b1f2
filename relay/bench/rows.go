package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// row is what a row is called and compared with.
type row struct {
	name     string
	baseline string
	also     []string // further rows that it is compared with
}

// measurement gives one row or several, measured together.
type measurement struct {
	rows   []row
	full   bool // takes long
	rounds int  // 0 is one
	// run measures once, and returns figures for each row.
	run func(ctx context.Context, b *bench, dir string) ([]figures, error)
}

// names are those of the rows.
func (m *measurement) names() []string {
	var out []string
	for _, r := range m.rows {
		out = append(out, r.name)
	}
	return out
}

// figures are what one round of a row gave.
type figures struct {
	rate     float64 // objects a second
	objects  uint64  // in so much time
	over     time.Duration
	cpu      map[string]time.Duration // by process, of counted objects
	counted  uint64
	beside   map[string]time.Duration // CPU of whoever publishes, or only fetches
	bytes    float64                  // an object
	bytesAre string
	fate     *Fate
	latency  *Latency
	node     *NodeCost
	note     string
}

// Where the bytes of a row were counted.
const (
	onWire = "wire"
	onDisk = "stored"
)

// The rows that others are compared with.
const (
	sourceDefault = "bare/source/default"
	sourceAlways  = "bare/source/always"
	oneBorder64   = "relay/one-border/64"
	catchUp64     = "relay/catch-up/64"
	framedLate    = "bare/framed/80ms"
	fanout5       = "relay/fanout/5x5"
)

// measurements are all rows, in the order in which they are measured.
func measurements() []measurement {
	latencyRates := []int{100, 500, 2000} // objects a second
	border := func(name string) row { return row{name, sourceAlways, []string{sourceDefault}} }
	one := func(name string) []row { return []row{{name: name}} }
	return []measurement{
		{rows: one("bare/stream/always"), run: bareStream},
		{rows: one(sourceDefault), rounds: rounds, run: bareSource("2m")},
		{rows: one(sourceAlways), rounds: rounds, run: bareSource("always")},
		{rows: []row{border(oneBorder64), border(catchUp64)}, rounds: rounds, run: oneBorder},
		{rows: []row{border("relay/one-border/8")}, run: borders(1, 8)},
		{rows: []row{border("relay/one-border/1")}, run: borders(1, 1)},
		{rows: []row{{name: "relay/one-border/64/workload", baseline: oneBorder64}}, run: workload},
		{rows: []row{{name: "relay/two-borders/64", baseline: oneBorder64}}, run: borders(2, 64)},
		{rows: []row{{name: fanout5, baseline: oneBorder64}}, run: fanout(5)},
		{rows: []row{{name: "relay/fanout/200x5", baseline: fanout5}}, run: fanout(200)},
		{rows: one("relay/issue/64"), run: steps64("issue")},
		{rows: one("relay/step/64"), run: steps64("step")},
		{rows: one(framedLate), full: true, run: framed(lateObjects, longLine)},
		{rows: []row{{name: "relay/one-border/64/80ms", baseline: framedLate, also: []string{catchUp64}}}, full: true, run: late(lateObjects, longLine)},
		{rows: latencyRows("relay/latency/one-border", latencyRates), full: true, run: latencies(1, latencyRates...)},
		{rows: latencyRows("relay/latency/two-borders", latencyRates), full: true, run: latencies(2, latencyRates...)},
		{rows: one("relay/idle"), full: true, run: idle},
		{rows: []row{{name: "relay/one-border/64/stored-1m", baseline: oneBorder64}}, full: true, run: stored},
	}
}

func latencyRows(name string, rates []int) []row {
	var out []row
	for _, r := range rates {
		out = append(out, row{name: fmt.Sprintf("%s/%d", name, r)})
	}
	return out
}

// rowOf sums up the rounds of a row.
func rowOf(w row, all []figures) Row {
	r := Row{Name: w.name, Baseline: w.baseline, also: w.also, Runs: len(all)}
	var rates, cpu, bytes []float64
	by := map[string][]float64{}
	for _, f := range all {
		rates = append(rates, f.rate)
		bytes = append(bytes, f.bytes)
		r.Objects += f.objects
		r.Seconds += f.over.Seconds()
		sum := time.Duration(0)
		for name, d := range f.cpu {
			sum += d
			by[name] = append(by[name], perObject(d, f.counted))
		}
		cpu = append(cpu, perObject(sum, f.counted))
		for name, d := range f.beside {
			by[name] = append(by[name], perObject(d, f.counted))
		}
		if f.bytesAre != "" {
			r.BytesAre = f.bytesAre
		}
		r.Fate, r.Latency, r.Node, r.Note = f.fate, f.latency, f.node, f.note
	}
	r.ObjectsPerSecond, r.CPUPerObject, r.BytesPerObject = round(median(rates), 1), round(median(cpu), 2), round(median(bytes), 1)
	r.Slowest, r.Fastest, r.Seconds = round(slices.Min(rates), 1), round(slices.Max(rates), 1), round(r.Seconds, 2)
	if len(by) > 0 {
		r.CPUBy = map[string]float64{}
		for name, v := range by {
			r.CPUBy[name] = round(median(v), 2)
		}
	}
	return r
}

// perObject is in microseconds.
func perObject(d time.Duration, objects uint64) float64 {
	if objects == 0 {
		return 0
	}
	return float64(d.Nanoseconds()) / 1000 / float64(objects)
}

// compare fills in the ratios to the rows that were measured.
func compare(rows []Row) {
	find := func(name string) *Row {
		i := slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
		if i < 0 || rows[i].ObjectsPerSecond == 0 {
			return nil
		}
		return &rows[i]
	}
	for i := range rows {
		r := &rows[i]
		if base := find(r.Baseline); base != nil && r.ObjectsPerSecond > 0 {
			ratio, cpu := round(r.ObjectsPerSecond/base.ObjectsPerSecond, 3), 0.0
			r.Ratio = &ratio
			if base.CPUPerObject > 0 {
				cpu = round(r.CPUPerObject/base.CPUPerObject, 3)
				r.CPURatio = &cpu
			}
		}
		for _, name := range r.also {
			if base := find(name); base != nil {
				if r.Ratios == nil {
					r.Ratios = map[string]float64{}
				}
				r.Ratios[name] = round(r.ObjectsPerSecond/base.ObjectsPerSecond, 3)
			}
		}
	}
}
