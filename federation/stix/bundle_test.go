package stix

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

func bundle(objects ...string) string {
	return `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`
}

func TestParseBundleRefusesFiles(t *testing.T) {
	tooMany := DefaultLimits()
	tooMany.MaxObjects = 2
	for _, tc := range []struct {
		name, data string
		lim        Limits
		reason     federation.Reason
		says       string
	}{
		{"empty", "", DefaultLimits(), federation.Malformed, "ends too early"},
		{"text", "hello", DefaultLimits(), federation.Malformed, "not valid JSON"},
		{"list", "[]", DefaultLimits(), federation.Malformed, "not a JSON object"},
		{"zip", "PK\x03\x04", DefaultLimits(), federation.Malformed, "not valid JSON"},
		{"cut short", bundle(indicator(""))[:200], DefaultLimits(), federation.Malformed, "ends too early"},
		{"objects twice", `{"type":"bundle","objects":[],"objects":[]}`, DefaultLimits(), federation.Malformed, "twice"},
		{"type twice", `{"type":"x","type":"bundle","objects":[]}`, DefaultLimits(), federation.Malformed, "twice"},
		{"objects no list", `{"type":"bundle","objects":{}}`, DefaultLimits(), federation.Malformed, "list is needed"},
		{"followed", bundle() + "{}", DefaultLimits(), federation.Malformed, "something follows"},
		{"STIX 2.0", `{"type":"bundle","spec_version":"2.0","objects":[]}`, DefaultLimits(), federation.Unsupported, `version "2.0"`},
		{"something else", `{"Event":{"info":"x"},"a":1}`, DefaultLimits(), federation.Unsupported, "members Event, a"},
		{"TAXII dump", `{"/discovery":{},"api1":{}}`, DefaultLimits(), federation.Unsupported, "TAXII"},
		{"too many objects", bundle("{}", "{}", "{}"), tooMany, federation.TooLarge, "more than 2"},
		{"too deep to skip", bundle(strings.Repeat("[", 20_000)), DefaultLimits(), federation.Malformed, "JSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseBundle([]byte(tc.data), tc.lim)
			if federation.ReasonOf(err) != tc.reason || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%v, want %s and %q", err, tc.reason, tc.says)
			}
		})
	}
}

// One bad object does not cost the others, and none is dropped.
func TestParseBundleListsBadObjects(t *testing.T) {
	bad := []string{
		`1`, `null`, `[]`, `"x"`, `{}`,
		indicator(`,"name":"a","name":"b"`),
		indicator(`,"name":"` + "\xff" + `"`),
		indicator(`,"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)),
		indicator(`,"_sd":[]`),
	}
	objects := []string{indicator("")}
	for _, b := range bad {
		objects = append(objects, b, indicator(""))
	}
	b, err := ParseBundle([]byte(bundle(objects...)), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if b.ID != "bundle--00000000-0000-4000-8000-000000000001" || len(b.Entries) != len(objects) {
		t.Fatalf("%s with %d entries of %d", b.ID, len(b.Entries), len(objects))
	}
	for i, e := range b.Entries {
		good := i%2 == 0
		switch {
		case e.Index != i || string(e.Raw) != objects[i]:
			t.Errorf("entry %d is %d: %s", i, e.Index, e.Raw)
		case good && (e.Err != nil || e.Object == nil || e.ID != e.Object.ID()):
			t.Errorf("entry %d: %v", i, e.Err)
		case !good && (federation.ReasonOf(e.Err) == "" || e.Object != nil):
			t.Errorf("entry %d taken: %s", i, e.Raw)
		case !good && i > 10 && e.ID != "indicator--00000000-0000-4000-8000-000000000001":
			t.Errorf("entry %d is not named: %q", i, e.ID)
		}
	}
}

func TestParseBundleBoundsSize(t *testing.T) {
	start := time.Now()
	if _, err := ParseBundle(make([]byte, 100<<20), DefaultLimits()); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("100 MiB: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("100 MiB took %v to refuse", took)
	}
}

func TestParseBundleOf100000(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[`)
	const most = 100_000
	for i := range most {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"ipv4-addr","id":"ipv4-addr--00000000-0000-4000-8000-%012d","value":"192.0.2.1"}`, i)
	}
	full := b.String() + `]}`
	got, err := ParseBundle([]byte(full), DefaultLimits())
	if err != nil || len(got.Entries) != most || got.Entries[most-1].Object == nil {
		t.Fatalf("%v", err)
	}
	if _, err := ParseBundle([]byte(b.String()+`,{}]}`), DefaultLimits()); federation.ReasonOf(err) != federation.TooLarge {
		t.Errorf("one too many: %v", err)
	}
}

// Every object of the published files is read or refused with a reason.
func TestPublishedFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t), "samples", "stix", "*.json"))
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	read := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		b, err := ParseBundle(data, DefaultLimits())
		if strings.HasPrefix(name, "medallion") {
			if federation.ReasonOf(err) != federation.Unsupported || !strings.Contains(err.Error(), "TAXII") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, e := range b.Entries {
			if e.Err != nil {
				if federation.ReasonOf(e.Err) == "" {
					t.Errorf("%s: object %d is refused without a reason: %v", name, e.Index, e.Err)
				}
				t.Logf("%s: object %d: %v", name, e.Index, e.Err)
				continue
			}
			read++
			covered(t, e.Object)
			if text, ok := e.Object.Text("pattern"); ok {
				if _, err := ParsePattern(text); err != nil {
					t.Errorf("%s: %s: %v", name, e.ID, err)
				}
			}
		}
	}
	if read < 370 {
		t.Errorf("only %d objects were read", read)
	}
}
