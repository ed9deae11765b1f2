package integration

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bench"
)

// TestDiesAtEveryStep ends a node at each boundary between two steps, as a
// power cut would, starts it again and compares: what was acknowledged is
// there, once and in order, and the node says that it did not end by itself.
func TestDiesAtEveryStep(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs a minute, and the race detector does not reach into other processes; runs without -short")
	}
	de, pl := twoProcesses(t)
	var acknowledged []string
	tried := map[string]bool{}
	for i, c := range []struct {
		victim *process
		step   string
	}{
		{de, "publish/received 1"}, {de, "publish/verified 1"}, {de, "commit/before 1"}, {de, "commit/after 1"}, {de, "publish/before-answer 1"},
		{de, "follow/before-journal 1"}, {de, "follow/after-journal 1"}, {de, "follow/before-index 1"}, {de, "follow/index-applied 1"},
		{de, "export/received 1"}, {de, "export/received 2"}, {de, "export/judged 1"}, {de, "export/verified 1"}, {de, "export/before-journal 1"},
		{de, "export/after-journal 1"}, {de, "export/before-answer 1"},
		{pl, "import/received 1"}, {pl, "import/verified 1"}, {pl, "commit/before 1"}, {pl, "commit/after 1"}, {pl, "import/before-answer 1"},
		{pl, "follow/before-journal 1"}, {pl, "follow/after-journal 1"}, {pl, "follow/before-index 1"}, {pl, "follow/index-applied 1"},
	} {
		name, _, _ := strings.Cut(c.step, " ")
		tried[name] = true
		t.Logf("%s dies at %s", c.victim.id, c.step)
		acknowledged = append(acknowledged, dieOnce(t, de, c.victim, c.step, uint64(i))...)
		de.settledWith(pl.id, time.Minute)
		nothingLost(t, de, pl, acknowledged)
		if t.Failed() {
			return
		}
	}
	for _, s := range relay.Steps() {
		if strings.HasPrefix(s, "erase/") {
			continue // TestExpiryDiesAtEveryStep
		}
		if !tried[s] {
			t.Errorf("no node was ended at %s", s)
		}
	}
	arrivedAll(t, de, pl)
	journalledOnce(t, de)
	journalledOnce(t, pl)
}

// everyFault asks for what takes minutes.
var everyFault = flag.Bool("faults", false, "break every write as often as it is tried again, and end nodes at every write")

// TestDiesAtEveryWrite does the same just before and just after the writes of
// a running node; the rest is written before it runs, or holds nothing.
func TestDiesAtEveryWrite(t *testing.T) {
	if !*everyFault {
		t.Skip("needs a minute beyond TestDiesAtEveryStep, which ends nodes around the same writes; runs with -faults")
	}
	de, pl := twoProcesses(t)
	var acknowledged []string
	tried := map[string]bool{}
	for i, c := range []struct {
		victim *process
		step   string
	}{
		{de, "data/running:after 1"}, {de, "bus/trust:after 2"}, {de, "journal/append:before 2"}, {de, "journal/append:after 3"},
		{de, "index/commit:before 2"}, {de, "index/commit:after 1"}, {pl, "log/append:after 1"}, {pl, "journal/append:after 2"}, {pl, "index/commit:after 2"},
	} {
		name, _, _ := strings.Cut(c.step, ":")
		tried[name] = true
		t.Logf("%s dies at %s", c.victim.id, c.step)
		acknowledged = append(acknowledged, dieOnce(t, de, c.victim, c.step, uint64(100+i))...)
		de.settledWith(pl.id, time.Minute)
		nothingLost(t, de, pl, acknowledged)
		if t.Failed() {
			return
		}
	}
	for _, w := range []string{"log/append", "journal/append", "index/commit", "data/running", "bus/trust"} {
		if !tried[w] || !slices.Contains(relay.Writes(), w) {
			t.Errorf("no node was ended at the write %s, or there is none", w)
		}
	}
	journalledOnce(t, de)
	journalledOnce(t, pl)
}

// twoProcesses starts DE and PL as separate processes.
func twoProcesses(t *testing.T) (de, pl *process) {
	t.Helper()
	de, pl = newProcess(t, "de-cert", "DE"), newProcess(t, "pl-cert", "PL")
	for _, p := range []*process{de, pl} {
		p.fixPort()
	}
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.leaf)
	de.run()
	pl.run()
	return de, pl
}

// dieOnce restarts the victim so that it dies at a step, publishes a file,
// waits for the death and starts the victim again. It returns the ids of the
// objects that were acknowledged.
func dieOnce(t *testing.T, de, victim *process, step string, seed uint64) []string {
	t.Helper()
	victim.stop()
	victim.dieAt(step)
	objects := bench.Generate(8, 500+seed, time.Now())
	file := bundleOf(objects)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	_, err := de.client().Publish(ctx, "load", "", file)
	cancel()
	if victim != de && err != nil {
		t.Fatal(err)
	}
	victim.awaitDeath()
	name, _, _ := strings.Cut(step, " ")
	if text := victim.stderr.text(); !strings.Contains(text, "killed at "+name) {
		t.Fatalf("%s ended, but not at %s:\n%s", victim.id, name, text)
	}
	victim.run()
	if text := victim.stderr.text(); !strings.Contains(text, "did not end by itself") {
		t.Errorf("%s says nothing about its death:\n%s", victim.id, text)
	}
	publishUntilTaken(t, de, file)
	ids := make([]string, len(objects))
	for i, raw := range objects {
		ids[i] = idForm.FindString(string(raw[strings.Index(string(raw), `"id":"`):]))
	}
	return ids
}

// nothingLost checks that de holds what it acknowledged, once, and that pl has
// it once and in de's order.
func nothingLost(t *testing.T, de, pl *process, acknowledged []string) {
	t.Helper()
	at := map[string]int{}
	held := de.took()
	for i, a := range held {
		at[a.ID] = i
	}
	if len(held) != len(acknowledged) || len(at) != len(acknowledged) {
		t.Errorf("%s holds %d objects (%d different), %d were acknowledged", de.id, len(held), len(at), len(acknowledged))
	}
	for _, id := range acknowledged {
		if _, ok := at[id]; !ok {
			t.Errorf("%s acknowledged %s and does not have it", de.id, id)
		}
	}
	inOrder(t, pl, at)
	arrivedAll(t, de, pl)
	for _, p := range []*process{de, pl} {
		st, err := p.status()
		if err != nil {
			t.Fatal(err)
		}
		o := st.Objects
		if o.Seen != o.Taken+o.Duplicate+o.Held+o.Refused {
			t.Errorf("%s: the counts do not add up: %+v", p.id, o)
		}
		for _, x := range st.Peers {
			if x.Out.Judged != x.Out.Sent+x.Out.Withheld+x.Out.Held || x.Out.Sent != x.Out.Acknowledged+x.Out.InFlight {
				t.Errorf("%s: the counts for %s do not add up: %+v", p.id, x.ID, x.Out)
			}
		}
	}
}

// journalledOnce stops a process and reads its journal: it tells of every log
// entry with objects once.
func journalledOnce(t *testing.T, p *process) {
	t.Helper()
	taken := map[uint64]bool{}
	for _, a := range p.took() {
		taken[a.Seq] = true
	}
	p.stop()
	n := inside(t, p)
	told := map[uint64]int{}
	for r, err := range n.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Intake != nil {
			told[r.Intake.Log]++
		}
	}
	for seq, times := range told {
		if times != 1 {
			t.Errorf("%s: the journal tells of log entry %d %d times", p.id, seq, times)
		}
	}
	for seq := range taken {
		if told[seq] == 0 {
			t.Errorf("%s: the journal does not tell of log entry %d", p.id, seq)
		}
	}
}

// inside runs a stopped process's node within this one.
func inside(t *testing.T, p *process) *relay.Node {
	t.Helper()
	cfg, err := configs.LoadNode(p.config())
	if err != nil {
		t.Fatal(err)
	}
	r := &region{t: t, id: p.id, dir: p.dir, cfg: cfg, now: time.Now}
	r.start()
	return r.node
}

// dieAt starts the node so that it ends at a step; it may do so at once.
func (p *process) dieAt(step string) {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), faultConfig+"="+p.config(), faultStep+"="+step)
	if err := p.launch(cmd); err != nil && !strings.Contains(err.Error(), "killed at ") {
		p.t.Fatal(err)
	}
}

// awaitDeath waits until the process has ended by itself.
func (p *process) awaitDeath() {
	p.t.Helper()
	select {
	case <-p.waited:
		p.cmd = nil
	case <-time.After(30 * time.Second):
		p.t.Fatalf("%s still lives\n%s", p.id, p.stderr.text())
	}
}

// stop ends the process as an operator does, and waits for it.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.awaitDeath()
}

func TestFaultHookRefusesNonsense(t *testing.T) {
	if _, err := dieAt("commit/before"); err == nil {
		t.Error("a step without a number was taken")
	}
	steps := relay.Steps()
	slices.Sort(steps)
	if len(slices.Compact(slices.Clone(steps))) != len(steps) {
		t.Errorf("two steps have one name: %v", steps)
	}
	if hook, err := dieAt(""); hook != nil || err != nil {
		t.Error("without a step there is a hook", fmt.Sprint(err))
	}
}
