package translate

import (
	"fmt"
	"slices"
)

// builder fills a dictionary and gathers every error on the way.
type builder struct {
	d        *Dictionary
	declared map[[2]string]bool // scheme and version whose concepts a file lists
	errs     []error
}

// failf notes an error about the row at where.
func (b *builder) failf(where, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// concepts takes in the concepts of one vocabulary.
func (b *builder) concepts(v *Vocabulary) {
	if v.Scheme == "" {
		b.failf(v.File, "the vocabulary names no scheme: give it an id such as rsit")
		return
	}
	b.scheme(v.Scheme)
	info := Info{
		Scheme: v.Scheme, Version: v.Version, Digest: v.Digest, File: v.File, Name: v.Name, Source: v.Source,
		Licence: v.Licence, Languages: []string{}, Concepts: len(v.Concepts), Mappings: len(v.Mappings),
	}
	for i := range v.Concepts {
		b.concept(v, &v.Concepts[i], &info)
	}
	slices.Sort(info.Languages)
	if len(v.Concepts) > 0 {
		b.declared[[2]string{v.Scheme, v.Version}] = true
	}
	b.d.vocabularies = append(b.d.vocabularies, info)
}

// scheme makes a scheme known as a target.
func (b *builder) scheme(id string) {
	if _, ok := b.d.schemes[foldID(id)]; !ok {
		b.d.schemes[foldID(id)] = id
	}
}

// concept takes in one concept: its own spelling, short forms and labels.
func (b *builder) concept(v *Vocabulary, c *Concept, info *Info) {
	n := b.node(nodeID{v.Scheme, c.List, c.ID}, c.Kind, c.Where)
	if n == nil {
		return
	}
	own := Candidate{
		Term: c.Term, Language: c.Language, List: c.List, Scheme: v.Scheme, Version: v.Version,
		Relation: Exact, Source: c.Source, Where: c.Where,
	}
	if own.Term == "" {
		own.Term = c.ID
	}
	if own.Language == "" {
		own.Language = NoLanguage
	}
	if !slices.ContainsFunc(n.own, own.sameWord) {
		n.own = append(n.own, own)
	}
	b.word(n, own.Term, Preferred, Exact, c.Where)
	for _, s := range c.Short {
		b.word(n, s, Preferred, Exact, c.Where)
	}
	if own.Language == Undetermined {
		n.labels = append(n.labels, ranked{own, Preferred})
	}
	for i := range c.Labels {
		b.label(n, v, &c.Labels[i], info)
	}
}

// label takes in one word of a concept.
func (b *builder) label(n *node, v *Vocabulary, l *Label, info *Info) {
	if _, ok := b.d.languages.Match(l.Language, nil); !ok {
		b.failf(l.Where, "%q is no BCP 47 language tag: write de, pt-BR or, for a name, und", l.Language)
		return
	}
	if l.Relation == None || l.Relation == "" {
		b.failf(l.Where, "the word %q needs a relation to its concept: exact, close, broad or narrow", l.Text)
		return
	}
	b.word(n, l.Text, l.Rank, l.Relation, l.Where)
	if !slices.Contains(info.Languages, l.Language) {
		info.Languages = append(info.Languages, l.Language)
	}
	if !slices.Contains(b.d.tags, l.Language) {
		b.d.tags = append(b.d.tags, l.Language)
	}
	if l.Rank == Hidden {
		return
	}
	n.labels = append(n.labels, ranked{Candidate{
		Term: l.Text, Language: l.Language, List: n.list, Scheme: v.Scheme, Version: v.Version,
		Relation: l.Relation, Source: l.Source, Where: l.Where,
	}, l.Rank})
}

// word indexes one spelling of a concept.
func (b *builder) word(n *node, text string, rank Rank, relation Relation, where string) {
	key, err := Key(text)
	if err != nil {
		b.failf(where, "term %q: %v", text, err)
		return
	}
	byKey := b.d.words[n.kind]
	if byKey == nil {
		byKey = map[string][]hit{}
		b.d.words[n.kind] = byKey
		b.d.loose[n.kind] = map[string][]*node{}
	}
	h := hit{n, rank, relation}
	i := slices.IndexFunc(byKey[key], func(o hit) bool { return o.node == n })
	switch {
	case i < 0:
		byKey[key] = append(byKey[key], h)
	case rank < byKey[key][i].rank || rank == byKey[key][i].rank && relation.strength() < byKey[key][i].relation.strength():
		byKey[key][i] = h // the same word twice: the better claim to it counts
	}
	if loose := Loose(key); !slices.Contains(b.d.loose[n.kind][loose], n) {
		b.d.loose[n.kind][loose] = append(b.d.loose[n.kind][loose], n)
	}
}

// node finds or makes the concept. It returns nil, and notes an error, where
// two files give it different kinds or a kind is missing.
func (b *builder) node(id nodeID, kind Kind, where string) *node {
	if id.id == "" {
		b.failf(where, "a concept of %s without an id", id.scheme)
		return nil
	}
	if _, err := ParseKind(string(kind)); err != nil {
		b.failf(where, "%s %s: %v", id.scheme, id.id, err)
		return nil
	}
	n := b.d.nodes[id]
	if n == nil {
		n = &node{nodeID: id, kind: kind}
		b.d.nodes[id] = n
	}
	if n.kind != kind {
		b.failf(where, "%s %s is %s here and %s elsewhere: state one kind", id.scheme, id.id, kind, n.kind)
		return nil
	}
	return n
}

// mappings takes in the statements of one vocabulary.
func (b *builder) mappings(v *Vocabulary) {
	for i := range v.Mappings {
		b.mapping(&v.Mappings[i])
	}
}

// mapping takes in one statement, and its inverse where it is exact.
func (b *builder) mapping(m *Mapping) {
	if _, err := ParseRelation(string(m.Relation)); err != nil {
		b.failf(m.Where, "%v", err)
		return
	}
	from := b.end(m.From, m)
	if from == nil {
		return
	}
	if m.Relation == None {
		b.scheme(m.To.Scheme)
		from.edges = append(from.edges, edge{nil, Candidate{
			Language: NoLanguage, List: m.To.List, Scheme: m.To.Scheme, Version: m.To.Version,
			Relation: None, Source: m.Source, Where: m.Where,
		}})
		return
	}
	to := b.end(m.To, m)
	if to == nil {
		return
	}
	from.edges = append(from.edges, newEdge(to, m.To, m))
	if m.Relation == Exact {
		to.edges = append(to.edges, newEdge(from, m.From, m))
	}
}

// newEdge makes the edge that leads to a concept.
func newEdge(to *node, ref Ref, m *Mapping) edge {
	c := Candidate{
		Term: ref.ID, Language: NoLanguage, List: ref.List, Scheme: ref.Scheme, Version: ref.Version,
		Relation: m.Relation, Source: m.Source, Where: m.Where,
	}
	if len(to.own) > 0 {
		c.Term, c.Language = to.own[0].Term, to.own[0].Language
	}
	return edge{to, c}
}

// end finds one end of a mapping. A version of a scheme that is only mentioned
// by mappings gets its concepts from them; in one whose concepts are listed, an
// unlisted id is an error.
func (b *builder) end(r Ref, m *Mapping) *node {
	id := nodeID{r.Scheme, r.List, r.ID}
	if n := b.d.nodes[id]; n != nil {
		return n
	}
	if b.declared[[2]string{r.Scheme, r.Version}] {
		b.failf(m.Where, "%s %s has no concept %q in list %q: correct the row or add the concept", r.Scheme, r.Version, r.ID, r.List)
		return nil
	}
	n := b.node(id, r.Kind, m.Where)
	if n == nil {
		return nil
	}
	b.scheme(r.Scheme)
	n.own = []Candidate{{
		Term: r.ID, Language: NoLanguage, List: r.List, Scheme: r.Scheme, Version: r.Version,
		Relation: Exact, Source: m.Source, Where: m.Where,
	}}
	b.word(n, r.ID, Preferred, Exact, m.Where)
	for _, s := range ShortForms(r.ID) {
		b.word(n, s, Preferred, Exact, m.Where)
	}
	return n
}
