// Package configs holds what ships with a node and what its operator writes:
// the embedded data (schemes and equivalence tables, vocabularies, sharing
// policies, facts of law, sample agreements) and the struct of entente.yaml.
//
// The data is plain text that an officer, a translator or a lawyer can read
// and correct. An operator who wants other data names a folder in
// entente.yaml; it takes the place of the embedded one. Nothing here decides
// anything: the package that owns a kind of data loads and checks it
// (mapping/scheme, translate/vocab, federation/policy).
//
// configs imports no other package of the project.
package configs
