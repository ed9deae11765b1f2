package policy

import (
	"errors"
	"fmt"
)

// reviewsFile is a list of reviews as written.
type reviewsFile struct {
	Version  int `yaml:"version"`
	Reviewed []struct {
		Rule string `yaml:"rule"`
		By   string `yaml:"by"`
		On   day    `yaml:"on"`
	} `yaml:"reviewed"`
}

// ParseReviews reads a list of reviews in YAML, for [Options.Reviewed]; file
// names it in errors. Whether each rule exists and needs one is checked by
// [Load].
func ParseReviews(text []byte, file string) (map[string]Review, error) {
	var f reviewsFile
	doc, err := readYAML(text, file, &f)
	if err != nil {
		return nil, err
	}
	errs := []error{checkVersion(doc, f.Version, 1)}
	out := map[string]Review{}
	for i, r := range f.Reviewed {
		at := fmt.Sprintf("$.reviewed[%d]", i)
		if _, twice := out[r.Rule]; twice {
			errs = append(errs, doc.errorf(at, "rule %q is there twice", r.Rule))
		}
		if r.Rule == "" || r.By == "" || r.On.IsZero() {
			errs = append(errs, doc.errorf(at, "rule, by and on are all needed"))
		}
		out[r.Rule] = Review{By: r.By, On: r.On.Time}
	}
	return out, errors.Join(errs...)
}
