package store

import (
	"context"
	"time"
)

// Proof is an equivocation that a log entry proves by two signatures: of one
// version of one object there are two contents.
type Proof struct {
	Issuer  string // whose object it is
	Signer  string // who signed both, the issuer or a delegate
	ID      string
	Version string
	// Held is the digest of the content that is here, Refused that of the
	// other.
	Held, Refused [32]byte

	LogSeq uint64
	At     time.Time
}

// prove writes the proof of an entry. The same two contents are proved once.
func (b *batch) prove(e *Entry) error {
	p := e.Proof
	issuer, err := b.name(p.Issuer)
	if err != nil {
		return err
	}
	signer, err := b.name(p.Signer)
	if err != nil {
		return err
	}
	_, err = b.exec("INSERT OR IGNORE INTO proofs (seq, at, issuer, signer, id, version, held, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		int64(e.Seq), micros(e.At), issuer, signer, p.ID, p.Version, p.Held[:], p.Refused[:])
	return err
}

// Proofs returns what is proved, the oldest first. What was proved by a content
// that was spilled is no longer.
func (s *Store) Proofs(ctx context.Context) ([]Proof, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT seq, at, issuer.text, signer.text, proofs.id, version, held, refused FROM proofs
		JOIN names issuer ON issuer.id = issuer JOIN names signer ON signer.id = signer ORDER BY seq`)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Proof
	for rows.Next() {
		var p Proof
		var at int64
		var held, refused []byte
		if err := rows.Scan(&p.LogSeq, &at, &p.Issuer, &p.Signer, &p.ID, &p.Version, &held, &refused); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		copy(p.Held[:], held)
		copy(p.Refused[:], refused)
		p.At = fromMicros(at)
		out = append(out, p)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	kept := out[:0]
	for _, p := range out {
		held, err := s.spilled(p.Issuer, p.Held)
		if err != nil {
			return nil, err
		}
		refused, err := s.spilled(p.Issuer, p.Refused)
		if err != nil {
			return nil, err
		}
		if !held && !refused {
			kept = append(kept, p)
		}
	}
	return kept, nil
}

// spilled reports whether an object was withdrawn as one that must be erased.
func (s *Store) spilled(issuer string, digest [32]byte) (bool, error) {
	if !s.Withdrawn(issuer, [][32]byte{digest})[0] {
		return false, nil
	}
	w, _, err := s.Withdrawal(issuer, digest)
	return w.Reason == "spill", err
}

// ProofsAbout returns the log entries that prove something by the content with a
// digest: those that have to forget it when it is spilled.
func (s *Store) ProofsAbout(ctx context.Context, issuer string, digest [32]byte) ([]uint64, error) {
	rows, err := s.readDB.QueryContext(ctx, "SELECT seq FROM proofs WHERE issuer"+named+" AND (held = ? OR refused = ?) ORDER BY seq", issuer, digest[:], digest[:])
	if err != nil {
		return nil, s.fault(err)
	}
	var out []uint64
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		out = append(out, seq)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

// ProofsOf counts the equivocations that are proved of a signer.
func (s *Store) ProofsOf(signer string) (n int, err error) {
	if err = s.readDB.QueryRowContext(context.Background(), "SELECT count(*) FROM proofs WHERE signer"+named, signer).Scan(&n); err != nil {
		return 0, s.fault(err)
	}
	return n, nil
}

// Proven reports whether it is proved already that issuer gave two contents to
// one version.
func (s *Store) Proven(issuer string, held, refused [32]byte) (proven bool, err error) {
	err = s.readDB.QueryRowContext(context.Background(), "SELECT EXISTS (SELECT 1 FROM proofs WHERE issuer"+named+" AND held = ? AND refused = ?)",
		issuer, held[:], refused[:]).Scan(&proven)
	if err != nil {
		return false, s.fault(err)
	}
	return proven, nil
}

// versionsBack bounds how many versions of one object VersionAt looks through.
const versionsBack = 100

// VersionAt returns the digest taken of a version of the object id of issuer,
// if it is among the last hundred versions in the file.
func (s *Store) VersionAt(issuer, id, version string) (digest [32]byte, ok bool, err error) {
	m := s.memory
	m.mu.RLock()
	n := int64(m.ids[keyOfID(issuer, id)])
	m.mu.RUnlock()
	for range versionsBack {
		if n == 0 {
			break
		}
		var rowIssuer, rowID, rowVersion string
		var rowDigest []byte
		at := n
		if err := s.readVersion.QueryRowContext(context.Background(), n).Scan(&rowIssuer, &rowID, &rowVersion, &rowDigest, &n); err != nil {
			return digest, false, s.fault(missingRow(err, at))
		}
		if rowIssuer == issuer && rowID == id && !newer(version, rowVersion) && !newer(rowVersion, version) {
			copy(digest[:], rowDigest)
			return digest, true, nil
		}
	}
	return digest, false, nil
}
