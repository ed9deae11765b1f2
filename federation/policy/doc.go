// Package policy decides what may cross a border: step "decide" of the eight
// that a message goes through.
//
// It takes three things and gives a [Decision]:
//
//   - a [Subject]: one STIX object with its handling understood and each of its
//     properties placed in a category ([Reader] makes it, once per message);
//   - a [Recipient]: what this node knows about the peer from their written
//     [Agreement], never from the peer's own word;
//   - a [Bundle]: the sharing rules (Cedar), the facts of law (YAML) and the
//     operator's reviews, loaded and proved together, with one digest.
//
// The rules are sentences in Cedar: forbid always wins, and what no rule
// permits is denied. This package computes every fact before a rule is asked,
// so that no rule can be skipped for want of one: a fact nobody knows has the
// value "unknown", which denies. A rule that fails is a deny and a hold
// (federation.PolicyError), because the engine itself would skip it.
//
// [Bundle.Decide] asks first whether the object may be sent (actions share
// and, beyond the issuer, reshare) and then, per category and handling, which
// of its properties may be shown (action disclose). Redaction falls out of
// that: a denied property is removed, and where it cannot be (it is fixed, or
// STIX requires it, or the object's id is derived from it) the object is
// withheld. [Closure.Relate] closes the message: mentions of what a peer does
// not get go too, whether it is in this message or in another.
//
// Which rules are asked is settled before a message comes: by action when they
// are loaded, by jurisdiction (@jurisdiction) once per recipient while nothing
// about it changes. A prohibition is asked in doubt. Facts of law
// (jurisdictions/laws.yaml) in force that reach sender and recipient are a fact
// of the recipient; a release that relies on a permission with @claims claims
// the protection of such a law, and [Decision.Allowed] says so. [Cited.In] words
// a rule in a further language.
//
// Decisions are plain functions of their arguments: no clock (the caller
// passes now), no files, no network. They are cached by everything the engine
// was given; [Decision.Until] says when a rule, a fact of law or an agreement
// next changes.
//
// The shipped rules are templates with their authors' reading of the law, not
// legal advice. A rule that allows personal or classified material counts only
// once the operator has recorded who reviewed it, and when.
package policy
