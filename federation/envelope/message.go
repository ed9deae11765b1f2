package envelope

import (
	"crypto/sha256"
	"time"

	"github.com/entente-relay/entente/federation/stix"
)

// Verified is a message whose signatures, hops and accounting hold. Only
// [Verify], [Issue] and [Drop] make one; it is immutable and safe for use by
// several goroutines. The zero value is empty and refused by [Redact].
//
// It keeps the text it was read from and, beside it, about one and a half times
// as much: the objects, the digests and where each disclosure stands. Nothing of
// it lies in memory that is used again.
type Verified struct {
	m     *message
	raw   []byte // the whole text
	items []Item
	hops  []Hop
}

// Item is one object of a message.
type Item struct {
	// Digest is the SHA-256 of the object's disclosure: with the owner, the
	// object's identity. It is the same in every variant of the message.
	Digest [32]byte
	// Object is what the disclosures that are still there make up. It has bytes
	// of its own: who keeps it alone keeps nothing of the message.
	Object *stix.Object
}

// Reasons for which an issuer takes an object back.
const (
	GoneSuperseded = "superseded" // a newer version replaces it
	GoneLowered    = "lowered"    // a newer version replaces it that is marked lower, by the act that goes with it
	GoneWithdrawn  = "withdrawn"  // it no longer holds
	GoneSpill      = "spill"      // it should never have been sent: erase it
)

// Gone names an object that its issuer takes back, by the digest under which it
// was issued: only who has the object learns anything from it.
type Gone struct {
	Digest [32]byte
	Reason string
	// Act is, with GoneLowered and with nothing else, the originator's compact
	// JWS that lets the newer version be marked lower (directory.ParseDowngrade).
	Act string
}

// Wire classes of a removal: all that others learn about why.
const (
	ClassPolicy  = "policy"
	ClassPrivacy = "privacy"
	ClassOrigin  = "origin"
)

// Out is one disclosure that a relay took out, with all below it.
type Out struct {
	Digest [32]byte
	Class  string // ClassPolicy, ClassPrivacy or ClassOrigin
}

// Mapped is a relay's statement on how an object's marking reads in the next
// participant's scheme. It never changes the object.
type Mapped struct {
	Object   [32]byte // digest of the object
	From, To string   // the marking as the origin wrote it, and as mapped
	Table    string   // version of the tables that were used
}

// Hop is what one participant signed when it passed the message on.
type Hop struct {
	// N counts from 0, the issuer's own dispatch.
	N int
	// Iss passed it on to Aud at At.
	Iss, Aud string
	At       time.Time
	// Out is what Iss took out; Map what it states on markings.
	Out []Out
	Map []Mapped
	// Policy is the digest of the policy bundle that decided, base64url.
	Policy string
	// Seq is the message's number on the link from Iss to Aud.
	Seq uint64
	// Root is the root of the frame's tree, base64url: the frame's name.
	Root string
}

// Missing is a digest in a message that stands for something taken out.
type Missing struct {
	// Object is the id of the object it was a part of, or "" for an object.
	Object string
	// In is the path of the part that held it ("" for the object itself).
	In string
	// Out says who removed it: the hop's N and the class it gave.
	Hop int
	Out
}

// msg returns the message inside, an empty one for the zero value.
func (v *Verified) msg() *message {
	if !v.valid() {
		return &message{}
	}
	return v.m
}

// valid reports whether v was made by this package.
func (v *Verified) valid() bool { return v != nil && v.m != nil }

// Issuer returns the participant that signed the message.
func (v *Verified) Issuer() string { return v.msg().issuer }

// Owner returns the participant whose objects the message is about: its issuer,
// or the one on whose behalf the issuer acts as a delegate. An object is known
// by its owner and its id. Verify does not judge whether the issuer may act for
// the owner: the directory does ([directory.Directory.MayAct]).
func (v *Verified) Owner() string { return v.msg().owner }

// ID returns the message's id (jti).
func (v *Verified) ID() string { return v.msg().id }

// KeyID returns the id of the key that signed the message.
func (v *Verified) KeyID() string {
	if j := v.msg().jws; j != nil {
		return j.Key.KID
	}
	return ""
}

// Issued returns when the message was signed, by its issuer's clock.
func (v *Verified) Issued() time.Time { return v.msg().issued }

// Expires returns the last moment at which a node may accept the message for
// the first time. It says nothing about how long its objects are valid.
func (v *Verified) Expires() time.Time { return v.msg().expires }

// Items returns the objects that are in this variant, in the issuer's order.
// The caller must not change the slice.
func (v *Verified) Items() []Item { return v.items }

// Gone returns what the issuer takes back. The caller must not change it.
func (v *Verified) Gone() []Gone { return v.msg().gone }

// Hops returns the hops, the issuer's dispatch first; none for a message that
// was issued here. The caller must not change them.
func (v *Verified) Hops() []Hop { return v.hops }

// Raw returns the message's text, to be stored. The caller must not change it.
func (v *Verified) Raw() []byte { return v.raw }

// Digest returns the SHA-256 of the text. Every variant has another one.
func (v *Verified) Digest() [32]byte { return sha256.Sum256(v.raw) }

// Missing returns what was taken out on the way and can still be seen to be
// missing (what was below something taken out cannot), in the order met.
func (v *Verified) Missing() []Missing {
	m := v.msg()
	by := map[[32]byte]Missing{}
	for _, h := range m.hops {
		for _, o := range h.Out {
			by[o.Digest] = Missing{Hop: h.N, Out: o}
		}
	}
	out := make([]Missing, 0, len(m.missing))
	for _, h := range m.missing {
		x, ok := by[h.digest]
		if !ok { // taken out by this node itself
			x = Missing{Hop: len(m.hops), Out: Out{Digest: h.digest, Class: ClassPolicy}}
		}
		if h.item >= 0 {
			x.Object, x.In = v.items[h.item].Object.ID(), h.place.container()
		}
		out = append(out, x)
	}
	return out
}
