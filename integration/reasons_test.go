package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	wire "github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/cli"
)

// scene is what the cases of TestEveryReason play on: a running node with a
// peer that sends what it likes, and one with a sample accreditation that is
// only asked to explain.
type scene struct {
	*hostile
	explains *region
	dir      string
}

// reasonCase reaches one reason from outside, and returns the text in which a
// user finds it.
type reasonCase struct {
	reason federation.Reason
	where  string // the user finds it
	reach  func(s *scene) string
}

// TestEveryReason reaches each reason of the one list from outside, by a file,
// a message, a frame, a label or terms, and finds it where a user looks: in what
// a command prints, in the node's answer, in its journal, in a receipt, in the
// status. A reason without a case fails: either nothing can give it, or nobody
// has looked.
func TestEveryReason(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("three nodes run for it: not with -short")
	}
	s := &scene{hostile: newHostile(t, itDials), dir: t.TempDir()}
	s.explains = newRegion(t, regionSpec{id: "fr-cert", country: "FR", accept: accepted, exercise: []string{"fr-2021/DIFFUSION RESTREINTE"}})
	s.explains.accept(s.victim, strings.ReplaceAll(terms(t, "de-cert", "pl-cert"), "de-cert", "fr-cert"), "")
	reached := map[federation.Reason]bool{}
	for _, c := range slices.Concat(fileCases(), explainCases(), linkCases(), sealCases()) {
		t.Run(string(c.reason)+" "+c.where, func(t *testing.T) {
			s.t = t
			if text := c.reach(s); !strings.Contains(text, string(c.reason)) {
				t.Errorf("%s is not in %s: %s", c.reason, c.where, text)
			}
		})
		reached[c.reason] = true
	}
	for _, r := range federation.Reasons() {
		if !reached[r] {
			t.Errorf("nothing reaches %s", r)
		}
	}
}

// command runs one command and returns all it printed; want is its exit code.
func (s *scene) command(want int, args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	if code := cli.Main(args, strings.NewReader(""), &out, &out); code != want {
		s.t.Errorf("entente %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, out.String())
	}
	return out.String()
}

// file writes a file for a command.
func (s *scene) file(text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, fmt.Sprintf("%d.json", time.Now().UnixNano()))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// publish hands a file to the running node.
func (s *scene) publish(want int, text string) string {
	s.t.Helper()
	return s.command(want, "--config", s.victim.cfg.Path, "publish", s.file(text))
}

// explain asks a node that need not run.
func (s *scene) explain(want int, text, to string, more ...string) string {
	s.t.Helper()
	return s.command(want, append([]string{"--config", s.explains.cfg.Path, "explain", s.file(text), "--to", to, "--json"}, more...)...)
}

const (
	tlpClear  = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	tlpAmber  = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	tlpStrict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
	tlpRed    = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
)

// marked is an indicator under a TLP label, with facts in our extension.
func (s *scene) marked(tlp, facts string) string {
	s.free++
	o := strings.Replace(freeIndicator(2_000_000+s.free, time.Now()), tlpClear, tlp, 1)
	if facts == "" {
		return o
	}
	return strings.TrimSuffix(o, "}") + `,"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension",` + facts + `}}}`
}

func asBundle(objects ...string) string {
	return `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`
}

// fileCases hand files to a running node.
func fileCases() []reasonCase {
	const printed = "what publish prints"
	return []reasonCase{
		{federation.Malformed, printed, func(s *scene) string { return s.publish(3, asBundle(s.marked(tlpClear, ""))[:200]) }},
		{federation.TooLarge, printed, func(s *scene) string {
			deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
			return s.publish(3, asBundle(strings.TrimSuffix(s.marked(tlpClear, ""), "}")+`,"x_a":`+deep+"}"))
		}},
		{federation.Unsupported, printed, func(s *scene) string { return s.publish(3, `{"answer":42}`) }},
		{federation.NotYetValid, printed, func(s *scene) string {
			return s.publish(3, asBundle(freeIndicator(1, time.Now().Add(2*time.Hour))))
		}},
		{federation.Duplicate, printed, func(s *scene) string {
			o := asBundle(s.marked(tlpClear, ""))
			s.publish(0, o)
			return s.command(0, "--config", s.victim.cfg.Path, "publish", s.file(o), "--json")
		}},
		{federation.Unmarked, printed, func(s *scene) string {
			return s.publish(4, asBundle(strings.Replace(s.marked(tlpClear, ""), `"object_marking_refs"`, `"x_refs"`, 1)))
		}},
		{federation.UnknownMarking, printed, func(s *scene) string {
			return s.publish(4, asBundle(s.marked("marking-definition--00000000-83c2-464b-929b-a1a8aa3c8487", "")))
		}},
		{federation.NotAccredited, printed, func(s *scene) string {
			return s.publish(3, asBundle(s.marked(tlpAmber, `"origin":"PL","scheme":"pl-national","classification":"ZASTRZEŻONE","personal_data":false`)))
		}},
		{federation.HeldForPerson, printed, func(s *scene) string {
			const who = "identity--00000000-0000-4000-8000-000000000009"
			by := func(place string) string {
				return strings.TrimSuffix(s.marked(tlpClear, `"residency":["`+place+`"],"personal_data":false`), "}") + `,"created_by_ref":"` + who + `"}`
			}
			return s.publish(4, asBundle(by("EU"), by("US"), `{"type":"identity","spec_version":"2.1","id":"`+who+
				`","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"n","identity_class":"organization"}`))
		}},
		{federation.Withdrawn, printed, func(s *scene) string {
			return s.publish(3, `{"Event":{"uuid":"5f6b1c1e-0000-4000-8000-000000000001","info":"n","timestamp":"1767225600","date":"2026-01-01","distribution":"3",`+
				`"Tag":[{"name":"tlp:clear"}],"Attribute":[{"uuid":"5f6b1c1e-0000-4000-8000-000000000002","type":"domain","category":"Network activity",`+
				`"value":"a.example","to_ids":true,"deleted":true,"timestamp":"1767225600"}]}}`)
		}},
	}
}

// explainCases ask what would become of an object, and why.
func explainCases() []reasonCase {
	const printed = "what explain prints"
	none := func(s *scene, facts string) string {
		return s.explain(3, asBundle(s.marked(tlpClear, facts)), "pl-cert")
	}
	return []reasonCase{
		{federation.TLPAudience, printed, func(s *scene) string { return s.explain(3, asBundle(s.marked(tlpRed, "")), "pl-cert") }},
		{federation.OverCeiling, printed, func(s *scene) string { return s.explain(3, asBundle(s.marked(tlpStrict, "")), "pl-cert") }},
		{federation.NotReleasable, printed, func(s *scene) string { return none(s, `"releasable_to":["FR","DE"]`) }},
		{federation.Residency, printed, func(s *scene) string { return none(s, `"residency":["FR"]`) }},
		{federation.Purpose, printed, func(s *scene) string { return none(s, `"purpose":["research"]`) }},
		{federation.Contract, printed, func(s *scene) string { return none(s, `"contract":["vendor-feed-7"]`) }},
		{federation.PersonalData, printed, func(s *scene) string {
			return s.explain(3, asBundle(s.marked(tlpClear, `"personal_data":true`)), "US")
		}},
		{federation.NoAgreement, printed, func(s *scene) string {
			return s.explain(3, asBundle(s.marked(tlpClear, "")), "pl-cert", "--at", "2029-06-01T00:00:00Z")
		}},
		{federation.NoEquivalent, printed, func(s *scene) string {
			return s.explain(3, asBundle(s.marked(tlpAmber, `"origin":"FR","scheme":"fr-2021","classification":"DIFFUSION RESTREINTE","personal_data":false`)), "US")
		}},
		{federation.UnresolvedReference, printed, func(s *scene) string {
			a, b := s.marked(tlpRed, ""), s.marked(tlpClear, "")
			id := func(o string) string { return o[strings.Index(o, "indicator--"):][:len("indicator--")+36] }
			return s.explain(3, asBundle(a, b, fmt.Sprintf(`{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z",`+
				`"modified":"2026-01-01T00:00:00.000Z","relationship_type":"related-to","source_ref":%q,"target_ref":%q,"object_marking_refs":[%q]}`, id(a), id(b), tlpClear)), "pl-cert")
		}},
		{federation.PolicyError, printed, func(s *scene) string { return s.failingRule() }},
	}
}

// failingRule adds a rule of the operator's own that cannot be evaluated for
// one recipient, to a copy of the shipped rules.
func (s *scene) failingRule() string {
	s.t.Helper()
	r := newRegion(s.t, regionSpec{id: "nl-cert", country: "NL", accept: accepted})
	dir := filepath.Join(r.dir, "policies")
	if err := os.CopyFS(dir, configs.Policies()); err != nil {
		s.t.Fatal(err)
	}
	r.write(filepath.Join(dir, "90-own.cedar"), []byte(`@id("own-rule")
@basis("our own will")
@kind("custom")
@reason("purpose")
@effect("withhold")
@class("policy")
@text("It is not wanted.")
forbid (principal, action == Action::"share", resource)
when { principal.country == "EE" && principal.ceiling * 4611686018427387904 < 0 };
`))
	r.write(filepath.Join(dir, "90-own.examples.yaml"), []byte(`version: 1
rules:
  - rule: own-rule
    allow: [{action: share}]
    deny: [{action: share, set: {principal.ceiling: -2, principal.country: EE}}]
    missing: [{action: share, drop: [principal.country]}]
`))
	r.edit(`policies: ""`, `policies: "policies"`)
	return s.command(4, "--config", r.cfg.Path, "explain", s.file(asBundle(s.marked(tlpClear, ""))), "--to", "EE", "--json")
}

// linkCases come over a link from a peer that sends what it likes.
func linkCases() []reasonCase {
	const answered, told = "the receipt", "the journal"
	why := func(rc wire.Receipt) string { return string(rc.Outcomes[0].Reason) }
	return []reasonCase{
		{federation.BadSignature, answered, func(s *scene) string {
			return why(s.sendOne(issueAs(s.t, s.other.id, s.keys.Message, time.Now(), s.object()), nil))
		}},
		{federation.UnknownIssuer, told, func(s *scene) string {
			s.sendOne(issueAs(s.t, s.id, s.stranger(), time.Now(), s.object()), nil)
			return s.awaitJournal(string(federation.UnknownIssuer))
		}},
		{federation.WrongRecipient, answered, func(s *scene) string { return why(s.sendOne(s.message(), func(o *hop) { o.aud = s.other.id })) }},
		{federation.Expired, told, func(s *scene) string {
			then := time.Now().AddDate(0, -6, 0)
			s.sendOne(issueAs(s.t, s.id, s.keys.Message, then, freeIndicator(1, then)), nil)
			return s.awaitJournal(string(federation.Expired))
		}},
		{federation.UnaccountedRedaction, answered, func(s *scene) string { return why(s.sendOne(withoutLast(s.message()), nil)) }},
		{federation.Equivocation, "the status", func(s *scene) string {
			o := s.object()
			s.sendOne(issueAs(s.t, s.id, s.keys.Message, time.Now(), o), nil)
			s.sendOne(issueAs(s.t, s.id, s.keys.Message, time.Now(), strings.Replace(o, `"n"`, `"another"`, 1)), nil)
			s.seen()
			return s.command(0, "--config", s.victim.cfg.Path, "status")
		}},
		{federation.Lowered, answered, func(s *scene) string {
			l := newLowers(s.hostile)
			s.sendOne(l.issued(l.old), nil)
			return why(s.sendOne(l.issued(l.new), nil))
		}},
		{federation.Stale, answered, func(s *scene) string {
			s.sendOne(issueAs(s.t, s.id, s.keys.Message, time.Now(), freeIndicator(77, time.Now())), nil)
			return why(s.sendOne(issueAs(s.t, s.id, s.keys.Message, time.Now(), freeIndicator(77, time.Now().Add(-24*time.Hour))), nil))
		}},
		{federation.NotOwner, answered, func(s *scene) string { return why(s.sendOne(s.takesBack(s.ownDigest()), nil)) }},
		{federation.Loop, answered, func(s *scene) string { return why(s.sendOne(string(s.ownOfVictim()), nil)) }},
		{federation.RevokedKey, "what verify prints", func(s *scene) string {
			return s.command(3, "verify", s.file(s.message()), "--statements", filepath.Dir(s.statement()), "--at", "2040-01-01T00:00:00Z")
		}},
		{federation.Lost, told, func(s *scene) string {
			// A cursor that this node made, for more than its log has.
			if _, err := s.ask(wire.Pull{Cursor: s.sealedAt(s.victim.keys.Secret, s.id, 1<<40)}); err != nil {
				s.t.Error(err)
			}
			return s.awaitJournal(string(federation.Lost))
		}},
		{federation.Quota, told, func(s *scene) string {
			s.strangers()
			s.seen()
			return s.awaitJournal(string(federation.Quota))
		}},
	}
}

// sealCases come when the victim's terms want the link sealed.
func sealCases() []reasonCase {
	fault := func(s *scene, req []byte) string {
		s.victim.acceptSeal(s.region, terms(s.t, "pl-cert", "de-cert"), relay.SealRequired)
		if err := s.victim.node.Reload(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		_, err := s.askRaw(req)
		return fmt.Sprint(err)
	}
	return []reasonCase{
		{federation.Unsealed, "the answer to a pull", func(s *scene) string { return fault(s, []byte("eLP\x01\x00\x00\x00\x00")) }},
		{federation.BadSeal, "the answer to a pull", func(s *scene) string { return fault(s, []byte("not.really.sealed.at.all")) }},
	}
}

// ownDigest is the digest of an object that the victim issued itself.
func (s *scene) ownDigest() string {
	s.t.Helper()
	v, err := envelope.Verify(s.ownOfVictim(), envelope.VerifyOptions{Keys: s.victim.node.World().Directory, Now: time.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
	d := v.Items()[0].Digest
	return b64(d[:])
}

// statement puts the hostile peer's statement into a folder of its own.
func (s *scene) statement() string {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.region.dir, relay.StatementFile))
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.t.TempDir(), "statement.jwt")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}
