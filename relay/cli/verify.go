package cli

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
)

func (a *app) verifyCmd() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "check signatures, hops and accounting of messages in a file",
		Long: `Check every message in a file, with or without hops: signatures, keys, the chain of
hops, and that everything missing was declared as removed. A line in compact form,
an object in JSON form, or an empty line, begins a new message; - is standard input.

A proof of equivocation, as the command proof prints it, is checked too: that the same
participant signed both of its messages, for one version of one object.

Keys come from the statements in the folder of --statements, else from those beside
the configuration and in the terms accepted with peers.

Exit code: 0 everything verifies, 3 anything does not, 1 the file cannot be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.verify(args[0], f) },
	}
	f.add(c)
	return c
}

// add defines the flags.
func (f *verifyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.statements, "statements", "", "folder with the statements (*.jwt) of those whose signatures count")
	c.Flags().StringVar(&f.at, "at", "", "moment to judge keys and times at, such as 2026-12-31T08:00:00Z (default now)")
}

// verified is one message as verify prints it.
type verified struct {
	Line     int       `json:"line"`
	Verified bool      `json:"verified"`
	Reason   string    `json:"reason,omitempty"` // a federation.Reason
	Error    string    `json:"error,omitempty"`
	ID       string    `json:"id,omitempty"`
	Issuer   string    `json:"issuer,omitempty"`
	Issued   time.Time `json:"issued,omitzero"`
	Expires  time.Time `json:"expires,omitzero"`
	Path     []string  `json:"path,omitempty"` // issuer, then each to whom it was passed on
	Objects  []string  `json:"objects,omitempty"`
	For      string    `json:"for,omitempty"` // on whose behalf the issuer acts
	Removed  int       `json:"removed"`       // parts that hops declare removed
	// Equivocation is what a proof of one proves.
	Equivocation *equivocation `json:"equivocation,omitempty"`
}

// equivocation is what a proof says.
type equivocation struct {
	Owner    string    `json:"owner"`
	Object   string    `json:"object"`
	Version  string    `json:"version"`
	Digests  [2]string `json:"digests"`
	Messages [2]string `json:"messages"`
}

// verify checks a file and prints a line a message.
func (a *app) verify(file string, f verifyFlags) error {
	rs, err := a.readings(file, f)
	if err != nil {
		return err
	}
	shown := make([]verified, len(rs))
	good := 0
	for i, r := range rs {
		shown[i] = showVerified(r)
		if r.err == nil {
			good++
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"messages": shown, "verified": good, "refused": len(rs) - good}); err != nil {
			return err
		}
		return verdict(rs)
	}
	for _, v := range shown {
		a.printVerified(v)
	}
	if len(rs) > 1 {
		a.printf("%s: %d verified, %d refused\n", plural(len(rs), "message"), good, len(rs)-good)
	}
	return verdict(rs)
}

func showVerified(r reading) verified {
	v := verified{Line: r.line, Verified: r.err == nil}
	if r.err != nil {
		v.Reason, v.Error = string(federation.ReasonOf(r.err)), r.err.Error()
		return v
	}
	if e := r.proof; e != nil {
		v.Issuer, v.Issued = e.Issuer, e.Issued[0]
		v.Equivocation = &equivocation{Owner: e.Owner, Object: e.ID, Version: e.Version, Messages: e.Messages}
		for i, d := range e.Digests {
			v.Equivocation.Digests[i] = base64.RawURLEncoding.EncodeToString(d[:])
		}
		return v
	}
	if r.msg.Owner() != r.msg.Issuer() {
		v.For = r.msg.Owner()
	}
	v.ID, v.Issuer, v.Issued, v.Expires = r.msg.ID(), r.msg.Issuer(), r.msg.Issued(), r.msg.Expires()
	v.Path, v.Removed = path(r.msg), len(r.msg.Missing())
	for _, it := range r.msg.Items() {
		v.Objects = append(v.Objects, it.Object.ID())
	}
	return v
}

// path is the way of a message: its issuer, then each to whom it was passed on.
func path(m *envelope.Verified) []string {
	p := []string{m.Issuer()}
	for _, h := range m.Hops() {
		p = append(p, h.Aud)
	}
	return p
}

func (a *app) printVerified(v verified) {
	if !v.Verified {
		a.printf("%s line %d: %s\n", a.paint(red, "refused"), v.Line, v.Error)
		return
	}
	if e := v.Equivocation; e != nil {
		a.printf("%s line %d: equivocation: %s signed two contents, %s and %s, for %s of %s, version %s\n", a.paint(green, "verified"), v.Line,
			v.Issuer, e.Digests[0], e.Digests[1], e.Object, e.Owner, e.Version)
		return
	}
	removed, by := "", v.Issuer
	if v.For != "" {
		by += " for " + v.For
	}
	if v.Removed > 0 {
		removed = ", " + plural(v.Removed, "part") + " removed on the way"
	}
	a.printf("%s line %d: %s of %s, %s, issued %s, path %s%s\n", a.paint(green, "verified"), v.Line, v.ID, by,
		plural(len(v.Objects), "object"), v.Issued.UTC().Format(time.RFC3339), strings.Join(v.Path, " → "), removed)
}
