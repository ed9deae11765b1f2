package language

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a part of a text that no translation may touch: text[Start:End], in
// bytes, at rune boundaries, never empty.
type Span struct {
	Start, End int
	Kind       SpanKind
}

// SpanKind says why a span is protected.
type SpanKind string

// The kinds of protected spans.
const (
	SpanMarking SpanKind = "marking" // TLP and PAP labels, which FIRST keeps in the original in every language
	SpanPattern SpanKind = "pattern" // STIX patterns
	SpanRule    SpanKind = "rule"    // YARA, Sigma and Suricata rules, code between back quotes
	SpanURL     SpanKind = "url"     // with a scheme, defanged or not
	SpanEmail   SpanKind = "email"
	SpanAddress SpanKind = "address" // IPv4, IPv6, MAC; with port or prefix length
	SpanHash    SpanKind = "hash"    // 16 or more hexadecimal digits, ssdeep
	SpanID      SpanKind = "id"      // STIX ids, UUIDs, CVE, ATT&CK and similar identifiers
	SpanTag     SpanKind = "tag"     // MISP machine tags
	SpanPath    SpanKind = "path"    // file paths and registry keys
	SpanDomain  SpanKind = "domain"  // domains, and file names, which look the same
	SpanName    SpanKind = "name"    // names the caller knows of: actors, malware
	SpanCode    SpanKind = "code"    // anything else that no natural word looks like
)

// Building blocks. A defanged dot is [.], (.), {.}, [dot] or (dot); U+FF0E and
// U+FF61 are dots of IDNA (UTS 46).
const (
	dot   = `(?:\.|．|｡| ?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\\\.) ?)`
	colon = `(?::|\[:\])`
	label = `(?:[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}_])?)`
	tail  = `[^\s<>"“”„«»「」『』、。，；]*`
	host  = label + `(?:` + dot + label + `)+`
	// One bracket of a STIX pattern: strings in it may hold brackets.
	observation = `\(*\s*\[\s*\(*\s*(?:NOT\s+)?(?:EXISTS\s+)?[a-zA-Z0-9-]+:(?:[^'\[\]]|'(?:\\.|[^'\\])*'|\[[^\]\s]*\])*\]\s*\)*`
	qualifier   = `\s*(?:WITHIN\s+[\d.]+\s+SECONDS|REPEATS\s+\d+\s+TIMES|START\s+t'[^']*'\s+STOP\s+t'[^']*')\s*\)*`
)

// recognisers are tried in this order; where spans overlap the earlier kind
// names the union. Go's expressions run in linear time on any input.
var recognisers = []struct {
	kind SpanKind
	re   *regexp.Regexp
}{
	{SpanMarking, regexp.MustCompile(`(?i)(?:TLP|PAP|ＴＬＰ|ＰＡＰ)\s?[:：]\s?(?:EX:CHR|[A-ZＡ-Ｚ]+(?:\s?[+＋]\s?[A-ZＡ-Ｚ]+)?)`)},
	{SpanPattern, regexp.MustCompile(observation + `(?:` + qualifier + `|\s*(?:AND|OR|FOLLOWEDBY)\s*` + observation + `)*`)},
	{SpanRule, regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")},
	{SpanRule, regexp.MustCompile(`\b(?:alert|drop|pass|reject|rejectsrc|log)\s+\w+\s[^\n]*?(?:->|<>|<-)[^\n]*\)`)},
	{SpanURL, regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]{1,15}(?:://|\[://\]|\[:\]//|:\[//\]|:\\/\\/|\[:/\]/)` + tail)},
	{SpanURL, regexp.MustCompile(`(?i)\b(?:mailto|magnet|data|javascript|urn|tel|sip|xmpp):[^\s<>"]+`)},
	{SpanEmail, regexp.MustCompile(`(?i)[\p{L}\p{N}._%+'-]+ ?(?:@|\[@\]|\(@\)|\[at\]|\(at\)) ?(?:` + host + `|\[[0-9a-f.:]+\]|` + label + `)`)},
	{SpanTag, regexp.MustCompile(`(?i)[a-z0-9_.-]+:[^\s"=]+="[^"\n]*"`)},
	{SpanAddress, regexp.MustCompile(`(?i)\b\d{1,3}(?:` + dot + `\d{1,3}){3}(?:[:/]\d{1,5})*\b`)},
	{SpanAddress, regexp.MustCompile(`(?i)\[?(?:[0-9a-f]{0,4}` + colon + `){2,}[0-9a-f]{0,4}(?:` + dot + `\d{1,3})*(?:%[\w.-]+)?\]?(?:[:/]\d{1,5})*`)},
	{SpanAddress, regexp.MustCompile(`(?i)\b[0-9a-f]{2}(?:[-:.][0-9a-f]{2}){5}\b`)},
	{SpanHash, regexp.MustCompile(`\b\d+:[A-Za-z0-9/+]{3,}:[A-Za-z0-9/+]+|[0-9A-Fa-f]{16,}`)},
	{SpanID, regexp.MustCompile(`(?i)(?:[a-z0-9-]+--)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)},
	{SpanID, regexp.MustCompile(`(?i)\b(?:CVE|CWE|CAPEC|GHSA|EUVD|JVN|JVNDB|CERTFR|MS|KB|RHSA|DSA|USN|VU)[-#][a-z0-9][a-z0-9-]*`)},
	{SpanID, regexp.MustCompile(`\b(?:T\d{4}(?:\.\d{3})?|TA\d{4}|[GSMC]\d{4}|DS\d{4}|DET\d{4}|AN\d{4}|AS\d+)\b`)},
	{SpanPath, regexp.MustCompile(`(?i)"[^"\r\n]*\\[^"\r\n]*"`)},
	{SpanPath, regexp.MustCompile(`(?i)(?:\bHKEY_[A-Z_]+|\bHK(?:LM|CU|CR|U|CC)|\b[A-Z]:|%[\w()]+%|\\\\[\w.$-]+)\\(?:[^\\\r\n]{1,80}\\)*[^\\\s"]*`)},
	{SpanDomain, regexp.MustCompile(`(?i)` + host + `(?:(?::\d{1,5})?/` + tail + `|:\d{1,5})?`)},
	{SpanDomain, regexp.MustCompile(`[A-Za-z0-9-]+。[A-Za-z0-9-]+(?:。[A-Za-z0-9-]+)*`)},
	{SpanCode, regexp.MustCompile(`[!-~]*(?:[A-Za-z][!-~]*[0-9]|[0-9][!-~]*[A-Za-z]|[\\/_=<>{}@#$%&*^~|+])[!-~]*`)},
}

// Protect returns the parts of text that are no language, in order and without
// overlap: indicators (as they are and defanged), identifiers, patterns and
// rules, TLP and PAP labels, and the given names. It takes rather too much
// than too little: what is protected by mistake merely stays untranslated.
func Protect(text string, names ...string) []Span {
	var spans []Span
	for _, r := range recognisers {
		for _, m := range r.re.FindAllStringIndex(text, -1) {
			spans = append(spans, Span{m[0], m[1], r.kind})
		}
	}
	spans = append(spans, blocks(text)...)
	for _, n := range names {
		spans = appendName(spans, text, n)
	}
	return merge(spans, text)
}

// yaraStart and sigmaStart open rules whose end an expression cannot find.
var (
	yaraStart  = regexp.MustCompile(`\brule\s+\w+[^{}]{0,200}\{`)
	sigmaStart = regexp.MustCompile(`(?m)^[ \t]*(?:title|id|status|logsource|detection):`)
	sigmaCore  = regexp.MustCompile(`(?m)^[ \t]*detection:`)
)

// blocks finds rules of several lines: YARA up to its closing brace, Sigma,
// which is YAML, from its first key on to the end of the text.
func blocks(text string) []Span {
	var spans []Span
	for at := 0; at < len(text); {
		m := yaraStart.FindStringIndex(text[at:])
		if m == nil {
			break
		}
		end := closing(text, at+m[1])
		spans = append(spans, Span{at + m[0], end, SpanRule})
		at = end
	}
	if sigmaCore.MatchString(text) {
		spans = append(spans, Span{sigmaStart.FindStringIndex(text)[0], len(text), SpanRule})
	}
	return spans
}

// closing returns where the brace that was opened just before at closes: the
// end of the text if it never does.
func closing(text string, at int) int {
	depth := 1
	for i := at; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// appendName appends every occurrence of name, in any letter case, that is not
// the middle of a longer ASCII word.
func appendName(spans []Span, text, name string) []Span {
	name = strings.TrimSpace(name)
	if name == "" {
		return spans
	}
	re, err := regexp.Compile(`(?i)` + regexp.QuoteMeta(name))
	if err != nil { // only a name that is not UTF-8
		return spans
	}
	for _, m := range re.FindAllStringIndex(text, -1) {
		before := m[0] > 0 && wordByte(text[m[0]-1]) && wordByte(text[m[0]])
		after := m[1] < len(text) && wordByte(text[m[1]-1]) && wordByte(text[m[1]])
		if !before && !after {
			spans = append(spans, Span{m[0], m[1], SpanName})
		}
	}
	return spans
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// merge joins overlapping spans and drops empty ones. The joined span keeps
// the kind that is listed first in recognisers among its parts.
func merge(spans []Span, text string) []Span {
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	out := spans[:0]
	for _, s := range spans {
		if s.Start == s.End {
			continue
		}
		if n := len(out); n > 0 && s.Start < out[n-1].End {
			last := &out[n-1]
			last.End = max(last.End, s.End)
			if s.Kind.precedence() < last.Kind.precedence() {
				last.Kind = s.Kind
			}
			continue
		}
		out = append(out, s)
	}
	for i := range out {
		for out[i].End < len(text) && !utf8.RuneStart(text[out[i].End]) {
			out[i].End++
		}
	}
	return slices.Clip(out)
}

// kinds in order of precedence.
var kinds = [...]SpanKind{SpanMarking, SpanPattern, SpanRule, SpanURL, SpanEmail, SpanTag, SpanAddress, SpanHash, SpanID, SpanPath, SpanDomain, SpanName, SpanCode}

// precedence is the place of k in kinds.
func (k SpanKind) precedence() int { return slices.Index(kinds[:], k) }

// Indicator reports whether the whole text is something that must never be
// looked up or offered as a word: an indicator or a marking label. Not counted
// is what vendors use as names: identifiers (G0006), what looks like a domain
// (win.xloader) or like an address without one (admin@338).
func Indicator(text string) (SpanKind, bool) {
	text = strings.TrimSpace(text)
	if ordinary(text) {
		return "", false
	}
	return indicator(text)
}

// ordinary reports whether a text has nothing without which it cannot be an
// indicator or a label, so that most words need not be compared with any
// expression: it is made of letters, digits and a few signs, with too few hyphens
// for a MAC address and too few hexadecimal digits in a row for a hash.
func ordinary(text string) bool {
	hyphens, hex := 0, 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'f', r >= 'A' && r <= 'F':
			if hex++; hex == 16 {
				return false
			}
			continue
		case r == '-':
			if hyphens++; hyphens == 5 {
				return false
			}
		case unicode.IsLetter(r), unicode.IsMark(r), r == ' ', r == '_', r == '/', r == ',', r == '\'':
		default:
			return false
		}
		hex = 0
	}
	return true
}

// indicator is Indicator for a text without blanks around it.
func indicator(text string) (SpanKind, bool) {
	spans := Protect(text)
	if len(spans) != 1 || spans[0].Start != 0 || spans[0].End != len(text) {
		return "", false
	}
	switch k := spans[0].Kind; k {
	case SpanEmail:
		return k, slices.ContainsFunc(Protect(text[strings.LastIndexByte(text, '@')+1:]), func(s Span) bool {
			return s.Kind == SpanDomain || s.Kind == SpanAddress
		})
	case SpanMarking, SpanPattern, SpanRule, SpanURL, SpanAddress, SpanHash:
		return k, true
	}
	return "", false
}
