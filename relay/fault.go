package relay

// Steps between which a test may end or hold a node (Options.Fault). What was
// answered is stored before the answer leaves, so a node that ends at any of
// them loses nothing and takes nothing twice.
const (
	stepPublishReceived = "publish/received"
	stepPublishVerified = "publish/verified" // judged and signed
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
)

// Steps lists the step boundaries at which Options.Fault is called.
func Steps() []string {
	return []string{
		stepPublishReceived, stepPublishVerified, stepPublishAnswer,
		stepImportReceived, stepImportVerified, stepImportAnswer,
		stepBeforeCommit, stepAfterCommit,
		stepExportReceived, stepExportJudged, stepExportVerified, stepExportJournal, stepExportJournalled, stepExportAnswer,
		stepIntakeJournal, stepIntakeJournalled, stepIndex, stepIndexed,
	}
}

// at tells a test which boundary the node has come to.
func (n *Node) at(step string) {
	if n.opt.Fault != nil {
		n.opt.Fault(step)
	}
}
