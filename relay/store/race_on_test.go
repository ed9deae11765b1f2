//go:build race

package store

// modelChecks: SQLite in Go is some twenty times slower under the race
// detector, and the model has no concurrency to detect.
const modelChecks = "10"
