package integration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/feed"
)

// madeLine says in a list when it was made.
var madeLine = regexp.MustCompile(`(?m)^# made: .*$`)

// everything is every answer of a node's API that is about what it holds, as
// text: status without what only this moment shows, arrivals whole, lists,
// messages, proofs and withdrawals.
func everything(t *testing.T, r *region) string {
	t.Helper()
	var all []any
	for _, a := range arrivals(t, r.node) {
		all = append(all, a)
	}
	st, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, lasting(st))
	for _, kind := range feed.Kinds() {
		text, err := r.node.List(t.Context(), kind)
		all = append(all, kind, madeLine.ReplaceAllString(string(text), ""), fmt.Sprint(err))
	}
	for seq := uint64(1); seq <= st.LogLast+1; seq++ {
		raw, err := r.node.Message(t.Context(), seq)
		all = append(all, seq, string(raw), fmt.Sprint(err))
	}
	proofs, err := r.node.Proofs(t.Context())
	all = append(all, proofs, fmt.Sprint(err))
	gone, err := r.node.Withdrawals(t.Context(), "", 0)
	for i := range gone {
		for j := range gone[i].Recipients {
			gone[i].Recipients[j].Link = "" // of this moment
		}
	}
	all = append(all, gone, fmt.Sprint(err))
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lasting is a status without what only this moment shows.
func lasting(st dashboard.Status) dashboard.Status {
	none := dashboard.Status{}
	st.Started, st.Now = none.Started, none.Now
	peers := make([]dashboard.Peer, len(st.Peers))
	for i, p := range st.Peers {
		peers[i] = dashboard.Peer{ID: p.ID, Out: p.Out, In: p.In}
	}
	st.Peers = peers
	return st
}

// firstDifference shows where two texts part.
func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	from := max(0, i-200)
	return fmt.Sprintf("was ...%s\nis  ...%s", a[from:min(len(a), i+200)], b[from:min(len(b), i+200)])
}
