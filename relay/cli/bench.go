package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay/bench"
)

func (a *app) benchCmd() *cobra.Command {
	var o bench.Options
	c := &cobra.Command{
		Use:   "bench",
		Short: "measure this machine: bare NATS, then the relay, as ratios",
		Long: `Measure what this machine can do: bare NATS first, with the same objects,
unsigned and one to a message, then nodes in processes of their own, each as
objects per second, CPU time and bytes per object, and the ratio to bare NATS in
the same run. Rates vary between runs on a busy machine; ratios hold.

It takes less than three minutes, with --full less than twenty. It needs no
configuration, listens on loopback only and leaves nothing behind.`,
		Example: "  entente bench\n  entente bench --only 'bare/source/*,relay/one-border/*'\n  entente bench --full --json --dir /var/lib/entente > bench.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Objects < 0 {
				return usage(fmt.Errorf("--objects %d: want a number above 0", o.Objects))
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			o.Program, o.Version = []string{self, "--json", "bench", benchChild}, thisBuild().Version
			o.Progress = func(text string) { a.say("%s", text) }
			rep, err := bench.Run(cmd.Context(), o)
			switch {
			case rep == nil:
			case a.json:
				err = errors.Join(err, a.printJSON(rep))
			default:
				err = errors.Join(err, a.printBench(rep))
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Full, "full", false, "measure also what takes long: a million objects stored, a slow line, latencies")
	f.StringVar(&o.Only, "only", "", "measure only rows of these names: patterns such as relay/*/64, with commas between")
	f.StringVar(&o.Dir, "dir", "", "folder on the disk to measure (default the system's for temporary files)")
	f.IntVar(&o.Objects, "objects", 0, "measure each row with so many objects at most, in place of for five seconds")
	c.AddCommand(a.benchChildCmd())
	return c
}

// benchChild is how the bench calls itself for a process of its own.
const benchChild = "child"

func (a *app) benchChildCmd() *cobra.Command {
	return &cobra.Command{
		Use:    benchChild + " ROLE",
		Short:  "be one process of a bench",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == bench.StepsRole { // what a node costs, without the node
				defer tuneMemory(a.getenv)()
			}
			return bench.Child(cmd.Context(), args, a.in, a.out, func(ctx context.Context, config string) error {
				cfg, err := configs.LoadNode(config)
				if err != nil {
					return err
				}
				logger, err := a.logger("warn")
				if err != nil {
					return err
				}
				return a.runNode(ctx, cfg, logger)
			})
		},
	}
}

// printBench prints a report for people.
func (a *app) printBench(rep *bench.Report) error {
	m := rep.Machine
	a.printf("%s, %s, %s, %s, nats-server %s, one sync to disk %.2f ms\n\n", m.System, plural(m.Cores, "core"), dash(m.CPU), m.Go, dash(m.NATSServer), m.FsyncMS)
	rows := [][]string{{"ROW", "OBJECTS/S", "MIN..MAX", "CPU µs/OBJECT", "BYTES/OBJECT", "RATIO", "TO"}}
	for _, r := range rep.Rows {
		rows = append(rows, benchLine(r)...)
	}
	if err := a.table(rows); err != nil {
		return err
	}
	a.printf("\n")
	for _, r := range rep.Rows {
		for _, text := range benchMore(r) {
			a.printf("%s\n", text)
		}
	}
	a.printf("\nThe machine was %s.\n", rep.Noise.Text)
	return a.out.err
}

// benchLine is one row, with a line more for each further ratio.
func benchLine(r bench.Row) [][]string {
	number := func(v float64, form string) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf(form, v)
	}
	ratio := "-"
	if r.Ratio != nil {
		ratio = fmt.Sprintf("%.2f", *r.Ratio)
	}
	span := "-"
	if r.Runs > 1 {
		span = fmt.Sprintf("%.0f..%.0f", r.Slowest, r.Fastest)
	}
	out := [][]string{{r.Name, number(r.ObjectsPerSecond, "%.0f"), span, number(r.CPUPerObject, "%.1f"), strings.TrimSpace(number(r.BytesPerObject, "%.0f") + " " + r.BytesAre), ratio, dash(r.Baseline)}}
	for _, name := range sortedKeys(r.Ratios) {
		out = append(out, []string{"", "", "", "", "", fmt.Sprintf("%.2f", r.Ratios[name]), name})
	}
	return out
}

// benchMore is what of a row has no column.
func benchMore(r bench.Row) []string {
	var out []string
	if len(r.CPUBy) > 1 {
		var parts []string
		for _, name := range sortedKeys(r.CPUBy) {
			parts = append(parts, fmt.Sprintf("%s %.1f", name, r.CPUBy[name]))
		}
		out = append(out, fmt.Sprintf("%s: CPU µs an object by process: %s", r.Name, strings.Join(parts, ", ")))
	}
	if f := r.Fate; f != nil && f.Arrived < 1 {
		out = append(out, fmt.Sprintf("%s: %.1f %% arrived, %.1f %% were withheld, %.1f %% held, %.1f %% refused", r.Name, 100*f.Arrived, 100*f.Withheld, 100*f.Held, 100*f.Refused))
	}
	if l := r.Latency; l != nil {
		out = append(out, fmt.Sprintf("%s: half of the objects within %.1f ms, 99 %% within %.1f ms, 99.9 %% within %.1f ms", r.Name, l.P50, l.P99, l.P999))
	}
	if n := r.Node; n != nil {
		var parts []string
		for _, part := range []struct {
			value float64
			form  string
		}{{n.RSSMB, "%.1f MB resident"}, {n.CPUPercent, "%.2f %% of a core"}, {n.ReadyMS, "ready %.0f ms after its start"}, {n.FirstAnswerMS, "after a restart an answer in %.0f ms"}} {
			if part.value > 0 {
				parts = append(parts, fmt.Sprintf(part.form, part.value))
			}
		}
		out = append(out, r.Name+": "+strings.Join(parts, ", "))
	}
	if r.Note != "" {
		out = append(out, r.Name+": "+r.Note)
	}
	return out
}
