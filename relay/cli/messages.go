package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay"
	"github.com/go-json-experiment/json/jsontext"
)

// text is one message as it stands in a file.
type text struct {
	line int // where it begins, from 1
	raw  []byte
}

// messagesIn divides a file into messages. A message is one line in compact
// form, with a ~ (RFC 9901 §4), and the lines of its hops, which have none; or
// an object in JSON form, from the line that begins with { to the one in which
// it ends. The next of either, or an empty line, begins another.
func messagesIn(data []byte) []text {
	var out []text
	open := false
	for n, at := 1, 0; at < len(data); {
		size := lineAt(data[at:])
		line := bytes.TrimSpace(data[at : at+size])
		if bytes.HasPrefix(line, []byte("{")) {
			size = objectAt(data[at:])
			line = bytes.TrimSpace(data[at : at+size])
		}
		switch {
		case bytes.HasPrefix(line, []byte("{")):
			out, open = append(out, text{line: n, raw: bytes.Clone(line)}), false
		case len(line) == 0:
			open = false
		case open && !bytes.Contains(line, []byte("~")):
			last := &out[len(out)-1]
			last.raw = append(append(last.raw, '\n'), line...)
		default:
			out, open = append(out, text{line: n, raw: bytes.Clone(line)}), true
		}
		n, at = n+bytes.Count(data[at:at+size], []byte("\n")), at+size
	}
	return out
}

// lineAt is the length of the line that data begins with, its end included.
func lineAt(data []byte) int {
	if n := bytes.IndexByte(data, '\n'); n >= 0 {
		return n + 1
	}
	return len(data)
}

// objectAt is the length of the lines that the JSON object at the beginning of
// data stands on; all of data if it is none, since nothing then says where
// another message begins.
func objectAt(data []byte) int {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := d.SkipValue(); err != nil {
		return len(data)
	}
	end := int(d.InputOffset())
	return end + lineAt(data[end:])
}

// verify checks one message in either form.
func (t text) verify(o envelope.VerifyOptions) (*envelope.Verified, error) {
	raw := t.raw
	if bytes.HasPrefix(raw, []byte("{")) {
		var err error
		if raw, err = envelope.FromJSON(raw); err != nil {
			return nil, err
		}
	}
	return envelope.Verify(raw, o)
}

// reading is one message of a file with what became of it: either verified, or
// an error that says why not.
type reading struct {
	line  int
	msg   *envelope.Verified
	proof *envelope.Equivocation // in place of a message
	err   error
}

// verifyFlags are those of verify and inspect.
type verifyFlags struct{ statements, at string }

// readings verifies every message of a file.
func (a *app) readings(file string, f verifyFlags) ([]reading, error) {
	at, err := a.moment("at", f.at)
	if err != nil {
		return nil, err
	}
	keys, err := a.keys(f.statements, at)
	if err != nil {
		return nil, err
	}
	data, err := a.read(file)
	if err != nil {
		return nil, err
	}
	texts := messagesIn(data)
	if len(texts) == 0 {
		return nil, federation.Refuse(federation.Malformed, displayName(file), "holds no message")
	}
	roots := envelope.NewRootCache(len(texts))
	out := make([]reading, len(texts))
	for i, t := range texts {
		out[i].line = t.line
		if envelope.IsProof(t.raw) {
			out[i].proof, out[i].err = envelope.CheckEquivocation(t.raw, keys, at)
			continue
		}
		out[i].msg, out[i].err = t.verify(envelope.VerifyOptions{Keys: keys, Now: at, Roots: roots})
	}
	return out, nil
}

// verdict is the exit of a command that read messages: refused if any of them
// does not verify.
func verdict(rs []reading) error {
	for _, r := range rs {
		if r.err != nil {
			return ends(exitRefused)
		}
	}
	return nil
}

// keys gathers the statements to verify by: those in dir, else those in the
// terms accepted with peers and those beside the configuration. Whether a key
// counted at the moment asked for is judged with each signature.
func (a *app) keys(dir string, at time.Time) (*directory.Directory, error) {
	known := map[string]*directory.Statement{}
	if dir == "" {
		cfg, err := a.loadIfAny()
		if err != nil {
			return nil, err
		}
		if cfg == nil {
			return nil, usage(errors.New("no statements to verify by: name their folder with --statements, or a configuration with --config"))
		}
		dir = filepath.Dir(cfg.Path)
		a.accepted(dir, known)
	}
	if err := a.statementsIn(dir, at, known); err != nil {
		return nil, err
	}
	all := make([]*directory.Statement, 0, len(known))
	for _, id := range sortedKeys(known) {
		all = append(all, known[id])
	}
	d, err := directory.New(all...)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", dir, err))
	}
	return d, nil
}

// accepted adds this node's own statement, those of its peers and those of the
// origins it knows. What cannot be
// read is said and left out: then its keys are unknown, and what they signed
// does not verify.
func (a *app) accepted(dir string, known map[string]*directory.Statement) {
	peers, own, err := loadPeers(dir, a.now())
	var origins []*directory.Statement
	if own != nil {
		known[own.ID] = own
		var others error
		origins, others = loadOrigins(dir, own)
		err = errors.Join(err, others)
	}
	if err != nil {
		a.complain(err)
		a.say("verifying without them")
	}
	for _, s := range origins {
		known[s.ID] = s
	}
	for _, p := range peers {
		if p.Statement != nil {
			known[p.Statement.ID] = p.Statement
		}
	}
}

// loadOrigins reads the statements of participants known without a link.
func loadOrigins(dir string, own *directory.Statement) ([]*directory.Statement, error) {
	keys, err := directory.New(own)
	if err != nil {
		return nil, err
	}
	return relay.LoadParticipants(relay.StatementsDir(dir), keys)
}

// loadPeers reads the node's own statement and the terms it signed, both in
// the folder of its configuration.
func loadPeers(dir string, now time.Time) ([]*relay.Peer, *directory.Statement, error) {
	own, err := readStatement(filepath.Join(dir, relay.StatementFile), now)
	if err != nil {
		return nil, nil, err
	}
	keys, err := directory.New(own)
	if err != nil {
		return nil, own, err
	}
	peers, err := relay.LoadPeers(relay.AgreementsDir(dir), keys)
	return peers, own, err
}

// statementsIn adds the statements in a folder. What two people compared, the
// accepted terms, goes before a file that lies about; of several files the
// highest version counts. What cannot be read is said and left out.
func (a *app) statementsIn(dir string, at time.Time, known map[string]*directory.Statement) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	compared := sortedKeys(known)
	for _, f := range files {
		if f.IsDir() || !strings.HasSuffix(f.Name(), ".jwt") {
			continue
		}
		file := filepath.Join(dir, f.Name())
		s, err := readStatement(file, at)
		if err != nil {
			// Issued since, or lapsed since: its keys are judged at the moment
			// asked for all the same.
			s, err = readStatement(file, a.now())
		}
		if err != nil {
			a.say("%s: left out", err.Error())
			continue
		}
		if old, ok := known[s.ID]; slices.Contains(compared, s.ID) || ok && old.Version >= s.Version {
			continue
		}
		known[s.ID] = s
	}
	return nil
}
