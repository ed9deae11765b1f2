package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// typSealedProperty is the typ of the JWE in a sealed property.
const typSealedProperty = "cti-property+jwe"

// propertyContext is what a sealed property is bound to: nobody can put it into
// another object, in another place or as another's.
func propertyContext(issuer, id, path string) string {
	return "entente property 1\n" + issuer + "\n" + id + "\n" + path
}

// encKeys are the ids of a participant's encryption keys.
func (w *World) encKeys(id string) []string {
	s, ok := w.Directory.Participant(id)
	if !ok {
		return nil
	}
	var kids []string
	for _, k := range s.Keys {
		if k.Purpose == directory.PurposeEnc {
			kids = append(kids, k.KID)
		}
	}
	return kids
}

// checkSeals checks that everything the source profiles seal has somebody with a
// key to be sealed to.
func (w *World) checkSeals(cfg *configs.Node, now time.Time) error {
	for _, p := range cfg.Profiles {
		for _, x := range p.Seal {
			for _, id := range append(slices.Clone(x.To), x.Via...) {
				s, ok := w.Directory.Participant(id)
				if !ok {
					return fmt.Errorf("%s: profiles.%s.seal: %s is neither a peer nor known by a statement: `entente statement add`", cfg.Path, p.Name, id)
				}
				if _, ok := s.EncKey(now); !ok {
					return fmt.Errorf("%s: profiles.%s.seal: the statement of %s has no key to encrypt to: ask for a newer one", cfg.Path, p.Name, id)
				}
			}
		}
	}
	return nil
}

// sealer encrypts what a source profile names, before an object is signed.
type sealer struct {
	world *World
	keys  *Keys
	now   time.Time
	rules []configs.Seal
	// earlier returns an object of this node's own as it was issued before, or
	// nil. An encryption is new each time, and the same version must not be
	// signed with two contents.
	earlier func(id, version string) (*stix.Object, error)
}

// shownSealed returns o as policy would see it once a source profile has sealed
// it, with nothing encrypted.
func (w *World) shownSealed(o *stix.Object, rules []configs.Seal, at time.Time) (*stix.Object, error) {
	s := &sealer{world: w, now: at, rules: rules}
	return s.each(o, func(u stix.Unit, r configs.Seal) ([]byte, error) {
		_, kids, err := s.readers(r)
		if err != nil {
			return nil, notSealed(o, u, err)
		}
		return json.Marshal(stix.Sealed{JWE: jsontext.Value("{}"), For: kids})
	})
}

// object returns o with its properties sealed. What cannot be sealed is refused:
// it never goes open instead.
func (s *sealer) object(o *stix.Object) (*stix.Object, error) {
	var before *stix.Object
	return s.each(o, func(u stix.Unit, r configs.Seal) ([]byte, error) {
		if before == nil && s.earlier != nil {
			var err error
			if before, err = s.earlier(o.ID(), o.Version()); err != nil {
				return nil, err
			}
		}
		value, err := s.value(o, u, r, before)
		if err != nil {
			return nil, notSealed(o, u, err)
		}
		return value, nil
	})
}

// notSealed refuses an object of which a property could not be sealed.
func notSealed(o *stix.Object, u stix.Unit, err error) error {
	return &federation.Refusal{Reason: federation.Unsealed, Where: o.ID() + ", " + u.Path, Detail: "the source profile wants it sealed, and that failed", Err: err}
}

// each replaces what the rules name by what seal makes of it.
func (s *sealer) each(o *stix.Object, seal func(stix.Unit, configs.Seal) ([]byte, error)) (*stix.Object, error) {
	var edits []stix.Edit
	for _, r := range s.rules {
		units := o.Units()
		at := slices.IndexFunc(units, func(u stix.Unit) bool { return u.Path == r.Property })
		if at < 0 {
			continue
		}
		u := units[at]
		if _, sealed := stix.SealedValue(u.Value); sealed {
			continue
		}
		if err := sealable(o, u); err != nil {
			return nil, err
		}
		value, err := seal(u, r)
		if err != nil {
			return nil, err
		}
		edits = append(edits, stix.Edit{Path: u.Path, Value: value})
	}
	if len(edits) == 0 {
		return o, nil
	}
	return o.With(edits...)
}

// sealable refuses to seal what receivers need to read, what others refer by, and
// what an id can be checked against.
func sealable(o *stix.Object, u stix.Unit) error {
	switch {
	case u.Fixed, u.Required, u.Container, u.Element, u.Parent >= 0 && !strings.HasPrefix(u.Path, "extensions."):
	case strings.HasSuffix(u.Name, "_ref"), strings.HasSuffix(u.Name, "_refs"):
	case slices.Contains(o.DerivedFrom(), u.Path):
	default:
		return nil
	}
	return federation.Refuse(federation.Unsealed, o.ID()+", "+u.Path,
		"the source profile wants it sealed, and this object is not valid without it, refers by it, or has an id that tells it")
}

// value seals one value, or takes what it was sealed to before.
func (s *sealer) value(o *stix.Object, u stix.Unit, r configs.Seal, before *stix.Object) ([]byte, error) {
	plain := jsontext.Value(bytes.Clone(u.Value))
	if err := plain.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return nil, err
	}
	readers, kids, err := s.readers(r)
	if err != nil {
		return nil, err
	}
	if s.keys.Enc == nil || readers[0].KID != s.keys.Enc.KeyID() {
		return nil, fmt.Errorf("keys/%s is not the encryption key in this node's statement", encKeyFile)
	}
	context := propertyContext(s.world.Node.ID, o.ID(), u.Path)
	if earlier := s.same(before, u.Path, context, plain, readers, kids); earlier != nil {
		return earlier, nil
	}
	jwe, err := directory.SealMany(typSealedProperty, context, plain, readers)
	if err != nil {
		return nil, err
	}
	return json.Marshal(stix.Sealed{JWE: jwe, For: kids})
}

// readers returns the keys that can read what a rule seals, this node's own
// first, and the ids of all who may have it.
func (s *sealer) readers(r configs.Seal) ([]directory.Key, []string, error) {
	own, ok := s.world.Own.EncKey(s.now)
	if !ok {
		return nil, nil, errors.New("this node's own statement has no key to encrypt to")
	}
	readers, kids := []directory.Key{own}, []string{own.KID}
	for i, id := range append(slices.Clone(r.To), r.Via...) {
		st, ok := s.world.Directory.Participant(id)
		if !ok {
			return nil, nil, fmt.Errorf("%s is not known", id)
		}
		k, ok := st.EncKey(s.now)
		if !ok {
			return nil, nil, fmt.Errorf("%s has no key to encrypt to", id)
		}
		kids = append(kids, k.KID)
		if i < len(r.To) {
			readers = append(readers, k)
		}
	}
	return readers, kids, nil
}

// same returns a property as it was sealed before, if it held the same for the
// same.
func (s *sealer) same(before *stix.Object, path, context string, plain []byte, readers []directory.Key, kids []string) []byte {
	if before == nil {
		return nil
	}
	raw, ok := before.Get(path)
	if !ok {
		return nil
	}
	v, ok := stix.SealedValue(raw)
	if !ok || !slices.Equal(v.For, kids) {
		return nil
	}
	got, err := directory.Readers(v.JWE, typSealedProperty)
	if err != nil || !slices.EqualFunc(got, readers, func(kid string, k directory.Key) bool { return kid == k.KID }) {
		return nil
	}
	if was, err := s.keys.Enc.OpenMany(v.JWE, typSealedProperty, context); err != nil || !bytes.Equal(was, plain) {
		return nil
	}
	return raw
}

// issuedBefore finds an object of this node's own in its log, or one of the owner
// for whom it acts.
func (n *Node) issuedBefore(ctx context.Context, owner string) func(id, version string) (*stix.Object, error) {
	return func(id, version string) (*stix.Object, error) {
		for o, err := range n.index.Objects(ctx, store.Filter{Issuer: owner, ID: id}) {
			if err != nil {
				return nil, err
			}
			if o.Version != version {
				continue
			}
			log := logReader{node: n, world: n.world.Load()}
			p, err := log.at(ctx, o.LogSeq)
			if err != nil || p == nil || p.seq != o.LogSeq || p.verified == nil {
				return nil, err
			}
			for _, it := range p.verified.Items() {
				if it.Digest == o.Digest {
					return it.Object, nil
				}
			}
		}
		return nil, nil
	}
}

// opened decrypts what of an object is sealed to this node, for its readers' eyes
// alone. It is judged in the clear first, as if it had arrived so: what this node
// may not keep it does not show either. Nothing of it is stored or passed on.
func (n *Node) opened(w *World, issuer string, o *stix.Object, defs map[string]*stix.Object) []dashboard.Opened {
	var out []dashboard.Opened
	var edits []stix.Edit
	for _, u := range o.Units() {
		v, ok := stix.SealedValue(u.Value)
		if !ok || u.Container {
			continue
		}
		x := dashboard.Opened{Path: u.Path}
		if n.keys.Enc == nil {
			x.Reason = string(federation.WrongRecipient)
		} else if plain, err := n.keys.Enc.OpenMany(v.JWE, typSealedProperty, propertyContext(issuer, o.ID(), u.Path)); err != nil {
			x.Reason = string(federation.ReasonOf(err))
		} else {
			x.Value = plain
			edits = append(edits, stix.Edit{Path: u.Path, Value: plain})
		}
		out = append(out, x)
	}
	if len(edits) == 0 {
		return out
	}
	reason := federation.Malformed
	found := map[string][]string{}
	if clear, err := o.With(edits...); err == nil {
		reason = ""
		for _, f := range stix.Categorize(clear) {
			found[f.Path] = append(found[f.Path], string(f.Category))
		}
		d := w.Bundle.DecideStore(w.Reader.Subject(issuer, [32]byte{}, clear, defs), &w.Node, n.now())
		if v := d.Verdict(); v != federation.Share && v != federation.Redact {
			reason = federation.PolicyError
			if rs := d.Reasons(); len(rs) > 0 {
				reason = rs[0].Reason
			}
		}
	}
	for i := range out {
		x := &out[i]
		switch {
		case x.Value == nil:
		case reason != "":
			x.Value, x.Reason = nil, string(reason)
		default:
			x.Categories = found[x.Path]
		}
	}
	return out
}
