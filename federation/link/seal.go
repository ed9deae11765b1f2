package link

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// Types of what a sealed link carries: the JWS inside a sealed pull, and the two
// JWEs.
const (
	PullType         = "cti-pull+jws"
	SealedPullType   = "cti-pull+jwe"
	SealedAnswerType = "cti-answer+jwe"
)

// Kinds of what is inside, see wire.go.
const (
	kindSealedPull   = 'S'
	kindSealedAnswer = 'A'
)

// sealedPrefix begins a sealed text: the base64url of the header's {".
const sealedPrefix = "eyJ"

// SealedMaxBytes is what [DefaultMaxBytes] is where answers are sealed: base64url
// makes four characters of three bytes, and the result must fit into [MaxWire].
const SealedMaxBytes = 704 << 10

// echoSize is the size of the secret that an answer repeats, in bytes.
const echoSize = 16

// Seal closes one link against whoever runs the servers between the two nodes.
//
// A pull is signed by its sender, then encrypted to the peer; an answer (frame or
// fault) is encrypted to who asked, and repeats a secret that only the peer could
// read in the pull. So nobody between can read either, make one, or put one in
// another's place: link, direction and number are associated data. The numbers of
// pulls are the microseconds of Unix time, so they grow over a restart; a pull
// that is not newer than the last, or further than [directory.Skew] from the
// clock, is refused.
//
// What stays visible is that the two talk, when, and how much.
type Seal struct {
	// Self and Peer are the node ids of the two ends.
	Self, Peer string
	// Key opens what is encrypted to Self, To is the peer's key.
	Key *directory.EncKey
	To  directory.Key
	// Signer signs our pulls, and Keys finds the key that signed the peer's.
	Signer directory.Signer
	Keys   directory.KeySource
}

// context names a direction of a link: what and from whom to whom.
func sealContext(what, from, to string) string {
	return "entente link 1\n" + what + "\n" + from + "\n" + to
}

// asked is a pull on its way: what its answer must show.
type asked struct {
	seq  uint64
	echo []byte
}

// usable says why nothing can be sealed to the peer now, or nil.
func (s *Seal) usable(now time.Time) error {
	switch {
	case s.Key == nil || s.Signer == nil:
		return federation.Refuse(federation.Unsealed, "link with "+s.Peer, "the terms want it sealed and this node has no keys for that")
	case s.To.Enc == nil:
		return federation.Refuse(federation.Unsealed, "link with "+s.Peer, "the terms want it sealed and the peer's statement has no key to encrypt to")
	}
	return s.To.Usable(directory.PurposeEnc, now)
}

// sealPull signs and encrypts an encoded pull.
func (s *Seal) sealPull(pull []byte, seq uint64, now time.Time) ([]byte, asked, error) {
	a := asked{seq: seq, echo: make([]byte, echoSize)}
	if err := s.usable(now); err != nil {
		return nil, a, err
	}
	if _, err := rand.Read(a.echo); err != nil {
		return nil, a, err
	}
	context := sealContext("pull", s.Self, s.Peer)
	// Context and number stand in what is signed too: the peer, who can open it,
	// cannot pass it on as if it had been meant for another.
	w := begin(kindSealedPull)
	w.text(context)
	w.uint(seq)
	w.bytes(a.echo)
	w.bytes(pull)
	signed, err := directory.SignJWS(PullType, w, s.Signer)
	if err != nil {
		return nil, a, fmt.Errorf("link: pull from %s: %w", s.Peer, err)
	}
	sealed, err := directory.SealJWE(SealedPullType, directory.Place{Context: context, Seq: seq}, signed, s.To)
	if err != nil {
		return nil, a, fmt.Errorf("link: pull from %s: %w", s.Peer, err)
	}
	if len(sealed) > MaxWire {
		return nil, a, federation.Refuse(federation.TooLarge, "pull", fmt.Sprintf("%d bytes sealed, the limit is %d", len(sealed), MaxWire))
	}
	return sealed, a, nil
}

// openPull undoes sealPull, at the peer. The pull points into what was opened.
func (s *Seal) openPull(b []byte, now time.Time) ([]byte, asked, error) {
	var a asked
	if err := s.usable(now); err != nil {
		return nil, a, err
	}
	if err := checkSealed("pull", b); err != nil {
		return nil, a, err
	}
	context := sealContext("pull", s.Peer, s.Self)
	seq, signed, err := s.Key.Open(b, SealedPullType, context)
	if err != nil {
		return nil, a, err
	}
	j, err := directory.OpenJWS(signed, PullType, directory.PurposeMessage, s.Keys, now)
	if err != nil {
		return nil, a, err
	}
	if j.Key.Owner != s.Peer {
		return nil, a, federation.Refuse(federation.BadSeal, "pull", "another than the peer signed it")
	}
	r := open("sealed pull", kindSealedPull, j.Payload)
	where := r.bytes(maxContext)
	a.seq = r.uint(1 << 62)
	a.echo = r.bytes(echoSize)
	pull := r.bytes(MaxWire)
	if err := r.end(); err != nil {
		return nil, a, err
	}
	if string(where) != context || a.seq != seq || len(a.echo) != echoSize {
		return nil, a, federation.Refuse(federation.BadSeal, "pull", "it was signed for another link, direction or number")
	}
	return pull, a, nil
}

// maxContext bounds a context in bytes: two node ids and a few words.
const maxContext = 256

// sealAnswer encrypts an encoded frame or fault to who asked.
func (s *Seal) sealAnswer(answer []byte, a asked) ([]byte, error) {
	w := begin(kindSealedAnswer)
	w.bytes(a.echo)
	w.bytes(answer)
	sealed, err := directory.SealJWE(SealedAnswerType, directory.Place{Context: sealContext("answer", s.Self, s.Peer), Seq: a.seq}, w, s.To)
	if err != nil {
		return nil, fmt.Errorf("link: answer to %s: %w", s.Peer, err)
	}
	if len(sealed) > MaxWire {
		return nil, federation.Refuse(federation.TooLarge, "frame", fmt.Sprintf("%d bytes sealed, the limit is %d", len(sealed), MaxWire))
	}
	return sealed, nil
}

// openAnswer undoes sealAnswer, for the pull that was asked.
func (s *Seal) openAnswer(b []byte, a asked) ([]byte, error) {
	if err := checkSealed("answer", b); err != nil {
		return nil, err
	}
	seq, plain, err := s.Key.Open(b, SealedAnswerType, sealContext("answer", s.Peer, s.Self))
	if err != nil {
		return nil, err
	}
	r := open("sealed answer", kindSealedAnswer, plain)
	echo := r.bytes(echoSize)
	answer := r.bytes(MaxWire)
	if err := r.end(); err != nil {
		return nil, err
	}
	if seq != a.seq || subtle.ConstantTimeCompare(echo, a.echo) != 1 {
		return nil, federation.Refuse(federation.BadSeal, "answer", "it is not the answer to this pull")
	}
	return answer, nil
}

// checkSealed refuses what came open, and what is too large to be looked at.
func checkSealed(what string, b []byte) error {
	switch {
	case len(b) > MaxWire:
		return federation.Refuse(federation.TooLarge, what, fmt.Sprintf("%d bytes, the limit is %d", len(b), MaxWire))
	case !bytes.HasPrefix(b, []byte(magic)):
		return nil
	}
	detail := "it came open, and the terms with the peer want it sealed"
	if len(b) > 2 && b[2] == kindFault {
		// Whoever runs the servers could have written this: it is shown, and
		// nothing is done upon it.
		detail += "; it says: " + decodeFault(b).Error()
	}
	r := federation.Refuse(federation.Unsealed, what, clean(detail))
	r.Hint = "let both sides accept each other with the same --seal"
	return r
}
