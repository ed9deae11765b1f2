package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// A decoy is a digest that stands for nothing. It keeps from a receiver how many
// properties, or objects, it does not get: hop 0 lists decoys and removals alike.
// One's own are told from a hole by the secret that made them; without it a decoy
// is as random as any other digest.

// Bounds of IssueOptions.Decoys. Beyond, the lists of hop 0 would not fit.
const (
	minDecoys = 2
	maxDecoys = 8
)

// checkDecoys reports what is wrong with a step.
func checkDecoys(step int) error {
	if step != 0 && (step < minDecoys || step > maxDecoys) {
		return fmt.Errorf("issue: decoys up to a multiple of %d: 0 makes none, else %d to %d", step, minDecoys, maxDecoys)
	}
	return nil
}

// padding is how many decoys fill n digests up to the next multiple of step. There
// is always one: where nothing is missing, that could be seen.
func padding(n, step int) int {
	if step == 0 {
		return 0
	}
	return step - n%step
}

// decoy makes the i-th decoy of a place: 16 bytes that follow from the place, and
// 16 that follow from those. So the same object has the same decoys each time.
func decoy(secret []byte, i int, place ...string) (d [32]byte) {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("entente decoy 1"))
	for _, p := range append(place, fmt.Sprint(i)) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		mac.Write([]byte(p))
	}
	copy(d[:16], mac.Sum(nil))
	copy(d[16:], decoyTag(secret, d[:16]))
	return d
}

func decoyTag(secret, head []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("entente decoy 1 tag"))
	mac.Write(head)
	return mac.Sum(nil)[:16]
}

// isDecoy reports whether the owner of a secret made a digest as a decoy.
func isDecoy(secret []byte, d [32]byte) bool {
	return len(secret) > 0 && hmac.Equal(decoyTag(secret, d[:16]), d[16:])
}

// padObjects strews decoys among the digests of a message's objects, whose order
// stays; where, follows from the decoys.
func padObjects(objects []dots, secret []byte, step int, issuer, jti string) []dots {
	for i := range min(padding(len(objects), step), MaxObjects-len(objects)) {
		d := decoy(secret, i, issuer, jti)
		at := int(d[0]) % (len(objects) + 1)
		objects = slices.Insert(objects, at, dots{digestString(d)})
	}
	return objects
}

// decoyed lists the decoys of what is left of a message, for hop 0.
func (c *Cleared) decoyed(removed []bool) {
	m := c.v.m
	if len(m.decoys) == 0 {
		return
	}
	for _, h := range m.decoys {
		if h.item >= 0 && removed != nil && removed[m.order[m.items[h.item].from]] {
			continue // it went with its object, which is listed
		}
		c.out = append(c.out, Out{Digest: h.digest, Class: ClassOrigin})
	}
	// A class of its own would tell a removal from a decoy: all that hop 0 lists
	// is the origin's doing.
	for i := range c.out {
		c.out[i].Class = ClassOrigin
	}
}
