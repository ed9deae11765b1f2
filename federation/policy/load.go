package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	expast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/entente-relay/entente/mapping/scheme"
)

// Names and limits of the files of a policy folder.
const (
	schemaFile  = "schema.cedarschema"
	ruleSuffix  = ".cedar"
	maxRuleFile = 1 << 20 // bytes
	maxRules    = 2000
)

// Load reads the rules (with schema and examples) from policies and the facts
// of law from jurisdictions, and proves them: annotations, schema, guards,
// examples. The error lists every fault with file, line and column. The caller
// keeps its old bundle when Load fails.
func Load(policies, jurisdictions fs.FS, tables *scheme.Tables, o Options) (*Bundle, error) {
	b, s, err := read(policies, jurisdictions, tables, o)
	if err != nil {
		return nil, err
	}
	if err := b.checkExamples(policies, s); err != nil {
		return nil, err
	}
	b.digest, err = digest(policies, jurisdictions, tables, o)
	return b, err
}

// read is Load without the examples and the digest.
func read(policies, jurisdictions fs.FS, tables *scheme.Tables, o Options) (*Bundle, *resolved.Schema, error) {
	if tables == nil {
		return nil, nil, errors.New("policy: equivalence tables are needed")
	}
	b := &Bundle{tables: tables, reviewed: maps.Clone(o.Reviewed), asked: map[types.EntityUID][]*rule{}, ids: map[string]*rule{}}
	b.outcomes = newCache[outcomeKey, *outcome](cacheSize)
	b.answers = newCache[answerKey, *answer](cacheSize)
	b.peers = newCache[[32]byte, *peerView](peerCacheSize)
	b.site = new(atomic.Pointer[Recipient])

	s, text, err := readSchema(policies)
	if err != nil {
		return nil, nil, err
	}
	b.schema = text
	b.validator = validate.New(s, validate.WithStrict())
	b.actions = map[types.EntityUID]types.Entity{}
	for uid := range s.Actions {
		b.actions[uid] = types.Entity{UID: uid, Parents: ancestors(s, uid)}
	}
	var errs []error
	if b.law, err = loadLaw(jurisdictions); err != nil {
		errs = append(errs, err)
	}
	if b.lawFacts, err = flatFacts(jurisdictions); err != nil {
		errs = append(errs, err)
	}
	if err := b.readRules(policies, s); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, b.checkReviews())
	return b, s, errors.Join(errs...)
}

// readSchema reads and resolves the schema, and refuses optional facts. The text
// is the schema as Cedar writes it.
func readSchema(fsys fs.FS) (s *resolved.Schema, text string, err error) {
	raw, err := fs.ReadFile(fsys, schemaFile)
	if err != nil {
		return nil, "", err
	}
	var in schema.Schema
	in.SetFilename(schemaFile)
	if err := in.UnmarshalCedar(raw); err != nil {
		return nil, "", fmt.Errorf("%s: %w", schemaFile, err)
	}
	if s, err = in.Resolve(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", schemaFile, err)
	}
	plain, err := in.MarshalCedar()
	errs := []error{err}
	for name, known := range map[types.EntityType]types.RecordMap{
		typePeer: (&peerFacts{}).record(), typeSite: (&peerFacts{}).record(),
		typeObject: (&itemFacts{}).record(), typeProperty: (&itemFacts{}).record(),
	} {
		e, ok := s.Entities[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: there is no entity %s", schemaFile, name))
			continue
		}
		errs = append(errs, checkShape(name, e.Shape, known)...)
	}
	for _, id := range []types.EntityUID{actionShare, actionReshare, actionDisclose, actionStore, actionTransit, actionTranslate} {
		if a, ok := s.Actions[id]; !ok || a.AppliesTo == nil {
			errs = append(errs, fmt.Errorf("%s: there is no action %s that applies to anything", schemaFile, id))
		}
	}
	return s, string(plain), errors.Join(errs...)
}

// checkShape compares the schema's attributes with the facts that are
// computed: each must be declared, none may be optional or undeclared.
func checkShape(name types.EntityType, shape resolved.RecordType, known types.RecordMap) []error {
	var errs []error
	for _, attr := range slices.Sorted(maps.Keys(shape)) {
		if shape[attr].Optional {
			errs = append(errs, fmt.Errorf("%s: %s.%s is optional: a rule that asks it would be skipped where it is absent; remove the question mark", schemaFile, name, attr))
		}
		if _, ok := known[attr]; !ok {
			errs = append(errs, fmt.Errorf("%s: %s.%s is a fact that this build does not compute", schemaFile, name, attr))
		}
	}
	for _, attr := range slices.Sorted(maps.Keys(known)) {
		if _, ok := shape[attr]; !ok {
			errs = append(errs, fmt.Errorf("%s: %s lacks the fact %s", schemaFile, name, attr))
		}
	}
	return errs
}

// readRules reads and checks every rule file. The error lists every fault.
func (b *Bundle) readRules(fsys fs.FS, s *resolved.Schema) error {
	names, err := fs.Glob(fsys, "*"+ruleSuffix)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("policy: no *%s file: nothing would ever be allowed", ruleSuffix)
	}
	slices.Sort(names)
	var errs []error
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		errs = append(errs, b.readRuleFile(name, raw, s)...)
	}
	if len(b.rules) > maxRules {
		errs = append(errs, fmt.Errorf("policy: %d rules, over the limit of %d", len(b.rules), maxRules))
	}
	b.index()
	return errors.Join(errs...)
}

// readRuleFile reads and checks the rules of one file.
func (b *Bundle) readRuleFile(name string, raw []byte, s *resolved.Schema) []error {
	if len(raw) > maxRuleFile {
		return []error{fmt.Errorf("%s: %d bytes, over the limit of %d", name, len(raw), maxRuleFile)}
	}
	list, err := cedar.NewPolicyListFromBytes(name, raw)
	if err != nil {
		return []error{parseError(name, err)}
	}
	var errs []error
	for _, p := range list {
		r, err := b.readPolicy(p, s)
		if err != nil {
			errs = append(errs, err)
		}
		if first := b.byID(r.id); first != nil {
			errs = append(errs, fmt.Errorf("%s: rule %q is also at %s", r.where(), r.id, first.where()))
		}
		b.rules, b.ids[r.id] = append(b.rules, r), r
	}
	return errs
}

// index sorts the rules by the requests they are asked in, and lists the
// moments at which one begins, ends or counts.
func (b *Bundle) index() {
	for _, r := range b.rules {
		b.names = b.names || namesPeer((*expast.Policy)(r.policy.AST()))
		for _, a := range r.actions {
			b.asked[a] = append(b.asked[a], r)
		}
		b.moments = append(b.moments, r.since)
		if r.permit {
			b.moments = append(b.moments, r.until)
		}
		if r.sensitive() {
			b.moments = append(b.moments, b.reviewed[r.id].On)
		}
	}
	b.moments = slices.DeleteFunc(b.moments, time.Time.IsZero)
	slices.SortFunc(b.moments, time.Time.Compare)
	b.moments = slices.CompactFunc(b.moments, time.Time.Equal)
}

// readPolicy checks one policy: annotations, types, guards.
func (b *Bundle) readPolicy(p *cedar.Policy, s *resolved.Schema) (*rule, error) {
	r, err := readRule(p)
	errs := []error{err}
	if err := b.validator.Policy(r.id, (*expast.Policy)(p.AST())); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", r.where(), err))
	}
	r.actions = actionsOf((*expast.Policy)(p.AST()), s)
	errs = append(errs, b.law.checkJurisdiction(r)...)
	return r, errors.Join(append(errs, r.guard()...)...)
}

// parseError puts the file's name where the parser, which is not told it,
// writes "<input>", so that editors can jump to the place.
func parseError(file string, err error) error {
	msg := err.Error()
	if _, rest, ok := strings.Cut(msg, "<input>:"); ok {
		return fmt.Errorf("%s:%s", file, rest)
	}
	return fmt.Errorf("%s: %s", file, msg)
}

// checkReviews checks that every review names a rule that needs one.
func (b *Bundle) checkReviews() error {
	var errs []error
	var ids []string
	for _, r := range b.rules {
		ids = append(ids, r.id)
	}
	for _, id := range slices.Sorted(maps.Keys(b.reviewed)) {
		i := slices.Index(ids, id)
		switch {
		case i < 0:
			hint := ""
			if near := nearest(id, ids); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			errs = append(errs, fmt.Errorf("reviewed: there is no rule %q%s", id, hint))
		case !b.rules[i].sensitive():
			errs = append(errs, fmt.Errorf("reviewed: rule %q allows neither personal nor classified material, so it needs no review", id))
		case b.reviewed[id].By == "" || b.reviewed[id].On.IsZero():
			errs = append(errs, fmt.Errorf("reviewed: rule %q: by whom and on which day is needed", id))
		}
	}
	return errors.Join(errs...)
}

// ancestors returns every group an action belongs to, however far up.
func ancestors(s *resolved.Schema, uid types.EntityUID) types.EntityUIDSet {
	var all []types.EntityUID
	for other := range s.Actions {
		if other != uid && below(s, uid, other) {
			all = append(all, other)
		}
	}
	return types.NewEntityUIDSet(all...)
}

// digest hashes every input of a bundle, with names and lengths, so that no
// two bundles share one.
func digest(policies, jurisdictions fs.FS, tables *scheme.Tables, o Options) ([32]byte, error) {
	h := sha256.New()
	put(h, "entente policy bundle 1")
	for _, fsys := range []fs.FS{policies, jurisdictions} {
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(fsys, path)
			put(h, path)
			put(h, string(raw))
			return err
		})
		if err != nil {
			return [32]byte{}, err
		}
		put(h, "")
	}
	put(h, tables.Digest())
	for _, id := range slices.Sorted(maps.Keys(o.Reviewed)) {
		put(h, id)
		put(h, o.Reviewed[id].By)
		put(h, o.Reviewed[id].On.UTC().String())
	}
	return [32]byte(h.Sum(nil)), nil
}

// put writes a length-prefixed text; a hash never fails to write.
func put(h hash.Hash, s string) {
	fmt.Fprintf(h, "%d:", len(s))
	h.Write([]byte(s))
}
