package language

// Span is a part of a text that no translation may touch: text[Start:End].
type Span struct {
	Start, End int
	Kind       SpanKind
}

// SpanKind says why a span is protected.
type SpanKind string
