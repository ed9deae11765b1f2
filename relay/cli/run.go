package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// stopTimeout is how long a node may take to end by itself. What it has
// acknowledged is on disk before that.
const stopTimeout = 20 * time.Second

// readyLine is what run prints once, when the node takes messages.
type readyLine struct {
	Ready  string `json:"ready"` // the node's id
	Leaf   string `json:"leaf,omitempty"`
	Socket string `json:"socket"`
	Peers  int    `json:"peers"`
}

func (a *app) runCmd() *cobra.Command {
	var level string
	c := &cobra.Command{
		Use:   "run",
		Short: "run the node until it is interrupted",
		Long: `Run the node until SIGINT or SIGTERM. SIGHUP makes it read its configuration,
policies and agreements again, as does "entente reload".

One line on stdout says that the node is ready. Its log goes to stderr: as JSON,
or as text on a terminal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := a.logger(level)
			if err != nil {
				return usage(err)
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			return a.runNode(cmd.Context(), cfg, logger)
		},
	}
	c.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

// logger writes text to a terminal and JSON to everything else.
func (a *app) logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: debug, info, warn or error", level)
	}
	return slog.New(logHandler(a.err, l, a.json)), nil
}

func logHandler(w io.Writer, l slog.Level, asJSON bool) slog.Handler {
	o := &slog.HandlerOptions{Level: l}
	if isTerminal(w) && !asJSON {
		return slog.NewTextHandler(w, o)
	}
	return slog.NewJSONHandler(w, o)
}

// runNode runs the node until ctx ends.
func (a *app) runNode(ctx context.Context, cfg *configs.Node, logger *slog.Logger) error {
	defer tuneMemory(a.getenv)()
	n, err := relay.New(cfg, relay.Options{Logger: logger, Now: a.now, Version: thisBuild().Version})
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	if err := n.Start(ctx); err != nil {
		return err
	}
	err = a.serve(ctx, n, cfg, hup, logger)
	// From here on a second interrupt ends the program at once.
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return errors.Join(err, n.Stop(stop))
}

// serve says that the node is ready and reloads it on SIGHUP, until ctx ends.
func (a *app) serve(ctx context.Context, n *relay.Node, cfg *configs.Node, hup <-chan os.Signal, logger *slog.Logger) error {
	if err := a.ready(n, cfg); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := n.Reload(ctx); err != nil {
				logger.Error("the reload failed; the node goes on with what it had", "error", err)
			}
		}
	}
}

// ready prints the one line that scripts wait for.
func (a *app) ready(n *relay.Node, cfg *configs.Node) error {
	r := readyLine{Ready: n.ID(), Leaf: n.LeafAddr(), Socket: relay.SocketPath(cfg), Peers: len(n.World().Peers)}
	if a.json {
		return a.printLine(r)
	}
	leaf := "dials out only"
	if r.Leaf != "" {
		leaf = "listens for peers on " + r.Leaf
	}
	a.printf("ready: %s %s, %s, commands on %s\n", r.Ready, leaf, plural(r.Peers, "peer"), r.Socket)
	return a.out.err
}
