package relay

import (
	"context"

	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/store"
)

// Steps between which a test may end or hold a node (Options.Fault). What was
// answered is stored before the answer leaves, so a node that ends at any of
// them loses nothing and takes nothing twice.
const (
	stepPublishReceived = "publish/received"
	stepPublishVerified = "publish/verified" // judged, and so many messages of it signed as share a commit
	stepPublishAnswer   = "publish/before-answer"

	stepImportReceived = "import/received"
	stepImportVerified = "import/verified"
	stepImportAnswer   = "import/before-answer"

	stepBeforeCommit = "commit/before" // of a publication, a frame, or what was held
	stepAfterCommit  = "commit/after"  // the log has it, nothing else knows of it

	stepExportReceived   = "export/received"
	stepExportJudged     = "export/judged"   // one log entry, others may follow
	stepExportVerified   = "export/verified" // judged and redacted, not signed
	stepExportJournal    = "export/before-journal"
	stepExportJournalled = "export/after-journal"
	stepExportAnswer     = "export/before-answer"

	stepIntakeJournal    = "follow/before-journal"
	stepIntakeJournalled = "follow/after-journal"
	stepIndex            = "follow/before-index"
	stepIndexed          = "follow/index-applied"

	stepDecisionJournalled = "decide/after-journal" // what persons decided; nothing comes of it yet
	stepDecisionKept       = "decide/kept"
	stepDecided            = "decide/in-force" // and nothing is judged again yet
	stepDue                = "erase/before"    // something's time has come
	stepErased             = "erase/anew"      // what it stood in is written anew, the old is not deleted
	stepGone               = "erase/done"
	stepCut                = "erase/journal" // the journal says what is cut, and it is still there
)

// Steps lists the step boundaries that messages pass at which Options.Fault is
// called.
func Steps() []string {
	return []string{
		stepPublishReceived, stepPublishVerified, stepPublishAnswer,
		stepImportReceived, stepImportVerified, stepImportAnswer,
		stepBeforeCommit, stepAfterCommit,
		stepExportReceived, stepExportJudged, stepExportVerified, stepExportJournal, stepExportJournalled, stepExportAnswer,
		stepIntakeJournal, stepIntakeJournalled, stepIndex, stepIndexed,
		stepDue, stepErased, stepGone, stepCut,
	}
}

// What a running node writes, by name (Options.Write); the store's and the
// bus's own names are theirs. Everything else that lies in its folders is
// written by an operator's command, see files.
const (
	writeLog     = "log/append" // every commit: publications, frames, what is judged again, markers
	writeJournal = "journal/append"
	writeRunning = "data/running"        // the mark that the node runs
	writeStopped = "data/running/remove" // and that it ended by itself
	writeInForce = "data/policy"         // what it judges by
)

// Writes lists the names with which Options.Write is called. What persons decide
// is kept by the running node, in a file as an operator's commands write them.
func Writes() []string {
	return []string{writeLog, writeJournal, store.WriteCommit, store.WriteMark, writeRunning, writeStopped, writeInForce, fileDecision,
		bus.WriteFolder, bus.WriteIdentity, bus.WriteTrust, bus.WriteForget}
}

// disk writes, through the test's disk if there is one.
func (n *Node) disk(name string, do func() error) error {
	if n.opt.Write == nil {
		return do()
	}
	return n.opt.Write(name, do)
}

// testedLog is the log as the committer writes it: not onto a full disk.
type testedLog struct {
	*keptLog
	node *Node
}

// Append stores records as [bus.Stream.Append] does.
func (l testedLog) Append(ctx context.Context, records []bus.Record) (last uint64, err error) {
	if err := l.node.space(wantsLog); err != nil {
		return 0, err
	}
	err = l.node.disk(writeLog, func() error {
		last, err = l.Stream.Append(ctx, records)
		return err
	})
	return last, err
}

// at tells a test which boundary the node has come to.
func (n *Node) at(step string) {
	if n.opt.Fault != nil {
		n.opt.Fault(step)
	}
}
