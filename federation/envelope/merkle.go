package envelope

import (
	"crypto/sha256"
	"math/bits"
)

// The tree over the hop records of a frame is that of RFC 9162 §2.1 (Certificate
// Transparency): for n leaves it splits at the largest power of two below n.
// Leaves and nodes are told apart by their first byte, and a leaf says what it
// is a leaf of.

// leafTag separates our leaves from those of any other tree.
const leafTag = "cti-hop/1"

// leafHash returns SHA-256(0x00 | "cti-hop/1" | record).
func leafHash(record []byte) [32]byte {
	return sha256.Sum256(append(beginLeaf(make([]byte, 0, 1+len(leafTag)+len(record))), record...))
}

// beginLeaf appends what is hashed of a leaf before its record.
func beginLeaf(b []byte) []byte { return append(append(b, 0), leafTag...) }

// nodeHash returns SHA-256(0x01 | left | right).
func nodeHash(l, r [32]byte) [32]byte {
	var buf [65]byte
	buf[0] = 1
	copy(buf[1:], l[:])
	copy(buf[33:], r[:])
	return sha256.Sum256(buf[:])
}

// split returns the largest power of two below n, which is at least 2.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// tree returns the root over at least one leaf, and the path of each leaf: the
// hashes beside the way from the leaf up to the root.
func tree(leaves [][32]byte) (root [32]byte, paths [][][32]byte) {
	n := len(leaves)
	depth := bits.Len(uint(n - 1)) // of the longest
	paths = make([][][32]byte, n)
	hashes := make([][32]byte, n*depth)
	for i := range paths {
		paths[i] = hashes[i*depth : i*depth : (i+1)*depth]
	}
	return subtree(leaves, paths), paths
}

// subtree returns the root over some leaves, and adds what is beside it to their
// paths.
func subtree(leaves [][32]byte, paths [][][32]byte) [32]byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	l, r := subtree(leaves[:k], paths[:k]), subtree(leaves[k:], paths[k:])
	for i := range paths {
		if i < k {
			paths[i] = append(paths[i], r)
		} else {
			paths[i] = append(paths[i], l)
		}
	}
	return nodeHash(l, r)
}

// pathLength returns how many hashes the path of leaf i of n has.
func pathLength(i, n int) int {
	length := 0
	for n > 1 {
		k := split(n)
		if i < k {
			n = k
		} else {
			i, n = i-k, n-k
		}
		length++
	}
	return length
}

// rootOf computes the root from leaf i of n and its path. It fails when the
// path has not exactly the length that i and n ask for.
func rootOf(leaf [32]byte, i, n int, path [][32]byte) (root [32]byte, ok bool) {
	if i < 0 || i >= n || len(path) != pathLength(i, n) {
		return root, false
	}
	return climb(leaf, i, n, path), true
}

// climb walks down to the leaf and hashes on the way back up.
func climb(leaf [32]byte, i, n int, path [][32]byte) [32]byte {
	if n == 1 {
		return leaf
	}
	k, last := split(n), len(path)-1
	if i < k {
		return nodeHash(climb(leaf, i, k, path[:last]), path[last])
	}
	return nodeHash(path[last], climb(leaf, i-k, n-k, path[:last]))
}
