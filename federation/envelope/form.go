package envelope

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jsonForm is a message in the flattened JWS JSON serialisation (RFC 7515 §7.2.2)
// with its disclosures in the unprotected header (RFC 9901 §8). The hops stand
// there too, each as its line. Everything in it is text of the compact form.
type jsonForm struct {
	Payload   string     `json:"payload"`
	Protected string     `json:"protected"`
	Signature string     `json:"signature"`
	Header    jsonHeader `json:"header"`
}

type jsonHeader struct {
	Disclosures []string       `json:"disclosures"`
	Hops        []string       `json:"hops,omitempty"`
	KeyBinding  jsontext.Value `json:"kb_jwt,omitempty"`
}

// ToJSON writes a message in JSON form (WIRE.md, section 17). [FromJSON] gives
// back exactly its text, so hashes and signatures hold in either form.
func ToJSON(v *Verified) ([]byte, error) {
	if !v.valid() {
		return nil, bad("the empty message has no JSON form")
	}
	return writeForm(v.raw)
}

// writeForm converts the text of a message whose form is known to be right.
func writeForm(raw []byte) ([]byte, error) {
	sd, hops, hopped := strings.Cut(string(raw), "\n")
	parts := strings.Split(strings.TrimSuffix(sd, "~"), "~")
	jws := strings.Split(parts[0], ".")
	if len(jws) != 3 {
		return nil, bad("a compact JWS has three parts")
	}
	f := jsonForm{Protected: jws[0], Payload: jws[1], Signature: jws[2], Header: jsonHeader{Disclosures: parts[1:]}}
	if hopped {
		f.Header.Hops = strings.Split(hops, "\n")
	}
	return json.Marshal(&f)
}

// FromJSON returns the compact text of a message in JSON form, for [Verify]. It
// checks form and size only, nothing of what the message says. Order, white
// space and escapes of the JSON are free: the text it returns is what hashes and
// signatures are over. The error is a *federation.Refusal, Malformed or TooLarge.
func FromJSON(text []byte) ([]byte, error) {
	if len(text) > MaxJSON {
		return nil, federation.Refuse(federation.TooLarge, "JSON form", fmt.Sprintf("over %d bytes", MaxJSON))
	}
	// Each element of a list but its first costs a comma, and so does each
	// member: this bounds what is allocated before anything is decoded.
	if bytes.Count(text, []byte{','}) > MaxDisclosures+MaxHops+formMembers {
		return nil, federation.Refuse(federation.TooLarge, "JSON form",
			fmt.Sprintf("over %d disclosures or %d hops", MaxDisclosures, MaxHops))
	}
	var f jsonForm
	if err := json.Unmarshal(text, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "JSON form",
			Detail: "payload, protected, signature and header with disclosures and hops are allowed, each once, and nothing else", Err: err}
	}
	if f.Header.KeyBinding != nil {
		return nil, keyBound()
	}
	if err := f.check(); err != nil {
		return nil, within("JSON form", err)
	}
	return f.compact(), nil
}

// formMembers is the number of members of a jsonForm and its header.
const formMembers = 7

// check holds each text to the alphabet of its place. A separator of the compact
// form inside one would move the borders between them.
func (f *jsonForm) check() error {
	for name, text := range map[string]string{"payload": f.Payload, "protected": f.Protected, "signature": f.Signature} {
		if text == "" || !inAlphabet(text, "") {
			return bad("%s is not there or no base64url", name)
		}
	}
	if f.Header.Disclosures == nil {
		return bad("no list of disclosures in the header")
	}
	for i, d := range f.Header.Disclosures {
		if d == "" || !inAlphabet(d, "") {
			return bad("disclosure %d is empty or no base64url", i)
		}
	}
	for i, h := range f.Header.Hops {
		if h == "" || !inAlphabet(h, ".") {
			return bad("hop %d is empty or no line of a message", i)
		}
	}
	return nil
}

// inAlphabet reports whether text has only characters of base64url, and of also.
func inAlphabet(text, also string) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case strings.IndexByte(also, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// compact writes the text that the form stands for.
func (f *jsonForm) compact() []byte {
	n := len(f.Protected) + len(f.Payload) + len(f.Signature) + 3
	for _, d := range f.Header.Disclosures {
		n += len(d) + 1
	}
	for _, h := range f.Header.Hops {
		n += len(h) + 1
	}
	out := make([]byte, 0, n)
	out = append(append(out, f.Protected...), '.')
	out = append(append(out, f.Payload...), '.')
	out = append(append(out, f.Signature...), '~')
	for _, d := range f.Header.Disclosures {
		out = append(append(out, d...), '~')
	}
	for _, h := range f.Header.Hops {
		out = append(append(out, '\n'), h...)
	}
	return out
}
