package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Main runs one command line and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{in: stdin, out: &sink{w: stdout}, err: stderr, now: time.Now, getenv: os.Getenv}
	a.colours = isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return a.run(ctx, args)
}

// run executes one command line.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil && a.out.err != nil {
		err = fmt.Errorf("standard output: %w", a.out.err)
	}
	switch {
	case err == nil:
		return exitDone
	case !a.begun:
		err = usage(fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath()))
	}
	if e, ok := errors.AsType[*ending](err); !ok || e.err != nil {
		a.complain(err)
	}
	return codeOf(err)
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "entente",
		Short: "a federated relay for cyber-threat indicators",
		Long: `entente is one node of a federated relay for cyber-threat indicators. It signs
what its own producers publish, decides for each peer what may cross the
border, and can prove and explain every decision.

Not approved for classified information.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused, 4 held.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "", "configuration file (default $"+configEnv+", else ./"+configFile+")")
	flags.BoolVar(&a.json, "json", false, "print results as JSON")
	a.group(root, "node", "Run a node:", a.demoCmd(), a.benchCmd(), a.initCmd(), a.runCmd(), a.checkCmd(), a.reloadCmd(), a.statusCmd(), a.statementCmd(), a.delegationCmd(), a.signerCmd(), a.approverCmd())
	a.group(root, "peers", "Peers and terms:", a.peerCmd(), a.agreementCmd())
	a.group(root, "flow", "Indicators in and out:", a.publishCmd(), a.withdrawCmd(), a.reoriginateCmd(), a.aggregateCmd(), a.subscribeCmd(), a.showCmd(), a.listCmd(), a.quarantineCmd(), a.downgradeCmd())
	a.group(root, "why", "Prove and explain:", a.explainCmd(), a.policyCmd(), a.simulateCmd(), a.signCmd(), a.verifyCmd(), a.inspectCmd(), a.proofCmd(), a.auditCmd())
	a.group(root, "words", "Markings and words:", a.mapCmd(), a.schemesCmd(), a.translateCmd(), a.vocabCmd())
	root.AddCommand(a.versionCmd())
	a.wrap(root)
	return root
}

// group adds commands under a heading of the help page.
func (a *app) group(root *cobra.Command, id, title string, cmds ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, c := range cmds {
		c.GroupID = id
		root.AddCommand(c)
	}
}

// onlyGroups marks a command that does nothing itself.
const onlyGroups = "only groups"

// wrap notes, in every command, that its own code has begun: an error before
// that is one of usage. A command that only groups others asks for one of them.
func (a *app) wrap(c *cobra.Command) {
	for _, sub := range c.Commands() {
		a.wrap(sub)
	}
	if c.HasSubCommands() && c.RunE == nil {
		c.SuggestionsMinimumDistance = 2
		c.Args, c.RunE = cobra.ArbitraryArgs, askForSubcommand
		c.Annotations = map[string]string{onlyGroups: "yes"}
		return
	}
	inner := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		a.begun = true
		return inner(cmd, args)
	}
}

// askForSubcommand answers a command line that stops short of a command.
func askForSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		if !cmd.HasParent() {
			cmd.SetOut(cmd.ErrOrStderr())
			return errors.Join(cmd.Help(), errors.New("name a command"))
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return fmt.Errorf("%s: which command: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(": did you mean %s?", strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
}
