// Package cli is the command line of a node: one file a command, and the few
// things they share.
//
// A command reads its arguments, asks the package that knows the answer, and
// prints it: for people as text, for scripts as JSON (--json). It decides
// nothing itself. Commands that concern a running node reach it over the Unix
// socket in its data folder (relay/dashboard); the others work on files alone.
//
// What scripts may rely on: results go to stdout and everything else to
// stderr, an error says what is wrong, where, and what to do, and the exit
// code is one of five (exit.go).
package cli
