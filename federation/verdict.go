package federation

// Verdict is the outcome of deciding on one object for one recipient.
type Verdict string

// The four verdicts.
const (
	// Share: the object goes as it is.
	Share Verdict = "share"
	// Redact: the object goes with some properties removed.
	Redact Verdict = "redact"
	// Withhold: the object does not go.
	Withhold Verdict = "withhold"
	// Hold: the object waits, for a fact or for a person.
	Hold Verdict = "hold"
)

// Valid reports whether v is one of the four.
func (v Verdict) Valid() bool {
	switch v {
	case Share, Redact, Withhold, Hold:
		return true
	}
	return false
}

// Category says what kind of data a property holds. Policy decides on
// disclosure by category, so a property nobody could place is [FreeText]
// marked unsure, never silently [Technical].
type Category string

// The eight categories.
const (
	// Technical: about the attacker's infrastructure, tools and methods.
	Technical Category = "technical"
	// Context: about the report itself: names, dates, confidence, references.
	Context Category = "context"
	// Target: who or what was attacked: sector, country, victim organisation.
	Target Category = "target"
	// Personal: relates to an identified or identifiable natural person
	// (GDPR, Regulation (EU) 2016/679, Art. 4(1)).
	Personal Category = "personal"
	// Subscriber: a provider's records about its customers (such as
	// 18 U.S.C. 2702(c), 47 U.S.C. 222).
	Subscriber Category = "subscriber"
	// Commercial: prices, plans, contract terms, market data.
	Commercial Category = "commercial"
	// Source: would reveal who observed it or how.
	Source Category = "source"
	// FreeText: prose that may hold any of the others.
	FreeText Category = "free-text"
)

// Categories returns all categories in a fixed order.
func Categories() []Category {
	return []Category{Technical, Context, Target, Personal, Subscriber, Commercial, Source, FreeText}
}

// Valid reports whether c is one of the eight.
func (c Category) Valid() bool {
	switch c {
	case Technical, Context, Target, Personal, Subscriber, Commercial, Source, FreeText:
		return true
	}
	return false
}
