package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/federation/directory"
)

// typKnown is the type of the file that holds the statement of a participant
// this node knows but has no link with: an origin whose objects come by way
// of others.
const typKnown = "entente-participant+jwt"

// known is the content of such a file.
type known struct {
	Version   int       `json:"ver"`
	Statement string    `json:"statement"`
	Accepted  time.Time `json:"accepted"`
}

// StatementsDir is where the statements of known participants lie, beside the
// configuration.
func StatementsDir(dir string) string { return filepath.Join(dir, "statements") }

// KnowParticipant stores a participant's statement under dir, signed with
// this node's own key, so that its signature is recognised from now on.
// Somebody has compared its fingerprint with the participant before.
func KnowParticipant(dir string, statement []byte, key directory.Signer, now time.Time) (*directory.Statement, error) {
	return files{}.knowParticipant(dir, statement, key, now)
}

func (f files) knowParticipant(dir string, statement []byte, key directory.Signer, now time.Time) (*directory.Statement, error) {
	statement = bytes.TrimSpace(statement)
	s, err := directory.ParseStatement(statement, now)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(known{Version: termsVersion, Statement: string(statement), Accepted: now.UTC().Truncate(time.Second)})
	if err != nil {
		return nil, err
	}
	signed, err := directory.SignJWS(typKnown, raw, key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return s, f.put(fileParticipant, filepath.Join(dir, s.ID+termsExt), append(signed, '\n'), 0o600)
}

// ForgetParticipant takes a participant's statement away again. It fails when
// there is none.
func ForgetParticipant(dir, id string) error { return files{}.forgetParticipant(dir, id) }

func (f files) forgetParticipant(dir, id string) error {
	was, err := f.remove(fileForgotten, filepath.Join(dir, id+termsExt))
	if err == nil && !was {
		return fmt.Errorf("%s is not known by a statement of its own: `entente statement list` shows who is", id)
	}
	return err
}

// LoadParticipants reads the statements under dir; own is this node's own
// agreement key, by which each was stored. A folder that is not there holds
// none.
func LoadParticipants(dir string, own directory.KeySource) ([]*directory.Statement, error) {
	paths, err := ownFiles(dir)
	if err != nil {
		return nil, err
	}
	var out []*directory.Statement
	var errs []error
	for _, path := range paths {
		s, err := loadParticipant(path, own)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

func loadParticipant(path string, own directory.KeySource) (*directory.Statement, error) {
	k := &known{}
	if err := openOwn(path, typKnown, own, k); err != nil {
		return nil, err
	}
	s, err := directory.ParseStatement([]byte(k.Statement), k.Accepted)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
