package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay/dashboard"
)

func TestExitCodes(t *testing.T) {
	refusal := federation.Refuse(federation.BadSignature, "message", "x")
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"none":                       {nil, exitDone},
		"any":                        {io.EOF, exitFailed},
		"no node":                    {fmt.Errorf("x: %w", dashboard.ErrNotRunning), exitFailed},
		"refusal":                    {fmt.Errorf("x: %w", refusal), exitRefused},
		"held":                       {federation.Refuse(federation.HeldForPerson, "x", "y"), exitHeld},
		"configuration":              {fmt.Errorf("%w: x", configs.ErrConfig), exitUsage},
		"refusal in a configuration": {fmt.Errorf("%w: %w", configs.ErrConfig, refusal), exitUsage},
		"usage around a refusal":     {usage(refusal), exitUsage},
		"result has said it":         {ends(exitHeld), exitHeld},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if ends(exitDone) != nil {
		t.Error("done is an error")
	}
}

func TestPublishedEnd(t *testing.T) {
	held, refused := dashboard.Published{Held: 1}, dashboard.Published{Refused: 1}
	toolarge := federation.Refuse(federation.TooLarge, "x", "y")
	for name, c := range map[string]struct {
		results []dashboard.Published
		errs    []error
		want    int
	}{
		"all taken":                {[]dashboard.Published{{Taken: 3, Duplicate: 1}}, nil, exitDone},
		"held":                     {[]dashboard.Published{{Taken: 3}, held}, nil, exitHeld},
		"refused":                  {[]dashboard.Published{refused}, nil, exitRefused},
		"a hold goes first":        {[]dashboard.Published{refused, held}, nil, exitHeld},
		"a file refused":           {nil, []error{toolarge}, exitRefused},
		"a file refused, one held": {[]dashboard.Published{held}, []error{toolarge}, exitHeld},
		"a failure goes first":     {[]dashboard.Published{held}, []error{toolarge, io.EOF}, exitFailed},
	} {
		if got := codeOf(publishedEnd(c.results, c.errs)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// x/text knows regions that ISO 3166-1 does not list.
func TestCountries(t *testing.T) {
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if isCountry(string(a) + string(b)) {
				n++
			}
		}
	}
	if n != 249 {
		t.Errorf("%d countries, ISO 3166-1 has 249 officially assigned codes", n)
	}
	for _, no := range []string{"", "D", "DEU", "de", "UK", "EU", "XK", "SU", "YU", "ZZ", "276", "AA"} {
		if isCountry(no) {
			t.Errorf("%q is a country", no)
		}
	}
}

func TestSumsAreChecked(t *testing.T) {
	good := dashboard.Status{Objects: dashboard.Objects{Seen: 10, Taken: 4, Duplicate: 3, Held: 2, Refused: 1},
		Peers: []dashboard.Peer{{ID: "pl-cert", Link: "up",
			Out: dashboard.Out{Judged: 6, Sent: 3, Withheld: 2, Held: 1, Acknowledged: 2, InFlight: 1},
			In:  dashboard.In{Received: 10, Stored: 1, Duplicate: 2, Held: 3, Refused: 4}}}}
	if f := sums(&good); len(f) != 0 || attention(&good, f) != exitDone {
		t.Errorf("faults in a good status: %v", f)
	}
	for name, spoil := range map[string]func(*dashboard.Status){
		"objects seen":     func(s *dashboard.Status) { s.Objects.Held++ },
		"pl-cert judged":   func(s *dashboard.Status) { s.Peers[0].Out.Withheld-- },
		"pl-cert sent":     func(s *dashboard.Status) { s.Peers[0].Out.InFlight++ },
		"pl-cert received": func(s *dashboard.Status) { s.Peers[0].In.Received = 11 },
	} {
		st := good
		st.Peers = []dashboard.Peer{good.Peers[0]}
		spoil(&st)
		if f := sums(&st); len(f) != 1 || !strings.HasPrefix(f[0], name+":") || attention(&st, f) != exitHeld {
			t.Errorf("%s: %v", name, f)
		}
	}
	for name, st := range map[string]dashboard.Status{
		"link down": {Peers: []dashboard.Peer{{Link: "down"}}},
		"warning":   {Warnings: []string{"x"}},
	} {
		if attention(&st, nil) != exitHeld {
			t.Errorf("%s asks for nobody's attention", name)
		}
	}
}

func TestMessagesIn(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []string // "line:text"
	}{
		"nothing":             {"\n \n", nil},
		"one":                 {"a~", []string{"1:a~"}},
		"with hops":           {"a~\nh0\nh1\n", []string{"1:a~\nh0\nh1"}},
		"two without a gap":   {"a~\nh0\nb~\n", []string{"1:a~\nh0", "3:b~"}},
		"two with a gap":      {"a~\n\nb~\nh0", []string{"1:a~", "3:b~\nh0"}},
		"hops cut off":        {"a~\n\nh0\n", []string{"1:a~", "3:h0"}},
		"line ends of others": {"a~\r\nh0\r\n", []string{"1:a~\nh0"}},
		"JSON form":           {"{\n \"a\": 1\n}\na~\n", []string{"1:{\n \"a\": 1\n}", "4:a~"}},
		"JSON after hops":     {"a~\nh0\n{}\n{}\nh1\n", []string{"1:a~\nh0", "3:{}", "4:{}", "5:h1"}},
		"JSON with a rest":    {"{} b\nc~", []string{"1:{} b", "2:c~"}},
		"JSON without an end": {"a~\n{\n\nc~", []string{"1:a~", "2:{\n\nc~"}},
		"a name twice":        {"{\"a\":1,\"a\":2}\nc~", []string{"1:{\"a\":1,\"a\":2}", "2:c~"}},
		"no message":          {"hello\nworld", []string{"1:hello\nworld"}},
	} {
		var got []string
		for _, m := range messagesIn([]byte(c.file)) {
			got = append(got, fmt.Sprintf("%d:%s", m.line, m.raw))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Whatever a file holds, every line that is not empty belongs to one message.
func FuzzMessagesIn(f *testing.F) {
	for _, s := range []string{"", "a~\nh0\n\nb~", "\r\n", "~\n~\n~", "x\n\n\ny", "{\n\n}\na~\n{}", "{", "{\"a\":\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var lines, got int
		for l := range bytes.Lines(data) {
			if len(bytes.TrimSpace(l)) > 0 {
				lines++
			}
		}
		for _, m := range messagesIn(data) {
			for l := range bytes.Lines(m.raw) {
				if len(bytes.TrimSpace(l)) > 0 {
					got++
				}
			}
		}
		if got != lines {
			t.Errorf("%d lines, %d in messages", lines, got)
		}
	})
}

func TestFingerprintAsItIsHeard(t *testing.T) {
	key, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := directory.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	raw, err := directory.NewStatement(directory.Statement{ID: "de-cert", Name: "x", Country: "DE", Version: 1, IssuedAt: now, Expires: now.AddDate(1, 0, 0),
		Keys: []directory.Key{key.Key(directory.PurposeAgreement, now, now.AddDate(1, 0, 0)), other.Key(directory.PurposeMessage, now, now.AddDate(1, 0, 0))}}, key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := directory.ParseStatement(raw, now)
	if err != nil {
		t.Fatal(err)
	}
	fp := s.Fingerprint()
	for _, ok := range []string{"", fp, strings.ToLower(fp), strings.ReplaceAll(fp, "-", " "), strings.NewReplacer("0", "o", "1", "L").Replace(fp)} {
		if err := compare(s, ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	swapped := fp[5:] + "-" + fp[:4]
	for _, no := range []string{swapped, fp[:len(fp)-1], fp + "0", "-", "x"} {
		if compare(s, no) == nil {
			t.Errorf("%q passes for %q", no, fp)
		}
	}
}

func TestCleanShowsWhatWouldAct(t *testing.T) {
	for in, want := range map[string]string{
		"plain ZASTRZEŻONE 機密": "plain ZASTRZEŻONE 機密",
		"a\x1b[2Jb":            `a\x1b[2Jb`,
		"a\nentente: fine":     `a\nentente: fine`,
		"a\u202eb":             `a\u202eb`,
		"a\u2066b\u200bc":      `a\u2066b\u200bc`,
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	var b bytes.Buffer
	a := &app{out: &sink{w: &b}, err: &b, getenv: func(string) string { return "" }}
	a.printf("%s %s %v %d\n", "x\x1b", a.paint(red, "y\x1b"), errors.New("z\x1b"), 3)
	if strings.ContainsRune(b.String(), '\x1b') {
		t.Errorf("an escape gets through: %q", b.String())
	}
}

func TestColours(t *testing.T) {
	var b bytes.Buffer
	a := &app{out: &sink{w: &b}, colours: true}
	a.printf("%s", a.paint(red, "x\x1b[0my"))
	if got, want := b.String(), "\x1b[31mx\\x1b[0my\x1b[0m"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if isTerminal(&b) {
		t.Error("a buffer is a terminal")
	}
}

func TestSilenceEndsOnlySilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		heard := silence(5*time.Second, func() { ended.Store(true) })
		for range 3 {
			<-time.After(4 * time.Second)
			heard()
		}
		synctest.Wait()
		if ended.Load() {
			t.Error("ended while things came")
		}
		<-time.After(6 * time.Second)
		synctest.Wait()
		if !ended.Load() {
			t.Error("silence did not end it")
		}
	})
}

func TestNameOf(t *testing.T) {
	for raw, want := range map[string]string{
		`{"name":"A","pattern":"p"}`: "A",
		`{"pattern":"p"}`:            "p",
		`{"value":"v"}`:              "v",
		`{"value":3,"name":["x"]}`:   "",
		`[]`:                         "",
		`{"name":"` + strings.Repeat("ä", 80) + `"}`: strings.Repeat("ä", 71) + "…",
	} {
		if got := nameOf([]byte(raw)); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}
