package cli

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// token stands for the program of a hardware module. `token new KEY PUBLIC`
// makes a key, `token sign KEY [IN OUT]` signs with it, `token junk` answers
// with something else and `token fail` says why it cannot.
func token(args []string) int {
	if err := tokenDo(args); err != nil {
		fmt.Fprintln(os.Stderr, "token:", err)
		return 1
	}
	return 0
}

func tokenDo(args []string) error {
	switch args[0] {
	case "new":
		public, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return err
		}
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return err
		}
		if err := os.WriteFile(args[1], key.Seed(), 0o600); err != nil {
			return err
		}
		return os.WriteFile(args[2], pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600)
	case "junk":
		_, err := fmt.Print(strings.Repeat("x", ed25519.SignatureSize))
		return err
	case "sign":
		seed, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		key := ed25519.NewKeyFromSeed(seed)
		if len(args) == 4 {
			input, err := os.ReadFile(args[2])
			if err != nil {
				return err
			}
			return os.WriteFile(args[3], ed25519.Sign(key, input), 0o600)
		}
		input, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(ed25519.Sign(key, input))
		return err
	}
	return fmt.Errorf("the token is locked")
}

// A socket that somebody serves is not taken over, a file is not deleted, and
// nobody but its owner can connect.
func TestListenAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sign.sock")
	l, err := listenAlone(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	if _, err := listenAlone(path); err == nil || !strings.Contains(err.Error(), "served already") {
		t.Errorf("a second signer: %v", err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first one is gone: %v", err)
	} else if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := listenAlone(path)
	if err != nil {
		t.Fatalf("in place of one that was left behind: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenAlone(file); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}
