package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// endOn gives one shipped rule an end.
func endOn(t *testing.T, file, id, until string) map[string]string {
	t.Helper()
	raw := string(readShipped(t, "policies", file))
	changed := strings.Replace(raw, `@id("`+id+`")`, `@id("`+id+"\")\n@until(\""+until+`")`, 1)
	if changed == raw {
		t.Fatalf("no rule %s in %s", id, file)
	}
	return map[string]string{file: changed}
}

// An expired permission no longer allows; an expired duty stays.
func TestExpiredRules(t *testing.T) {
	d := newDemo(t)
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	plain := d.subject(t, "de-cert", indicator(nil))

	b, err := load(t, d.tables, endOn(t, "50-data.cedar", "technical-data", "2026-01-06"), nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := b.Decide(plain, to, demoNow.Add(-time.Second))
	if before.Verdict() != federation.Share || !before.Until().Equal(demoNow) {
		t.Errorf("before its end: %s until %s", before.Verdict(), before.Until())
	}
	after := b.Decide(plain, to, demoNow)
	if after.Verdict() != federation.Withhold || !strings.Contains(after.Reasons()[0].Text, "no longer allows this since 2026-01-06") {
		t.Errorf("after its end: %s %v", after.Verdict(), after.Reasons())
	}

	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Community = false
	for _, now := range []time.Time{demoNow.Add(-time.Second), demoNow, demoNow.AddDate(1, 0, 0)} {
		b, err := load(t, d.tables, endOn(t, "30-tlp.cedar", "tlp-green-community", "2026-01-06"), nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := b.Decide(plain, NewRecipient(d.de, a), now)
		if got.Verdict() != federation.Withhold || got.Reasons()[0].Rule != "tlp-green-community" {
			t.Errorf("at %s the duty is gone: %s %v", now, got.Verdict(), reasonsOf(got))
		}
	}
}

// A permission not yet in force does not allow, and says from when.
func TestRuleNotYetInForce(t *testing.T) {
	d := newDemo(t)
	raw := string(readShipped(t, "policies", "50-data.cedar"))
	raw = strings.Replace(raw, `@id("technical-data")`, "@id(\"technical-data\")\n@since(\"2026-02-01\")", 1)
	b, err := load(t, d.tables, map[string]string{"50-data.cedar": raw}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := b.Decide(d.subject(t, "de-cert", indicator(nil)), NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), demoNow)
	if got.Verdict() != federation.Withhold || !strings.Contains(got.Reasons()[0].Text, "only from 2026-02-01 on") {
		t.Errorf("%s %v", got.Verdict(), got.Reasons())
	}
}

// A rule that allows personal data counts from its review on, and not at all
// without one.
func TestUnreviewedRuleDoesNotCount(t *testing.T) {
	d := newDemo(t)
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	s := d.subject(t, "de-cert", indicator(object{"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"}))
	b, err := load(t, d.tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := b.Decide(s, to, demoNow)
	if got.goes() || got.Reasons()[0].Reason != federation.PersonalData {
		t.Fatalf("unreviewed: %s %v", got.Verdict(), reasonsOf(got))
	}
	if !strings.Contains(got.Reasons()[1].Text, "recorded who reviewed it") {
		t.Errorf("%q does not say what to do", got.Reasons()[1].Text)
	}
	if got := d.bundle.Decide(s, to, date(2026, 1, 1).Add(12*time.Hour)); got.goes() {
		t.Error("before its review: it goes")
	}
	if got := d.bundle.Decide(s, to, date(2026, 1, 2)); !got.goes() {
		t.Errorf("from its review on: %v", reasonsOf(got))
	}
}

// A law lapses at midnight while messages flow: the cached decision ends with
// it, and asking about the day before still gives that day's answer.
func TestLawLapsesAtMidnight(t *testing.T) {
	d := newDemo(t)
	raw := string(readShipped(t, "jurisdictions", "adequacy.yaml"))
	raw = strings.Replace(raw, "country: JP, from: 2019-01-23,", "country: JP, from: 2019-01-23, to: 2026-01-10,", 1)
	b, err := load(t, d.tables, nil, map[string]string{"adequacy.yaml": raw}, Options{Reviewed: d.bundle.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	s := d.subject(t, "de-cert", indicator(object{"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"}))
	to := NewRecipient(d.pl, sampleAgreement(t, "pl-cert--jp-carrier"))
	midnight := date(2026, 1, 10)
	for _, at := range []time.Time{demoNow, midnight.Add(-time.Nanosecond), midnight, midnight.Add(time.Hour), midnight.Add(-time.Nanosecond), demoNow} {
		got := b.Decide(s, to, at)
		if want := at.Before(midnight); got.goes() != want {
			t.Errorf("at %s: %s %v", at, got.Verdict(), reasonsOf(got))
		}
		if at.Before(midnight) && !got.Until().Equal(midnight) {
			t.Errorf("at %s: until %s, want %s", at, got.Until(), midnight)
		}
		if !at.Before(midnight) && !strings.Contains(got.Reasons()[0].Text, "No adequacy decision for JP is in force") {
			t.Errorf("at %s: %v", at, got.Reasons())
		}
	}
}

// Membership of a region is a dated fact: GB was inside until it left.
func TestRegionMembershipIsDated(t *testing.T) {
	d := newDemo(t)
	a := SampleAgreement("GB")
	to := NewRecipient(d.de, a)
	s := d.subject(t, "de-cert", indicator(handlingOf(object{"residency": []string{"EU"}})))
	left := date(2020, 2, 1)
	for _, at := range []time.Time{left.Add(-time.Second), left, left.Add(-time.Second), demoNow} {
		if got := d.bundle.Decide(s, to, at); got.goes() != at.Before(left) {
			t.Errorf("at %s: %s %v", at, got.Verdict(), reasonsOf(got))
		}
	}
}

// The cached and the fresh answer are the same at every moment at which
// something changes, whatever was asked before.
func TestCacheAgreesWithFresh(t *testing.T) {
	warm, cold := newDemo(t), newDemo(t)
	a := sampleAgreement(t, "pl-cert--jp-carrier")
	to := NewRecipient(warm.pl, a)
	objects := []object{
		nil, handlingOf(object{"residency": []string{"EEA"}}), {"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"},
		handlingOf(object{"scheme": "de-vs", "classification": "VS-NfD"}), {"object_marking_refs": nil},
	}
	moments := append([]time.Time{a.NotBefore, a.Until, demoNow}, warm.bundle.moments...)
	for range 2 {
		for _, m := range moments {
			for _, at := range []time.Time{m.Add(time.Second), m.Add(-time.Second), m} {
				for i, o := range objects {
					got := warm.bundle.Decide(warm.subject(t, "de-cert", indicator(o)), to, at)
					cold.bundle.outcomes = newCache[outcomeKey, *outcome](1)
					cold.bundle.answers = newCache[answerKey, *answer](1)
					cold.bundle.peers = newCache[[32]byte, *peerView](1)
					want := cold.bundle.Decide(cold.subject(t, "de-cert", indicator(o)), to, at)
					if got.Verdict() != want.Verdict() || strings.Join(reasonsOf(got), ",") != strings.Join(reasonsOf(want), ",") {
						t.Fatalf("object %d at %s: cached %s %v, fresh %s %v", i, at, got.Verdict(), reasonsOf(got), want.Verdict(), reasonsOf(want))
					}
				}
			}
		}
	}
}

// Classified material: the decision ends where the equivalence tables change,
// and does not begin before today, because the day of the last change is not
// known.
func TestTablesChange(t *testing.T) {
	d := newDemo(t)
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.NotBefore = date(2020, 1, 1)
	at := date(2021, 6, 15).Add(12 * time.Hour)
	change := d.tables.NextChange(at)
	if change.IsZero() || change.After(date(2022, 1, 1)) {
		t.Fatalf("the shipped tables do not change in 2021 but at %s: choose another day", change)
	}
	s := d.subject(t, "de-cert", indicator(merged(handlingOf(object{"scheme": "de-vs", "classification": "VS-NfD"}), object{"created": "2020-01-05T00:00:00.000Z"})))
	got := d.bundle.Decide(s, NewRecipient(d.de, a), at)
	if got.Until().IsZero() || got.Until().After(change) {
		t.Errorf("until %s, though the tables change at %s", got.Until(), change)
	}
	if from := got.outcome.span.from; !from.Equal(date(2021, 6, 15)) {
		t.Errorf("the outcome is good from %s on", from)
	}
}
