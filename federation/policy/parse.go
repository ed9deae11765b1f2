package policy

import (
	"errors"

	"github.com/entente-relay/entente/mapping"
)

// ParseAgreement reads one agreement in YAML; file names it in errors. Unknown
// keys are refused with line, column and the key that was probably meant.
func ParseAgreement(text []byte, file string) (*Agreement, error) {
	return nil, errors.New("policy: agreements are not read yet")
}

// SampleAgreement returns hypothetical terms with a national CERT in a
// country: ceiling TLP:AMBER, in the TLP:GREEN community, no consents, nothing
// classified. It answers "what if" before any peer exists.
func SampleAgreement(country string) *Agreement {
	return &Agreement{Country: country, Kind: "authority", Ceiling: mapping.TLPUnmarked, Hypothetical: true}
}
