package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// auditVerifyFlags are those of audit verify.
type auditVerifyFlags struct {
	statements, node string
	heads            []string
}

func (a *app) auditVerifyCmd() *cobra.Command {
	var f auditVerifyFlags
	c := &cobra.Command{
		Use:   "verify [FILE|FOLDER]",
		Short: "check that nobody rewrote a journal, without a node",
		Long: `Check a copy of a journal, as audit export --chain writes it: that each record
names the hash of the one before, and that each signed head names a record that
is there and is signed with the node's message key. A folder holds a copy in parts,
*.jsonl in the order of their names; - is standard input. Without FILE the journal
of this configuration's node is checked, whether the node runs or not.

Whoever operates a node can write its whole journal anew and sign it. That shows to
whoever kept an earlier signed head (audit head): give it with --head. Heads alone,
with an empty FILE, are held against each other.

Keys come from the statements in the folder of --statements, else from those beside
the configuration and in the terms accepted with peers.

Exit code: 0 the journal is whole, 3 it is not (the first place that is wrong is
named), 1 it cannot be read.`,
		Example: "  entente audit export --chain > journal.jsonl\n  entente audit verify journal.jsonl --head de-cert.head --statements statements",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.auditVerify(cmd.Context(), args, f)
		},
	}
	c.Flags().StringVar(&f.statements, "statements", "", "folder with the statements (*.jwt) of those whose signatures count")
	c.Flags().StringVar(&f.node, "node", "", "whose journal it is (default: this configuration's node without FILE, else what the first signed head says)")
	c.Flags().StringArrayVar(&f.heads, "head", nil, "file with signed heads that were kept, one a line; may be given again")
	return c
}

// auditVerified is the result as JSON.
type auditVerified struct {
	Verified bool           `json:"verified"`
	Node     string         `json:"node"`
	First    uint64         `json:"first"` // records that are good
	Last     uint64         `json:"last"`
	Records  uint64         `json:"records"`
	Hash     string         `json:"hash"`  // of the last
	Heads    int            `json:"heads"` // signed heads in the journal
	Kept     int            `json:"kept"`  // given with --head
	Signed   dashboard.Head `json:"signed,omitzero"`
	Unsigned uint64         `json:"unsigned"` // records behind the newest signed head
	Reason   string         `json:"reason,omitempty"`
	Error    string         `json:"error,omitempty"`
}

func (a *app) auditVerify(ctx context.Context, args []string, f auditVerifyFlags) error {
	keys, err := a.keys(f.statements, a.now())
	if err != nil {
		return err
	}
	p := journal.Proof{Node: f.node, Keys: keys}
	if p.Heads, err = a.keptHeads(f.heads, keys); err != nil {
		return err
	}
	var got journal.Verified
	check := func(records iter.Seq2[journal.Stored, error]) error {
		got, err = p.Verify(records)
		return err
	}
	if len(args) == 0 {
		err = a.ownJournal(ctx, &p, check)
	} else {
		err = a.copiedJournal(args[0], check)
	}
	if err != nil && federation.ReasonOf(err) == "" {
		return err
	}
	shown := showAudit(&got, err)
	if a.json {
		if err := a.printJSON(shown); err != nil {
			return err
		}
	} else if err := a.printAudit(&shown); err != nil {
		return err
	}
	if err != nil {
		return ends(exitRefused)
	}
	return nil
}

// keptHeads reads signed heads from files.
func (a *app) keptHeads(files []string, keys directory.KeySource) ([]*journal.SignedHead, error) {
	var out []*journal.SignedHead
	for _, name := range files {
		data, err := a.read(name)
		if err != nil {
			return nil, err
		}
		for i, line := range bytes.Split(data, []byte{'\n'}) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			h, err := journal.OpenHead(line, keys)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", displayName(name), i+1, err)
			}
			out = append(out, h)
		}
	}
	return out, nil
}

// ownJournal checks the journal of this configuration's node: over its socket,
// or, when it does not run, where it lies.
func (a *app) ownJournal(ctx context.Context, p *journal.Proof, check func(iter.Seq2[journal.Stored, error]) error) error {
	cfg, client, err := a.client()
	if err != nil {
		return err
	}
	if p.Node == "" {
		p.Node = cfg.Node.ID
	}
	r, err := client.Chain(ctx, 1)
	if errors.Is(err, dashboard.ErrNotRunning) {
		return a.closedJournal(ctx, cfg, check)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	return check(journal.Lines("the node's journal", r))
}

func (a *app) closedJournal(ctx context.Context, cfg *configs.Node, check func(iter.Seq2[journal.Stored, error]) error) error {
	j, err := relay.OpenJournal(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(check(j.Entries(ctx)), j.Close(context.WithoutCancel(ctx)))
}

// copiedJournal checks a copy: a file, or the files of a folder one after the
// other.
func (a *app) copiedJournal(name string, check func(iter.Seq2[journal.Stored, error]) error) error {
	if name == stdinName {
		return check(journal.Lines("standard input", a.in))
	}
	files := []string{name}
	if info, err := os.Stat(name); err != nil {
		return err
	} else if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(name, "*.jsonl")); err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("%s: %w: it holds no *.jsonl", name, fs.ErrNotExist)
		}
		slices.Sort(files)
	}
	return check(linesOf(files))
}

// linesOf yields the records of several files.
func linesOf(files []string) iter.Seq2[journal.Stored, error] {
	return func(yield func(journal.Stored, error) bool) {
		for _, name := range files {
			f, err := os.Open(name)
			if err != nil {
				yield(journal.Stored{}, err)
				return
			}
			more := linesIn(f, displayName(name), yield)
			if err := f.Close(); err != nil && more {
				yield(journal.Stored{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// linesIn yields the records of one file, and whether more are wanted.
func linesIn(r io.Reader, name string, yield func(journal.Stored, error) bool) bool {
	for s, err := range journal.Lines(name, r) {
		if !yield(s, err) || err != nil {
			return false
		}
	}
	return true
}

func showAudit(v *journal.Verified, err error) auditVerified {
	s := auditVerified{Verified: err == nil, Node: v.Node, First: v.First.Seq, Last: v.Last.Seq, Records: v.Records, Heads: v.Heads, Kept: v.Kept, Unsigned: v.Unsigned}
	if v.Records > 0 {
		s.Hash = digestText(v.Last.Hash)
	}
	if h := v.Signed; h != nil {
		s.Signed = dashboard.Head{Node: h.Node, Seq: h.Seq, Hash: digestText(h.Hash), At: h.At, Signed: string(h.Raw)}
	}
	if err != nil {
		s.Reason, s.Error = string(federation.ReasonOf(err)), err.Error()
	}
	return s
}

func (a *app) printAudit(s *auditVerified) error {
	if s.Error != "" {
		a.printf("%s %s\n", a.paint(red, "broken"), s.Error)
		if s.Records > 0 {
			a.printf("good up to there: records %d to %d\n", s.First, s.Last)
		}
		return a.out.err
	}
	whose := "nobody that it names"
	if s.Node != "" {
		whose = s.Node
	}
	a.printf("%s the journal of %s, records %d to %d: none was changed, removed or added\n", a.paint(green, "whole"), whose, s.First, s.Last)
	if s.Signed.Seq == 0 {
		a.printf("%s nothing in it is signed: only a signed head shows whose word it is\n", a.paint(yellow, "unsigned"))
		return a.out.err
	}
	a.printf("%s in it, %d kept elsewhere; the newest names record %d and was signed %s, %s later\n", plural(s.Heads, "signed head"), s.Kept,
		s.Signed.Seq, s.Signed.At.UTC().Format(time.RFC3339), plural(s.Unsigned, "record"))
	return a.out.err
}
