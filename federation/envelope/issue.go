package envelope

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
)

// IssueOptions say who issues, when and with what.
type IssueOptions struct {
	// Issuer is the participant's id; Key its message key.
	Issuer string
	Key    directory.Signer
	// For is the participant on whose behalf the issuer acts as a delegate: the
	// objects are newer versions of that one's, and so is what is taken back.
	// Empty for the issuer's own.
	For string
	// Now is the time of issue; Expiry is how long afterwards the message may
	// be accepted for the first time (if zero, DefaultExpiry, and GoneExpiry for
	// what takes back).
	Now    time.Time
	Expiry time.Duration
	// Secret makes the salts: at least 32 bytes that only this node knows, the
	// same for its whole life, so that the same object always has the same
	// digest and nobody else can compute it.
	Secret []byte
	// NewID makes a message id (UUIDv7, RFC 9562).
	NewID func() string
	// Gone is what is taken back. Each goes into a message of its own, before
	// those with objects, so that it can go to exactly those who got the object:
	// a list would tell each of them how much else was taken back.
	Gone []Gone
	// Decoys fills the digests of each object's properties, and those of each
	// message's objects, up to the next multiple of so many with digests that stand
	// for nothing; 0 adds none. Such a message verifies elsewhere only once hop 0
	// lists them. Another number is another digest for the same object.
	Decoys int
}

// Refused lists the objects that cannot be issued. Nothing was issued: leave
// them out and call again.
type Refused struct {
	Objects []RefusedObject
}

// RefusedObject is one of them: its index in the call, its id and a
// *federation.Refusal.
type RefusedObject struct {
	Index int
	ID    string
	Err   error
}

// Error names the first and counts the others.
func (r *Refused) Error() string {
	if len(r.Objects) == 0 {
		return "envelope: no object was refused"
	}
	text := r.Objects[0].Err.Error()
	if n := len(r.Objects) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// Unwrap returns the refusal of each object.
func (r *Refused) Unwrap() []error {
	errs := make([]error, len(r.Objects))
	for i, o := range r.Objects {
		errs[i] = o.Err
	}
	return errs
}

// Issue signs objects as messages of at most 64 (see [MaxObjects] and the other
// limits). Objects that refer to each other stay together where they fit, in the
// given order otherwise; marking-definitions of the same call are copied into
// each message that needs them. The caller calls once for each lane and, in the
// restricted lane, for each producer, so that such material never shares a
// message with other. The results carry no hop yet. If any object cannot be
// issued the error is a *Refused, and nothing is.
func Issue(objs []*stix.Object, o IssueOptions) ([]*Verified, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := newDiscloser(o.Issuer, o.Secret)
	d.decoys = o.Decoys
	defer d.release()
	parts, err := o.disclose(d, objs)
	if err != nil {
		return nil, err
	}
	var out []*Verified
	add := func(batch []*disclosed, gone []Gone) error {
		v, err := o.message(d.room, batch, gone)
		out = append(out, v)
		return err
	}
	for gone := range slices.Chunk(o.Gone, 1) {
		if err := add(nil, gone); err != nil {
			return nil, err
		}
	}
	for _, batch := range pack(parts) {
		if err := add(batch, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// check reports what is wrong with the options: a fault of the program or its
// configuration, not of an object.
func (o *IssueOptions) check() error {
	switch {
	case !directory.ValidID(o.Issuer):
		return fmt.Errorf("issue: issuer %q is not a participant's id", o.Issuer)
	case o.Key == nil:
		return errors.New("issue: no key")
	case o.For != "" && (!directory.ValidID(o.For) || o.For == o.Issuer):
		return fmt.Errorf("issue: for %q: want the id of another participant", o.For)
	case len(o.Secret) < 32:
		return errors.New("issue: the secret for salts has less than 32 bytes")
	case o.NewID == nil:
		return errors.New("issue: no source of message ids")
	case o.Expiry < 0:
		return errors.New("issue: the expiry is negative")
	}
	if err := checkDecoys(o.Decoys); err != nil {
		return err
	}
	for _, g := range o.Gone {
		if err := g.check(); err != nil {
			return fmt.Errorf("issue: gone: %w", err)
		}
	}
	return nil
}

// disclose makes the disclosures of every object. The same object twice is
// issued once.
func (o *IssueOptions) disclose(d *discloser, objs []*stix.Object) ([]*disclosed, error) {
	var refused Refused
	parts := make([]*disclosed, 0, len(objs))
	type version struct{ id, version string }
	seen := make(map[version]*disclosed, len(objs))
	for i, obj := range objs {
		if obj == nil {
			return nil, fmt.Errorf("issue: object %d is nil", i)
		}
		part, err := d.object(obj)
		if err == nil {
			err = o.admit(part)
		}
		key := version{obj.ID(), d.version}
		if prev := seen[key]; err == nil && prev != nil {
			if prev.digest == part.digest {
				continue
			}
			err = federation.Refuse(federation.Equivocation, obj.ID(), "the same version is there with different content")
		}
		if err != nil {
			refused.Objects = append(refused.Objects, RefusedObject{Index: i, ID: obj.ID(), Err: err})
			continue
		}
		seen[key] = part
		parts = append(parts, part)
	}
	if len(refused.Objects) > 0 {
		return nil, &refused
	}
	return parts, nil
}

// admit checks one object against the clock and the limits of a message.
func (o *IssueOptions) admit(d *disclosed) error {
	if err := notYet(d.object, o.Now); err != nil {
		return err
	}
	if !fits(1, len(d.discs), d.size) {
		return federation.Refuse(federation.TooLarge, d.object.ID(),
			fmt.Sprintf("%d disclosures and %d bytes do not fit into a message", len(d.discs), d.size))
	}
	return nil
}

// message signs one batch.
func (o *IssueOptions) message(r *room, batch []*disclosed, gone []Gone) (*Verified, error) {
	expiry := o.Expiry
	switch {
	case expiry == 0 && len(gone) > 0:
		expiry = GoneExpiry
	case expiry == 0:
		expiry = DefaultExpiry
	}
	p := payload{Ver: Version, Iss: o.Issuer, For: o.For, Jti: o.NewID(), Iat: o.Now.Unix(), Exp: o.Now.Add(expiry).Unix(),
		SDAlg: "sha-256", Objects: make([]dots, len(batch))}
	size := 0
	r.all = r.all[:0]
	for i, d := range batch {
		p.Objects[i].Digest = digestString(d.digest)
		r.all = append(r.all, d.discs...)
		size += d.size
	}
	if len(batch) > 0 {
		p.Objects = padObjects(p.Objects, o.Secret, o.Decoys, o.Issuer, p.Jti)
	}
	for _, g := range gone {
		p.Gone = append(p.Gone, g.texts())
	}
	text, err := p.encode()
	if err != nil {
		return nil, err
	}
	jws, err := directory.SignJWS(typMessage, text, o.Key)
	if err != nil {
		return nil, err
	}
	all := r.byDigest()
	sd := append(make([]byte, 0, len(jws)+1+size), jws...)
	sd = append(sd, '~')
	for _, m := range all {
		sd = append(append(sd, m.text...), '~')
	}
	return o.readBack(sd, all)
}

// digestKey is the first bytes of the digest of the disclosure at an index.
type digestKey struct {
	head uint64
	at   int
}

// byDigest returns r.all in the ascending order of their digests; it is good
// until the next call. It moves keys, and each disclosure once.
func (r *room) byDigest() []made {
	r.keys, r.sorted = r.keys[:0], r.sorted[:0]
	for i := range r.all {
		r.keys = append(r.keys, digestKey{binary.BigEndian.Uint64(r.all[i].digest[:]), i})
	}
	slices.SortFunc(r.keys, func(a, b digestKey) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return compareDigests(r.all[a.at].digest, r.all[b.at].digest)
	})
	for _, k := range r.keys {
		r.sorted = append(r.sorted, r.all[k.at])
	}
	return r.sorted
}

// readBack reads our own message as a receiver would. So what others would
// refuse is never issued. Two things are not computed again, for they were made
// just now from the bytes that are read: the signature, and the digests of the
// disclosures, where the text in the message is compared with the one that was
// hashed.
func (o *IssueOptions) readBack(sd []byte, all []made) (*Verified, error) {
	m := &message{secret: o.Secret, sd: sd, head: bytes.IndexByte(sd, '~'), jws: &directory.JWS{Key: directory.Key{KID: o.Key.KeyID(), Owner: o.Issuer}}}
	if len(sd) > MaxMessage {
		return nil, federation.Refuse(federation.TooLarge, "issue", fmt.Sprintf("%d bytes, over %d", len(sd), MaxMessage))
	}
	parts := strings.Split(string(sd[:m.head]), ".")
	for i, to := range []*[]byte{&m.jws.Header, &m.jws.Payload, &m.jws.Signature} {
		part, err := directory.DecodeBase64(nil, []byte(parts[i]))
		if err != nil {
			return nil, fmt.Errorf("issue: %w", err)
		}
		*to = part
	}
	if err := m.readPayload(o.Now); err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	items, err := m.readBack(bytes.Count(sd, []byte{'~'})-1, all)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	return m.verified(sd, items), nil
}
