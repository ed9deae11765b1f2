package store

import (
	"bytes"
	"crypto/sha256"

	"github.com/entente-relay/entente/federation"
)

// variantRecord is the size of one object in a row of variants: digest and
// whether it was redacted.
const variantRecord = 32 + 1

// variantCacheLimit bounds the variants known in memory: those of the newest
// log entries, which all live peers are served from.
const variantCacheLimit = 20_000

// variantKey stands for the objects of one log entry that went to a peer.
// Peers of one audience get the same, and share the row.
type variantKey struct {
	seq  uint64
	hash [32]byte
}

// variant returns the row that lists the objects of a message.
func (b *batch) variant(m *SentMessage) (int64, error) {
	list := make([]byte, 0, len(m.Objects)*variantRecord)
	for i := range m.Objects {
		list = append(list, m.Objects[i].Digest[:]...)
		list = append(list, byte(boolInt(m.Objects[i].Verdict == federation.Redact)))
	}
	for i := range m.Gone {
		list = append(append(list, m.Gone[i][:]...), 0)
	}
	key := variantKey{m.LogSeq, sha256.Sum256(list)}
	if id, ok := b.variants[key]; ok {
		return id, nil
	}
	if id, ok := b.s.variants[key]; ok {
		return id, nil
	}
	id := int64(0)
	type row struct {
		id   int64
		list []byte
	}
	err := each(b, func(r scanner) (x row, err error) {
		err = r.Scan(&x.id, &x.list)
		return x, err
	}, func(x row) error {
		if bytes.Equal(x.list, list) {
			id = x.id
		}
		return nil
	}, "SELECT id, objects FROM variants WHERE seq = ?", int64(m.LogSeq))
	if err != nil {
		return 0, err
	}
	if id == 0 {
		res, err := b.exec("INSERT INTO variants (seq, objects) VALUES (?, ?)", int64(m.LogSeq), list)
		if err != nil {
			return 0, err
		}
		if id, err = res.LastInsertId(); err != nil {
			return 0, err
		}
	}
	b.variants[key] = id
	return id, nil
}

// addVariants remembers stored variants. Only writing uses them.
func (s *Store) addVariants(now map[variantKey]int64) {
	if len(s.variants)+len(now) > variantCacheLimit {
		clear(s.variants)
	}
	for k, id := range now {
		s.variants[k] = id
	}
}

// inVariant finds a digest in the list of a variant.
func inVariant(list []byte, digest *[32]byte) (federation.Verdict, bool) {
	for len(list) >= variantRecord {
		if bytes.Equal(list[:32], digest[:]) {
			if list[32] == 1 {
				return federation.Redact, true
			}
			return federation.Share, true
		}
		list = list[variantRecord:]
	}
	return "", false
}
