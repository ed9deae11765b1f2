package relay

import (
	"errors"
	"fmt"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
)

// ApproversOf reads who may decide for a node from its configuration. Nobody is
// an answer: then nothing that needs a person is decided.
func ApproversOf(cfg *configs.Node) (*directory.Approvers, error) {
	var list []directory.Approver
	var errs []error
	for _, a := range cfg.Approvers {
		x, err := directory.NewApprover(a.ID, a.Key, endOf(a.Until.Time))
		errs = append(errs, err)
		list = append(list, x)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: approvers: %w", cfg.Path, err)
	}
	out, err := directory.NewApprovers(list...)
	if err != nil {
		return nil, fmt.Errorf("%s: approvers: %w", cfg.Path, err)
	}
	return out, nil
}
