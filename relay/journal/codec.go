package journal

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/entente-relay/entente/federation"
)

// Decode reads one stored record strictly: unknown or repeated members and texts
// that do not fit are errors. Seq is not in it.
func Decode(data []byte) (*Record, error) {
	r := &Record{}
	if err := json.Unmarshal(data, r, json.RejectUnknownMembers(true)); err != nil {
		var v struct {
			Ver int `json:"ver"`
		}
		if json.Unmarshal(data, &v) == nil && v.Ver > Version {
			return nil, newerVersion(v.Ver)
		}
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "journal record", Detail: "it does not read", Err: err}
	}
	if r.Ver > Version {
		return nil, newerVersion(r.Ver)
	}
	if r.Ver < 1 {
		return nil, federation.Refuse(federation.Malformed, "journal record", fmt.Sprintf("version %d", r.Ver))
	}
	return r, r.check()
}

func newerVersion(v int) error {
	return &federation.Refusal{Reason: federation.Unsupported, Where: "journal record",
		Detail: fmt.Sprintf("version %d, this build reads up to %d", v, Version), Hint: "use the version of this program that wrote it, or a newer one"}
}

// withoutResidency returns in without what may not be kept of objects refused
// for residency: only digest and reason may.
func (in *Intake) withoutResidency() *Intake {
	if in == nil {
		return nil
	}
	var out *Intake
	for i := range in.Objects {
		o := &in.Objects[i]
		if o.Outcome != Refused || o.Reason != federation.Residency || o.ID == "" && o.Marking == "" {
			continue
		}
		if out == nil {
			c := *in
			c.Objects = append([]IntakeObject(nil), in.Objects...)
			out = &c
		}
		out.Objects[i].ID, out.Objects[i].Marking = "", ""
	}
	if out == nil {
		return in
	}
	return out
}

// Kind names a kind of record: the name of its member in JSON.
type Kind string

// The kinds of records.
const (
	KindIntake   Kind = "intake"
	KindSent     Kind = "sent"
	KindObserved Kind = "observed"
	KindReceipt  Kind = "receipt"
	KindSettle   Kind = "settle"
	KindLink     Kind = "link"
	KindPeer     Kind = "peer"
	KindReload   Kind = "reload"
	KindCut      Kind = "cut"
	KindHead     Kind = "head"
)

// Kind returns the kind of r, "" if it holds nothing.
func (r *Record) Kind() Kind {
	switch {
	case r.Intake != nil:
		return KindIntake
	case r.Sent != nil:
		return KindSent
	case r.Observed != nil:
		return KindObserved
	case r.Receipt != nil:
		return KindReceipt
	case r.Settle != nil:
		return KindSettle
	case r.Link != nil:
		return KindLink
	case r.Peer != nil:
		return KindPeer
	case r.Reload != nil:
		return KindReload
	case r.Cut != nil:
		return KindCut
	case r.Head != nil:
		return KindHead
	}
	return ""
}

// check refuses a record that does not say what its kind must say.
func (r *Record) check() error {
	n := 0
	for _, set := range []bool{r.Intake != nil, r.Sent != nil, r.Observed != nil, r.Receipt != nil, r.Settle != nil, r.Link != nil, r.Peer != nil, r.Reload != nil, r.Head != nil, r.Cut != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return badRecord("record", fmt.Sprintf("it holds %d kinds, want one", n))
	}
	// RFC 3339 has four digits for the year.
	if r.At.Before(time.Unix(0, 0)) || r.At.Year() > 9999 {
		return badRecord(string(r.Kind()), "it has no time")
	}
	switch {
	case r.Intake != nil:
		return r.Intake.check()
	case r.Sent != nil:
		return r.Sent.check()
	case r.Observed != nil:
		if r.Observed.Root != "" {
			return badRecord("observed", "it has a root, as only what left has")
		}
		return r.Observed.check()
	case r.Receipt != nil:
		return r.Receipt.check()
	case r.Settle != nil:
		return checkReason("settle", r.Settle.Reason, true)
	case r.Link != nil:
		return checkReason("link", r.Link.Reason, true)
	case r.Peer != nil:
		return nil
	case r.Cut != nil:
		if r.Cut.Seq == 0 || r.Cut.Hash == (Digest{}) {
			return badRecord("cut", "it does not say what was cut")
		}
		return nil
	case r.Head != nil:
		if r.Head.Signed == "" {
			return badRecord("head", "it is not signed")
		}
		return nil
	default:
		return checkReason("reload", r.Reload.Reason, true)
	}
}

func badRecord(where, detail string) error {
	return federation.Refuse(federation.Malformed, "journal "+where, detail)
}

func checkReason(where string, r federation.Reason, optional bool) error {
	if r == "" && optional || r != "" && r.Valid() {
		return nil
	}
	if r == "" {
		return badRecord(where, "it has no reason")
	}
	return badRecord(where, "its reason is not in the list")
}

func (in *Intake) check() error {
	if in.Source == "" {
		return badRecord("intake", "it has no source")
	}
	if err := checkReason("intake", in.Reason, true); err != nil {
		return err
	}
	for i := range in.Erased {
		if err := checkReason("intake", in.Erased[i].Reason, false); err != nil {
			return err
		}
	}
	for i := range in.Objects {
		o := &in.Objects[i]
		switch o.Outcome {
		case Taken, Duplicate, Held, Refused:
		default:
			return badRecord("intake", "an outcome is not in the list")
		}
		if err := checkReason("intake", o.Reason, o.Outcome == Taken || o.Outcome == Duplicate); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sent) check() error {
	if s.Peer == "" || s.LogFrom >= s.LogTo {
		return badRecord("sent", "it names no peer or judges no log entries")
	}
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.Link != 0 && (m.Link < s.First || m.Link > s.Last) {
			return badRecord("sent", "a message is outside its link sequences")
		}
		if m.shared != nil {
			if err := m.shared.check(m.Link != 0, len(s.Grounds)); err != nil {
				return err
			}
			continue
		}
		for j := range m.Objects {
			if err := m.Objects[j].check(m.Link != 0); err != nil {
				return err
			}
			for _, g := range m.Objects[j].Grounds {
				if g < 0 || g >= len(s.Grounds) {
					return badGround()
				}
			}
		}
	}
	return nil
}

// check sees to it that what left had a verdict that lets it, and that every
// other verdict has a reason.
func (o *SentObject) check(left bool) error {
	switch o.Verdict {
	case federation.Share, federation.Redact:
		if !left {
			return badRecord("sent", "an object that stayed has the verdict to go")
		}
	case federation.Withhold, federation.Hold:
		if len(o.Cited) == 0 || o.Cited[0].Reason == "" {
			return badRecord("sent", "an object stayed without a reason")
		}
	default:
		return badRecord("sent", "a verdict is not in the list")
	}
	for i := range o.Cited {
		if err := checkReason("sent", o.Cited[i].Reason, true); err != nil {
			return err
		}
	}
	for i := range o.Removed {
		if err := checkReason("sent", o.Removed[i].Reason, false); err != nil {
			return err
		}
	}
	return nil
}

func (r *Receipt) check() error {
	if r.Peer == "" || r.Root == "" {
		return badRecord("receipt", "it names no peer or no frame")
	}
	for i := range r.Outcomes {
		if err := checkReason("receipt", r.Outcomes[i].Reason, true); err != nil {
			return err
		}
	}
	return nil
}
