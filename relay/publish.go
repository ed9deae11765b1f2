package relay

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/intake"
)

// Publish takes a producer's file: each object is read, judged, signed as
// this node's own act and committed, or held or refused with a reason. It
// returns after the synced commit.
func (n *Node) Publish(ctx context.Context, name, profile string, data []byte) (dashboard.Published, error) {
	return n.PublishFor(ctx, "", name, profile, data)
}

// PublishFor does the same on behalf of another participant, whose delegate
// this node is: the objects are newer versions of that one's. Owner is "" for
// this node itself.
func (n *Node) PublishFor(ctx context.Context, owner, name, profile string, data []byte) (dashboard.Published, error) {
	n.at(stepPublishReceived)
	if owner == n.id {
		owner = ""
	}
	if owner != "" && !directory.ValidID(owner) {
		return dashboard.Published{}, federation.Refuse(federation.NotOwner, name, fmt.Sprintf("%q is not the id of a participant", owner))
	}
	if err := n.roomToPublish(ctx); err != nil {
		return dashboard.Published{}, err
	}
	w, now := n.world.Load(), n.now()
	if err := w.maySign(n.keys, now); err != nil {
		return dashboard.Published{}, err
	}
	p, err := w.read(n.keys, data, name, profile, now)
	if err != nil {
		return dashboard.Published{}, err
	}
	p.owner = owner
	p.sealer.earlier = n.issuedBefore(ctx, cmp.Or(owner, n.id))
	around := newScene(p.read.Taken, nil)
	p.lessers = func(ctx context.Context, signed []*arrival) ([]lesser, error) {
		return n.lessers(ctx, p.world, signed, around, p.now, math.MaxInt)
	}
	// Only a node that dispatches what it signs can account for decoys.
	p.decoys = p.world.decoys
	groups, err := p.groups()
	if err != nil {
		return dashboard.Published{}, err
	}
	ids := p.ids()
	n.publishing.begin(ids)
	defer func() {
		n.publishing.end(ids)
		n.news.tell()
	}()
	if err := n.commitAll(ctx, p, groups); err != nil {
		return dashboard.Published{}, err
	}
	if err := p.commitRest(ctx, n.committer); err != nil {
		return dashboard.Published{}, err
	}
	n.at(stepPublishAnswer)
	return p.report(), nil
}

// commitAll signs and commits the groups of a file, some at a time: while some
// are committed, the next are signed, and no more of a large file than both lies
// in memory signed.
func (n *Node) commitAll(ctx context.Context, p *publication, groups [][]*stix.Object) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type signed struct {
		some []*arrival
		err  error
	}
	next := make(chan signed)
	whole := false // nothing was left out; read when next is closed
	go func() {
		defer close(next)
		for chunk := range slices.Chunk(groups, publishBatch) {
			var s signed
			for _, g := range chunk {
				if s.some, s.err = p.issue(s.some, g); s.err != nil {
					break
				}
			}
			select {
			case next <- s:
			case <-ctx.Done():
				return
			}
			if s.err != nil {
				return
			}
		}
		whole = true
	}()
	var err error
	for s := range next {
		if err == nil {
			err = s.err
		}
		if err == nil {
			n.at(stepPublishVerified)
			err = n.commitSome(ctx, p, s.some)
		}
		if err != nil {
			stop() // and wait until nothing is signed any more
		}
	}
	if err == nil && !whole {
		err = context.Cause(ctx)
	}
	return err
}

// commitSome commits signed messages, in as many commits as it takes.
func (n *Node) commitSome(ctx context.Context, p *publication, signed []*arrival) error {
	batch := publishBatch
	for len(signed) > 0 {
		k := min(len(signed), batch)
		switch err := p.commit(ctx, n.committer, signed[:k]); {
		case errors.Is(err, errTooMany) && k > 1:
			batch = k / 2
		case err != nil:
			return err
		default:
			signed = signed[k:]
		}
	}
	return nil
}

// ids lists the objects that the file brings into the log.
func (p *publication) ids() []string {
	out := make([]string, 0, len(p.at))
	for k := range p.at {
		out = append(out, k.id)
	}
	return out
}

// maySign refuses to sign what nobody could verify, this node itself included
// when it reads its log: the clock is wrong, or the node's statement lapsed.
// What was acknowledged would stay here for good.
func (w *World) maySign(k *Keys, now time.Time) error {
	key, ok := w.Directory.Key(k.Message.KeyID())
	if !ok {
		return federation.Refuse(federation.UnknownIssuer, StatementFile, "it does not list the message key of this node")
	}
	err := key.Usable(directory.PurposeMessage, now)
	if r, ok := errors.AsType[*federation.Refusal](err); ok {
		return &federation.Refusal{Reason: r.Reason, Where: "this node's message key at " + now.UTC().Format(time.RFC3339), Detail: r.Detail,
			Hint: "correct the clock, or renew the node's statement"}
	}
	return err
}

// Sign reads, judges and signs a file as Publish does, without a log: what
// `entente sign` prints.
func (w *World) Sign(k *Keys, data []byte, name, profile string, now time.Time) ([]*envelope.Verified, dashboard.Published, error) {
	if err := k.stated(w.Own); err != nil {
		return nil, dashboard.Published{}, err
	}
	p, err := w.read(k, data, name, profile, now)
	if err != nil {
		return nil, dashboard.Published{}, err
	}
	signed, err := p.sign()
	if err != nil {
		return nil, dashboard.Published{}, err
	}
	out := make([]*envelope.Verified, len(signed))
	for i, a := range signed {
		out[i] = a.verified
	}
	p.messages = len(out)
	return out, p.report(), nil
}

// publication is one file on its way into the log.
type publication struct {
	world    *World
	keys     *Keys
	now      time.Time
	name     string
	read     *intake.Result
	at       map[idKey]int // item of each taken object, by id and version
	logged   map[int]bool  // items that an entry of their own accounts for
	stored   map[int]bool  // of those, the ones taken
	strict   map[int]bool  // items of the restricted lane
	told     sync.Mutex    // of items, while some are signed and others committed
	waiting  []*stix.Object
	sealer   *sealer
	decoys   int
	messages int
	gone     takenBack // of versions that are replaced
	owner    string    // on whose behalf, "" for this node
	// lessers makes what says less in place of what is about to be stored.
	lessers func(ctx context.Context, signed []*arrival) ([]lesser, error)
}

// read reads a file under a source profile.
func (w *World) read(k *Keys, data []byte, name, profile string, now time.Time) (*publication, error) {
	prof, err := w.Profile(profile)
	if err != nil {
		return nil, err
	}
	res, err := intake.Read(data, name, prof, now)
	if err != nil {
		return nil, err
	}
	p := &publication{world: w, keys: k, now: now, name: name, read: res, waiting: res.Held, gone: takenBack{}, sealer: &sealer{world: w, keys: k, now: now}}
	if prof != nil {
		p.sealer.rules = w.seals[prof.Name]
	}
	return p, nil
}

// key identifies an object within one file.
func fileKey(o *stix.Object) idKey { return idKey{o.Version(), o.ID()} }

// sign judges every object of the file and signs what may be kept.
func (p *publication) sign() (signed []*arrival, err error) {
	groups, err := p.groups()
	for _, g := range groups {
		if err == nil {
			signed, err = p.issue(signed, g)
		}
	}
	return signed, err
}

// groups judges every object of the file and returns those to sign, a message
// each, what is restricted first.
func (p *publication) groups() ([][]*stix.Object, error) {
	p.at, p.logged, p.stored, p.strict = make(map[idKey]int, len(p.read.Items)), map[int]bool{}, map[int]bool{}, map[int]bool{}
	taken, waits := 0, 0
	for idx := range p.read.Items {
		switch p.read.Items[idx].Outcome {
		case intake.Taken:
			p.at[fileKey(p.read.Taken[taken])] = idx
			taken++
		case intake.Held:
			p.at[fileKey(p.read.Held[waits])] = idx
			waits++
		}
	}
	fresh, err := p.seal(p.judge())
	if err != nil {
		return nil, err
	}
	// What waits for a person waits sealed: it is released as it is.
	if p.waiting, err = p.seal(p.waiting); err != nil {
		return nil, err
	}
	ordinary, restricted := intake.Group(fresh, p.restricted)
	return append(restricted, ordinary...), nil
}

// publishBatch is how many signed messages share one commit: enough to make
// its sync cheap, few enough to let links in between, and to take 20 MB of memory
// until they are stored.
const publishBatch = 16

// judge returns the objects to sign, and marks those that wait and those that
// are refused.
func (p *publication) judge() (fresh []*stix.Object) {
	defs := map[string]*stix.Object{}
	for _, o := range p.read.Taken {
		if o.Type() == "marking-definition" {
			defs[o.ID()] = o
		}
	}
	for _, o := range p.read.Taken {
		if word := ownWord(o); word != "" {
			p.refuse(o, federation.Unsupported, "only this node itself says that something is "+word)
			continue
		}
		// The digest binds a decision to an object; before signing, the bytes
		// themselves are the object.
		s := p.world.Reader.Subject(p.world.Node.ID, sha256.Sum256(o.Raw()), o, defs)
		d := p.world.Bundle.DecideStore(s, &p.world.Node, p.now)
		switch d.Verdict() {
		case federation.Share, federation.Redact:
			fresh = append(fresh, o)
			if restricted(s.Handling()) {
				p.strict[p.at[fileKey(o)]] = true
			}
		case federation.Hold:
			p.settle(o, intake.Held, d)
			p.waiting = append(p.waiting, o)
		default:
			p.settle(o, intake.Refused, d)
		}
	}
	return fresh
}

// seal encrypts what the source profile names. An object of which that cannot be
// done is refused: it was judged as it is, and may not go so.
func (p *publication) seal(objs []*stix.Object) ([]*stix.Object, error) {
	if len(p.sealer.rules) == 0 {
		return objs, nil
	}
	var out []*stix.Object
	for _, o := range objs {
		sealed, err := p.sealer.object(o)
		switch r, refused := errors.AsType[*federation.Refusal](err); {
		case refused:
			p.refuse(o, r.Reason, r.Error())
		case err != nil:
			return nil, err
		default:
			out = append(out, sealed)
		}
	}
	return out, nil
}

// refuse refuses an object of the file.
func (p *publication) refuse(o *stix.Object, r federation.Reason, text string) {
	it := &p.read.Items[p.at[fileKey(o)]]
	it.Outcome, it.Reason, it.Text = intake.Refused, r, text
}

func (p *publication) settle(o *stix.Object, out intake.Outcome, d policy.Decision) {
	it := &p.read.Items[p.at[fileKey(o)]]
	it.Outcome = out
	if rs := d.Reasons(); len(rs) > 0 {
		it.Reason, it.Text = rs[0].Reason, rs[0].Text
	}
}

// restricted reports whether an object belongs into the lane that is never
// mixed with ordinary material. It was judged before; what was sealed of it
// since changes no marking.
func (p *publication) restricted(o *stix.Object) bool { return p.strict[p.at[fileKey(o)]] }

func restricted(h mapping.Handling) bool {
	return len(h.Levels) > 0 || h.TLP >= mapping.TLPAmberStrict || h.Releasable.Restricted() || len(h.Compartments) > 0
}

// issue signs one group and judges the result as any arriving message. What
// cannot be put into a message at all is refused, and the rest goes without.
func (p *publication) issue(signed []*arrival, group []*stix.Object) ([]*arrival, error) {
	o := envelope.IssueOptions{Issuer: p.world.Node.ID, For: p.owner, Key: p.keys.Message, Now: p.now, Secret: p.keys.Secret, Decoys: p.decoys,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }}
	msgs, err := envelope.Issue(group, o)
	if cannot, ok := errors.AsType[*envelope.Refused](err); ok {
		if group = p.without(group, cannot); len(group) == 0 {
			return signed, nil
		}
		msgs, err = envelope.Issue(group, o)
	}
	if err != nil {
		return nil, err
	}
	for _, m := range msgs {
		a := &arrival{verified: m}
		a.judge(p.world, p.now)
		signed = append(signed, a)
	}
	return signed, nil
}

// without refuses the objects that cannot be issued and returns the others.
func (p *publication) without(group []*stix.Object, cannot *envelope.Refused) []*stix.Object {
	out := map[int]bool{}
	p.told.Lock()
	for _, r := range cannot.Objects {
		out[r.Index] = true
		it := &p.read.Items[p.at[fileKey(group[r.Index])]]
		it.Outcome, it.Reason, it.Text = intake.Refused, federation.ReasonOf(r.Err), r.Err.Error()
	}
	p.told.Unlock()
	var rest []*stix.Object
	for i, o := range group {
		if !out[i] {
			rest = append(rest, o)
		}
	}
	return rest
}

// errTooMany says that messages and the withdrawals of what they replace do not
// fit into one commit.
var errTooMany = errors.New("relay: too many log entries for one commit")

// commit stores signed messages and, in the same commit, the withdrawal of each
// version that they replace. Objects that are here already fall out, so that
// nothing is held twice.
func (p *publication) commit(ctx context.Context, c *committer, signed []*arrival) error {
	lesser, err := p.lessers(ctx, signed)
	if err != nil {
		return err
	}
	res, err := p.gone.commit(ctx, c, p.world, p.keys, p.now, p.owner, func(v *view) (entries []*entry, gone []envelope.Gone, err error) {
		newest := map[idKey]heldVersion{}
		for _, a := range signed {
			e, err := a.entry(v)
			if err != nil {
				return nil, nil, err
			}
			entries = append(entries, e)
			gone = append(gone, superseded(v, e, newest)...)
		}
		more, err := lesserEntries(v, lesser, entries, p.now)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, more...)
		if len(entries)+len(gone) > maxJobEntries {
			return nil, nil, errTooMany
		}
		return entries, gone, nil
	})
	if err != nil {
		return err
	}
	for _, e := range res.entries {
		if e.Kind == entryMessage && !e.lesser() {
			p.messages++
		}
		p.note(e)
	}
	return nil
}

// note copies the outcome of the entry's objects to the file's items. A
// marking-definition is copied along into several messages: taken once is
// taken.
func (p *publication) note(e *entry) {
	p.told.Lock()
	defer p.told.Unlock()
	for _, it := range e.Items {
		name := idKey{it.Version, it.ID}
		if it.ID == "" {
			name = it.name
		}
		idx, ok := p.at[name]
		if !ok || p.stored[idx] {
			continue
		}
		p.logged[idx] = true
		p.stored[idx] = it.Outcome == taken
		item := &p.read.Items[idx]
		item.Outcome, item.Reason, item.Text = intake.Outcome(it.Outcome), it.Reason, it.Text
	}
}

// Bounds of what waits or was refused, so that every entry fits into a record
// of the log.
const (
	heldObjectBytes = 256 << 10 // as large as a message may be
	markerItems     = 500
)

// commitRest stores what waits for a person, whole, and what was refused, by
// digest and reason, so that the log tells of every object of the file.
func (p *publication) commitRest(ctx context.Context, c *committer) error {
	entries := append(p.heldEntries(), p.markers()...)
	for len(entries) > 0 {
		k, size := 0, 0
		for k < len(entries) && k < maxJobEntries && size < maxBatchBytes/2 {
			size += len(entries[k].Body)
			k++
		}
		chunk := entries[:k]
		entries = entries[k:]
		if _, err := c.commit(ctx, sourceSelf, func(*view) ([]*entry, error) { return chunk, nil }); err != nil {
			return err
		}
	}
	return nil
}

// heldEntries are the objects that wait, one an entry. One that is too large
// to be sent as a message is refused instead.
func (p *publication) heldEntries() []*entry {
	var out []*entry
	for _, o := range p.waiting {
		idx := p.at[fileKey(o)]
		it := &p.read.Items[idx]
		if len(o.Raw()) > heldObjectBytes {
			it.Outcome, it.Reason = intake.Refused, federation.TooLarge
			it.Text = fmt.Sprintf("%d bytes, an object may have %d", len(o.Raw()), heldObjectBytes)
			continue
		}
		p.logged[idx] = true
		s := p.world.Reader.Subject(p.world.Node.ID, sha256.Sum256(o.Raw()), o, nil)
		out = append(out, &entry{Kind: entryObject, Source: sourceSelf, At: p.now, Body: o.Raw(), Items: []entryItem{{
			Digest: s.Digest(), ID: o.ID(), Version: o.Version(), Type: o.Type(), Outcome: held, Reason: it.Reason, Text: it.Text,
			Keep: s.KeepUntil(p.now), Holds: s.Holds()}}})
	}
	return out
}

// markers tell of what was refused or was there already.
func (p *publication) markers() []*entry {
	var out []*entry
	for idx, it := range p.read.Items {
		if p.logged[idx] || it.Outcome != intake.Refused && it.Outcome != intake.Duplicate {
			continue
		}
		item := entryItem{ID: it.ID, Outcome: outcome(it.Outcome), Reason: it.Reason, Text: it.Text}
		if it.Outcome == intake.Refused && it.ID != "" {
			item.Mark = p.keys.mark(p.world.Node.ID, it.ID)
		}
		if it.Reason == federation.Residency {
			item.ID, item.Text = "", "" // of what may not lie here, the reason alone
		}
		if len(out) == 0 || len(out[len(out)-1].Items) == markerItems {
			out = append(out, &entry{Kind: entryMarker, Source: sourceSelf, At: p.now})
		}
		last := out[len(out)-1]
		last.Items = append(last.Items, item)
	}
	return out
}

func (p *publication) report() dashboard.Published {
	out := dashboard.Published{Name: p.name, Messages: p.messages}
	for _, it := range p.read.Items {
		switch it.Outcome {
		case intake.Taken:
			out.Taken++
		case intake.Duplicate:
			out.Duplicate++
		case intake.Held:
			out.Held++
		default:
			out.Refused++
		}
		out.Items = append(out.Items, dashboard.Item{Index: it.Index, ID: it.ID, Outcome: string(it.Outcome), Reason: string(it.Reason), Text: it.Text})
	}
	return out
}
