package scheme

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// referenceFile is the part of the fact table that the shipped data carries
// over.
type referenceFile struct {
	Schemes []struct {
		ID       string `yaml:"id"`
		Country  string `yaml:"country"`
		From     string `yaml:"effective_from"`
		To       string `yaml:"effective_to"`
		Verified bool   `yaml:"verified"`
		Levels   []struct {
			Abbr  string            `yaml:"abbr"`
			Label map[string]string `yaml:"label"`
		} `yaml:"levels"`
	} `yaml:"schemes"`
	Equivalences []struct {
		ID   string           `yaml:"id"`
		Rows []map[string]any `yaml:"rows"`
	} `yaml:"equivalences"`
}

// reference reads the fact table, or skips.
func reference(t *testing.T) referenceFile {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	data, err := os.ReadFile(filepath.Join(dir, "reference", "classification.yaml"))
	if err != nil {
		t.Skip("needs the fact table: set ENTENTE_SHARED to the folder that holds reference/classification.yaml")
	}
	var f referenceFile
	for _, part := range [][2]string{{"\nschemes:", "\nunclassified_words:"}, {"\nequivalences:", "\nfalse_friends:"}} {
		_, after, ok := strings.Cut(string(data), part[0])
		text, _, end := strings.Cut(after, part[1])
		if !ok || !end {
			t.Fatalf("the fact table has no part from %q to %q", part[0], part[1])
		}
		if err := yaml.Unmarshal([]byte(joinFlow(part[0]+text)), &f); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// joinFlow puts each bracketed value on one line: the fact table wraps long
// ones in a way our YAML reader does not take.
func joinFlow(s string) string {
	var out strings.Builder
	open := 0
	for line := range strings.Lines(s) {
		if open > 0 {
			line = " " + strings.TrimLeft(line, " ")
		}
		open += strings.Count(line, "{") + strings.Count(line, "[") - strings.Count(line, "}") - strings.Count(line, "]")
		if open > 0 {
			line = strings.TrimRight(line, "\n")
		}
		out.WriteString(line)
	}
	return out.String()
}

// Every scheme of the fact table is shipped, with its labels, their order, its
// dates and its verified flag.
func TestSchemesAgreeWithTheFactTable(t *testing.T) {
	tab := tables(t)
	for _, want := range reference(t).Schemes {
		l := tab.byID[want.ID]
		if l == nil {
			t.Errorf("%s is not shipped", want.ID)
			continue
		}
		if l.Verified != want.Verified || l.Country != want.Country {
			t.Errorf("%s: verified %v, country %q; the fact table has %v, %q", want.ID, l.Verified, l.Country, want.Verified, want.Country)
		}
		if from := l.From.Format("2006-01-02"); want.From != "" && from != want.From && l.Edition.IsZero() {
			t.Errorf("%s begins %s, in the fact table %s", want.ID, from, want.From)
		}
		if want.To != "" && l.Until.AddDate(0, 0, -1).Format("2006-01-02") != want.To {
			t.Errorf("%s ends before %s, in the fact table on %s", want.ID, l.Until, want.To)
		}
		last := 0
		for _, level := range want.Levels {
			rank := l.byCode[level.Abbr]
			if rank <= last {
				t.Errorf("%s: %s is at rank %d after %d", want.ID, level.Abbr, rank, last)
			}
			last = rank
			for lang, label := range level.Label {
				label, _, _ = strings.Cut(label, " (") // a romanised form in brackets
				if r, ok := l.find(label); !ok || r.rank != rank {
					t.Errorf("%s: %q (%s) is %+v, in the fact table %s", want.ID, label, lang, r, level.Abbr)
				}
			}
		}
	}
}

// Every cell of the EU's table reads as in the fact table.
func TestEUTableAgreesWithTheFactTable(t *testing.T) {
	tab := everything(t)
	cells := 0
	for _, table := range reference(t).Equivalences {
		if table.ID != "eu-2013-488-app-b-2021" {
			continue
		}
		for _, row := range table.Rows {
			country, _ := row["country"].(string)
			for column, code := range map[string]string{"R": "R-UE/EU-R", "C": "C-UE/EU-C", "S": "S-UE/EU-S", "TS": "TS-UE/EU-TS"} {
				o := tab.Map(level(t, tab, "eu", code, now), country, now)
				labels, _ := row[column].(map[string]any)
				want := 0
				for lang, text := range labels {
					label, ok := text.(string)
					if !ok || strings.HasPrefix(lang, "valid") {
						continue // the list of old labels, a date, or no label
					}
					want++
					label, _, _ = strings.Cut(label, " (")
					if got := level(t, tab, o.To.Scheme, label, now); got.Code != o.To.Code {
						t.Errorf("%s %s: mapped to %q, the fact table has %q", country, column, o.To.Label, label)
					}
					cells++
				}
				if want == 0 && o.Kind != refused {
					t.Errorf("%s %s: mapped to %q, the fact table has no equivalent", country, column, o.To.Label)
				}
				if row["verified"] == true && want > 0 && o.Accepted != nil {
					t.Errorf("%s %s is verified and counts only as accepted", country, column)
				}
			}
		}
	}
	if cells < 27*3 {
		t.Errorf("only %d cells compared", cells)
	}
}
