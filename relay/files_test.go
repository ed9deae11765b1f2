package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
)

// brokenDisk breaks the write of one name once, in one of two ways.
type brokenDisk struct {
	name  string
	keeps bool // what is written is there although an error comes back
	done  bool
}

func (b *brokenDisk) write(name string, do func() error) error {
	if name != b.name || b.done {
		return do()
	}
	b.done = true
	if b.keeps {
		return errors.Join(do(), errBroken)
	}
	return errBroken
}

// operator is a node of tests and a peer, and what their people do.
type operator struct {
	t         *testing.T
	cfg       *configs.Node
	keys      *Keys
	statement []byte // of the peer
	disk      files
	approver  *directory.PrivateKey
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	o := &operator{t: t}
	var err error
	if o.cfg, err = Setup(setupOptions(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	if o.keys, err = LoadKeys(KeysDir(o.cfg)); err != nil {
		t.Fatal(err)
	}
	peer := setupOptions(t.TempDir())
	peer.Values.ID, peer.Values.Country = "pl-cert", "PL"
	cfg, err := Setup(peer)
	if err != nil {
		t.Fatal(err)
	}
	if o.statement, err = os.ReadFile(filepath.Join(filepath.Dir(cfg.Path), StatementFile)); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *operator) dir() string { return filepath.Dir(o.cfg.Path) }

func (o *operator) accept() error {
	text, err := fs.ReadFile(configs.Agreements(), "de-cert--pl-cert.yaml")
	if err != nil {
		o.t.Fatal(err)
	}
	_, err = o.disk.acceptPeer(AgreementsDir(o.dir()), Terms{Agreement: string(text), Statement: string(o.statement)}, o.keys.Terms, time.Now())
	return err
}

// peers says what the node would load: "none", "active", "paused".
func (o *operator) peers() string {
	peers, err := LoadPeers(AgreementsDir(o.dir()), o.ring())
	switch {
	case err != nil:
		return err.Error()
	case len(peers) == 0:
		return "none"
	case peers[0].Paused != nil:
		return "paused"
	}
	return "active"
}

// ring knows the node's own keys.
func (o *operator) ring() *directory.Directory {
	o.t.Helper()
	own, err := ownStatement(filepath.Join(o.dir(), StatementFile), time.Now())
	o.must(err)
	ring, err := directory.New(own)
	o.must(err)
	return ring
}

func (o *operator) known() string {
	known, err := LoadParticipants(StatementsDir(o.dir()), o.ring())
	if err != nil {
		return err.Error()
	}
	if len(known) > 0 {
		return "known"
	}
	return "none"
}

func (o *operator) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestOperatorFilesBroken breaks each write of an operator's command in both
// ways. The command fails and says which file; what a node would load then is
// the state before or the state asked for, never a third; given again, the
// same command does it; and nothing is left lying about.
func TestOperatorFilesBroken(t *testing.T) {
	know := func(o *operator) error {
		_, err := o.disk.knowParticipant(StatementsDir(o.dir()), o.statement, o.keys.Terms, time.Now())
		return err
	}
	hold := func(o *operator) error {
		// The same hold: one that is added again under another id is one more.
		if all, err := LoadHolds(HoldsDir(o.dir())); err != nil || len(all) > 0 {
			return err
		}
		return o.disk.addHold(HoldsDir(o.dir()), &Hold{Peer: "pl-cert", Because: "case", By: "counsel"}, time.Now())
	}
	pause := func(o *operator) error {
		_, err := o.disk.pausePeer(AgreementsDir(o.dir()), "pl-cert", "why", time.Now())
		return err
	}
	observe := func(o *operator) error {
		_, err := o.disk.observePeer(AgreementsDir(o.dir()), "pl-cert", time.Hour, time.Now())
		return err
	}
	steps := map[string]struct {
		before        []func(*operator) error
		do            func(*operator) error
		state         func(*operator) string
		was, is       string
		goneIfRemoved string // an error of the second try that means that it is done
	}{
		fileTerms:   {do: (*operator).accept, state: (*operator).peers, was: "none", is: "active"},
		filePause:   {before: []func(*operator) error{(*operator).accept}, do: pause, state: (*operator).peers, was: "active", is: "paused"},
		fileResumed: {before: []func(*operator) error{(*operator).accept, pause}, do: func(o *operator) error { _, err := o.disk.resumePeer(AgreementsDir(o.dir()), "pl-cert"); return err }, state: (*operator).peers, was: "paused", is: "active"},
		fileRemoved: {before: []func(*operator) error{(*operator).accept, pause}, do: func(o *operator) error { return o.disk.removePeer(AgreementsDir(o.dir()), "pl-cert") },
			state: (*operator).peers, was: "paused", is: "none"},
		fileParticipant: {do: know, state: (*operator).known, was: "none", is: "known"},
		fileForgotten: {before: []func(*operator) error{know}, do: func(o *operator) error { return o.disk.forgetParticipant(StatementsDir(o.dir()), "pl-cert") },
			state: (*operator).known, was: "known", is: "none", goneIfRemoved: "is not known"},
		fileDelegation: {do: func(o *operator) error {
			raw, err := directory.NewRevocation(directory.Revocation{ID: "01944000-0000-7000-8000-000000000001", Issuer: "de-cert", At: time.Now()}, o.keys.Terms)
			o.must(err)
			_, _, err = o.disk.takeDelegation(DelegationsDir(o.dir()), raw, o.ring(), o.keys.Terms, time.Now())
			return err
		}, state: (*operator).ended, was: "0", is: "1"},
		fileObserve:  {do: observe, state: (*operator).observed, was: "not", is: "observed"},
		fileObserved: {before: []func(*operator) error{observe}, do: func(o *operator) error { _, err := o.disk.beginPeer(AgreementsDir(o.dir()), "pl-cert"); return err }, state: (*operator).observed, was: "observed", is: "not"},
		fileApproval: {before: []func(*operator) error{(*operator).runs}, do: (*operator).approve, state: (*operator).approved, was: "0", is: "1"},
		fileInForce:  {do: (*operator).runs, state: (*operator).lastInForce, was: "nothing", is: "in force"},
		fileErasure: {do: func(o *operator) error {
			return o.disk.saveErasure(ErasuresDir(o.dir()), &Erasure{Version: 1, ID: "one", Objects: []ErasedObject{{"de-cert", digestText(digest{1})}}})
		}, state: (*operator).wanted, was: "0", is: "1"},
		fileHold: {do: hold, state: (*operator).held, was: "0 of 0", is: "1 of 1"},
		fileLift: {before: []func(*operator) error{hold}, do: func(o *operator) error {
			all, err := LoadHolds(HoldsDir(o.dir()))
			o.must(err)
			_, err = o.disk.liftHold(HoldsDir(o.dir()), all[0].ID, Lift{Because: "over", By: "counsel"}, time.Now())
			return err
		}, state: (*operator).held, was: "1 of 1", is: "0 of 1", goneIfRemoved: "0 holds in force"},
		fileStatement: {do: func(o *operator) error {
			return o.disk.writeStatement(o.cfg, o.keys, []string{"tls://relay.example:7422"}, 2, time.Now())
		}, state: (*operator).version, was: "1", is: "2"},
	}
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		c := steps[name]
		for _, keeps := range []bool{false, true} {
			o := newOperator(t)
			for _, f := range c.before {
				o.must(f(o))
			}
			b := &brokenDisk{name: name, keeps: keeps}
			o.disk = files{write: b.write}
			err := c.do(o)
			if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), o.dir()) {
				t.Errorf("%s, stored %v: the command says %v", name, keeps, err)
			}
			want := map[bool]string{false: c.was, true: c.is}[keeps]
			if got := c.state(o); got != want {
				t.Errorf("%s, stored %v: the node would see %q, want %q", name, keeps, got, want)
			}
			if err := c.do(o); err != nil && (c.goneIfRemoved == "" || !keeps || !strings.Contains(err.Error(), c.goneIfRemoved)) {
				t.Errorf("%s, stored %v: given again: %v", name, keeps, err)
			}
			if got := c.state(o); got != c.is {
				t.Errorf("%s, stored %v: at last the node would see %q, want %q", name, keeps, got, c.is)
			}
		}
	}
	for _, name := range []string{fileTerms, fileRemoved, filePause, fileResumed, fileParticipant, fileForgotten, fileDelegation, fileErasure, fileHold, fileLift, fileStatement, fileApproval, fileInForce, fileObserve, fileObserved} {
		if _, ok := steps[name]; !ok {
			t.Errorf("nothing breaks %s", name)
		}
	}
}

// runs notes what is in force, as a start does, with an approver named.
func (o *operator) runs() error {
	w, err := LoadWorld(o.cfg, time.Now())
	o.must(err)
	if o.approver == nil {
		o.approver, err = directory.GenerateKey()
		o.must(err)
		for _, k := range []*directory.PrivateKey{o.approver, o.keys.Message.(*directory.PrivateKey)} {
			w.stand.Approvers = append(w.stand.Approvers, approverText{ID: fmt.Sprintf("person-%d", len(w.stand.Approvers)), Key: directory.PublicText(k.Public())})
		}
	}
	return o.disk.writeInForce(o.cfg, w.stand, w.packed, o.keys.Terms, time.Now())
}

// approve consents to what the configuration asks for.
func (o *operator) approve() error {
	p, err := PendingChange(o.cfg, Folders{}, time.Now())
	o.must(err)
	_, _, err = o.disk.approve(p, o.approver, time.Hour, time.Now())
	return err
}

// approved counts who consented.
func (o *operator) approved() string {
	p, err := PendingChange(o.cfg, Folders{}, time.Now())
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(len(p.By))
}

// lastInForce says whether it is known what was in force.
func (o *operator) lastInForce() string {
	f, err := readInForce(o.cfg, o.ring())
	switch {
	case err != nil:
		return err.Error()
	case f == nil:
		return "nothing"
	}
	return "in force"
}

// observed says whether a peer would be only observed.
func (o *operator) observed() string {
	x, err := loadObservation(AgreementsDir(o.dir()), "pl-cert")
	switch {
	case err != nil:
		return err.Error()
	case x == nil:
		return "not"
	}
	return "observed"
}

// ended counts the delegations that the node knows to have ended.
func (o *operator) ended() string {
	ds, err := LoadDelegations(DelegationsDir(o.dir()), o.ring(), o.ring())
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(len(ds.Ends))
}

// wanted counts the objects that the node would erase.
func (o *operator) wanted() string {
	a, err := loadErasures(ErasuresDir(o.dir()))
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(len(a.why))
}

// held counts the legal holds in force, of all.
func (o *operator) held() string {
	all, err := LoadHolds(HoldsDir(o.dir()))
	if err != nil {
		return err.Error()
	}
	n := len(all)
	return fmt.Sprintf("%d of %d", len(inForce(all)), n)
}

// version is the version of the node's own statement.
func (o *operator) version() string {
	own, err := ownStatement(filepath.Join(o.dir(), StatementFile), time.Now())
	if err != nil {
		return err.Error()
	}
	return strconv.FormatUint(own.Version, 10)
}

// TestSetupBroken breaks each file that `init` writes, in both ways: it fails,
// takes back what it wrote, and works when it is given again.
func TestSetupBroken(t *testing.T) {
	for _, name := range []string{fileKeys, fileStatement, fileConfig} {
		for _, keeps := range []bool{false, true} {
			o := setupOptions(t.TempDir())
			o.files.write = (&brokenDisk{name: name, keeps: keeps}).write
			if _, err := Setup(o); !errors.Is(err, errBroken) {
				t.Errorf("%s, stored %v: %v", name, keeps, err)
			}
			if left := walk(t, o.Dir); len(left) != 0 {
				t.Errorf("%s, stored %v: left behind: %v", name, keeps, left)
			}
			cfg, err := Setup(o)
			if err != nil {
				t.Errorf("%s, stored %v: given again: %v", name, keeps, err)
				continue
			}
			if _, err := OpenKeys(cfg); err != nil {
				t.Error(err)
			}
		}
	}
}

// walk lists the files under dir.
func walk(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTornFiles cuts each of a node's own files at many places, as a disk does
// that keeps a file's name and loses its content: none of them is taken for
// something else, and the error names the file. (A configuration cut short may
// read as a shorter one: it is the operator's text.)
func TestTornFiles(t *testing.T) {
	o := newOperator(t)
	o.must(o.accept())
	_, err := PausePeer(AgreementsDir(o.dir()), "pl-cert", "why", time.Now())
	o.must(err)
	_, err = KnowParticipant(StatementsDir(o.dir()), o.statement, o.keys.Terms, time.Now())
	o.must(err)
	o.must(o.runs())
	all := walk(t, o.dir())
	if len(all) != 13 {
		t.Errorf("%d files, want 13: %v", len(all), all)
	}
	for _, path := range all {
		if path == o.cfg.Path {
			continue
		}
		whole, err := os.ReadFile(path)
		o.must(err)
		torn := 0
		for cut := 0; cut < len(whole)-2; cut += max(1, len(whole)/23) {
			o.must(os.WriteFile(path, whole[:cut], 0o600))
			if said := o.load(); said == nil {
				t.Errorf("%s cut at %d of %d is taken as whole", path, cut, len(whole))
			} else if !strings.Contains(said.Error(), filepath.Base(path)) {
				t.Errorf("%s cut at %d: the error does not name it: %v", path, cut, said)
			}
			torn++
		}
		o.must(os.WriteFile(path, whole, 0o600))
		if torn < 5 {
			t.Errorf("%s was cut at %d places", path, torn)
		}
	}
	o.must(o.load())
}

// load reads the node's own files as a start does.
func (o *operator) load() error {
	keys, err := OpenKeys(o.cfg)
	if err != nil {
		return err
	}
	own, err := ownStatement(filepath.Join(o.dir(), StatementFile), time.Now())
	if err != nil {
		return err
	}
	if err := keys.stated(own); err != nil {
		return err
	}
	ring, err := directory.New(own)
	if err != nil {
		return err
	}
	_, err = LoadPeers(AgreementsDir(o.dir()), ring)
	_, err2 := LoadParticipants(StatementsDir(o.dir()), ring)
	_, err3 := readInForce(o.cfg, ring)
	return errors.Join(err, err2, err3)
}
