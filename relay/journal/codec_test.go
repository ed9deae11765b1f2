package journal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden pins the form of every kind of record: journals are kept for years.
func TestGolden(t *testing.T) {
	var got bytes.Buffer
	for _, r := range samples() {
		data, _, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(data)
		got.WriteByte('\n')
	}
	path := filepath.Join("testdata", "records.golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("records changed their form; got\n%s", got.Bytes())
	}
}

func TestRoundTrip(t *testing.T) {
	kinds := make(map[Kind]bool)
	for _, r := range samples() {
		data, written, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		chain(data, digestOf("before"))
		back, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		written.Prev = digestOf("before")
		if !reflect.DeepEqual(back, written) {
			t.Errorf("read back:\n got %+v\nwant %+v", back, written)
		}
		kinds[r.Kind()] = true
	}
	if len(kinds) != 10 {
		t.Errorf("samples of %d kinds, want all 10", len(kinds))
	}
}

// TestEncoderWritesWhatTheTagsSay compares the encoder with the JSON package over
// records filled at random, so that the two cannot drift apart.
func TestEncoderWritesWhatTheTagsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := samples()[rapid.IntRange(0, len(samples())-1).Draw(t, "kind")]
		fill(t, reflect.ValueOf(r).Elem())
		r.Seq, r.Ver = 0, Version
		e := encoder{}
		e.record(r)
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(e.b, want) {
			t.Fatalf("encoder and tags differ:\n%s\n%s", e.b, want)
		}
	})
}

// fill changes some of what is in v.
func fill(t *rapid.T, v reflect.Value) {
	if v.Kind() != reflect.Struct && v.Kind() != reflect.Pointer && rapid.Bool().Draw(t, "keep") {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(t, v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at.Add(time.Duration(rapid.Int64Range(0, 1e18).Draw(t, "time")))))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		if rapid.Bool().Draw(t, "empty") {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Array:
		v.SetZero()
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "a", "TLP:GREEN", "ZASTRZEŻONE & more", "no 'good'", indicatorID, "x_a.[1]"}).Draw(t, "text"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "number"))
	case reflect.Int:
		v.SetInt(rapid.Int64Range(-1, 1<<40).Draw(t, "count"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	}
}

// TestEveryTextHasAShape: no field of a record is a plain string, so none can
// take a value of a property just because someone puts it there.
func TestEveryTextHasAShape(t *testing.T) {
	shaped := map[reflect.Type]bool{
		reflect.TypeFor[Token](): true, reflect.TypeFor[ID](): true, reflect.TypeFor[Path](): true, reflect.TypeFor[Label](): true, reflect.TypeFor[Compact](): true,
		reflect.TypeFor[federation.Reason](): true, reflect.TypeFor[federation.Verdict](): true, reflect.TypeFor[Outcome](): true,
	}
	seen := 0
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(path, typ.Elem())
		case reflect.Struct:
			if typ.PkgPath() == "time" {
				return
			}
			for i := range typ.NumField() {
				walk(path+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		case reflect.String:
			seen++
			if !shaped[typ] {
				t.Errorf("%s is a %s", path, typ)
			}
		case reflect.Map, reflect.Interface:
			t.Errorf("%s is a %s", path, typ)
		}
	}
	walk("Record", reflect.TypeFor[Record]())
	if seen < 30 {
		t.Errorf("only %d texts found", seen)
	}
}

// TestNoPropertyValues puts what properties hold into every text of every
// record, one at a time. The record is refused or written without it.
func TestNoPropertyValues(t *testing.T) {
	markers := []string{
		"[ipv4-addr:value = '203.0.113.77']",
		"maria.secret@victim.example",
		"https://victim.example/secret",
		"She called on +81 3 5555 0199; \"secret\" plan",
		"password=secret",
		`C:\Users\secret`,
		"<b>secret</b>",
		"first line\nsecret second line",
		strings.Repeat("secret ", 200),
		"'secret'",
		"secret\x00",
		"\u202esecret",
		"secret \xff",
	}
	wrote, refused := 0, 0
	for _, marker := range markers {
		for kind := range samples() {
			for at := 0; ; at++ {
				r := samples()[kind]
				if !putText(reflect.ValueOf(r), marker, &at, at) {
					break
				}
				data, written, err := encode(r)
				if err != nil {
					if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "203.0.113.77") {
						t.Errorf("the error shows it: %v", err)
					}
					refused++
					continue
				}
				if bytes.Contains(data, []byte("secret")) || bytes.Contains(data, []byte("203.0.113.77")) {
					t.Errorf("%q came through in %s", marker, data)
				}
				if again, err := Decode(data); err != nil || !reflect.DeepEqual(again, written) {
					t.Errorf("what is handed on is not what is written: %+v, %v", written, err)
				}
				wrote++
			}
		}
	}
	if wrote < 100 || refused < 50 {
		t.Errorf("%d written without it, %d refused: the test looks at too little", wrote, refused)
	}
}

// putText sets the text number want below v and reports whether there is one.
func putText(v reflect.Value, text string, _ *int, want int) bool {
	n := 0
	var walk func(v reflect.Value) bool
	walk = func(v reflect.Value) bool {
		switch v.Kind() {
		case reflect.Pointer:
			return !v.IsNil() && walk(v.Elem())
		case reflect.Slice:
			for i := range v.Len() {
				if walk(v.Index(i)) {
					return true
				}
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() && walk(v.Field(i)) {
					return true
				}
			}
		case reflect.String:
			if n == want {
				v.SetString(text)
				return true
			}
			n++
		}
		return false
	}
	return walk(v)
}

func TestShapes(t *testing.T) {
	long := strings.Repeat("a", 600)
	for name, c := range map[string]struct {
		fits func(string) bool
		yes  []string
		no   []string
	}{
		"token": {isToken, []string{"de-cert", "eu.transfer/3", "sha256:Zm9v_-"}, []string{"a b", "ä", "a@b", "a'b", "a=b", "https://cert.example", long, "a\n", Unfit}},
		"id": {isID, []string{indicatorID, "x-misp-object--0C9B1D3E-58A7-4F5E-9C1C-0D8F2A6B7E11"},
			[]string{"indicator", "indicator--", "--0c9b1d3e-58a7-4f5e-9c1c-0d8f2a6b7e11", indicatorID + "1", "indi cator--0c9b1d3e-58a7-4f5e-9c1c-0d8f2a6b7e11",
				"indicator--0c9b1d3e-58a7-4f5e-9c1c-0d8f2a6b7e1g", "indicator--0c9b1d3e058a7-4f5e-9c1c-0d8f2a6b7e11", long + indicatorID[9:], Unfit}},
		"path": {isPath, []string{"x_contact", "object_refs.[3]", "extensions.extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917.note.content"},
			[]string{"a b", "a/b", "a'b", "é", long, Unfit}},
		"label": {isLabel, []string{"TLP:AMBER+STRICT", "ZASTRZEŻONE", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "取扱注意", "Regulation (EU) 2016/679, Art. 6(1)(f); recital 49", "18 U.S.C. § 2702(a)(3)",
			"Code pénal, art. 413-9: secret de l'État", "person's data"},
			[]string{"a@b", "x = 1", "'x'", "MATCHES 'x", "x' OR", `"x"`, "a\tb", "http://x", "<x>", "{x}", `a\b`, long, "\u202ex", "\xff", Unfit}},
	} {
		for _, s := range c.yes {
			if !c.fits(s) {
				t.Errorf("%s: %q should fit", name, s)
			}
		}
		for _, s := range c.no {
			if c.fits(s) {
				t.Errorf("%s: %q should not fit", name, s)
			}
		}
	}
}

// TestResidency: of what is refused for residency only digest and reason are
// kept (and the rule, which is ours), whatever the caller hands in.
func TestResidency(t *testing.T) {
	in := &Intake{Source: "de-cert", Objects: []IntakeObject{
		{Digest: digestOf("a"), ID: indicatorID, Outcome: Refused, Reason: federation.Residency, Rule: "r", Marking: "TLP:AMBER"},
		{Digest: digestOf("b"), ID: indicatorID, Outcome: Refused, Reason: federation.Expired, Marking: "TLP:GREEN"},
	}}
	data, written, err := encode(&Record{At: at, Intake: in})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), indicatorID); n != 1 || bytes.Contains(data, []byte("AMBER")) {
		t.Errorf("written: %s", data)
	}
	if written.Intake.Objects[0].ID != "" || written.Intake.Objects[0].Marking != "" {
		t.Errorf("handed on: %+v", written.Intake.Objects[0])
	}
	if in.Objects[0].ID != indicatorID {
		t.Error("the caller's own record was changed")
	}
}

func TestRefusedRecords(t *testing.T) {
	sent := func(change func(*SentObject, *SentMessage)) *Record {
		r := sampleSent(1)
		change(&r.Sent.Messages[0].Objects[0], &r.Sent.Messages[0])
		return r
	}
	intake := func(o IntakeObject) *Record {
		return &Record{At: at, Intake: &Intake{Source: "self", Objects: []IntakeObject{o}}}
	}
	for name, r := range map[string]*Record{
		"nothing":                  {At: at},
		"two kinds":                {At: at, Link: &LinkEvent{}, Reload: &Reload{}},
		"no time":                  {Link: &LinkEvent{}},
		"a time beyond RFC 3339":   {At: at.AddDate(9000, 0, 0), Link: &LinkEvent{}},
		"intake from nowhere":      {At: at, Intake: &Intake{}},
		"intake for a wrong word":  {At: at, Intake: &Intake{Source: "self", Reason: "whim"}},
		"no outcome":               intake(IntakeObject{}),
		"another outcome":          intake(IntakeObject{Outcome: "lost"}),
		"held without reason":      intake(IntakeObject{Outcome: Held}),
		"refused without reason":   intake(IntakeObject{Outcome: Refused}),
		"refused for a wrong word": intake(IntakeObject{Outcome: Refused, Reason: "whim"}),
		"sent to nobody":           {At: at, Sent: &Sent{LogTo: 1}},
		"nothing judged":           {At: at, Sent: &Sent{Peer: "pl-cert"}},
		"outside the frame":        sent(func(_ *SentObject, m *SentMessage) { m.Link = 9 }),
		"no verdict":               sent(func(o *SentObject, _ *SentMessage) { o.Verdict = "" }),
		"shared but stayed":        sent(func(_ *SentObject, m *SentMessage) { m.Link = 0 }),
		"withheld without reason":  sent(func(o *SentObject, _ *SentMessage) { o.Verdict = federation.Withhold }),
		"held without a reason":    sent(func(o *SentObject, _ *SentMessage) { o.Verdict, o.Cited = federation.Hold, []Cited{{Rule: "r"}} }),
		"cites a wrong word":       sent(func(o *SentObject, _ *SentMessage) { o.Cited = []Cited{{Reason: "whim"}} }),
		"removed without reason":   sent(func(o *SentObject, _ *SentMessage) { o.Removed = []Removed{{Path: "x_a"}} }),
		"receipt of nobody":        {At: at, Receipt: &Receipt{Root: "r"}},
		"receipt of nothing":       {At: at, Receipt: &Receipt{Peer: "pl-cert"}},
		"receipt of a wrong word":  {At: at, Receipt: &Receipt{Peer: "pl-cert", Root: "r", Outcomes: []ReceiptOutcome{{Reason: "whim"}}}},
		"link for a wrong word":    {At: at, Link: &LinkEvent{Peer: "pl-cert", Event: "down", Reason: "whim"}},
		"reload for a wrong word":  {At: at, Reload: &Reload{What: "policy", Reason: "whim"}},
	} {
		if data, _, err := encode(r); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: %s, %v", name, data, err)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	good := string(encoded(t, samples()[0]))
	for name, data := range map[string]string{
		"empty":                  "",
		"an array":               "[]",
		"null":                   "null",
		"unknown member":         strings.Replace(good, `"at":`, `"extra":1,"at":`, 1),
		"unknown member inside":  strings.Replace(good, `"source":`, `"value":"x","source":`, 1),
		"member twice":           strings.Replace(good, `"ver":1`, `"ver":1,"ver":1`, 1),
		"member in capitals":     strings.Replace(good, `"at":`, `"AT":`, 1),
		"more behind":            good + "{}",
		"cut":                    good[:len(good)-1],
		"invalid UTF-8":          strings.Replace(good, "TLP:GREEN", "TLP:GR\xff", 1),
		"no version":             strings.Replace(good, `"ver":1,`, ``, 1),
		"version 0":              strings.Replace(good, `"ver":1`, `"ver":0`, 1),
		"digest too short":       strings.Replace(good, `"prev":"A`, `"prev":"`, 1),
		"digest padded":          strings.Replace(good, zeroDigest, zeroDigest+"=", 1),
		"digest not canonical":   strings.Replace(good, zeroDigest, zeroDigest[:42]+"B", 1),
		"digest with line feeds": strings.Replace(good, zeroDigest, zeroDigest[:41]+`\n`+"AA", 1),
		"text that does not fit": strings.Replace(good, `"de-cert"`, `"some text"`, 1),
		"id that does not fit":   strings.Replace(good, `"indicator--`, `"indicator-`, 1),
		"no kind":                `{"ver":1,"prev":"` + zeroDigest + `","at":"2026-01-06T12:00:00Z"}`,
	} {
		if data == good {
			t.Errorf("%s: the sample is not changed", name)
		}
		if r, err := Decode([]byte(data)); err == nil || federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := Decode([]byte(strings.Replace(good, `"ver":1`, `"ver":2,"dream":true`, 1))); federation.ReasonOf(err) != federation.Unsupported {
		t.Errorf("a newer record: %v", err)
	}
}

func encoded(t testing.TB, r *Record) []byte {
	t.Helper()
	data, _, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzDecode: what decodes is valid, fits its shapes, and encodes to what
// decodes to the same.
func FuzzDecode(f *testing.F) {
	seeds := 0
	for _, r := range samples() {
		f.Add(encoded(f, r))
		seeds++
	}
	for _, s := range []string{`{}`, `{"ver":1}`, `{"ver":2,"x":1}`, `[1]`, `{"ver":1,"prev":"` + zeroDigest + `","at":"2026-01-06T12:00:00+09:00","link":{"peer":"~","event":""}}`} {
		f.Add([]byte(s))
		seeds++
	}
	if seeds < 10 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if !jsontext.Value(data).IsValid() {
			t.Fatal("read what is not JSON")
		}
		again, written, err := encode(r)
		if err != nil {
			if federation.ReasonOf(err) == federation.TooLarge {
				return
			}
			t.Fatalf("read but not writable: %v", err)
		}
		back, err := Decode(again)
		if err != nil || !reflect.DeepEqual(back, written) {
			t.Fatalf("%s\n%s\n%+v\n%+v\n%v", data, again, back, written, err)
		}
	})
}
