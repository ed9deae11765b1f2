package directory

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// signerMode makes the test binary a signer of that kind, in a process of its own.
const signerMode = "DIRECTORY_TEST_SIGNER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(signerMode); mode != "" {
		os.Exit(signerProcess(mode, os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

// signerProcess serves on the socket until its standard input ends.
func signerProcess(mode, socket string) int {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return 1
	}
	named, other := seedKey(3), seedKey(4)
	if mode == "good" {
		go func() { _ = ServeSigner(l, named) }()
	} else {
		go misbehave(mode, l, named, other)
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// misbehave names its key as it should and answers requests to sign as it should not.
func misbehave(mode string, l net.Listener, named, other *PrivateKey) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		request, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			return
		}
		if strings.Contains(request, `"key"`) {
			_ = writeLine(c, answerSigner(strings.NewReader(request), named))
			_ = c.Close()
			continue
		}
		switch mode {
		case "other key":
			_ = writeLine(c, answerSigner(strings.NewReader(request), other))
		case "other text":
			sig, _ := named.Sign([]byte("something else"))
			_ = writeLine(c, signerAnswer{Signature: base64.RawURLEncoding.EncodeToString(sig)})
		case "short":
			_ = writeLine(c, signerAnswer{Signature: "AAAA"})
		case "empty":
			_ = writeLine(c, signerAnswer{})
		case "refuses":
			_ = writeLine(c, signerAnswer{Error: "the card is not in the reader"})
		case "garbage":
			_, _ = c.Write([]byte("hello\n"))
		case "cut off":
			_, _ = c.Write([]byte(`{"signature":"AAAA`))
		case "flood":
			_, _ = c.Write(bytes.Repeat([]byte("A"), 1<<20))
		case "dies":
			os.Exit(3)
		case "hangs":
			continue // and keeps the connection
		}
		_ = c.Close()
	}
}

func seedKey(seed byte) *PrivateKey {
	k, err := newPrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		panic(err)
	}
	return k
}

// startSigner runs a signer in a second process; stop ends it.
func startSigner(t *testing.T, mode, socket string) (stop func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], socket)
	cmd.Env = append(os.Environ(), signerMode+"="+mode)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the signer says %q: %v", line, err)
	}
	ended := false
	stop = func() {
		if !ended {
			ended = true
			_ = in.Close()
			_ = cmd.Wait() // one that was made to die says so
		}
	}
	t.Cleanup(stop)
	return stop
}

// socketPath is short: the name of a Unix socket has at most 104 bytes.
func socketPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "s")
}

// TestRemoteSigner signs by a second process, also after it was started anew.
func TestRemoteSigner(t *testing.T) {
	socket := socketPath(t)
	stop := startSigner(t, "good", socket)
	s, err := NewRemoteSigner(socket)
	if err != nil {
		t.Fatal(err)
	}
	keys, k := testRing(t)
	if s.KeyID() != k.KeyID() || !s.Key(PurposeMessage, now, now).Public.Equal(k.Public()) {
		t.Error("it names another key")
	}
	payload := []byte(strings.Repeat("x", 200<<10)) // as large as a message's
	text, err := SignJWS("cti+sd-jwt", payload, s)
	if err != nil {
		t.Fatal(err)
	}
	local, err := SignJWS("cti+sd-jwt", payload, k)
	if err != nil || !bytes.Equal(text, local) {
		t.Errorf("not what the key signs here: %v", err)
	}
	if _, err := OpenJWS(text, "cti+sd-jwt", PurposeMessage, keys, now); err != nil {
		t.Error(err)
	}
	stop()
	if out, err := SignJWS("cti+sd-jwt", payload, s); err == nil || out != nil || !strings.Contains(err.Error(), "cannot be reached, so nothing is signed") {
		t.Errorf("signed by nobody: %q, %v", out, err)
	}
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	startSigner(t, "good", socket)
	if _, err := SignJWS("cti+sd-jwt", payload, s); err != nil {
		t.Errorf("after a new start: %v", err)
	}
}

// TestRemoteSignerFails holds that whatever a signer answers or does not
// answer, nothing comes out but an error that names it.
func TestRemoteSignerFails(t *testing.T) {
	for mode, want := range map[string]string{
		"other key": "does not verify with the key", "other text": "does not verify with the key", "short": "does not verify with the key",
		"empty": "does not verify with the key", "refuses": "it refused to sign: the card is not in the reader", "garbage": "its answer to sign",
		"cut off": "no whole answer to sign", "flood": "no whole answer to sign", "dies": "no whole answer to sign", "hangs": "i/o timeout",
	} {
		t.Run(mode, func(t *testing.T) {
			socket := socketPath(t)
			startSigner(t, mode, socket)
			limit := SignerTimeout
			if mode == "hangs" {
				limit = 300 * time.Millisecond
			}
			s, err := newRemoteSigner(socket, limit)
			if err != nil {
				t.Fatal(err)
			}
			text, err := SignJWS("cti+sd-jwt", []byte("{}"), s)
			if err == nil || text != nil {
				t.Fatalf("signed: %q", text)
			}
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), socket) {
				t.Errorf("got %v, want it to say %q and where", err, want)
			}
		})
	}
	if _, err := NewRemoteSigner(filepath.Join(t.TempDir(), "nobody")); err == nil {
		t.Error("a signer that nobody is")
	}
}

// TestSignerRequests feeds the serving side what no client should send.
func TestSignerRequests(t *testing.T) {
	for _, q := range []string{"", "{}\n", "hello\n", `{"op":"export"}` + "\n", `{"op":"sign","input":"A"}` + "\n",
		`{"op":"sign","op":"key"}` + "\n", `{"op":"key","x":1}` + "\n", `{"op":"key"}`, strings.Repeat("A", maxSignerRequest+1) + "\n"} {
		if a := answerSigner(strings.NewReader(q), seedKey(3)); a.Error == "" || a.Signature != "" || a.Public != "" {
			t.Errorf("%.40q: answered %+v", q, a)
		}
	}
}

// FuzzSignerAnswer: no request makes the serving side fail or sign without being asked to.
func FuzzSignerAnswer(f *testing.F) {
	seeds := []string{`{"op":"key"}` + "\n", `{"op":"sign","input":"AAAA"}` + "\n", `{"op":"sign"}` + "\n", "{", ""}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	if a := answerSigner(strings.NewReader(seeds[1]), seedKey(3)); a.Signature == "" {
		f.Fatalf("the corpus tries nothing: %+v", a)
	}
	f.Fuzz(func(t *testing.T, q []byte) {
		a := answerSigner(bytes.NewReader(q), seedKey(3))
		if a.Signature != "" && !bytes.Contains(q, []byte("op")) {
			t.Errorf("signed for %q", q)
		}
		if a == (signerAnswer{}) {
			t.Errorf("no answer to %q", q)
		}
	})
}
