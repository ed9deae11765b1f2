package intake

import (
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

func TestCSV(t *testing.T) {
	for _, tc := range []struct{ name, data, want, items string }{
		{"the least", "value\nhost.example\n", "indicator [domain-name:value = 'host.example']", "taken"},
		{"carriage returns", "value,tlp\r\nhost.example,GREEN\r\n", "indicator [domain-name:value = 'host.example']", "taken"},
		{"semicolons", "value;type;tlp\n192.0.2.1;ip;TLP:GREEN\n", "indicator [ipv4-addr:value = '192.0.2.1']", "taken"},
		{"tabs", "value\ttype\n192.0.2.1\tip-dst\n", "indicator [ipv4-addr:value = '192.0.2.1']", "taken"},
		{"byte order mark", "\xef\xbb\xbfvalue,tlp\nhost.example,green\n", "indicator [domain-name:value = 'host.example']", "taken"},
		{"capitals and blanks", " Value , TLP \n host.example , green \n", "indicator [domain-name:value = 'host.example']", "taken"},
		{"quotes", "value,description\n\"https://host.example/a,b\",\"two\nlines, \"\"quoted\"\"\"\n", "indicator [url:value = 'https://host.example/a,b']", "taken"},
		{"guessed", "value\n2001:db8::1\n" + strings.Repeat("a", 64) + "\nuser@host.example\nnonsense\n",
			"indicator [ipv6-addr:value = '2001:db8::1']; indicator [file:hashes.'SHA-256' = '" + strings.Repeat("a", 64) + "']; indicator [email-addr:value = 'user@host.example']",
			"taken taken taken refused:unsupported"},
		{"bad rows among good", "value,type,tlp\nhost.example,domain,green\n999.0.2.1,ip,green\n192.0.2.1,ip,ORANGE\n192.0.2.2,ip\n192.0.2.3,ip,green,x\n192.0.2.4,ip,\n",
			"indicator [domain-name:value = 'host.example']; indicator [ipv4-addr:value = '192.0.2.4']",
			"taken refused:malformed refused:unknown-marking refused:malformed refused:malformed taken"},
		{"a row that is the same", "value\nhost.example\nhost.example\n", "indicator [domain-name:value = 'host.example']", "taken duplicate"},
		{"a row that differs", "value,name\nhost.example,a\nhost.example,b\n", "indicator [domain-name:value = 'host.example']", "taken refused:equivocation"},
		{"a broken quote", "value,name\nhost.example,\"a\nb.example,c\n", "", "refused:malformed"},
		{"a stray quote", "value,name\nhost.example,a\"b\nb.example,c\n", "indicator [domain-name:value = 'b.example']", "refused:malformed taken"},
		{"numbers", "value,confidence\na.example,100\nb.example,101\nc.example,x\nd.example,\n",
			"indicator [domain-name:value = 'a.example']; indicator [domain-name:value = 'd.example']", "taken refused:malformed refused:malformed taken"},
		{"no rows", "value\n", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, tc.data, amberFeed())
			if got := made(res); got != tc.want || outcomes(res) != tc.items {
				t.Errorf("got %s (%s), want %s (%s)", got, outcomes(res), tc.want, tc.items)
			}
		})
	}
}

func TestCSVRow(t *testing.T) {
	const data = "value,type,tlp,pap,name,description,labels,confidence,valid_from,valid_until,lang\n" +
		"host.example,domain,amber,red,A name,Seen,phishing|rsit:fraud,70,2026-01-01,2026-02-01,de\n"
	res := read(t, data, nil)
	const want = `{"type":"indicator","spec_version":"2.1","id":"indicator--ID","created":"2026-01-06T12:00:00.000Z","modified":"2026-01-06T12:00:00.000Z",` +
		`"confidence":70,"lang":"de","name":"A name","description":"Seen","pattern":"[domain-name:value = 'host.example']","pattern_type":"stix",` +
		`"pattern_version":"2.1","valid_from":"2026-01-01T00:00:00.000Z","valid_until":"2026-02-02T00:00:00.000Z","labels":["phishing","rsit:fraud"],` +
		`"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421","marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"]}`
	id := res.Taken[0].ID()
	if got := strings.Replace(string(res.Taken[0].Raw()), id, "indicator--ID", 1); got != want {
		t.Errorf("got %s", got)
	}
	if again := read(t, data, nil); again.Taken[0].ID() != id {
		t.Error("the same row is another object when it is read again")
	}
	if other := read(t, "value\nb.example\n", amberFeed()); other.Taken[0].ID() == id {
		t.Error("another value has the same id")
	}
	if held := read(t, "value\nhost.example\n", nil); outcomes(held) != "held:unmarked" {
		t.Errorf("unmarked: %s", outcomes(held))
	}
}

func TestCSVRefuses(t *testing.T) {
	for _, tc := range []struct {
		data, says string
		reason     federation.Reason
	}{
		{"type,tlp\nip,green\n", "no column value", federation.Malformed},
		{"value,value\na,b\n", "twice", federation.Malformed},
		{"value,releasable\na.example,DE\n", "known columns", federation.Unsupported},
		{"192.0.2.1\n192.0.2.2\n", "known columns", federation.Unsupported},
		{"# a comment\nvalue\n", "known columns", federation.Unsupported},
	} {
		_, err := Read([]byte(tc.data), "f.csv", nil, now)
		if federation.ReasonOf(err) != tc.reason || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q: %v", tc.data, err)
		}
	}
	res := read(t, "value,valid_until\na.example,soon\nb.example,2025-01-01\n", amberFeed())
	if got := outcomes(res); got != "refused:malformed refused:malformed" || !strings.Contains(res.Items[0].Text, "line 2") {
		t.Errorf("%s %+v", got, res.Items)
	}
}
