// Package language holds what the translate step needs to know of human
// languages: which tag may stand in for another ([Rules]), and which parts of
// a text are no language at all and must come through any translation byte for
// byte ([Protect], [Seal]).
//
// Matching is stricter than golang.org/x/text/language on purpose: its default
// matcher answers Ukrainian with Russian and Urdu with English. Here only the
// same base language in the same script stands in; anything else is for the
// operator to state.
package language
