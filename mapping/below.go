package mapping

import "slices"

// Axes of a handling, as [Handling.Below] names them. Each is a limit of its own:
// a gain on one never makes up for a loss on another (law A3).
const (
	AxisTLP          = "TLP"
	AxisPAP          = "PAP"
	AxisLevel        = "classification"
	AxisCompartments = "compartments"
	AxisCaveats      = "caveats"
	AxisReleasable   = "releasable_to"
	AxisResidency    = "residency"
	AxisPurposes     = "purpose"
	AxisBegin        = "not before"
	AxisEnd          = "not after"
	AxisRetention    = "retain_days"
	AxisContracts    = "contract"
	AxisPersonalData = "personal_data"
	AxisStatements   = "statement"
)

// Below lists, sorted, the axes on which h protects less than o: what a newer
// version of an object may not do without its originator's signed act (law A12).
// It is empty where [Handling.AtLeast] holds. It holds in two cases more: a level
// counts whatever period of the tables it was marked in, since a newer version is
// marked later; and AMBER of TLP 1.0 is below nothing but AMBER+STRICT and RED.
func (h Handling) Below(o Handling) []string {
	var out []string
	axis := func(name string, holds bool) {
		if !holds {
			out = append(out, name)
		}
	}
	// AMBER of 1.0 may have meant one organisation only (trap T3).
	axis(AxisTLP, h.TLP >= o.TLP && (h.TLP != TLPAmber || o.TLP != TLPAmber || h.TLPVersion1 || !o.TLPVersion1))
	axis(AxisPAP, h.PAP >= o.PAP)
	axis(AxisLevel, levelsHold(h.Levels, o.Levels))
	axis(AxisCompartments, containsAll(h.Compartments, o.Compartments))
	axis(AxisCaveats, containsAll(h.Caveats, o.Caveats))
	axis(AxisReleasable, h.Releasable.Within(o.Releasable))
	axis(AxisResidency, h.Residency.Within(o.Residency))
	axis(AxisPurposes, h.Purposes.Within(o.Purposes))
	axis(AxisBegin, !h.NotBefore.Before(o.NotBefore))
	axis(AxisEnd, earlierLimit(h.NotAfter, o.NotAfter).Equal(h.NotAfter))
	axis(AxisRetention, shorterLimit(h.RetainDays, o.RetainDays) == h.RetainDays)
	axis(AxisContracts, containsAll(h.Contracts, o.Contracts))
	axis(AxisPersonalData, h.PersonalData || !o.PersonalData)
	axis(AxisStatements, containsAll(h.Statements, o.Statements))
	slices.Sort(out)
	return out
}

// levelsHold reports whether every level of o has, in h, one on the same ladder
// that is as protected, whenever the two were marked.
func levelsHold(h, o []Level) bool {
	for _, want := range o {
		if !slices.ContainsFunc(h, func(l Level) bool { return l.Scheme == want.Scheme && l.Country == want.Country && l.Rank >= want.Rank }) {
			return false
		}
	}
	return true
}
