// Package marking reads markings as they are written: STIX marking-definitions
// (TLP 1.0 and 2.0, PAP, FIRST IEP 2.0, statements; ACS and CUI are recognised
// and named) and MISP machine tags. Identifiers are matched exactly: an identifier
// that only looks like a published one is unknown (trap T5), and unknown is an
// error, never a default (law A8).
//
// It turns one marking into one [mapping.Handling]; the caller joins them.
package marking
