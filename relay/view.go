package relay

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/store"
)

// seenIndex answers, exactly and from memory, what this node has taken so
// far: commits note what they stored before the next one is built.
type seenIndex interface {
	// Seen reports which of the issuer's object digests are held.
	Seen(issuer string, digests [][32]byte) []bool
	// Version returns the newest version held of an object.
	Version(issuer, id string) (version string, digest [32]byte, ok bool, err error)
	// VersionAt returns the digest held of an object in an earlier version.
	VersionAt(issuer, id, version string) (digest [32]byte, ok bool, err error)
	// Proven reports whether an equivocation of two contents was proved before.
	Proven(issuer string, held, refused [32]byte) (bool, error)
	// ProofsOf counts those that are proved of a signer.
	ProofsOf(signer string) (int, error)
	// Named returns the id and the version of an object that was taken.
	Named(ctx context.Context, issuer string, digest [32]byte) (id, version string, ok bool, err error)
	// Whole reports whether some message that is held shows all of an object.
	Whole(issuer string, digest [32]byte) bool
	// Routes returns the messages by which an object was taken.
	Routes(ctx context.Context, issuer string, digest [32]byte) ([]store.Route, error)
	// Withdrawn reports which of the issuer's object digests are taken back,
	// Withdrawal why one is.
	Withdrawn(issuer string, digests [][32]byte) []bool
	Withdrawal(issuer string, digest [32]byte) (store.Withdrawal, bool, error)
	// ErasedFor returns why only the digest of an object is left, "" if it is whole.
	ErasedFor(issuer string, digest [32]byte) (federation.Reason, error)
	// Owners returns the issuers of whom an object with this digest is held.
	Owners(digest [32]byte) []string
	// MadeOf returns the digest of the newest object of this node's own that was
	// made of another's, or says less in its place.
	MadeOf(o store.Origin) (own [32]byte, ok bool)
}

// view is the index as one batch sees it: what is stored and what the batch
// itself is about to store.
type view struct {
	index    seenIndex
	digests  map[objectKey][]way
	versions map[idKey]heldVersion
	gone     map[objectKey]string // reasons
	made     map[origin]objectKey
	acts     map[objectKey]*envelope.Verified // withdrawals that lower
	// positions are those that the batch gives sources
	positions map[string]*link.Position

	// read returns a message of the log, nil when it is no longer kept or no
	// longer verifies. Each is read once for a batch.
	read    func(seq uint64) (*envelope.Verified, error)
	fetched map[uint64]*envelope.Verified

	mark func(issuer, id string) half // see [Keys.mark]
}

type objectKey struct {
	issuer string
	digest digest
}

type idKey struct{ issuer, id string }

type heldVersion struct {
	version string
	digest  digest
}

func newView(index seenIndex) *view {
	return &view{index: index, digests: map[objectKey][]way{}, versions: map[idKey]heldVersion{}, gone: map[objectKey]string{}, made: map[origin]objectKey{}, acts: map[objectKey]*envelope.Verified{}, positions: map[string]*link.Position{}, fetched: map[uint64]*envelope.Verified{}}
}

// fork returns a view that shows the same and can be added to by itself.
func (v *view) fork() *view {
	c := *v
	c.digests, c.versions, c.gone = maps.Clone(v.digests), maps.Clone(v.versions), maps.Clone(v.gone)
	c.made, c.acts = maps.Clone(v.made), maps.Clone(v.acts)
	return &c
}

// add lets the view show what entries hold.
func (v *view) add(entries []*entry) {
	for _, e := range entries {
		if e.Position != nil {
			v.positions[e.Source] = e.Position
		}
		for _, g := range e.Gone {
			v.gone[objectKey{g.Issuer, g.Digest}] = g.For
			if g.For == envelope.GoneLowered && e.ready != nil {
				v.acts[objectKey{g.Issuer, g.Digest}] = e.ready.verified
			}
		}
		for _, it := range e.Items {
			if it.Outcome != taken && it.Outcome != held || it.Digest == (digest{}) {
				continue
			}
			ok := objectKey{it.Issuer, it.Digest}
			v.digests[ok] = append(slices.Clip(v.digests[ok]), e.way(it))
			if it.Origin != nil {
				v.made[*it.Origin] = objectKey{it.Issuer, it.Digest}
			}
			k := idKey{it.Issuer, it.ID}
			if old, ok := v.versions[k]; !ok || newer(it.Version, old.version) {
				v.versions[k] = heldVersion{it.Version, it.Digest}
			}
		}
	}
}

// seen reports whether the object is held already.
func (v *view) seen(issuer string, d digest) bool {
	return len(v.digests[objectKey{issuer, d}]) > 0 || v.index.Seen(issuer, [][32]byte{d})[0]
}

// withdrawn reports whether the issuer has taken the object back.
func (v *view) withdrawn(issuer string, d digest) bool {
	_, ok := v.gone[objectKey{issuer, d}]
	return ok || v.index.Withdrawn(issuer, [][32]byte{d})[0]
}

// withdrawnFor returns for which reason, "" if it is not.
func (v *view) withdrawnFor(issuer string, d digest) (string, error) {
	if reason, ok := v.gone[objectKey{issuer, d}]; ok {
		return reason, nil
	}
	if !v.index.Withdrawn(issuer, [][32]byte{d})[0] {
		return "", nil
	}
	w, _, err := v.index.Withdrawal(issuer, d)
	return w.Reason, err
}

// madeOf returns what this node made of another's object.
func (v *view) madeOf(o origin, self string) (objectKey, bool) {
	if own, ok := v.made[o]; ok {
		return own, true
	}
	own, ok := v.index.MadeOf(store.Origin{Issuer: o.Issuer, Digest: o.Digest, Less: o.Less})
	return objectKey{self, own}, ok
}

// position returns where the link of a source stands, nil for none.
func (v *view) position(ctx context.Context, log logStream, source string) (*link.Position, error) {
	if pos, ok := v.positions[source]; ok {
		return pos, nil
	}
	st, ok, err := log.Last(ctx, source)
	if err != nil || !ok {
		return nil, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, err
	}
	return e.Position, nil
}

// owners returns the issuers of whom an object with this digest is held.
func (v *view) owners(d digest) []string {
	out := v.index.Owners(d)
	for k := range v.digests {
		if k.digest == d && !slices.Contains(out, k.issuer) {
			out = append(out, k.issuer)
		}
	}
	return out
}

// version returns the newest version held of an object.
func (v *view) version(issuer, id string) (heldVersion, bool, error) {
	if h, ok := v.versions[idKey{issuer, id}]; ok {
		return h, true, nil
	}
	ver, d, ok, err := v.index.Version(issuer, id)
	return heldVersion{ver, d}, ok, err
}

// newer compares two STIX timestamps as text: both are UTC with Z, and differ
// at most in the number of fraction digits (STIX 2.1 section 3.10).
func newer(a, b string) bool { return sortable(a) > sortable(b) }

// sortable drops the closing Z and trailing zeros of the fraction, so that
// 12:00:00Z sorts before 12:00:00.5Z, and 12:00:00.5Z equals 12:00:00.500Z.
func sortable(s string) string {
	s = strings.TrimSuffix(s, "Z")
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
