package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/go-json-experiment/json"
)

// hop is a hop with the parts of its line that the chain needs.
type hop struct {
	Hop
	line   []byte
	prev   [32]byte
	sdHash [32]byte
	id     [32]byte // what the next hop's prev must be
}

// record is what a hop states; its text is a leaf of the frame's tree.
type record struct {
	Ver    int         `json:"ver"`
	N      int         `json:"n"`
	Iss    string      `json:"iss"`
	Aud    string      `json:"aud"`
	Iat    int64       `json:"iat"`
	Seq    uint64      `json:"seq"`
	Prev   string      `json:"prev"`
	SDHash string      `json:"sd_hash"`
	Pol    string      `json:"pol"`
	Sal    string      `json:"sal"`
	Out    [][2]string `json:"out,omitempty"`
	Map    [][3]string `json:"map,omitempty"`
	Tab    string      `json:"tab,omitempty"`
}

// rootPayload is what a frame's root signature covers.
type rootPayload struct {
	Ver  int    `json:"ver"`
	Iss  string `json:"iss"`
	Iat  int64  `json:"iat"`
	N    int    `json:"n"`
	Root string `json:"root"`
}

const (
	// saltBytes is the size of a record's salt, which keeps a sibling leaf from
	// being guessed.
	saltBytes = 16
	// maxText bounds the free texts of a record: pol, tab and the markings.
	maxText = 512
)

// encode returns the record's text.
func (r *record) encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("hop record: %w", err)
	}
	return text, nil
}

// encode returns the payload's text.
func (r *rootPayload) encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("hop root: %w", err)
	}
	return text, nil
}

// readHop reads one hop line: <record>.<i>.<N>.<path>.<root JWS>. at is its
// number in the chain.
func readHop(line []byte, at int, o *VerifyOptions) (*hop, error) {
	where := "hop " + strconv.Itoa(at)
	parts := bytes.SplitN(line, []byte{'.'}, 5)
	if len(parts) != 5 {
		return nil, federation.Refuse(federation.Malformed, where, "want <record>.<i>.<N>.<path>.<root JWS>")
	}
	text, err := directory.DecodeBase64(nil, parts[0])
	if err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: where + ", record", Err: err}
	}
	i, n, path, err := readPlace(parts[1], parts[2], parts[3])
	if err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: where, Err: err}
	}
	h, r, err := readRecord(text, where)
	if err != nil {
		return nil, err
	}
	root, err := o.Roots.open(parts[4], o.Keys, o.Now)
	if err != nil {
		return nil, within(where, err)
	}
	got, ok := rootOf(leafHash(text), i, n, path)
	if !ok || n != root.n || got != root.hash {
		return nil, federation.Refuse(federation.BadSignature, where, "the record is not the leaf of the signed root that it claims to be")
	}
	if r.Iss != root.iss || r.Iat != root.iat {
		return nil, federation.Refuse(federation.BadSignature, where,
			fmt.Sprintf("a record of %s at %d under a root of %s at %d", r.Iss, r.Iat, root.iss, root.iat))
	}
	h.line, h.Root = line, digestString(root.hash)
	h.id = elementHash(text, uint32Bytes(i), uint32Bytes(n), flatten(path), root.jws.Header, root.jws.Payload, root.jws.Signature)
	return h, nil
}

// readPlace reads a leaf's index, the number of leaves and the path.
func readPlace(i, n, path []byte) (index, size int, hashes [][32]byte, err error) {
	if index, err = readNumber(i); err != nil {
		return 0, 0, nil, err
	}
	if size, err = readNumber(n); err != nil {
		return 0, 0, nil, err
	}
	if size < 1 || size > MaxFrame || index >= size {
		return 0, 0, nil, fmt.Errorf("leaf %d of %d: 1 to %d leaves, counted from 0", index, size, MaxFrame)
	}
	flat, err := directory.DecodeBase64(nil, path)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("path: %w", err)
	}
	if len(flat) != 32*pathLength(index, size) {
		return 0, 0, nil, fmt.Errorf("path: %d bytes, leaf %d of %d has %d", len(flat), index, size, 32*pathLength(index, size))
	}
	for p := range slices.Chunk(flat, 32) {
		hashes = append(hashes, [32]byte(p))
	}
	return index, size, hashes, nil
}

// readNumber reads a decimal number in its one spelling.
func readNumber(text []byte) (int, error) {
	n, err := strconv.Atoi(string(text))
	if err != nil || len(text) > 4 || strconv.Itoa(n) != string(text) || n < 0 {
		return 0, fmt.Errorf("%q: want a decimal number without sign or leading zeros", text)
	}
	return n, nil
}

// readRecord reads and checks the statement itself.
func readRecord(text []byte, where string) (*hop, *record, error) {
	var r record
	if err := decodeVersioned(text, where, &r); err != nil {
		return nil, nil, err
	}
	h := &hop{Hop: Hop{N: r.N, Iss: r.Iss, Aud: r.Aud, At: time.Unix(r.Iat, 0).UTC(), Policy: r.Pol, Seq: r.Seq}}
	err := r.check()
	if err == nil {
		h.prev, err = readDigest([]byte(r.Prev))
	}
	if err == nil {
		h.sdHash, err = readDigest([]byte(r.SDHash))
	}
	if err == nil {
		err = h.readLists(&r)
	}
	if err != nil {
		return nil, nil, &federation.Refusal{Reason: federation.Malformed, Where: where, Err: err}
	}
	return h, &r, nil
}

// check reports what is wrong with the record's simple members.
func (r *record) check() error {
	salt, err := directory.DecodeBase64(nil, []byte(r.Sal))
	switch {
	case err != nil || len(salt) != saltBytes:
		return fmt.Errorf("sal: want %d bytes in base64url", saltBytes)
	case !directory.ValidID(r.Iss) || !directory.ValidID(r.Aud):
		return fmt.Errorf("iss %q, aud %q: not participants' ids", r.Iss, r.Aud)
	case r.Iat <= 0 || r.Iat > maxSeconds:
		return fmt.Errorf("iat %d", r.Iat)
	case r.Seq < 1:
		return fmt.Errorf("seq counts from 1")
	case len(r.Pol) > maxText || len(r.Tab) > maxText:
		return fmt.Errorf("pol or tab: over %d bytes", maxText)
	case (len(r.Map) > 0) != (r.Tab != ""):
		return fmt.Errorf("map and tab go together")
	}
	return nil
}

// readLists reads out and map. Both are in the ascending order of digests.
func (h *hop) readLists(r *record) error {
	for i, o := range r.Out {
		d, err := readDigest([]byte(o[0]))
		if err != nil {
			return fmt.Errorf("out: %w", err)
		}
		if o[1] != ClassPolicy && o[1] != ClassPrivacy && o[1] != ClassOrigin {
			return fmt.Errorf("out: class %q: want policy, privacy or origin", o[1])
		}
		if i > 0 && compareDigests(h.Out[i-1].Digest, d) >= 0 {
			return fmt.Errorf("out: not in ascending order, or a digest twice")
		}
		h.Out = append(h.Out, Out{Digest: d, Class: o[1]})
	}
	for i, m := range r.Map {
		d, err := readDigest([]byte(m[0]))
		if err != nil {
			return fmt.Errorf("map: %w", err)
		}
		if len(m[1]) > maxText || len(m[2]) > maxText {
			return fmt.Errorf("map: a marking over %d bytes", maxText)
		}
		if i > 0 && compareDigests(h.Map[i-1].Object, d) >= 0 {
			return fmt.Errorf("map: not in ascending order, or an object twice")
		}
		h.Map = append(h.Map, Mapped{Object: d, From: m[1], To: m[2], Table: r.Tab})
	}
	return nil
}

// elementTag separates these hashes from all others.
const elementTag = "cti-element/1"

// elementHash names an element of the chain, the origin's JWS or a hop, by its
// decoded parts and their lengths: SHA-256(tag | (length | part)...), lengths as
// 4 bytes, big-endian. So no other text of the same bytes has another name.
func elementHash(parts ...[]byte) [32]byte {
	size := len(elementTag)
	for _, p := range parts {
		size += 4 + len(p)
	}
	b := append(make([]byte, 0, size), elementTag...)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}

func uint32Bytes(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// flatten joins the hashes of a path.
func flatten(path [][32]byte) []byte {
	b := make([]byte, 0, 32*len(path))
	for _, p := range path {
		b = append(b, p[:]...)
	}
	return b
}

// hopLine returns the text of a hop.
func hopLine(text []byte, i, n int, path [][32]byte, root []byte) []byte {
	return appendHop(nil, text, i, n, path, root)
}

// hopLength is the most bytes of a hop's text, by the sizes of its parts.
func hopLength(record, path, root int) int {
	e := base64.RawURLEncoding
	return e.EncodedLen(record) + e.EncodedLen(32*path) + root + 16
}

// appendHop appends the text of a hop.
func appendHop(b, text []byte, i, n int, path [][32]byte, root []byte) []byte {
	e := base64.RawURLEncoding
	b = slices.Grow(b, hopLength(len(text), len(path), len(root)))
	b = append(directory.AppendBase64(b, text), '.')
	b = append(strconv.AppendInt(b, int64(i), 10), '.')
	b = append(strconv.AppendInt(b, int64(n), 10), '.')
	b = append(e.AppendEncode(b, flatten(path)), '.')
	return append(b, root...)
}
