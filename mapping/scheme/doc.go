// Package scheme holds the ladders of national and international marking
// schemes and the tables that relate them. It answers what a label is
// ([Tables.Resolve]), what a marking as it is written says, with the words beside
// the level ([Tables.Read], [Tables.Understand]), what a level is over there ([Tables.Map], [Tables.Answer]),
// and whether the tables keep the laws ([Tables.Prove]).
//
// The data is YAML that an officer can read and edit (configs/schemes): each
// scheme with its levels from the least to the most protected, its handling
// words, its words for "not classified" and its dates; each table with its
// rows, its dates and its sources. [Load] is strict and keeps file and line of
// every row, which every outcome names. A row that was not read in its source
// is marked; it counts only after the operator accepts it by name
// ([Tables.Accept]), and every outcome that rests on it says so.
//
// In the eight steps a message goes through, "map" resolves the origin's label
// once, when the message comes in, and "decide" maps it for each receiver.
// Both are lookups: everything is compiled when it is loaded.
//
// Three things are deliberate. A level is mapped from the origin's own label,
// never from what a hop made of it. A pivot (the EU's or NATO's levels) joins
// two rows only where both stand in tables made for that pivot, so an
// agreement of the EU with a third state says nothing about a member's own
// material. And what is missing stays missing: no rung is rounded up or down
// unless a row says so.
//
// # The laws
//
// The laws A1 to A16 of the project's classification reference, how each is
// kept, and the tests that say so. "data" is proved by [Tables.Prove] over
// everything loaded, for every level, pair, date of change and path; "load" is
// refused row by row when the files are read; "code" holds whatever the tables
// say, because no code does otherwise. TestEachLawIsCaught breaks each law of
// the first two kinds once.
//
//	A1   data  no lowering: TestShippedTablesKeepTheLaws, TestProveCatchesMutations
//	A2   data  monotone: TestShippedTablesKeepTheLaws, TestProveCatchesMutations
//	A3   code  independent axes: mapping.TestNoAxisPaysForAnother, mapping.TestEveryFieldIsAnAxis, TestMapShippedAndVerified, federation/policy.TestRestrictionNeverWidens; Load refuses a table between two axes: TestLoadRefusesBadFiles
//	A4   code  from the origin's label: TestMapKnowsNoPath, TestMapRefusesForgedLevels
//	A5   data  no path advantage: TestShippedTablesKeepTheLaws, TestProveCatchesMutations; what is refused directly is refused: TestMapKnowsNoPath
//	A6   data  round trip: TestShippedTablesKeepTheLaws, TestProveCatchesMutations; home again the label stands: TestMapShippedAndVerified
//	A7   data  no equivalent: TestEachLawIsCaught; refused, never unclassified: TestMapShippedAndVerified
//	A8   load  unknown is refused: TestLoadRefusesBadFiles, TestNothingUnacceptedCounts
//	A9   data  an ambiguous label is refused: TestLabelsThatAreNotAmbiguous, TestMapAmbiguousCountry, TestLabelsOfSeveralSchemes
//	A10  load  then, now, and since: TestMapTakesTheMoreProtectiveDate, TestUpdatesNeverLower, TestReorganisedSchemes
//	A11  code  aggregation: mapping.TestAggregation
//	A12  code  lower only by the originator: TestTablesAreNoDowngradeTool, mapping.TestBelowIsAtLeast, federation/directory.TestDowngradeForged
//	A13  code  order does not matter: mapping.TestJoinIsASemilattice, mapping.TestAggregation
//	A14  load  one to many: TestMapOneToMany, TestLoadRefusesBadFiles
//	A15  code  no permission: federation/policy.TestEquivalenceIsNoPermission
//	A16  code  every decision says why, and is recorded with it: TestOutcomesSayWhy, relay.TestRecordNamesTablesAndRows
package scheme
