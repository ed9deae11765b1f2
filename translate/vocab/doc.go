// Package vocab loads vocabularies into a [translate.Dictionary]: MISP galaxy
// clusters, MISP machinetag taxonomies, and CSV tables of words and of
// mappings, as they ship in configs/vocabularies or as an operator has them.
//
// A file is read whole or refused whole. Every fault is listed with file and
// line; sizes are bounded before anything is decoded. Nothing is fetched.
package vocab
