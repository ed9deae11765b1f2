package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation/stix"
)

func uid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func misp(more string) string {
	return `{"Event":{"uuid":"` + uid(100) + `","info":"Sample","date":"2026-01-05","timestamp":"1767600000","published":true,` +
		`"publish_timestamp":1767603600,"distribution":"1","Orgc":{"uuid":"` + uid(200) + `","name":"Example CERT"}` + more + `}}`
}

func attr(n int, typ, value, more string) string {
	return fmt.Sprintf(`{"uuid":%q,"type":%q,"category":"Network activity","value":%q,"timestamp":"1767600001"%s}`, uid(n), typ, value, more)
}

func attrs(all ...string) string { return `,"Attribute":[` + strings.Join(all, ",") + `]` }

const ids = `,"to_ids":true`

// made renders the objects: "indicator pattern; note".
func made(res *Result) string {
	var out []string
	for _, o := range append(append([]*stix.Object{}, res.Taken...), res.Held...) {
		s := o.Type()
		for _, path := range []string{"pattern", "value", "content", "name"} {
			if text, ok := o.Text(path); ok {
				s += " " + text
				break
			}
		}
		if raw, ok := o.Get("hashes"); ok {
			s += " " + string(raw)
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestMISPAttributes(t *testing.T) {
	sha1, sha256 := strings.Repeat("a", 40), strings.Repeat("B", 64)
	for _, tc := range []struct{ typ, value, more, want string }{
		{"ip-dst", "192.0.2.1", ids, "indicator [ipv4-addr:value = '192.0.2.1']"},
		{"ip-src", "2001:db8::1", ids, "indicator [ipv6-addr:value = '2001:db8::1']"},
		{"ip-dst", "192.0.2.0/24", ids, "indicator [ipv4-addr:value = '192.0.2.0/24']"},
		{"ip-dst", "192.0.2.1", "", "ipv4-addr 192.0.2.1; observed-data"},
		{"ip-dst", "192.0.2.1", `,"to_ids":"0"`, "ipv4-addr 192.0.2.1; observed-data"},
		{"ip-dst", "192.0.2.999", ids, "refused:malformed"},
		{"domain", "host.example", ids, "indicator [domain-name:value = 'host.example']"},
		{"hostname", "bücher.example", ids, "indicator [domain-name:value = 'bücher.example']"},
		{"domain", "not a domain", ids, "refused:malformed"},
		{"url", "https://host.example/it's", ids, `indicator [url:value = 'https://host.example/it\'s']`},
		{"url", "https://host.example/a b", ids, "refused:malformed"},
		{"md5", strings.Repeat("A", 32), ids, "indicator [file:hashes.'MD5' = '" + strings.Repeat("a", 32) + "']"},
		{"sha1", sha1, "", `file {"SHA-1":"` + sha1 + `"}; observed-data`},
		{"sha256", sha256, ids, "indicator [file:hashes.'SHA-256' = '" + strings.ToLower(sha256) + "']"},
		{"sha256", sha1, ids, "refused:malformed"},
		{"ssdeep", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", ids, "indicator [file:hashes.'SSDEEP' = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']"},
		{"filename|sha1", "a.exe|" + sha1, ids, "indicator [file:hashes.'SHA-1' = '" + sha1 + "']"},
		{"filename|sha1", "a.exe", ids, "refused:malformed"},
		{"filename", `C:\a.exe`, ids, `indicator [file:name = 'C:\\a.exe']`},
		{"filename", "a.exe", "", "file a.exe; observed-data"},
		{"email-src", "user@host.example", ids, "indicator [email-addr:value = 'user@host.example']"},
		{"email", "user", ids, "refused:malformed"},
		{"email-subject", "Invoice", ids, "indicator [email-message:subject = 'Invoice']"},
		{"mutex", "m", ids, "indicator [mutex:name = 'm']"},
		{"AS", "AS64496", ids, "indicator [autonomous-system:number = 64496]"},
		{"AS", "64496", "", "autonomous-system; observed-data"},
		{"AS", "ASx", ids, "refused:malformed"},
		{"regkey", `HKLM\a`, ids, `indicator [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\a']`},
		{"regkey", `HKEY_USERS\a`, ids, `indicator [windows-registry-key:key = 'HKEY_USERS\\a']`},
		{"regkey|value", `HKLM\a|b`, ids, `indicator [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\a' AND windows-registry-key:values[*].data = 'b']`},
		{"ip-dst|port", "192.0.2.1|443", ids, "indicator [network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]"},
		{"hostname|port", "host.example|443", "", "domain-name host.example; network-traffic; observed-data"},
		{"ip-dst|port", "192.0.2.1|99999", ids, "refused:malformed"},
		{"domain|ip", "host.example|192.0.2.1", ids, "indicator [domain-name:value = 'host.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']"},
		{"domain|ip", "host.example|192.0.2.1", "", "ipv4-addr 192.0.2.1; domain-name host.example; observed-data"},
		{"user-agent", "x", ids, "indicator [network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x']"},
		{"user-agent", "x", "", "refused:unsupported"},
		{"mac-address", "00:00:5E:00:53:01", ids, "indicator [mac-addr:value = '00:00:5e:00:53:01']"},
		{"x509-fingerprint-sha1", sha1, ids, "indicator [x509-certificate:hashes.'SHA-1' = '" + sha1 + "']"},
		{"yara", "rule a { condition: true }", "", "indicator rule a { condition: true }"},
		{"vulnerability", "CVE-2026-0001", "", "vulnerability CVE-2026-0001"},
		{"link", "https://host.example/report", "", "note https://host.example/report"},
		{"comment", "text", "", "note text"},
		{"text", "条イ音", "", "note 条イ音"},
		{"comment", "", "", "refused:malformed"},
		{"btc", "x", ids, "refused:unsupported"},
		{"attachment", "x", "", "refused:unsupported"},
		{"", "x", "", "refused:unsupported"},
		{"domain", "host.example", ids + `,"deleted":true`, "refused:withdrawn"},
	} {
		t.Run(tc.typ+" "+tc.value, func(t *testing.T) {
			res := read(t, misp(attrs(attr(1, tc.typ, tc.value, tc.more))), amberFeed())
			got := strings.TrimSuffix(strings.TrimPrefix(made(res), "identity Example CERT; "), "; report Sample")
			if strings.HasPrefix(tc.want, "refused") {
				if o := outcomes(res); o != "taken "+tc.want+" taken" {
					t.Errorf("%s: %s", o, got)
				}
				return
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			for _, o := range res.Taken {
				if p, ok := o.Text("pattern"); ok && tc.typ != "yara" {
					if _, err := stix.ParsePattern(p); err != nil {
						t.Errorf("%s: %v", p, err)
					}
				}
			}
		})
	}
}

func TestMISPEvent(t *testing.T) {
	res := read(t, misp(attrs(attr(1, "domain", "host.example", ids+`,"comment":"seen"`))), amberFeed())
	const want = `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001",` +
		`"created_by_ref":"identity--00000000-0000-4000-8000-000000000200","created":"2026-01-05T08:00:01.000Z","modified":"2026-01-05T08:00:01.000Z",` +
		`"name":"host.example","description":"seen","pattern":"[domain-name:value = 'host.example']","pattern_type":"stix","pattern_version":"2.1",` +
		`"valid_from":"2026-01-05T08:00:01.000Z","labels":["misp:category=\"Network activity\"","misp:distribution=\"this-community-only\"","misp:type=\"domain\""],` +
		`"object_marking_refs":["` + amber + `"],"extensions":{"` + stix.HandlingExtension + `":{"extension_type":"property-extension","default_marking":"partner-feed"}}}`
	if got := string(res.Taken[1].Raw()); got != want {
		t.Errorf("got %s", got)
	}
	report := res.Taken[2]
	for path, want := range map[string]string{"type": "report", "id": "report--" + uid(100), "published": "2026-01-05T09:00:00.000Z",
		"created": "2026-01-05T08:00:00.000Z", "object_refs.[0]": "indicator--" + uid(1), "created_by_ref": "identity--" + uid(200)} {
		if got, _ := report.Text(path); got != want {
			t.Errorf("report: %s is %q, want %q", path, got, want)
		}
	}
	again := read(t, misp(attrs(attr(1, "domain", "host.example", ids+`,"comment":"seen"`))), amberFeed())
	for i := range res.Taken {
		if string(res.Taken[i].Raw()) != string(again.Taken[i].Raw()) {
			t.Errorf("read again, object %d is another", i)
		}
	}
	if g := read(t, strings.Replace(misp(""), `"published":true`, `"published":false`, 1), amberFeed()); g.Taken[1].Type() != "grouping" {
		t.Errorf("not published, but a %s", g.Taken[1].Type())
	}
}

func TestMISPTags(t *testing.T) {
	tag := func(names ...string) string {
		var out []string
		for _, n := range names {
			out = append(out, fmt.Sprintf(`{"name":%q}`, n))
		}
		return `,"Tag":[` + strings.Join(out, ",") + `]`
	}
	const papAmber = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"
	for _, tc := range []struct{ name, event, attribute, want, label string }{
		{"event", tag("tlp:green"), "", "green", ""},
		{"attribute narrows", tag("tlp:green"), tag("tlp:red"), "red", ""},
		{"attribute cannot widen", tag("tlp:red"), tag("tlp:green"), "red", ""},
		{"white is clear", tag("tlp:white"), "", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", ""},
		{"PAP beside", tag("tlp:green", "PAP:AMBER"), "", "green+" + papAmber, ""},
		{"none", "", "", "amber by partner-feed", ""},
		{"others are labels", tag("rsit:fraud=\"phishing\""), "", "amber by partner-feed", `rsit:fraud="phishing"`},
		{"not understood stays, and is no default", tag("tlp:unclear"), "", "", "tlp:unclear"},
		{"a national marking is no default", tag("de-vs:einstufung=\"vs-nfd\""), "", "", `de-vs:einstufung="vs-nfd"`},
		{"a national marking stays beside TLP", tag("tlp:green", "nato:classification=\"NS\""), "", "green", `nato:classification="NS"`},
		{"consent stays", tag("tlp:green", "ais-marking:AISConsent=\"NONE\""), "", "green", `ais-marking:AISConsent="NONE"`},
		{"a tag that cannot be read", `,"Tag":[17]`, "", "", "tlp:unreadable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, misp(tc.event+attrs(attr(1, "domain", "host.example", ids+tc.attribute))), amberFeed())
			for _, o := range res.Taken {
				if o.Type() != "indicator" {
					continue
				}
				if got := shows(o); got != tc.want {
					t.Errorf("marked %q, want %q", got, tc.want)
				}
				labels, _ := o.Get("labels")
				if quoted := strings.ReplaceAll(tc.label, `"`, `\"`); !strings.Contains(string(labels), quoted) {
					t.Errorf("labels %s", labels)
				}
			}
		})
	}
}

func TestMISPObjects(t *testing.T) {
	md5, sha1 := strings.Repeat("a", 32), strings.Repeat("b", 40)
	object := func(name, more string, all ...string) string {
		return fmt.Sprintf(`,"Object":[{"uuid":%q,"name":%q,"timestamp":"1767600001"%s,"Attribute":[%s]}]`, uid(50), name, more, strings.Join(all, ","))
	}
	for _, tc := range []struct{ name, objects, want, items string }{
		{"file", object("file", "", attr(1, "filename", "a.exe", ""), attr(2, "md5", md5, ids), attr(3, "sha1", sha1, ids), attr(4, "size-in-bytes", "5", "")),
			"indicator [file:hashes.'MD5' = '" + md5 + "' OR file:hashes.'SHA-1' = '" + sha1 + "']", "taken taken refused:unsupported taken"},
		{"file, seen", object("file", "", attr(1, "filename", "a.exe", ""), attr(2, "md5", md5, "")),
			`file a.exe {"MD5":"` + md5 + `"}; observed-data`, "taken taken taken taken"},
		{"file without a hash", object("file", "", attr(1, "filename", "a.exe", ids)), "indicator [file:name = 'a.exe']", "taken taken taken"},
		{"file with a bad hash", object("file", "", attr(1, "md5", md5, ids), attr(2, "sha1", "x", ids)),
			"indicator [file:hashes.'MD5' = '" + md5 + "']", "taken taken refused:malformed taken"},
		{"another", object("domain-ip", "", attr(1, "domain", "host.example", ids), attr(2, "ip-dst", "192.0.2.1", ids)),
			"indicator [domain-name:value = 'host.example']; indicator [ipv4-addr:value = '192.0.2.1']", "taken taken taken taken"},
		{"deleted", object("file", `,"deleted":true`, attr(1, "md5", md5, ids)), "", "taken refused:withdrawn taken"},
		{"relations", object("domain-ip", `,"ObjectReference":[{}]`, attr(1, "domain", "host.example", ids)),
			"indicator [domain-name:value = 'host.example']", "taken taken refused:unsupported taken"},
		{"not readable", `,"Object":[17]`, "", "taken refused:malformed taken"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := read(t, misp(tc.objects), amberFeed())
			got := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(made(res), "identity Example CERT"), "; report Sample"), "; ")
			if got != tc.want || outcomes(res) != tc.items {
				t.Errorf("got %s (%s), want %s (%s)", got, outcomes(res), tc.want, tc.items)
			}
		})
	}
	// What the parts say about handling, the whole says.
	res := read(t, misp(object("file", "", attr(1, "md5", md5, ids+`,"Tag":[{"name":"tlp:green"}]`), attr(2, "sha1", sha1, ids+`,"Tag":[{"name":"tlp:red"}]`))), nil)
	if got := shows(res.Taken[0]); res.Taken[0].Type() != "identity" && got != "red" {
		t.Errorf("a file of a red hash is %s", got)
	}
	for _, o := range res.Taken {
		if o.Type() == "indicator" && shows(o) != "red" {
			t.Errorf("a file of a red hash is %s", shows(o))
		}
	}
}

func TestMISPSightings(t *testing.T) {
	sighting := func(n int, typ, date string) string {
		return fmt.Sprintf(`{"uuid":%q,"type":%q,"date_sighting":%q}`, uid(n), typ, date)
	}
	all := `,"Sighting":[` + sighting(61, "0", "1767600000") + "," + sighting(62, "1", "1767600000") + "," + sighting(63, "0", "") + `,17]`
	res := read(t, misp(attrs(attr(1, "domain", "host.example", ids+all))), amberFeed())
	if got := outcomes(res); got != "taken taken taken refused:unsupported refused:malformed refused:malformed taken" {
		t.Error(got)
	}
	if got := res.Taken[2].Type(); got != "sighting" {
		t.Error(got)
	}
	res = read(t, misp(attrs(attr(1, "btc", "x", `,"Sighting":[`+sighting(61, "0", "1767600000")+`]`))), amberFeed())
	if got := outcomes(res); got != "taken refused:unsupported refused:unsupported taken" {
		t.Error(got)
	}
}

func TestMISPShapes(t *testing.T) {
	one := misp(attrs(attr(1, "domain", "host.example", ids)))
	two := strings.NewReplacer(uid(100), uid(101), uid(1), uid(2)).Replace(one)
	inner := strings.TrimSuffix(strings.TrimPrefix(one, `{"Event":`), "}")
	for _, tc := range []struct{ name, data, want string }{
		{"event", one, "taken taken taken"},
		{"response with one", `{"response":` + one + `}`, "taken taken taken"},
		{"response with a list", `{"response":[` + one + "," + two + `]}`, "taken taken taken duplicate taken taken"},
		{"list", "[" + one + "," + two + "]", "taken taken taken duplicate taken taken"},
		{"JSON lines", one + "\n" + two, "taken taken taken duplicate taken taken"},
		{"numbers for ids", strings.NewReplacer(`"timestamp":"1767600000"`, `"timestamp":1767600000`, `"distribution":"1"`, `"distribution":1`, `"to_ids":true`, `"to_ids":1`).Replace(one), "taken taken taken"},
		{"text for booleans", strings.Replace(one, `"published":true`, `"published":"1"`, 1), "taken taken taken"},
		{"empty lists as PHP writes them", misp(`,"Attribute":{},"Object":[],"Tag":{},"SharingGroup":[],"Galaxy":[]`), "taken taken"},
		{"sharing group", misp(`,"SharingGroup":{"name":"Example group","id":1}`), "taken taken"},
		{"no organisation", `{"Event":{"uuid":"` + uid(100) + `","info":"x"}}`, "refused:unsupported"},
		{"proposals and reports", misp(`,"ShadowAttribute":[{},{}],"EventReport":[{}]`), "taken refused:unsupported refused:unsupported refused:unsupported taken"},
		{"no UUID", `{"Event":{"info":"x"}}`, "refused:malformed"},
		{"not an event", `{"Event":17}`, "refused:malformed"},
		{"not a list", `{"response":17}`, ""},
		{"a list of something", `{"response":[17,{}]}`, "refused:malformed refused:malformed"},
		{"event and response", `{"Event":` + inner + `,"response":[]}`, "taken taken taken refused:malformed"},
		{"attribute no object", misp(`,"Attribute":[17,` + attr(1, "domain", "host.example", ids) + `]`), "taken refused:malformed taken taken"},
		{"attribute without UUID", misp(`,"Attribute":[{"type":"domain","value":"host.example"}]`), "taken refused:malformed taken"},
		{"value an object", misp(`,"Attribute":[{"uuid":"` + uid(1) + `","type":"domain","value":{}}]`), "taken refused:malformed taken"},
		{"duplicate name", misp(`,"Attribute":[{"uuid":"` + uid(1) + `","type":"domain","type":"url","value":"x"}]`), "taken refused:malformed taken"},
		{"attributes a text", misp(`,"Attribute":"x"`), "refused:malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.want == "" {
				if res, err := Read([]byte(tc.data), "f", amberFeed(), now); err == nil {
					t.Errorf("taken: %s", outcomes(res))
				}
				return
			}
			if got := outcomes(read(t, tc.data, amberFeed())); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
