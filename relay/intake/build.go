package intake

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation/stix"
)

// member is one property of an object that is being made.
type member struct {
	name  string
	value any
}

// build makes a STIX object of its properties, in the order given. Empty
// strings and lists and nil are left out, as STIX asks (§2.12).
func build(members ...member) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, m := range members {
		switch v := m.value.(type) {
		case nil:
			continue
		case string:
			if v == "" {
				continue
			}
		case []string:
			if len(v) == 0 {
				continue
			}
		}
		raw, err := json.Marshal(m.value, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		name, err := jsontext.AppendQuote(nil, m.name)
		if err != nil {
			return nil, err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(raw)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// observable makes an observable with its deterministic id (STIX 2.1 §2.9).
func observable(typ string, members ...member) (id string, raw []byte, err error) {
	raw, err = build(append([]member{{"type", typ}, {"spec_version", "2.1"}}, members...)...)
	if err != nil {
		return "", nil, err
	}
	if id, err = stix.ObservableID(raw); err != nil {
		return "", nil, err
	}
	raw, err = build(append([]member{{"type", typ}, {"spec_version", "2.1"}, {"id", id}}, members...)...)
	return id, raw, err
}

// stamp writes a time as STIX does, to the millisecond.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// literal writes a string constant of the patterning language (STIX 2.1 §9.3).
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
