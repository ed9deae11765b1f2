package integration

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// With faultConfig set, the test binary is no test but a node: it runs the
// configuration named there, and ends as if its power were cut when it comes
// to the step that faultStep names for the n-th time ("commit/after 2"), or to
// the moment before or after a write ("journal/append:before 3").
const (
	faultConfig = "ENTENTE_FAULT_CONFIG"
	faultStep   = "ENTENTE_FAULT_STEP"
)

// faultNode runs one node until it is interrupted or its step comes.
func faultNode(path, step string) error {
	cfg, err := configs.LoadNode(path)
	if err != nil {
		return err
	}
	o := relay.Options{Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	if o.Fault, err = dieAt(step); err != nil {
		return err
	}
	if hook := o.Fault; hook != nil {
		o.Write = func(name string, do func() error) error {
			hook(name + ":before")
			defer hook(name + ":after")
			return do()
		}
	}
	n, err := relay.New(cfg, o)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return n.Run(ctx)
}

// dieAt makes the hook that kills this process at a step, nil for "".
func dieAt(step string) (func(string), error) {
	if step == "" {
		return nil, nil
	}
	name, times, _ := strings.Cut(step, " ")
	left, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is %q: want a step and a number", faultStep, step)
	}
	var seen atomic.Int64
	return func(at string) {
		if at != name || seen.Add(1) != left {
			return
		}
		fmt.Fprintln(os.Stderr, "killed at "+at)
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Kill() // nothing is left to tell it to
		}
		<-time.After(time.Hour) // the signal is on its way: not one step further
	}, nil
}
