package marking

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/mapping"
)

// maxDefinition is the largest marking-definition that is read, in bytes. The
// published ones are under 1 KiB; an ACS marking with every field stays under
// 16 KiB.
const maxDefinition = 64 << 10

// body is a marking-definition as STIX 2.1 §7.2.1 lays it out, as far as it
// says what the marking means.
type body struct {
	Type           string                    `json:"type"`
	ID             string                    `json:"id"`
	Name           string                    `json:"name"`
	DefinitionType *string                   `json:"definition_type"`
	Definition     map[string]jsontext.Value `json:"definition"`
	Extensions     map[string]jsontext.Value `json:"extensions"`
}

// Definition reads the body of the marking-definition id, as far as that needs
// no tables: what is said in the words of a classification scheme (ACS, CUI) is
// a fault here, and read by [ReadDefinition].
func Definition(id string, raw []byte) (mapping.Handling, error) {
	s, err := ReadDefinition(id, raw)
	if err != nil {
		return mapping.Handling{}, err
	}
	return s.alone(id, describeRaw(raw))
}

// ReadDefinition reads the body of the marking-definition id. What it means comes
// only from bodies whose meaning is fixed: the published TLP and PAP objects
// under their own identifiers, FIRST IEP 2.0 policies, ACS 3.0 and CUI markings
// of which every field is understood, and statements, which bind nobody by
// machine and are carried.
//
// The error is a *mapping.Fault: cause Malformed for what is no
// marking-definition of that identifier, UnknownMarking (law A8) for one that
// is not understood, with its name and kind in the text.
func ReadDefinition(id string, raw []byte) (Said, error) {
	b, err := readBody(id, raw)
	if err != nil {
		return Said{}, err
	}
	if p, ok := find(id); ok {
		if !p.matches(b) {
			return Said{}, unknown(id,
				fmt.Sprintf("it carries the identifier of %s with a body that says something else", p.name),
				"use the published object")
		}
		return Said{Handling: p.handling()}, nil
	}
	if b.DefinitionType != nil {
		h, err := readByType(id, b)
		return Said{Handling: h}, err
	}
	if len(b.Extensions) == 1 {
		for ext, raw := range b.Extensions {
			if read, ok := extensionReaders[ext]; ok {
				return read(id, raw)
			}
		}
	}
	return Said{}, describeExtensions(id, b)
}

// extensionReaders read the marking extensions whose fields are all known.
var extensionReaders = map[string]func(id string, raw jsontext.Value) (Said, error){
	extensionIEP: readIEP,
	extensionACS: readACS,
	extensionCUI: readCUI,
}

// describeRaw names the marking of a body that has been read.
func describeRaw(raw []byte) string {
	var b body
	if json.Unmarshal(raw, &b) == nil {
		for ext, raw := range b.Extensions {
			return knownExtensions[ext].describe(raw)
		}
	}
	return ""
}

// readBody decodes raw and checks that it is the marking-definition id and
// that it carries its meaning in exactly one of the two ways STIX allows.
func readBody(id string, raw []byte) (*body, error) {
	if len(raw) > maxDefinition {
		return nil, malformed(id, fmt.Sprintf("%d bytes, over the limit of %d", len(raw), maxDefinition))
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, malformed(id, "not readable as JSON: "+jsonDetail(err))
	}
	switch {
	case b.Type != "marking-definition":
		return nil, malformed(id, fmt.Sprintf("its type is %q, not marking-definition", b.Type))
	case b.ID != id:
		return nil, malformed(id, fmt.Sprintf("the object is %q", b.ID))
	case b.DefinitionType != nil && b.Extensions != nil:
		return nil, malformed(id, "it has both a definition_type and extensions; STIX 2.1 allows one of them")
	case b.DefinitionType == nil && b.Definition != nil:
		return nil, malformed(id, "it has a definition without a definition_type")
	case b.DefinitionType == nil && len(b.Extensions) == 0:
		return nil, malformed(id, "it has neither a definition_type nor extensions")
	}
	return &b, nil
}

// jsonDetail names the fault in the text without repeating values of it.
func jsonDetail(err error) string {
	if syn, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Sprintf("at byte %d, %s", syn.ByteOffset, syn.Err)
	}
	if sem, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Sprintf("at byte %d, %s has the wrong type", sem.ByteOffset, sem.JSONPointer)
	}
	return err.Error()
}

// matches reports whether b says what the published definition says. Name and
// creation time may be spelled differently; the meaning may not.
func (p *published) matches(b *body) bool {
	switch p.form {
	case formTLP1:
		return b.DefinitionType != nil && *b.DefinitionType == "tlp" && onlyText(b.Definition, "tlp", p.value)
	case formTLP2:
		return p.onlyExtension(b, extensionTLP2, "tlp_2_0")
	default:
		return p.onlyExtension(b, extensionPAP, "pap")
	}
}

// onlyExtension reports whether b has exactly one extension, and that one says
// p's value and nothing else.
func (p *published) onlyExtension(b *body, extension, property string) bool {
	raw, ok := b.Extensions[extension]
	if !ok || len(b.Extensions) != 1 {
		return false
	}
	var entry map[string]jsontext.Value
	if json.Unmarshal(raw, &entry) != nil {
		return false
	}
	if kind, ok := text(entry["extension_type"]); !ok || kind != "property-extension" {
		return false
	}
	delete(entry, "extension_type")
	return onlyText(entry, property, p.value)
}

// onlyText reports whether m holds exactly the text value under key.
func onlyText(m map[string]jsontext.Value, key, value string) bool {
	got, ok := text(m[key])
	return ok && got == value && len(m) == 1
}

// text returns v as a string, false if it is none.
func text(v jsontext.Value) (string, bool) {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return s, true
}

// readByType reads a definition_type body under an identifier that is not
// published.
func readByType(id string, b *body) (mapping.Handling, error) {
	switch *b.DefinitionType {
	case "statement":
		s, ok := text(b.Definition["statement"])
		if !ok || s == "" || len(b.Definition) != 1 {
			return mapping.Handling{}, malformed(id, "a statement marking holds one non-empty text, statement, and nothing else")
		}
		return mapping.Handling{Statements: []string{s}}, nil
	case "tlp":
		return mapping.Handling{}, unknown(id, "a TLP marking under an identifier of its own", "refer to the published TLP objects")
	}
	return mapping.Handling{}, unknown(id, fmt.Sprintf("its definition_type %q is not known", *b.DefinitionType), "")
}

// describeExtensions names what a marking in extensions is, so that the person
// it is held for knows what to look at.
func describeExtensions(id string, b *body) error {
	for _, ext := range slices.Sorted(maps.Keys(b.Extensions)) {
		switch ext {
		case extensionTLP2, extensionPAP:
			return unknown(id, "a TLP 2.0 or PAP marking under an identifier of its own", "refer to the published objects; their identifiers may not be minted")
		}
		if k, ok := knownExtensions[ext]; ok {
			return unknown(id, k.describe(b.Extensions[ext])+"; understood: no", "a person must read it")
		}
	}
	name := b.Name
	if name == "" {
		name = "without a name"
	}
	return unknown(id, fmt.Sprintf("a marking (%s) in extensions nobody here knows: %v", name, slices.Sorted(maps.Keys(b.Extensions))), "a person must read it")
}

func malformed(id, text string) error {
	return &mapping.Fault{Cause: mapping.Malformed, Law: "A8", What: id, Text: text}
}

func unknown(what, text, hint string) error {
	return &mapping.Fault{Cause: mapping.UnknownMarking, Law: "A8", What: what, Text: text, Hint: hint}
}
