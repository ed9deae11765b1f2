package envelope

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	update    = flag.Bool("update", false, "write the vectors anew")
	judgeFlag = flag.String("judge", "", "folder to write vectors of larger messages into, for .ci/judges/sdjwt")
)

// vector is one file of testdata/vectors: a message, the facts it is checked
// against, and what must come of it. WIRE.md describes the members.
type vector struct {
	About   string      `json:"about"`
	Now     time.Time   `json:"now"`
	Self    string      `json:"self,omitempty"`
	Keys    []vectorKey `json:"keys"`
	Issue   *vectorIn   `json:"issue,omitempty"`
	Message []string    `json:"message,omitempty"`
	JSON    string      `json:"json,omitempty"`
	Expect  expected    `json:"expect"`
}

// vectorKey is a participant's message key: a public JWK with its window.
type vectorKey struct {
	Owner     string    `json:"owner"`
	KID       string    `json:"kid"`
	X         string    `json:"x"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// vectorIn is what a message was issued from, so that an implementation can
// issue the same bytes.
type vectorIn struct {
	Key     jsontext.Value   `json:"key"` // private JWK of the issuer
	Secret  string           `json:"secret"`
	ID      string           `json:"jti"`
	Objects []jsontext.Value `json:"objects"`
}

// expected is what Verify makes of a message.
type expected struct {
	Reason  federation.Reason `json:"reason,omitempty"`
	Issuer  string            `json:"issuer,omitempty"`
	Owner   string            `json:"for,omitempty"` // if it is not the issuer
	ID      string            `json:"jti,omitempty"`
	Objects []jsontext.Value  `json:"objects,omitempty"`
	Gone    [][2]string       `json:"gone,omitempty"`
	Hops    []expectedHop     `json:"hops,omitempty"`
	Missing int               `json:"missing,omitempty"`
}

type expectedHop struct {
	Iss string      `json:"iss"`
	Aud string      `json:"aud"`
	Seq uint64      `json:"seq"`
	Out [][2]string `json:"out,omitempty"`
	Map [][3]string `json:"map,omitempty"`
}

// counting is a source of salts that is always the same.
type counting struct{ n byte }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

// outcome runs a vector.
func (v *vector) outcome(t testing.TB) expected {
	t.Helper()
	keys := ring{}
	for _, k := range v.Keys {
		pub, err := decode([]byte(k.X))
		if err != nil {
			t.Fatal(err)
		}
		keys[k.KID] = directory.Key{KID: k.KID, Public: pub, Alg: directory.AlgEdDSA, Purpose: directory.PurposeMessage,
			NotBefore: k.NotBefore, NotAfter: k.NotAfter, Owner: k.Owner, Fresh: k.NotAfter}
	}
	raw := []byte(strings.Join(v.Message, "\n"))
	if v.JSON != "" {
		text, err := FromJSON([]byte(v.JSON))
		if err != nil {
			return expected{Reason: federation.ReasonOf(err)}
		}
		if v.Message != nil && !bytes.Equal(text, raw) {
			t.Errorf("the JSON form is of another message")
		}
		raw = text
	}
	got, err := Verify(raw, VerifyOptions{Self: v.Self, Keys: keys, Now: v.Now})
	if err != nil {
		return expected{Reason: federation.ReasonOf(err)}
	}
	out := expected{Issuer: got.Issuer(), ID: got.ID(), Missing: len(got.Missing())}
	if got.Owner() != got.Issuer() {
		out.Owner = got.Owner()
	}
	for _, it := range got.Items() {
		out.Objects = append(out.Objects, jsontext.Value(sorted(t, it.Object.Raw())))
	}
	for _, g := range got.Gone() {
		out.Gone = append(out.Gone, [2]string{digestString(g.Digest), g.Reason})
	}
	for _, h := range got.Hops() {
		x := expectedHop{Iss: h.Iss, Aud: h.Aud, Seq: h.Seq}
		for _, o := range h.Out {
			x.Out = append(x.Out, [2]string{digestString(o.Digest), o.Class})
		}
		for _, m := range h.Map {
			x.Map = append(x.Map, [3]string{digestString(m.Object), m.From, m.To})
		}
		out.Hops = append(out.Hops, x)
	}
	return out
}

// text is the vector's file.
func (v *vector) text(t testing.TB) []byte {
	t.Helper()
	out, err := json.Marshal(v, jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// vectors makes all vectors, by file name.
func vectors(t testing.TB) map[string]*vector {
	t.Helper()
	f := &vectorMaker{t: t, out: map[string]*vector{}}
	f.accepted()
	f.refused()
	return f.out
}

type vectorMaker struct {
	t   testing.TB
	out map[string]*vector
}

// add makes one vector; its expectation is what the test states, not what the
// program happens to do: a reason, or "" for a message to be accepted.
func (f *vectorMaker) add(name, about, self string, raw []byte, want federation.Reason) *vector {
	f.t.Helper()
	v := &vector{About: about, Now: testNow, Self: self, Message: strings.Split(string(raw), "\n")}
	ps, keys := testParticipants(f.t)
	for _, id := range []string{"de-cert", "pl-cert", "jp-carrier"} {
		k := keys[ps[id].KeyID()]
		v.Keys = append(v.Keys, vectorKey{Owner: id, KID: k.KID, X: b64(k.Public), NotBefore: k.NotBefore, NotAfter: k.NotAfter})
	}
	v.Expect = v.outcome(f.t)
	if v.Expect.Reason != want {
		f.t.Errorf("vector %s: reason %q, want %q", name, v.Expect.Reason, want)
	}
	f.out[name] = v
	return v
}

// send passes a message on with salts that are always the same.
func (f *vectorMaker) send(v *Verified, from, to string, cuts map[string]cut, marks ...Mapped) (*Verified, []byte) {
	f.t.Helper()
	c := clear(f.t, v, to, cuts)
	c.marks = marks
	ps, _ := testParticipants(f.t)
	s, err := SignFrame([]*Cleared{c}, Dispatch{Self: from, Key: ps[from], Peer: to, Now: testNow, FirstSeq: 7, Tables: "tables-1", Rand: &counting{}})
	if err != nil {
		f.t.Fatal(err)
	}
	got, err := verifyAs(f.t, s[0].Bytes(), to)
	if err != nil {
		f.t.Fatal(err)
	}
	return got, s[0].Bytes()
}

func (f *vectorMaker) accepted() {
	objs := sampleObjects(f.t)
	v := issueOne(f.t, objs...)
	x := f.add("accept-issued.json", "A message as its issuer made it, without hops. From the objects, key, secret and id under issue, the same bytes can be made.", "", v.Raw(), "")
	x.Issue = &vectorIn{Key: seedJWK(1), Secret: b64(testSecret), ID: v.ID()}
	for _, o := range objs {
		x.Issue.Objects = append(x.Issue.Objects, jsontext.Value(sorted(f.t, o.Raw())))
	}
	atPL, raw := f.send(v, "de-cert", "pl-cert", nil)
	f.add("accept-one-hop.json", "Dispatched by its issuer, nothing taken out.", "pl-cert", raw, "")
	cuts := map[string]cut{
		indicatorID: {paths: []string{notePrefix + ".contacts", "description"}, class: ClassPrivacy},
		identityID:  {whole: true},
		reportID:    {paths: []string{"object_refs.[1]"}, class: ClassOrigin},
	}
	_, raw = f.send(atPL, "pl-cert", "jp-carrier", cuts, Mapped{Object: atPL.Items()[0].Digest, From: "VS-NfD", To: "ZASTRZEŻONE"})
	f.add("accept-two-hops-redacted.json", "Passed on: two parts of the indicator, one reference of the report and the identity were taken out, and a marking is mapped.", "jp-carrier", raw, "")
	o := issueOptions(f.t)
	o.Gone = []Gone{{Digest: v.Items()[0].Digest, Reason: GoneSuperseded}}
	gone, err := Issue(nil, o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.add("accept-gone.json", "A message that only takes an object back.", "", gone[0].Raw(), "")
	o.For = "pl-cert"
	if gone, err = Issue(nil, o); err != nil {
		f.t.Fatal(err)
	}
	f.add("accept-on-behalf.json", "A delegate takes back an object of another participant. Whether it may is judged after this.", "", gone[0].Raw(), "")
	_, decoys := f.send(withDecoys(f.t, 4), "de-cert", "pl-cert", map[string]cut{indicatorID: {paths: []string{"description"}, class: ClassPrivacy}})
	f.add("accept-decoys.json", "Digests that stand for nothing fill every list up to a multiple of 4; hop 0 lists them and a property that was taken out alike.", "pl-cert", decoys, "")
	f.add("accept-place-in-frame.json", "The second of two records under one root.", "pl-cert",
		addHop(f.t, v, "pl-cert", func(h *hopForger) { h.i, h.n, h.root.N, h.path = 1, 2, 2, make([][32]byte, 1) }), "")
	f.add("accept-other-header.json", "Another order and spacing of the header, and the algorithm by its newer name.", "",
		f.resign(v, `{ "typ":"cti+sd-jwt", "kid":"`+f.kid()+`", "alg":"Ed25519" }`), "")
}

// kid is the id of de-cert's key.
func (f *vectorMaker) kid() string { return testKeyPair(f.t, 1).KeyID() }

// resign signs the payload of a message again under another header.
func (f *vectorMaker) resign(v *Verified, header string) []byte {
	input := b64([]byte(header)) + "." + b64(v.m.jws.Payload)
	sig, err := testKeyPair(f.t, 1).Sign([]byte(input))
	if err != nil {
		f.t.Fatal(err)
	}
	return append([]byte(input+"."+b64(sig)), v.m.sd[v.m.head:]...)
}

func (f *vectorMaker) refused() {
	t := f.t
	small := issueOne(t, parse(t, identity))
	good := small.Raw()
	atPL, hop := f.send(small, "de-cert", "pl-cert", map[string]cut{identityID: {paths: []string{"identity_class"}}})
	atJP, two := f.send(atPL, "pl-cert", "jp-carrier", nil)
	f.forms(atJP)
	lines := strings.Split(string(two), "\n")
	jws, rest, _ := strings.Cut(string(good), "~")
	property := func(name string) []byte {
		for at := range small.m.discs {
			if string(small.m.name(at)) == name {
				return small.m.text(at)
			}
		}
		return nil
	}
	removed, name := property("identity_class"), property("name")

	stray := jws[:len(jws)-1] + string(nextInAlphabet(jws[len(jws)-1]))
	f.add("refuse-other-spelling.json", "The signature in another spelling of the same bytes, which a lax base64url decoder accepts.", "", []byte(stray+"~"+rest), federation.Malformed)
	f.add("refuse-changed-signature.json", "A bit of the signature changed.", "", []byte(string(flip([]byte(jws), len(jws)-20))+"~"+rest), federation.BadSignature)
	f.add("refuse-some-verifiers-accept.json", "A signature whose R has a component of small order: cofactored verification (batch verifiers, ZIP 215) accepts it, RFC 8032 without the cofactor, as in Go's crypto/ed25519, does not.", "", append(mixedOrder(t, small), small.m.sd[small.m.head:]...), federation.BadSignature)
	f.add("refuse-alg-none.json", "Algorithm none.", "", f.resign(small, `{"alg":"none","kid":"`+f.kid()+`","typ":"cti+sd-jwt"}`), federation.BadSignature)
	f.add("refuse-jku.json", "A header that names where to get a key.", "", f.resign(small, `{"alg":"EdDSA","jku":"https://keys.example/jwks","kid":"`+f.kid()+`","typ":"cti+sd-jwt"}`), federation.Malformed)
	f.add("refuse-other-kind.json", "A JWS of another kind.", "", f.resign(small, `{"alg":"EdDSA","kid":"`+f.kid()+`","typ":"cti-hops+jwt"}`), federation.Malformed)
	f.add("refuse-key-binding.json", "A key-binding JWT (RFC 9901 section 4.3), validly signed: a message has no holder, and no verifier expects one.", "", []byte(string(good)+keyBinding(t, good)), federation.Malformed)
	f.add("refuse-unknown-key.json", "Signed by somebody who is not in the directory.", "", f.stranger(), federation.UnknownIssuer)
	f.add("refuse-hop-cut-out.json", "The first of two hops was cut out.", "jp-carrier", []byte(lines[0]+"\n"+lines[2]), federation.BadSignature)
	f.add("refuse-last-hop-cut-off.json", "The last of two hops was cut off.", "jp-carrier", []byte(lines[0]+"\n"+lines[1]), federation.WrongRecipient)
	f.add("refuse-removed-in-silence.json", "A property was taken out and no hop says so.", "pl-cert", without(t, hop, name), federation.UnaccountedRedaction)
	f.add("refuse-put-back.json", "A property that a hop took out is back.", "pl-cert", with(t, hop, removed), federation.UnaccountedRedaction)
	f.add("refuse-loop.json", "It comes back to its issuer.", "de-cert", addHop(t, atPL, "de-cert", func(h *hopForger) {}), federation.Loop)
	f.add("refuse-wrong-place-in-frame.json", "The record is not the leaf of the root that it claims to be.", "pl-cert",
		addHop(t, small, "pl-cert", func(h *hopForger) { h.n, h.path = 2, make([][32]byte, 1) }), federation.BadSignature)
	f.forged()
	late := f.add("refuse-past-exp.json", "Seven minutes after the last moment of first acceptance.", "", good, "")
	late.Now = testNow.Add(DefaultExpiry + 7*time.Minute)
	late.Expect = expected{Reason: federation.Expired}
	early := f.add("refuse-from-the-future.json", "The receiver's clock is ten minutes behind: to be tried again later.", "", good, "")
	early.Now = testNow.Add(-10 * time.Minute)
	early.Expect = expected{Reason: federation.NotYetValid}
}

// forged adds messages whose signature is good and whose content is not.
func (f *vectorMaker) forged() {
	g := forge(f.t)
	f.add("refuse-fixed-property.json", "A property that is always in the open (revoked) arrives by disclosure.", "",
		g.of(basics(), sd(g.property("revoked", "true"))), federation.Malformed)
	g = forge(f.t)
	f.add("refuse-handling-by-disclosure.json", "The entry that holds the handling facts arrives by disclosure.", "",
		g.of(basics(), `"extensions":{`+sd(g.property(stix.HandlingExtension, `{"extension_type":"property-extension","origin":"DE"}`))+`}`), federation.Malformed)
	g = forge(f.t)
	d := g.property("name", `"x"`)
	f.add("refuse-digest-twice.json", "The same digest in two places.", "", g.of(basics(), sd(d), `"extensions":{`+sd(d)+`}`), federation.Malformed)
	g = forge(f.t)
	g.property("name", `"x"`)
	f.add("refuse-disclosure-without-digest.json", "A disclosure that no digest stands for.", "", g.of(basics()), federation.Malformed)
	g = forge(f.t)
	f.add("refuse-unlisted-decoy.json", "A digest that nothing stands for, and no hop that lists it.", "", g.of(basics(), sd(b64(make([]byte, 32)))), federation.UnaccountedRedaction)
	g = forge(f.t)
	f.add("refuse-nested-digests.json", "Digests where the format has none.", "",
		g.of(basics(), `"external_references":[{"source_name":"x",`+sd(g.property("url", `"https://a.example"`))+`}]`), federation.Malformed)
	g = forge(f.t)
	f.add("refuse-modified-in-the-future.json", "An object says that it was modified seven minutes from now.", "",
		g.of(basics("modified"), `"modified":"2026-01-06T12:07:00.000Z"`), federation.Malformed)
	g = forge(f.t)
	f.add("refuse-created-in-the-future.json", "A marking-definition, whose version is its created, from seven minutes from now.", "",
		g.of(`"type":"marking-definition","spec_version":"2.1","id":"marking-definition--9d3b8a4e-2f61-4a7b-8d2c-5a6b7c8d9e0a","created":"2026-01-06T12:07:00.000Z","definition_type":"statement","definition":{"statement":"x"}`),
		federation.Malformed)
	g = forge(f.t)
	own := g.element("{" + basics() + "}")
	f.add("refuse-on-own-behalf.json", "A message of an issuer on its own behalf.", "", g.message(strings.Replace(g.payload(own), `"iss"`, `"for":"de-cert","iss"`, 1)), federation.Malformed)
	g = forge(f.t)
	obj := g.element("{" + basics() + "}")
	f.add("refuse-newer-version.json", "A wire version to come.", "", g.message(strings.Replace(g.payload(obj), `"ver":1`, `"ver":2`, 1)), federation.Unsupported)
}

// stranger is a message of a participant whom the vectors do not list.
func (f *vectorMaker) stranger() []byte {
	o := issueOptions(f.t)
	o.Issuer, o.Key = "fr-cert", testKeyPair(f.t, 4)
	vs, err := Issue([]*stix.Object{parse(f.t, identity)}, o)
	if err != nil {
		f.t.Fatal(err)
	}
	return vs[0].Raw()
}

// TestVectors holds the files to what the program makes and accepts: each file
// is what is generated, and says of its message what Verify says.
func TestVectors(t *testing.T) {
	dir := filepath.Join("testdata", "vectors")
	made := vectors(t)
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, v := range made {
			if err := os.WriteFile(filepath.Join(dir, name), v.text(t), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(made) || len(files) < 25 {
		t.Errorf("%d files, %d vectors: run the test with -update and delete what is no longer made", len(files), len(made))
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if v, ok := made[file.Name()]; !ok || !bytes.Equal(raw, v.text(t)) {
				t.Error("is not what the test makes: run it with -update and look at the difference")
			}
			var v vector
			if err := json.Unmarshal(raw, &v, json.RejectUnknownMembers(true)); err != nil {
				t.Fatal(err)
			}
			want, got := &vector{Expect: v.Expect}, &vector{Expect: v.outcome(t)}
			if !bytes.Equal(want.text(t), got.text(t)) {
				t.Errorf("verifies as\n%s\nand should as\n%s", got.text(t), want.text(t))
			}
		})
	}
}

// TestVectorIsReissued issues the first vector from what it says it was made of.
func TestVectorIsReissued(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "vectors", "accept-issued.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	key, err := directory.ParsePrivateKey(v.Issue.Key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := decode([]byte(v.Issue.Secret))
	if err != nil {
		t.Fatal(err)
	}
	var objs []*stix.Object
	for _, o := range v.Issue.Objects {
		objs = append(objs, parse(t, string(o)))
	}
	vs, err := Issue(objs, IssueOptions{Issuer: "de-cert", Key: key, Now: v.Now, Secret: secret, NewID: func() string { return v.Issue.ID }})
	if err != nil {
		t.Fatal(err)
	}
	if string(vs[0].Raw()) != strings.Join(v.Message, "\n") {
		t.Error("the message is another one")
	}
}

// TestJudgeInput writes vectors of larger messages, whole and with parts taken
// out, for the judge that is no program of ours.
func TestJudgeInput(t *testing.T) {
	f := &vectorMaker{t: t, out: map[string]*vector{}}
	v := issueOne(t, workload(t)...)
	f.add("workload.json", "64 objects as issued.", "", v.Raw(), "")
	cuts := map[string]cut{}
	for i, it := range v.Items() {
		c := cut{whole: i%7 == 0}
		for j, u := range it.Object.Units() {
			if !u.Fixed && (i+j)%5 == 0 {
				c.paths = append(c.paths, u.Path)
			}
		}
		cuts[it.Object.ID()] = c
	}
	_, raw := f.send(v, "de-cert", "pl-cert", cuts)
	f.add("workload-redacted.json", "The same with every seventh object and many properties taken out.", "pl-cert", raw, "")
	for name, v := range f.out {
		if len(v.Expect.Objects) < 50 {
			t.Errorf("%s has only %d objects", name, len(v.Expect.Objects))
		}
		if *judgeFlag == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*judgeFlag, name), v.text(t), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("wrote %s", name)
	}
}
