package relay

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay/journal"
)

// lonelyNode is a new node without peers, not started.
func lonelyNode(t *testing.T, dir string, log *bytes.Buffer) *Node {
	t.Helper()
	cfg, err := configs.LoadNode(filepath.Join(dir, "entente.yaml"))
	if err != nil {
		cfg, err = Setup(SetupOptions{Dir: dir, Now: time.Now(), Values: configs.TemplateValues{ID: "de-cert", Name: "de-cert", Country: "DE", Data: "data"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(cfg, Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *Node) startFor(t *testing.T) {
	t.Helper()
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (n *Node) stopFor(t *testing.T) {
	t.Helper()
	if err := n.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// indexedUpTo waits until the journal has a record.
func (n *Node) indexedUpTo(t *testing.T, seq uint64) {
	t.Helper()
	if err := n.awaitIndex(t.Context(), 0, seq); err != nil {
		t.Fatal(err)
	}
}

// reloadRecord is something to record.
func (n *Node) reloadRecord(t *testing.T) {
	t.Helper()
	if _, err := n.journal.Append(t.Context(), &journal.Record{At: time.Now(), Reload: &journal.Reload{What: "all", Before: "a", After: "b"}}); err != nil {
		t.Fatal(err)
	}
}

// closedJournal verifies the journal of a node that does not run.
func closedJournal(t *testing.T, n *Node) journal.Verified {
	t.Helper()
	j, err := OpenJournal(t.Context(), n.cfg)
	if err != nil {
		t.Fatal(err)
	}
	got, err := journal.Proof{Node: n.id, Keys: n.World().Directory}.Verify(j.Entries(t.Context()))
	if err := errors.Join(err, j.Close(context.WithoutCancel(t.Context()))); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestHeadsAreSigned: at intervals, when asked, at the end, and at the start of
// a node that was off for long.
func TestHeadsAreSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n")
	var log bytes.Buffer
	n := lonelyNode(t, dir, &log)
	n.cfg.Journal.HeadEvery = 5 * time.Millisecond // an operator cannot say less than a minute
	n.startFor(t)
	n.reloadRecord(t)
	n.indexedUpTo(t, 6) // the start, the reload, and heads by themselves
	n.stopFor(t)
	if got := closedJournal(t, n); got.Heads < 3 || got.Unsigned != 1 {
		t.Errorf("at intervals: %+v", got)
	}

	n = lonelyNode(t, dir, &log)
	n.startFor(t)
	if _, err := OpenJournal(t.Context(), n.cfg); err == nil {
		t.Error("the journal of a node that runs was opened beside it")
	}
	n.reloadRecord(t)
	asked, err := n.Head(t.Context())
	if err != nil || asked.Node != "de-cert" || asked.Seq+1 != n.journal.Head().Seq {
		t.Errorf("asked: %+v, %v", asked, err)
	}
	if again, err := n.Head(t.Context()); err != nil || again != asked {
		t.Errorf("asked again, with nothing new: %+v, %v", again, err)
	}
	n.reloadRecord(t)
	end := n.journal.Head()
	n.stopFor(t)
	got := closedJournal(t, n)
	if got.Signed == nil || got.Signed.Head != end || got.Unsigned != 1 {
		t.Errorf("at the end: %+v", got)
	}

	n = lonelyNode(t, dir, &log)
	n.opt.Now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	n.startFor(t)
	n.indexedUpTo(t, got.Last.Seq+1)
	n.stopFor(t)
	if later := closedJournal(t, n); later.Signed.At.Sub(got.Signed.At) < 47*time.Hour || later.Records != got.Records+1 {
		t.Errorf("at the start: %+v", later)
	}
}

// noSigner is a signer that is gone.
type noSigner struct{ MessageKey }

func (noSigner) Sign([]byte) ([]byte, error) { return nil, errors.New("the signer is gone") }

// TestHeadWithoutSigner: a signer that is gone is told, and keeps nobody from
// ending the node.
func TestHeadWithoutSigner(t *testing.T) {
	var log bytes.Buffer
	n := lonelyNode(t, filepath.Join(t.TempDir(), "n"), &log)
	n.keys.Message = noSigner{n.keys.Message}
	n.startFor(t)
	n.reloadRecord(t)
	if _, err := n.Head(t.Context()); err == nil || !strings.Contains(err.Error(), "the signer is gone") {
		t.Errorf("asked: %v", err)
	}
	if _, err := n.signHead(t.Context(), true); err == nil {
		t.Error("signed without a signer")
	} else {
		n.toldHead(err)
	}
	if st, err := n.Status(t.Context()); err != nil || !slices.ContainsFunc(st.Warnings, func(w string) bool { return strings.Contains(w, "journal was not signed") }) {
		t.Errorf("the status says %q, %v", st.Warnings, err)
	}
	n.stopFor(t)
	if !strings.Contains(log.String(), "the end of the journal was not signed") {
		t.Errorf("nobody was told: %s", log.String())
	}
	if got := closedJournal(t, n); got.Records != 2 || got.Heads != 0 {
		t.Errorf("the journal: %+v", got)
	}
}
