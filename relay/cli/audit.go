package cli

import "github.com/spf13/cobra"

// newAudit groups what is asked of the journal.
func (a *app) newAudit() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "the journal: who got what, why, and that nobody rewrote it"}
	c.AddCommand(a.auditHeadCmd(), a.auditVerifyCmd(), a.auditWhoGotCmd(), a.auditExportCmd())
	return c
}
