package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/federation/directory"
)

// Arguments of a signing program that stand for files: what is to be signed,
// and where the 64-byte signature is expected.
const (
	argInput  = "{in}"
	argOutput = "{out}"
)

func (a *app) signerCmd() *cobra.Command {
	var listen, public string
	c := &cobra.Command{
		Use:   "signer --listen SOCKET --public KEY.pem -- PROGRAM [ARG...]",
		Short: "serve a key in hardware to a node, through any program that signs with it",
		Long: `Serve the message key of a node from a hardware module, or from anything else that
a program can sign with. The node names SOCKET as keys.signer and never sees the key.

For each signature PROGRAM is run once. An argument {in} is replaced by a file that
holds what is to be signed and {out} by the file for the 64-byte Ed25519 signature
(RFC 8032); without them the program reads its standard input and writes its standard
output. Every signature is checked with KEY.pem, the public key, before it is handed out.

SOCKET is made so that its owner alone can connect.`,
		Example: `  PIN=... entente signer --listen sign.sock --public message.pem -- \
    pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin env:PIN \
    --sign --mechanism EDDSA --id 01 --input-file {in} --output-file {out}`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.signer(cmd.Context(), listen, public, args) },
	}
	c.Flags().StringVar(&listen, "listen", "", "Unix socket to make")
	c.Flags().StringVar(&public, "public", "", "public Ed25519 key, PEM (RFC 8410)")
	for _, name := range []string{"listen", "public"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flag stands three lines above
		}
	}
	return c
}

// signer serves until ctx ends.
func (a *app) signer(ctx context.Context, socket, public string, program []string) error {
	key, err := readPublicKey(public)
	if err != nil {
		return usage(err)
	}
	h := &signingProgram{ctx: ctx, public: key, argv: program}
	if _, err := h.Sign([]byte("entente signer: does the program sign with this key?")); err != nil {
		return fmt.Errorf("a first signature to try: %w", err)
	}
	l, err := listenAlone(socket)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(socket) }() // one left behind is replaced by the next signer
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	kid, err := directory.Thumbprint(key)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.printf("ready: signs with key %s on %s\n", kid, socket)
	if err := directory.ServeSigner(l, h); ctx.Err() == nil {
		return err
	}
	return nil
}

// readPublicKey reads an Ed25519 public key in PEM, refusing one of low order.
func readPublicKey(path string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s: want one PEM block PUBLIC KEY (RFC 8410)", path)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := k.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s: the key is %T, messages are signed with Ed25519", path, k)
	}
	if _, err := directory.Thumbprint(key); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// listenAlone makes a Unix socket to which only its owner can connect. One that
// was left behind by a process that is gone is replaced, one that is served is not.
func listenAlone(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, fmt.Errorf("%s is there and no socket: name another path", path)
		}
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			return nil, errors.Join(fmt.Errorf("%s is served already: stop the other signer first", path), c.Close())
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// In a folder of its own until its mode is set: nobody gets in before.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".signer-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(dir) }() // empty by then, or the error below tells
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(filepath.Join(dir, "s"), 0o600), os.Rename(filepath.Join(dir, "s"), path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// signingProgram is a directory.Holder that runs a program for each signature,
// one at a time: a token has few sessions.
type signingProgram struct {
	ctx    context.Context //nolint:containedctx // lives as long as the command
	public ed25519.PublicKey
	argv   []string

	mu sync.Mutex
}

// Public returns the key that every signature is checked with.
func (p *signingProgram) Public() ed25519.PublicKey { return p.public }

// Sign runs the program over the input.
func (p *signingProgram) Sign(input []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Below the time that the node waits, so that it hears why.
	ctx, cancel := context.WithTimeout(p.ctx, directory.SignerTimeout*9/10)
	defer cancel()
	sig, err := p.run(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.argv[0], err)
	}
	if len(sig) != ed25519.SignatureSize || !ed25519.Verify(p.public, input, sig) {
		return nil, fmt.Errorf("%s: what it gave (%d bytes) is no Ed25519 signature by the public key named", p.argv[0], len(sig))
	}
	return sig, nil
}

// run gives the program its input and takes its output.
func (p *signingProgram) run(ctx context.Context, input []byte) (sig []byte, err error) {
	dir, err := os.MkdirTemp("", "entente-signer-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, input, 0o600); err != nil {
		return nil, err
	}
	argv := slices.Clone(p.argv)
	for i, arg := range argv {
		switch arg {
		case argInput:
			argv[i] = in
		case argOutput:
			argv[i] = out
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the operator names the program
	cmd.Stdin = bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	if slices.Contains(p.argv, argOutput) {
		return os.ReadFile(out)
	}
	return stdout.Bytes(), nil
}
