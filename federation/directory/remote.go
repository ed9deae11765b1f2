package directory

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-json-experiment/json"
)

// The protocol of an opaque signer: a program that holds a key, such as one in
// front of a hardware module, listens on a Unix socket. Each connection carries
// one line of JSON either way, and is closed.
//
//	{"op":"key"}                     {"public":"<32 bytes, base64url>"}
//	{"op":"sign","input":"<bytes>"}  {"signature":"<64 bytes, base64url>"}
//
// An answer {"error":"..."} says why not. The signature is pure Ed25519 (RFC 8032)
// over the bytes of input. Who may connect is for the permissions of the
// socket's folder to say.
const (
	opKey  = "key"
	opSign = "sign"

	// maxSignerRequest bounds a request and maxSignerAnswer an answer, in bytes.
	// What is signed is at most a message's issuer JWS.
	maxSignerRequest = 512 << 10
	maxSignerAnswer  = 4 << 10
)

// SignerTimeout bounds each request to an opaque signer.
const SignerTimeout = 5 * time.Second

type signerRequest struct {
	Op    string `json:"op"`
	Input string `json:"input,omitempty"`
}

type signerAnswer struct {
	Public    string `json:"public,omitempty"`
	Signature string `json:"signature,omitempty"`
	Error     string `json:"error,omitempty"`
}

// RemoteSigner is a Signer whose key another process holds. Its key is the one
// that the process named first: an answer that is no signature by that key over
// what was asked is an error, so that nothing unsigned, or signed by another
// key, goes out. It is safe for use by several goroutines, and goes on when the
// process was started anew.
type RemoteSigner struct {
	path    string
	timeout time.Duration
	pub     ed25519.PublicKey
	kid     string
}

// NewRemoteSigner asks the process at the Unix socket path for its key.
func NewRemoteSigner(path string) (*RemoteSigner, error) {
	return newRemoteSigner(path, SignerTimeout)
}

func newRemoteSigner(path string, timeout time.Duration) (*RemoteSigner, error) {
	s := &RemoteSigner{path: path, timeout: timeout}
	a, err := s.ask(signerRequest{Op: opKey})
	if err != nil {
		return nil, err
	}
	if s.pub, err = DecodeBase64(nil, []byte(a.Public)); err != nil {
		return nil, s.fail("its key", err)
	}
	if s.kid, err = Thumbprint(s.pub); err != nil {
		return nil, s.fail("its key", err)
	}
	return s, nil
}

// KeyID returns the key's RFC 7638 thumbprint.
func (s *RemoteSigner) KeyID() string { return s.kid }

// Key describes the public half, for a statement.
func (s *RemoteSigner) Key(purpose string, notBefore, notAfter time.Time) Key {
	return Key{KID: s.kid, Public: s.pub, Alg: AlgEdDSA, Purpose: purpose, NotBefore: notBefore, NotAfter: notAfter}
}

// Sign returns the 64-byte signature over the given bytes.
func (s *RemoteSigner) Sign(signingInput []byte) ([]byte, error) {
	a, err := s.ask(signerRequest{Op: opSign, Input: base64.RawURLEncoding.EncodeToString(signingInput)})
	if err != nil {
		return nil, err
	}
	sig, err := DecodeBase64(nil, []byte(a.Signature))
	if err != nil {
		return nil, s.fail("its signature", err)
	}
	if !ed25519.Verify(s.pub, signingInput, sig) {
		return nil, s.fail("its signature", fmt.Errorf("does not verify with the key %s it named: it holds another key, or is not what it should be", s.kid))
	}
	return sig, nil
}

// ask makes one request on a connection of its own.
func (s *RemoteSigner) ask(q signerRequest) (a signerAnswer, err error) {
	c, err := net.DialTimeout("unix", s.path, s.timeout)
	if err != nil {
		return a, s.fail("it cannot be reached, so nothing is signed", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return a, s.fail(q.Op, err)
	}
	if err := writeLine(c, &q); err != nil {
		return a, s.fail("asked for "+q.Op, err)
	}
	line, err := readLine(c, maxSignerAnswer)
	if err != nil {
		return a, s.fail("no whole answer to "+q.Op, err)
	}
	if err := json.Unmarshal(line, &a, json.RejectUnknownMembers(true)); err != nil {
		return a, s.fail("its answer to "+q.Op, err)
	}
	if a.Error != "" {
		return a, s.fail("it refused to "+q.Op, errors.New(a.Error))
	}
	return a, nil
}

func (s *RemoteSigner) fail(what string, err error) error {
	return fmt.Errorf("signer %s: %s: %w", s.path, what, err)
}

// writeLine writes v as one line of JSON.
func writeLine(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// readLine reads one line of at most limit bytes.
func readLine(r io.Reader, limit int) ([]byte, error) {
	line, err := bufio.NewReader(io.LimitReader(r, int64(limit))).ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the line has no end within %d bytes: %w", limit, io.ErrUnexpectedEOF)
	}
	return line, err
}

// Holder is what an opaque signer serves: a key in memory, or one in hardware.
// Sign must give pure Ed25519 (RFC 8032) over the bytes; it may be called by
// several goroutines.
type Holder interface {
	Public() ed25519.PublicKey
	Sign(input []byte) ([]byte, error)
}

// ServeSigner answers requests on l with a key's signatures until l is closed,
// whose error it returns.
func ServeSigner(l net.Listener, k Holder) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			// A client that is gone learns nothing from an error; it fails by itself.
			defer func() { _ = c.Close() }()
			if c.SetDeadline(time.Now().Add(SignerTimeout)) == nil {
				_ = writeLine(c, answerSigner(c, k))
			}
		}()
	}
}

// answerSigner reads a request and answers it.
func answerSigner(r io.Reader, k Holder) signerAnswer {
	line, err := readLine(r, maxSignerRequest)
	if err != nil {
		return signerAnswer{Error: err.Error()}
	}
	var q signerRequest
	if err := json.Unmarshal(line, &q, json.RejectUnknownMembers(true)); err != nil {
		return signerAnswer{Error: err.Error()}
	}
	switch q.Op {
	case opKey:
		return signerAnswer{Public: base64.RawURLEncoding.EncodeToString(k.Public())}
	case opSign:
		input, err := DecodeBase64(nil, []byte(q.Input))
		if err != nil {
			return signerAnswer{Error: err.Error()}
		}
		sig, err := k.Sign(input)
		if err != nil {
			return signerAnswer{Error: err.Error()}
		}
		return signerAnswer{Signature: base64.RawURLEncoding.EncodeToString(sig)}
	}
	return signerAnswer{Error: fmt.Sprintf("unknown op %q", q.Op)}
}
