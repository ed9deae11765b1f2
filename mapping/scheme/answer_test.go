package scheme

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/entente-relay/entente/mapping"
)

var update = flag.Bool("update", false, "write the golden files")

func TestAnswer(t *testing.T) {
	tab := tables(t, polish...)
	for _, c := range []struct {
		name, label, from, to, date string
		outcome, scheme, level, law string
		cause                       mapping.Cause
	}{
		{"by scheme ids", "VS-NfD", "de-vs", "pl-national", "", "mapped", "pl-national", "R", "A1", ""},
		{"by countries, any case", "vs -nfd", "De", "pL", "", "mapped", "pl-national", "R", "A1", ""},
		{"eu and nato", "EU SECRET", "eu", "NaTo", "", "mapped", "nato", "NS", "A1", ""},
		{"tlp is the newest", "TLP:WHITE", "TLP-1.0", "TLP", "", "mapped", "tlp-2.0", "clear", "A1", ""},
		{"never AMBER", "AMBER+STRICT", "tlp", "tlp-1.0", "", "refused", "tlp-1.0", "", "A7", mapping.NoEquivalent},
		{"RED down", "tlp:red", "tlp-2.0", "tlp-1.0", "", "mapped", "tlp-1.0", "red", "A1", ""},
		{"TLP is no classification", "TLP:RED", "tlp", "de", "", "refused", "de-vs", "", "A3", mapping.DifferentAxis},
		{"the country's scheme of that day", "SECRET DÉFENSE", "FR", "eu", "2020-06-01", "mapped", "eu-euci", "TS-UE/EU-TS", "A10", ""},
		{"into the country's scheme of that day", "GEHEIM", "DE", "FR", "2020-06-01", "mapped", "fr-pre2021", "SD", "A1", ""},
		{"refused into the country's scheme of today", "VS-NfD", "DE", "fr", "", "refused", "fr-2021", "", "A7", mapping.NoEquivalent},
		{"refused into one of two", "VS-NfD", "DE", "US", "", "refused", "US", "", "A7", mapping.NoEquivalent},
		{"into the country's scheme of today", "GEHEIM", "DE", "FR", "", "mapped", "fr-2021", "S", "A1", ""},
		{"the word is newer", "SECRET", "FR", "eu", "2020-06-01", "refused", "eu", "", "A10", mapping.NotInForce},
		{"of several schemes the label decides", "FORTROLIG", "NO", "NO", "", "mapped", "no-beskyttelsesinstruks", "F", "A6", ""},
		{"unknown label", "GEHEIMNIS", "de", "pl", "", "refused", "pl", "", "A8", mapping.UnknownLabel},
		{"unknown scheme", "GEHEIM", "deutsch", "pl", "", "refused", "pl", "", "A8", mapping.UnknownScheme},
		{"unknown target", "GEHEIM", "de", "polen", "", "refused", "polen", "", "A8", mapping.UnknownScheme},
		{"target that ended", "GEHEIM", "de", "fr-pre2021", "", "refused", "fr-pre2021", "", "A10", mapping.NotInForce},
		{"not accepted", "GEHEIM", "de", "nl", "", "refused", "nl-national", "", "A7", mapping.Unverified},
		{"not classified", "OFFEN", "de", "pl", "", "mapped", "pl-national", "not-classified", "A1", ""},
		{"not classified needs no acceptance", "JAWNE", "pl", "ro", "", "mapped", "ro-national", "not-classified", "A1", ""},
		{"not classified, no word there", "OFFEN", "de", "gb", "", "mapped", "gb-gscp", "not-classified", "A1", ""},
		{"not classified is no audience", "OFFEN", "de", "tlp", "", "refused", "tlp", "", "A3", mapping.DifferentAxis},
		{"not classified, scheme ended", "OFFEN", "de", "fr-pre2021", "", "refused", "fr-pre2021", "", "A10", mapping.NotInForce},
		{"the lowest British tier is a level", "OFFICIAL", "gb", "de", "", "refused", "de-vs", "", "A7", mapping.NoEquivalent},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := Query{Label: c.label, From: c.from, To: c.to, Now: now}
			if c.date != "" {
				q.Date = date(t, c.date)
			}
			a := tab.Answer(q)
			if a.Outcome != c.outcome || a.To.Scheme != c.scheme || a.To.Level != c.level || a.Law != c.law || a.Cause != c.cause {
				t.Errorf("got %s to %+v by %s, cause %q: %s", a.Outcome, a.To, a.Law, a.Cause, a.Reason)
			}
			if a.From.Label != c.label || a.Reason == "" || a.Kind.String() != a.Outcome {
				t.Errorf("incomplete: %+v", a)
			}
			if a.Outcome != "mapped" && a.To.Label != "" {
				t.Errorf("refused, and yet a label: %+v", a.To)
			}
		})
	}
}

func TestAnswerHolds(t *testing.T) {
	a := everything(t).Answer(Query{Label: "II", From: "KR", To: "JP", Now: now})
	if a.Outcome != "hold" || a.Kind != mapping.Hold || a.To.Level != "" || a.To.Scheme != "jp-government" {
		t.Errorf("got %+v", a)
	}
}

var lineNumber = regexp.MustCompile(`\.yaml:[0-9]+`)

// What a script reads is a promise: every key is there, lists are lists.
func TestAnswerJSON(t *testing.T) {
	tab := tables(t, polish...)
	var out strings.Builder
	for _, q := range []Query{
		{Label: "VS-NfD", From: "DE", To: "PL", Now: now},
		{Label: "AMBER+STRICT", From: "tlp", To: "tlp-1.0", Now: now},
		{Label: "OFFEN", From: "de-vs", To: "pl-national", Now: now},
		{Label: "SECRET", From: "", To: "PL", Now: now},
	} {
		data, err := json.MarshalIndent(tab.Answer(q), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		out.Write(lineNumber.ReplaceAll(data, []byte(".yaml:LINE"))) // the data may grow
		out.WriteByte('\n')
	}
	golden := filepath.Join("testdata", "answers.json")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("answers changed; look, then run with -update:\n%s", out.String())
	}
}
