package stix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// found renders the findings of one unit: "technical; personal? path".
func found(o *Object, path string) string {
	var out []string
	for _, f := range Categorize(o) {
		if f.Path != path {
			continue
		}
		s := string(f.Category)
		if f.Unsure {
			s += "?"
		}
		if f.Category == federation.Personal {
			s += " " + f.Evidence
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func withPattern(pattern, more string) string {
	return strings.Replace(indicator(more), "[ipv4-addr:value = '192.0.2.1']", pattern, 1)
}

func TestCategorizeIndicators(t *testing.T) {
	ours := func(more string) string {
		return `,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension"` + more + `}}`
	}
	const note = "extensions." + HandlingExtension + ".note"
	for _, tc := range []struct{ name, raw, path, want string }{
		{"attacker's address", indicator(""), "pattern", "technical"},
		{"name repeats the value", indicator(`,"name":"Scan: 192.0.2.1"`), "name", "free-text"},
		{"disarmed repeats the value", indicator(`,"name":"Scan: 192[.]0[.]2[.]1"`), "name", "free-text"},
		{"another address", indicator(`,"description":"seen at 198.51.100.7."`), "description", "free-text; personal? content: IP address"},
		{"another IPv6 address", indicator(`,"description":"seen at 2001:db8::7, twice"`), "description", "free-text; personal? content: IP address"},
		{"the origin rules it out", indicator(`,"description":"seen at 198.51.100.7"` + ours(`,"personal_data":false`)), "description", "free-text"},
		{"version number", indicator(`,"description":"curl 7.88.1 and 1.2.3.4.5"`), "description", "free-text"},
		{"time", indicator(`,"description":"at 12:30:45 on 2026-01-06"`), "description", "free-text"},
		{"e-mail pattern", withPattern("[email-addr:value = 'user@host.example']", ""), "pattern", "technical; personal path"},
		{"e-mail pattern, ruled out", withPattern("[email-addr:value = 'user@host.example']", ours(`,"personal_data":false`)), "pattern", "technical; personal path"},
		{"mail subject", withPattern("[domain-name:value = 'a.example' OR email-message:subject = 'x']", ""), "pattern", "technical; personal path"},
		{"account", withPattern("[user-account:user_id = '1']", ""), "pattern", "technical; personal path"},
		{"owner of a key", withPattern("[windows-registry-key:creator_user_ref.user_id = '1']", ""), "pattern", "technical; personal path"},
		{"address in a URL", withPattern("[url:value = 'https://host.example/?u=user@victim.example']", ""), "pattern", "technical; personal content: e-mail address"},
		{"encoded address in a URL", withPattern("[url:value = 'https://host.example/?u=user%40victim.example']", ""), "pattern", "technical; personal content: e-mail address"},
		{"package in a URL", withPattern("[url:value = 'https://host.example/left-pad@1.2.3/x.js']", ""), "pattern", "technical"},
		{"pattern nobody can read", withPattern("[broken", ""), "pattern", "technical; free-text?"},
		{"rule of another kind", strings.Replace(withPattern("rule a { condition: true }", ""), `"stix"`, `"yara"`, 1), "pattern", "technical"},
		{"rule with an author", strings.Replace(withPattern("rule a { meta: author = 'user@host.example' }", ""), `"stix"`, `"yara"`, 1), "pattern", "technical; personal content: e-mail address"},
		{"address in a label", indicator(`,"labels":["a","b user@host.example"]`), "labels", "context; personal content: e-mail address"},
		{"address by escape", indicator(`,"name":"user\u0040host.example"`), "name", "free-text; personal content: e-mail address"},
		{"address in a member name", indicator(`,"x_map":{"user@host.example":1}`), "x_map", "free-text?; personal content: e-mail address"},
		{"case in a reference", indicator(`,"external_references":[{"source_name":"a","description":"tel. +49 30 1234567"}]`), "external_references", "context; personal content: telephone number"},
		{"creator", indicator(`,"created_by_ref":"identity--00000000-0000-4000-8000-000000000001"`), "created_by_ref", "context"},

		{"note", indicator(ours(`,"note":{"abstract":"a","content":"b user@host.example","contacts":["c"]}`)), note, "context"},
		{"note's abstract", indicator(ours(`,"note":{"abstract":"a","content":"b user@host.example","contacts":["c"]}`)), note + ".abstract", "free-text"},
		{"note's content", indicator(ours(`,"note":{"abstract":"a","content":"b user@host.example","contacts":["c"]}`)), note + ".content", "free-text; personal content: e-mail address"},
		{"note's contacts", indicator(ours(`,"note":{"abstract":"a","contacts":["c"]}`)), note + ".contacts", "personal path"},

		{"origin says so, shown", indicator(`,"name":"n"` + ours(`,"personal_data":true,"note":{"content":"user@host.example"}`)), "name", "free-text; personal? origin says so"},
		{"origin says so, shown: pattern", indicator(ours(`,"personal_data":true,"note":{"content":"user@host.example"}`)), "pattern", "technical"},
		{"origin says so, not shown", indicator(`,"name":"n"` + ours(`,"personal_data":true`)), "name", "free-text; personal origin says so"},
		{"origin says so, not shown: pattern", indicator(ours(`,"personal_data":true`)), "pattern", "technical; personal origin says so"},

		{"unknown property", indicator(`,"x_thing":"a"`), "x_thing", "free-text?"},
		{"subscriber", indicator(`,"x_msisdn":"0"`), "x_msisdn", "subscriber?; personal path"},
		{"price", indicator(`,"x_list_price":1`), "x_list_price", "commercial?"},
		{"victim", indicator(`,"x_victim":"a"`), "x_victim", "target?; personal? path"},
		{"part of a word", indicator(`,"x_enterprise":"a"`), "x_enterprise", "free-text?"},
		{"extension of another", indicator(`,"extensions":{"x-ext":{"mail":"user@host.example"}}`), "extensions.x-ext", "free-text?; personal content: e-mail address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := found(parse1(t, tc.raw), tc.path); got != tc.want {
				t.Errorf("%s: got %q, want %q", tc.path, got, tc.want)
			}
		})
	}
}

func TestCategorizeOtherTypes(t *testing.T) {
	sdo := func(typ, more string) string {
		return `{"type":"` + typ + `","spec_version":"2.1","id":"` + typ + `--00000000-0000-4000-8000-000000000001",` +
			`"created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z"` + more + `}`
	}
	sco := func(typ, more string) string {
		return `{"type":"` + typ + `","id":"` + typ + `--00000000-0000-5000-8000-000000000001"` + more + `}`
	}
	said := func(v string) string {
		return `,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension","personal_data":` + v + `}}`
	}
	const derivedMail, randomMail = "email-addr--00000000-0000-5000-8000-000000000001", "email-addr--00000000-0000-4000-8000-000000000001"
	for _, tc := range []struct{ name, raw, path, want string }{
		{"individual", sdo("identity", `,"name":"A. N. Other","identity_class":"individual"`), "name", "context; personal type"},
		{"organisation", sdo("identity", `,"name":"Example CERT","identity_class":"organization"`), "name", "context"},
		{"organisation's contact", sdo("identity", `,"name":"n","identity_class":"organization","contact_information":"desk"`), "contact_information", "context; personal? type"},
		{"identity of no class", sdo("identity", `,"name":"n"`), "name", "context; personal? type"},
		{"malware", sdo("malware", `,"is_family":true,"name":"Sample"`), "name", "technical"},
		{"author", sdo("note", `,"content":"c","authors":["A"],"object_refs":["`+randomMail+`"]`), "authors", "context; personal type"},
		{"street", sdo("location", `,"country":"DE","street_address":"s"`), "street_address", "target; personal? type"},
		{"country", sdo("location", `,"country":"DE"`), "country", "context"},
		{"who saw it", sdo("sighting", `,"sighting_of_ref":"indicator--00000000-0000-4000-8000-000000000001","where_sighted_refs":["identity--00000000-0000-4000-8000-000000000001"]`),
			"where_sighted_refs", "source"},
		{"refers to a derived id", sdo("grouping", `,"context":"c","object_refs":["`+derivedMail+`"]`), "object_refs.[0]", "context; personal reference"},
		{"refers to a random id", sdo("grouping", `,"context":"c","object_refs":["`+randomMail+`"]`), "object_refs.[0]", "context"},
		{"embedded observables", sdo("observed-data", `,"first_observed":"2026-01-05T08:12:31Z","last_observed":"2026-01-05T08:12:31Z","number_observed":1,"objects":{"0":{"type":"email-addr","value":"user@host.example"}}`),
			"objects", "free-text; personal? type; personal content: e-mail address"},
		{"IPv4", sco("ipv4-addr", `,"value":"192.0.2.1"`), "value", "technical; personal? type"},
		{"IPv4, ruled out", sco("ipv4-addr", `,"value":"192.0.2.1"`+said("false")), "value", "technical"},
		{"IPv4, said so", sco("ipv4-addr", `,"value":"192.0.2.1"`+said("true")), "value", "technical; personal? type; personal origin says so"},
		{"domain", sco("domain-name", `,"value":"host.example"`), "value", "technical"},
		{"domain, said so", sco("domain-name", `,"value":"host.example"`+said("true")), "value", "technical; personal origin says so"},
		{"e-mail", sco("email-addr", `,"value":"user@host.example"`+said("false")), "value", "technical; personal type; personal content: e-mail address"},
		{"account", sco("user-account", `,"user_id":"1"`), "user_id", "subscriber; personal type"},
		{"mail", sco("email-message", `,"is_multipart":false,"subject":"s","from_ref":"`+derivedMail+`"`), "from_ref", "technical; personal type; personal reference"},
		{"hash", sco("file", `,"hashes":{"MD5":"a"}`), "hashes", "technical"},
		{"STIX's own extension", sco("file", `,"name":"a","extensions":{"pdf-ext":{"version":"1.7"}}`), "extensions.pdf-ext", "technical"},
		{"custom type", sco("x-thing", `,"what":"a"`), "what", "free-text?"},
		{"marking", `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--00000000-0000-4000-8000-000000000001",` +
			`"created":"2026-01-05T08:12:31Z","definition_type":"statement","definition":{"statement":"user@host.example"}}`, "definition", "context"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := found(parse1(t, tc.raw), tc.path); got != tc.want {
				t.Errorf("%s: got %q, want %q", tc.path, got, tc.want)
			}
		})
	}
}

// The evidence goes to the journal, which must hold no values.
func TestEvidenceHoldsNoContent(t *testing.T) {
	const secret = "someone@victim.example"
	o := parse1(t, withPattern("[email-addr:value = '"+secret+"']", `,"name":"`+secret+`","x_`+"email"+`":"`+secret+`","external_references":[{"source_name":"`+secret+`"}]`))
	for _, f := range Categorize(o) {
		if strings.Contains(fmt.Sprint(f), "victim") {
			t.Errorf("%+v", f)
		}
	}
}

func TestHasEmail(t *testing.T) {
	for text, want := range map[string]bool{
		"user@host.example":                    true,
		"(a.b+c@sub.host.example, tel.)":       true,
		"Müller@höst.example":                  true,
		"user@xn--hst-sna.xn--p1ai":            true,
		"user@host[.]example":                  true,
		"user[@]host.example":                  true,
		"user[at]host[.]example":               true,
		"user (at) host (.) example":           false, // too loose to tell
		"user(at)host.example":                 true,
		"user @ host.example":                  true,
		"user＠host．example":                    true,
		"利用者user＠host.example":                 true,
		"?u=user%40host.example&x":             true,
		`user\\@example\\.com`:                 false,
		`^user@example\.com$`:                  true,
		"user@host":                            false,
		"see @name.example":                    false,
		"@host.example":                        false,
		"left-pad@1.2.3":                       false,
		"a@b.c":                                false, // no such top-level domain
		"100%":                                 false,
		"":                                     false,
		"@":                                    false,
		"a@":                                   false,
		"a@.":                                  false,
		strings.Repeat("@", 10_000):            false,
		strings.Repeat("a@b", 10_000) + ".com": true,
	} {
		if got := hasEmail([]byte(text)); got != want {
			t.Errorf("%.60q: %t", text, got)
		}
	}
}

func TestHasPhone(t *testing.T) {
	for text, want := range map[string]bool{
		"+49 30 1234567":           true,
		"call +1-202-555-0143 now": true,
		"tel. +00 000 123456":      true,
		"Telefon: 030 1234567":     true,
		"phone (555) 0143 22":      true,
		"mobile 555014322":         true,
		"Fax 555014":               true,
		"電話：0312345678":            true,
		"тел. 495123456":           true,
		"hotel 123456":             false,
		"intel 123456":             false,
		"UTC+0100":                 false,
		"C++ 2026":                 false,
		"telephone":                false,
		"case 2026-000123":         false,
		"+":                        false,
		"":                         false,
	} {
		if got := hasPhone([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
