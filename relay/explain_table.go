package relay

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// Table says of each object of a file who would get it, in which form, and why
// the others would not. Shape and words are those of `entente explain --json`
// for several recipients.
type Table struct {
	At      time.Time  `json:"at"`
	Policy  string     `json:"policy"`
	Objects []TableRow `json:"objects"`
}

// TableRow is one object, in file order, with a line for each recipient.
type TableRow struct {
	ID         string           `json:"id"`
	Marking    string           `json:"marking"` // as its origin wrote it; "" when it was not taken
	Recipients []TableRecipient `json:"recipients"`
}

// TableRecipient is what one recipient would get of an object.
type TableRecipient struct {
	To           string             `json:"to"`
	Country      string             `json:"country"`
	Hypothetical bool               `json:"hypothetical"`
	Verdict      federation.Verdict `json:"verdict"`
	Removed      []string           `json:"removed"`
	Marking      string             `json:"marking"` // as the recipient would show it
	Reasons      []ExplainedReason  `json:"reasons"`
}

// ExplainTo judges a file for several recipients, each a peer's id or a country
// code as for [World.Explain]. The file is read once.
func (w *World) ExplainTo(data []byte, name, profile string, to []string, at time.Time) (*Table, error) {
	res, rules, err := w.readFile(data, name, profile, at)
	if err != nil {
		return nil, err
	}
	t := &Table{At: at, Policy: w.Bundle.Digest(), Objects: []TableRow{}}
	for _, id := range to {
		r, ex, err := w.explained(id)
		if err != nil {
			return nil, err
		}
		if err := w.explainFile(ex, res, r, rules, at); err != nil {
			return nil, err
		}
		t.add(ex)
	}
	return t, nil
}

// add adds a line for one recipient to every object.
func (t *Table) add(ex *Explanation) {
	for i, o := range ex.Objects {
		if i == len(t.Objects) {
			t.Objects = append(t.Objects, TableRow{ID: o.ID, Marking: o.Marking.From})
		}
		t.Objects[i].Recipients = append(t.Objects[i].Recipients, TableRecipient{To: ex.To, Country: ex.Country, Hypothetical: ex.Hypothetical,
			Verdict: o.Verdict, Removed: o.Removed, Marking: o.Marking.To, Reasons: o.Reasons})
	}
}

// First is the reason to name for a recipient: that of the first part which is
// taken out, or the first for the object; nil when it gets all of it.
func (r *TableRecipient) First() *ExplainedReason {
	for i := range r.Reasons {
		if r.Verdict != federation.Redact || r.Reasons[i].Path != "" {
			return &r.Reasons[i]
		}
	}
	return nil
}

// ExitCode is what `explain` ends with: 0 when every object may go to everybody
// in the table, at least in part; 4 when any is held; else 3.
func (t *Table) ExitCode() int {
	var all Explanation
	for _, o := range t.Objects {
		for _, r := range o.Recipients {
			all.Objects = append(all.Objects, Explained{Verdict: r.Verdict})
		}
	}
	return all.ExitCode()
}
