package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// auditExportFlags are those of audit export.
type auditExportFlags struct {
	peer, from, to, basis, format string
	chain                         bool
}

func (a *app) auditExportCmd() *cobra.Command {
	var f auditExportFlags
	c := &cobra.Command{
		Use:   "export",
		Short: "write what went to a peer, what did not and why: CSV, JSON lines or a page to print",
		Long: `Write every decision of the journal, for one peer or all, of some time and, with
--basis, only those in which a rule took part that cites a text with this in it: what
went, in which form and on what grounds; what did not, and by which rules; what was
taken back; what was acknowledged. The export ends with its totals, and they add up:
judged = shared + redacted + withheld + held.

csv is as RFC 4180 has it; a cell that a spreadsheet would take for a formula begins
with an apostrophe. jsonl is one JSON value a line. html is one file without script,
to be read in a browser and printed.

With --chain the journal itself is copied, each record as it was hashed, for audit
verify. The node may run or not.`,
		Example: "  entente audit export --peer pl-cert --from 2026-11-01 --to 2026-12-01 --format html > pl-cert.html\n  entente audit export --chain > journal.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.chain {
				return a.exportChain(cmd.Context(), f)
			}
			return a.auditExport(cmd.Context(), f)
		},
	}
	c.Flags().StringVar(&f.peer, "peer", "", "only what concerns this peer")
	c.Flags().StringVar(&f.from, "from", "", "first moment, such as 2026-11-01 or 2026-11-01T08:00:00Z (default: the beginning)")
	c.Flags().StringVar(&f.to, "to", "", "first moment after (default: the end)")
	c.Flags().StringVar(&f.basis, "basis", "", "only decisions in which a rule cites a text with this in it")
	c.Flags().StringVar(&f.format, "format", "csv", "csv, jsonl or html; with --json it is jsonl")
	c.Flags().BoolVar(&f.chain, "chain", false, "copy the journal itself, for audit verify")
	if err := c.RegisterFlagCompletionFunc("format", choose("csv", "jsonl", "html")); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

// selection reads the flags.
func (a *app) selection(f auditExportFlags) (journal.Selection, error) {
	q := journal.Selection{Peer: f.peer, Basis: f.basis}
	for _, x := range []struct {
		name, text string
		into       *time.Time
	}{{"from", f.from, &q.From}, {"to", f.to, &q.To}} {
		if x.text == "" {
			continue
		}
		t, err := a.moment(x.name, x.text)
		if err != nil {
			return q, err
		}
		*x.into = t
	}
	if !q.To.IsZero() && !q.From.Before(q.To) {
		return q, usage(errors.New("--from is not before --to"))
	}
	return q, nil
}

func (a *app) auditExport(ctx context.Context, f auditExportFlags) error {
	q, err := a.selection(f)
	if err != nil {
		return err
	}
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	r, err := client.Records(ctx, q)
	if errors.Is(err, dashboard.ErrNotRunning) {
		j, err := relay.OpenJournal(ctx, cfg)
		if err != nil {
			return err
		}
		return errors.Join(a.writeExport(f, q, journal.PageHead{Node: cfg.Node.ID}, j.Entries(ctx)), j.Close(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return err
	}
	defer r.Close()
	head := journal.PageHead{Node: cfg.Node.ID}
	if f.format == "html" {
		if head.Signed, err = a.signedHead(ctx, client); err != nil {
			return err
		}
	}
	return a.writeExport(f, q, head, journal.Lines("the node's journal", r))
}

// signedHead asks the node to sign the end of its journal, which then stands on
// the page: whoever has the page on paper has a head.
func (a *app) signedHead(ctx context.Context, client *dashboard.Client) (*journal.SignedHead, error) {
	h, err := client.Head(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := a.keys("", a.now())
	if err != nil {
		return nil, err
	}
	return journal.OpenHead([]byte(h.Signed), keys)
}

// sheet is the form of an export.
func (a *app) sheet(format string, head journal.PageHead) (journal.Sheet, error) {
	switch {
	case a.json || format == "jsonl":
		return journal.NewJSONL(a.out), nil
	case format == "csv":
		return journal.NewCSV(a.out), nil
	case format == "html":
		return journal.NewPage(a.out, head)
	}
	return nil, usage(fmt.Errorf("--format %q: csv, jsonl or html", format))
}

// writeExport turns records into rows and counts them.
func (a *app) writeExport(f auditExportFlags, q journal.Selection, head journal.PageHead, records iter.Seq2[journal.Stored, error]) error {
	head.Selection, head.Made = q, a.now()
	sheet, err := a.sheet(f.format, head)
	if err != nil {
		return err
	}
	totals := journal.NewTotals()
	for s, err := range records {
		if err != nil {
			return err
		}
		if !q.May(s) {
			continue
		}
		r, err := journal.Decode(s.Data)
		if err != nil {
			return fmt.Errorf("journal record %d: %w", s.Seq, err)
		}
		r.Seq = s.Seq
		for _, row := range q.Rows(r) {
			if err := errors.Join(totals.Add(&row), sheet.Row(&row)); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(totals.Check(), sheet.End(totals)); err != nil {
		return err
	}
	a.say("%s judged = %d shared + %d redacted + %d withheld + %d held", plural(totals.Judged, "object"), totals.Shared, totals.Redacted, totals.Withheld, totals.Held)
	return nil
}

// exportChain copies the journal.
func (a *app) exportChain(ctx context.Context, f auditExportFlags) error {
	if f.peer+f.from+f.to+f.basis != "" {
		return usage(errors.New("--chain copies the whole journal: a part of a chain proves nothing; leave --peer, --from, --to and --basis out"))
	}
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	r, err := client.Chain(ctx, 1)
	if errors.Is(err, dashboard.ErrNotRunning) {
		j, err := relay.OpenJournal(ctx, cfg)
		if err != nil {
			return err
		}
		return errors.Join(a.copyLines(j.Entries(ctx)), j.Close(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(a.out, r)
	return err
}

func (a *app) copyLines(records iter.Seq2[journal.Stored, error]) error {
	var line []byte
	for s, err := range records {
		if err != nil {
			return err
		}
		line = journal.AppendLine(line[:0], s)
		if _, err := a.out.Write(line); err != nil {
			return err
		}
	}
	return nil
}
