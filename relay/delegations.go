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

// typTaken is the type of the file that holds an act by which an issuer lets
// another participant act for it, or ends that.
const typTaken = "entente-delegation+jwt"

// takenAct is the content of such a file. That it was verified when it was
// taken, this node's own signature says.
type takenAct struct {
	Version int       `json:"ver"`
	Act     string    `json:"act"`
	Issuer  string    `json:"iss"`
	ID      string    `json:"jti"` // of the delegation
	End     bool      `json:"end,omitempty"`
	Taken   time.Time `json:"taken"`
}

// DelegationsDir is where delegations lie, beside the configuration.
func DelegationsDir(dir string) string { return filepath.Join(dir, "delegations") }

// TakeDelegation verifies a delegation, or the end of one, by the issuer's
// agreement key in keys, and stores it under dir, signed with this node's own
// key. One of the two results is not nil.
func TakeDelegation(dir string, raw []byte, keys directory.KeySource, own directory.Signer, now time.Time) (*directory.Delegation, *directory.Revocation, error) {
	return files{}.takeDelegation(dir, raw, keys, own, now)
}

func (f files) takeDelegation(dir string, raw []byte, keys directory.KeySource, own directory.Signer, now time.Time) (*directory.Delegation, *directory.Revocation, error) {
	raw = bytes.TrimSpace(raw)
	act := takenAct{Version: termsVersion, Act: string(raw), Taken: now.UTC().Truncate(time.Second)}
	d, err := directory.ParseDelegation(raw, keys, now)
	var end *directory.Revocation
	if err == nil {
		act.Issuer, act.ID = d.Issuer, d.ID
	} else {
		var not error
		if end, not = directory.ParseRevocation(raw, keys, now); not != nil {
			return nil, nil, err
		}
		act.Issuer, act.ID, act.End = end.Issuer, end.ID, true
	}
	payload, err := json.Marshal(act)
	if err != nil {
		return nil, nil, err
	}
	signed, err := directory.SignJWS(typTaken, payload, own)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	name := act.Issuer + "." + act.ID
	if act.End {
		name += ".end"
	}
	return d, end, f.put(fileDelegation, filepath.Join(dir, name+termsExt), append(signed, '\n'), 0o600)
}

// Delegations are the acts that this node has taken.
type Delegations struct {
	In   []*directory.Delegation
	Ends []*directory.Revocation
	// Unusable says which delegations do not count, because their issuer's key
	// is not in the directory, or is revoked. An end always counts.
	Unusable []string
}

// LoadDelegations reads the acts under dir. Each was stored with this node's own
// key, which own has; keys has those of the issuers. A folder that is not there
// holds none.
func LoadDelegations(dir string, own, keys directory.KeySource) (Delegations, error) {
	var out Delegations
	paths, err := ownFiles(dir)
	if err != nil {
		return out, err
	}
	var errs []error
	for _, path := range paths {
		act := &takenAct{}
		if err := openOwn(path, typTaken, own, act); err != nil {
			errs = append(errs, err)
			continue
		}
		if act.End {
			out.Ends = append(out.Ends, &directory.Revocation{ID: act.ID, Issuer: act.Issuer, At: act.Taken, Raw: []byte(act.Act)})
			continue
		}
		d, err := directory.ParseDelegation([]byte(act.Act), keys, act.Taken)
		if err != nil {
			out.Unusable = append(out.Unusable, fmt.Sprintf("delegation %s by %s does not count: %v", act.ID, act.Issuer, err))
			continue
		}
		out.In = append(out.In, d)
	}
	return out, errors.Join(errs...)
}
