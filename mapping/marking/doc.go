// Package marking reads markings as they are written: STIX marking-definitions
// (TLP 1.0 and 2.0, PAP, FIRST IEP 2.0, ACS 3.0, CUI, statements), MISP machine
// tags, and the parts of classification lines such as "SECRET//REL TO USA, GBR".
// Identifiers are matched exactly: an identifier that only looks like a published
// one is unknown (trap T5), and unknown is an error, never a default (law A8).
//
// It turns one marking into what it [Said]: handling, and the words of
// classification schemes, which the tables of package scheme have to read; the
// caller joins them.
package marking
