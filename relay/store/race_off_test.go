//go:build !race

package store

const modelChecks = "100"
