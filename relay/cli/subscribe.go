package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/relay/dashboard"
)

// subscribeOptions are the flags of subscribe.
type subscribeOptions struct {
	from  string
	limit int
	idle  time.Duration
}

// fromNew is what --from takes besides a number: only what comes from now on.
const fromNew = "new"

func (a *app) subscribeCmd() *cobra.Command {
	var o subscribeOptions
	c := &cobra.Command{
		Use:   "subscribe",
		Short: "follow what arrives",
		Long: `Follow every object this node takes, its own and its peers', until interrupted:
the way it came, its marking as the origin wrote it and as it is called here, what
relays removed, and its terms in the words of this node's readers. With --json one
line of JSON an object, which holds the object itself as its origin signed it. What
was taken back shows without its content, and once more where that happens.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.subscribe(cmd.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "1", `log sequence to begin at, or "new" for what comes from now on`)
	f.IntVar(&o.limit, "limit", 0, "end after so many objects (0: no limit)")
	f.DurationVar(&o.idle, "until-idle", 0, "end when nothing has come for so long, such as 5s (0: never)")
	return c
}

// errEnough ends following from inside.
var errEnough = errors.New("enough")

// subscribe follows the node until the caller, the limit or silence ends it.
func (a *app) subscribe(ctx context.Context, o subscribeOptions) error {
	if o.limit < 0 || o.idle < 0 {
		return usage(errors.New("--limit and --until-idle: write a number that is not negative"))
	}
	_, client, err := a.client()
	if err != nil {
		return err
	}
	from, err := startOf(ctx, client, o.from)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := silence(o.idle, cancel)
	n := 0
	err = client.Arrivals(ctx, from, func(x dashboard.Arrival) error {
		quiet()
		if err := a.printArrival(&x); err != nil {
			return err
		}
		if n++; o.limit > 0 && n >= o.limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		return nil // the limit, silence or the caller ended it: all that was asked for
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return errors.New("the node ended the connection: is it stopping? `entente status` tells")
	}
	return err
}

// silence calls end when the returned function has not been called for d; with
// a zero d never.
func silence(d time.Duration, end func()) func() {
	if d == 0 {
		return func() {}
	}
	t := time.AfterFunc(d, end)
	return func() { t.Reset(d) }
}

// startOf reads --from.
func startOf(ctx context.Context, client *dashboard.Client, from string) (uint64, error) {
	if from == fromNew {
		st, err := client.Status(ctx)
		return st.LogLast + 1, err
	}
	n, err := strconv.ParseUint(from, 10, 64)
	if err != nil {
		return 0, usage(fmt.Errorf("--from %q: write a log sequence such as 1, or %q", from, fromNew))
	}
	return n, nil
}

// printArrival shows one object.
func (a *app) printArrival(x *dashboard.Arrival) error {
	if a.json {
		return a.printLine(x)
	}
	if w := x.Withdrawn; w != nil {
		a.printf("%s %s\n  #%d  %s by %s at %s\n", x.At.UTC().Format(time.RFC3339), a.paint(bold, x.ID), x.Seq, w.Reason, w.By, w.At.UTC().Format(time.RFC3339))
		return a.out.err
	}
	a.printf("%s %s %s\n", x.At.UTC().Format(time.RFC3339), a.paint(bold, x.ID), nameOf(x.Object))
	a.printf("  #%d  from %s  path %s\n", x.Seq, x.Source, strings.Join(x.Path, " → "))
	a.printf("  marking %s\n", changed(x.Marking.From, x.Marking.To))
	if x.Removed > 0 {
		a.printf("  %s removed on the way\n", plural(x.Removed, "part"))
	}
	for _, n := range x.Annotations {
		a.printf("  %s: %s\n", n.Path, annotation(n))
	}
	for _, o := range x.Opened {
		if o.Value == nil {
			a.printf("  %s: sealed, not for this reader (%s)\n", o.Path, o.Reason)
			continue
		}
		a.printf("  %s: sealed, reads %s (%s)\n", o.Path, clean(string(o.Value)), strings.Join(o.Categories, ", "))
	}
	return a.out.err
}

// changed shows a marking and, if it is called otherwise here, that.
func changed(from, to string) string {
	if to == "" || from == to {
		return dash(from)
	}
	return dash(from) + " → " + to
}

// annotation says a term in the reader's words, with who says so.
func annotation(n dashboard.Annotation) string {
	where := n.Language
	if n.Scheme != "" {
		where = strings.TrimPrefix(where+", "+n.Scheme, ", ")
	}
	return fmt.Sprintf("%q is %s %q (%s, %s)", n.Original, n.Relation, n.Term, where, n.Source)
}
