package stix

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// person says whether a property holds data about a person by its place alone.
type person uint8

const (
	no person = iota
	perhaps
	surely
)

// place is what the place of a property says about what is in it.
type place struct {
	category federation.Category
	evidence string
	unsure   bool
	person   person
}

// placed is one row of a table: properties of a type and what they hold.
type placed struct {
	props    []string
	category federation.Category
	person   person
}

// everyType holds the properties that are the same in all types.
var everyType = []placed{
	{words(`type id spec_version created created_by_ref modified revoked labels confidence lang external_references
		object_marking_refs granular_markings defanged extensions object_refs`), federation.Context, no},
	{words("description abstract content explanation"), federation.FreeText, no},
}

// byTypeTable holds what the properties of each type hold. A property that is
// in no row is free text, unsure.
var byTypeTable = map[string][]placed{
	"attack-pattern":   {{words("name aliases kill_chain_phases"), federation.Technical, no}},
	"campaign":         {{words("name aliases first_seen last_seen"), federation.Technical, no}, {words("objective"), federation.FreeText, no}},
	"course-of-action": {{words("name action"), federation.Technical, no}},
	"grouping":         {{words("name"), federation.FreeText, no}, {words("context"), federation.Context, no}},
	"incident":         {{words("name"), federation.FreeText, no}},
	"indicator": {{words("indicator_types pattern_type pattern_version valid_from valid_until kill_chain_phases"), federation.Technical, no},
		{words("name"), federation.FreeText, no}},
	"infrastructure": {{words("name infrastructure_types aliases kill_chain_phases first_seen last_seen"), federation.Technical, no}},
	"intrusion-set": {{words("name aliases first_seen last_seen goals resource_level primary_motivation secondary_motivations"),
		federation.Technical, no}},
	"location": {{words("name region country administrative_area city"), federation.Context, no},
		{words("latitude longitude precision street_address postal_code"), federation.Target, perhaps}},
	"malware": {{words(`name aliases malware_types is_family kill_chain_phases first_seen last_seen operating_system_refs
		architecture_execution_envs implementation_languages capabilities sample_refs`), federation.Technical, no}},
	"malware-analysis": {{words(`product version host_vm_ref operating_system_ref installed_software_refs configuration_version
		modules analysis_engine_version analysis_definition_version submitted analysis_started analysis_ended result_name
		result analysis_sco_refs sample_ref`), federation.Technical, no}},
	"note": {{words("authors"), federation.Context, surely}},
	"observed-data": {{words("first_observed last_observed number_observed"), federation.Context, no},
		{words("objects"), federation.FreeText, perhaps}},
	"opinion": {{words("opinion"), federation.Context, no}, {words("authors"), federation.Context, surely}},
	"report":  {{words("name"), federation.FreeText, no}, {words("report_types published"), federation.Context, no}},
	"threat-actor": {{words(`name aliases threat_actor_types roles first_seen last_seen goals sophistication resource_level
		primary_motivation secondary_motivations personal_motivations`), federation.Technical, no}},
	"tool":          {{words("name aliases tool_types kill_chain_phases tool_version"), federation.Technical, no}},
	"vulnerability": {{words("name"), federation.Technical, no}},

	"relationship": {{words("relationship_type source_ref target_ref start_time stop_time"), federation.Context, no}},
	"sighting": {{words("first_seen last_seen count sighting_of_ref summary"), federation.Context, no},
		{words("observed_data_refs where_sighted_refs"), federation.Source, no}},

	"artifact": {{words("mime_type url hashes encryption_algorithm decryption_key"), federation.Technical, no},
		{words("payload_bin"), federation.FreeText, perhaps}},
	"autonomous-system": {{words("number name rir"), federation.Technical, no}},
	"directory":         {{words("path path_enc ctime mtime atime contains_refs"), federation.Technical, no}},
	"domain-name":       {{words("value resolves_to_refs"), federation.Technical, no}},
	"email-addr":        {{words("value display_name belongs_to_ref"), federation.Technical, surely}},
	"email-message": {{words("is_multipart date content_type message_id raw_email_ref"), federation.Technical, no},
		{words("from_ref sender_ref to_refs cc_refs bcc_refs received_lines additional_header_fields"), federation.Technical, surely},
		{words("subject body body_multipart"), federation.FreeText, surely}},
	"file": {{words(`hashes size name name_enc magic_number_hex mime_type ctime mtime atime parent_directory_ref contains_refs
		content_ref`), federation.Technical, no}},
	"ipv4-addr": {{words("value resolves_to_refs belongs_to_refs"), federation.Technical, perhaps}},
	"ipv6-addr": {{words("value resolves_to_refs belongs_to_refs"), federation.Technical, perhaps}},
	"mac-addr":  {{words("value"), federation.Technical, perhaps}},
	"mutex":     {{words("name"), federation.Technical, no}},
	"network-traffic": {{words(`start end is_active src_port dst_port protocols src_byte_count dst_byte_count src_packets dst_packets
		ipfix src_payload_ref dst_payload_ref encapsulates_refs encapsulated_by_ref`), federation.Technical, no},
		{words("src_ref dst_ref"), federation.Technical, perhaps}},
	"process": {{words("is_hidden pid created_time cwd command_line opened_connection_refs image_ref parent_ref child_refs"),
		federation.Technical, no}, {words("environment_variables creator_user_ref"), federation.Technical, perhaps}},
	"software": {{words("name cpe swid languages vendor version"), federation.Technical, no}},
	"url":      {{words("value"), federation.Technical, no}},
	"user-account": {{words("user_id credential account_login display_name"), federation.Subscriber, surely},
		{words(`account_type is_service_account is_privileged can_escalate_privs is_disabled account_created account_expires
		credential_last_changed account_first_login account_last_login`), federation.Technical, perhaps}},
	"windows-registry-key": {{words("key values modified_time number_of_subkeys"), federation.Technical, no},
		{words("creator_user_ref"), federation.Technical, perhaps}},
	"x509-certificate": {{words(`is_self_signed hashes version serial_number signature_algorithm issuer validity_not_before
		validity_not_after subject subject_public_key_algorithm subject_public_key_modulus subject_public_key_exponent
		x509_v3_extensions`), federation.Technical, no}},

	"language-content": {{words("object_ref object_modified"), federation.Context, no}, {words("contents"), federation.FreeText, no}},
}

// places is byTypeTable and everyType by type and property; "" is every type.
// It is never written to after it is made.
var places = func() map[string]map[string]place {
	m := map[string]map[string]place{"": {}}
	fill := func(typ string, rows []placed) {
		m[typ] = map[string]place{}
		for _, r := range rows {
			for _, name := range r.props {
				m[typ][name] = place{category: r.category, evidence: byType, person: r.person}
			}
		}
	}
	for typ, rows := range byTypeTable {
		fill(typ, rows)
	}
	fill("", everyType)
	return m
}()

// telling are words in the names of properties that nobody here knows, and
// what they tell.
var telling = []placed{
	{words("msisdn imsi imei iccid subscriber customer account"), federation.Subscriber, surely},
	{words("price prices tariff fee discount contract revenue"), federation.Commercial, no},
	{words("victim target targeted"), federation.Target, perhaps},
	{words("person email phone passport patient birth"), federation.Personal, surely},
}

// checkedForm reports whether a property can hold nothing but ids, times,
// numbers and booleans, because parsing has checked it.
func checkedForm(name string) bool {
	switch name {
	case "type", "id", "spec_version", "created", "modified", "created_by_ref", "revoked", "confidence",
		"object_marking_refs", "valid_from", "valid_until":
		return true
	}
	return false
}

// placeOf says what a top-level property holds by its place.
func placeOf(o *Object, name string) place {
	if p, ok := generalPlace(o, name); ok {
		return p
	}
	if o.typ == "identity" {
		if p, ok := identityPlace(o, name); ok {
			return p
		}
	}
	if p, ok := places[o.typ][name]; ok {
		return p
	}
	if p, ok := places[""][name]; ok {
		return p
	}
	for _, r := range telling {
		for part := range strings.FieldsFuncSeq(strings.ToLower(name), func(c rune) bool { return c == '_' || c == '-' }) {
			if slices.Contains(r.props, part) {
				return place{category: r.category, evidence: byPath, unsure: true, person: r.person}
			}
		}
	}
	return place{category: federation.FreeText, evidence: byPath, unsure: true}
}

// generalPlace places what an object that says less tells of the victim: it is
// about a target, and by its form about nobody in particular. What has not that
// form is placed as anywhere else. Counts are about targets too: that they are over
// many, a node knows of its own alone.
func generalPlace(o *Object, name string) (place, bool) {
	switch {
	case o.handling == nil:
		return place{}, false
	case o.handling.Aggregate != "" && o.typ == "note":
		return place{category: federation.Target, evidence: byType}, name == "abstract" || name == "content"
	case o.handling.Generalised == "":
		return place{}, false
	}
	p := place{category: federation.Target, evidence: byType}
	switch name {
	case "name", "sectors":
		class, _ := o.Text("identity_class")
		return p, o.typ == "identity" && class == "class"
	case "country":
		return p, o.typ == "location"
	case "where_sighted_refs":
		return p, o.typ == "sighting"
	case "value":
		value, _ := o.Text("value")
		return p, (o.typ == "ipv4-addr" || o.typ == "ipv6-addr") && strings.Contains(value, "/")
	}
	return place{}, false
}

// identityPlace places the properties of an identity by its class (§4.5,
// identity-class-ov): of an individual they are personal, of an organisation
// they are context, and without a class nobody can tell.
func identityPlace(o *Object, name string) (place, bool) {
	p := place{category: federation.Context, evidence: byType}
	switch name {
	case "sectors", "roles", "identity_class":
		return p, true
	case "name", "contact_information":
	case "description":
		p.category = federation.FreeText
	default:
		return p, false
	}
	switch class, _ := o.Text("identity_class"); class {
	case "individual":
		p.person = surely
	case "organization", "system", "group", "class":
		if name == "contact_information" {
			p.person = perhaps
		}
	default:
		p.person = perhaps
	}
	return p, true
}

// texts goes through a JSON value that has been accepted before: the decoded text
// of every string, member names included, and every number that is long enough to
// be one of a record.
type texts struct {
	value []byte
	at    int
	plain []byte // of the string read last, if it was escaped
}

func (t *texts) begin(value []byte) { t.value, t.at = value, 0 }

// next returns the next text, good until the one after it is asked for.
func (t *texts) next() ([]byte, bool) {
	value := t.value
	for i := t.at; i < len(value); i++ {
		switch c := value[i]; {
		case digit(c):
			end := i + 1
			for end < len(value) && digit(value[end]) {
				end++
			}
			if end-i >= fewestDigits {
				t.at = end
				return value[i:end], true
			}
			i = end - 1
		case c == '"':
			end, escaped := stringEnd(value, i)
			t.at = end
			if !escaped {
				return value[i+1 : end-1], true
			}
			plain, err := jsontext.AppendUnquote(t.plain[:0], value[i:end])
			t.plain = plain
			if err == nil {
				return plain, true
			}
			i = end - 1
		}
	}
	t.at = len(value)
	return nil, false
}

// eachText calls f with each of the texts of a value.
func eachText(value []byte, f func(text []byte)) {
	t := texts{value: value}
	for text, ok := t.next(); ok; text, ok = t.next() {
		f(text)
	}
}

// stringEnd returns the index after the string that begins at i, and whether it
// has escapes.
func stringEnd(value []byte, i int) (end int, escaped bool) {
	n := bytes.IndexByte(value[i+1:], '"')
	if n < 0 {
		return len(value), false
	}
	first := bytes.IndexByte(value[i+1:i+1+n], '\\')
	if first < 0 {
		return i + n + 2, false
	}
	for j := i + 1 + first; j < len(value); j++ {
		switch value[j] {
		case '\\':
			j++
		case '"':
			return j + 1, true
		}
	}
	return len(value), true
}
