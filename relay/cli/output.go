package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/translate/language"
)

// printJSON prints one value, indented, with characters such as < as they are.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printLine prints one value as one line of JSON.
func (a *app) printLine(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printf prints text to stdout. Its arguments are cleaned: they come from
// files and peers.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, cleaned(args)...) }

// painted is text that holds colours of ours and must not be cleaned.
type painted string

// cleaned makes every text among the arguments safe to show.
func cleaned(args []any) []any {
	out := make([]any, len(args))
	for i, v := range args {
		switch v := v.(type) {
		case painted:
			out[i] = string(v)
		case string:
			out[i] = clean(v)
		case error:
			out[i] = clean(v.Error())
		case fmt.Stringer:
			out[i] = clean(v.String())
		default:
			out[i] = v
		}
	}
	return out
}

// clean shows what would act on the terminal as escapes.
func clean(s string) string { return language.Visible(s) }

// table prints rows in columns; the first row is the heading.
func (a *app) table(rows [][]string) error {
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = clean(c)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// sink is where results go. It remembers the first fault of writing, so that a
// command whose results did not arrive does not end as done.
type sink struct {
	w   io.Writer
	err error
}

// Write passes on to the stream.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

// isTerminal reports whether w shows on a screen.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colours, as SGR parameters (ECMA-48 §8.3.117).
const (
	green  = "32"
	yellow = "33"
	red    = "31"
	bold   = "1"
)

// paint colours text where colours are wanted.
func (a *app) paint(colour, text string) painted {
	text = clean(text)
	if !a.colours {
		return painted(text)
	}
	return painted("\x1b[" + colour + "m" + text + "\x1b[0m")
}

// plural is "1 object" or "3 objects".
func plural[N int | uint64](n N, one string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// dash is text, or "-" where a table would have a hole.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// sortedKeys lists the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// choose completes a word from a fixed list on the shell's Tab key.
func choose(words ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// joined is a list for people.
func joined(words []string) string { return strings.Join(words, ", ") }
