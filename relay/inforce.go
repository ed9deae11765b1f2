package relay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/policy"
)

// typInForce is the type of the file that says by which rules a node last
// judged, signed with its own agreement key.
const typInForce = "entente-policy+jwt"

// inForceFile lies in the data folder. What a start or a reload puts in force
// is compared with it, so that a restart is no way round what a reload refuses.
const inForceFile = "policy.jwt"

func inForcePath(cfg *configs.Node) string { return filepath.Join(cfg.Data, inForceFile) }

// recordInForce is what decides, by name, and the rules themselves, so that what comes
// after can be compared with them word for word.
type recordInForce struct {
	Version int `json:"ver"`
	stand
	Packed []byte    `json:"packed"` // see PackRules
	Since  time.Time `json:"since"`
}

// stand names everything that an activation puts in force: a digest of the
// policy bundle, one of what the configuration says of this node as facts, and
// the persons who may consent to the next one.
type stand struct {
	Policy    string         `json:"policy"`
	Settings  string         `json:"settings"`
	Approvers []approverText `json:"approvers"`
}

// approverText is a person as the configuration writes one.
type approverText struct {
	ID    string    `json:"id"`
	Key   string    `json:"key"`
	Until time.Time `json:"until,omitzero"`
}

func (s stand) same(t stand) bool { return s.text() == t.text() }

// text is the stand as JSON; it holds nothing that cannot be written so.
func (s stand) text() string {
	raw, err := json.Marshal(s)
	if err != nil {
		return "" // equal to nothing that was written
	}
	return string(raw)
}

// people are the approvers of a stand.
func (s stand) people() (*directory.Approvers, error) {
	return ApproversOf(&configs.Node{Path: inForceFile, Approvers: s.listed()})
}

// count is how many of them still may.
func (s stand) count(now time.Time) int {
	n := 0
	for _, a := range s.Approvers {
		if end := endOf(a.Until); end.IsZero() || now.Before(end) {
			n++
		}
	}
	return n
}

func (s stand) listed() []configs.Approver {
	var out []configs.Approver
	for _, a := range s.Approvers {
		out = append(out, configs.Approver{ID: a.ID, Key: a.Key, Until: configs.Date{Time: a.Until}})
	}
	return out
}

// standOf names what a bundle and a configuration put in force.
func standOf(b *policy.Bundle, node *policy.Node, cfg *configs.Node) (stand, error) {
	raw, err := json.Marshal(node)
	if err != nil {
		return stand{}, err
	}
	sum := sha256.Sum256(raw)
	s := stand{Policy: b.Digest(), Settings: hex.EncodeToString(sum[:]), Approvers: []approverText{}}
	for _, a := range cfg.Approvers {
		s.Approvers = append(s.Approvers, approverText{a.ID, a.Key, a.Until.Time})
	}
	return s, nil
}

// readInForce reads what was last in force here; nil when nothing was.
func readInForce(cfg *configs.Node, own directory.KeySource) (*recordInForce, error) {
	f := &recordInForce{}
	err := openOwn(inForcePath(cfg), typInForce, own, f)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("what was in force last is not known: %w: take the file from a backup", err)
	}
	return f, nil
}

// writeInForce notes what is in force from now on.
func (f files) writeInForce(cfg *configs.Node, s stand, packed []byte, key directory.Signer, now time.Time) error {
	raw, err := json.Marshal(recordInForce{Version: termsVersion, stand: s, Packed: packed, Since: now.UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	signed, err := directory.SignJWS(typInForce, raw, key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	return f.put(fileInForce, inForcePath(cfg), append(signed, '\n'), 0o600)
}
