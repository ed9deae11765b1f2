package stix

import "strings"

// class is what STIX calls a group of object types.
type class uint8

const (
	custom     class = iota // not one of the types of STIX 2.1
	domain                  // STIX Domain Object (§4)
	relation                // STIX Relationship Object (§5)
	observable              // STIX Cyber-observable Object (§6)
	meta                    // marking-, extension-definition, language-content (§7)
)

// typeInfo is what STIX 2.1 says about one object type.
type typeInfo struct {
	class class
	// required lists the properties that an object of the type must have,
	// beyond those that all of its class must have.
	required []string
	// oneOf lists properties of which at least one must be there.
	oneOf []string
	// needs lists pairs: who has the first must have the second.
	needs [][2]string
	// anyOwn says that at least one property beyond the common ones must be
	// there.
	anyOwn bool
	// derived lists the properties that a deterministic id is made from
	// (§2.9, and "ID Contributing Properties" of each type in §6).
	derived []string
}

// types21 is the table of object types of STIX 2.1 (OASIS Standard, 10 June
// 2021, §4 to §7). It is never written to.
var types21 = map[string]*typeInfo{
	"attack-pattern":   {class: domain, required: words("name")},
	"campaign":         {class: domain, required: words("name")},
	"course-of-action": {class: domain, required: words("name")},
	"grouping":         {class: domain, required: words("context object_refs")},
	"identity":         {class: domain, required: words("name")},
	"incident":         {class: domain, required: words("name")},
	"indicator":        {class: domain, required: words("pattern pattern_type valid_from")},
	"infrastructure":   {class: domain, required: words("name")},
	"intrusion-set":    {class: domain, required: words("name")},
	"location": {class: domain, oneOf: words("region country latitude"),
		needs: [][2]string{{"latitude", "longitude"}, {"longitude", "latitude"}, {"precision", "latitude"}}},
	"malware":          {class: domain, required: words("is_family")},
	"malware-analysis": {class: domain, required: words("product"), oneOf: words("result analysis_sco_refs")},
	"note":             {class: domain, required: words("content object_refs")},
	"observed-data": {class: domain, required: words("first_observed last_observed number_observed"),
		oneOf: words("objects object_refs")},
	"opinion":       {class: domain, required: words("opinion object_refs")},
	"report":        {class: domain, required: words("name published object_refs")},
	"threat-actor":  {class: domain, required: words("name")},
	"tool":          {class: domain, required: words("name")},
	"vulnerability": {class: domain, required: words("name")},

	"relationship": {class: relation, required: words("relationship_type source_ref target_ref")},
	"sighting":     {class: relation, required: words("sighting_of_ref")},

	"artifact": {class: observable, oneOf: words("payload_bin url"), derived: words("hashes payload_bin"),
		needs: [][2]string{{"url", "hashes"}, {"decryption_key", "encryption_algorithm"}}},
	"autonomous-system": {class: observable, required: words("number"), derived: words("number")},
	"directory":         {class: observable, required: words("path"), derived: words("path")},
	"domain-name":       {class: observable, required: words("value"), derived: words("value")},
	"email-addr":        {class: observable, required: words("value"), derived: words("value")},
	"email-message":     {class: observable, required: words("is_multipart"), derived: words("from_ref subject body")},
	"file": {class: observable, oneOf: words("hashes name"),
		derived: words("hashes name extensions parent_directory_ref")},
	"ipv4-addr": {class: observable, required: words("value"), derived: words("value")},
	"ipv6-addr": {class: observable, required: words("value"), derived: words("value")},
	"mac-addr":  {class: observable, required: words("value"), derived: words("value")},
	"mutex":     {class: observable, required: words("name"), derived: words("name")},
	"network-traffic": {class: observable, required: words("protocols"), oneOf: words("src_ref dst_ref"),
		derived: words("start end src_ref dst_ref src_port dst_port protocols extensions")},
	"process":              {class: observable, anyOwn: true}, // ids are random (§6.13)
	"software":             {class: observable, required: words("name"), derived: words("name cpe swid vendor version")},
	"url":                  {class: observable, required: words("value"), derived: words("value")},
	"user-account":         {class: observable, anyOwn: true, derived: words("account_type user_id account_login")},
	"windows-registry-key": {class: observable, anyOwn: true, derived: words("key values")},
	"x509-certificate":     {class: observable, anyOwn: true, derived: words("hashes serial_number")},

	"extension-definition": {class: meta, required: words("name schema version extension_types")},
	"language-content":     {class: meta, required: words("object_ref contents")},
	"marking-definition":   {class: meta, oneOf: words("definition extensions")},
}

// customType is what is known about any other type.
var customType = new(typeInfo)

// infoOf returns what is known about a type.
func infoOf(typ string) *typeInfo {
	if info, ok := types21[typ]; ok {
		return info
	}
	return customType
}

func words(s string) []string { return strings.Fields(s) }

// common reports whether a property is one that every type may have (§3.2).
func common(name string) bool {
	switch name {
	case "type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked", "labels",
		"confidence", "lang", "external_references", "object_marking_refs", "granular_markings",
		"defanged", "extensions":
		return true
	}
	return false
}

// classRequires reports whether every object of the class, or of the named
// type within it, must have a common property (§3.1).
func classRequires(c class, typ, name string) bool {
	switch name {
	case "type", "id":
		return true
	case "spec_version", "created":
		return c == domain || c == relation || c == meta
	case "modified":
		return (c == domain || c == relation || c == meta) && typ != "marking-definition"
	}
	return false
}
