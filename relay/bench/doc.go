// Package bench measures: what the relay costs on this machine, as ratios to
// bare NATS in the same run. Absolute figures vary twofold between runs on
// shared machines; ratios hold.
package bench
