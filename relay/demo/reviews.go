package demo

import (
	"time"

	"github.com/entente-relay/entente/configs"
)

// SampleReviews stand for what an operator's own people do before a rule that
// allows personal or classified material counts: they read it and say so.
// They are for demonstrations and tests; nobody has reviewed anything.
func SampleReviews(on time.Time) []configs.Review {
	day := configs.Date{Time: on.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)}
	var out []configs.Review
	for _, r := range []struct{ rule, by string }{
		{"gdpr-eea", "data protection officer (sample)"},
		{"gdpr-adequacy", "data protection officer (sample)"},
		{"gdpr-operator", "data protection officer (sample)"},
		{"keep-classified", "security officer (sample, EXERCISE)"},
		{"classified-under-agreement", "security officer (sample, EXERCISE)"},
	} {
		out = append(out, configs.Review{Rule: r.rule, By: r.by, On: day})
	}
	return out
}
