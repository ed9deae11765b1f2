package integration

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/stix"
)

// What stands here writes messages and hops by its own hand, from WIRE.md: a
// hostile peer does not use our code where ours would refuse.

// b64 is base64url without padding.
func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hop is what a hostile peer puts into one hop record and its root. The zero
// value of a member means the honest one.
type hop struct {
	iss, aud string
	seq      uint64
	prev     string
	sdHash   string
	iat      int64
	out      [][2]string
	ver      int
	by       directory.Signer // of the root
	rootIss  string
	path     [][]byte // instead of the right one
}

// freeIndicator is a free object with a number of its own.
func freeIndicator(n int, at time.Time) string {
	stamp := at.UTC().Add(-time.Hour).Format("2006-01-02T15:04:05.000Z")
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":%q,"modified":%q,`+
		`"name":"n","pattern":"[domain-name:value = 'host-%d.example']","pattern_type":"stix","valid_from":%q,`+
		`"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}`, n, stamp, stamp, n, stamp)
}

// issueAs makes one message of the objects, without hops, signed by key in the
// name of iss.
func issueAs(t testing.TB, iss string, key directory.Signer, at time.Time, objects ...string) string {
	t.Helper()
	var objs []*stix.Object
	for _, o := range objects {
		obj, err := stix.Parse([]byte(o))
		if err != nil {
			t.Fatal(err)
		}
		objs = append(objs, obj)
	}
	secret := sha256.Sum256([]byte("secret of " + iss))
	vs, err := envelope.Issue(objs, envelope.IssueOptions{Issuer: iss, Key: key, Now: at, Secret: secret[:],
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 1 {
		t.Fatalf("%d messages of %d objects", len(vs), len(objects))
	}
	return string(vs[0].Raw())
}

// dispatch adds one hop to each message, under one root, as the peer does that
// sends them from number first on. It returns the frame's root.
func (h *hostile) dispatch(first uint64, messages []string, spoil func(i int, h *hop)) (out [][]byte, root string) {
	h.t.Helper()
	records, hops := make([][]byte, len(messages)), make([]hop, len(messages))
	leaves := make([][]byte, len(messages))
	for i, m := range messages {
		hops[i] = hop{iss: h.id, aud: h.victim.id, seq: first + uint64(i), iat: time.Now().Unix(), ver: 1, by: h.keys.Message, rootIss: h.id,
			prev: lastElement(h.t, m), sdHash: digestOf([]byte(strings.SplitN(m, "\n", 2)[0]))}
		if spoil != nil {
			spoil(i, &hops[i])
		}
		records[i] = hops[i].record(h.t, strings.Count(m, "\n"))
		leaves[i] = hash(append([]byte("\x00cti-hop/1"), records[i]...))
	}
	last := hops[len(hops)-1]
	top := treeRoot(leaves)
	payload := fmt.Sprintf(`{"ver":%d,"iss":%q,"iat":%d,"n":%d,"root":%q}`, last.ver, last.rootIss, last.iat, len(leaves), b64(top))
	jws, err := directory.SignJWS("cti-hops+jwt", []byte(payload), last.by)
	if err != nil {
		h.t.Fatal(err)
	}
	for i, m := range messages {
		path := treePath(leaves, i)
		if hops[i].path != nil {
			path = hops[i].path
		}
		line := strings.Join([]string{b64(records[i]), strconv.Itoa(i), strconv.Itoa(len(leaves)), b64(bytes.Join(path, nil)), string(jws)}, ".")
		out = append(out, []byte(m+"\n"+line))
	}
	return out, b64(top)
}

// record is the text of a hop record, the n-th of its message.
func (h *hop) record(t testing.TB, n int) []byte {
	t.Helper()
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(struct {
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
	}{h.ver, n, h.iss, h.aud, h.iat, h.seq, h.prev, h.sdHash, "p", b64(salt), h.out})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lastElement is what the prev of the next hop of a message must be.
func lastElement(t testing.TB, m string) string {
	t.Helper()
	lines := strings.Split(m, "\n")
	parts := func(jws string) [][]byte {
		var out [][]byte
		for _, p := range strings.Split(jws, ".") {
			out = append(out, unb64(t, p))
		}
		return out
	}
	if len(lines) == 1 {
		return digestOf(element(parts(strings.SplitN(lines[0], "~", 2)[0])...))
	}
	f := strings.SplitN(lines[len(lines)-1], ".", 5)
	number := func(s string) []byte {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return binary.BigEndian.AppendUint32(nil, uint32(n))
	}
	return digestOf(element(append([][]byte{unb64(t, f[0]), number(f[1]), number(f[2]), unb64(t, f[3])}, parts(f[4])...)...))
}

// element joins the parts of an element of the chain with their lengths.
func element(parts ...[]byte) []byte {
	b := []byte("cti-element/1")
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func hash(b []byte) []byte { h := sha256.Sum256(b); return h[:] }

func digestOf(b []byte) string { return b64(hash(b)) }

// treeRoot and treePath are the tree of RFC 9162 §2.1 over leaf hashes.
func treeRoot(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	return hash(append(append([]byte{1}, treeRoot(leaves[:k])...), treeRoot(leaves[k:])...))
}

func treePath(leaves [][]byte, i int) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	if i < k {
		return append(treePath(leaves[:k], i), treeRoot(leaves[k:]))
	}
	return append(treePath(leaves[k:], i-k), treeRoot(leaves[:k]))
}
