package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bench"
)

// TestKilledNodesLoseNothing kills each of three processes again and again
// while objects flow through them. Everything that was acknowledged to the
// publisher and may arrive has arrived once, in order.
func TestKilledNodesLoseNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs minutes under the race detector, which does not reach into other processes anyway; runs without -short")
	}
	de, pl, jp := threeProcesses(t)
	const kills, perFile, most = 12, 40, 600
	done := make(chan struct{})
	go func() { defer close(done); assassinate(kills, de, pl, jp) }()
	files := 0
	for working := true; working && files < most; files++ {
		publishUntilTaken(t, de, bundleOf(bench.Generate(perFile, uint64(100+files), time.Now())))
		select {
		case <-done:
			working = false
		default:
		}
	}
	<-done
	t.Logf("%d kills while %d objects were published", kills, files*perFile)
	de.settledWith("pl-cert", 2*time.Minute)
	pl.settledWith("jp-carrier", 2*time.Minute)

	at := map[string]int{}
	for i, a := range de.took() {
		at[a.ID] = i
	}
	if len(at) != files*perFile {
		t.Errorf("de-cert holds %d objects, %d were acknowledged", len(at), files*perFile)
	}
	inOrder(t, pl, at)
	inOrder(t, jp, at)
	arrivedAll(t, de, pl)
	arrivedAll(t, pl, jp)
	for _, p := range []*process{de, pl, jp} {
		st, err := p.status()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range st.Peers {
			if x.Out.Judged != x.Out.Sent+x.Out.Withheld+x.Out.Held || x.Out.Sent != x.Out.Acknowledged+x.Out.InFlight {
				t.Errorf("%s: the counts for %s do not add up: %+v", p.id, x.ID, x.Out)
			}
		}
		t.Logf("%s: %+v", p.id, st.Objects)
	}
}

// threeProcesses starts DE, PL and JP as separate processes, made with the
// commands a user would type.
func threeProcesses(t *testing.T) (de, pl, jp *process) {
	t.Helper()
	de, pl, jp = newProcess(t, "de-cert", "DE"), newProcess(t, "pl-cert", "PL"), newProcess(t, "jp-carrier", "JP")
	for _, p := range []*process{de, pl, jp} {
		p.fixPort()
	}
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.leaf)
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.leaf)
	entente(t, 0, "--config", jp.config(), "statement", "add", filepath.Join(de.dir, "statement.jwt"))
	de.run()
	pl.run()
	jp.run()
	return de, pl, jp
}

// assassinate kills one process after another and starts it again, so many
// times in all.
func assassinate(times int, victims ...*process) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range times {
		<-time.After(time.Duration(50+r.IntN(400)) * time.Millisecond)
		v := victims[i%len(victims)]
		v.kill()
		v.run()
	}
}

// arrivedAll checks that the second node took as many objects as the first
// one's journal says it sent: with each once and none unknown, that is all.
func arrivedAll(t *testing.T, from, to *process) {
	t.Helper()
	st, err := from.status()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range st.Peers {
		if got := len(to.took()); x.ID == to.id && uint64(got) != x.Out.Sent {
			t.Errorf("%s sent %d objects to %s, which took %d", from.id, x.Out.Sent, to.id, got)
		}
	}
}

// publishUntilTaken publishes one file until the node says that it holds
// every object; publishing again after an unknown answer doubles nothing.
func publishUntilTaken(t *testing.T, p *process, data []byte) {
	t.Helper()
	eventually(t, time.Minute, func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		res, err := p.client().Publish(ctx, "load", "", data)
		if err != nil {
			return err.Error()
		}
		if res.Taken+res.Duplicate != len(res.Items) {
			return fmt.Sprintf("%+v", res)
		}
		return ""
	})
}

// bundleOf puts objects into one STIX bundle.
func bundleOf(objects [][]byte) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[`)
	b.Write(bytes.Join(objects, []byte(",")))
	b.WriteString("]}")
	return b.Bytes()
}

// inOrder checks that a node took every object once, in the order at gives,
// and all of those that nothing restricts.
func inOrder(t *testing.T, p *process, at map[string]int) {
	t.Helper()
	last, got := -1, map[string]bool{}
	for _, a := range p.took() {
		var o struct {
			Refs []string `json:"object_marking_refs"`
		}
		if err := json.Unmarshal(a.Object, &o); err != nil {
			t.Fatal(err)
		}
		i, known := at[a.ID]
		switch {
		case got[a.ID]:
			t.Fatalf("%s took %s twice", p.id, a.ID)
		case !known:
			t.Fatalf("%s has %s, which was never published", p.id, a.ID)
		case i < last:
			t.Fatalf("%s took %s out of order", p.id, a.ID)
		}
		got[a.ID], last = true, i
	}
	t.Logf("%s took %d objects, once each and in order", p.id, len(got))
	if len(got) == 0 {
		t.Errorf("nothing arrived at %s", p.id)
	}
}
